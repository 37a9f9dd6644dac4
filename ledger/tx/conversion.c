#include "ledger/tx/conversion.h"

#include "ledger/state/statistics.h"
#include "ledger/tx/dependents.h"
#include "ledger/tx/family.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

struct bytes conversion_encode(uint8_t *out, const struct conversion *conversion)
{
    Xuelian__Conversion wire = XUELIAN__CONVERSION__INIT;
    Xuelian__ConversionSource sources[LIMIT_CONVERSION_SOURCES_MAX];
    Xuelian__ConversionSource *pointers[LIMIT_CONVERSION_SOURCES_MAX];
    for (uint32_t i = 0; i < conversion->source_count; i++) {
        const struct conversion_source *from = &conversion->sources[i];
        xuelian__conversion_source__init(&sources[i]);
        sources[i].item = from->item;
        sources[i].version_hash = field_borrow(&from->version_hash, 32);
        sources[i].used = from->used;
        sources[i].used_before = from->used_before;
        pointers[i] = &sources[i];
    }
    wire.rule = conversion->rule;
    wire.sources = pointers;
    wire.n_sources = conversion->source_count;
    wire.applied_date = conversion->applied_date;
    wire.decided_date = conversion->decided_date;
    wire.decided_by = conversion->decided_by;
    wire.credits = conversion->credits;
    wire.rule_total = conversion->rule_total;
    wire.programme_total = conversion->programme_total;
    wire.appeals = conversion->appeals;
    wire.region = conversion->region;
    CHECK(canonical_size(&wire.base) <= ITEM_CONTENT_SIZE_MAX);
    return bytes_of(out, canonical_encode(out, &wire.base));
}

enum status conversion_decode(struct conversion *conversion, const struct item *item)
{
    uint64_t memory[512];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status = item_content(item, &xuelian__conversion__descriptor, &arena, &message);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Conversion *wire = (const Xuelian__Conversion *)(const void *)message;
    if (wire->n_sources > LIMIT_CONVERSION_SOURCES_MAX) {
        return ST_CORRUPT;
    }
    *conversion = (struct conversion){.rule = wire->rule,
                                      .source_count = (uint32_t)wire->n_sources,
                                      .applied_date = wire->applied_date,
                                      .decided_date = wire->decided_date,
                                      .decided_by = wire->decided_by,
                                      .credits = wire->credits,
                                      .rule_total = wire->rule_total,
                                      .programme_total = wire->programme_total,
                                      .appeals = wire->appeals,
                                      .region = wire->region};
    for (uint32_t i = 0; i < conversion->source_count; i++) {
        struct conversion_source *to = &conversion->sources[i];
        to->item = wire->sources[i]->item;
        to->used = wire->sources[i]->used;
        to->used_before = wire->sources[i]->used_before;
        if (!field_copy(&to->version_hash, 32, &wire->sources[i]->version_hash)) {
            return ST_CORRUPT;
        }
    }
    return ST_OK;
}

/* What a conversion that stands uses of an item itself. */
static uint32_t standing_use(const struct conversion *standing, uint64_t item)
{
    for (uint32_t i = 0; standing != NULL && i < standing->source_count; i++) {
        if (standing->sources[i].item == item) {
            return standing->sources[i].used;
        }
    }
    return 0;
}

