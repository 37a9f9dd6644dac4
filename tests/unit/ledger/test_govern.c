/* Proposals: who may propose and vote, how they are decided, row by row of docs/protocol.md section 18. */
#include "tests/unit/cmocka_all.h"

#include "ledger/view.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/govern_support.h"

#define APPROVE  XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE
#define REFUSE   XUELIAN__TX_KIND__TX_KIND_GOVERN_REFUSE
#define WITHDRAW XUELIAN__TX_KIND__TX_KIND_GOVERN_WITHDRAW

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

static void reopen_with(void (*edit)(Xuelian__Genesis *genesis))
{
    governed_close(&network);
    governed_open(&network, edit);
}

struct status_change {
    Xuelian__Change change;
    Xuelian__MemberStatusChange status;
};

/* The change most of these tests propose: it is easily seen whether it was made. */
static Xuelian__Change *set_status(struct status_change *out, uint32_t member, uint32_t status)
{
    xuelian__change__init(&out->change);
    xuelian__member_status_change__init(&out->status);
    out->status.member = member;
    out->status.status = status;
    out->change.status = &out->status;
    return &out->change;
}

static uint32_t propose(struct status_change *change, uint32_t member, uint32_t status,
                        struct signers by, struct hash32 *id)
{
    return governed_propose(&network, (Xuelian__Change *[]){set_status(change, member, status)}, 1,
                            by, id);
}

static uint32_t status_of(uint32_t member)
{
    return governed_member(&network, member)->status;
}

static Xuelian__ProposalStatus decided(const struct hash32 *id)
{
    return governed_proposal(&network, id)->status;
}

#define OPEN      XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN
#define ENACTED   XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_ENACTED
#define REFUSED   XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_REFUSED
#define WITHDRAWN XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_WITHDRAWN

/* ---- Deciding ---- */

static void more_than_half(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(3), &id), ST_OK);
    assert_int_equal(decided(&id), OPEN);
    assert_int_equal(status_of(6), 0);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(1)), ST_OK);
    assert_int_equal(status_of(6), 1);
    const Xuelian__ProposalRecord *record = governed_proposal(&network, &id);
    assert_int_equal(record->status, ENACTED);
    assert_int_equal(record->proposer, 3);
    assert_int_equal(record->height, 1);
    assert_int_equal(record->decided_height, 2);
    assert_int_equal(record->n_votes, 2);
    assert_int_equal(record->votes[0]->member, 1); /* ascending, not in the order of voting */
    assert_int_equal(record->votes[0]->height, 2);
    assert_int_equal(record->votes[1]->member, 3);
    assert_memory_equal(record->votes[1]->tx_id.data, &id, 32);
}

static void signed_by_enough(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(1, 2), &id), ST_OK);
    assert_int_equal(decided(&id), ENACTED);
    assert_int_equal(status_of(6), 1);
    assert_int_equal(propose(&change, 6, 0, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2, 3)), ST_OK);
    assert_int_equal(status_of(6), 0);
}

static void refused_when_hopeless(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, REFUSE, &id, BY(2)), ST_OK);
    assert_int_equal(decided(&id), OPEN); /* 1 and 3 could still approve */
    assert_int_equal(governed_answer(&network, REFUSE, &id, BY(2)), ST_ALREADY_VOTED);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_ALREADY_VOTED);
    assert_int_equal(governed_answer(&network, REFUSE, &id, BY(3)), ST_OK);
    assert_int_equal(decided(&id), REFUSED);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(3)), ST_PROPOSAL_DECIDED);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_PROPOSAL_DECIDED);
    assert_int_equal(status_of(6), 0);
}

static void withdrawn_by_its_proposer(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, WITHDRAW, &id, BY(2)), ST_NOT_ALLOWED);
    assert_int_equal(governed_answer(&network, WITHDRAW, &id, BY(1, 2)), ST_NOT_ALLOWED);
    assert_int_equal(governed_answer(&network, WITHDRAW, &id, BY(1)), ST_OK);
    assert_int_equal(decided(&id), WITHDRAWN);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_PROPOSAL_DECIDED);
    assert_int_equal(governed_answer(&network, WITHDRAW, &id, BY(1)), ST_PROPOSAL_DECIDED);
}

