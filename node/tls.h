/* TLS 1.3 over memory: bytes in, bytes out, no sockets. For peers and for the RPC port.
 * One loop thread owns a connection; a context may be shared by the connections of one loop. */
#ifndef XUELIAN_NODE_TLS_H
#define XUELIAN_NODE_TLS_H

#include <openssl/ssl.h>

#include <stdbool.h>

#include "proto/status.h"
#include "proto/types.h"

/* A context with a new self-made P-256 certificate of no authority; the other side's certificate proves
 * nothing and is not looked at: identity comes after (peers) or by pinning (RPC).
 * alpn: "xuelian/peer", "http/1.1", "h2,http/1.1": offered, or chosen from in this order; or NULL.
 * Returns ST_OK; ST_NO_MEMORY. Out: *context, freed with SSL_CTX_free. */
enum status tls_context_new(SSL_CTX **context, const char *alpn);
/* The context's certificate. PEM: malloc'ed text. Digest: SHA-256 of the DER form. */
enum status tls_context_certificate(SSL_CTX *context, char **pem, struct hash32 *digest);

struct tls {
    SSL *ssl;
    BIO *in;       /* ciphertext from the network */
    BIO *out;      /* ciphertext for the network */
    size_t forced; /* private */
};

enum status tls_open(struct tls *tls, SSL_CTX *context, bool client);
void tls_close(struct tls *tls);

/* Gives ciphertext that arrived. Returns ST_OK; ST_NO_MEMORY. */
enum status tls_feed(struct tls *tls, const uint8_t *data, size_t size);
/* Goes on with the handshake. Returns ST_OK when done; ST_FUTURE: needs more; ST_BAD_ENCODING: failed. */
enum status tls_handshake(struct tls *tls);
/* After the handshake: whether this protocol was agreed on (RFC 7301). */
bool tls_speaks(const struct tls *tls, const char *protocol);
/* Reads plaintext. Returns bytes read; 0: nothing now; -1: the connection is over or broken. */
int tls_read(struct tls *tls, uint8_t *data, size_t size);
/* Encrypts all of it. Returns ST_OK; ST_BAD_ENCODING when broken. */
enum status tls_write(struct tls *tls, const uint8_t *data, size_t size);
/* Ciphertext to send: returns how much was copied out, 0 when none. */
size_t tls_take(struct tls *tls, uint8_t *data, size_t size);
size_t tls_pending(struct tls *tls);
/* Counts the answers that TLS gives by itself, to key updates: they pile up while the other side does not
 * read. before: tls_pending before the bytes that arrived were read. counted: nothing else was encrypted
 * meanwhile; else the count begins anew. Returns false past 64 KiB: the connection must be closed. */
bool tls_forced(struct tls *tls, bool counted, size_t before);

/* Channel binding of RFC 9266: 32 bytes only the two ends of this connection know. */
enum status tls_exporter(struct tls *tls, struct hash32 *out);

#endif
