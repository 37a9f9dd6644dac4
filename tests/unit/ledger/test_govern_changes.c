/* Each kind of change, legal and illegal, row by row of docs/protocol.md section 18; and what is kept at its limits. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/govern_support.h"

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

/* A change, its parts, and whether it is enacted when those that govern and the panel sign. */
struct one {
    Xuelian__Change change;
    Xuelian__Member member;
    Xuelian__MemberKey key;
    Xuelian__MemberKey *keys[LIMIT_MEMBER_KEYS_MAX + 1];
    Xuelian__Node node;
    Xuelian__Node *nodes[LIMIT_MEMBER_NODES_MAX + 1];
    Xuelian__MemberStatusChange status;
    Xuelian__MemberKeyChange key_change;
    Xuelian__MemberNodeChange node_change;
    Xuelian__ParamValue param;
    Xuelian__Region region;
    Xuelian__Framework framework;
    Xuelian__Course course;
    Xuelian__CourseStatusChange course_status;
    Xuelian__ProtocolChange protocol;
};

static struct one one;
static char name_zh[] = "演示";
static char param_name[64];

static void fresh(void)
{
    memset(&one, 0, sizeof one);
    xuelian__change__init(&one.change);
    xuelian__member__init(&one.member);
    xuelian__member_key__init(&one.key);
    xuelian__node__init(&one.node);
    xuelian__member_status_change__init(&one.status);
    xuelian__member_key_change__init(&one.key_change);
    xuelian__member_node_change__init(&one.node_change);
    xuelian__param_value__init(&one.param);
    xuelian__region__init(&one.region);
    xuelian__framework__init(&one.framework);
    xuelian__course__init(&one.course);
    xuelian__course_status_change__init(&one.course_status);
    xuelian__protocol_change__init(&one.protocol);
}

static uint32_t enact(void)
{
    Xuelian__Change *list[] = {&one.change};
    return governed_propose(&network, list, 1, BY(1, 2), NULL);
}

static uint32_t enact_by_panel(void)
{
    Xuelian__Change *list[] = {&one.change};
    return governed_propose(&network, list, 1, BY(7, 8), NULL);
}

static uint64_t next_height(void)
{
    return ledger_tip(network.ledger)->height + 1;
}

/* ---- Members ---- */

static void new_member(uint32_t id)
{
    fresh();
    one.member.id = id;
    one.member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_SCHOOL;
    one.member.name_zh = name_zh;
    one.member.region = 330000;
    one.key.key = governed_key((uint8_t)id);
    one.keys[0] = &one.key;
    one.member.keys = one.keys;
    one.member.n_keys = 1;
    one.node.key = governed_key((uint8_t)(100 + id));
    one.node.role = XUELIAN__NODE_ROLE__NODE_ROLE_ARCHIVE;
    one.nodes[0] = &one.node;
    one.member.nodes = one.nodes;
    one.member.n_nodes = 1;
    one.change.member = &one.member;
}

static Xuelian__MemberRole govern_role[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN};

static void members(void **state)
{
    (void)state;
    new_member(10);
    one.member.id = 0;
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.member.name_zh = param_name; /* empty */
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.member.region = 330100;
    assert_int_equal(enact(), ST_UNKNOWN_REGION);
    new_member(10);
    one.member.status = 1;
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.member.successor = 1;
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.key.to_height = 50;
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.keys[1] = &one.key;
    one.member.n_keys = 2;
    assert_int_equal(enact(), ST_KEY_TAKEN);
    new_member(10);
    one.node.role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.node.to_height = 50;
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_member(10);
    one.node.key = governed_key(106);
    assert_int_equal(enact(), ST_KEY_TAKEN);
    new_member(10);
    one.nodes[1] = &one.node;
    one.member.n_nodes = 2;
    assert_int_equal(enact(), ST_KEY_TAKEN);
    new_member(10);
    one.member.roles = govern_role;
    one.member.n_roles = 1;
    uint64_t height = next_height();
    assert_int_equal(enact(), ST_OK);
    const Xuelian__Member *made = governed_member(&network, 10);
    assert_int_equal(made->keys[0]->from_height, height + 1);
    assert_int_equal(made->nodes[0]->from_height, height + 1);
    /* Four govern now, so three must approve; the newcomer votes from the next height on. */
    new_member(11);
    assert_int_equal(
        governed_propose(&network, (Xuelian__Change *[]){&one.change}, 1, BY(1, 10), NULL), ST_OK);
    assert_null(governed_member(&network, 11));
    assert_int_equal(
        governed_propose(&network, (Xuelian__Change *[]){&one.change}, 1, BY(1, 2, 10), NULL),
        ST_OK);
    assert_non_null(governed_member(&network, 11));
}

