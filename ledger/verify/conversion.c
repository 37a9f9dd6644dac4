/* Whether a conversion follows from its rule and its sources: decided again from what the proof shows. What stood before
 * it, which the ceilings and the shares of a source depend on, is worked out where the whole archive is there. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum {
    COLLECTION_RULES = 5,
    RULE_CONVERSION = 1,
    RULE_KIND_MAX = 2,
    RULE_STATUS_MAX = 4,
    RULE_IN_FORCE = 3,
    BASIS_CREDITS = 1,
    BASIS_MAX = 3,
    CREDIT_KIND_MAX = 4,
    RATIO_MAX = 1000000
};

struct rule_view {
    uint32_t id, series, kind, status, owner, from_date, to_date;
    uint32_t source_kind, source_course, source_level, source_issuer, grade_band, source_age;
    uint32_t basis, ratio_num, ratio_den, ceiling, programme, programme_ceiling, appeal_to;
    bool automatic, consuming;
    struct verify_name name;
};

/* One run. */
struct evaluation {
    const struct rule_view *rules;
    uint32_t rule_count;
    const struct rule_view *rule;
    const struct verify_item *item;
    uint64_t height; /* of the version that was decided */
};

/* A version that an ItemProof shows. */
struct shown_version {
    struct verify_item item; /* as version_read fills it, content not entered */
    struct hash32 hash;
};

/* The versions of a shown item, newest first. It was checked before, so nothing here can fail. */
struct versions {
    struct reader reader;
    bool begun;
};

static void versions_open(struct versions *versions, const struct verify_item *item)
{
    reader_init(&versions->reader, item->shown);
    versions->begun = false;
}

static bool versions_next(struct verifier *v, struct versions *versions, struct shown_version *out)
{
    struct version_view view;
    struct bytes bytes;
    if (!versions->begun) {
        bytes = reader_bytes(&versions->reader, 1);
        versions->begun = true;
    } else if (!reader_next(&versions->reader, 2, &bytes)) {
        return false;
    }
    hash_tagged(&out->hash, TAG_VERSION, bytes.data, bytes.size);
    return version_read(v, bytes, &out->item, &view) == VERIFY_FAULT_NONE;
}

/* ---- rules ---- */

static enum verify_fault rule_read(struct verifier *v, struct bytes record, struct rule_view *out)
{
    struct reader reader;
    reader_init(&reader, record);
    out->id = reader_u32(&reader, 1);
    out->series = reader_u32(&reader, 2);
    (void)reader_u32(&reader, 3);
    (void)reader_u32(&reader, 4);
    out->kind = reader_enum(&reader, 5, RULE_KIND_MAX);
    out->status = reader_enum(&reader, 6, RULE_STATUS_MAX);
    out->name.zh = reader_text(&reader, 7, LIMIT_NAME_SIZE_MAX);
    out->name.en = reader_text(&reader, 8, LIMIT_NAME_SIZE_MAX);
    out->owner = reader_u32(&reader, 9);
    (void)reader_u32(&reader, 10);
    out->from_date = reader_u32(&reader, 11);
    out->to_date = reader_u32(&reader, 12);
    out->source_kind = reader_enum(&reader, 13, VERIFY_OUTCOME_KINDS);
    out->source_course = reader_u32(&reader, 14);
    out->source_level = reader_u32(&reader, 15);
    out->source_issuer = reader_u32(&reader, 16);
    out->grade_band = reader_u32(&reader, 17);
    out->source_age = reader_u32(&reader, 18);
    out->basis = reader_enum(&reader, 19, BASIS_MAX);
    out->ratio_num = reader_u32(&reader, 20);
    out->ratio_den = reader_u32(&reader, 21);
    out->ceiling = reader_u32(&reader, 22);
    out->automatic = reader_enum(&reader, 23, 1) == 1;
    out->programme = reader_u32(&reader, 24);
    out->programme_ceiling = reader_u32(&reader, 25);
    (void)reader_u32(&reader, 26);
    (void)reader_enum(&reader, 27, CREDIT_KIND_MAX);
    out->consuming = reader_enum(&reader, 28, 1) == 1;
    out->appeal_to = reader_u32(&reader, 29);
    (void)reader_u32(&reader, 30);
    (void)reader_u32(&reader, 31);
    if (out->id == 0) {
        reader_refuse(&reader);
    }
    return proof_end(v, &reader);
}

