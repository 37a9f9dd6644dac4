/* Transactions: in the certified block, in an earlier one, in neither. */
#include "tests/vectors/vectors.h"

enum { TRANSACTIONS = 5, ABSENT = 99 };

#define FOUR                                                      \
    {                                                             \
        .validators = 4, .items = 1, .transactions = TRANSACTIONS \
    }

static struct built own(struct world *world)
{
    return world_transaction(world, false, 1);
}

static struct built earlier(struct world *world)
{
    return world_transaction(world, true, 2);
}

static struct built absent(struct world *world)
{
    return world_transaction(world, false, ABSENT);
}

static struct built absent_earlier(struct world *world)
{
    return world_transaction(world, true, ABSENT);
}

static void header_altered(Xuelian__Proof *proof)
{
    proof->transaction->header.data[44] ^= 1;
}

static void history_cut(Xuelian__Proof *proof)
{
    proof->transaction->history_path.len -= 32;
}

static void header_left_out(Xuelian__Proof *proof)
{
    field_set(&proof->transaction->header, "", 0);
    field_set(&proof->transaction->history_path, "", 0);
}

static void signatures_altered(Xuelian__Proof *proof)
{
    proof->transaction->signatures_hash.data[0] ^= 1;
}

static void next_place(Xuelian__Proof *proof)
{
    proof->transaction->index++;
}

static void result_altered(Xuelian__Proof *proof)
{
    proof->transaction->result.data[proof->transaction->result.len - 1] ^= 1;
}

static void common_altered(Xuelian__Proof *proof)
{
    proof->transaction->common.data[proof->transaction->common.len - 1] ^= 1;
}

static void one_left_out(Xuelian__Proof *proof)
{
    proof->transaction->listed.len -= 64;
}

static void one_that_is_there(Xuelian__Proof *proof)
{
    field_set(&proof->transaction->id, proof->transaction->listed.data + 64, 32);
}

static void listed_too(Xuelian__Proof *proof)
{
    field_set(&proof->transaction->listed, proof->transaction->id.data, 32);
}

const struct vector block_vectors[] = {
    {.name = "transaction",
     .why = "a bulk transaction of the certified block, two of its five items refused",
     .plan = FOUR,
     .build = own,
     .fault = VERIFY_FAULT_NONE},
    {.name = "transaction-earlier",
     .why = "a refused transaction of an earlier block, reached through the history root",
     .plan = FOUR,
     .build = earlier,
     .fault = VERIFY_FAULT_NONE},
    {.name = "transaction-20",
     .why = "the same under twenty validators",
     .plan = {.validators = 20, .items = 1, .transactions = TRANSACTIONS},
     .build = earlier,
     .fault = VERIFY_FAULT_NONE},
    {.name = "transaction-absent",
     .why = "not in the certified block: its five transactions are listed",
     .plan = FOUR,
     .build = absent,
     .fault = VERIFY_FAULT_NONE},
    {.name = "transaction-absent-earlier",
     .why = "not in an earlier block",
     .plan = FOUR,
     .build = absent_earlier,
     .fault = VERIFY_FAULT_NONE},
    {.name = "transaction-header",
     .why = "one bit of the earlier block's header",
     .plan = FOUR,
     .build = earlier,
     .alter = header_altered,
     .fault = VERIFY_FAULT_HISTORY_ROOT},
    {.name = "transaction-history-cut",
     .why = "the path in the history is one hash too short",
     .plan = FOUR,
     .build = earlier,
     .alter = history_cut,
     .fault = VERIFY_FAULT_PATH_SHAPE},
    {.name = "transaction-other-block",
     .why = "a transaction of an earlier block shown for the certified one",
     .plan = FOUR,
     .build = earlier,
     .alter = header_left_out,
     .fault = VERIFY_FAULT_BLOCK_ROOT},
    {.name = "transaction-signatures",
     .why = "the same transaction under other signatures",
     .plan = FOUR,
     .build = own,
     .alter = signatures_altered,
     .fault = VERIFY_FAULT_BLOCK_ROOT},
    {.name = "transaction-place",
     .why = "the place after its own",
     .plan = FOUR,
     .build = own,
     .alter = next_place,
     .fault = VERIFY_FAULT_BLOCK_ROOT},
    {.name = "transaction-result",
     .why = "another code for one of its items",
     .plan = FOUR,
     .build = own,
     .alter = result_altered,
     .fault = VERIFY_FAULT_BLOCK_ROOT},
    {.name = "transaction-common",
     .why = "signed fields that are not those of the id",
     .plan = FOUR,
     .build = own,
     .alter = common_altered,
     .fault = VERIFY_FAULT_TX_PARTS},
    {.name = "transaction-list-cut",
     .why = "a transaction of the block is missing from the list",
     .plan = FOUR,
     .build = absent,
     .alter = one_left_out,
     .fault = VERIFY_FAULT_BLOCK_ROOT},
    {.name = "transaction-listed",
     .why = "said to be absent, and listed",
     .plan = FOUR,
     .build = absent,
     .alter = one_that_is_there,
     .fault = VERIFY_FAULT_TX_LISTED},
    {.name = "transaction-both",
     .why = "shown in its place, with a list as well",
     .plan = FOUR,
     .build = own,
     .alter = listed_too,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = NULL},
};
