/* Rule records and catalogue entries: their form, in genesis and as governance writes them, row by row of the tables of
 * docs/protocol.md section 15. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "tests/unit/ledger/net.h"

static struct net net;
static struct state *state;
static struct block_context today = {.height = 5, .date = 20260301};
static Xuelian__Rule rule;
static Xuelian__CatalogueEntry entry;
static char name[300];

static int start(void **unused)
{
    Xuelian__Rule rules[2];
    Xuelian__Rule *rule_pointers[] = {&rules[0], &rules[1]};
    Xuelian__CatalogueEntry entries[1];
    Xuelian__CatalogueEntry *entry_pointers[] = {&entries[0]};
    (void)unused;
    net_conversion(&rules[0], 10);
    net_accrual(&rules[1], 20);
    net_entry(&entries[0], 30);
    net_open(&net, rule_pointers, 2, entry_pointers, 1);
    return state_begin(&state, net.kv, false) == ST_OK ? 0 : -1;
}

static int stop(void **unused)
{
    (void)unused;
    state_free(state);
    net_close(&net);
    return 0;
}

/* ---- form ---- */

static void no_version(Xuelian__Rule *r)
{
    r->version = 0;
}
static void other_series(Xuelian__Rule *r)
{
    r->series = 9;
}
static void later_replaced(Xuelian__Rule *r)
{
    r->version = 2;
    r->replaces = r->id;
}
static void no_name(Xuelian__Rule *r)
{
    r->name_zh = name + sizeof name - 1;
}
static void long_name(Xuelian__Rule *r)
{
    r->name_en = name;
}
static void no_notice(Xuelian__Rule *r)
{
    r->notice_date = 0;
}
static void notice_late(Xuelian__Rule *r)
{
    r->notice_date = r->from_date;
}
static void no_day(Xuelian__Rule *r)
{
    r->to_date = 20261301;
}
static void ends_early(Xuelian__Rule *r)
{
    r->to_date = 20251231;
}
static void retired_open(Xuelian__Rule *r)
{
    r->status = XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED;
}
static void no_status(Xuelian__Rule *r)
{
    r->status = XUELIAN__RULE_STATUS__RULE_STATUS_UNSPECIFIED;
}
static void high_level(Xuelian__Rule *r)
{
    r->source_level = 11;
}
static void low_grade(Xuelian__Rule *r)
{
    r->grade_band = 10;
}
static void old_source(Xuelian__Rule *r)
{
    r->source_age = 1201;
}
static void no_ratio(Xuelian__Rule *r)
{
    r->ratio_den = 0;
}
static void large_ratio(Xuelian__Rule *r)
{
    r->ratio_num = 1000001;
}
static void no_basis(Xuelian__Rule *r)
{
    r->basis = XUELIAN__RULE_BASIS__RULE_BASIS_UNSPECIFIED;
}
static void no_kind(Xuelian__Rule *r)
{
    r->kind = XUELIAN__RULE_KIND__RULE_KIND_UNSPECIFIED;
}
static void no_ceiling(Xuelian__Rule *r)
{
    r->ceiling = 0;
}
static void high_ceiling(Xuelian__Rule *r)
{
    r->ceiling = 10000001;
}

static void test_form_of_any_rule(void **unused)
{
    static void (*const broken[])(Xuelian__Rule *) = {
        no_version, other_series, later_replaced, no_name,   long_name,  no_notice,   notice_late,
        no_day,     ends_early,   retired_open,   no_status, high_level, low_grade,   old_source,
        no_ratio,   large_ratio,  no_basis,       no_kind,   no_ceiling, high_ceiling};
    (void)unused;
    memset(name, 'x', sizeof name - 1);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        for (uint32_t kind = 0; kind < 2; kind++) {
            void (*const make[])(Xuelian__Rule *, uint32_t) = {net_conversion, net_accrual};
            make[kind](&rule, 40);
            assert_null(rule_form(&rule));
            broken[i](&rule);
            assert_non_null(rule_form(&rule));
        }
    }
}

static void test_form_of_each_kind(void **unused)
{
    (void)unused;
    net_conversion(&rule, 40);
    rule.basis = XUELIAN__RULE_BASIS__RULE_BASIS_OUTCOME;
    assert_non_null(rule_form(&rule));
    net_conversion(&rule, 40);
    rule.programme_ceiling = 1000001;
    assert_non_null(rule_form(&rule));
    net_conversion(&rule, 40);
    rule.programme = 0;
    assert_non_null(rule_form(&rule));
    net_conversion(&rule, 40);
    rule.target_course = 7;
    assert_non_null(rule_form(&rule));
    rule.target_kind = XUELIAN__CREDIT_KIND__CREDIT_KIND_UNSPECIFIED;
    assert_null(rule_form(&rule));
    rule.life = 1;
    assert_non_null(rule_form(&rule));
    net_accrual(&rule, 40);
    rule.yearly_ceiling = 0;
    assert_non_null(rule_form(&rule));
    net_accrual(&rule, 40);
    rule.life = 1201;
    assert_non_null(rule_form(&rule));
    net_accrual(&rule, 40);
    rule.consuming = true;
    assert_non_null(rule_form(&rule));
}