static void expires(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    network.open_until = 3;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    governed_advance(&network, 2);
    /* At height 4 it is past; at 3 it would have been enacted. */
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_PROPOSAL_EXPIRED);
    assert_int_equal(governed_answer(&network, REFUSE, &id, BY(2)), ST_PROPOSAL_EXPIRED);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_PROPOSAL_EXPIRED);
    assert_int_equal(decided(&id), OPEN); /* expiry is computed, never stored */
    assert_int_equal(governed_answer(&network, WITHDRAW, &id, BY(1)), ST_OK);
    network.open_until = 9;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_OK);
    assert_int_equal(ledger_tip(network.ledger)->height, 9);
    assert_int_equal(status_of(6), 1);
}

/* Approved and waiting; a vote against after its height neither enacts it nor is refused for what is wrong with it. */
static void vote_against_never_enacts(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    network.not_before = 4;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_OK);
    governed_advance(&network, 4);
    assert_int_equal(governed_answer(&network, REFUSE, &id, BY(3)), ST_OK);
    assert_int_equal(status_of(6), 0);
    assert_int_equal(decided(&id), OPEN);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_OK);
    assert_int_equal(status_of(6), 1);
}

static void waits_for_its_height(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    network.not_before = 5;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_NOT_APPROVED);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_OK);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_NOT_APPROVED); /* height 4 */
    assert_int_equal(status_of(6), 0);
    assert_int_equal(governed_enact(&network, &id, BY(4), NULL, 0), ST_NOT_ALLOWED);
    /* Without a set change there is nothing to sign. */
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101}, 1), ST_BAD_FOLLOWING);
    assert_int_equal(governed_enact(&network, &id, BY(3), NULL, 0), ST_OK);
    assert_int_equal(status_of(6), 1);
    assert_int_equal(decided(&id), ENACTED);
}

/* ---- Who ---- */

static void who_may(void **state)
{
    struct status_change change;
    struct hash32 id, none = {{7}};
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(4), &id), ST_NOT_ALLOWED);
    assert_null(governed_proposal(&network, &id));
    assert_int_equal(propose(&change, 6, 1, BY(6), &id), ST_NOT_ALLOWED);
    assert_int_equal(propose(&change, 6, 1, BY(7), &id),
                     ST_NOT_ALLOWED); /* the panel is for courses */
    assert_int_equal(propose(&change, 6, 1, BY(5), &id), ST_MEMBER_INACTIVE);
    assert_int_equal(propose(&change, 6, 1, BY(9), &id), ST_MEMBER_INACTIVE);
    assert_int_equal(propose(&change, 6, 1, BY(1, 4), &id), ST_NOT_ALLOWED);
    assert_int_equal(governed_answer(&network, APPROVE, &none, BY(1)), ST_UNKNOWN_PROPOSAL);
    assert_int_equal(governed_answer(&network, WITHDRAW, &none, BY(1)), ST_UNKNOWN_PROPOSAL);
    assert_int_equal(governed_enact(&network, &none, BY(1), NULL, 0), ST_UNKNOWN_PROPOSAL);
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(4)), ST_NOT_ALLOWED);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2, 7)), ST_NOT_ALLOWED);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(5)), ST_MEMBER_INACTIVE);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(1)), ST_ALREADY_VOTED);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2, 1)), ST_ALREADY_VOTED);
    assert_int_equal(governed_proposal(&network, &id)->n_votes, 1);
}

