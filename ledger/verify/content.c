/* What items say, kind by kind: read strictly, and held against what a kind can say and what status it can have. */
#include "ledger/verify/internal.h"
#include "ledger/verify/text.h"
#include "proto/bytes.h"

enum {
    OUTCOME_MODE_MAX = 4,
    OUTCOME_SOURCE_MAX = 3,
    LEVEL_MAX = 10,
    DISPUTE_REASON_MAX = 5,
    DISPUTE_RESULT_MAX = 3,
    DISPUTE_REJECTED = 2,
    KEY_ACT_MAX = 4,
    KEY_HOLDER_GUARDIAN = 2
};

static bool past(const struct verifier *v, uint32_t date)
{
    return date != 0 && civil_date(v->header.time_ms) > date;
}

/* Ends a content whose account, where it names one, must be the archive's. */
static enum verify_fault content_end(struct verifier *v, struct reader *reader,
                                     const struct verify_item *item, const struct hash32 *account,
                                     bool fits)
{
    enum verify_fault fault = proof_end(v, reader);
    if (fault == VERIFY_FAULT_NONE && account != NULL &&
        !hash32_equal(account, &v->result->learner)) {
        fault = fault_at(v, VERIFY_FAULT_ITEM_PLACE, item->number);
    }
    if (fault == VERIFY_FAULT_NONE && !fits) {
        fault = fault_at(v, VERIFY_FAULT_ITEM_CONTENT, item->number);
    }
    return fault;
}

enum verify_fault content_outcome(struct verifier *v, struct bytes content, struct hash32 *account,
                                  struct verify_outcome *out)
{
    struct reader reader;
    reader_init(&reader, content);
    reader_fixed(&reader, 1, account, 32);
    out->issuer = reader_u32(&reader, 2);
    out->kind = reader_enum(&reader, 3, VERIFY_OUTCOME_KINDS);
    out->course = reader_u32(&reader, 4);
    out->course_version = reader_u32(&reader, 5);
    out->framework = reader_u32(&reader, 6);
    out->level = reader_u32(&reader, 7);
    out->credits = reader_u32(&reader, 8);
    out->hours = reader_u32(&reader, 9);
    out->start_date = reader_u32(&reader, 10);
    out->award_date = reader_u32(&reader, 11);
    out->grade_band = reader_u32(&reader, 12);
    out->mode = reader_enum(&reader, 13, OUTCOME_MODE_MAX);
    out->source = reader_enum(&reader, 14, OUTCOME_SOURCE_MAX);
    out->recognising = reader_u32(&reader, 15);
    out->region = reader_u32(&reader, 16);
    out->site = reader_u32(&reader, 17);
    out->reference = reader_optional(&reader, 18, 16);
    out->expiry_date = reader_u32(&reader, 19);
    out->details_root = reader_optional(&reader, 20, 32);
    if (out->issuer == 0 || out->kind == 0) {
        reader_refuse(&reader);
    }
    return proof_end(v, &reader);
}

static enum verify_fault outcome_item(struct verifier *v, struct verify_item *item)
{
    struct hash32 account;
    enum verify_fault fault = content_outcome(v, item->content, &account, &item->outcome);
    if (fault == VERIFY_FAULT_NONE && !hash32_equal(&account, &v->result->learner)) {
        fault = fault_at(v, VERIFY_FAULT_ITEM_PLACE, item->number);
    }
    item->issuer_name = member_name(v, item->outcome.issuer);
    item->course_name = genesis_course_name(v, item->outcome.course);
    item->expired = past(v, item->outcome.expiry_date);
    return fault;
}

static enum verify_fault recognition_item(struct verifier *v, struct verify_item *item)
{
    struct verify_recognition *out = &item->recognition;
    struct hash32 account;
    struct hash32 version;
    struct reader reader;
    reader_init(&reader, item->content);
    reader_fixed(&reader, 1, &account, 32);
    out->recogniser = reader_u32(&reader, 2);
    out->outcome = reader_u64(&reader, 3);
    reader_fixed(&reader, 4, &version, 32);
    out->framework = reader_u32(&reader, 5);
    out->level = reader_u32(&reader, 6);
    out->credits = reader_u32(&reader, 7);
    out->expiry_date = reader_u32(&reader, 8);
    item->issuer_name = member_name(v, out->recogniser);
    item->expired = past(v, out->expiry_date);
    return content_end(v, &reader, item, &account,
                       out->recogniser != 0 && out->outcome != 0 && out->level != 0 &&
                           out->level <= LEVEL_MAX);
}

