#include "tests/unit/ledger/reseal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/block.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "proto/quorum.h"
#include "tests/unit/ledger/support.h"

static const ProtobufCMessageDescriptor *const contents[] = {
    NULL,
    &xuelian__outcome__descriptor,
    &xuelian__recognition__descriptor,
    &xuelian__conversion__descriptor,
    &xuelian__points_entry__descriptor,
    &xuelian__consent__descriptor,
    &xuelian__dispute__descriptor,
    &xuelian__key_change__descriptor,
    &xuelian__link__descriptor,
};

static Xuelian__ArchiveProof *archive_of(Xuelian__Proof *proof)
{
    return proof->archive != NULL ? proof->archive : proof->conversion->archive;
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *schema,
                                const ProtobufCBinaryData *data)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(schema, NULL, data->len, data->data);
    CHECK(message != NULL);
    return message;
}

static void pack_into(ProtobufCBinaryData *field, const ProtobufCMessage *message)
{
    free(field->data);
    field->len = protobuf_c_message_get_packed_size(message);
    field->data = malloc(field->len + 1);
    CHECK(field->data != NULL);
    protobuf_c_message_pack(message, field->data);
}

void reseal_open(struct resealing *open, struct bytes proof)
{
    memset(open, 0, sizeof *open);
    open->proof = xuelian__proof__unpack(NULL, proof.size, proof.data);
    CHECK(open->proof != NULL);
    Xuelian__ArchiveProof *archive = archive_of(open->proof);
    CHECK(archive->n_items <= RESEAL_ITEMS_MAX);
    open->count = archive->n_items;
    for (size_t i = 0; i < open->count; i++) {
        open->versions[i] = (Xuelian__ItemVersion *)(void *)unpack(
            &xuelian__item_version__descriptor, &archive->items[i]->item->version);
        open->contents[i] = unpack(contents[open->versions[i]->kind], &open->versions[i]->content);
    }
    if (archive->summary.len > 0) {
        open->summary = (Xuelian__AccountSummary *)(void *)unpack(
            &xuelian__account_summary__descriptor, &archive->summary);
    }
}

/* Conversions that name a version of this hash name the other. */
static void follow(struct resealing *open, const struct hash32 *before, const struct hash32 *after)
{
    for (size_t i = 0; i < open->count; i++) {
        if (open->versions[i]->kind != XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION) {
            continue;
        }
        const Xuelian__Conversion *said =
            (const Xuelian__Conversion *)(const void *)open->contents[i];
        for (size_t k = 0; k < said->n_sources; k++) {
            ProtobufCBinaryData *hash = &said->sources[k]->version_hash;
            if (hash->len == 32 && memcmp(hash->data, before, 32) == 0) {
                memcpy(hash->data, after, 32);
            }
        }
    }
}

static void seal_items(struct resealing *open, Xuelian__AccountValue *value)
{
    Xuelian__ArchiveProof *archive = archive_of(open->proof);
    struct hash32 leaves[RESEAL_ITEMS_MAX];
    struct hash32 root;
    for (size_t i = 0; i < open->count; i++) {
        ProtobufCBinaryData *version = &archive->items[i]->item->version;
        struct hash32 before;
        struct hash32 after;
        uint8_t leaf[40];
        hash_tagged(&before, TAG_VERSION, version->data, version->len);
        pack_into(&open->versions[i]->content, open->contents[i]);
        pack_into(version, &open->versions[i]->base);
        hash_tagged(&after, TAG_VERSION, version->data, version->len);
        follow(open, &before, &after);
        be64_put(leaf, i + 1);
        memcpy(leaf + 8, &after, 32);
        hash_leaf(&leaves[i], TAG_LEAF_ITEM, leaf, sizeof leaf);
    }
    merkle_root(&root, leaves, open->count);
    memcpy(value->item_root.data, &root, 32);
    if (open->summary != NULL) {
        pack_into(&archive->summary, &open->summary->base);
        hash_tagged(&root, TAG_SUMMARY, archive->summary.data, archive->summary.len);
        memcpy(value->summary_hash.data, &root, 32);
    }
}

static void node(struct hash32 *out, const struct hash32 *left, const void *right)
{
    uint8_t bytes[65] = {1};
    memcpy(bytes + 1, left, 32);
    memcpy(bytes + 33, right, 32);
    hash_plain(out, bytes, sizeof bytes);
}

/* From the account's new value to the state root. A rule's path goes through the accounts' leaf: its second hash is that
 * of collections 7 and 8. */
