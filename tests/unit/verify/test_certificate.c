/* Who signed: the traps around certificates and validator sets (ledger.md section 6). */
#include "tests/unit/verify/check.h"

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/quorum.h"

static const struct build_plan four = {.validators = 4, .items = 2, .accounts = 3};
static const struct build_plan twenty = {.validators = 20, .items = 2};

/* Replaces the certificate of a record proof. */
static struct built with_certificate(struct world *world, struct built certificate)
{
    struct built proof = world_record(world, 1);
    Xuelian__Proof *opened = proof_open(proof);
    field_set(&opened->anchor->certificate, certificate.data, certificate.size);
    built_free(&proof);
    built_free(&certificate);
    return proof_close(opened);
}

static struct built with_signers(struct world *world, uint32_t count, size_t bitmap_size)
{
    uint32_t signers[LIMIT_VALIDATORS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        signers[i] = i;
    }
    return with_certificate(world,
                            world_certificate(world, VOTE_COMMIT, signers, count, bitmap_size));
}

/* Takes the certificate apart, lets `change` alter it, and puts it back. */
static struct built changed(struct world *world, void (*change)(Xuelian__Certificate *))
{
    struct built proof = world_record(world, 1);
    Xuelian__Proof *opened = proof_open(proof);
    ProtobufCBinaryData *field = &opened->anchor->certificate;
    Xuelian__Certificate *certificate = xuelian__certificate__unpack(NULL, field->len, field->data);
    assert_non_null(certificate);
    change(certificate);
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    size_t size = xuelian__certificate__pack(certificate, bytes);
    field_set(field, bytes, size);
    xuelian__certificate__free_unpacked(certificate, NULL);
    built_free(&proof);
    return proof_close(opened);
}

static void test_exactly_the_quorum(void **state)
{
    (void)state;
    struct world *world = world_new(&four);
    expect(world, with_signers(world, 3, 1), ST_OK, VERIFY_FAULT_NONE, "3 of 4 validators");
    expect(world, with_signers(world, 2, 1), ST_NO_QUORUM, VERIFY_FAULT_CERTIFICATE_QUORUM,
           "does not have exactly the quorum's number of signatures (at height 1000)");
    expect_fault(world, with_signers(world, 4, 1), VERIFY_FAULT_CERTIFICATE_QUORUM);
    world_free(world);
    world = world_new(&twenty);
    assert_int_equal(quorum_size(20), 14);
    expect(world, with_signers(world, 14, 3), ST_OK, VERIFY_FAULT_NONE, "14 of 20 validators");
    expect_fault(world, with_signers(world, 13, 3), VERIFY_FAULT_CERTIFICATE_QUORUM);
    world_free(world);
}

/* The proof cannot make the set smaller or larger than genesis does. */
static void test_bitmap_of_another_set(void **state)
{
    (void)state;
    struct world *world = world_new(&four);
    expect(world, with_signers(world, 3, 2), ST_BAD_CERTIFICATE, VERIFY_FAULT_CERTIFICATE_BITMAP,
           "list of signers does not fit the validator set");
    world_free(world);
    world = world_new(&twenty);
    expect_fault(world, with_signers(world, 3, 1), VERIFY_FAULT_CERTIFICATE_BITMAP);
    expect_fault(world, with_signers(world, 14, 4), VERIFY_FAULT_CERTIFICATE_BITMAP);
    world_free(world);
}

static void spare_bit(Xuelian__Certificate *certificate)
{
    certificate->signers.data[0] |= 0x10;
}

static void spare_bit_for_signer(Xuelian__Certificate *certificate)
{
    certificate->signers.data[0] = 0x80 | 0x06;
}

static void test_spare_bits(void **state)
{
    (void)state;
    struct world *world = world_new(&four);
    expect_fault(world, changed(world, spare_bit), VERIFY_FAULT_CERTIFICATE_BITMAP);
    expect_fault(world, changed(world, spare_bit_for_signer), VERIFY_FAULT_CERTIFICATE_BITMAP);
    world_free(world);
}

static void duplicate_signature(Xuelian__Certificate *certificate)
{
    memcpy(certificate->signatures.data + 64, certificate->signatures.data, 64);
}

static void one_bit_one_extra_signature(Xuelian__Certificate *certificate)
{
    certificate->signers.data[0] = 0x02;
}

/* The bitmap has one bit for a validator, so the same one cannot be listed twice; its signature in
 * another's place does not verify. */
