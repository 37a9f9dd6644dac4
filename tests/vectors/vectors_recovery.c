/* Vectors about recoveries: sets that the holders of recovery keys put in the place of lost ones. */
#include <string.h>

#include "proto/block.pb-c.h"
#include "proto/check.h"
#include "tests/vectors/vectors.h"

/* Gives the first recovery to `change` and puts it back. */
static void recovery_change(Xuelian__Proof *proof, void (*change)(Xuelian__SignedRecovery *))
{
    uint8_t bytes[8192];
    ProtobufCBinaryData *field = &proof->anchor->set_changes[0]->recovery;
    Xuelian__SignedRecovery *signed_one =
        xuelian__signed_recovery__unpack(NULL, field->len, field->data);
    CHECK(signed_one != NULL);
    change(signed_one);
    CHECK(xuelian__signed_recovery__get_packed_size(signed_one) <= sizeof bytes);
    size_t size = xuelian__signed_recovery__pack(signed_one, bytes);
    field_set(field, bytes, size);
    xuelian__signed_recovery__free_unpacked(signed_one, NULL);
}

static void to_few(Xuelian__SignedRecovery *signed_one)
{
    xuelian__recovery_signature__free_unpacked(signed_one->signatures[--signed_one->n_signatures],
                                               NULL);
}

static void recovery_few(Xuelian__Proof *proof)
{
    recovery_change(proof, to_few);
}

static void to_key_twice(Xuelian__SignedRecovery *signed_one)
{
    signed_one->signatures[1]->key = signed_one->signatures[0]->key;
    memcpy(signed_one->signatures[1]->signature.data, signed_one->signatures[0]->signature.data,
           64);
}

static void recovery_key_twice(Xuelian__Proof *proof)
{
    recovery_change(proof, to_key_twice);
}

static void to_other_key(Xuelian__SignedRecovery *signed_one)
{
    signed_one->signatures[1]->key = 9;
}

static void recovery_other_key(Xuelian__Proof *proof)
{
    recovery_change(proof, to_other_key);
}

static void to_bad_signature(Xuelian__SignedRecovery *signed_one)
{
    signed_one->signatures[1]->signature.data[10] ^= 1;
}

static void recovery_bad_signature(Xuelian__Proof *proof)
{
    recovery_change(proof, to_bad_signature);
}

static void to_other_reason(Xuelian__SignedRecovery *signed_one)
{
    signed_one->recovery.data[signed_one->recovery.len - 1] ^= 1;
}

static void recovery_other_reason(Xuelian__Proof *proof)
{
    recovery_change(proof, to_other_reason);
}

static void recovery_uncertified(Xuelian__Proof *proof)
{
    field_set(&proof->anchor->set_changes[0]->certificate, "", 0);
}

/* As if it were a change that the old set certified. */
static void recovery_as_change(Xuelian__Proof *proof)
{
    Xuelian__SetChange *change = proof->anchor->set_changes[0];
    Xuelian__SignedRecovery *signed_one =
        xuelian__signed_recovery__unpack(NULL, change->recovery.len, change->recovery.data);
    CHECK(signed_one != NULL);
    Xuelian__Recovery *recovery =
        xuelian__recovery__unpack(NULL, signed_one->recovery.len, signed_one->recovery.data);
    CHECK(recovery != NULL);
    field_set(&change->next_set, recovery->next_set.data, recovery->next_set.len);
    field_set(&change->recovery, "", 0);
    xuelian__recovery__free_unpacked(recovery, NULL);
    xuelian__signed_recovery__free_unpacked(signed_one, NULL);
}

static void recovery_with_set(Xuelian__Proof *proof)
{
    field_set(&proof->anchor->set_changes[0]->next_set, "set", 3);
}

static void recovery_left_out(Xuelian__Proof *proof)
{
    xuelian__set_change__free_unpacked(proof->anchor->set_changes[0], NULL);
    proof->anchor->n_set_changes = 0;
}

/* The second goes on from another block than the first one's own. */
static void recovery_other_block(Xuelian__Proof *proof)
{
    Xuelian__SetChange **changes = proof->anchor->set_changes;
    field_set(&changes[1]->header, changes[0]->header.data, changes[0]->header.len);
}

#define RECOVERED(changes, told)                                                   \
    {                                                                              \
        .validators = 4, .items = 2, .set_changes = (changes), .recovery_keys = 3, \
        .recoveries = 1, .lie = (told)                                             \
    }

const struct vector recovery_vectors[] = {
    {.name = "record-recovery",
     .why = "two of four validators were lost for good, and replaced by a recovery",
     .plan = RECOVERED(1, LIE_NONE),
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "record-recoveries",
     .why = "two recoveries: the second goes on from the block of the first",
     .plan = {.validators = 4, .items = 2, .recovery_keys = 3, .recoveries = 2},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "recovery-few",
     .why = "one signature where two of three recovery keys are asked for",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_few,
     .fault = VERIFY_FAULT_RECOVERY_SIGNATURES},
    {.name = "recovery-key-twice",
     .why = "one recovery key in two places",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_key_twice,
     .fault = VERIFY_FAULT_RECOVERY_SIGNATURES},
    {.name = "recovery-other-key",
     .why = "a recovery key that genesis does not have",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_other_key,
     .fault = VERIFY_FAULT_RECOVERY_SIGNATURES},
    {.name = "recovery-signature",
     .why = "one bit of a recovery key's signature",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_bad_signature,
     .fault = VERIFY_FAULT_RECOVERY_SIGNATURE},
    {.name = "recovery-reason",
     .why = "other words than were signed",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_other_reason,
     .fault = VERIFY_FAULT_RECOVERY_SIGNATURE},
    {.name = "recovery-uncertified",
     .why = "the header that it goes on from has no certificate",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_uncertified,
     .fault = VERIFY_FAULT_CERTIFICATE_MISSING},
    {.name = "recovery-as-change",
     .why = "the recovery's set given as one that the old set certified",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_as_change,
     .fault = VERIFY_FAULT_SET_CHANGE},
    {.name = "recovery-with-set",
     .why = "a set beside the recovery's own",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_with_set,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "recovery-left-out",
     .why = "the recovery is missing",
     .plan = RECOVERED(0, LIE_NONE),
     .shape = RECORD_1,
     .alter = recovery_left_out,
     .fault = VERIFY_FAULT_SET_UNKNOWN},
    {.name = "recovery-wrong-chain",
     .why = "signed for another network",
     .plan = RECOVERED(0, LIE_RECOVERY_CHAIN),
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_WRONG_CHAIN},
    {.name = "recovery-wrong-header",
     .why = "signed for another header",
     .plan = RECOVERED(0, LIE_RECOVERY_HEADER),
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_RECOVERY_BASE},
    {.name = "recovery-era",
     .why = "its era is one too high",
     .plan = RECOVERED(0, LIE_RECOVERY_ERA),
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_RECOVERY_SET},
    {.name = "recovery-set",
     .why = "a validator twice in its set",
     .plan = RECOVERED(0, LIE_RECOVERY_ORDER),
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_RECOVERY_SET},
    {.name = "recovery-no-keys",
     .why = "genesis names no recovery keys",
     .plan = {.validators = 4, .items = 2, .recoveries = 1},
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_RECOVERY_KEYS},
    {.name = "recovery-other-block",
     .why = "the second recovery shows the header of the first",
     .plan = {.validators = 4, .items = 2, .recovery_keys = 3, .recoveries = 2},
     .shape = RECORD_1,
     .alter = recovery_other_block,
     .fault = VERIFY_FAULT_CERTIFICATE_MISSING},
    {.name = NULL},
};