static void seal_state(struct resealing *open, struct hash32 *state_root)
{
    Xuelian__ArchiveProof *archive = archive_of(open->proof);
    Xuelian__LeafPath *path = archive->leaf;
    struct hash32 parts[3];
    struct hash32 hash;
    struct hasher hasher;
    uint8_t bytes[44];
    be32_put(bytes, path->collection);
    hasher_init_tagged(&hasher, TAG_TREE_KEY);
    hasher_update(&hasher, bytes, 4);
    hasher_update(&hasher, archive->learner.data, 32);
    hasher_final(&hasher, &parts[0]);
    memcpy(&parts[1], path->next_key.data, 32);
    hash_tagged(&parts[2], TAG_ACCOUNT, archive->account_value.data, archive->account_value.len);
    hash_leaf(&hash, TAG_LEAF_STATE, parts, sizeof parts);
    CHECK(merkle_root_from_path(&hash, &hash, path->position, path->count,
                                (const struct hash32 *)path->path.data,
                                path->path.len / 32) == ST_OK);
    be64_put(bytes + 4, path->count);
    memcpy(bytes + 12, &hash, 32);
    hash_leaf(&hash, TAG_LEAF_COLLECTION, bytes, sizeof bytes);
    for (size_t i = 0; open->proof->conversion != NULL && i < open->proof->conversion->n_rules;
         i++) {
        struct hash32 pair;
        node(&pair, &hash, path->collection_path.data);
        memcpy(open->proof->conversion->rules[i]->leaf->collection_path.data + 32, &pair, 32);
    }
    CHECK(merkle_root_from_path(state_root, &hash, path->collection - 1, COLLECTION_COUNT,
                                (const struct hash32 *)path->collection_path.data,
                                path->collection_path.len / 32) == ST_OK);
}

static void seal_anchor(struct resealing *open, const struct genesis *genesis,
                        const struct hash32 *state_root)
{
    struct certificate certificate = {.phase = VOTE_COMMIT};
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    struct hash32 hash;
    ProtobufCBinaryData *header = &open->proof->anchor->header;
    Xuelian__Header *wire = (Xuelian__Header *)(void *)unpack(&xuelian__header__descriptor, header);
    memcpy(wire->state_root.data, state_root, 32);
    certificate.height = wire->height;
    pack_into(header, &wire->base);
    xuelian__header__free_unpacked(wire, NULL);
    hash_tagged(&certificate.header_hash, TAG_HEADER, header->data, header->len);
    certificate.count = quorum_size(genesis->set.count);
    vote_hash(&hash, TAG_SIGN_COMMIT, &genesis->chain_id, genesis->set.era, 0, certificate.height,
              &certificate.header_hash);
    for (uint8_t i = 0; i < certificate.count; i++) {
        struct signer *signer = support_signer((uint8_t)(100 + genesis->set.validators[i].member));
        certificate.signers[i] = i;
        signer_sign(signer, &hash, &certificate.signatures[i]);
        signer_free(signer);
    }
    ProtobufCBinaryData *field = &open->proof->anchor->certificate;
    free(field->data);
    field->len = certificate_encode(bytes, &certificate, genesis->set.count);
    field->data = malloc(field->len);
    CHECK(field->data != NULL);
    memcpy(field->data, bytes, field->len);
}

struct bytes reseal_close(struct resealing *open, const struct genesis *genesis)
{
    Xuelian__ArchiveProof *archive = archive_of(open->proof);
    struct hash32 state_root;
    Xuelian__AccountValue *value = (Xuelian__AccountValue *)(void *)unpack(
        &xuelian__account_value__descriptor, &archive->account_value);
    if (open->summary == NULL) {
        free(archive->summary.data);
        archive->summary = (ProtobufCBinaryData){.data = NULL};
    }
    seal_items(open, value);
    pack_into(&archive->account_value, &value->base);
    xuelian__account_value__free_unpacked(value, NULL);
    seal_state(open, &state_root);
    seal_anchor(open, genesis, &state_root);
    ProtobufCBinaryData packed = {.data = NULL};
    pack_into(&packed, &open->proof->base);
    for (size_t i = 0; i < open->count; i++) {
        protobuf_c_message_free_unpacked(open->contents[i], NULL);
        xuelian__item_version__free_unpacked(open->versions[i], NULL);
    }
    if (open->summary != NULL) {
        xuelian__account_summary__free_unpacked(open->summary, NULL);
    }
    xuelian__proof__free_unpacked(open->proof, NULL);
    return bytes_of(packed.data, packed.len);
}
