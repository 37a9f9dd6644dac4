/* Messages as JSON and back: what is written is read as the same bytes, and each mistake is named with its place. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/json/json.h"
#include "proto/ledger.pb-c.h"

static uint64_t memory[32768];

static bool read_text(const char *text, const ProtobufCMessageDescriptor *schema,
                      ProtobufCMessage **message, struct json_fault *fault)
{
    struct arena arena;
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    arena_init(&arena, memory, sizeof memory);
    bool fine = json_to_message(value, schema, &arena, message, fault);
    json_decref(value);
    return fine;
}

static const char member[] =
    "{\"id\": 7, \"kind\": \"university\", \"name_zh\": \"演示大学\", \"roles\": [\"deposit\", "
    "\"govern\"],"
    " \"keys\": [{\"key\": \"02ab\", \"from_height\": \"18446744073709551615\"}, {}],"
    " \"nodes\": [{\"role\": \"validator\", \"addresses\": [\"a:1\", \"b:2\"]}]}";

static void test_round_trip(void **state)
{
    ProtobufCMessage *message = NULL;
    struct json_fault fault;
    uint8_t first[512];
    uint8_t second[512];
    (void)state;
    assert_true(read_text(member, &xuelian__member__descriptor, &message, &fault));
    size_t size = canonical_encode(first, message);
    json_t *written = json_of_message(message);
    char *text = json_dumps(written, JSON_PRESERVE_ORDER);
    assert_string_equal(json_string_value(json_object_get(written, "kind")), "university");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(written, "keys"), 0), "from_height")),
                        "18446744073709551615");
    json_decref(written);
    assert_true(read_text(text, &xuelian__member__descriptor, &message, &fault));
    assert_int_equal(canonical_encode(second, message), size);
    assert_memory_equal(first, second, size);
    free(text);
}

static void test_lenient(void **state)
{
    ProtobufCMessage *message = NULL;
    struct json_fault fault;
    (void)state;
    assert_true(read_text(
        "{\"awardDate\": \"2026-06-30\", \"credits\": 2.5, \"hours\": \"48.25\", \"courseVersion\":"
        " \"3\", \"kind\": \"OUTCOME_KIND_DEGREE_COURSE\"}",
        &xuelian__outcome__descriptor, &message, &fault));
    const Xuelian__Outcome *outcome = (const Xuelian__Outcome *)(void *)message;
    assert_int_equal(outcome->award_date, 20260630);
    assert_int_equal(outcome->credits, 250);
    assert_int_equal(outcome->hours, 4825);
    assert_int_equal(outcome->course_version, 3);
    assert_int_equal(outcome->kind, XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE);
    /* Nothing set in a message of its own: absent. */
    assert_true(read_text("{\"params\": {}}", &xuelian__genesis__descriptor, &message, &fault));
    assert_int_equal(canonical_size(message), 0);
}

static void expect(const ProtobufCMessageDescriptor *schema, const char *text,
                   enum json_mistake mistake, const char *path)
{
    ProtobufCMessage *message = NULL;
    struct json_fault fault;
    assert_false(read_text(text, schema, &message, &fault));
    assert_int_equal(fault.mistake, mistake);
    assert_string_equal(fault.path, path);
    assert_null(message);
}

static void test_mistakes(void **state)
{
    const ProtobufCMessageDescriptor *outcome = &xuelian__outcome__descriptor;
    const ProtobufCMessageDescriptor *person = &xuelian__member__descriptor;
    (void)state;
    expect(outcome, "[]", JSON_NOT_OBJECT, "");
    expect(outcome, "{\"levle\": 1}", JSON_UNKNOWN_FIELD, "levle");
    expect(outcome, "{\"award_date\": 1, \"awardDate\": 2}", JSON_TWICE, "awardDate");
    expect(outcome, "{\"level\": -1}", JSON_BAD_NUMBER, "level");
    expect(outcome, "{\"level\": 4294967296}", JSON_BAD_NUMBER, "level");
    expect(outcome, "{\"level\": \"1e3\"}", JSON_BAD_NUMBER, "level");
    expect(outcome, "{\"level\": \"\"}", JSON_BAD_NUMBER, "level");
    expect(outcome, "{\"level\": {}}", JSON_BAD_NUMBER, "level");
    expect(outcome, "{\"credits\": \"1.\"}", JSON_BAD_NUMBER, "credits");
    expect(outcome, "{\"credits\": \"1.005\"}", JSON_BAD_NUMBER, "credits");
    expect(outcome, "{\"award_date\": \"2026-6-30\"}", JSON_BAD_NUMBER, "award_date");
    expect(outcome, "{\"kind\": \"unspecified\"}", JSON_BAD_NAME, "kind");
    expect(outcome, "{\"kind\": 3}", JSON_BAD_NAME, "kind");
    expect(outcome, "{\"account\": \"abc\"}", JSON_BAD_HEX, "account");
    expect(outcome, "{\"account\": \"zz\"}", JSON_BAD_HEX, "account");
    expect(person, "{\"name_zh\": 7}", JSON_BAD_TEXT, "name_zh");
    expect(person, "{\"keys\": {}}", JSON_NOT_LIST, "keys");
    expect(person, "{\"keys\": [{}, 3]}", JSON_NOT_OBJECT, "keys[1]");
    expect(person, "{\"nodes\": [{}, {\"addresses\": [\"a\", null]}]}", JSON_BAD_TEXT,
           "nodes[1].addresses[1]");
    expect(&xuelian__genesis__descriptor, "{\"members\": [{\"keys\": [{\"key\": true}]}]}",
           JSON_BAD_HEX, "members[0].keys[0].key");
}

/* More than the arena holds, a path too long, more objects than are kept: refused, not cut. */
static void test_bounds(void **state)
{
    ProtobufCMessage *message = NULL;
    struct json_fault fault;
    struct arena arena;
    json_t *whole = json_object();
    json_t *list = json_array();
    (void)state;
    for (int i = 0; i < 5000; i++) {
        json_array_append_new(list, json_object());
    }
    json_object_set_new(whole, "keys", list);
    arena_init(&arena, memory, sizeof memory);
    assert_false(json_to_message(whole, &xuelian__member__descriptor, &arena, &message, &fault));
    assert_int_equal(fault.mistake, JSON_TOO_MUCH);
    arena_init(&arena, memory, 64);
    assert_false(json_to_message(whole, &xuelian__member__descriptor, &arena, &message, &fault));
    assert_int_equal(fault.mistake, JSON_TOO_MUCH);
    json_decref(whole);
    char key[300] = "";
    memset(key, 'k', sizeof key - 1);
    whole = json_object();
    json_object_set_new(whole, key, json_true());
    arena_init(&arena, memory, sizeof memory);
    assert_false(json_to_message(whole, &xuelian__member__descriptor, &arena, &message, &fault));
    assert_int_equal(fault.mistake, JSON_TOO_MUCH);
    json_decref(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