/* Two members of one proposal with one node key. */
static void one_node_key(void **state)
{
    struct one first;
    (void)state;
    new_member(10);
    memcpy(&first, &one, sizeof first);
    first.change.member = &first.member;
    first.nodes[0] = &first.node;
    first.keys[0] = &first.key;
    first.member.nodes = first.nodes;
    first.member.keys = first.keys;
    new_member(11);
    one.node.key = first.node.key;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&first.change, &one.change},
                                      2, BY(1, 2), NULL),
                     ST_KEY_TAKEN);
    assert_null(governed_member(&network, 10));
}

static void described_anew(void **state)
{
    (void)state;
    new_member(6);
    assert_int_equal(enact(), ST_BAD_RECORD); /* keys and nodes */
    one.member.n_keys = 0;
    assert_int_equal(enact(), ST_BAD_RECORD);
    one.member.n_nodes = 0;
    one.member.status = 1;
    assert_int_equal(enact(), ST_BAD_RECORD);
    one.member.status = 0;
    assert_int_equal(enact(), ST_OK);
    const Xuelian__Member *made = governed_member(&network, 6);
    assert_int_equal(made->kind, XUELIAN__MEMBER_KIND__MEMBER_KIND_SCHOOL);
    assert_int_equal(made->n_keys, 1);
    assert_int_equal(made->n_nodes, 1);
    one.member.id = 5; /* suspended, and stays so */
    assert_int_equal(enact(), ST_OK);
    assert_int_equal(governed_member(&network, 5)->status, 1);
    one.member.id = 9; /* ended */
    assert_int_equal(enact(), ST_MEMBER_INACTIVE);
}

static uint32_t set_status(uint32_t member, uint32_t status, uint32_t successor)
{
    fresh();
    one.status.member = member;
    one.status.status = status;
    one.status.successor = successor;
    one.change.status = &one.status;
    return enact();
}

static void statuses(void **state)
{
    (void)state;
    assert_int_equal(set_status(6, 3, 0), ST_BAD_RECORD);
    assert_int_equal(set_status(66, 1, 0), ST_UNKNOWN_MEMBER);
    assert_int_equal(set_status(6, 0, 0), ST_WRONG_STATE);
    assert_int_equal(set_status(9, 0, 0), ST_WRONG_STATE);
    assert_int_equal(set_status(4, 2, 0), ST_WRONG_STATE); /* its node validates */
    assert_int_equal(set_status(6, 1, 7), ST_BAD_RECORD);
    assert_int_equal(set_status(6, 2, 6), ST_BAD_RECORD);
    assert_int_equal(set_status(6, 2, 66), ST_UNKNOWN_MEMBER);
    assert_int_equal(set_status(6, 2, 9), ST_MEMBER_INACTIVE);
    assert_int_equal(governed_member(&network, 6)->status, 0);
    assert_int_equal(set_status(6, 1, 0), ST_OK);
    assert_int_equal(set_status(6, 0, 0), ST_OK);
    assert_int_equal(set_status(6, 2, 7), ST_OK);
    assert_int_equal(governed_member(&network, 6)->successor, 7);
    assert_int_equal(set_status(6, 1, 0), ST_WRONG_STATE);
    assert_int_equal(set_status(6, 2, 8), ST_WRONG_STATE); /* it has one, which stays */
    assert_int_equal(set_status(4, 1, 0), ST_OK);          /* suspended, and goes on validating */
    assert_int_equal(ledger_set(network.ledger)->count, 4);
}

