/* The corpus of structured forgeries: of a proof of each kind, each is refused, and for the reason that
 * forgeries.txt says. XUELIAN_FORGERIES=FOLDER writes what came out there, to be read and kept. */
#include "tests/unit/verify/check.h"

#include "tests/unit/verify/forge.h"

enum { LEAST = 200 };

static void forge(struct forge_corpus *corpus, struct world *world, const char *kind,
                  struct built proof)
{
    assert_true(forge_proof(corpus, kind, world_genesis(world), built_bytes(proof)));
    built_free(&proof);
}

static void test_forgeries(void **state)
{
    static struct forge_corpus corpus;
    struct build_plan plan = {.validators = 4,
                              .items = 3,
                              .bulk = 5,
                              .accounts = 3,
                              .set_changes = 1,
                              .transactions = 3,
                              .cells = true};
    (void)state;
    struct world *world = world_new(&plan);
    forge_open(&corpus, "forgeries.txt");
    forge(&corpus, world, "record", world_record(world, 2));
    forge(&corpus, world, "archive", world_archive(world));
    forge(&corpus, world, "absence", world_absence(world, 7));
    forge(&corpus, world, "transaction", world_transaction(world, true, 1));
    forge(&corpus, world, "cell", world_cell(world, 1));
    forge(&corpus, world, "table", world_table(world));
    forge(&corpus, world, "sets", world_set_history(world, false));
    world_free(world);
    assert_true(corpus.count >= LEAST);
    assert_int_equal(forge_close(&corpus), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forgeries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
