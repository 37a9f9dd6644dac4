#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/runs.h"

#include "ledger/tx/outcome.h"
#include "proto/bytes.h"
#include "proto/convert.h"

uint32_t run_pick(struct run *run, uint32_t count)
{
    run->seed = run->seed * 1664525 + 1013904223;
    return (run->seed >> 8) % count;
}

bool run_rarely(struct run *run, uint32_t n)
{
    return run_pick(run, n) == 0;
}

void run_open(struct run *run, uint32_t seed)
{
    *run = (struct run){.seed = seed};
    people_open(&run->net);
    for (uint32_t i = 0; i < RUN_LEARNERS; i++) {
        run->ids[i] = support_learner(i);
        run->commitments[i] = people_commitment(i);
        run->learners[i].key = (uint8_t)(i % 2 == 1 ? 60 + i : 0);
        if (i > 0) {
            people_account(&run->net, i, run->learners[i].key);
        }
    }
}

void run_close(struct run *run)
{
    people_close(&run->net);
}

/* ---- hands ---- */

static void sign_with(struct run_draft *draft, struct hand hand)
{
    draft->hands[draft->hand_count++] = hand;
}

static void sign_member(struct run *run, struct run_draft *draft, uint32_t member)
{
    static const uint32_t others[] = {1, 2, 3, 4, 6, 10, 11, 12};
    sign_with(draft, MEMBER(run_rarely(run, 12) ? others[run_pick(run, 8)] : member));
}

/* The custodian and an identity service, as a rule. */
static void sign_pair(struct run *run, struct run_draft *draft)
{
    sign_member(run, draft, 1);
    if (!run_rarely(run, 20)) {
        sign_with(draft, MEMBER(draft->hands[0].number == 10 ? 11 : 10));
    }
}

/* Who acts for the learner, as a rule. */
static void sign_holder(struct run *run, struct run_draft *draft)
{
    const struct run_learner *learner = &run->learners[draft->learner];
    uint8_t secret = learner->guardian != 0 && (learner->key == 0 || run_rarely(run, 3))
                         ? learner->guardian
                         : learner->key;
    if (secret == 0 || run_rarely(run, 15)) {
        sign_member(run, draft, 1);
        return;
    }
    sign_with(draft, LEARNER(draft->learner, run_rarely(run, 20) ? 99 : secret));
}

/* ---- accounts ---- */

static uint8_t new_secret(struct run *run)
{
    return (uint8_t)(120 + run_pick(run, 100));
}

static ProtobufCBinaryData account_of(struct run *run, const struct run_draft *draft)
{
    return field_borrow(&run->ids[draft->learner], 32);
}

static ProtobufCBinaryData commitment_of(struct run *run, const struct run_draft *draft)
{
    uint32_t whose = run_rarely(run, 20) ? 0 : draft->learner;
    return field_borrow(&run->commitments[whose], 32);
}

static ProtobufCBinaryData bring_key(struct run *run, struct run_draft *draft)
{
    const struct run_learner *learner = &run->learners[draft->learner];
    draft->new_secret = run_rarely(run, 10) && learner->key != 0 ? learner->key : new_secret(run);
    draft->key = people_key(draft->new_secret);
    return field_borrow(&draft->key, 33);
}

static void make_binding(struct run *run, struct run_draft *draft)
{
    Xuelian__KeyBinding *binding = &draft->payload.binding;
    xuelian__key_binding__init(binding);
    binding->account = account_of(run, draft);
    binding->identity_commitment = commitment_of(run, draft);
    binding->new_key = bring_key(run, draft);
    draft->items[0] = &binding->base;
    sign_pair(run, draft);
}

static void make_rotation(struct run *run, struct run_draft *draft)
{
    Xuelian__AccountKeyRotation *rotation = &draft->payload.rotation;
    xuelian__account_key_rotation__init(rotation);
    rotation->account = account_of(run, draft);
    rotation->new_key = bring_key(run, draft);
    draft->items[0] = &rotation->base;
    sign_holder(run, draft);
}

static void make_guardian(struct run *run, struct run_draft *draft)
{
    Xuelian__GuardianSetting *setting = &draft->payload.guardian;
    xuelian__guardian_setting__init(setting);
    setting->account = account_of(run, draft);
    setting->identity_commitment = commitment_of(run, draft);
    if (!run_rarely(run, 4)) {
        setting->guardian_key = bring_key(run, draft);
        setting->until_date = 20260101 + run_pick(run, 20);
    }
    draft->items[0] = &setting->base;
    sign_pair(run, draft);
}

