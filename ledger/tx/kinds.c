#include "ledger/tx/kinds.h"

#include <string.h>

#include "ledger/tx/points.h"
#include "ledger/tx/rules.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_govern.pb-c.h"

/* KIND, name, message, bulk, role of the first signer, rule. Ascending. */
#define KIND(KIND, name, message, bulk, role, apply) WORK(KIND, name, message, bulk, role, apply, 0)
/* The same, with work that signers and items do not tell. */
#define WORK(KIND, name, message, bulk, role, apply, work) \
    ROW(KIND, name, message, bulk, role, apply, work, 0)
/* Of a bulk kind, work for each item. */
#define BULK(KIND, name, message, role, apply, item_work) \
    ROW(KIND, name, message, true, role, apply, 0, item_work)
#define ROW(KIND, name, message, bulk, role, apply, work, item_work)                      \
    {                                                                                     \
        XUELIAN__TX_KIND__TX_KIND_##KIND, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_##role, name, \
            &xuelian__##message##__descriptor, apply, work, item_work, bulk               \
    }
/* Up to 8 sources with what rests on them; one source, and counts over 17 accounts; one change of an item. */
enum { WORK_CONVERSION = 40, WORK_SOURCE = 20, WORK_CHANGE = 5 };
/* Up to 32 items read that rest on one. */
enum { WORK_RESTS = 5 };
/* Versions read back to the one before a suspension: disputes may have made many. */
enum { WORK_RESTORE = 100 };
/* Up to 32 changes of items that rest on one. */
enum { WORK_REVIEW = LIMIT_DEPENDENTS_MAX * WORK_CHANGE };
/* Up to 32 lots changed and 256 read. */
enum { WORK_LOTS = 32 * WORK_CHANGE + 20 };
/* Up to 32 lots changed, and as many that their points went on to. */
enum { WORK_RETURN = 2 * WORK_LOTS };
/* Up to 100 changes on records of up to 24 KiB with ten pages each, 512 members looked at, up to 256 votes counted, up to
 * 64 signatures. */