/* A member that ended without a successor gets one later, once. */
static void named_later(void **state)
{
    (void)state;
    assert_int_equal(set_status(9, 2, 0), ST_WRONG_STATE);
    assert_int_equal(set_status(9, 1, 7), ST_WRONG_STATE);
    assert_int_equal(set_status(9, 2, 9), ST_BAD_RECORD);
    assert_int_equal(set_status(9, 2, 66), ST_UNKNOWN_MEMBER);
    assert_int_equal(set_status(6, 2, 0), ST_OK);
    assert_int_equal(set_status(9, 2, 6), ST_MEMBER_INACTIVE); /* so no two succeed each other */
    assert_int_equal(set_status(9, 2, 7), ST_OK);
    assert_int_equal(governed_member(&network, 9)->successor, 7);
    assert_int_equal(governed_member(&network, 9)->status, 2);
    assert_int_equal(set_status(9, 2, 8), ST_WRONG_STATE);
    assert_int_equal(set_status(9, 0, 0), ST_WRONG_STATE);
}

static uint32_t change_key(uint32_t member, uint8_t secret, uint64_t from, uint64_t to)
{
    fresh();
    one.key_change.member = member;
    one.key_change.key = governed_key(secret);
    one.key_change.from_height = from;
    one.key_change.to_height = to;
    one.change.key = &one.key_change;
    return enact();
}

static void keys(void **state)
{
    (void)state;
    assert_int_equal(change_key(66, 200, 0, 0), ST_UNKNOWN_MEMBER);
    assert_int_equal(change_key(9, 200, 0, 0), ST_MEMBER_INACTIVE);
    assert_int_equal(change_key(6, 200, 5, 9), ST_BAD_RECORD);
    assert_int_equal(change_key(6, 6, 0, 0), ST_KEY_TAKEN);
    assert_int_equal(change_key(6, 200, 0, 9), ST_BAD_RECORD);
    uint64_t height = next_height();
    assert_int_equal(change_key(6, 200, 0, 0), ST_OK);
    assert_int_equal(governed_member(&network, 6)->keys[1]->from_height, height + 1);
    assert_int_equal(change_key(6, 201, 500, 0), ST_OK);
    assert_int_equal(governed_member(&network, 6)->keys[2]->from_height, 500);
    assert_int_equal(change_key(6, 201, 0, 100), ST_OK); /* before it began: it never does */
    assert_int_equal(governed_member(&network, 6)->keys[2]->to_height, 500);
    assert_int_equal(change_key(6, 200, 0, 90), ST_OK);
    assert_int_equal(change_key(6, 200, 0, 90), ST_WRONG_STATE);
    assert_int_equal(change_key(6, 200, 0, 95), ST_WRONG_STATE);
    assert_int_equal(change_key(6, 200, 0, 80), ST_OK);
    assert_int_equal(governed_member(&network, 6)->keys[1]->to_height, 80);
    fresh();
    one.key_change.member = 6;
    uint8_t none[33] = {2};
    one.key_change.key = field_borrow(none, 33);
    one.change.key = &one.key_change;
    assert_int_equal(enact(), ST_BAD_RECORD);
    for (uint32_t i = 3; i < LIMIT_MEMBER_KEYS_MAX; i++) {
        assert_int_equal(change_key(6, (uint8_t)(199 + i), 0, 0), ST_OK);
    }
    assert_int_equal(change_key(6, 250, 0, 0), ST_LIST_FULL);
}

static uint32_t change_node(uint32_t member, uint8_t secret, Xuelian__NodeRole role, uint64_t to)
{
    fresh();
    one.node_change.member = member;
    one.node_change.key = governed_key(secret);
    one.node_change.role = role;
    one.node_change.to_height = to;
    one.change.node = &one.node_change;
    return enact();
}

#define OBSERVER  XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER
#define ARCHIVE   XUELIAN__NODE_ROLE__NODE_ROLE_ARCHIVE
#define VALIDATOR XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR

static void nodes(void **state)
{
    (void)state;
    assert_int_equal(change_node(66, 200, OBSERVER, 0), ST_UNKNOWN_MEMBER);
    assert_int_equal(change_node(9, 200, OBSERVER, 0), ST_MEMBER_INACTIVE);
    assert_int_equal(change_node(6, 200, XUELIAN__NODE_ROLE__NODE_ROLE_UNSPECIFIED, 0),
                     ST_BAD_RECORD);
    assert_int_equal(change_node(6, 200, VALIDATOR, 0), ST_BAD_RECORD);
    assert_int_equal(change_node(6, 106, VALIDATOR, 0), ST_BAD_RECORD);
    assert_int_equal(change_node(4, 104, OBSERVER, 0), ST_BAD_RECORD);
    assert_int_equal(change_node(4, 104, VALIDATOR, 50), ST_BAD_RECORD);
    assert_int_equal(change_node(4, 104, VALIDATOR, 0), ST_OK); /* its addresses may change */
    assert_int_equal(change_node(6, 104, OBSERVER, 0), ST_KEY_TAKEN);
    uint64_t height = next_height();
    assert_int_equal(change_node(6, 200, ARCHIVE, 0), ST_OK);
    assert_int_equal(governed_member(&network, 6)->nodes[1]->from_height, height + 1);
    assert_int_equal(change_node(6, 200, OBSERVER, 70), ST_OK);
    assert_int_equal(governed_member(&network, 6)->nodes[1]->to_height, 70);
    assert_int_equal(change_node(6, 200, OBSERVER, 0), ST_OK);
    assert_int_equal(change_node(4, 200, OBSERVER, 0), ST_KEY_TAKEN); /* for ever */
    for (uint32_t i = 2; i < LIMIT_MEMBER_NODES_MAX; i++) {
        assert_int_equal(change_node(6, (uint8_t)(199 + i), OBSERVER, 0), ST_OK);
    }
    assert_int_equal(change_node(6, 250, OBSERVER, 0), ST_LIST_FULL);
}

/* The largest record there can be is still read everywhere. */
static void largest_member(void **state)
{
    static char name[257], address[65];
    static Xuelian__Node made[LIMIT_MEMBER_NODES_MAX];
    static Xuelian__MemberKey made_keys[LIMIT_MEMBER_KEYS_MAX];
    static char *addresses[4] = {address, address, address, address};
    static Xuelian__MemberRole roles[9];
    (void)state;
    memset(name, 'n', 256);
    memset(address, 'a', 64);
    new_member(10);
    one.member.name_zh = name;
    one.member.name_en = name;
    one.member.credit_code = name;
    for (uint32_t i = 0; i < 9; i++) {
        roles[i] = (Xuelian__MemberRole)(i + 1);
    }
    one.member.roles = roles;
    one.member.n_roles = 9;
    for (uint32_t i = 0; i < LIMIT_MEMBER_NODES_MAX; i++) {
        xuelian__node__init(&made[i]);
        xuelian__member_key__init(&made_keys[i]);
        made[i].key = governed_key((uint8_t)(130 + i));
        made[i].role = OBSERVER;
        made[i].addresses = addresses;
        made[i].n_addresses = 4;
        made[i].from_height = UINT64_MAX;
        made[i].incarnation = UINT64_MAX;
        made_keys[i].key = governed_key((uint8_t)(i == 0 ? 10 : 170 + i));
        made_keys[i].from_height = i == 0 ? 0 : UINT64_MAX;
        one.nodes[i] = &made[i];
        one.keys[i] = &made_keys[i];
    }
    one.member.n_nodes = LIMIT_MEMBER_NODES_MAX;
    one.member.n_keys = LIMIT_MEMBER_KEYS_MAX;
    assert_int_equal(enact(), ST_OK);
    assert_int_equal(set_status(6, 1, 0), ST_OK);
    fresh();
    one.status.member = 6;
    one.status.status = 2;
    one.status.successor = 10; /* two members are read for one change */
    one.change.status = &one.status;
    assert_int_equal(
        governed_propose(&network, (Xuelian__Change *[]){&one.change}, 1, BY(1, 2, 10), NULL),
        ST_OK);
    assert_int_equal(governed_member(&network, 6)->successor, 10);
}

/* ---- Registries ---- */

static void new_region(uint32_t code, uint32_t parent)
{
    fresh();
    one.region.code = code;
    one.region.name_zh = name_zh;
    one.region.level = 2;
    one.region.parent = parent;
    one.change.region = &one.region;
}