/* A vote counts while its member may vote: who was suspended since is not heard, nor does he make a majority. */
static void votes_of_the_suspended(void **state)
{
    struct status_change change;
    struct hash32 id, other;
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(propose(&change, 1, 1, BY(2, 3), &other), ST_OK);
    assert_int_equal(status_of(1), 1);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_OK); /* of two, one */
    assert_int_equal(decided(&id), OPEN);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(3)), ST_OK);
    assert_int_equal(decided(&id), ENACTED);
}

/* Where the majority shrank, what was approved meanwhile can be enacted. */
static void majority_shrinks(void **state)
{
    struct status_change change;
    struct hash32 id;
    (void)state;
    assert_int_equal(propose(&change, 6, 1, BY(1), &id), ST_OK);
    assert_int_equal(propose(&change, 2, 1, BY(2, 3), NULL), ST_OK);
    assert_int_equal(governed_enact(&network, &id, BY(3), NULL, 0), ST_NOT_APPROVED);
    assert_int_equal(propose(&change, 3, 1, BY(1, 3), NULL), ST_OK);
    assert_int_equal(governed_enact(&network, &id, BY(1), NULL, 0), ST_OK);
    /* One is left, and may not go. */
    assert_int_equal(propose(&change, 1, 1, BY(1), NULL), ST_GOVERN_STUCK);
}

/* ---- How many a member may have open ---- */

/* What is withdrawn, also when it has expired, decided by others, or enacted at once leaves room; another member has its
 * own. */
static void open_at_once(void **state)
{
    struct status_change change;
    struct hash32 ids[LIMIT_PROPOSALS_OPEN_MAX];
    (void)state;
    network.open_until = 60;
    for (uint32_t i = 0; i < LIMIT_PROPOSALS_OPEN_MAX; i++) {
        assert_int_equal(propose(&change, 6, 1, BY(1), &ids[i]), ST_OK);
        network.open_until = 1000;
    }
    assert_int_equal(propose(&change, 6, 1, BY(1), NULL), ST_PROPOSALS_FULL);
    assert_int_equal(propose(&change, 8, 1, BY(1, 2), NULL), ST_PROPOSALS_FULL);
    assert_int_equal(propose(&change, 6, 1, BY(2), NULL), ST_OK);
    assert_int_equal(
        governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_WITHDRAW, &ids[1], BY(1)),
        ST_OK);
    assert_int_equal(propose(&change, 6, 1, BY(1), NULL), ST_OK);
    assert_int_equal(propose(&change, 6, 1, BY(1), NULL), ST_PROPOSALS_FULL);
    assert_int_equal(
        governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE, &ids[2], BY(3)), ST_OK);
    assert_int_equal(decided(&ids[2]), ENACTED);
    network.not_before = 900;
    assert_int_equal(propose(&change, 6, 0, BY(1, 2), NULL), ST_OK); /* approved, and waits */
    assert_int_equal(propose(&change, 6, 0, BY(1), NULL), ST_PROPOSALS_FULL);
    governed_reopen(&network);
    while (ledger_tip(network.ledger)->height < 59) {
        governed_advance(&network, 1);
    }
    network.not_before = 0;
    assert_int_equal(propose(&change, 6, 0, BY(1), NULL), ST_PROPOSALS_FULL);
    assert_int_equal(
        governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE, &ids[0], BY(3)),
        ST_PROPOSAL_EXPIRED);
    assert_int_equal(propose(&change, 6, 0, BY(1), NULL), ST_PROPOSALS_FULL);
    assert_int_equal(
        governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_WITHDRAW, &ids[0], BY(1)),
        ST_OK);
    assert_int_equal(propose(&change, 6, 0, BY(1), NULL), ST_OK);
    assert_int_equal(propose(&change, 6, 0, BY(1), NULL), ST_PROPOSALS_FULL);
}

/* ---- Form ---- */

