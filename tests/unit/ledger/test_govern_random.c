/* Random proposals, set changes and keys, and after every block what must always hold: of the validator set, of the
 * records beside it, of what is indexed of them, and that what is refused changes nothing. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/state/registry.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/quorum.h"
#include "tests/unit/ledger/govern_support.h"

enum { MEMBERS = 9, STEPS = 400 };

static struct governed network;
static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % below);
}

/* ---- What always holds ---- */

static void check_set(const struct validator_set *before, uint64_t height)
{
    static uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    struct validator_set set;
    struct hash32 hash;
    const struct validator_set *now = ledger_set(network.ledger);
    const struct header *tip = ledger_tip(network.ledger);
    assert_int_equal(validator_set_decode(&set, bytes_of(bytes, validator_set_encode(bytes, now))),
                     ST_OK);
    for (uint32_t i = 0; i < now->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_int_not_equal(now->validators[i].member, now->validators[k].member);
        }
    }
    bool same = now->count == before->count &&
                memcmp(now->validators, before->validators, sizeof now->validators) == 0;
    assert_int_equal(now->era, same ? before->era : height + 1);
    validator_set_hash(&hash, before);
    assert_memory_equal(&tip->validators_hash, &hash, 32);
    validator_set_hash(&hash, now);
    assert_memory_equal(&tip->next_validators_hash, &hash, 32);
}

/* A node says validator exactly when the set has it, with that incarnation. */
static void check_records(void)
{
    const struct validator_set *set = ledger_set(network.ledger);
    uint32_t validators = 0;
    uint32_t governors = 0;
    for (uint32_t id = 1; id <= MEMBERS; id++) {
        const Xuelian__Member *member = governed_member(&network, id);
        governors += registry_may(member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN);
        for (size_t i = 0; i < member->n_nodes; i++) {
            struct pubkey33 key;
            assert_true(field_copy(&key, 33, &member->nodes[i]->key));
            int at = validator_set_find(set, &key);
            assert_int_equal(at >= 0,
                             member->nodes[i]->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR);
            if (at >= 0) {
                validators++;
                assert_int_equal(set->validators[at].incarnation, member->nodes[i]->incarnation);
                assert_int_equal(set->validators[at].member, id);
            }
        }
    }
    assert_int_equal(validators, set->count);
    struct state *state = NULL;
    uint32_t indexed;
    assert_int_equal(state_begin(&state, network.kv, false), ST_OK);
    assert_int_equal(registry_role_count(state, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN, &indexed),
                     ST_OK);
    assert_int_equal(indexed, governors);
    assert_true(governors >= 1);
    state_free(state);
}

/* ---- Random acts ---- */

static struct hash32 waiting;
static bool has_waiting;
static uint32_t waiting_of;                /* who proposed it */
static Xuelian__ValidatorChange wishes[3]; /* of the proposal that waits */
static uint32_t wish_count;

static struct signers governors(void)
{
    struct signers by = {.count = 0};
    for (uint32_t id = 1; id <= MEMBERS && by.count < LIMIT_SIGNERS_MAX; id++) {
        if (registry_may(governed_member(&network, id), XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN)) {
            by.members[by.count++] = id;
        }
    }
    return by;
}

/* Mostly one that will do: as the record has it, or higher. */
static uint64_t incarnation_after(uint32_t member)
{
    const Xuelian__Member *record = governed_member(&network, member);
    const Xuelian__Node *node = record->n_nodes > 0 ? record->nodes[0] : NULL;
    if (node == NULL) {
        return 0;
    }
    bool there = node->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    return node->incarnation + (pick(8) == 0 ? pick(3) : there);
}