static void regions(void **state)
{
    (void)state;
    new_region(330100, 330101);
    assert_int_equal(enact(), ST_BAD_RECORD);
    new_region(330100, 310000);
    assert_int_equal(enact(), ST_UNKNOWN_REGION);
    new_region(330100, 330000);
    one.region.successor = 330200;
    assert_int_equal(enact(), ST_UNKNOWN_REGION);
    one.region.successor = 0;
    assert_int_equal(enact(), ST_OK);
    one.region.level = 3;
    assert_int_equal(enact(), ST_BAD_RECORD);
    one.region.level = 2;
    one.region.parent = 0;
    assert_int_equal(enact(), ST_BAD_RECORD);
    one.region.parent = 330000;
    one.region.to_date = 20301231;
    one.region.successor = 330000;
    assert_int_equal(enact(), ST_OK);
    /* A county under the city, in one proposal with the city. */
    Xuelian__Region city = one.region;
    Xuelian__Change first = XUELIAN__CHANGE__INIT;
    city.code = 330200;
    city.successor = 0;
    first.region = &city;
    new_region(330201, 330200);
    assert_int_equal(
        governed_propose(&network, (Xuelian__Change *[]){&first, &one.change}, 2, BY(1, 2), NULL),
        ST_OK);
}

static void frameworks(void **state)
{
    Xuelian__FrameworkLevel level = XUELIAN__FRAMEWORK_LEVEL__INIT;
    Xuelian__FrameworkLevel *levels[2] = {&level, &level};
    Xuelian__CreditBasis basis = XUELIAN__CREDIT_BASIS__INIT;
    Xuelian__CreditBasis *bases[2] = {&basis, &basis};
    Xuelian__Crosswalk walk = XUELIAN__CROSSWALK__INIT;
    Xuelian__Crosswalk *walks[101];
    uint8_t key[4];
    (void)state;
    fresh();
    level.level = 10;
    level.name_zh = name_zh;
    basis.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE;
    basis.hours_per_credit = 1600;
    walk = (Xuelian__Crosswalk){walk.base, 1, 2, 10};
    for (uint32_t i = 0; i < 101; i++) {
        walks[i] = &walk;
    }
    one.framework = (Xuelian__Framework){.base = one.framework.base,
                                         .code = 1,
                                         .version = 1,
                                         .name_zh = name_zh,
                                         .name_en = param_name,
                                         .levels = levels,
                                         .n_levels = 1,
                                         .bases = bases,
                                         .n_bases = 1,
                                         .crosswalks = walks,
                                         .n_crosswalks = 100};
    one.change.framework = &one.framework;
    const Xuelian__Framework good = one.framework;
    for (uint32_t wrong = 0; wrong < 11; wrong++) {
        one.framework = good;
        one.framework.code -= wrong == 0;
        one.framework.version -= wrong == 1;
        one.framework.name_zh = wrong == 2 ? param_name : name_zh;
        one.framework.n_levels += wrong == 3;
        level.level += wrong == 4;
        one.framework.n_bases += wrong == 5;
        basis.hours_per_credit = wrong == 6 ? 0 : 1600;
        one.framework.n_crosswalks += wrong == 7;
        walk.framework = wrong == 8 ? 1 : 2;
        one.framework.from_date = wrong == 9 ? 20250230 : 0;
        one.framework.status = wrong == 10 ? 2 : 0;
        assert_int_equal(enact(), ST_BAD_RECORD);
        level.level = 10;
    }
    one.framework = good;
    one.framework.version = 2;
    assert_int_equal(enact(), ST_BAD_RECORD);
    one.framework.version = 1;
    assert_int_equal(enact(), ST_OK);
    one.framework.version = 3;
    assert_int_equal(enact(), ST_BAD_RECORD);
    one.framework.version = 2;
    one.framework.status = 1;
    assert_int_equal(enact(), ST_OK);
    be32_put(key, 1);
    const Xuelian__Framework *made = (const Xuelian__Framework *)(const void *)governed_record(
        &network, XUELIAN__COLLECTION__COLLECTION_FRAMEWORK, bytes_of(key, 4),
        &xuelian__framework__descriptor);
    assert_int_equal(made->version, 2);
    assert_int_equal(made->bases[0]->hours_per_credit, 1600);
}