/* One source. *amount: what of it is used. */
static enum status evaluate_source(struct state *state, const struct account *account,
                                   const Xuelian__Rule *rule, uint32_t date, uint32_t age_date,
                                   const struct conversion_review *review,
                                   struct conversion_source *source, uint32_t *code)
{
    uint64_t memory[OUTCOME_MEMORY_SIZE / 8];
    struct arena arena;
    struct item item;
    const Xuelian__Outcome *outcome;
    uint64_t used;
    arena_init(&arena, memory, sizeof memory);
    enum status status = source_read(state, account, rule, source->item, date, age_date, &item,
                                     &arena, &outcome, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = source_used(state, account, rule, source->item, outcome, &used);
    if (status != ST_OK) {
        return status;
    }
    uint32_t own = standing_use(review->standing, source->item);
    uint64_t amount = rule_amount(rule, outcome);
    if (used < own) {
        return ST_CORRUPT;
    }
    used -= own;
    uint64_t left = amount > used ? amount - used : 0;
    if (review->leave_out && source->used > left) {
        source->used = (uint32_t)left;
    }
    if (source->used == 0 || source->used > left) {
        *code = ST_SOURCE_USED;
        return ST_OK;
    }
    source->version_hash = item.hash;
    source->used_before = (uint32_t)used; /* at most a few times what an outcome may have */
    return ST_OK;
}

static const struct count_key *programme_key(const Xuelian__Rule *rule, struct count_key *key)
{
    *key = (struct count_key){.letter = 'm', .first = rule->owner, .second = rule->programme};
    return key;
}

static const struct count_key *series_key(const Xuelian__Rule *rule, struct count_key *key)
{
    *key = (struct count_key){.letter = 'r', .first = rule->series};
    return key;
}

/* Totals before this one, and what they leave of its credits. */
static enum status evaluate_credits(struct state *state, const struct account *account,
                                    const Xuelian__Rule *rule, const struct conversion *standing,
                                    uint64_t used, struct conversion *conversion, uint32_t *code)
{
    struct count_key key;
    uint64_t own = standing == NULL ? 0 : standing->credits;
    enum status status =
        family_count(state, account, series_key(rule, &key), &conversion->rule_total);
    if (status == ST_OK) {
        status =
            family_count(state, account, programme_key(rule, &key), &conversion->programme_total);
    }
    if (status != ST_OK) {
        return status;
    }
    if (conversion->rule_total < own || conversion->programme_total < own) {
        return ST_CORRUPT;
    }
    conversion->rule_total -= own;
    conversion->programme_total -= own;
    uint64_t gives = rule_gives(rule, used);
    if (gives == 0) {
        *code = ST_NOTHING_EARNED;
        return ST_OK;
    }
    /* A later version may have lower ceilings than what stands already. */
    if (conversion->rule_total >= rule->ceiling ||
        conversion->programme_total >= rule->programme_ceiling) {
        *code = ST_CEILING_REACHED;
        return ST_OK;
    }
    uint64_t most = rule->ceiling - conversion->rule_total;
    if (rule->programme_ceiling - conversion->programme_total < most) {
        most = rule->programme_ceiling - conversion->programme_total;
    }
    conversion->credits = (uint32_t)(gives < most ? gives : most);
    return ST_OK;
}

enum status conversion_evaluate(struct state *state, const struct account *account,
                                const Xuelian__Rule *rule, uint32_t date,
                                const struct conversion_review *review,
                                struct conversion *conversion, uint32_t *code)
{
    uint64_t used = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < conversion->source_count; i++) {
        struct conversion_source source = conversion->sources[i];
        enum status status = evaluate_source(state, account, rule, date, conversion->applied_date,
                                             review, &source, code);
        if (status != ST_OK) {
            return status;
        }
        if (*code == ST_OK) {
            conversion->sources[kept++] = source;
            used += source.used;
        } else if (!review->leave_out) {
            return ST_OK;
        }
        *code = ST_OK;
    }
    conversion->source_count = kept;
    if (kept == 0) {
        *code = ST_SOURCE_NOT_VALID;
        return ST_OK;
    }
    return evaluate_credits(state, account, rule, review->standing, used, conversion, code);
}

enum status conversion_granted_by(struct state *state, const Xuelian__Rule *rule, uint32_t member,
                                  struct conversion *conversion)
{
    const struct member_view *view = NULL;
    enum status status = state_member(state, member == 0 ? rule->owner : member, &view);
    if (status == ST_OK) {
        conversion->decided_by = member;
        conversion->region = view->region;
    }
    return status;
}

enum status conversion_count(struct state *state, const struct account *account,
                             const Xuelian__Rule *rule, const struct conversion *conversion,
                             bool add)
{
    struct count_key key;
    struct overlay *overlay = state_overlay(state);
    enum status status =
        count_change(overlay, account, series_key(rule, &key), conversion->credits, add);
    if (status == ST_OK) {
        status =
            count_change(overlay, account, programme_key(rule, &key), conversion->credits, add);
    }
    for (uint32_t i = 0; i < conversion->source_count && status == ST_OK; i++) {
        status = source_use(state, account, rule, conversion->sources[i].item,
                            conversion->sources[i].used, add);
    }
    if (status == ST_OK) {
        status = statistics_conversion(state, conversion->region, conversion->decided_date / 10000,
                                       conversion->credits, add);
    }
    return status;
}

enum status conversion_dependents_check(struct state *state, const struct account *account,
                                        const struct conversion *conversion, uint32_t *code)
{
    enum status status = ST_OK;
    for (uint32_t i = 0; i < conversion->source_count && status == ST_OK && *code == ST_OK; i++) {
        status = dependents_check(state, account, conversion->sources[i].item, code);
    }
    return status;
}

enum status conversion_dependents_add(struct state *state, const struct account *account,
                                      const struct conversion *conversion, uint64_t item)
{
    enum status status = ST_OK;
    for (uint32_t i = 0; i < conversion->source_count && status == ST_OK; i++) {
        status = dependents_add(state, account, conversion->sources[i].item, item);
    }
    return status;
}