static uint32_t propose_set(void)
{
    Xuelian__ValidatorChange *parts = wishes;
    Xuelian__Change changes[3];
    Xuelian__Change *list[3];
    uint32_t count = 1 + pick(3);
    wish_count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t member = 1 + pick(6);
        xuelian__validator_change__init(&parts[i]);
        xuelian__change__init(&changes[i]);
        parts[i].member = member;
        parts[i].key = governed_key((uint8_t)(100 + (pick(8) == 0 ? 1 + pick(6) : member)));
        parts[i].remove = pick(3) == 0;
        parts[i].incarnation = parts[i].remove ? 0 : incarnation_after(member);
        changes[i].validator = &parts[i];
        list[i] = &changes[i];
    }
    struct signers by = governors();
    uint32_t code = governed_propose(&network, list, count, by, &waiting);
    has_waiting = code == ST_OK;
    waiting_of = by.members[0];
    return code;
}

/* What the set would have of a member: its incarnation, or false. */
static bool would_validate(uint32_t member, uint64_t *incarnation)
{
    const struct validator_set *set = ledger_set(network.ledger);
    bool in = false;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->validators[i].member == member) {
            in = true;
            *incarnation = set->validators[i].incarnation;
        }
    }
    for (uint32_t i = 0; i < wish_count; i++) {
        if (wishes[i].member == member) {
            in = !wishes[i].remove;
            *incarnation = wishes[i].incarnation;
        }
    }
    return in;
}

/* Signatures of those that would be in the set; now and then one is missing, or one too many. */
static uint32_t enact_waiting(void)
{
    struct made_following made[6];
    Xuelian__Following wires[6];
    uint32_t count = 0;
    for (uint32_t member = 1; member <= 6; member++) {
        uint64_t incarnation = 0;
        if (would_validate(member, &incarnation) != (pick(24) == 0)) {
            governed_following(&network, (uint8_t)(100 + member), incarnation, &made[count]);
            wires[count] = made[count].wire;
            count++;
        }
    }
    struct signers by = governors();
    by.count = 1;
    return governed_enact_with(&network, &waiting, by, wires, count);
}

static uint32_t propose_status(void)
{
    Xuelian__MemberStatusChange part = XUELIAN__MEMBER_STATUS_CHANGE__INIT;
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    part.member = 1 + pick(MEMBERS);
    part.status = pick(2);
    change.status = &part;
    return governed_propose(&network, (Xuelian__Change *[]){&change}, 1, governors(), NULL);
}

static uint32_t propose_rotation(void)
{
    Xuelian__ParamValue part = XUELIAN__PARAM_VALUE__INIT;
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    char name[] = "rotation_blocks";
    part.name = name;
    part.value = 1 + pick(50);
    change.param = &part;
    return governed_propose(&network, (Xuelian__Change *[]){&change}, 1, governors(), NULL);
}

/* Else there would soon be as many as one member may have open. */
static void withdraw_waiting(void)
{
    governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_WITHDRAW, &waiting, BY(waiting_of));
    has_waiting = false;
}

static uint32_t act(void)
{
    uint32_t what = pick(12);
    if (what == 0) {
        return propose_status();
    }
    if (what == 1) {
        return propose_rotation();
    }
    return has_waiting ? enact_waiting() : propose_set();
}

static void random_governance(void **state)
{
    uint32_t eras = 0;
    uint32_t done = 0;
    (void)state;
    for (seed = 1; seed <= 3; seed++) {
        uint64_t start = seed;
        governed_open(&network, NULL);
        has_waiting = false;
        for (uint32_t step = 0; step < STEPS; step++) {
            if (has_waiting && pick(4) == 0) {
                withdraw_waiting();
            }
            struct validator_set before = *ledger_set(network.ledger);
            struct hash32 root = ledger_tip(network.ledger)->state_root;
            uint64_t rotation = ledger_params(network.ledger)->rotation_blocks;
            uint32_t code = act();
            check_set(&before, ledger_tip(network.ledger)->height);
            check_records();
            if (code != ST_OK) {
                assert_memory_equal(&ledger_tip(network.ledger)->state_root, &root, 32);
            }
            bool changed = ledger_set(network.ledger)->era != before.era;
            assert_true(changed || ledger_params(network.ledger)->rotation_blocks == rotation);
            eras += changed;
            done += code == ST_OK;
        }
        governed_close(&network);
        seed = start;
    }
    printf("%u acts done, %u eras\n", done, eras);
    assert_true(eras > 30); /* else nothing was tested */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_governance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
