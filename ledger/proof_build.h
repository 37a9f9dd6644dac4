/* What the builders of proofs share: memory that lives until the proof is packed, paths, packing. Private to ledger/proof. */
#ifndef XUELIAN_LEDGER_PROOF_BUILD_H
#define XUELIAN_LEDGER_PROOF_BUILD_H

#include "ledger/proof.h"
#include "ledger/tx/envelope.h"
#include "proto/proof.pb-c.h"

/* The transaction read last: items of one account often come from one, or follow one another in it. One
 * is kept, whatever the number of items, so that an archive costs memory for what it shows alone. */
struct deposit {
    bool good; /* tx is that of id */
    struct hash32 id;
    uint8_t *bytes;
    void *arena;           /* TX_ARENA_SIZE, from the first use on */
    struct hash32 *leaves; /* LIMIT_BULK_ITEMS_MAX; of a bulk payload's items */
    struct tx tx;
};

/* Everything that must live until the proof is packed hangs on one list. */
struct builder {
    const struct ledger_view *view;
    const struct proof_source *source;
    struct owned *owned;
    struct deposit *deposit; /* on that list; NULL before the first */
};

/* Takes malloc'ed memory; it lives until build_release. */
void *build_own(struct builder *builder, void *memory);
void *build_zeroed(struct builder *builder, size_t count, size_t size);
void build_release(struct builder *builder);

/* Out: the collection's path in the state. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status build_collection_path(struct builder *builder, uint32_t collection,
                                  ProtobufCBinaryData *out);
/* Out: where the leaf is, and what it says. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status build_leaf_path(struct builder *builder, uint32_t collection, uint64_t position,
                            Xuelian__LeafPath *out, struct merkle_leaf *leaf);

/* Adds version, chain and anchor to a proof's content. Returns ST_OK; ST_BAD_SIZE; ST_CORRUPT.
 * Out  *proof  malloc'ed, the caller frees it. */
enum status build_pack(struct builder *builder, const struct proof_anchor *anchor,
                       const Xuelian__Proof *content, uint8_t **proof, size_t *size);

#endif