static void forms(void **state)
{
    static struct status_change changes[LIMIT_CHANGES_MAX + 1];
    static Xuelian__Change *list[LIMIT_CHANGES_MAX + 1];
    struct status_change two;
    Xuelian__ParamValue param = XUELIAN__PARAM_VALUE__INIT;
    Xuelian__Change empty = XUELIAN__CHANGE__INIT;
    char name[] = "t0_ms";
    (void)state;
    for (uint32_t i = 0; i <= LIMIT_CHANGES_MAX; i++) {
        list[i] = set_status(&changes[i], 6, i % 2 == 0);
    }
    assert_int_equal(governed_propose(&network, list, 0, BY(1), NULL), ST_BAD_FIELD);
    assert_int_equal(governed_propose(&network, list, LIMIT_CHANGES_MAX + 1, BY(1), NULL),
                     ST_BAD_FIELD);
    assert_int_equal(governed_propose(&network, list, LIMIT_CHANGES_MAX, BY(1, 2), NULL), ST_OK);
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&empty}, 1, BY(1), NULL),
                     ST_BAD_FIELD);
    set_status(&two, 6, 1);
    param.name = name;
    param.value = 3000;
    two.change.param = &param;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&two.change}, 1, BY(1), NULL),
                     ST_BAD_FIELD);
    network.open_until = 5; /* this is height 6 */
    assert_int_equal(propose(&two, 6, 1, BY(1), NULL), ST_BAD_FIELD);
    network.open_until = 7 + LIMIT_OPEN_HEIGHTS_MAX;
    assert_int_equal(propose(&two, 6, 1, BY(1), NULL), ST_OK);
    network.open_until = 9 + LIMIT_OPEN_HEIGHTS_MAX;
    assert_int_equal(propose(&two, 6, 1, BY(1), NULL), ST_BAD_FIELD);
    network.open_until = 100;
    network.not_before = 101;
    assert_int_equal(propose(&two, 6, 1, BY(1), NULL), ST_BAD_FIELD);
    network.not_before = 100;
    assert_int_equal(propose(&two, 6, 1, BY(1), NULL), ST_OK);
}

/* A proposal of more than LIMIT_CHANGES_SIZE_MAX bytes. */
static void too_large(void **state)
{
    static Xuelian__Region regions[64];
    static Xuelian__Change changes[64];
    static char text[257];
    Xuelian__Change *list[64];
    (void)state;
    memset(text, 'a', 256);
    for (uint32_t i = 0; i < 64; i++) {
        xuelian__region__init(&regions[i]);
        xuelian__change__init(&changes[i]);
        regions[i].code = 330001 + i;
        regions[i].name_zh = text;
        regions[i].name_en = text;
        regions[i].level = 3;
        regions[i].parent = 330000;
        changes[i].region = &regions[i];
        list[i] = &changes[i];
    }
    assert_int_equal(governed_propose(&network, list, 60, BY(1, 2), NULL), ST_OK);
    assert_int_equal(governed_propose(&network, list, 64, BY(1), NULL), ST_BAD_FIELD);
}

/* All or nothing: the third of three cannot be made. */
static void together(void **state)
{
    struct status_change a, b, c;
    struct hash32 id;
    (void)state;
    Xuelian__Change *list[] = {set_status(&a, 6, 1), set_status(&b, 4, 1), set_status(&c, 99, 1)};
    assert_int_equal(governed_propose(&network, list, 3, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(2)), ST_UNKNOWN_MEMBER);
    assert_int_equal(status_of(6), 0);
    assert_int_equal(status_of(4), 0);
    assert_int_equal(decided(&id), OPEN);
    assert_int_equal(governed_proposal(&network, &id)->n_votes,
                     1); /* refused whole, the vote too */
    assert_int_equal(governed_propose(&network, list, 3, BY(1, 2), &id), ST_UNKNOWN_MEMBER);
    assert_null(governed_proposal(&network, &id));
}

/* ---- Any order of approvals gives the same state ---- */

enum { VOTERS = 6 };

static Xuelian__MemberRole govern[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN};

