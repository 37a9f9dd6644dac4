#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/convert_audit.h"

#include "ledger/state/keys.h"
#include "ledger/tx/points.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum {
    ITEMS_MAX = 600,
    ITEM_ROOM = 3072,
    VALID = 1,
    CORRECTED,
    REVOKED = 4,
    APPLIED,
    REVIEW = 7,
    ENDED
};

struct audited {
    const Xuelian__ItemVersion *version;
    union {
        const ProtobufCMessage *message;
        const Xuelian__Outcome *outcome;
        const Xuelian__Conversion *conversion;
        const Xuelian__PointsEntry *points;
    } content;
};

/* One account, all its items decoded. */
struct archive {
    struct state *state;
    struct account *account;
    uint32_t count;
    struct audited items[ITEMS_MAX + 1]; /* from 1 */
    uint64_t memory[(ITEMS_MAX + 1) * (ITEM_ROOM / 8)];
};

static const ProtobufCMessageDescriptor *schema_of(uint32_t kind)
{
    switch (kind) {
    case 1:
        return &xuelian__outcome__descriptor;
    case 3:
        return &xuelian__conversion__descriptor;
    case 4:
        return &xuelian__points_entry__descriptor;
    default:
        fail_msg("an item of kind %u", (unsigned)kind);
        return NULL;
    }
}

static void decode(struct audited *out, struct bytes bytes, void *memory)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, ITEM_ROOM);
    assert_int_equal(canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena),
                     ST_OK);
    out->version = (const Xuelian__ItemVersion *)(const void *)message;
    assert_int_equal(canonical_decode(&message, schema_of((uint32_t)out->version->kind),
                                      field_bytes(&out->version->content), &arena),
                     ST_OK);
    out->content.message = message;
}

static void load(struct archive *archive, struct state *state, uint32_t learner)
{
    struct hash32 id = support_learner(learner);
    archive->state = state;
    assert_int_equal(state_account(state, &id, &archive->account), ST_OK);
    archive->count = (uint32_t)archive->account->items.size;
    assert_true(archive->count <= ITEMS_MAX);
    for (uint32_t i = 1; i <= archive->count; i++) {
        struct bytes bytes;
        assert_int_equal(items_get(state_overlay(state), archive->account, i, &bytes), ST_OK);
        decode(&archive->items[i], bytes, archive->memory + (size_t)i * (ITEM_ROOM / 8));
    }
}

/* The version of an item that has this hash. */
static void find_version(const struct archive *archive, uint64_t item,
                         const ProtobufCBinaryData *hash, struct audited *found, void *memory)
{
    for (uint32_t number = archive->items[item].version->number; number > 0; number--) {
        bool newest = number == archive->items[item].version->number;
        struct state_key key = newest ? key_item(archive->account->position, item) : key_of('O');
        struct bytes bytes;
        struct hash32 got;
        if (!newest) {
            key_add64(&key, archive->account->position);
            key_add64(&key, item);
            key_add32(&key, number);
        }
        assert_int_equal(overlay_get(state_overlay(archive->state), key_bytes(&key), &bytes),
                         ST_OK);
        hash_tagged(&got, TAG_VERSION, bytes.data, bytes.size);
        if (memcmp(got.bytes, hash->data, 32) == 0) {
            decode(found, bytes, memory);
            return;
        }
    }
    fail_msg("no version of item %u has the hash that is named", (unsigned)item);
}

static const Xuelian__Rule *rule_of(const struct audit_case *of, uint32_t id)
{
    for (uint32_t i = 0; i < of->rule_count; i++) {
        if (of->rules[i].id == id) {
            return &of->rules[i];
        }
    }
    fail_msg("an item under rule %u", (unsigned)id);
    return NULL;
}

static uint64_t amount_of(const Xuelian__Rule *rule, const Xuelian__Outcome *outcome)
{
    return rule->basis == XUELIAN__RULE_BASIS__RULE_BASIS_CREDITS ? outcome->credits
           : rule->basis == XUELIAN__RULE_BASIS__RULE_BASIS_HOURS ? outcome->hours
                                                                  : 1;
}

