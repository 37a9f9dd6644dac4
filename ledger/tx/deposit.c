/* 存入: an issuer accredited for the kind deposits an outcome into a learner's account. */
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/rules.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum {
    GRADE_BAND_MAX = 9,
    CREDITS_MAX = 100000, /* 1,000 credits in one outcome */
    HOURS_MAX = 2000000,  /* 20,000 hours */
    LEVEL_MAX = 10
};

/* What needs nothing but the outcome, its signers and the block's date. */
static uint32_t check_fields(const struct block_context *context, const struct tx *tx,
                             const Xuelian__Outcome *outcome)
{
    if (outcome->issuer != tx->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if (outcome->kind == XUELIAN__OUTCOME_KIND__OUTCOME_KIND_UNSPECIFIED ||
        outcome->source == XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_UNSPECIFIED ||
        outcome->source == XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER ||
        outcome->grade_band > GRADE_BAND_MAX || outcome->level > LEVEL_MAX ||
        (outcome->course == 0) != (outcome->course_version == 0)) {
        return ST_BAD_FIELD;
    }
    if (outcome->details_root.len != 0) {
        return ST_DETAILS_NOT_HELD;
    }
    if (!date_valid(outcome->award_date) || outcome->award_date > context->date ||
        (outcome->start_date != 0 &&
         (!date_valid(outcome->start_date) || outcome->start_date > outcome->award_date)) ||
        (outcome->expiry_date != 0 &&
         (!date_valid(outcome->expiry_date) || outcome->expiry_date < outcome->award_date))) {
        return ST_BAD_DATE;
    }
    if (outcome->credits > CREDITS_MAX || outcome->hours > HOURS_MAX) {
        return ST_BAD_AMOUNT;
    }
    /* Who is named as recognising has signed, and nobody else co-signs: no issuer can claim another's
     * recognition. A platform's outcome needs one. */
    if (outcome->recognising == 0) {
        return tx->signer_count == 1 &&
                       outcome->source != XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_PLATFORM
                   ? ST_OK
                   : ST_NOT_ALLOWED;
    }
    return tx->signer_count == 2 && tx->signers[1].member == outcome->recognising ? ST_OK
                                                                                  : ST_NOT_ALLOWED;
}

static enum status check_course(struct state *state, const Xuelian__Outcome *outcome,
                                uint32_t *code)
{
    const struct course_view *course;
    if (outcome->course == 0) {
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

/* Member's scope, region, course and recognising university. */
static enum status check_registries(struct state *state, const Xuelian__Outcome *outcome,
                                    uint32_t *code)
{
    const struct member_view *member;
    bool exists;
    bool may = false;
    enum status status = state_member(state, outcome->issuer, &member);
    if (status != ST_OK) {
        return status;
    }
    if ((member->deposit_kinds >> (uint32_t)outcome->kind & 1) == 0) {
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
    if (outcome->recognising != 0) {
        status = member_may(state, outcome->recognising,
                            XUELIAN__MEMBER_ROLE__MEMBER_ROLE_RECOGNISE, &may);
        if (status != ST_OK) {
            return status;
        }
        if (!may) {
            *code = ST_NOT_ALLOWED;
            return ST_OK;
        }
    }
    return check_course(state, outcome, code);
}

/* What makes two outcomes of an issuer the same: an equal reference, else account, course and date. */
static void identity_hash(struct hash32 *out, const Xuelian__Outcome *outcome)
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
    hash_plain(out, data, size);
}

static bool total_add(struct account_total *total, const Xuelian__Outcome *outcome)
{
    if (total->credits > UINT64_MAX - outcome->credits ||
        total->hours > UINT64_MAX - outcome->hours || total->outcomes == UINT64_MAX) {
        return false;
    }
    total->outcomes++;
    total->credits += outcome->credits;
    total->hours += outcome->hours;
    return true;
}

enum status deposit_apply(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__Outcome *outcome = (const Xuelian__Outcome *)(const void *)tx->messages[index];
    struct account *account;
    struct hash32 identity;
    struct bytes known;
    *code = check_fields(context, tx, outcome);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = check_registries(state, outcome, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = account_open_for(state, &outcome->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    identity_hash(&identity, outcome);
    struct state_key key = key_hash('D', &identity);
    status = overlay_get(state_overlay(state), key_bytes(&key), &known);
    if (status != ST_NOT_FOUND) {
        *code = ST_DUPLICATE;
        return status;
    }
    if (!account_has_room(account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    if (!total_add(&account->totals[outcome->kind], outcome)) {
        *code = ST_OVERFLOW;
        return ST_OK;
    }
    item_append(state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, tx->items[index]);
    uint8_t place[16];
    be64_put(place, account->position);
    be64_put(place + 8, account->items.size);
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(place, sizeof place));
    return ST_OK;
}