/* Rules in ascending order, each in the certified state. */
static enum verify_fault rules_read(struct verifier *v, struct reader reader, uint32_t count,
                                    struct evaluation *out)
{
    struct bytes message;
    struct reader inner;
    uint8_t key[4];
    struct rule_view *rules =
        scratch_take_high(v, count * sizeof *rules, _Alignof(struct rule_view));
    if (rules == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)reader_next(&reader, 7, &message);
        reader_init(&inner, message);
        struct bytes record = reader_bytes(&inner, 1);
        struct bytes leaf = reader_bytes(&inner, 2);
        enum verify_fault fault = proof_end(v, &inner);
        if (fault == VERIFY_FAULT_NONE) {
            fault = rule_read(v, record, &rules[i]);
        }
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        if (i > 0 && rules[i].id <= rules[i - 1].id) {
            return VERIFY_FAULT_CONVERSION_PARTS;
        }
        be32_put(key, rules[i].id);
        fault = record_leaf_check(v, COLLECTION_RULES, bytes_of(key, sizeof key), record, leaf);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    out->rules = rules;
    out->rule_count = count;
    return VERIFY_FAULT_NONE;
}

static const struct rule_view *rule_find(const struct evaluation *of, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = of->rule_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (of->rules[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < of->rule_count && of->rules[low].id == id ? &of->rules[low] : NULL;
}

/* ---- items ---- */

/* Items with their paths, ascending, of one account. */
static enum verify_fault placed_check(struct verifier *v, struct reader reader, uint32_t count,
                                      const struct account_value *account)
{
    struct verify_item *items =
        scratch_take_high(v, count * sizeof *items, _Alignof(struct verify_item));
    struct bytes message;
    struct hash32 hash;
    struct hash32 root;
    if (items == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct reader inner;
        (void)reader_next(&reader, 5, &message);
        reader_init(&inner, message);
        struct bytes shown = reader_bytes(&inner, 1);
        struct bytes path = reader_bytes(&inner, 2);
        enum verify_fault fault = proof_end(v, &inner);
        if (fault == VERIFY_FAULT_NONE) {
            fault = item_check(v, shown, 0, &items[i], &hash);
        }
        if (fault == VERIFY_FAULT_NONE) {
            item_leaf(&hash, items[i].number, &hash);
            fault = path_root(&root, &hash, items[i].number - 1, account->item_count, path);
        }
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        if (!hash32_equal(&root, &account->item_root)) {
            return VERIFY_FAULT_ITEM_ROOT;
        }
        if (i > 0 && items[i].number <= items[i - 1].number) {
            return VERIFY_FAULT_CONVERSION_PARTS;
        }
    }
    v->result->items = items;
    v->result->items_shown = count;
    return VERIFY_FAULT_NONE;
}

static const struct verify_item *item_find(const struct verify_result *result, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = result->items_shown;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (result->items[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < result->items_shown && result->items[low].number == number ? &result->items[low]
                                                                            : NULL;
}

/* ---- the sources ---- */

static uint32_t month_days(uint32_t year, uint32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* YYYYMMDD and so many months; a day that the new month does not have becomes its last. */
static uint64_t add_months(uint32_t date, uint32_t months)
{
    uint32_t month = date / 100 % 100;
    uint64_t whole = (uint64_t)(date / 10000) * 12 + (month == 0 ? 0 : month - 1) + months;
    uint32_t last = month_days((uint32_t)(whole / 12), (uint32_t)(whole % 12) + 1);
    uint32_t day = date % 100;
    return whole / 12 * 10000 + (whole % 12 + 1) * 100 + (day < last ? day : last);
}

static bool rule_takes(const struct rule_view *rule, const struct verify_outcome *outcome,
                       uint32_t date)
{
    return (rule->source_kind == 0 || rule->source_kind == outcome->kind) &&
           (rule->source_course == 0 || rule->source_course == outcome->course) &&
           (rule->source_issuer == 0 || rule->source_issuer == outcome->issuer) &&
           outcome->level >= rule->source_level &&
           (rule->grade_band == 0 ||
            (outcome->grade_band != 0 && outcome->grade_band <= rule->grade_band)) &&
           (rule->source_age == 0 || date <= add_months(outcome->award_date, rule->source_age));
}

/* The version that a source names, as an outcome: it stood when the conversion was decided. */
static enum verify_fault source_version(struct verifier *v, const struct evaluation *of,
                                        const struct conversion_source *source,
                                        struct verify_outcome *outcome)
{
    const struct verify_item *item = item_find(v->result, source->item);
    struct versions versions;
    struct shown_version version;
    struct hash32 account;
    uint64_t changed = UINT64_MAX; /* height of the version after it */
    if (item == NULL || item->kind != VERIFY_ITEM_OUTCOME) {
        return fault_at(v, VERIFY_FAULT_CONVERSION_PARTS, source->item);
    }
    versions_open(&versions, item);
    while (versions_next(v, &versions, &version)) {
        if (!hash32_equal(&version.hash, &source->version_hash)) {
            changed = version.item.height;
            continue;
        }
        bool stood = version.item.height <= of->height && changed >= of->height &&
                     (version.item.status == VERIFY_ITEM_VALID ||
                      version.item.status == VERIFY_ITEM_CORRECTED);
        enum verify_fault fault = content_outcome(v, version.item.content, &account, outcome);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        return stood ? VERIFY_FAULT_NONE
                     : fault_at(v, VERIFY_FAULT_CONVERSION_SOURCE, source->item);
    }
    return fault_at(v, VERIFY_FAULT_CONVERSION_PARTS, source->item);
}

static uint32_t amount_of(uint32_t basis, const struct verify_outcome *outcome)
{
    return basis == BASIS_CREDITS ? outcome->credits : outcome->hours;
}

/* ---- what stood before ---- */

/* Between what and what a sum lies: a version of the same block may have come before or after. */
struct range {
    uint64_t low;
    uint64_t high;
};

/* Sums over the other conversions that were granted when this one was decided. */
struct before {
    struct range rule;
    struct range programme;
    struct range own[LIMIT_CONVERSION_SOURCES_MAX];         /* of each source, under the series */
    struct range consumed[LIMIT_CONVERSION_SOURCES_MAX][2]; /* of this basis, of the other */
};

static void range_add(struct range *to, const struct range *of)
{
    to->low += of->low;
    to->high += of->high;
}

/* What one version of another conversion used of an item: nothing unless it was granted. */
static uint32_t used_of(const struct verify_conversion *said, uint64_t item)
{
    struct conversion_source source;
    struct reader reader;
    reader_init(&reader, said->sources);
    while (conversion_source_next(&reader, &source)) {
        if (source.item == item) {
            return source.used;
        }
    }
    return 0;
}

/* One conversion's part in everything, over the versions that may have stood. */
struct part {
    bool any;
    struct range credits;
    struct range used[LIMIT_CONVERSION_SOURCES_MAX];
    bool granted; /* in some of them */
};

static void range_take(struct range *range, uint64_t value, bool first)
{
    range->low = first || value < range->low ? value : range->low;
    range->high = first || value > range->high ? value : range->high;
}

static bool part_take(struct verifier *v, const struct verify_item *version,
                      const struct conversion_source *sources, uint32_t count, struct part *part)
{
    struct verify_conversion said;
    bool ascend;
    if (content_conversion(v, version->content, &said, &ascend) != VERIFY_FAULT_NONE) {
        return false;
    }
    bool granted = version->status == VERIFY_ITEM_VALID || version->status == VERIFY_ITEM_REVIEW;
    range_take(&part->credits, granted ? said.credits : 0, !part->any);
    for (uint32_t i = 0; i < count; i++) {
        range_take(&part->used[i], granted ? used_of(&said, sources[i].item) : 0, !part->any);
    }
    part->granted = part->granted || granted;
    part->any = true;
    return true;
}

/* The versions of another conversion that may have stood at a height. False when one that may is not shown. */
static bool part_of(struct verifier *v, const struct verify_item *item, uint64_t height,
                    const struct conversion_source *sources, uint32_t count, struct part *part)
{
    struct versions versions;
    struct shown_version version;
    bool first = false; /* version 1 has been seen */
    memset(part, 0, sizeof *part);
    versions_open(&versions, item);
    while (versions_next(v, &versions, &version)) {
        first = version.item.version == 1;
        if (version.item.height > height) {
            continue;
        }
        if (!part_take(v, &version.item, sources, count, part)) {
            return false;
        }
        if (version.item.height < height) {
            return true;
        }
    }
    if (first && part->any) {
        /* Made in that very block: before it there was nothing. */
        range_take(&part->credits, 0, false);
        for (uint32_t i = 0; i < count; i++) {
            range_take(&part->used[i], 0, false);
        }
    }
    return first;
}

/* Adds one conversion. `maybe`: its account was merged in that very block. False when the sums cannot be told. */
static bool before_add(struct verifier *v, const struct evaluation *of,
                       const struct verify_item *item, const struct conversion_source *sources,
                       uint32_t count, bool maybe, struct before *before)
{
    const struct rule_view *rule = rule_find(of, item->conversion.rule);
    struct part part;
    if (!part_of(v, item, of->height, sources, count, &part)) {
        return false;
    }
    if (!part.granted) {
        return true;
    }
    if (rule == NULL) {
        return false;
    }
    bool series = rule->series == of->rule->series;
    part.credits.low = maybe ? 0 : part.credits.low;
    if (series) {
        range_add(&before->rule, &part.credits);
    }
    if (rule->owner == of->rule->owner && rule->programme == of->rule->programme) {
        range_add(&before->programme, &part.credits);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rule->consuming) {
            range_add(&before->consumed[i][rule->basis != of->rule->basis], &part.used[i]);
        } else if (series) {
            range_add(&before->own[i], &part.used[i]);
        }
    }
    return true;
}

/* The same share of another amount, rounded up; all of it when there is nothing to take a share of. */
static uint64_t share(uint64_t used, uint64_t of, uint64_t amount)
{
    if (used == 0) {
        return 0;
    }
    return used >= of ? amount : (used * amount + of - 1) / of;
}

static bool within(const struct range *range, uint64_t value)
{
    return range->low <= value && value <= range->high;
}

/* ---- the whole ---- */

/* The decided conversion's sources, looked at one by one; and what the rule gives for them. */
static enum verify_fault sources_check(struct verifier *v, const struct evaluation *of,
                                       struct conversion_source *sources,
                                       struct verify_outcome *outcomes, uint64_t *used)
{
    const struct verify_conversion *said = &of->item->conversion;
    struct reader reader;
    reader_init(&reader, said->sources);
    for (uint32_t i = 0; i < said->source_count; i++) {
        (void)conversion_source_next(&reader, &sources[i]);
        memset(&outcomes[i], 0, sizeof outcomes[i]);
        enum verify_fault fault = source_version(v, of, &sources[i], &outcomes[i]);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        uint32_t expiry = outcomes[i].expiry_date;
        if ((expiry != 0 && said->decided_date > expiry) ||
            !rule_takes(of->rule, &outcomes[i], said->applied_date)) {
            return fault_at(v, VERIFY_FAULT_CONVERSION_SOURCE, sources[i].item);
        }
        if ((uint64_t)sources[i].used + sources[i].used_before >
            amount_of(of->rule->basis, &outcomes[i])) {
            return fault_at(v, VERIFY_FAULT_CONVERSION_AMOUNT, sources[i].item);
        }
        *used += sources[i].used;
    }
    return VERIFY_FAULT_NONE;
}

/* Credits are what the rule gives and the ceilings leave. The ratio's numbers are at most a million, the amounts 8 of 32
 * bits: nothing passes 64. */
static enum verify_fault credits_check(struct verifier *v, const struct evaluation *of,
                                       uint64_t used)
{
    const struct verify_conversion *said = &of->item->conversion;
    const struct rule_view *rule = of->rule;
    uint64_t gives = used * rule->ratio_num / rule->ratio_den;
    v->result->conversion.gives = gives;
    if (said->rule_total >= rule->ceiling || said->programme_total >= rule->programme_ceiling) {
        return VERIFY_FAULT_CONVERSION_AMOUNT;
    }
    uint64_t most = rule->ceiling - said->rule_total;
    uint64_t left = rule->programme_ceiling - said->programme_total;
    most = left < most ? left : most;
    return said->credits == (gives < most ? gives : most) ? VERIFY_FAULT_NONE
                                                          : VERIFY_FAULT_CONVERSION_AMOUNT;
}

/* Adds the conversions of an account: of the first, what they used of the sources too; of one that was merged into it,
 * count is 0. False when the sums cannot be told. */
static bool account_add(struct verifier *v, const struct evaluation *of,
                        const struct verify_result *account,
                        const struct conversion_source *sources, uint32_t count,
                        struct before *before)
{
    bool maybe = account != v->result && account->link_height == of->height;
    for (uint32_t i = 0; i < account->items_shown; i++) {
        const struct verify_item *item = &account->items[i];
        if ((item->kind == VERIFY_ITEM_LINK && item->link.state == VERIFY_LINK_NOT_SHOWN &&
             item->height <= of->height) ||
            (item->kind == VERIFY_ITEM_CONVERSION && item != of->item &&
             !before_add(v, of, item, sources, count, maybe, before))) {
            return false;
        }
    }
    return account->complete;
}

/* With whole archives: the totals and what was used before are sums over the conversions granted before it, in the account
 * and in those that were merged into it by then. */
static enum verify_fault before_check(struct verifier *v, const struct evaluation *of,
                                      const struct conversion_source *sources,
                                      const struct verify_outcome *outcomes)
{
    const struct verify_conversion *said = &of->item->conversion;
    const struct verify_result *result = v->result;
    struct before before;
    memset(&before, 0, sizeof before);
    bool told = account_add(v, of, result, sources, said->source_count, &before);
    for (uint32_t i = 0; told && i < result->linked_count; i++) {
        told = result->linked[i].link_height > of->height ||
               account_add(v, of, &result->linked[i], sources, 0, &before);
    }
    if (!told) {
        return VERIFY_FAULT_NONE; /* and the totals are not proved */
    }
    if (!within(&before.rule, said->rule_total) ||
        !within(&before.programme, said->programme_total)) {
        return VERIFY_FAULT_CONVERSION_TOTALS;
    }
    for (uint32_t i = 0; i < said->source_count; i++) {
        uint64_t amount = amount_of(of->rule->basis, &outcomes[i]);
        uint64_t other =
            amount_of(of->rule->basis == BASIS_CREDITS ? 0 : BASIS_CREDITS, &outcomes[i]);
        struct range used = before.own[i];
        range_add(&used, &before.consumed[i][0]);
        used.low += share(before.consumed[i][1].low, other, amount);
        used.high += share(before.consumed[i][1].high, other, amount);
        if (!within(&used, sources[i].used_before)) {
            return fault_at(v, VERIFY_FAULT_CONVERSION_TOTALS, sources[i].item);
        }
    }
    v->result->conversion.totals_proved = true;
    return VERIFY_FAULT_NONE;
}

/* The height at which what the newest version says was decided: that of the oldest version in a row that says the same.
 * The one before it, which says something else, is shown, or there is none. */
static bool decided_height(struct verifier *v, const struct verify_item *item, uint64_t *height)
{
    struct versions versions;
    struct shown_version version;
    bool whole = false;
    versions_open(&versions, item);
    while (versions_next(v, &versions, &version)) {
        if (!bytes_equal(version.item.content, item->content)) {
            return true;
        }
        *height = version.item.height;
        whole = version.item.version == 1;
    }
    return whole;
}

static bool in_force(const struct rule_view *rule, uint32_t date)
{
    return rule->status >= RULE_IN_FORCE && rule->from_date <= date &&
           (rule->to_date == 0 || date <= rule->to_date);
}

/* The rule takes conversions, was in force, and lets who decided decide. */
static bool rule_fits(const struct rule_view *rule, const struct verify_conversion *said)
{
    return rule->kind == RULE_CONVERSION && (rule->basis == 1 || rule->basis == 2) &&
           rule->ratio_num != 0 && rule->ratio_num <= RATIO_MAX && rule->ratio_den != 0 &&
           rule->ratio_den <= RATIO_MAX && in_force(rule, said->applied_date) &&
           (said->decided_date == 0 || said->decided_date >= said->applied_date) &&
           (said->credits == 0 || said->decided_by != 0 || rule->automatic);
}

static enum verify_fault evaluate(struct verifier *v, struct evaluation *of, bool whole)
{
    struct conversion_source sources[LIMIT_CONVERSION_SOURCES_MAX];
    struct verify_outcome outcomes[LIMIT_CONVERSION_SOURCES_MAX];
    struct verify_conversion_proof *out = &v->result->conversion;
    const struct verify_conversion *said = &of->item->conversion;
    uint64_t used = 0;
    of->rule = rule_find(of, said->rule);
    if (of->rule == NULL) {
        return fault_at(v, VERIFY_FAULT_CONVERSION_PARTS, of->item->number);
    }
    if (!rule_fits(of->rule, said)) {
        return fault_at(v, VERIFY_FAULT_CONVERSION_RULE, of->rule->id);
    }
    out->item = of->item;
    out->rule_name = of->rule->name;
    out->owner = of->rule->owner;
    out->owner_name = member_name(v, of->rule->owner);
    out->ratio_num = of->rule->ratio_num;
    out->ratio_den = of->rule->ratio_den;
    out->by_hours = of->rule->basis != BASIS_CREDITS;
    out->ceiling = of->rule->ceiling;
    out->programme = of->rule->programme;
    out->programme_ceiling = of->rule->programme_ceiling;
    out->granted = said->credits != 0;
    out->decider_named = said->decided_by == 0 || said->decided_by == of->rule->owner ||
                         said->decided_by == of->rule->appeal_to;
    if (!out->granted) {
        return VERIFY_FAULT_NONE;
    }
    if (!decided_height(v, of->item, &of->height)) {
        return fault_at(v, VERIFY_FAULT_CONVERSION_PARTS, of->item->number);
    }
    out->decided_height = of->height;
    enum verify_fault fault = sources_check(v, of, sources, outcomes, &used);
    if (fault == VERIFY_FAULT_NONE) {
        fault = credits_check(v, of, used);
    }
    return fault == VERIFY_FAULT_NONE && whole ? before_check(v, of, sources, outcomes) : fault;
}

/* How many elements of a field stand here. */
static uint32_t count_of(struct reader *reader, uint32_t field)
{
    struct bytes message;
    uint32_t count = 0;
    while (reader_next(reader, field, &message)) {
        count++;
    }
    return count;
}

/* The account, with the items that the proof needs, or with all of them. */
static enum verify_fault account_part(struct verifier *v, struct bytes archive,
                                      const struct hash32 *learner, struct bytes leaf,
                                      struct bytes value, struct reader items, uint32_t count)
{
    struct account_value account;
    if (archive.size > 0) {
        return archive_check(v, archive);
    }
    enum verify_fault fault = account_check(v, learner, leaf, value, &account);
    return fault == VERIFY_FAULT_NONE ? placed_check(v, items, count, &account) : fault;
}

enum verify_fault conversion_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct evaluation of = {.rules = NULL};
    struct hash32 learner = {{0}};
    reader_init(&reader, message);
    uint64_t number = reader_u64(&reader, 1);
    struct bytes learner_bytes = reader_optional(&reader, 2, 32);
    struct bytes leaf = reader_bytes(&reader, 3);
    struct bytes value = reader_bytes(&reader, 4);
    struct reader items = reader;
    uint32_t item_count = count_of(&reader, 5);
    struct bytes archive = reader_bytes(&reader, 6);
    struct reader rules = reader;
    uint32_t rule_count = count_of(&reader, 7);
    bool whole = archive.size > 0;
    if (number == 0 || whole != (learner_bytes.size == 0) || whole != (leaf.size == 0) ||
        whole != (value.size == 0) || whole != (item_count == 0)) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && !whole) {
        memcpy(&learner, learner_bytes.data, sizeof learner);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = account_part(v, archive, &learner, leaf, value, items, item_count);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = rules_read(v, rules, rule_count, &of);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    of.item = item_find(v->result, number);
    if (of.item == NULL || of.item->kind != VERIFY_ITEM_CONVERSION) {
        return fault_at(v, VERIFY_FAULT_CONVERSION_PARTS, number);
    }
    return evaluate(v, &of, v->result->complete);
}
