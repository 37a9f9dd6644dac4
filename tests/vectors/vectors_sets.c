/* Set histories, and small proofs that leave theirs to one. */
#include <stdlib.h>

#include "tests/vectors/vectors.h"

#define CHANGING                                      \
    {                                                 \
        .validators = 4, .items = 2, .set_changes = 2 \
    }
#define RETIRED                                       \
    {                                                 \
        .validators = 4, .items = 2, .set_changes = 1 \
    }

static struct built whole(struct world *world)
{
    return world_set_history(world, false);
}

static struct built last_change(struct world *world)
{
    return world_set_history(world, true);
}

static struct built first_record(struct world *world)
{
    return world_record(world, 1);
}

static void changes_left_out(Xuelian__Proof *proof)
{
    Xuelian__Anchor *anchor = proof->anchor;
    for (size_t i = 0; i < anchor->n_set_changes; i++) {
        xuelian__set_change__free_unpacked(anchor->set_changes[i], NULL);
    }
    anchor->n_set_changes = 0;
}

static void set_altered(Xuelian__Proof *proof)
{
    proof->set_history->set.data[proof->set_history->set.len - 1] ^= 1;
}

const struct vector set_vectors[] = {
    {.name = "sets",
     .why = "two changes of the validator set, and the set of the next height",
     .plan = CHANGING,
     .build = whole,
     .fault = VERIFY_FAULT_NONE},
    {.name = "sets-last-change",
     .why = "as of the header that changed the set last: the next set is a new one",
     .plan = CHANGING,
     .build = last_change,
     .fault = VERIFY_FAULT_NONE},
    {.name = "sets-of-genesis",
     .why = "the set never changed, twenty validators",
     .plan = {.validators = 20, .items = 1},
     .build = whole,
     .fault = VERIFY_FAULT_NONE},
    {.name = "sets-altered",
     .why = "one bit of the next set",
     .plan = CHANGING,
     .build = whole,
     .alter = set_altered,
     .fault = VERIFY_FAULT_SET_CHANGE},
    {.name = "small",
     .why = "a record without set changes, with the history that it leaves them to",
     .plan = CHANGING,
     .build = first_record,
     .alter = changes_left_out,
     .history = "sets-last-change",
     .fault = VERIFY_FAULT_NONE},
    {.name = "small-without-history",
     .why = "the same, and no history",
     .plan = CHANGING,
     .build = first_record,
     .alter = changes_left_out,
     .fault = VERIFY_FAULT_SET_UNKNOWN},
    {.name = "retired-validators",
     .why = "validators of a set that the history has seen replaced sign a later height",
     .plan = RETIRED,
     .build = first_record,
     .history = "sets-last-change",
     .fault = VERIFY_FAULT_SET_RETIRED},
    {.name = "history-goes-back",
     .why = "an older history where a newer one is trusted",
     .plan = CHANGING,
     .build = last_change,
     .history = "sets",
     .fault = VERIFY_FAULT_SET_RETIRED},
    {.name = "history-is-a-record",
     .why = "a record given as the history",
     .plan = CHANGING,
     .build = first_record,
     .history = "small",
     .fault = VERIFY_FAULT_HISTORY_FILE},
    {.name = NULL},
};