static void make_account_act(struct run *run, struct run_draft *draft)
{
    Xuelian__AccountAct *act = &draft->payload.account_act;
    xuelian__account_act__init(act);
    act->account = account_of(run, draft);
    act->reason = (Xuelian__AccountReason)run_pick(run, 7);
    draft->items[0] = &act->base;
    if (draft->kind == XUELIAN__TX_KIND__TX_KIND_ACCOUNT_UNFREEZE) {
        switch (run_pick(run, 4)) {
        case 0:
            sign_pair(run, draft);
            break;
        case 1:
            sign_with(draft, MEMBER(12));
            sign_with(draft, MEMBER(10));
            break;
        default:
            sign_member(run, draft, 12);
        }
    } else if (draft->kind == XUELIAN__TX_KIND__TX_KIND_ACCOUNT_FREEZE && run_rarely(run, 2)) {
        sign_member(run, draft, 10);
    } else {
        sign_holder(run, draft);
    }
}

static void make_death(struct run *run, struct run_draft *draft)
{
    Xuelian__DeathNotice *notice = &draft->payload.death;
    xuelian__death_notice__init(notice);
    notice->account = account_of(run, draft);
    notice->identity_commitment = commitment_of(run, draft);
    draft->items[0] = &notice->base;
    sign_pair(run, draft);
}

static void make_merge(struct run *run, struct run_draft *draft)
{
    Xuelian__AccountMerge *merge = &draft->payload.merge;
    uint32_t other = RUN_MERGED_FROM + run_pick(run, RUN_LEARNERS - RUN_MERGED_FROM);
    draft->learner = draft->learner % RUN_MERGED_FROM;
    xuelian__account_merge__init(merge);
    merge->account = account_of(run, draft);
    merge->identity_commitment = commitment_of(run, draft);
    merge->other = field_borrow(&run->ids[other], 32);
    merge->other_commitment = field_borrow(&run->commitments[other], 32);
    draft->items[0] = &merge->base;
    sign_pair(run, draft);
}

/* ---- outcomes ---- */

static void make_outcome(struct run *run, struct run_draft *draft, Xuelian__Outcome *outcome)
{
    bool course = run_rarely(run, 3);
    people_outcome(outcome, &run->ids[draft->learner], run_pick(run, 300),
                   20250101 + run_pick(run, 12));
    outcome->course = course ? 7 : 0;
    outcome->course_version = course ? 2 : 0;
    outcome->hours = run_pick(run, 4800);
    outcome->level = run_pick(run, run_rarely(run, 15) ? 13 : 11);
    outcome->expiry_date = run_rarely(run, 4) ? 20260101 + run_pick(run, 15) : 0;
    outcome->site = run_pick(run, 2);
    if (run_rarely(run, 3)) {
        be32_put(draft->reference, 1 + run_pick(run, 6));
        outcome->reference = field_borrow(draft->reference, 16);
    }
    if (run_rarely(run, 8)) {
        outcome->recognising = 1;
    }
}

/* The issuer, and who is named as recognising. */
static void sign_issuer(struct run *run, struct run_draft *draft, const Xuelian__Outcome *outcome)
{
    sign_member(run, draft, 2);
    if (outcome != NULL && outcome->recognising != 0 && draft->hands[0].number != 1) {
        sign_with(draft, MEMBER(1));
    }
}

/* An item of a kind and one of two statuses, the last of a few looked at otherwise. */
static uint64_t pick_item(struct run *run, const struct run_draft *draft, Xuelian__ItemKind kind,
                          Xuelian__ItemStatus status, Xuelian__ItemStatus or_status)
{
    uint64_t size = people_read(&run->net, draft->learner).items.size;
    uint64_t number = 0;
    for (uint32_t i = 0; i < 12 && size > 0; i++) {
        struct item item;
        number = 1 + run_pick(run, (uint32_t)size);
        people_item(&run->net, draft->learner, number, &item);
        if (item.version->kind == kind &&
            (item.version->status == status || item.version->status == or_status)) {
            return number;
        }
    }
    return number + (run_rarely(run, 8) ? 1 : 0);
}

/* Hash of the newest version, as a rule; kept in the draft. */
static ProtobufCBinaryData version_of(struct run *run, struct run_draft *draft, uint32_t slot,
                                      uint64_t number)
{
    if (number >= 1 && number <= people_read(&run->net, draft->learner).items.size &&
        !run_rarely(run, 25)) {
        draft->versions[slot] = people_hash(&run->net, draft->learner, number);
    }
    return field_borrow(&draft->versions[slot], 32);
}

#define STATUS(name) XUELIAN__ITEM_STATUS__ITEM_STATUS_##name
#define OUTCOME      XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME
#define RECOGNITION  XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION

static void make_deposit(struct run *run, struct run_draft *draft)
{
    bool apply = draft->kind == XUELIAN__TX_KIND__TX_KIND_APPLY;
    Xuelian__Outcome *outcome = &draft->payload.deposit;
    make_outcome(run, draft, outcome);
    draft->items[0] = &outcome->base;
    if (!apply) {
        sign_issuer(run, draft, outcome);
        return;
    }
    outcome->source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
    if (!run_rarely(run, 10)) {
        outcome->reference.len = 0;
        outcome->recognising = 0;
    }
    sign_holder(run, draft);
}

static void make_decision(struct run *run, struct run_draft *draft)
{
    Xuelian__ApplicationDecision *decision = &draft->payload.decision;
    xuelian__application_decision__init(decision);
    decision->account = account_of(run, draft);
    decision->item = pick_item(run, draft, OUTCOME, STATUS(APPLIED), STATUS(APPLIED));
    decision->version_hash = version_of(run, draft, 0, decision->item);
    decision->reason = (Xuelian__ItemReason)(run_rarely(run, 3) ? run_pick(run, 10) : 0);
    if (decision->reason == XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED) {
        make_outcome(run, draft, &draft->outcome);
        draft->outcome.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
        decision->outcome = &draft->outcome;
    }
    draft->items[0] = &decision->base;
    sign_issuer(run, draft, decision->outcome);
}

static void make_correction(struct run *run, struct run_draft *draft)
{
    Xuelian__Correction *correction = &draft->payload.correction;
    struct item item;
    struct outcome before;
    xuelian__correction__init(correction);
    correction->account = account_of(run, draft);
    correction->item = pick_item(run, draft, OUTCOME, STATUS(VALID), STATUS(CORRECTED));
    correction->version_hash = version_of(run, draft, 0, correction->item);
    correction->reason = (Xuelian__ItemReason)run_pick(run, 11);
    make_outcome(run, draft, &draft->outcome);
    if (correction->item >= 1 &&
        correction->item <= people_read(&run->net, draft->learner).items.size) {
        people_item(&run->net, draft->learner, correction->item, &item);
        if (item.version->kind == OUTCOME && outcome_read(&item, &before) == ST_OK) {
            draft->outcome.source = before.wire->source;
        }
    }
    correction->outcome = &draft->outcome;
    draft->items[0] = &correction->base;
    sign_issuer(run, draft, &draft->outcome);
}

static void make_act(struct run *run, struct run_draft *draft)
{
    Xuelian__ItemAct *act = &draft->payload.act;
    xuelian__item_act__init(act);
    act->account = account_of(run, draft);
    act->reason = (Xuelian__ItemReason)run_pick(run, 11);
    draft->items[0] = &act->base;
    if (draft->kind == XUELIAN__TX_KIND__TX_KIND_APPLY_WITHDRAW) {
        act->item = pick_item(run, draft, OUTCOME, STATUS(APPLIED), STATUS(APPLIED));
        sign_holder(run, draft);
    } else if (draft->kind == XUELIAN__TX_KIND__TX_KIND_REVOKE && run_rarely(run, 2)) {
        act->item = pick_item(run, draft, RECOGNITION, STATUS(VALID), STATUS(REVIEW));
        sign_member(run, draft, 1 + run_pick(run, 2));
    } else {
        bool restore = draft->kind == XUELIAN__TX_KIND__TX_KIND_RESTORE;
        act->item = pick_item(run, draft, OUTCOME, restore ? STATUS(SUSPENDED) : STATUS(VALID),
                              restore ? STATUS(SUSPENDED) : STATUS(CORRECTED));
        sign_member(run, draft, 2);
    }
    act->version_hash = version_of(run, draft, 0, act->item);
}

static void make_recognition(struct run *run, struct run_draft *draft, uint32_t slot,
                             uint64_t outcome)
{
    Xuelian__Recognition *recognition = &draft->recognitions[slot];
    xuelian__recognition__init(recognition);
    recognition->account = account_of(run, draft);
    recognition->recogniser = draft->hands[0].number;
    recognition->outcome = outcome;
    recognition->outcome_version = version_of(run, draft, slot, outcome);
    recognition->level = run_pick(run, run_rarely(run, 15) ? 12 : 11);
    recognition->credits = run_pick(run, 500);
    recognition->expiry_date = run_rarely(run, 4) ? 20260101 + run_pick(run, 20) : 0;
    recognition->framework = run_rarely(run, 40) ? 9 : 0;
}

