/* Conversion proofs: the conversion, its sources in the versions that it names, its rule; or with the whole archive, and
 * the rules of every conversion in it, so that what stood before can be worked out too. */
#include <stdlib.h>
#include <string.h>

#include "ledger/proof_build.h"
#include "ledger/tx/conversion.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { ITEMS_MAX = 1 + LIMIT_CONVERSION_SOURCES_MAX };

/* Numbers of rules, ascending. */
struct rule_list {
    uint32_t *ids;
    uint32_t count;
};

static void rule_add(struct rule_list *rules, uint32_t id)
{
    uint32_t at = rules->count;
    for (; at > 0 && rules->ids[at - 1] >= id; at--) {
        if (rules->ids[at - 1] == id) {
            return;
        }
    }
    memmove(&rules->ids[at + 1], &rules->ids[at], (rules->count - at) * sizeof rules->ids[0]);
    rules->ids[at] = id;
    rules->count++;
}

/* ST_NOT_FOUND: the version is not of a conversion. */
static enum status conversion_of(struct bytes version, struct conversion *conversion)
{
    struct item item;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, item.memory, sizeof item.memory);
    if (canonical_decode(&message, &xuelian__item_version__descriptor, version, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    item.version = (const Xuelian__ItemVersion *)(const void *)message;
    return item.version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION
               ? conversion_decode(conversion, &item)
               : ST_NOT_FOUND;
}

static enum status add_rules(struct builder *builder, const struct rule_list *rules,
                             Xuelian__ConversionProof *out)
{
    Xuelian__RuleProof *wires = build_zeroed(builder, rules->count, sizeof *wires);
    Xuelian__RuleProof **pointers =
        build_zeroed(builder, rules->count, sizeof(Xuelian__RuleProof *));
    Xuelian__LeafPath *paths = build_zeroed(builder, rules->count, sizeof *paths);
    for (uint32_t i = 0; i < rules->count; i++) {
        uint8_t key[4];
        uint8_t *value = NULL;
        size_t size = 0;
        be32_put(key, rules->ids[i]);
        struct bytes natural_key = bytes_of(key, sizeof key);
        enum status status = ledger_view_record(
            builder->view, XUELIAN__COLLECTION__COLLECTION_RULES, natural_key, &value, &size);
        if (status == ST_OK) {
            (void)build_own(builder, value);
            status = build_record_leaf(builder, XUELIAN__COLLECTION__COLLECTION_RULES, natural_key,
                                       &paths[i]);
        }
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_CORRUPT : status; /* rules are never removed */
        }
        xuelian__rule_proof__init(&wires[i]);
        wires[i].rule = field_borrow(value, size);
        wires[i].leaf = &paths[i];
        pointers[i] = &wires[i];
    }
    out->rules = pointers;
    out->n_rules = rules->count;
    return ST_OK;
}

/* The conversion and its sources, in their places. */
static enum status add_items(struct builder *builder, const struct hash32 *learner,
                             const struct account *account, const struct build_items *items,
                             const struct conversion *conversion, Xuelian__ConversionProof *out)
{
    struct merkle_leaf leaf;
    uint64_t numbers[ITEMS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < conversion->source_count; i++) {
        numbers[count++] = conversion->sources[i].item;
    }
    numbers[count++] = out->conversion; /* what it rests on was there before it */
    out->items = build_zeroed(builder, count, sizeof *out->items);
    for (uint32_t i = 0; i < count; i++) {
        if (numbers[i] < 1 || numbers[i] > account->items.size) {
            return ST_CORRUPT;
        }
        struct hash32 *path = build_zeroed(builder, LIMIT_MERKLE_DEPTH_MAX, sizeof *path);
        Xuelian__PlacedItem *placed = build_zeroed(builder, 1, sizeof *placed);
        xuelian__placed_item__init(placed);
        placed->item = build_item(builder, account->position, items->versions[numbers[i] - 1], 1);
        placed->path =
            field_borrow(path, 32u * merkle_path(path, items->leaves, (size_t)account->items.size,
                                                 numbers[i] - 1));
        out->items[out->n_items++] = placed;
    }
    out->leaf = build_zeroed(builder, 1, sizeof *out->leaf);
    xuelian__leaf_path__init(out->leaf);
    out->learner = field_borrow(learner, 32);
    out->account_value = build_account_value(builder, account);
    return build_leaf_path(builder, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS, account->position,
                           out->leaf, &leaf);
}