bool conversion_source_next(struct reader *reader, struct conversion_source *out)
{
    struct bytes message;
    struct reader inner;
    if (!reader_next(reader, 2, &message)) {
        return false;
    }
    reader_init(&inner, message);
    out->item = reader_u64(&inner, 1);
    reader_fixed(&inner, 2, &out->version_hash, 32);
    out->used = reader_u32(&inner, 3);
    out->used_before = reader_u32(&inner, 4);
    if (!reader_end(&inner)) {
        reader_refuse(reader);
    }
    return !reader->bad;
}

/* Granted, and only then, it has credits and totals; undecided it has neither date nor member. */
static bool conversion_fits(const struct verify_conversion *said, enum verify_item_status status)
{
    bool decided = said->decided_date != 0;
    if (said->rule == 0 || said->source_count == 0 || said->applied_date == 0 ||
        said->source_count > LIMIT_CONVERSION_SOURCES_MAX ||
        said->appeals > LIMIT_CONVERSION_APPEALS_MAX) {
        return false;
    }
    switch (status) {
    case VERIFY_ITEM_APPLIED:
    case VERIFY_ITEM_ENDED:
        return !decided && said->decided_by == 0 && said->credits == 0;
    case VERIFY_ITEM_REFUSED:
        return decided && said->decided_by != 0 && said->credits == 0;
    case VERIFY_ITEM_VALID:
    case VERIFY_ITEM_REVIEW:
    case VERIFY_ITEM_REVOKED:
        return decided && said->credits != 0;
    case VERIFY_ITEM_CORRECTED:
    case VERIFY_ITEM_SUSPENDED:
        break;
    }
    return true; /* no status of a conversion: item_status_check says so */
}

enum verify_fault content_conversion(struct verifier *v, struct bytes content,
                                     struct verify_conversion *out, bool *ascend)
{
    struct conversion_source source;
    struct reader reader;
    uint64_t before = 0;
    reader_init(&reader, content);
    out->rule = reader_u32(&reader, 1);
    out->sources = (struct bytes){reader.at, (size_t)(reader.end - reader.at)};
    out->source_count = 0;
    *ascend = true;
    while (conversion_source_next(&reader, &source)) {
        *ascend = *ascend && source.item > before && source.used != 0;
        before = source.item;
        out->source_count++;
    }
    out->applied_date = reader_u32(&reader, 3);
    out->decided_date = reader_u32(&reader, 4);
    out->decided_by = reader_u32(&reader, 5);
    out->credits = reader_u32(&reader, 6);
    out->rule_total = reader_u64(&reader, 7);
    out->programme_total = reader_u64(&reader, 8);
    out->appeals = reader_u32(&reader, 9);
    (void)reader_u32(&reader, 10);
    return proof_end(v, &reader);
}

static enum verify_fault conversion_item(struct verifier *v, struct verify_item *item)
{
    bool ascend = true;
    enum verify_fault fault = content_conversion(v, item->content, &item->conversion, &ascend);
    item->issuer_name = member_name(v, item->conversion.decided_by);
    if (fault == VERIFY_FAULT_NONE &&
        (!ascend || !conversion_fits(&item->conversion, item->status))) {
        fault = fault_at(v, VERIFY_FAULT_ITEM_CONTENT, item->number);
    }
    return fault;
}

bool points_part_next(struct reader *reader, uint64_t *item, uint32_t *points)
{
    struct bytes message;
    struct reader inner;
    if (!reader_next(reader, 18, &message)) {
        return false;
    }
    reader_init(&inner, message);
    *item = reader_u64(&inner, 1);
    *points = reader_u32(&inner, 2);
    if (!reader_end(&inner)) {
        reader_refuse(reader);
    }
    return !reader->bad;
}

