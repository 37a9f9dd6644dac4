#include "ledger/tx/outcome.h"

#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/state/statistics.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"

static bool dates_fit(const struct block_context *context, const Xuelian__Outcome *outcome)
{
    return date_valid(outcome->award_date) && outcome->award_date <= context->date &&
           (outcome->start_date == 0 ||
            (date_valid(outcome->start_date) && outcome->start_date <= outcome->award_date)) &&
           (outcome->expiry_date == 0 ||
            (date_valid(outcome->expiry_date) && outcome->expiry_date >= outcome->award_date));
}

uint32_t outcome_check_fields(const struct block_context *context, const Xuelian__Outcome *outcome)
{
    if (outcome->kind == XUELIAN__OUTCOME_KIND__OUTCOME_KIND_UNSPECIFIED ||
        outcome->source == XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_UNSPECIFIED ||
        outcome->grade_band > OUTCOME_GRADE_BAND_MAX || outcome->level > OUTCOME_LEVEL_MAX ||
        (outcome->course == 0) != (outcome->course_version == 0)) {
        return ST_BAD_FIELD;
    }
    if (!dates_fit(context, outcome)) {
        return ST_BAD_DATE;
    }
    return outcome->credits > OUTCOME_CREDITS_MAX || outcome->hours > OUTCOME_HOURS_MAX
               ? ST_BAD_AMOUNT
               : ST_OK;
}

/* Nobody co-signs without being named: no issuer can claim another's recognition. */
uint32_t outcome_check_signers(const struct tx *tx, const Xuelian__Outcome *outcome)
{
    if (outcome->recognising == 0) {
        return tx->signer_count == 1 &&
                       outcome->source != XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_PLATFORM
                   ? ST_OK
                   : ST_NOT_ALLOWED;
    }
    return tx->signer_count == 2 &&
                   tx->signers[1].role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER &&
                   tx->signers[1].member == outcome->recognising
               ? ST_OK
               : ST_NOT_ALLOWED;
}

/* Nothing about the course is claimed that was not before. */
static bool same_course(const Xuelian__Outcome *outcome, const Xuelian__Outcome *before)
{
    return before != NULL && outcome->course == before->course &&
           outcome->course_version == before->course_version && outcome->kind == before->kind &&
           outcome->award_date == before->award_date && outcome->credits <= before->credits &&
           outcome->hours <= before->hours;
}

static enum status check_course(struct state *state, const Xuelian__Outcome *outcome,
                                const Xuelian__Outcome *before, uint32_t *code)
{
    const struct course_view *course;
    if (outcome->course == 0 || same_course(outcome, before)) {
        return ST_OK;
    }
    enum status status = state_course(state, outcome->course, &course);
    if (status != ST_OK) {
        return status;
    }
    if (!course->exists || course->version != outcome->course_version) {
        *code = ST_UNKNOWN_COURSE;
    } else if (course->status != 0 || course->kind != (uint32_t)outcome->kind ||
               (course->from_date != 0 && outcome->award_date < course->from_date) ||
               (course->to_date != 0 && outcome->award_date > course->to_date)) {
        *code = ST_COURSE_NOT_VALID;
    } else if (outcome->credits > course->credits || outcome->hours > course->hours) {
        *code = ST_BAD_AMOUNT;
    }
    return ST_OK;
}