/* The rules of what was converted in the accounts merged into it. */
static enum status linked_rules(struct builder *builder, const Xuelian__ArchiveProof *archive,
                                struct rule_list *rules)
{
    struct conversion conversion;
    for (size_t i = 0; i < archive->n_linked; i++) {
        const Xuelian__LinkedArchive *linked = archive->linked[i];
        uint32_t *ids = build_zeroed(builder, rules->count + linked->n_items + 1, sizeof *ids);
        memcpy(ids, rules->ids, rules->count * sizeof *ids);
        rules->ids = ids;
        for (size_t k = 0; k < linked->n_items; k++) {
            enum status status =
                conversion_of(field_bytes(&linked->items[k]->item->version), &conversion);
            if (status == ST_OK) {
                rule_add(rules, conversion.rule);
            } else if (status != ST_NOT_FOUND) {
                return status;
            }
        }
    }
    return ST_OK;
}

static enum status add_archive(struct builder *builder, const struct hash32 *learner,
                               const struct build_items *items, size_t count,
                               struct rule_list *rules, Xuelian__ConversionProof *out)
{
    struct conversion conversion;
    Xuelian__ArchiveProof *archive = build_zeroed(builder, 1, sizeof *archive);
    xuelian__archive_proof__init(archive);
    for (size_t i = 0; i < count; i++) {
        enum status status = conversion_of(items->versions[i], &conversion);
        if (status == ST_OK) {
            rule_add(rules, conversion.rule);
        } else if (status != ST_NOT_FOUND) {
            return status;
        }
    }
    builder->histories = true;
    out->archive = archive;
    enum status status = build_archive(builder, learner, NULL, archive);
    return status == ST_OK ? linked_rules(builder, archive, rules) : status;
}

static enum status fill(struct builder *builder, const struct hash32 *learner, bool whole,
                        Xuelian__ConversionProof *out)
{
    struct account account;
    struct build_items items;
    struct conversion conversion;
    enum status status = ledger_view_account(builder->view, learner, &account);
    if (status == ST_OK && (out->conversion < 1 || out->conversion > account.items.size)) {
        status = ST_NOT_FOUND;
    }
    if (status == ST_OK) {
        status = build_items(builder, &account, &items);
    }
    if (status == ST_OK) {
        status = conversion_of(items.versions[out->conversion - 1], &conversion);
    }
    if (status != ST_OK) {
        return status;
    }
    size_t count = (size_t)account.items.size;
    struct rule_list rules = {.ids = build_zeroed(builder, count + 1, sizeof *rules.ids)};
    rule_add(&rules, conversion.rule);
    status = whole ? add_archive(builder, learner, &items, count, &rules, out)
                   : add_items(builder, learner, &account, &items, &conversion, out);
    return status == ST_OK ? add_rules(builder, &rules, out) : status;
}

enum status proof_conversion(const struct ledger_view *view, const struct proof_anchor *anchor,
                             const struct proof_source *source, const struct hash32 *learner,
                             uint64_t item, bool whole, uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view, .source = source};
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__ConversionProof conversion = XUELIAN__CONVERSION_PROOF__INIT;
    conversion.conversion = item;
    enum status status = fill(&builder, learner, whole, &conversion);
    if (status == ST_OK) {
        wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_CONVERSION;
        wire.conversion = &conversion;
        status = build_pack(&builder, anchor, &wire, proof, size);
    }
    build_release(&builder);
    return status;
}