/* ---- Courses: the panel's ---- */

static void new_course(uint32_t id, uint32_t version)
{
    fresh();
    one.course.id = id;
    one.course.version = version;
    one.course.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE;
    one.course.name_zh = name_zh;
    one.course.accredited_by = 1;
    one.course.to_date = 20271231;
    one.change.course = &one.course;
}

static uint32_t course_status(uint32_t id, uint32_t status)
{
    fresh();
    one.course_status.course = id;
    one.course_status.status = status;
    one.change.course_status = &one.course_status;
    return enact_by_panel();
}

static void courses(void **state)
{
    struct hash32 id;
    (void)state;
    new_course(8, 1);
    one.course.accredited_by = 66;
    assert_int_equal(enact_by_panel(), ST_UNKNOWN_MEMBER);
    new_course(0, 1);
    assert_int_equal(enact_by_panel(), ST_BAD_RECORD);
    new_course(8, 2);
    assert_int_equal(enact_by_panel(), ST_BAD_RECORD);
    new_course(8, 1);
    one.course.to_date = 20270230;
    assert_int_equal(enact_by_panel(), ST_BAD_RECORD);
    new_course(8, 1);
    one.course.status = 4;
    assert_int_equal(enact_by_panel(), ST_BAD_RECORD);
    /* The institution asks, the panel approves; who governs has no vote, but may ask. */
    new_course(8, 1);
    Xuelian__Change *list[] = {&one.change};
    assert_int_equal(governed_propose(&network, list, 1, BY(6), &id), ST_NOT_ALLOWED);
    assert_int_equal(governed_propose(&network, list, 1, BY(1, 2), &id), ST_NOT_ALLOWED);
    assert_int_equal(governed_propose(&network, list, 1, BY(1), &id), ST_OK);
    assert_int_equal(governed_proposal(&network, &id)->n_votes, 0);
    assert_int_equal(governed_propose(&network, list, 1, BY(4), &id), ST_OK);
    assert_int_equal(
        governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE, &id, BY(1)),
        ST_NOT_ALLOWED);
    assert_int_equal(
        governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE, &id, BY(8, 7)), ST_OK);
    /* Suspension, review, a later date; a new version; the end. */
    assert_int_equal(course_status(88, 1), ST_UNKNOWN_COURSE);
    assert_int_equal(course_status(8, 4), ST_BAD_RECORD);
    assert_int_equal(course_status(8, 0), ST_WRONG_STATE);
    assert_int_equal(course_status(8, 1), ST_OK);
    assert_int_equal(course_status(8, 2), ST_OK);
    new_course(8, 1);
    one.course.to_date = 20291231;
    assert_int_equal(enact_by_panel(), ST_OK);
    new_course(8, 3);
    assert_int_equal(enact_by_panel(), ST_BAD_RECORD);
    new_course(8, 2);
    assert_int_equal(enact_by_panel(), ST_OK);
    assert_int_equal(course_status(8, 3), ST_OK);
    assert_int_equal(course_status(8, 0), ST_WRONG_STATE);
}

static void without_panel(Xuelian__Genesis *genesis)
{
    genesis->members[6]->n_roles = 0;
    genesis->members[7]->n_roles = 0;
}

static void no_panel(void **state)
{
    (void)state;
    governed_close(&network);
    governed_open(&network, without_panel);
    new_course(8, 1);
    assert_int_equal(enact(), ST_OK);
    assert_int_equal(course_status(8, 1), ST_NOT_ALLOWED);
}

/* ---- Parameters ---- */

static uint32_t set_param(const char *name, uint64_t value)
{
    fresh();
    snprintf(param_name, sizeof param_name, "%s", name);
    one.param.name = param_name;
    one.param.value = value;
    one.change.param = &one.param;
    uint32_t code = enact();
    param_name[0] = '\0';
    return code;
}

