/* Keys and nodes that have ended move to pages, where they stay provable: docs/protocol.md section 18. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/govern_support.h"

enum { MEMBER = 6, FIRST = 110, MEMBERS = XUELIAN__COLLECTION__COLLECTION_MEMBERS };

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
    governed_sign_with(MEMBER, MEMBER);
    governed_close(&network);
    return 0;
}

static const Xuelian__Member *page_of(uint32_t member, uint32_t page)
{
    uint8_t key[MEMBER_KEY_SIZE_MAX];
    size_t size = registry_member_key(key, member, page);
    return (const Xuelian__Member *)(const void *)governed_record(
        &network, MEMBERS, bytes_of(key, size), &xuelian__member__descriptor);
}

static uint32_t rotate(uint8_t secret)
{
    Xuelian__MemberKeyRotation wish = XUELIAN__MEMBER_KEY_ROTATION__INIT;
    wish.key = governed_key(secret);
    return governed_send(&network, XUELIAN__TX_KIND__TX_KIND_MEMBER_KEY_ROTATE, &wish.base,
                         BY(MEMBER), NULL);
}

static uint32_t revoke(uint8_t secret, uint64_t from_height)
{
    Xuelian__MemberKeyRevocation wish = XUELIAN__MEMBER_KEY_REVOCATION__INIT;
    wish.key = governed_key(secret);
    wish.from_height = from_height;
    return governed_send(&network, XUELIAN__TX_KIND__TX_KIND_MEMBER_KEY_REVOKE, &wish.base,
                         BY(MEMBER), NULL);
}

static void rotate_many(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(rotate((uint8_t)(FIRST + i)), ST_OK);
        governed_sign_with(MEMBER, (uint8_t)(FIRST + i));
    }
}

/* Far more than a record holds; each key is once there, and at every height one of them was in force. */
static void rotates_for_decades(void **state)
{
    const uint32_t count = 100;
    uint64_t height = 0;
    (void)state;
    rotate_many(count);
    const Xuelian__Member *record = governed_member(&network, MEMBER);
    assert_int_equal(record->past_keys, count - 1);
    assert_int_equal(record->n_keys, 2); /* the newest, and that which signed for it */
    assert_int_equal(record->keys[1]->to_height, 0);
    for (uint32_t i = 0; i < count - 1; i++) {
        const Xuelian__Member *page = page_of(MEMBER, i / LIMIT_MEMBER_PAGE + 1);
        assert_non_null(page);
        assert_int_equal(page->id, MEMBER);
        assert_int_equal(page->page, i / LIMIT_MEMBER_PAGE + 1);
        assert_int_equal(page->n_keys, i < 96 ? LIMIT_MEMBER_PAGE : 3);
        const Xuelian__MemberKey *key = page->keys[i % LIMIT_MEMBER_PAGE];
        ProtobufCBinaryData made =
            governed_key(i == 0 ? (uint8_t)MEMBER : (uint8_t)(FIRST + i - 1));
        assert_memory_equal(key->key.data, made.data, 33);
        assert_int_equal(key->from_height, height);
        height = key->to_height;
        assert_int_equal(height, i + 2);
    }
    assert_null(page_of(MEMBER, count / LIMIT_MEMBER_PAGE + 2));
    governed_reopen(&network);
    assert_int_equal(rotate(FIRST), ST_KEY_TAKEN); /* once used, also long ago */
    assert_int_equal(rotate(MEMBER), ST_KEY_TAKEN);
    assert_int_equal(rotate((uint8_t)(FIRST + count)), ST_OK);
}

/* A key of a page is found to have been stolen before it ended: its end is brought forward there, never put off. */
static void ends_on_its_page(void **state)
{
    (void)state;
    rotate_many(12);
    assert_int_equal(page_of(MEMBER, 1)->keys[5]->to_height, 7);
    assert_int_equal(revoke(FIRST + 4, 7), ST_WRONG_STATE);
    assert_int_equal(revoke(FIRST + 4, 0), ST_WRONG_STATE);
    assert_int_equal(revoke(FIRST + 60, 3), ST_BAD_RECORD);
    assert_int_equal(revoke(FIRST + 4, 3), ST_OK);
    assert_int_equal(page_of(MEMBER, 1)->keys[5]->to_height,
                     6); /* it began there: never in force */
    assert_int_equal(page_of(MEMBER, 1)->keys[5]->from_height, 6);
}