static bool lot_fits(const struct verify_points *said, bool from_account, bool hash)
{
    uint64_t gone = (uint64_t)said->remaining + said->reversed + said->moved;
    return (said->type == VERIFY_POINTS_MOVED) == from_account && hash && said->source_item != 0 &&
           said->rule != 0 && gone <= said->points && said->entry == 0 && said->quantity == 0 &&
           said->part_count == 0;
}

static bool redemption_fits(const struct verify_points *said, uint64_t parts, bool from_account,
                            bool hash)
{
    return parts == said->points && said->part_count <= LIMIT_POINTS_PARTS_MAX &&
           said->entry != 0 && said->quantity != 0 &&
           said->quantity <= LIMIT_REDEMPTION_UNITS_MAX && said->remaining == 0 &&
           said->reversed == 0 && said->moved == 0 && said->expiry_date == 0 && said->rule == 0 &&
           said->source_item == 0 && !from_account && !hash;
}

static enum verify_fault points_item(struct verifier *v, struct verify_item *item)
{
    struct verify_points *out = &item->points;
    struct reader reader;
    uint64_t number = 0;
    uint64_t parts = 0;
    uint32_t part = 0;
    bool whole = true;
    reader_init(&reader, item->content);
    out->type = reader_enum(&reader, 1, VERIFY_POINTS_MOVED);
    out->points = reader_u32(&reader, 2);
    out->date = reader_u32(&reader, 3);
    out->remaining = reader_u32(&reader, 4);
    out->reversed = reader_u32(&reader, 5);
    out->moved = reader_u32(&reader, 6);
    out->expiry_date = reader_u32(&reader, 7);
    out->rule = reader_u32(&reader, 8);
    out->source_item = reader_u64(&reader, 9);
    bool hash = reader_optional(&reader, 10, 32).size > 0;
    (void)reader_u64(&reader, 11);
    (void)reader_u64(&reader, 12);
    (void)reader_u32(&reader, 13);
    bool from_account = reader_optional(&reader, 14, 32).size > 0;
    out->entry = reader_u32(&reader, 15);
    (void)reader_u32(&reader, 16);
    out->quantity = reader_u32(&reader, 17);
    out->parts = (struct bytes){reader.at, (size_t)(reader.end - reader.at)};
    while (points_part_next(&reader, &number, &part)) {
        whole = whole && number != 0 && part != 0;
        parts += part;
        out->part_count++;
    }
    bool fits = out->type == VERIFY_POINTS_REDEMPTION
                    ? redemption_fits(out, parts, from_account, hash)
                    : out->type != 0 && lot_fits(out, from_account, hash);
    item->expired = past(v, out->expiry_date);
    return content_end(v, &reader, item, NULL, whole && fits && out->points != 0 && out->date != 0);
}

static enum verify_fault consent_item(struct verifier *v, struct verify_item *item)
{
    struct verify_consent *out = &item->consent;
    struct hash32 account;
    struct reader reader;
    reader_init(&reader, item->content);
    reader_fixed(&reader, 1, &account, 32);
    out->grantee = reader_u32(&reader, 2);
    bool code = reader_optional(&reader, 3, 32).size > 0;
    out->kind_count = reader_packed(&reader, 4, VERIFY_ITEM_LINK);
    out->item_count = reader_packed(&reader, 5, UINT32_MAX);
    out->until_date = reader_u32(&reader, 6);
    out->purpose = reader_text(&reader, 7, LIMIT_NAME_SIZE_MAX);
    (void)reader_optional(&reader, 8, 32);
    item->issuer_name = member_name(v, out->grantee);
    item->expired = past(v, out->until_date);
    return content_end(v, &reader, item, &account,
                       (out->grantee == 0) == code && out->until_date != 0 &&
                           out->item_count <= LIMIT_CONSENT_ITEMS_MAX);
}

