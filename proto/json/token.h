/* Tokens with which members and learners read (RFC 7519, signature ES256K of RFC 8812): signed by a key that the chain
 * knows, for one node of one chain, for at most five minutes. docs/access.md. Pure; any thread. */
#ifndef XUELIAN_PROTO_TOKEN_H
#define XUELIAN_PROTO_TOKEN_H

#include "proto/sign.h"
#include "proto/types.h"

enum { TOKEN_SIZE_MAX = 1024, TOKEN_LIFE_S = 300, TOKEN_SKEW_S = 30, TOKEN_WHY_SIZE = 160 };

/* Who reads: a member, or a learner. */
struct token {
    uint32_t member;       /* 0: a learner */
    struct hash32 learner; /* when no member */
    struct pubkey33 key;   /* that signed; whether it is the issuer's is for the chain to say */
    uint64_t issued_s;     /* Unix time */
    uint64_t expires_s;
};

/* Writes a token valid from now on for TOKEN_LIFE_S. key, issued_s and expires_s of *token are set.
 * Out: text, NUL-ended.  Returns its length.  Cost: a signature. */
size_t token_make(char text[TOKEN_SIZE_MAX], struct token *token, const struct signer *signer,
                  const struct hash32 *chain, const struct pubkey33 *node, uint64_t now_s);

/* Reads a token and checks its signature, its audience and its times. A high-S signature is taken: common libraries
 * make them, and nothing is identified by these bytes.
 * Returns  ST_OK; ST_BAD_TOKEN, with one sentence in why.  Cost: a verification; 20 KiB of heap for a while. */
enum status token_read(struct token *token, const char *text, size_t size,
                       const struct hash32 *chain, const struct pubkey33 *node, uint64_t now_s,
                       char why[TOKEN_WHY_SIZE]);

#endif
