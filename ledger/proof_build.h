/* What the builders of proofs share: memory that lives until the proof is packed, paths, packing. Private to ledger/proof. */
#ifndef XUELIAN_LEDGER_PROOF_BUILD_H
#define XUELIAN_LEDGER_PROOF_BUILD_H

#include "ledger/proof.h"
#include "ledger/tx/envelope.h"
#include "proto/ledger.pb-c.h"
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

/* A member's record, or a page of its keys that ended, that the proof brings. */
struct build_member {
    uint32_t id;
    uint32_t page; /* 0: the record itself */
    struct bytes record;
};
enum { BUILD_MEMBERS_MAX = 64 }; /* signatures of further ones are left out */

/* Everything that must live until the proof is packed hangs on one list. */
struct builder {
    const struct ledger_view *view;
    const struct proof_source *source;
    struct owned *owned;
    struct deposit *deposit; /* on that list; NULL before the first */
    struct build_member
        members[BUILD_MEMBERS_MAX]; /* ascending by id, page; packed beside the content */
    uint32_t member_count;
    bool histories; /* items show all their versions, signed or not */
    struct build_member
        read; /* the record read last, and decoded: items in a row are signed by one member */
    const Xuelian__Member *read_as;
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

/* The same of the entry with that key. ST_NOT_FOUND when there is none. */
enum status build_record_leaf(struct builder *builder, uint32_t collection,
                              struct bytes natural_key, Xuelian__LeafPath *out);

/* proof.c: an item with what the source lets it show: signatures and all versions; else with the versions from the
 * newest down to one below height `since`, 0: that one alone. */
Xuelian__ItemProof *build_item(struct builder *builder, uint64_t account_position,
                               struct bytes version, uint64_t since);
ProtobufCBinaryData build_account_value(struct builder *builder, const struct account *account);
/* The newest version of every item, its hash and its leaf. */
struct build_items {
    struct bytes *versions;
    struct hash32 *hashes;
    struct hash32 *leaves;
};
enum status build_items(struct builder *builder, const struct account *account,
                        struct build_items *items);

/* proof_archive.c: withhold as in proof_archive; without any, accounts merged into it are there too. */
enum status build_archive(struct builder *builder, const struct hash32 *learner,
                          const bool *withhold, Xuelian__ArchiveProof *archive);

/* proof_members.c: whether a verifier can know a signer's key at a height; notes its record where genesis does not
 * tell, or tells less than is known now. */
bool build_signer(struct builder *builder, const struct tx_signer *signer, uint64_t height);
/* Puts the records noted into the proof; build_pack does. */
enum status build_members(struct builder *builder, Xuelian__Proof *wire);

/* Adds version, chain and anchor to a proof's content. Returns ST_OK; ST_BAD_SIZE; ST_CORRUPT.
 * Out  *proof  malloc'ed, the caller frees it. */
enum status build_pack(struct builder *builder, const struct proof_anchor *anchor,
                       const Xuelian__Proof *content, uint8_t **proof, size_t *size);

/* proof_details.c: puts the details of a version into its proof, when they are at hand and one is to be shown. */
void build_details(struct builder *builder, const struct proof_details *wanted,
                   struct bytes version, Xuelian__ItemProof *item);

#endif