static Xuelian__MemberNodeChange node_wish(uint8_t secret, uint64_t to_height)
{
    Xuelian__MemberNodeChange wish = XUELIAN__MEMBER_NODE_CHANGE__INIT;
    wish.member = MEMBER;
    wish.key = governed_key(secret);
    wish.role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    wish.to_height = to_height;
    return wish;
}

/* A node is replaced in one proposal: the old one ends, the new one begins. */
static uint32_t replace_node(uint8_t old, uint8_t made)
{
    Xuelian__MemberNodeChange wishes[2] = {node_wish(old, ledger_tip(network.ledger)->height + 2),
                                           node_wish(made, 0)};
    Xuelian__Change changes[2] = {XUELIAN__CHANGE__INIT, XUELIAN__CHANGE__INIT};
    changes[0].node = &wishes[0];
    changes[1].node = &wishes[1];
    return governed_propose(&network, (Xuelian__Change *[]){&changes[0], &changes[1]}, 2, BY(1, 2),
                            NULL);
}

static void replaces_nodes(void **state)
{
    const uint32_t count = 50;
    uint8_t secret = 106;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(replace_node(secret, (uint8_t)(FIRST + i)), ST_OK);
        secret = (uint8_t)(FIRST + i);
    }
    const Xuelian__Member *record = governed_member(&network, MEMBER);
    assert_int_equal(record->past_nodes, count - 1);
    assert_int_equal(record->n_nodes, 2);
    assert_int_equal(page_of(MEMBER, 1)->n_nodes, LIMIT_MEMBER_PAGE);
    assert_int_equal(page_of(MEMBER, 1)->n_keys, 0);
    assert_int_equal(page_of(MEMBER, 7)->n_nodes, 1);
    assert_int_equal(replace_node(secret, 106), ST_KEY_TAKEN); /* a node that ended stays so */
    Xuelian__Member made = XUELIAN__MEMBER__INIT;
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    char name[] = "演示";
    made.id = MEMBER;
    made.name_zh = name;
    change.member = &made;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&change}, 1, BY(1, 2), NULL),
                     ST_OK);
    assert_int_equal(governed_member(&network, MEMBER)->past_nodes, count); /* kept, and one more */
    made.past_nodes = 1;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&change}, 1, BY(1, 2), NULL),
                     ST_BAD_RECORD);
    made.past_nodes = 0;
    made.page = 1;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&change}, 1, BY(1, 2), NULL),
                     ST_BAD_RECORD);
}

/* Keys that the same proposal moved away are not taken anew, and what is full stays in the record. */
static void in_one_draft(void **state)
{
    struct state *opened = NULL;
    struct block_context context = {.height = 50};
    struct next_height next = {.protocol_version = 0};
    const struct member_view *view;
    Xuelian__Member *member = NULL;
    Xuelian__MemberKey *room[LIMIT_MEMBER_KEYS_MAX];
    Xuelian__MemberKey again = XUELIAN__MEMBER_KEY__INIT;
    uint32_t code = ST_OK;
    (void)state;
    rotate_many(3);
    context.next = &next;
    assert_int_equal(state_begin(&opened, network.kv, false), ST_OK);
    struct draft *draft = draft_new(opened, &context);
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    assert_int_equal(draft_member_open(draft, MEMBER, &member, &code), ST_OK);
    assert_int_equal(member->past_keys, 3);
    again.key = governed_key(FIRST + 1);
    again.from_height = 60;
    assert_int_equal(draft_key_add(draft, member, room, &again, &code), ST_OK);
    assert_int_equal(code, ST_KEY_TAKEN);
    draft_free(draft);

    draft = draft_new(opened, &context);
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    code = ST_OK;
    assert_int_equal(draft_member(draft, MEMBER, &member, &code), ST_OK);
    for (uint32_t i = 0; i < 2; i++) {
        /* The last place on the pages, then none. */
        member->past_keys = LIMIT_MEMBER_PAST_MAX - 1 + i;
        draft_put_numbered(draft, MEMBERS, MEMBER, &member->base);
        Xuelian__Member *full = NULL;
        assert_int_equal(draft_member_open(draft, MEMBER, &full, &code),
                         i == 0 ? ST_CORRUPT : ST_OK); /* there is no page that the number means */
        assert_true(i == 0 || full->n_keys == member->n_keys);
    }
    draft_free(draft);
    assert_int_equal(state_member(opened, MEMBER, &view), ST_OK);
    assert_int_equal(view->key_count, 2);
    state_free(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rotates_for_decades, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_on_its_page, setup, teardown),
        cmocka_unit_test_setup_teardown(replaces_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(in_one_draft, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
