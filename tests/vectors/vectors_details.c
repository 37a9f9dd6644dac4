/* Details of a record: shown, withheld, erased; altered, moved and left out. */
#include "tests/vectors/vectors.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "proto/details.pb-c.h"

#define FOUR_FIELDS                                                            \
    {                                                                          \
        .validators = 4, .items = 2, .accounts = 2, .details = 4, .shown = 0x5 \
    }

static Xuelian__DetailProof *detail(Xuelian__Proof *proof, uint32_t index)
{
    return proof->record->item->details[index];
}

static void value_altered(Xuelian__Proof *proof)
{
    char *value = detail(proof, 0)->field->value;
    value[strlen(value) - 1] = '9';
}

static void salt_altered(Xuelian__Proof *proof)
{
    detail(proof, 2)->field->salt.data[31] ^= 1;
}

static void number_altered(Xuelian__Proof *proof)
{
    detail(proof, 2)->field->number = 4;
}

static void leaf_altered(Xuelian__Proof *proof)
{
    detail(proof, 1)->leaf_hash.data[0] ^= 1;
}

static void last_left_out(Xuelian__Proof *proof)
{
    protobuf_c_message_free_unpacked(&detail(proof, 3)->base, NULL);
    proof->record->item->n_details = 3;
}

static void two_swapped(Xuelian__Proof *proof)
{
    Xuelian__DetailProof *first = detail(proof, 0);
    proof->record->item->details[0] = detail(proof, 2);
    proof->record->item->details[2] = first;
}

static void withheld_swapped(Xuelian__Proof *proof)
{
    Xuelian__DetailProof *second = detail(proof, 1);
    proof->record->item->details[1] = detail(proof, 3);
    proof->record->item->details[3] = second;
}

static void number_zero(Xuelian__Proof *proof)
{
    detail(proof, 0)->field->number = 0;
}

static void number_too_high(Xuelian__Proof *proof)
{
    detail(proof, 2)->field->number = 1000;
}

static void field_and_hash(Xuelian__Proof *proof)
{
    field_set(&detail(proof, 0)->leaf_hash, detail(proof, 1)->leaf_hash.data, 32);
}

static void neither(Xuelian__Proof *proof)
{
    field_set(&detail(proof, 1)->leaf_hash, "", 0);
}

static void short_salt(Xuelian__Proof *proof)
{
    detail(proof, 0)->field->salt.len = 31;
}

static void of_another(Xuelian__Proof *proof)
{
    /* Record 2 has no details; those of record 1 are shown with it. */
    Xuelian__Proof *other = proof;
    CHECK(other->archive->n_items == 2);
    Xuelian__ItemProof *from = other->archive->items[0]->item;
    Xuelian__ItemProof *to = other->archive->items[1]->item;
    to->details = from->details;
    to->n_details = from->n_details;
    from->details = NULL;
    from->n_details = 0;
}

const struct vector detail_vectors[] = {
    {.name = "details",
     .why = "a record with two of its four details shown",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "details-one",
     .why = "a record with its only detail shown",
     .plan = {.validators = 1, .items = 1, .details = 1, .shown = 1},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "details-archive",
     .why = "an archive, all sixteen details of its first record shown",
     .plan = {.validators = 4, .items = 2, .details = 16, .shown = 0xffff},
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_NONE},
    {.name = "details-not-shown",
     .why = "a record with details of which the proof shows nothing",
     .plan = {.validators = 1, .items = 1, .details = 4},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "details-erased",
     .why = "a record whose details were erased: its second version says so",
     .plan = {.validators = 1, .items = 1, .earlier = 1, .details = 4, .erased = true},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "details-erased-copy",
     .why = "the same, with a copy that somebody kept",
     .plan = {.validators = 1, .items = 1, .earlier = 1, .details = 4, .shown = 2, .erased = true},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "details-value",
     .why = "another value",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = value_altered,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-salt",
     .why = "another salt",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = salt_altered,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-number",
     .why = "another number: a score shown as a certificate number",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = number_altered,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-leaf",
     .why = "another hash of a detail that is withheld",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = leaf_altered,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-left-out",
     .why = "the last one is left out: their number is in the root",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = last_left_out,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-withheld-swapped",
     .why = "two that are withheld change places",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = withheld_swapped,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-of-another",
     .why = "the details of record 1 shown with record 2, which has none",
     .plan = FOUR_FIELDS,
     .shape = ARCHIVE,
     .alter = of_another,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-none-shown",
     .why = "all withheld, which is said by leaving them out",
     .plan = {.validators = 1, .items = 1, .details = 4, .shown = 0x10},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_DETAILS},
    {.name = "details-order",
     .why = "numbers that do not ascend",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = two_swapped,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "details-seventeen",
     .why = "one more than a record has",
     .plan = {.validators = 1, .items = 1, .details = 17, .shown = 1},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "details-number-0",
     .why = "a detail without a number",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = number_zero,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "details-number-1000",
     .why = "a number above the highest",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = number_too_high,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "details-both",
     .why = "a detail that is shown and withheld",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = field_and_hash,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "details-neither",
     .why = "a detail that is neither shown nor withheld",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = neither,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "details-short-salt",
     .why = "a salt of 31 bytes",
     .plan = FOUR_FIELDS,
     .shape = RECORD_1,
     .alter = short_salt,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = NULL},
};
