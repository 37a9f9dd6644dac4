/* The strict reader: one accepted form for each message. */
#include "tests/unit/cmocka_all.h"

#include "ledger/verify/reader.h"
#include "ledger/verify/text.h"

#define BYTES(...) \
    ((struct bytes){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

static bool reads_number(struct bytes message, uint64_t *value)
{
    struct reader reader;
    reader_init(&reader, message);
    *value = reader_u64(&reader, 1);
    return reader_end(&reader);
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(reads_number((struct bytes){.size = 0}, &value));
    assert_int_equal(value, 0);
    assert_true(reads_number(BYTES(0x08, 0x01), &value));
    assert_int_equal(value, 1);
    assert_true(reads_number(BYTES(0x08, 0xac, 0x02), &value));
    assert_int_equal(value, 300);
    assert_true(reads_number(
        BYTES(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), &value));
    assert_true(value == UINT64_MAX);
    /* A default, overlong forms, above 64 bits, cut. */
    assert_false(reads_number(BYTES(0x08, 0x00), &value));
    assert_false(reads_number(BYTES(0x08, 0x81, 0x00), &value));
    assert_false(reads_number(BYTES(0x88, 0x00, 0x01), &value));
    assert_false(reads_number(
        BYTES(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02), &value));
    assert_false(reads_number(
        BYTES(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x01), &value));
    assert_false(reads_number(BYTES(0x08), &value));
    assert_false(reads_number(BYTES(0x08, 0xff), &value));
    assert_int_equal(value, 0);
    /* Repeated, unknown, of another wire type, field 0, a group. */
    assert_false(reads_number(BYTES(0x08, 0x01, 0x08, 0x01), &value));
    assert_false(reads_number(BYTES(0x10, 0x01), &value));
    assert_false(reads_number(BYTES(0x08, 0x01, 0x10, 0x01), &value));
    assert_false(reads_number(BYTES(0x0a, 0x01, 0x01), &value));
    assert_false(reads_number(BYTES(0x00, 0x01), &value));
    assert_false(reads_number(BYTES(0x0b, 0x0c), &value));
    assert_false(reads_number(BYTES(0x09, 1, 0, 0, 0, 0, 0, 0, 0), &value));
}

static void test_ranges(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, BYTES(0x08, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x10, 0x03));
    assert_int_equal(reader_u32(&reader, 1), UINT32_MAX);
    assert_int_equal(reader_enum(&reader, 2, 3), 3);
    assert_true(reader_end(&reader));
    reader_init(&reader, BYTES(0x08, 0x80, 0x80, 0x80, 0x80, 0x10));
    assert_int_equal(reader_u32(&reader, 1), 0);
    assert_false(reader_end(&reader));
    reader_init(&reader, BYTES(0x10, 0x04));
    assert_int_equal(reader_enum(&reader, 2, 3), 0);
    assert_false(reader_end(&reader));
}

static void test_order(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, BYTES(0x10, 0x02, 0x08, 0x01));
    assert_int_equal(reader_u64(&reader, 1), 0);
    assert_true(reader_has(&reader, 2));
    assert_int_equal(reader_u64(&reader, 2), 2);
    assert_false(reader_end(&reader));
    /* Fields of 16 and more have tags of two bytes. */
    reader_init(&reader, BYTES(0x78, 0x01, 0x80, 0x01, 0x02));
    assert_int_equal(reader_u64(&reader, 15), 1);
    assert_int_equal(reader_u64(&reader, 16), 2);
    assert_true(reader_end(&reader));
}

