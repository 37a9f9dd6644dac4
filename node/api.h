/* What the RPC threads may ask of the node.
 *
 * Writes and live questions go to the loop thread and come back through the caller's inbox: each request
 * is a struct that begins with a task; fill in the input, set done, call the function; done runs on the
 * loop of reply_to with the output set, and frees the struct. Reads of committed state need no round
 * trip: open a view (any thread). The node outlives the RPC. */
#ifndef XUELIAN_NODE_API_H
#define XUELIAN_NODE_API_H

#include "ledger/genesis.h"
#include "ledger/store/block_log.h"
#include "ledger/view.h"
#include "node/evidence/evidence.h"
#include "node/worker.h"
#include "proto/block.h"
#include "proto/status.h"

struct node;

enum node_tx_state {
    NODE_TX_UNKNOWN,
    NODE_TX_PENDING,
    NODE_TX_COMMITTED, /* code and results are set */
    NODE_TX_REFUSED,   /* never in a block; code says why */
    NODE_TX_EXPIRED    /* its last height has passed without it */
};

struct node_tx_status {
    enum node_tx_state state;
    struct hash32 id;
    uint64_t height; /* committed: its block */
    uint32_t index;
    uint32_t code;   /* committed: result; refused: reason */
    uint8_t *result; /* committed: canonical TxResult, malloc'ed, the receiver frees it; or NULL */
    size_t result_size;
};

enum { NODE_WAIT_MS_MAX = 60000 };

/* Submit an envelope, and wait at most timeout_ms for it to be committed (0: answer at once).
 * status: ST_OK with tx; else why it was not taken: form (100..199), ST_BUSY. */
struct node_submit {
    struct task task;
    struct inbox *reply_to;
    uint8_t *bytes; /* malloc'ed, taken */
    size_t size;
    uint64_t timeout_ms; /* at most NODE_WAIT_MS_MAX */
    enum status status;
    uint32_t item; /* of a bulk payload, from 0: whose details are wrong */
    struct node_tx_status tx;
};
void node_submit(struct node *node, struct node_submit *request);

/* The status of an id, waiting at most timeout_ms while it is pending or unknown. */
struct node_wait {
    struct task task;
    struct inbox *reply_to;
    struct hash32 id;
    uint64_t timeout_ms;
    struct node_tx_status tx;
};
void node_wait(struct node *node, struct node_wait *request);

struct node_peer_info {
    struct pubkey33 key;
    uint32_t member;
    bool connected;
};

/* Where the node stands, for the network page and the doctor. */
struct node_info {
    struct task task;
    struct inbox *reply_to;
    uint64_t height;
    struct hash32 header_hash;
    uint64_t time_ms; /* of the newest block */
    uint64_t era;
    uint64_t view;
    uint32_t validators;
    uint32_t quorum;
    int32_t self;         /* index in the set, -1: not a member */
    uint32_t primary;     /* member number */
    bool journal_lost;    /* it follows and never votes until the operator acts */
    uint64_t incarnation; /* of the vote journal; 0 too when it is lost */
    bool voting;
    bool catching_up;
    bool stopped;
    uint32_t pool_count;
    uint64_t pool_bytes;
    uint32_t peer_count;
    struct node_peer_info peers[256];
    uint64_t validity_window;
    char text[2048]; /* for people: whom it waits for */
};
void node_info(struct node *node, struct node_info *request);

/* This node's signature that it follows and holds its key, over the newest block: what a set change that
 * adds it needs. Only ever at the operator's word.
 * status: ST_OK with following; else why not, in words too. */
struct node_following {
    struct task task;
    struct inbox *reply_to;
    enum status status;
    struct following following;
    char why[256];
};
void node_following(struct node *node, struct node_following *request);

/* The evidence against validators that this node keeps, in the order in which it came. */
struct node_evidence_piece {
    char id[40]; /* "ERA-INDEX-KIND" */
    uint64_t era;
    struct pubkey33 key;
    struct evidence_facts facts;
    uint64_t seen_ms;
    uint8_t *bytes; /* canonical KeptEvidence, malloc'ed */
    size_t size;
};
struct node_evidence {
    struct task task;
    struct inbox *reply_to;
    char id[40]; /* of the only one wanted, or "" */
    struct node_evidence_piece *list;
    size_t count;
};
void node_evidence(struct node *node, struct node_evidence *request);
/* Frees what it was answered with. Any thread. */
void node_evidence_free(struct node_evidence *request);

/* A view of the newest committed state, and the certificate of its header. Any thread.
 * Returns ST_OK; ST_MISSING when the certificate is not in the log yet (height 0); ST_CORRUPT, ST_IO.
 * Out  *certificate  malloc'ed, freed with kv_free; closed with ledger_view_close. */
enum status node_view(struct node *node, struct ledger_view *view, uint8_t **certificate,
                      size_t *certificate_size);

/* Any thread; live as long as the node. */
struct block_log *node_block_log(struct node *node);
const struct genesis *node_genesis(struct node *node);
struct bytes node_genesis_bytes(struct node *node);
const struct signer *node_signer(struct node *node);
const char *node_data_dir(struct node *node);

/* Prometheus text of every counter. Returns malloc'ed text, NUL-ended. Any thread. */
char *node_metrics(struct node *node);
/* Ready: caught up and connected to a quorum. Any thread. Writes why not. */
bool node_ready(struct node *node, char *why, size_t why_size);

#endif
