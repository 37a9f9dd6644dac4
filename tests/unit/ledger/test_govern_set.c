/* Changes of the validator set: what they need, when they act, and that a block's changes are one. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/govern_support.h"

#define APPROVE XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE

static struct governed network;

static int setup(void **state)
{
    (void)state;
    governed_open(&network, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    governed_close(&network);
    return 0;
}

struct set_change {
    Xuelian__Change change;
    Xuelian__ValidatorChange validator;
};

static Xuelian__Change *join(struct set_change *out, uint32_t member, uint8_t secret,
                             uint64_t incarnation)
{
    xuelian__change__init(&out->change);
    xuelian__validator_change__init(&out->validator);
    out->validator.member = member;
    out->validator.key = governed_key(secret);
    out->validator.incarnation = incarnation;
    out->change.validator = &out->validator;
    return &out->change;
}

static Xuelian__Change *leave(struct set_change *out, uint32_t member, uint8_t secret)
{
    join(out, member, secret, 0);
    out->validator.remove = true;
    return &out->change;
}

/* Proposed by 1 and 2, so that it is approved. */
static struct hash32 approved(Xuelian__Change *const *changes, size_t count)
{
    struct hash32 id;
    assert_int_equal(governed_propose(&network, changes, count, BY(1, 2), &id), ST_OK);
    return id;
}

static uint64_t height(void)
{
    return ledger_tip(network.ledger)->height;
}

static void newcomer_joins(void **state)
{
    struct set_change change;
    (void)state;
    struct hash32 id = approved((Xuelian__Change *[]){join(&change, 6, 106, 0)}, 1);
    assert_int_equal(ledger_set(network.ledger)->count, 4);
    const uint8_t signers[] = {101, 102, 103, 106}; /* q of 5 is 4 */
    assert_int_equal(governed_enact(&network, &id, BY(3), signers, 4), ST_OK);
    const struct validator_set *set = ledger_set(network.ledger);
    const struct header *tip = ledger_tip(network.ledger);
    struct hash32 hash;
    assert_int_equal(set->count, 5);
    assert_int_equal(set->era, height() + 1);
    assert_int_equal(set->validators[4].member, 6);
    assert_int_equal(set->validators[4].joined, height() + 1);
    validator_set_hash(&hash, set);
    assert_memory_equal(&tip->next_validators_hash, &hash, 32);
    assert_memory_not_equal(&tip->validators_hash, &hash, 32);
    assert_int_equal(governed_member(&network, 6)->nodes[0]->role,
                     XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR);
    assert_int_equal(governed_proposal(&network, &id)->status,
                     XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_ENACTED);
    uint64_t era = set->era;
    governed_reopen(&network);
    governed_advance(&network, 1);
    assert_int_equal(ledger_set(network.ledger)->era, era);
    assert_memory_equal(&ledger_tip(network.ledger)->validators_hash, &hash, 32);
}

static void needs_signatures(void **state)
{
    struct set_change change;
    (void)state;
    struct hash32 id = approved((Xuelian__Change *[]){join(&change, 6, 106, 0)}, 1);
    const uint8_t without_newcomer[] = {101, 102, 103, 104};
    const uint8_t too_few[] = {101, 102, 106};
    const uint8_t stranger[] = {101, 102, 103, 106, 107};
    const uint8_t twice[] = {101, 101, 102, 103, 106};
    const uint8_t many[] = {101, 102, 103, 104, 106, 101};
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_FOLLOWING_LACKING);
    assert_int_equal(governed_enact(&network, &id, BY(1), without_newcomer, 4),
                     ST_FOLLOWING_LACKING);
    assert_int_equal(governed_enact(&network, &id, BY(1), too_few, 3), ST_FOLLOWING_LACKING);
    assert_int_equal(governed_enact(&network, &id, BY(1), stranger, 5), ST_BAD_FOLLOWING);
    assert_int_equal(governed_enact(&network, &id, BY(1), twice, 5), ST_BAD_FOLLOWING);
    assert_int_equal(governed_enact(&network, &id, BY(1), many, 6), ST_BAD_FOLLOWING);
    assert_int_equal(ledger_set(network.ledger)->count, 4);
    assert_int_equal(ledger_set(network.ledger)->era, 1);
}