static void test_form_of_an_entry(void **unused)
{
    (void)unused;
    net_entry(&entry, 40);
    assert_null(catalogue_form(&entry));
    const struct {
        uint32_t *field;
        uint32_t value;
    } rows[] = {{&entry.id, 0},
                {&entry.version, 0},
                {&entry.provider, 0},
                {&entry.price, 0},
                {&entry.price, 10000001},
                {&entry.stock, 10000001},
                {&entry.person_limit, 10000001},
                {&entry.from_date, 20260230},
                {&entry.to_date, 5},
                {&entry.taken, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        net_entry(&entry, 40);
        *rows[i].field = rows[i].value;
        assert_non_null(catalogue_form(&entry));
    }
    net_entry(&entry, 40);
    entry.status = XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_UNSPECIFIED;
    assert_non_null(catalogue_form(&entry));
    net_entry(&entry, 40);
    entry.name_zh = name;
    assert_non_null(catalogue_form(&entry));
    net_entry(&entry, 40);
    entry.from_date = 20260301;
    entry.to_date = 20260228;
    assert_non_null(catalogue_form(&entry));
}

/* ---- genesis ---- */

static void assert_refused(const char *sentence)
{
    Xuelian__Rule before;
    Xuelian__Rule *rules[] = {&before, &rule};
    Xuelian__CatalogueEntry *entries[] = {&entry};
    uint8_t bytes[32768];
    char error[GENESIS_ERROR_SIZE] = "";
    struct genesis genesis;
    net_conversion(&before, 10);
    size_t size = net_genesis_bytes(bytes, rules, 2, entries, 1);
    assert_int_equal(genesis_parse(&genesis, bytes_of(bytes, size), error), ST_BAD_CONFIG);
    assert_string_equal(error, sentence);
}

static void test_genesis_refuses(void **unused)
{
    (void)unused;
    net_entry(&entry, 1);
    net_conversion(&rule, 10);
    assert_refused("rule 10 is not above the one before it; sort by number, without repeats");
    net_conversion(&rule, 11);
    rule.programme = 0;
    assert_refused("rule 11 names no programme");
    net_conversion(&rule, 11);
    rule.appeal_to = 99;
    assert_refused("rule 11 names a member that is not in the file");
    net_conversion(&rule, 11);
    rule.source_course = 99;
    assert_refused("rule 11 names a course that is not in the file");
    net_conversion(&rule, 11);
    rule.version = 2;
    rule.series = 9;
    rule.replaces = 9;
    assert_refused("rule 11 is not the next version of the rule it replaces: same series, kind, "
                   "owner, programme and basis");
    net_conversion(&rule, 11);
    entry.provider = 99;
    assert_refused("catalogue entry 1 has a provider that is not in the file");
    net_entry(&entry, 1);
    entry.taken = 1;
    assert_refused("catalogue entry 1 says how many units are taken; only the ledger counts them");
}

static void test_genesis_writes(void **unused)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *read;
    const Xuelian__CatalogueEntry *read_entry;
    (void)unused;
    assert_int_equal(rule_record(state, 20, memory, &read), ST_OK);
    assert_int_equal(read->life, 24);
    assert_int_equal(rule_record(state, 21, memory, &read), ST_OK);
    assert_null(read);
    assert_int_equal(catalogue_record(state, 30, memory, &read_entry), ST_OK);
    assert_int_equal(read_entry->price, 100);
}

/* ---- governance ---- */

static uint32_t checked(void)
{
    uint32_t code = 1;
    assert_int_equal(rule_record_check(state, &today, &rule, &code), ST_OK);
    if (code == ST_OK) {
        assert_int_equal(rule_record_put(state, &rule), ST_OK);
    }
    return code;
}

static void step(Xuelian__RuleStatus status, enum status code)
{
    Xuelian__RuleStatus was = rule.status;
    rule.status = status;
    assert_int_equal(checked(), code);
    if (code != ST_OK) {
        rule.status = was;
    }
}

#define DRAFT    XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT
#define NOTICE   XUELIAN__RULE_STATUS__RULE_STATUS_NOTICE
#define IN_FORCE XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE
#define RETIRED  XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED

static void test_names_must_exist(void **unused)
{
    (void)unused;
    net_conversion(&rule, 50);
    rule.programme = 0;
    assert_int_equal(checked(), ST_BAD_RULE);
    net_conversion(&rule, 50);
    rule.owner = 99;
    assert_int_equal(checked(), ST_UNKNOWN_MEMBER);
    net_conversion(&rule, 50);
    rule.source_issuer = 99;
    assert_int_equal(checked(), ST_UNKNOWN_MEMBER);
    net_conversion(&rule, 50);
    rule.source_course = 99;
    assert_int_equal(checked(), ST_UNKNOWN_COURSE);
}