static enum verify_fault dispute_item(struct verifier *v, struct verify_item *item)
{
    struct verify_dispute *out = &item->dispute_said;
    struct hash32 version;
    struct reader reader;
    reader_init(&reader, item->content);
    out->item = reader_u64(&reader, 1);
    reader_fixed(&reader, 2, &version, 32);
    out->respondent = reader_u32(&reader, 3);
    out->reason = reader_enum(&reader, 4, DISPUTE_REASON_MAX);
    (void)reader_optional(&reader, 5, 32);
    out->answer = reader_enum(&reader, 6, DISPUTE_REJECTED);
    (void)reader_optional(&reader, 7, 32);
    out->result = reader_enum(&reader, 8, DISPUTE_RESULT_MAX);
    (void)reader_optional(&reader, 9, 32);
    item->issuer_name = member_name(v, out->respondent);
    /* Open until it ends; under review when it was answered and not upheld. */
    bool review = item->status == VERIFY_ITEM_REVIEW;
    return content_end(v, &reader, item, NULL,
                       out->item != 0 && out->respondent != 0 && out->reason != 0 &&
                           (item->status == VERIFY_ITEM_ENDED) == (out->result != 0) &&
                           (out->result != 0 || review == (out->answer != 0)));
}

static enum verify_fault key_item(struct verifier *v, struct verify_item *item)
{
    struct verify_key *out = &item->key;
    struct reader reader;
    reader_init(&reader, item->content);
    out->act = reader_enum(&reader, 1, KEY_ACT_MAX);
    out->holder = reader_enum(&reader, 2, KEY_HOLDER_GUARDIAN);
    out->new_key = reader_optional(&reader, 3, 33);
    out->until_date = reader_u32(&reader, 4);
    out->replaces = reader_u64(&reader, 5);
    bool key = out->new_key.size > 0;
    bool guardian = out->holder == KEY_HOLDER_GUARDIAN;
    item->expired = guardian && past(v, out->until_date);
    return content_end(v, &reader, item, NULL,
                       out->act != 0 && out->holder != 0 && (key || guardian) &&
                           (out->until_date != 0) == (guardian && key) &&
                           (key || item->status == VERIFY_ITEM_ENDED) &&
                           out->replaces < item->number);
}

static enum verify_fault link_item(struct verifier *v, struct verify_item *item)
{
    struct verify_link *out = &item->link;
    struct reader reader;
    reader_init(&reader, item->content);
    out->other = reader_optional(&reader, 1, 32);
    out->item_count = reader_u64(&reader, 2);
    out->item_root = reader_optional(&reader, 3, 32);
    return content_end(v, &reader, item, NULL,
                       out->other.size != 0 && out->item_root.size != 0 &&
                           !bytes_equal(out->other, (struct bytes){v->result->learner.bytes, 32}));
}

enum verify_fault content_check(struct verifier *v, struct verify_item *item)
{
    switch (item->kind) {
    case VERIFY_ITEM_OUTCOME:
        return outcome_item(v, item);
    case VERIFY_ITEM_RECOGNITION:
        return recognition_item(v, item);
    case VERIFY_ITEM_CONVERSION:
        return conversion_item(v, item);
    case VERIFY_ITEM_POINTS:
        return points_item(v, item);
    case VERIFY_ITEM_CONSENT:
        return consent_item(v, item);
    case VERIFY_ITEM_DISPUTE:
        return dispute_item(v, item);
    case VERIFY_ITEM_KEY:
        return key_item(v, item);
    case VERIFY_ITEM_LINK:
        return link_item(v, item);
    }
    return VERIFY_FAULT_ITEM_CONTENT;
}

/* ---- statuses ---- */

#define S(name) (1u << VERIFY_ITEM_##name)

/* Statuses that version 1 can have, and those that can follow each: docs/protocol.md section 9. */
struct status_table {
    uint16_t first;
    uint16_t after[VERIFY_ITEM_ENDED + 1];
};

enum status_row { ROW_REDEMPTION = VERIFY_ITEM_LINK + 1, ROW_COUNT };