enum spoil {
    SPOIL_ERA,
    SPOIL_HEIGHT,
    SPOIL_FUTURE,
    SPOIL_HASH,
    SPOIL_INCARNATION,
    SPOIL_SIGNATURE,
    SPOIL_KEY,
    SPOILS
};

static void spoil(struct made_following *made, enum spoil how)
{
    switch (how) {
    case SPOIL_ERA:
        made->plain.era++;
        break;
    case SPOIL_HEIGHT:
        made->plain.height--;
        break;
    case SPOIL_FUTURE:
        made->plain.height++;
        break;
    case SPOIL_HASH:
        made->plain.header_hash.bytes[5] ^= 1;
        break;
    case SPOIL_INCARNATION:
        made->plain.incarnation++;
        break;
    case SPOIL_SIGNATURE:
    case SPOIL_KEY:
    case SPOILS:
        break;
    }
}

static void bad_signatures(void **state)
{
    struct set_change change;
    struct made_following made[4];
    Xuelian__Following wires[4];
    const uint8_t secrets[4] = {101, 102, 103, 106};
    (void)state;
    struct hash32 id = approved((Xuelian__Change *[]){join(&change, 6, 106, 0)}, 1);
    governed_advance(&network, 3);
    for (enum spoil how = 0; how < SPOILS; how++) {
        for (uint32_t i = 0; i < 4; i++) {
            governed_following(&network, secrets[i], 0, &made[i]);
            wires[i] = made[i].wire;
        }
        spoil(&made[2], how);
        governed_resign(&network, how == SPOIL_SIGNATURE ? 104 : 103, &made[2]);
        wires[2] = made[2].wire;
        if (how == SPOIL_KEY) {
            wires[2].key = governed_key(108);
        }
        assert_int_equal(governed_enact_with(&network, &id, BY(1), wires, 4), ST_BAD_FOLLOWING);
    }
    assert_int_equal(ledger_set(network.ledger)->count, 4);
}

static void short_admission(Xuelian__Genesis *genesis)
{
    genesis->params->admission_heights = 3;
}

/* Signatures are good up to admission_heights below the block that carries them, and not one further. */
static void old_signatures(void **state)
{
    struct set_change change;
    struct made_following made[4];
    Xuelian__Following wires[4];
    const uint8_t secrets[4] = {101, 102, 103, 106};
    (void)state;
    governed_close(&network);
    governed_open(&network, short_admission);
    struct hash32 id = approved((Xuelian__Change *[]){join(&change, 6, 106, 0)}, 1);
    for (uint32_t i = 0; i < 4; i++) {
        governed_following(&network, secrets[i], 0, &made[i]);
        wires[i] = made[i].wire;
    }
    governed_advance(&network, 3);
    assert_int_equal(governed_enact_with(&network, &id, BY(1), wires, 4), ST_BAD_FOLLOWING);
    for (uint32_t i = 0; i < 4; i++) {
        governed_following(&network, secrets[i], 0, &made[i]);
        wires[i] = made[i].wire;
    }
    governed_advance(&network, 2);
    assert_int_equal(governed_enact_with(&network, &id, BY(1), wires, 4), ST_OK);
}

static void member_leaves(void **state)
{
    struct set_change change;
    (void)state;
    struct hash32 id = approved((Xuelian__Change *[]){leave(&change, 4, 104)}, 1);
    const uint8_t signers[] = {101, 102, 103}; /* q of 3 is 2; more is good */
    assert_int_equal(governed_enact(&network, &id, BY(1), signers, 3), ST_OK);
    assert_int_equal(ledger_set(network.ledger)->count, 3);
    assert_int_equal(governed_member(&network, 4)->nodes[0]->role,
                     XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER);
    /* Signatures of the era before are void. */
    id = approved((Xuelian__Change *[]){join(&change, 4, 104, 0)}, 1);
    struct made_following made[4];
    Xuelian__Following wires[4];
    for (uint32_t i = 0; i < 4; i++) {
        governed_following(&network, (uint8_t)(101 + i), 0, &made[i]);
        made[i].plain.era = 1;
        governed_resign(&network, (uint8_t)(101 + i), &made[i]);
        wires[i] = made[i].wire;
    }
    assert_int_equal(governed_enact_with(&network, &id, BY(1), wires, 4), ST_BAD_FOLLOWING);
}