static void test_duplicate_signer(void **state)
{
    (void)state;
    struct world *world = world_new(&four);
    expect(world, changed(world, duplicate_signature), ST_BAD_CERTIFICATE,
           VERIFY_FAULT_CERTIFICATE_SIGNATURE,
           "a validator's signature on the block does not verify");
    expect_fault(world, changed(world, one_bit_one_extra_signature),
                 VERIFY_FAULT_CERTIFICATE_QUORUM);
    world_free(world);
}

static void high_s(Xuelian__Certificate *certificate)
{
    /* n - s verifies just as well in plain ECDSA. */
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                      0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                      0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    uint8_t *s = certificate->signatures.data + 32;
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int digit = order[i] - s[i] - borrow;
        borrow = digit < 0;
        s[i] = (uint8_t)(digit + (borrow ? 256 : 0));
    }
}

static void test_high_s(void **state)
{
    (void)state;
    struct world *world = world_new(&four);
    expect_fault(world, changed(world, high_s), VERIFY_FAULT_CERTIFICATE_SIGNATURE);
    world_free(world);
}

static void call_it_commit(Xuelian__Certificate *certificate)
{
    certificate->phase = XUELIAN__PHASE__PHASE_PREPARE;
}

static void other_view(Xuelian__Certificate *certificate)
{
    certificate->view++;
}

static void other_height(Xuelian__Certificate *certificate)
{
    certificate->height++;
}

static void other_block(Xuelian__Certificate *certificate)
{
    certificate->header_hash.data[3] ^= 1;
}

static void test_prepare_is_no_commit(void **state)
{
    (void)state;
    const uint32_t signers[] = {0, 1, 2};
    struct world *world = world_new(&four);
    struct built prepare = world_certificate(world, VOTE_PREPARE, signers, 3, 1);
    expect(world, with_certificate(world, prepare), ST_BAD_CERTIFICATE,
           VERIFY_FAULT_CERTIFICATE_PHASE, "PREPARE votes, not of COMMIT votes");
    /* Relabelled as COMMIT its signatures do not fit, for each phase signs under its own tag. */
    prepare = world_certificate(world, VOTE_PREPARE, signers, 3, 1);
    assert_int_equal(prepare.data[1], 1);
    prepare.data[1] = 2;
    expect_fault(world, with_certificate(world, prepare), VERIFY_FAULT_CERTIFICATE_SIGNATURE);
    expect_fault(world, changed(world, call_it_commit), VERIFY_FAULT_CERTIFICATE_PHASE);
    expect_fault(world, changed(world, other_view), VERIFY_FAULT_CERTIFICATE_SIGNATURE);
    expect_fault(world, changed(world, other_height), VERIFY_FAULT_CERTIFICATE_BLOCK);
    expect_fault(world, changed(world, other_block), VERIFY_FAULT_CERTIFICATE_BLOCK);
    world_free(world);
}

static void test_no_certificate(void **state)
{
    (void)state;
    struct world *world = world_new(&four);
    struct built nothing = {.data = NULL};
    expect(world, with_certificate(world, nothing), ST_BAD_CERTIFICATE,
           VERIFY_FAULT_CERTIFICATE_MISSING, "no validator vouches for it (at height 1000)");
    world_free(world);
}

/* The same validators and learner, another genesis. */
static void test_another_chain(void **state)
{
    (void)state;
    static struct run run;
    struct build_plan plan = four;
    struct world *world = world_new(&plan);
    plan.validators = 5;
    struct world *other = world_new(&plan);
    struct built proof = world_record(world, 1);
    assert_int_equal(
        run_options(&run, world_genesis(other), built_bytes(proof), NULL, VERIFY_ENGLISH),
        ST_WRONG_CHAIN);
    assert_says(run.report, "PROOF REFUSED: the proof belongs to another network than this "
                            "genesis file");
    run_end(&run);
    /* Claiming to be of the other chain does not help: the header says which it is. */
    struct hash32 chain_id;
    verify_chain_id(&chain_id, world_genesis(other));
    Xuelian__Proof *opened = proof_open(proof);
    field_set(&opened->chain_id, &chain_id, 32);
    built_free(&proof);
    expect_fault(other, proof_close(opened), VERIFY_FAULT_WRONG_CHAIN);
    world_free(other);
    world_free(world);
}

/* ---- changes of the set ---- */

static const struct build_plan changing = {.validators = 4, .items = 2, .set_changes = 3};