/* The recognising member has the role. */
static enum status check_recognising(struct state *state, const Xuelian__Outcome *outcome,
                                     uint32_t *code)
{
    bool may = true;
    enum status status = ST_OK;
    if (outcome->recognising != 0) {
        status = member_may(state, outcome->recognising,
                            XUELIAN__MEMBER_ROLE__MEMBER_ROLE_RECOGNISE, &may);
    }
    if (status == ST_OK && !may) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

enum status outcome_check_registries(struct state *state, const Xuelian__Outcome *outcome,
                                     const Xuelian__Outcome *before, uint32_t *code)
{
    const struct member_view *member;
    bool exists;
    enum status status = state_member(state, outcome->issuer, &member);
    if (status != ST_OK) {
        return status;
    }
    if ((member->deposit_kinds >> (uint32_t)outcome->kind & 1) == 0 &&
        (before == NULL || before->kind != outcome->kind)) {
        *code = ST_KIND_NOT_ALLOWED;
        return ST_OK;
    }
    status = state_region(state, outcome->region, &exists);
    if (status != ST_OK) {
        return status;
    }
    if (!exists) {
        *code = ST_UNKNOWN_REGION;
        return ST_OK;
    }
    status = check_recognising(state, outcome, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return check_course(state, outcome, before, code);
}

void outcome_identity(struct hash32 *identity, const Xuelian__Outcome *outcome)
{
    uint8_t data[48] = {0};
    size_t size = 5;
    be32_put(data, outcome->issuer);
    if (outcome->reference.len == 16) {
        data[4] = 1;
        memcpy(data + 5, outcome->reference.data, 16);
        size += 16;
    } else {
        data[4] = 2;
        memcpy(data + 5, outcome->account.data, 32);
        be32_put(data + 37, outcome->course);
        be32_put(data + 41, outcome->award_date);
        size += 40;
    }
    hash_plain(identity, data, size);
}

/* Value: position of the account, item; an identity that was freed has position 0. */
enum { PLACE_SIZE = 16 };

enum status outcome_check_identity(struct state *state, const struct hash32 *identity,
                                   uint32_t *code)
{
    struct state_key key = key_hash('D', identity);
    struct bytes place;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &place);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (place.size != PLACE_SIZE) {
        return ST_CORRUPT;
    }
    if (be64_get(place.data) != 0) {
        *code = ST_DUPLICATE;
    }
    return ST_OK;
}

static void put_identity(struct state *state, const struct hash32 *identity, uint64_t position,
                         uint64_t item)
{
    uint8_t place[PLACE_SIZE];
    struct state_key key = key_hash('D', identity);
    be64_put(place, position);
    be64_put(place + 8, item);
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(place, sizeof place));
}

void outcome_take_identity(struct state *state, const struct hash32 *identity,
                           const struct account *account, uint64_t item)
{
    put_identity(state, identity, account->position, item);
}

void outcome_free_identity(struct state *state, const struct hash32 *identity)
{
    put_identity(state, identity, 0, 0);
}

static bool outcome_fits(const struct account *account, const Xuelian__Outcome *outcome,
                         const Xuelian__Outcome *before)
{
    struct account_total total = account->totals[outcome->kind];
    if (before != NULL && before->kind == outcome->kind) {
        total.outcomes--;
        total.credits -= before->credits;
        total.hours -= before->hours;
    }
    return total.credits <= UINT64_MAX - outcome->credits &&
           total.hours <= UINT64_MAX - outcome->hours && total.outcomes < UINT64_MAX;
}

enum status outcome_check_totals(struct state *state, const struct account *account,
                                 const Xuelian__Outcome *outcome, const Xuelian__Outcome *before,
                                 uint32_t *code)
{
    if (!outcome_fits(account, outcome, before)) {
        *code = ST_OVERFLOW;
        return ST_OK;
    }
    return statistics_check(state, account, outcome, code);
}

enum status outcome_count(struct state *state, const struct block_context *context,
                          struct account *account, const Xuelian__Outcome *outcome, bool add)
{
    struct account_total *total = &account->totals[outcome->kind];
    (void)context;
    if (add) {
        CHECK(outcome_fits(account, outcome, NULL));
        total->outcomes++;
        total->credits += outcome->credits;
        total->hours += outcome->hours;
    } else {
        CHECK(total->outcomes > 0);
        CHECK(total->credits >= outcome->credits);
        CHECK(total->hours >= outcome->hours);
        total->outcomes--;
        total->credits -= outcome->credits;
        total->hours -= outcome->hours;
    }
    account->dirty = true;
    return statistics_outcome(state, account, outcome, add);
}

bool outcome_expired(const Xuelian__Outcome *outcome, uint32_t date)
{
    return outcome->expiry_date != 0 && date > outcome->expiry_date;
}

enum status outcome_read(const struct item *item, struct outcome *outcome)
{
    struct arena arena;
    ProtobufCMessage *content = NULL;
    arena_init(&arena, outcome->memory, sizeof outcome->memory);
    enum status status = item_content(item, &xuelian__outcome__descriptor, &arena, &content);
    outcome->wire = (const Xuelian__Outcome *)(const void *)content;
    return status;
}

enum status outcome_answered_by(struct state *state, const struct item *item, uint32_t member,
                                bool *answers)
{
    struct outcome outcome;
    enum status status = outcome_read(item, &outcome);
    return status == ST_OK ? member_stands_for(state, member, outcome.wire->issuer, answers)
                           : status;
}

enum status outcome_source(struct state *state, const struct block_context *context,
                           const struct account *account, uint64_t number,
                           const ProtobufCBinaryData *version_hash, struct item *item,
                           struct outcome *outcome, uint32_t *code)
{
    enum status status = item_read_version(
        state, account, number, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, version_hash, item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!item_counts(item)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = outcome_read(item, outcome);
    if (status == ST_OK && outcome_expired(outcome->wire, context->date)) {
        *code = ST_OUTCOME_EXPIRED;
    }
    return status;
}