/* The rule takes the version, as it was. Rules of these tests name kind, grade and nothing else. */
static void check_source(const Xuelian__Rule *rule, const struct audited *source)
{
    const Xuelian__Outcome *outcome = source->content.outcome;
    uint32_t status = (uint32_t)source->version->status;
    assert_true(status == VALID || status == CORRECTED);
    assert_true(rule->source_kind == 0 || rule->source_kind == outcome->kind);
    assert_true(rule->grade_band == 0 ||
                (outcome->grade_band > 0 && outcome->grade_band <= rule->grade_band));
}

/* ---- conversions ---- */

static bool granted(const struct audited *item)
{
    uint32_t status = (uint32_t)item->version->status;
    return item->version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION &&
           (status == VALID || status == REVIEW);
}

/* Decides a conversion again, as a verifier would: from the versions named, the rule and the content. */
static void recompute(const struct archive *archive, const struct audit_case *of,
                      const Xuelian__Conversion *conversion)
{
    static uint64_t memory[ITEM_ROOM / 8];
    const Xuelian__Rule *rule = rule_of(of, conversion->rule);
    uint64_t used = 0;
    uint64_t before = 0;
    assert_true(rule->from_date <= conversion->applied_date);
    assert_true(conversion->applied_date <= conversion->decided_date);
    assert_true(conversion->n_sources >= 1);
    for (size_t i = 0; i < conversion->n_sources; i++) {
        const Xuelian__ConversionSource *source = conversion->sources[i];
        struct audited version;
        assert_true(source->item > before);
        before = source->item;
        find_version(archive, source->item, &source->version_hash, &version, memory);
        check_source(rule, &version);
        uint32_t expiry = version.content.outcome->expiry_date;
        assert_true(expiry == 0 || conversion->decided_date <= expiry);
        assert_true(source->used > 0);
        assert_true((uint64_t)source->used + source->used_before <=
                    amount_of(rule, version.content.outcome));
        used += source->used;
    }
    uint64_t gives = used * rule->ratio_num / rule->ratio_den;
    uint64_t by_rule = rule->ceiling - conversion->rule_total;
    uint64_t by_programme = rule->programme_ceiling - conversion->programme_total;
    assert_true(conversion->rule_total < rule->ceiling);
    assert_true(conversion->programme_total < rule->programme_ceiling);
    gives = gives < by_rule ? gives : by_rule;
    assert_int_equal(conversion->credits, gives < by_programme ? gives : by_programme);
    assert_true(conversion->credits > 0);
}

/* What conversions that stand use of an outcome: under one series, or under all consuming rules of a basis. */
static uint64_t used_of(const struct archive *archive, const struct audit_case *of, uint64_t item,
                        uint32_t series, Xuelian__RuleBasis basis)
{
    uint64_t used = 0;
    for (uint32_t i = 1; i <= archive->count; i++) {
        if (!granted(&archive->items[i])) {
            continue;
        }
        const Xuelian__Conversion *conversion = archive->items[i].content.conversion;
        const Xuelian__Rule *rule = rule_of(of, conversion->rule);
        for (size_t k = 0; k < conversion->n_sources; k++) {
            if (conversion->sources[k]->item == item &&
                (series == 0 ? rule->consuming && rule->basis == basis : rule->series == series)) {
                used += conversion->sources[k]->used;
            }
        }
    }
    return used;
}

static void audit_conversions(const struct archive *archive, const struct audit_case *of,
                              struct audit_counts *counts)
{
    for (uint32_t r = 0; r < of->rule_count; r++) {
        const Xuelian__Rule *rule = &of->rules[r];
        uint64_t under_rule = 0;
        uint64_t in_programme = 0;
        if (rule->kind != XUELIAN__RULE_KIND__RULE_KIND_CONVERSION) {
            continue;
        }
        for (uint32_t i = 1; i <= archive->count; i++) {
            if (granted(&archive->items[i])) {
                const Xuelian__Conversion *made = archive->items[i].content.conversion;
                const Xuelian__Rule *other = rule_of(of, made->rule);
                under_rule += other->series == rule->series ? made->credits : 0;
                in_programme += other->programme == rule->programme ? made->credits : 0;
            }
        }
        assert_true(under_rule <= rule->ceiling);
        assert_true(in_programme <= rule->programme_ceiling);
        for (uint32_t i = 1; i <= archive->count; i++) {
            if (archive->items[i].version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME) {
                assert_true(used_of(archive, of, i, rule->series, rule->basis) <=
                            amount_of(rule, archive->items[i].content.outcome));
            }
        }
    }
    for (uint32_t i = 1; i <= archive->count; i++) {
        /* The shares consumed of credits and of hours are together no more than the whole. */
        if (archive->items[i].version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME) {
            const Xuelian__Outcome *outcome = archive->items[i].content.outcome;
            uint64_t credits = used_of(archive, of, i, 0, XUELIAN__RULE_BASIS__RULE_BASIS_CREDITS);
            uint64_t hours = used_of(archive, of, i, 0, XUELIAN__RULE_BASIS__RULE_BASIS_HOURS);
            assert_true(credits * outcome->hours + hours * outcome->credits <=
                        (uint64_t)outcome->credits * outcome->hours);
        }
    }
    for (uint32_t i = 1; i <= archive->count; i++) {
        if (granted(&archive->items[i])) {
            recompute(archive, of, archive->items[i].content.conversion);
            counts->granted++;
        }
    }
}