/* A lost journal: the same key under a higher incarnation, with its place kept. */
static void returns(void **state)
{
    struct set_change change;
    struct made_following made[4];
    Xuelian__Following wires[4];
    (void)state;
    struct hash32 same;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){join(&change, 2, 102, 0)}, 1,
                                      BY(1, 2), &same),
                     ST_OK);
    assert_int_equal(governed_enact(&network, &same, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_BAD_SET);
    struct hash32 id = approved((Xuelian__Change *[]){join(&change, 2, 102, 7)}, 1);
    for (uint32_t i = 0; i < 3; i++) {
        governed_following(&network, (uint8_t)(101 + i), i == 1 ? 7 : 0, &made[i]);
        wires[i] = made[i].wire;
    }
    struct validator_set before = *ledger_set(network.ledger);
    Xuelian__Following without[3] = {wires[0], wires[2]};
    governed_following(&network, 104, 0, &made[3]);
    without[2] = made[3].wire;
    assert_int_equal(governed_enact_with(&network, &id, BY(1), without, 3), ST_FOLLOWING_LACKING);
    assert_int_equal(governed_enact_with(&network, &id, BY(1), wires, 3), ST_OK);
    struct validator_set after = *ledger_set(network.ledger);
    int at = validator_set_find(&after, &made[1].plain.key);
    assert_int_equal(after.era, height() + 1);
    assert_int_equal(after.count, 4);
    assert_int_equal(after.validators[at].incarnation, 7);
    after.validators[at].incarnation = 0;
    after.era = before.era;
    assert_memory_equal(&after, &before, sizeof after);
    assert_int_equal(governed_member(&network, 2)->nodes[0]->incarnation, 7);
}

/* All at once: everybody else out, one in. */
static void replaced_whole(void **state)
{
    struct set_change changes[5];
    (void)state;
    Xuelian__Change *list[5] = {join(&changes[0], 6, 106, 0)};
    for (uint32_t i = 1; i < 5; i++) {
        list[i] = leave(&changes[i], i, (uint8_t)(100 + i));
    }
    struct hash32 id = approved(list, 5);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){106}, 1), ST_OK);
    assert_int_equal(ledger_set(network.ledger)->count, 1);
    /* The last one cannot leave. */
    id = approved((Xuelian__Change *[]){leave(&changes[0], 6, 106)}, 1);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_BAD_SET);
}

static void bad_sets(void **state)
{
    struct set_change a, b;
    struct hash32 id;
    (void)state;
    /* No node of the member; no member; a key of no node at all. */
    id = approved((Xuelian__Change *[]){join(&a, 6, 101, 0)}, 1);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_BAD_SET);
    id = approved((Xuelian__Change *[]){join(&a, 99, 106, 0)}, 1);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_UNKNOWN_MEMBER);
    id = approved((Xuelian__Change *[]){join(&a, 6, 107, 0)}, 1);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_BAD_SET);
    /* Two of one proposal that undo one another change nothing. */
    id = approved((Xuelian__Change *[]){leave(&a, 4, 104), join(&b, 4, 104, 0)}, 2);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_BAD_SET);
    /* Who is not in it cannot leave; nor can a key leave under another's name. */
    id = approved((Xuelian__Change *[]){leave(&a, 6, 106)}, 1);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_BAD_SET);
    id = approved((Xuelian__Change *[]){leave(&a, 4, 103)}, 1);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 102, 103}, 3),
                     ST_BAD_SET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newcomer_joins, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(old_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(member_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(returns, setup, teardown),
        cmocka_unit_test_setup_teardown(replaced_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_sets, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