static void make_recognise(struct run *run, struct run_draft *draft)
{
    bool bulk = draft->kind == XUELIAN__TX_KIND__TX_KIND_RECOGNISE_BULK;
    sign_member(run, draft, 1 + run_pick(run, 2));
    draft->item_count = bulk ? 1 + run_pick(run, RUN_ITEMS_MAX) : 1;
    for (uint32_t i = 0; i < draft->item_count; i++) {
        make_recognition(run, draft, i,
                         pick_item(run, draft, OUTCOME, STATUS(VALID), STATUS(CORRECTED)));
        draft->items[i] = &draft->recognitions[i].base;
    }
}

static void make_review(struct run *run, struct run_draft *draft)
{
    Xuelian__RecognitionReview *review = &draft->payload.review;
    struct item item;
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    uint64_t outcome = 1;
    sign_member(run, draft, 1 + run_pick(run, 2));
    xuelian__recognition_review__init(review);
    review->account = account_of(run, draft);
    review->item = pick_item(run, draft, RECOGNITION, STATUS(REVIEW), STATUS(REVIEW));
    review->version_hash = version_of(run, draft, RUN_ITEMS_MAX, review->item);
    if (review->item >= 1 && review->item <= people_read(&run->net, draft->learner).items.size) {
        people_item(&run->net, draft->learner, review->item, &item);
        arena_init(&arena, memory, sizeof memory);
        if (item.version->kind == RECOGNITION &&
            item_content(&item, &xuelian__recognition__descriptor, &arena, &content) == ST_OK) {
            const Xuelian__Recognition *before = (const Xuelian__Recognition *)(void *)content;
            outcome = before->outcome;
            draft->hands[0] = MEMBER(before->recogniser);
        }
    }
    make_recognition(run, draft, 0, outcome);
    review->recognition = &draft->recognitions[0];
    draft->items[0] = &review->base;
}

/* ---- any ---- */

void run_make(struct run *run, struct run_draft *draft)
{
    static const struct {
        Xuelian__TxKind kind;
        void (*make)(struct run *, struct run_draft *);
        uint32_t weight;
    } rows[] = {
        {XUELIAN__TX_KIND__TX_KIND_DEPOSIT, make_deposit, 16},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_CLAIM, make_binding, 3},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_ROTATE, make_rotation, 4},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_RECOVER, make_binding, 3},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_FREEZE, make_account_act, 3},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_UNFREEZE, make_account_act, 12},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_CLOSE, make_account_act, 1},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_GUARDIAN, make_guardian, 4},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_DECEASED, make_death, 1},
        {XUELIAN__TX_KIND__TX_KIND_ACCOUNT_MERGE, make_merge, 1},
        {XUELIAN__TX_KIND__TX_KIND_APPLY, make_deposit, 10},
        {XUELIAN__TX_KIND__TX_KIND_APPLY_DECIDE, make_decision, 10},
        {XUELIAN__TX_KIND__TX_KIND_CORRECT, make_correction, 12},
        {XUELIAN__TX_KIND__TX_KIND_REVOKE, make_act, 5},
        {XUELIAN__TX_KIND__TX_KIND_SUSPEND, make_act, 5},
        {XUELIAN__TX_KIND__TX_KIND_RESTORE, make_act, 6},
        {XUELIAN__TX_KIND__TX_KIND_RECOGNISE, make_recognise, 8},
        {XUELIAN__TX_KIND__TX_KIND_RECOGNISE_REVIEW, make_review, 8},
        {XUELIAN__TX_KIND__TX_KIND_RECOGNISE_BULK, make_recognise, 5},
        {XUELIAN__TX_KIND__TX_KIND_APPLY_WITHDRAW, make_act, 3},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    uint32_t sum = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        sum += rows[i].weight;
    }
    uint32_t at = run_pick(run, sum);
    uint32_t row = 0;
    while (at >= rows[row].weight) {
        at -= rows[row++].weight;
    }
    *draft =
        (struct run_draft){.kind = rows[row].kind,
                           .learner = run_rarely(run, 40) ? 0 : 1 + run_pick(run, RUN_LEARNERS - 1),
                           .item_count = 1};
    rows[row].make(run, draft);
}

struct bytes run_sign(struct run *run, const struct run_draft *draft)
{
    return people_tx_of(&run->net, draft->kind, draft->items, draft->item_count, draft->hands,
                        draft->hand_count);
}

void run_note(struct run *run, const struct run_draft *draft)
{
    struct run_learner *learner = &run->learners[draft->learner];
    if (draft->kind == XUELIAN__TX_KIND__TX_KIND_ACCOUNT_GUARDIAN) {
        learner->guardian = draft->new_secret;
    } else if (draft->kind == XUELIAN__TX_KIND__TX_KIND_ACCOUNT_ROTATE &&
               draft->hands[0].secret == learner->guardian) {
        learner->guardian = draft->new_secret;
    } else if (draft->new_secret != 0) {
        learner->key = draft->new_secret;
    }
}