/* ---- points ---- */

static bool is_type(const struct audited *item, Xuelian__PointsType type)
{
    return item->version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_POINTS &&
           item->content.points->type == type;
}

static bool stands(const struct audited *item)
{
    uint32_t status = (uint32_t)item->version->status;
    return is_type(item, XUELIAN__POINTS_TYPE__POINTS_TYPE_REDEMPTION) &&
           (status == APPLIED || status == ENDED);
}

/* What redemptions that stand took from a lot. */
static uint64_t spent_of(const struct archive *archive, uint64_t lot)
{
    uint64_t spent = 0;
    for (uint32_t i = 1; i <= archive->count; i++) {
        const Xuelian__PointsEntry *points = archive->items[i].content.points;
        for (size_t k = 0; stands(&archive->items[i]) && k < points->n_parts; k++) {
            spent += points->parts[k]->item == lot ? points->parts[k]->points : 0;
        }
    }
    return spent;
}

/* The list of lots that the ledger keeps is what the items say. */
static void audit_list(const struct archive *archive, uint32_t date)
{
    struct lots lots;
    uint32_t expected = 0;
    assert_int_equal(lots_read(archive->state, archive->account, date, &lots), ST_OK);
    for (uint32_t i = 1; i <= archive->count; i++) {
        const struct audited *item = &archive->items[i];
        uint32_t status = (uint32_t)item->version->status;
        if (is_type(item, XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL) &&
            item->content.points->remaining > 0 && (status == VALID || status == REVIEW) &&
            (item->content.points->expiry_date == 0 || date <= item->content.points->expiry_date)) {
            expected++;
        }
    }
    assert_int_equal(lots.count, expected);
    for (uint32_t i = 0; i < lots.count; i++) {
        const struct lot *lot = &lots.lots[i];
        assert_int_equal(archive->items[lot->item].content.points->remaining, lot->remaining);
        assert_true(i == 0 || lots.lots[i - 1].expiry_date < lot->expiry_date ||
                    (lots.lots[i - 1].expiry_date == lot->expiry_date &&
                     lots.lots[i - 1].item < lot->item));
    }
}

static void audit_points(const struct archive *archive, const struct audit_case *of, uint32_t date,
                         struct audit_counts *counts)
{
    uint64_t remaining = 0;
    uint32_t applied = 0;
    for (uint32_t i = 1; i <= archive->count; i++) {
        const struct audited *item = &archive->items[i];
        applied += (uint32_t)item->version->status == APPLIED;
        if (is_type(item, XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL)) {
            const Xuelian__PointsEntry *lot = item->content.points;
            remaining += lot->remaining;
            assert_int_equal(lot->points, lot->remaining + lot->reversed + spent_of(archive, i));
            counts->lots++;
        }
        if (stands(item)) {
            const Xuelian__PointsEntry *made = item->content.points;
            uint64_t sum = 0;
            for (size_t k = 0; k < made->n_parts; k++) {
                sum += made->parts[k]->points;
            }
            assert_int_equal(sum, made->points);
        }
    }
    assert_int_equal(archive->account->points, remaining);
    assert_int_equal(archive->account->applications, applied);
    counts->remaining += remaining;
    audit_list(archive, date);
    for (uint32_t r = 0; r < of->rule_count; r++) {
        uint64_t all = 0;
        uint64_t in_year = 0;
        for (uint32_t i = 1; i <= archive->count; i++) {
            const struct audited *item = &archive->items[i];
            if (is_type(item, XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL) &&
                item->content.points->rule == of->rules[r].id &&
                (uint32_t)item->version->status != REVOKED) {
                all += item->content.points->points;
                in_year += item->content.points->date / 10000 == date / 10000
                               ? item->content.points->points
                               : 0;
            }
        }
        assert_true(of->rules[r].kind != XUELIAN__RULE_KIND__RULE_KIND_ACCRUAL ||
                    (all <= of->rules[r].ceiling && in_year <= of->rules[r].yearly_ceiling));
    }
}

