/* Talking to nodes: HTTPS with libcurl, with the node's identity proved by the chain and not by an authority.
 *
 * A node's certificate is self-made. The first request to a node asks /v1/network/tls for its endorsement: a
 * signature by a node key that genesis lists over the SHA-256 of the certificate of this very connection.
 * From then on only that certificate is accepted; when the node has made another (it was restarted), its
 * endorsement is asked for again. Without a genesis file (xuelian status) nothing can be pinned and the
 * answers are not trusted for anything. Plain http:// is accepted for loopback addresses alone.
 *
 * Requests run side by side on one thread (curl's multi interface). What is read of the answers is in
 * README.md. */
#ifndef XUELIAN_CLI_CLIENT_H
#define XUELIAN_CLI_CLIENT_H

#include <jansson.h>

#include "cli/text.h"
#include "ledger/genesis.h"
#include "proto/json/token.h"
#include "proto/types.h"

enum {
    CLIENT_NODES_MAX = 64,
    CLIENT_ANSWER_SIZE_MAX = 17 * 1024 * 1024, /* a proof, and its JSON frame */
    CLIENT_FAILURE_SIZE = 256,
    CLIENT_TIMEOUT_S = 20,
    CLIENT_CONNECT_TIMEOUT_S = 4
};

struct client;

/* In: genesis borrowed, or NULL. URLs are copied; false with *fault (EXIT_USAGE) when one is not a URL. */
bool client_open(struct client **client, const char *const *urls, uint32_t url_count,
                 const struct genesis *genesis, struct fault *fault);
void client_close(struct client *client);
uint32_t client_node_count(const struct client *client);
const char *client_node_url(const struct client *client, uint32_t node);

struct client_answer {
    bool reached;     /* a node answered; else `failure` says why not */
    bool distrusted;  /* something answered that did not prove to be a node of this network */
    long http_status; /* 200 and so on */
    char *body;       /* NUL-ended; freed by client_answer_free */
    size_t body_size;
    char failure[CLIENT_FAILURE_SIZE]; /* curl's words, or ours */
};
void client_answer_free(struct client_answer *answer);

/* What one request asks. body NULL: GET. */
struct client_request {
    const char *path;   /* "/v1/..." */
    const char *accept; /* media type, or NULL: application/json */
    const uint8_t *body;
    size_t body_size;
    bool personal; /* about a person: says who reads, when that is known */
};

/* Who reads, from now on: a member, or member 0 and the learner. Each node gets tokens of its own; plain http gets
 * none. In: signer borrowed. */
void client_read_as(struct client *client, uint32_t member, const struct hash32 *learner,
                    const struct signer *signer);
/* A token of the reader for one node, which must prove itself first. False with why. */
bool client_token(struct client *client, uint32_t node, char text[TOKEN_SIZE_MAX],
                  struct token *token, char why[CLIENT_FAILURE_SIZE]);
/* Or whoever has this code of a consent, 32 hex characters, borrowed. */
void client_read_with(struct client *client, const char *code);

/* Asks one node and waits. */
void client_ask(struct client *client, uint32_t node, const struct client_request *request,
                struct client_answer *answer);

/* Asks the nodes in turn, from the one that answered last, until one answers other than "busy" or
 * "not ready". False with *fault naming each node and why: EXIT_REFUSED when one was not to be believed, which
 * waiting does not mend; else EXIT_NETWORK. */
bool client_ask_any(struct client *client, const struct client_request *request,
                    struct client_answer *answer, struct fault *fault);

/* Starts a request; done is called from client_run, owns the answer and may start others. Asks first for
 * the endorsement of a certificate not known yet, which blocks for at most CLIENT_CONNECT_TIMEOUT_S.
 * Returns false with why when the node cannot be reached or trusted. In: body outlives the request. */
bool client_start(struct client *client, uint32_t node, const struct client_request *request,
                  void (*done)(void *context, struct client_answer *answer), void *context,
                  char why[CLIENT_FAILURE_SIZE]);
/* Runs requests for at most timeout_ms, or until one is done. */
void client_run(struct client *client, int timeout_ms);
/* Ends all requests that were started; done is not called. */
void client_cancel_all(struct client *client);

/* Reads a problem (RFC 9457) or says the HTTP status in words. Out: fault with EXIT_REFUSED.
 * Returns the stable code of the problem, or 0. */
uint32_t client_problem(const struct client_answer *answer, struct fault *fault);

/* A JSON field by its name in the schema ("item_codes"), also as proto3 JSON writes it ("itemCodes");
 * NULL when absent. */
json_t *json_field(const json_t *object, const char *name);
/* A number, also as the decimal text in which proto3 JSON writes 64-bit ones; absent is 0. */
uint64_t json_u64(const json_t *object, const char *name);
/* Lower-case hex of exactly size bytes. */
bool json_hex(const json_t *object, const char *name, uint8_t *out, size_t size);

#endif