static const struct status_table tables[ROW_COUNT] = {
    [VERIFY_ITEM_OUTCOME] = {S(VALID) | S(APPLIED),
                             {[VERIFY_ITEM_VALID] =
                                  S(VALID) | S(CORRECTED) | S(SUSPENDED) | S(REVOKED),
                              [VERIFY_ITEM_CORRECTED] = S(CORRECTED) | S(SUSPENDED) | S(REVOKED),
                              [VERIFY_ITEM_SUSPENDED] =
                                  S(VALID) | S(CORRECTED) | S(SUSPENDED) | S(REVOKED),
                              [VERIFY_ITEM_REVOKED] = S(REVOKED),
                              [VERIFY_ITEM_APPLIED] = S(VALID) | S(APPLIED) | S(REFUSED) | S(ENDED),
                              [VERIFY_ITEM_REFUSED] = S(REFUSED),
                              [VERIFY_ITEM_ENDED] = S(ENDED)}},
    [VERIFY_ITEM_RECOGNITION] = {S(VALID),
                                 {[VERIFY_ITEM_VALID] = S(VALID) | S(REVOKED) | S(REVIEW),
                                  [VERIFY_ITEM_REVOKED] = S(REVOKED),
                                  [VERIFY_ITEM_REVIEW] = S(VALID) | S(REVOKED) | S(REVIEW)}},
    [VERIFY_ITEM_CONVERSION] = {S(VALID) | S(APPLIED),
                                {[VERIFY_ITEM_VALID] = S(VALID) | S(REVOKED) | S(REVIEW),
                                 [VERIFY_ITEM_REVOKED] = S(REVOKED),
                                 [VERIFY_ITEM_APPLIED] =
                                     S(VALID) | S(APPLIED) | S(REFUSED) | S(ENDED),
                                 [VERIFY_ITEM_REFUSED] = S(APPLIED) | S(REFUSED),
                                 [VERIFY_ITEM_REVIEW] = S(VALID) | S(REVOKED) | S(REVIEW),
                                 [VERIFY_ITEM_ENDED] = S(ENDED)}},
    [VERIFY_ITEM_POINTS] = {S(VALID),
                            {[VERIFY_ITEM_VALID] = S(VALID) | S(REVOKED) | S(REVIEW) | S(ENDED),
                             [VERIFY_ITEM_REVOKED] = S(REVOKED),
                             [VERIFY_ITEM_REVIEW] = S(VALID) | S(REVOKED) | S(REVIEW) | S(ENDED),
                             [VERIFY_ITEM_ENDED] = S(ENDED)}},
    [VERIFY_ITEM_CONSENT] = {S(VALID), {[VERIFY_ITEM_VALID] = S(ENDED)}},
    [VERIFY_ITEM_DISPUTE] =
        {S(VALID), {[VERIFY_ITEM_VALID] = S(REVIEW) | S(ENDED), [VERIFY_ITEM_REVIEW] = S(ENDED)}},
    [VERIFY_ITEM_KEY] = {S(VALID) | S(ENDED), {[VERIFY_ITEM_VALID] = S(ENDED)}},
    [VERIFY_ITEM_LINK] = {S(VALID), {0}},
    [ROW_REDEMPTION] = {S(APPLIED),
                        {[VERIFY_ITEM_APPLIED] = S(APPLIED) | S(REVOKED) | S(ENDED),
                         [VERIFY_ITEM_REVOKED] = S(REVOKED),
                         [VERIFY_ITEM_ENDED] = S(REVOKED) | S(ENDED)}}};

static const struct status_table *table_of(const struct verify_item *item)
{
    bool redemption =
        item->kind == VERIFY_ITEM_POINTS && item->points.type == VERIFY_POINTS_REDEMPTION;
    return &tables[redemption ? (uint32_t)ROW_REDEMPTION : (uint32_t)item->kind];
}

bool status_first(const struct verify_item *item, enum verify_item_status status)
{
    return (table_of(item)->first >> status & 1) != 0;
}

bool status_follows(const struct verify_item *item, enum verify_item_status before,
                    enum verify_item_status after)
{
    return (table_of(item)->after[before] >> after & 1) != 0;
}

bool status_possible(const struct verify_item *item)
{
    const struct status_table *table = table_of(item);
    uint32_t all = table->first;
    for (uint32_t i = 0; i <= VERIFY_ITEM_ENDED; i++) {
        all |= table->after[i];
    }
    return (all >> item->status & 1) != 0;
}