static void test_life_of_a_rule(void **unused)
{
    (void)unused;
    net_conversion(&rule, 60);
    assert_int_equal(checked(), ST_WRONG_STATE); /* a new one is a draft or in notice */
    rule.status = DRAFT;
    rule.ratio_num = 3;
    step(DRAFT, ST_OK);
    rule.ratio_num = 2; /* a draft may change */
    step(DRAFT, ST_OK);
    step(IN_FORCE, ST_WRONG_STATE);
    rule.to_date = 20271231;
    step(RETIRED, ST_WRONG_STATE);
    rule.to_date = 0;
    rule.notice_date = 20260228;
    rule.from_date = 20260401;
    step(NOTICE, ST_BAD_DATE); /* a notice that began yesterday */
    rule.notice_date = 20260301;
    step(NOTICE, ST_OK);
    step(NOTICE, ST_WRONG_STATE);
    rule.ratio_num = 4;
    step(IN_FORCE, ST_BAD_RULE); /* not what was in notice */
    rule.ratio_num = 2;
    step(IN_FORCE, ST_BAD_DATE); /* not a day in notice */
    step(DRAFT, ST_OK);          /* withdrawn */
    step(NOTICE, ST_OK);
    today.date = 20260402;
    step(IN_FORCE, ST_BAD_DATE); /* from a day that is past */
    rule.from_date = 20260403;
    step(IN_FORCE, ST_OK);
    step(DRAFT, ST_WRONG_STATE);
    step(NOTICE, ST_WRONG_STATE);
    rule.from_date = 20260404;
    step(IN_FORCE, ST_BAD_DATE);
    rule.from_date = 20260403;
    today.date = 20260501;
    rule.to_date = 20260430;
    step(RETIRED, ST_BAD_DATE);
    rule.to_date = 20260630;
    rule.consuming = false;
    step(IN_FORCE, ST_BAD_RULE);
    rule.consuming = true;
    step(IN_FORCE, ST_OK); /* an end is set */
    step(RETIRED, ST_OK);
    step(IN_FORCE, ST_WRONG_STATE);
    step(RETIRED, ST_WRONG_STATE);
}

static void test_versions_follow_each_other(void **unused)
{
    (void)unused;
    today.date = 20260601;
    net_conversion(&rule, 70);
    rule.series = 10;
    rule.version = 2;
    rule.replaces = 10;
    rule.notice_date = 20260601;
    rule.from_date = 20260701;
    rule.status = NOTICE;
    rule.programme = 12;
    assert_int_equal(checked(), ST_BAD_RULE); /* another programme */
    rule.programme = 11;
    rule.version = 3;
    assert_int_equal(checked(), ST_BAD_RULE);
    rule.version = 2;
    assert_int_equal(checked(), ST_OK);
    today.date = 20260602;
    step(IN_FORCE, ST_WRONG_STATE); /* the first version has no end */
    net_conversion(&rule, 10);
    rule.to_date = 20260630;
    assert_int_equal(checked(), ST_OK);
    Xuelian__Rule first = rule;
    assert_true(rule_in_force(&first, 20260630));
    assert_false(rule_in_force(&first, 20260701));
    net_conversion(&rule, 70);
    rule.series = 10;
    rule.version = 2;
    rule.replaces = 10;
    rule.notice_date = 20260601;
    rule.from_date = 20260630;
    step(IN_FORCE, ST_WRONG_STATE); /* a day with both */
    rule.from_date = 20260701;
    step(IN_FORCE, ST_OK);
}

static uint32_t entry_checked(void)
{
    uint32_t code = 1;
    assert_int_equal(catalogue_record_check(state, &today, &entry, &code), ST_OK);
    if (code == ST_OK) {
        assert_int_equal(catalogue_record_put(state, &entry), ST_OK);
    }
    return code;
}

static void test_life_of_an_entry(void **unused)
{
    (void)unused;
    net_entry(&entry, 80);
    entry.price = 0;
    assert_int_equal(entry_checked(), ST_BAD_ENTRY);
    net_entry(&entry, 80);
    entry.provider = 99;
    assert_int_equal(entry_checked(), ST_UNKNOWN_MEMBER);
    net_entry(&entry, 80);
    entry.version = 2;
    assert_int_equal(entry_checked(), ST_BAD_ENTRY);
    entry.version = 1;
    assert_int_equal(entry_checked(), ST_OK);
    assert_int_equal(entry_checked(), ST_BAD_ENTRY);
    entry.version = 2;
    entry.provider = 2;
    assert_int_equal(entry_checked(), ST_BAD_ENTRY);
    entry.provider = 4;
    entry.status = XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_PAUSED;
    assert_int_equal(entry_checked(), ST_OK);
    entry.version = 3;
    entry.status = XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_ENDED;
    assert_int_equal(entry_checked(), ST_OK);
    entry.version = 4;
    entry.status = XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_OPEN;
    assert_int_equal(entry_checked(), ST_WRONG_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_of_any_rule), cmocka_unit_test(test_form_of_each_kind),
        cmocka_unit_test(test_form_of_an_entry), cmocka_unit_test(test_genesis_refuses),
        cmocka_unit_test(test_genesis_writes),   cmocka_unit_test(test_names_must_exist),
        cmocka_unit_test(test_life_of_a_rule),   cmocka_unit_test(test_versions_follow_each_other),
        cmocka_unit_test(test_life_of_an_entry),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