static void parameters(void **state)
{
    struct hash32 before = ledger_tip(network.ledger)->params_hash;
    struct hash32 hash;
    (void)state;
    assert_int_equal(set_param("no_such", 1), ST_BAD_PARAMETER);
    assert_int_equal(set_param("t0_ms", 99), ST_BAD_PARAMETER);
    assert_int_equal(set_param("t0_ms", 60001), ST_BAD_PARAMETER);
    assert_int_equal(set_param("rotation_blocks", 7), ST_BAD_PARAMETER); /* without a set change */
    assert_memory_equal(&ledger_tip(network.ledger)->params_hash, &before, 32);
    assert_int_equal(set_param("t0_ms", 60000), ST_BAD_PARAMETER); /* above request_timeout_ms */
    assert_int_equal(set_param("request_timeout_ms", 60000), ST_OK);
    before = ledger_tip(network.ledger)->params_hash;
    assert_int_equal(set_param("t0_ms", 60000), ST_OK);
    assert_int_equal(ledger_params(network.ledger)->t0_ms, 60000);
    params_hash(&hash, ledger_params(network.ledger));
    assert_memory_equal(&ledger_tip(network.ledger)->params_hash, &hash, 32);
    assert_memory_not_equal(&hash, &before, 32);
    governed_reopen(&network);
    assert_int_equal(ledger_params(network.ledger)->t0_ms, 60000);
    const Xuelian__ParamValue *made = (const Xuelian__ParamValue *)(const void *)governed_record(
        &network, XUELIAN__COLLECTION__COLLECTION_PARAMS, bytes_of("t0_ms", 5),
        &xuelian__param_value__descriptor);
    assert_int_equal(made->value, 60000);
    /* Approvals are parameters: three are needed then, and no more than there are. */
    assert_int_equal(set_param("approvals_params", 4), ST_GOVERN_STUCK);
    assert_int_equal(set_param("approvals_courses", 3), ST_GOVERN_STUCK);
    assert_int_equal(set_param("approvals_courses", 1), ST_OK);
    assert_int_equal(set_param("approvals_params", 3), ST_OK);
    assert_int_equal(set_param("t0_ms", 30000), ST_OK);
    assert_int_equal(ledger_params(network.ledger)->t0_ms, 60000); /* open, two are too few */
    assert_int_equal(set_status(3, 1, 0), ST_GOVERN_STUCK);
    assert_int_equal(set_param("approvals_members", LIMIT_APPROVALS_MAX + 1), ST_BAD_PARAMETER);
}

/* Parameters that agree with the others each, and both ways past it; several that agree only when they change at once. */
static void parameters_agree(void **state)
{
    static const struct {
        const char *name;
        uint64_t right;
        uint64_t wrong;
    } rows[] = {{"timeout_cap_ms", 2000, 1999}, {"request_timeout_ms", 2000, 1999},
                {"batch_delay_ms", 1000, 1001}, {"max_lag_ms", 3000, 2999},
                {"max_drift_ms", 3000, 3001},   {"heartbeat_ms", 1000, 999},
                {"batch_work", 20000, 20001}};
    Xuelian__ParamValue values[2] = {XUELIAN__PARAM_VALUE__INIT, XUELIAN__PARAM_VALUE__INIT};
    Xuelian__Change changes[2] = {XUELIAN__CHANGE__INIT, XUELIAN__CHANGE__INIT};
    char names[2][32] = {"t0_ms", "request_timeout_ms"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(set_param(rows[i].name, rows[i].wrong), ST_BAD_PARAMETER);
        assert_int_equal(set_param(rows[i].name, rows[i].right), ST_OK);
    }
    assert_int_equal(set_param("t0_ms", 1999), ST_BAD_PARAMETER); /* of the work */
    for (uint32_t i = 0; i < 2; i++) {
        values[i].name = names[i];
        values[i].value = 1000;
        changes[i].param = &values[i];
    }
    values[0].value = 2500;
    values[1].value = 2500;
    assert_int_equal(set_param("timeout_cap_ms", 60000), ST_OK);
    assert_int_equal(set_param("t0_ms", 2500), ST_BAD_PARAMETER);
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&changes[0], &changes[1]}, 2,
                                      BY(1, 2), NULL),
                     ST_OK);
    assert_int_equal(ledger_params(network.ledger)->t0_ms, 2500);
}