static void all_govern(Xuelian__Genesis *genesis)
{
    for (size_t i = 0; i < genesis->n_members; i++) {
        genesis->members[i]->status = 0;
        genesis->members[i]->roles = govern;
        genesis->members[i]->n_roles = 1;
    }
    genesis->params->approvals_members = VOTERS + 1;
}

static void any_order(void **state)
{
    struct status_change change;
    struct hash32 id, first_root = {{0}};
    uint32_t order[VOTERS] = {2, 3, 4, 6, 7, 8};
    uint64_t random = 1;
    (void)state;
    for (uint32_t round = 0; round < 24; round++) {
        struct bytes txs[VOTERS];
        uint32_t codes[VOTERS];
        reopen_with(all_govern);
        assert_int_equal(propose(&change, 9, 1, BY(1), &id), ST_OK);
        for (uint32_t i = VOTERS - 1; i > 0; i--) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint32_t k = (uint32_t)((random >> 33) % (i + 1));
            uint32_t kept = order[i];
            order[i] = order[k];
            order[k] = kept;
        }
        Xuelian__ProposalRef ref = XUELIAN__PROPOSAL_REF__INIT;
        ref.proposal = field_borrow(&id, 32);
        const ProtobufCMessage *items[1] = {&ref.base};
        for (uint32_t i = 0; i < VOTERS; i++) { /* the same bytes in every round, of each member */
            txs[i] = support_tx(&network.genesis, APPROVE, items, 1, &order[i], 1, 50, order[i]);
        }
        support_block(network.ledger, txs, VOTERS, codes);
        for (uint32_t i = 0; i < VOTERS; i++) {
            assert_int_equal(codes[i], ST_OK);
            support_free(txs[i]);
        }
        assert_int_equal(decided(&id), ENACTED);
        assert_int_equal(status_of(9), 1);
        if (round == 0) {
            first_root = ledger_tip(network.ledger)->state_root;
        }
        assert_memory_equal(&ledger_tip(network.ledger)->state_root, &first_root, 32);
    }
}

/* A proposal with two classes needs the approvals of both. */
static void two_classes(void **state)
{
    struct status_change change;
    Xuelian__CourseStatusChange suspend = XUELIAN__COURSE_STATUS_CHANGE__INIT;
    Xuelian__Change course = XUELIAN__CHANGE__INIT;
    struct hash32 id;
    (void)state;
    suspend.course = 7;
    suspend.status = 1;
    course.course_status = &suspend;
    Xuelian__Change *list[] = {set_status(&change, 6, 1), &course};
    assert_int_equal(governed_propose(&network, list, 2, BY(1, 2), &id), ST_OK);
    assert_int_equal(decided(&id), OPEN);
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(7)), ST_OK);
    assert_int_equal(decided(&id), OPEN); /* the panel are two */
    assert_int_equal(governed_answer(&network, APPROVE, &id, BY(8)), ST_OK);
    assert_int_equal(decided(&id), ENACTED);
    assert_int_equal(status_of(6), 1);
    /* Hopeless in one class is hopeless. */
    suspend.status = 0;
    assert_int_equal(governed_propose(&network, list, 2, BY(1), &id), ST_OK);
    assert_int_equal(governed_answer(&network, REFUSE, &id, BY(7)), ST_OK);
    assert_int_equal(decided(&id), REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_than_half, setup, teardown),
        cmocka_unit_test_setup_teardown(signed_by_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(vote_against_never_enacts, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_when_hopeless, setup, teardown),
        cmocka_unit_test_setup_teardown(withdrawn_by_its_proposer, setup, teardown),
        cmocka_unit_test_setup_teardown(expires, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_its_height, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may, setup, teardown),
        cmocka_unit_test_setup_teardown(votes_of_the_suspended, setup, teardown),
        cmocka_unit_test_setup_teardown(majority_shrinks, setup, teardown),
        cmocka_unit_test_setup_teardown(forms, setup, teardown),
        cmocka_unit_test_setup_teardown(open_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(together, setup, teardown),
        cmocka_unit_test_setup_teardown(any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(two_classes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