static struct built without_change(struct world *world, size_t index)
{
    struct built proof = world_record(world, 1);
    Xuelian__Proof *opened = proof_open(proof);
    Xuelian__Anchor *anchor = opened->anchor;
    built_free(&proof);
    xuelian__set_change__free_unpacked(anchor->set_changes[index], NULL);
    anchor->n_set_changes--;
    for (size_t i = index; i < anchor->n_set_changes; i++) {
        anchor->set_changes[i] = anchor->set_changes[i + 1];
    }
    return proof_close(opened);
}

static void test_a_change_left_out(void **state)
{
    (void)state;
    struct world *world = world_new(&changing);
    expect(world, without_change(world, 0), ST_UNKNOWN_VALIDATOR, VERIFY_FAULT_SET_UNKNOWN,
           "certified by a validator set that neither the proof nor a history file derives");
    expect_fault(world, without_change(world, 1), VERIFY_FAULT_SET_UNKNOWN);
    expect_fault(world, without_change(world, 2), VERIFY_FAULT_SET_UNKNOWN);
    world_free(world);
}

static void test_changes_swapped_or_repeated(void **state)
{
    (void)state;
    struct world *world = world_new(&changing);
    struct built proof = world_record(world, 1);
    Xuelian__Proof *opened = proof_open(proof);
    Xuelian__SetChange **changes = opened->anchor->set_changes;
    Xuelian__SetChange *first = changes[0];
    changes[0] = changes[1];
    changes[1] = first;
    expect_fault(world, proof_close(opened), VERIFY_FAULT_SET_UNKNOWN);
    opened = proof_open(proof);
    changes = opened->anchor->set_changes;
    field_set(&changes[1]->header, changes[0]->header.data, changes[0]->header.len);
    field_set(&changes[1]->certificate, changes[0]->certificate.data, changes[0]->certificate.len);
    field_set(&changes[1]->next_set, changes[0]->next_set.data, changes[0]->next_set.len);
    expect_fault(world, proof_close(opened), VERIFY_FAULT_SET_UNKNOWN);
    built_free(&proof);
    world_free(world);
}

/* A set that the one before did not name in its header. */
static void test_a_set_not_certified_by_the_one_before(void **state)
{
    (void)state;
    struct world *world = world_new(&changing);
    struct built proof = world_record(world, 1);
    Xuelian__Proof *opened = proof_open(proof);
    Xuelian__SetChange **changes = opened->anchor->set_changes;
    field_set(&changes[1]->next_set, changes[2]->next_set.data, changes[2]->next_set.len);
    expect(world, proof_close(opened), ST_BAD_PROOF, VERIFY_FAULT_SET_CHANGE,
           "not the one that the set before it certified (at height 20)");
    /* Certified by the new set itself instead of the one before. */
    opened = proof_open(proof);
    changes = opened->anchor->set_changes;
    field_set(&changes[1]->certificate, changes[2]->certificate.data, changes[2]->certificate.len);
    expect_fault(world, proof_close(opened), VERIFY_FAULT_CERTIFICATE_BLOCK);
    opened = proof_open(proof);
    field_set(&opened->anchor->set_changes[0]->next_set, "", 0);
    expect_fault(world, proof_close(opened), VERIFY_FAULT_SET_CHANGE);
    built_free(&proof);
    world_free(world);
}

/* Retired validators: the genesis set certifies a header after it was replaced. */
static void test_retired_validators(void **state)
{
    (void)state;
    const uint32_t signers[] = {0, 1, 2};
    struct world *world = world_new(&changing);
    struct built certificate = world_certificate(world, VOTE_COMMIT, signers, 3, 1);
    expect_fault(world, with_certificate(world, certificate), VERIFY_FAULT_CERTIFICATE_SIGNATURE);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_the_quorum),
        cmocka_unit_test(test_bitmap_of_another_set),
        cmocka_unit_test(test_spare_bits),
        cmocka_unit_test(test_duplicate_signer),
        cmocka_unit_test(test_high_s),
        cmocka_unit_test(test_prepare_is_no_commit),
        cmocka_unit_test(test_no_certificate),
        cmocka_unit_test(test_another_chain),
        cmocka_unit_test(test_a_change_left_out),
        cmocka_unit_test(test_changes_swapped_or_repeated),
        cmocka_unit_test(test_a_set_not_certified_by_the_one_before),
        cmocka_unit_test(test_retired_validators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