/* The block limits of the next height, not of the block that changes them. */
static void acts_at_the_next_height(void **state)
{
    (void)state;
    assert_int_equal(set_param("batch_count", 1), ST_OK);
    struct ledger_proposal two = {.parent_hash = *ledger_tip_hash(network.ledger),
                                  .time_ms = ledger_tip(network.ledger)->time_ms + 1,
                                  .txs = (struct bytes[2]){{NULL, 0}, {NULL, 0}},
                                  .count = 2};
    struct ledger_block *block = NULL;
    uint32_t bad = 0;
    assert_int_equal(ledger_execute(network.ledger, &two, &block, &bad), ST_BAD_SIZE);
    assert_int_equal(bad, 2); /* the block itself */
}

static void put_governor(struct draft *draft, uint32_t id, uint32_t status)
{
    Xuelian__Member member = XUELIAN__MEMBER__INIT;
    member.id = id;
    member.roles = govern_role;
    member.n_roles = 1;
    member.status = status;
    draft_put_numbered(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, id, &member.base);
}

/* Of a role that as many have as may: one proposal gives it to one member and takes it from another, in this order. */
static void full_role(void **state)
{
    enum { FIRST = 1000, NEW = 3000 };
    static uint32_t members[LIMIT_GOVERNORS_MAX];
    struct state *records = NULL;
    struct next_height next = {.params = XUELIAN__PARAMS__INIT};
    struct block_context context = {.next = &next};
    uint32_t count = 0;
    (void)state;
    assert_int_equal(state_begin(&records, network.kv, false), ST_OK);
    for (uint32_t id = FIRST; count < LIMIT_GOVERNORS_MAX; id++) {
        Xuelian__Member member = XUELIAN__MEMBER__INIT;
        member.id = id;
        member.roles = govern_role;
        member.n_roles = 1;
        assert_int_equal(registry_put_member(records, &member), ST_OK);
        assert_int_equal(registry_role_count(records, govern_role[0], &count), ST_OK);
    }
    struct draft *draft = draft_new(records, &context);
    put_governor(draft, NEW, 0);
    put_governor(draft, FIRST, 1);
    assert_int_equal(draft_write(draft), ST_OK);
    draft_free(draft);
    assert_int_equal(registry_role_members(records, govern_role[0], members, &count), ST_OK);
    assert_int_equal(count, LIMIT_GOVERNORS_MAX);
    assert_int_equal(members[count - 1], NEW);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_not_equal(members[i], FIRST);
    }
    state_free(records);
}

static uint32_t announce(uint32_t version, uint64_t height)
{
    fresh();
    one.protocol.version = version;
    one.protocol.from_height = height;
    one.change.protocol = &one.protocol;
    return enact();
}

static void protocol_version(void **state)
{
    struct ledger_block *block = NULL;
    uint32_t bad = 0;
    (void)state;
    assert_int_equal(announce(1, 100), ST_BAD_PARAMETER);
    assert_int_equal(announce(3, next_height() + 1), ST_BAD_PARAMETER);
    assert_int_equal(announce(3, 8), ST_OK);
    assert_int_equal(announce(2, 9), ST_BAD_PARAMETER);
    governed_reopen(&network);
    assert_int_equal(announce(3, 7), ST_OK);
    governed_reopen(&network);
    while (next_height() < 7) {
        governed_advance(&network, 1);
    }
    struct ledger_proposal empty = {.parent_hash = *ledger_tip_hash(network.ledger),
                                    .time_ms = ledger_tip(network.ledger)->time_ms + 1};
    assert_int_equal(ledger_execute(network.ledger, &empty, &block, &bad), ST_UPGRADE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(members, setup, teardown),
        cmocka_unit_test_setup_teardown(one_node_key, setup, teardown),
        cmocka_unit_test_setup_teardown(described_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(statuses, setup, teardown),
        cmocka_unit_test_setup_teardown(named_later, setup, teardown),
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(largest_member, setup, teardown),
        cmocka_unit_test_setup_teardown(regions, setup, teardown),
        cmocka_unit_test_setup_teardown(frameworks, setup, teardown),
        cmocka_unit_test_setup_teardown(courses, setup, teardown),
        cmocka_unit_test_setup_teardown(no_panel, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(acts_at_the_next_height, setup, teardown),
        cmocka_unit_test_setup_teardown(full_role, setup, teardown),
        cmocka_unit_test_setup_teardown(protocol_version, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