static void test_bytes(void **state)
{
    (void)state;
    struct reader reader;
    struct bytes value;
    uint8_t three[3];
    reader_init(&reader, BYTES(0x0a, 0x03, 1, 2, 3, 0x12, 0x01, 9));
    reader_fixed(&reader, 1, three, 3);
    assert_int_equal(three[2], 3);
    assert_int_equal(reader_optional(&reader, 2, 1).size, 1);
    assert_int_equal(reader_bytes(&reader, 3).size, 0);
    assert_true(reader_end(&reader));
    /* An empty one written out; a length past the end; another size; missing. */
    reader_init(&reader, BYTES(0x0a, 0x00));
    assert_int_equal(reader_bytes(&reader, 1).size, 0);
    assert_false(reader_end(&reader));
    reader_init(&reader, BYTES(0x0a, 0x03, 1, 2));
    assert_int_equal(reader_bytes(&reader, 1).size, 0);
    assert_false(reader_end(&reader));
    assert_true(reader.cut);
    reader_init(&reader, BYTES(0x0a, 0x02, 1, 2));
    memset(three, 7, sizeof three);
    reader_fixed(&reader, 1, three, 3);
    assert_int_equal(three[0], 0);
    assert_false(reader_end(&reader));
    assert_false(reader.cut);
    reader_init(&reader, (struct bytes){.size = 0});
    reader_fixed(&reader, 1, three, 3);
    assert_false(reader_end(&reader));
    /* Elements of repeated fields may be empty; the loop ends at an error. */
    reader_init(&reader, BYTES(0x0a, 0x00, 0x0a, 0x01, 5, 0x0a, 0x02, 1));
    assert_true(reader_next(&reader, 1, &value));
    assert_int_equal(value.size, 0);
    assert_true(reader_next(&reader, 1, &value));
    assert_int_equal(value.data[0], 5);
    assert_false(reader_next(&reader, 1, &value));
    assert_false(reader_next(&reader, 1, &value));
    assert_false(reader_end(&reader));
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(utf8_valid((struct bytes){.size = 0}));
    assert_true(utf8_valid(BYTES('a', 0xe5, 0xad, 0xa6, 0xf0, 0x9f, 0x8e, 0x93)));
    assert_true(utf8_valid(BYTES(0xf4, 0x8f, 0xbf, 0xbf)));
    assert_false(utf8_valid(BYTES('a', 0, 'b'))); /* a C string would end there */
    assert_false(utf8_valid(BYTES(0x80)));
    assert_false(utf8_valid(BYTES(0xc0, 0x80)));
    assert_false(utf8_valid(BYTES(0xc1, 0xbf)));
    assert_false(utf8_valid(BYTES(0xe0, 0x9f, 0xbf)));
    assert_false(utf8_valid(BYTES(0xed, 0xa0, 0x80)));
    assert_false(utf8_valid(BYTES(0xf0, 0x8f, 0xbf, 0xbf)));
    assert_false(utf8_valid(BYTES(0xf4, 0x90, 0x80, 0x80)));
    assert_false(utf8_valid(BYTES(0xf5, 0x80, 0x80, 0x80)));
    assert_false(utf8_valid(BYTES(0xe5, 0xad)));
    assert_false(utf8_valid(BYTES(0xff)));
}

static void test_text(void **state)
{
    (void)state;
    char out[64];
    struct text text;
    text_init(&text, out, sizeof out);
    text_number(&text, 0);
    text_put(&text, " ");
    text_number(&text, UINT64_MAX);
    text_put(&text, " ");
    text_hundredths(&text, 1205);
    text_put(&text, " ");
    text_hundredths(&text, 7);
    text_end(&text);
    assert_string_equal(out, "0 18446744073709551615 12.05 0.07");
    /* Names cannot steer a terminal: C0, DEL and C1 controls become spaces. */
    text_init(&text, out, sizeof out);
    text_outside(&text, BYTES('a', 0x1b, '[', 0x7f, 0xc2, 0x9b, 0xc2, 0xa0, 0xe5, 0xad, 0xa6));
    text_end(&text);
    assert_string_equal(out, "a [  \xc2\xa0\xe5\xad\xa6");
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds;
        uint32_t date;
    } cases[] = {{0, 19700101},          {57599, 19700101},       {57600, 19700102},
                 {951753600, 20000229},  {951840000, 20000301},   {1709136000, 20240229},
                 {1767196799, 20251231}, {1767196800, 20260101},  {4107427200, 21000228},
                 {4107513600, 21000301}, {253402271999, 99991231}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(civil_date(cases[i].seconds * 1000), cases[i].date);
    }
    assert_int_equal(civil_date(UINT64_MAX), 99991231);
    char out[64];
    struct text text;
    text_init(&text, out, sizeof out);
    text_time(&text, UINT64_C(1767196799999));
    text_end(&text);
    assert_string_equal(out, "2025-12-31 23:59:59 (UTC+8)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_ranges), cmocka_unit_test(test_order),
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_utf8),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