enum { WORK_VOTE = 200, WORK_ENACT = 900, WORK_RECORD = 20 };
/* A record with ten pages; and 512 members looked at. */
enum { WORK_KEYS = 40, WORK_GOVERNORS = 100 };
static const struct tx_kind kinds[] = {
    KIND(ACCOUNT_OPEN, "account-open", account_opening, false, OPEN_ACCOUNTS, account_open_apply),
    KIND(ACCOUNT_OPEN_BULK, "account-open-bulk", account_opening, true, OPEN_ACCOUNTS,
         account_open_apply),
    KIND(DEPOSIT, "deposit", outcome, false, DEPOSIT, deposit_apply),
    KIND(DEPOSIT_BULK, "deposit-bulk", outcome, true, DEPOSIT, deposit_apply),
    BULK(REVOKE_BULK, "revoke-bulk", item_act, UNSPECIFIED, revoke_apply,
         2 * WORK_CHANGE + WORK_RESTS),
    BULK(CORRECT_BULK, "correct-bulk", correction, DEPOSIT, correct_apply,
         2 * WORK_CHANGE + WORK_RESTS),
    WORK(ACCOUNT_CLAIM, "account-claim", key_binding, false, UNSPECIFIED, account_claim_apply,
         WORK_CHANGE),
    WORK(ACCOUNT_ROTATE, "account-rotate", account_key_rotation, false, UNSPECIFIED,
         account_rotate_apply, WORK_CHANGE),
    WORK(ACCOUNT_RECOVER, "account-recover", key_binding, false, UNSPECIFIED, account_recover_apply,
         WORK_CHANGE),
    KIND(ACCOUNT_FREEZE, "account-freeze", account_act, false, UNSPECIFIED, account_freeze_apply),
    KIND(ACCOUNT_UNFREEZE, "account-unfreeze", account_act, false, UNSPECIFIED,
         account_unfreeze_apply),
    KIND(ACCOUNT_CLOSE, "account-close", account_act, false, UNSPECIFIED, account_close_apply),
    WORK(ACCOUNT_GUARDIAN, "account-guardian", guardian_setting, false, UNSPECIFIED,
         account_guardian_apply, WORK_CHANGE),
    KIND(ACCOUNT_DECEASED, "account-deceased", death_notice, false, UNSPECIFIED,
         account_deceased_apply),
    WORK(ACCOUNT_MERGE, "account-merge", account_merge, false, UNSPECIFIED, account_merge_apply,
         POINTS_MOVE_WORK),
    KIND(APPLY, "apply", outcome, false, UNSPECIFIED, apply_apply),
    WORK(APPLY_DECIDE, "apply-decide", application_decision, false, DEPOSIT, apply_decide_apply,
         WORK_CHANGE),
    WORK(CORRECT, "correct", correction, false, DEPOSIT, correct_apply, WORK_REVIEW),
    WORK(REVOKE, "revoke", item_act, false, UNSPECIFIED, revoke_apply, WORK_REVIEW),
    WORK(SUSPEND, "suspend", item_act, false, UNSPECIFIED, suspend_apply, WORK_REVIEW),
    WORK(RESTORE, "restore", item_act, false, UNSPECIFIED, restore_apply,
         WORK_CHANGE + WORK_RESTORE),
    WORK(RECOGNISE, "recognise", recognition, false, RECOGNISE, recognise_apply, WORK_RESTS),
    WORK(RECOGNISE_REVIEW, "recognise-review", recognition_review, false, RECOGNISE,
         recognise_review_apply, WORK_REVIEW),
    BULK(RECOGNISE_BULK, "recognise-bulk", recognition, RECOGNISE, recognise_apply, WORK_RESTS),
    WORK(APPLY_WITHDRAW, "apply-withdraw", item_act, false, UNSPECIFIED, apply_withdraw_apply,
         WORK_CHANGE),
    WORK(ERASE_OWN, "erase-own", item_act, false, UNSPECIFIED, erase_own_apply, WORK_CHANGE),
    WORK(ERASE_ISSUED, "erase-issued", item_act, false, UNSPECIFIED, erase_issued_apply,
         WORK_CHANGE),
    WORK(CONVERSION_APPLY, "conversion-apply", conversion_application, false, UNSPECIFIED,
         conversion_apply, WORK_CONVERSION),
    WORK(CONVERSION_DECIDE, "conversion-decide", conversion_decision, false, CONVERT,
         conversion_decide, WORK_CONVERSION),
    WORK(CONVERSION_APPEAL, "conversion-appeal", item_act, false, UNSPECIFIED, conversion_appeal,
         WORK_CHANGE),
    WORK(CONVERSION_REVIEW, "conversion-review", conversion_decision, false, CONVERT,
         conversion_review, WORK_CONVERSION),
    WORK(CONVERSION_WITHDRAW, "conversion-withdraw", item_act, false, UNSPECIFIED,
         conversion_withdraw, WORK_CHANGE),
    WORK(POINTS_ACCRUE, "points-accrue", points_accrual, false, UNSPECIFIED, points_accrue,
         WORK_SOURCE),
    WORK(POINTS_REDEEM, "points-redeem", points_redemption, false, UNSPECIFIED, points_redeem,
         WORK_LOTS),
    WORK(POINTS_FULFIL, "points-fulfil", item_act, false, UNSPECIFIED, points_fulfil, WORK_CHANGE),
    WORK(POINTS_CANCEL, "points-cancel", item_act, false, UNSPECIFIED, points_cancel, WORK_RETURN),
    WORK(POINTS_REVERSE, "points-reverse", item_act, false, UNSPECIFIED, points_reverse,
         WORK_RETURN),
    WORK(POINTS_UPHOLD, "points-uphold", item_act, false, UNSPECIFIED, points_uphold,
         WORK_SOURCE + 2 * WORK_CHANGE),
    WORK(CONSENT_GRANT, "consent-grant", consent, false, UNSPECIFIED, consent_grant_apply,
         WORK_CHANGE),
    WORK(CONSENT_WITHDRAW, "consent-withdraw", consent_withdrawal, false, UNSPECIFIED,
         consent_withdraw_apply, WORK_CHANGE),
    KIND(QUERY_REQUEST, "query-request", query_request, true, QUERY, query_request_apply),
    KIND(QUERY_REFUSE, "query-refuse", query_refusal, false, UNSPECIFIED, query_refuse_apply),
    WORK(DISPUTE_OPEN, "dispute-open", dispute_opening, false, UNSPECIFIED, dispute_open_apply,
         WORK_CHANGE),
    WORK(DISPUTE_ANSWER, "dispute-answer", dispute_answer, false, UNSPECIFIED, dispute_answer_apply,
         2 * WORK_CHANGE),
    WORK(DISPUTE_SETTLE, "dispute-settle", dispute_answer, false, UNSPECIFIED, dispute_settle_apply,
         2 * WORK_CHANGE),
    KIND(QUERY_LOG_ANCHOR, "query-log-anchor", query_log_anchor, false, UNSPECIFIED,
         query_log_anchor_apply),
    WORK(GOVERN_PROPOSE, "govern-propose", govern_proposal, false, UNSPECIFIED,
         govern_propose_apply, WORK_ENACT),
    WORK(GOVERN_APPROVE, "govern-approve", proposal_ref, false, UNSPECIFIED, govern_approve_apply,
         WORK_ENACT),
    WORK(GOVERN_REFUSE, "govern-refuse", proposal_ref, false, UNSPECIFIED, govern_refuse_apply,
         WORK_VOTE),
    WORK(GOVERN_WITHDRAW, "govern-withdraw", proposal_ref, false, UNSPECIFIED,
         govern_withdraw_apply, WORK_RECORD),
    WORK(GOVERN_ENACT, "govern-enact", proposal_enactment, false, UNSPECIFIED, govern_enact_apply,
         WORK_ENACT),
    WORK(MEMBER_KEY_ROTATE, "member-key-rotate", member_key_rotation, false, UNSPECIFIED,
         member_key_rotate_apply, WORK_KEYS),
    WORK(MEMBER_KEY_REVOKE, "member-key-revoke", member_key_revocation, false, UNSPECIFIED,
         member_key_revoke_apply, WORK_KEYS + WORK_GOVERNORS),
    WORK(EVIDENCE, "evidence", evidence, false, UNSPECIFIED, evidence_apply, WORK_RECORD),
};
#undef KIND
#undef WORK
#undef BULK
#undef ROW
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

const struct tx_kind *tx_kind_of(Xuelian__TxKind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct tx_kind *tx_kind_named(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct tx_kind *tx_kind_at(uint32_t i)
{
    return i < KIND_COUNT ? &kinds[i] : NULL;
}