static uint64_t units_of(const struct archive *archive, const Xuelian__CatalogueEntry *entry)
{
    uint64_t units = 0;
    for (uint32_t i = 1; i <= archive->count; i++) {
        if (stands(&archive->items[i]) && archive->items[i].content.points->entry == entry->id) {
            units += archive->items[i].content.points->quantity;
        }
    }
    assert_true(entry->person_limit == 0 || units <= entry->person_limit);
    return units;
}

/* ---- statistics ---- */

/* The years of these tests; members 1 and 2 are in one region. */
enum { YEAR_FIRST = 2026, YEARS = 4, REGION = 330000 };

struct year_sums {
    uint64_t points;
    uint64_t conversions;
    uint64_t credits;
};

static void sum_years(const struct archive *archive, struct year_sums sums[YEARS])
{
    for (uint32_t i = 1; i <= archive->count; i++) {
        const struct audited *item = &archive->items[i];
        if (granted(item)) {
            struct year_sums *year =
                &sums[item->content.conversion->decided_date / 10000 - YEAR_FIRST];
            year->conversions++;
            year->credits += item->content.conversion->credits;
        }
        if (is_type(item, XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL)) {
            sums[item->content.points->date / 10000 - YEAR_FIRST].points +=
                item->content.points->points - item->content.points->reversed;
        }
    }
}

static void audit_statistics(struct state *state, const struct year_sums sums[YEARS])
{
    for (uint32_t i = 0; i < YEARS; i++) {
        uint64_t memory[64];
        struct arena arena;
        ProtobufCMessage *message = NULL;
        Xuelian__StatisticsCell none = XUELIAN__STATISTICS_CELL__INIT;
        const Xuelian__StatisticsCell *cell = &none;
        uint8_t key[16] = {0};
        be32_put(key, YEAR_FIRST + i);
        be32_put(key + 4, REGION);
        arena_init(&arena, memory, sizeof memory);
        if (state_message(state, XUELIAN__COLLECTION__COLLECTION_STATISTICS, bytes_of(key, 16),
                          &xuelian__statistics_cell__descriptor, &arena, &message) == ST_OK) {
            cell = (const Xuelian__StatisticsCell *)(const void *)message;
        }
        assert_int_equal(cell->points, sums[i].points);
        assert_int_equal(cell->conversions, sums[i].conversions);
        assert_int_equal(cell->converted_credits, sums[i].credits);
    }
}

struct audit_counts convert_audit(struct net *net, const struct audit_case *of, uint32_t date)
{
    static struct archive archive;
    struct audit_counts counts = {.granted = 0};
    struct year_sums sums[YEARS] = {{.points = 0}};
    uint64_t units[16] = {0};
    struct state *state;
    assert_int_equal(state_begin(&state, net->kv, false), ST_OK);
    for (uint32_t learner = 1; learner <= of->learners; learner++) {
        load(&archive, state, learner);
        audit_conversions(&archive, of, &counts);
        audit_points(&archive, of, date, &counts);
        sum_years(&archive, sums);
        for (uint32_t i = 0; i < of->entry_count; i++) {
            units[i] += units_of(&archive, &of->entries[i]);
        }
    }
    audit_statistics(state, sums);
    for (uint32_t i = 0; i < of->entry_count; i++) {
        uint64_t memory[RECORD_MEMORY_SIZE / 8];
        const Xuelian__CatalogueEntry *entry = NULL;
        assert_int_equal(catalogue_record(state, of->entries[i].id, memory, &entry), ST_OK);
        assert_int_equal(entry->taken, units[i]);
        assert_true(entry->taken <= entry->stock);
        counts.redeemed += entry->taken;
    }
    state_free(state);
    return counts;
}
