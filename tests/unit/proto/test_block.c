/* Headers, sets, certificates, frames: round trips and the traps of ledger.md section 6. */
#include "tests/unit/cmocka_all.h"

#include "proto/block.h"
#include "proto/bytes.h"
#include "proto/frame.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"

enum { N = 10 };

static struct signer *signers[N];
static struct validator_set set;
static const struct hash32 chain_id = {{1, 2, 3}};
static const struct hash32 block_hash = {{9, 9, 9}};

static void sort_set(void)
{
    for (uint32_t i = 0; i < set.count; i++) {
        for (uint32_t j = i + 1; j < set.count; j++) {
            if (pubkey33_compare(&set.validators[j].key, &set.validators[i].key) < 0) {
                struct validator kept = set.validators[i];
                struct signer *kept_signer = signers[i];
                set.validators[i] = set.validators[j];
                set.validators[j] = kept;
                signers[i] = signers[j];
                signers[j] = kept_signer;
            }
        }
    }
}

static int make_set(void **state)
{
    (void)state;
    set.era = 5;
    set.count = N;
    for (uint8_t i = 0; i < N; i++) {
        uint8_t secret[32] = {0};
        secret[31] = (uint8_t)(i + 1);
        if (signer_new(&signers[i], secret) != ST_OK) {
            return -1;
        }
        set.validators[i].key = *signer_key(signers[i]);
        set.validators[i].member = i + 1u;
    }
    sort_set();
    return 0;
}

static int free_set(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        signer_free(signers[i]);
    }
    return 0;
}

static struct certificate make_certificate(enum vote_phase phase)
{
    struct certificate certificate = {.phase = phase, .view = 3, .height = 77};
    struct hash32 hash;
    certificate.header_hash = block_hash;
    certificate.count = quorum_size(N);
    vote_hash(&hash, phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE, &chain_id, set.era,
              3, 77, &block_hash);
    for (uint8_t i = 0; i < certificate.count; i++) {
        certificate.signers[i] = (uint8_t)(i + 2);
        signer_sign(signers[i + 2], &hash, &certificate.signatures[i]);
    }
    return certificate;
}

static void test_header(void **state)
{
    struct header header = {.version = 1, .suite = 1, .height = 12, .time_ms = 99, .tx_count = 3};
    struct header again;
    uint8_t bytes[LIMIT_HEADER_SIZE_MAX];
    (void)state;
    memset(&header.state_root, 7, 32);
    size_t size = header_encode(bytes, &header);
    assert_true(size < 350);
    assert_int_equal(header_decode(&again, bytes_of(bytes, size)), ST_OK);
    assert_memory_equal(&header, &again, sizeof header);
    struct hash32 a;
    struct hash32 b;
    header_hash(&a, &header);
    hash_tagged(&b, TAG_HEADER, bytes, size);
    assert_true(hash32_equal(&a, &b));
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_not_equal(header_decode(&again, bytes_of(bytes, cut)), ST_OK);
    }
    bytes[size] = 0;
    assert_int_not_equal(header_decode(&again, bytes_of(bytes, size + 1)), ST_OK);
    header.version = 2;
    size = header_encode(bytes, &header);
    assert_int_equal(header_decode(&again, bytes_of(bytes, size)), ST_BAD_ENCODING);
}

static void test_validator_set(void **state)
{
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    struct validator_set again;
    size_t size = validator_set_encode(bytes, &set);
    (void)state;
    assert_int_equal(validator_set_decode(&again, bytes_of(bytes, size)), ST_OK);
    assert_int_equal(again.count, N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(validator_set_find(&again, &set.validators[i].key), i);
    }
    struct validator_set wrong = set;
    wrong.validators[3] = wrong.validators[2];
    size = validator_set_encode(bytes, &wrong);
    assert_int_equal(validator_set_decode(&again, bytes_of(bytes, size)), ST_BAD_ENCODING);
    wrong = set;
    wrong.validators[0] = set.validators[1];
    wrong.validators[1] = set.validators[0];
    size = validator_set_encode(bytes, &wrong);
    assert_int_equal(validator_set_decode(&again, bytes_of(bytes, size)), ST_BAD_ENCODING);
    wrong = set;
    wrong.validators[4].key.bytes[0] = 7;
    size = validator_set_encode(bytes, &wrong);
    assert_int_equal(validator_set_decode(&again, bytes_of(bytes, size)), ST_BAD_ENCODING);
    assert_int_equal(validator_set_decode(&again, bytes_of(bytes, 0)), ST_BAD_ENCODING);
}

static void test_certificate(void **state)
{
    struct certificate certificate = make_certificate(VOTE_COMMIT);
    struct certificate again;
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    size_t size = certificate_encode(bytes, &certificate, N);
    struct hash32 other_chain = {{4}};
    (void)state;
    assert_int_equal(certificate_decode(&again, bytes_of(bytes, size), N), ST_OK);
    assert_int_equal(certificate_verify(&again, &chain_id, &set), ST_OK);
    assert_int_equal(certificate_verify(&again, &other_chain, &set), ST_BAD_CERTIFICATE);
    struct validator_set other_era = set;
    other_era.era++;
    assert_int_equal(certificate_verify(&again, &chain_id, &other_era), ST_BAD_CERTIFICATE);
    struct certificate changed = again;
    changed.view++;
    assert_int_equal(certificate_verify(&changed, &chain_id, &set), ST_BAD_CERTIFICATE);
    changed = again;
    changed.height++;
    assert_int_equal(certificate_verify(&changed, &chain_id, &set), ST_BAD_CERTIFICATE);
    changed = again;
    changed.header_hash.bytes[5] ^= 1;
    assert_int_equal(certificate_verify(&changed, &chain_id, &set), ST_BAD_CERTIFICATE);
    changed = make_certificate(VOTE_PREPARE);
    assert_int_equal(certificate_verify(&changed, &chain_id, &set), ST_OK);
    changed.phase = VOTE_COMMIT;
    assert_int_equal(certificate_verify(&changed, &chain_id, &set), ST_BAD_CERTIFICATE);
    changed = again;
    changed.signers[0] = 1; /* another validator's name on a valid signature */
    assert_int_equal(certificate_verify(&changed, &chain_id, &set), ST_BAD_CERTIFICATE);
}

/* Where the bitmap is in the encoding: after the 34 bytes of the header hash field. */
static size_t bitmap_at(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 3 < size; i++) {
        if (bytes[i] == 0x2a && bytes[i + 1] == 2) {
            return i + 2;
        }
    }
    fail();
    return 0;
}

static void test_certificate_forms(void **state)
{
    struct certificate certificate = make_certificate(VOTE_COMMIT);
    struct certificate again;
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    size_t size = certificate_encode(bytes, &certificate, N);
    size_t at = bitmap_at(bytes, size);
    (void)state;
    bytes[at + 1] ^= 0x80; /* a spare bit */
    assert_int_equal(certificate_decode(&again, bytes_of(bytes, size), N), ST_BAD_ENCODING);
    bytes[at + 1] ^= 0x80;
    bytes[at] ^= 0x01; /* one more signer than the quorum */
    assert_int_equal(certificate_decode(&again, bytes_of(bytes, size), N), ST_NO_QUORUM);
    bytes[at] ^= 0x01;
    bytes[at] ^= 0x04; /* one fewer */
    assert_int_equal(certificate_decode(&again, bytes_of(bytes, size), N), ST_NO_QUORUM);
    bytes[at] ^= 0x04;
    bytes[at] ^= 0x05; /* as many, but another */
    assert_int_equal(certificate_decode(&again, bytes_of(bytes, size), N), ST_OK);
    assert_int_equal(certificate_verify(&again, &chain_id, &set), ST_BAD_CERTIFICATE);
    bytes[at] ^= 0x05;
    assert_int_not_equal(certificate_decode(&again, bytes_of(bytes, size), 20), ST_OK);
    assert_int_not_equal(certificate_decode(&again, bytes_of(bytes, size - 1), N), ST_OK);
    assert_int_equal(certificate_decode(&again, bytes_of(bytes, size), N), ST_OK);
}

static void test_votes_of_other_kinds_differ(void **state)
{
    struct hash32 a;
    struct hash32 b;
    (void)state;
    vote_hash(&a, TAG_SIGN_PREPARE, &chain_id, 1, 2, 3, &block_hash);
    vote_hash(&b, TAG_SIGN_COMMIT, &chain_id, 1, 2, 3, &block_hash);
    assert_false(hash32_equal(&a, &b));
    view_change_hash(&a, &chain_id, 1, 2, 3, &block_hash, NULL);
    view_change_hash(&b, &chain_id, 1, 2, 3, &block_hash, &block_hash);
    assert_false(hash32_equal(&a, &b));
    new_view_hash(&a, &chain_id, 1, 2, &block_hash);
    new_view_hash(&b, &chain_id, 2, 1, &block_hash);
    assert_false(hash32_equal(&a, &b));
}

/* Each field is covered, and what is carried beside the hash is read back; what no node makes is refused. */
static void test_following(void **state)
{
    struct following made = {.era = 5, .height = 7, .header_hash = block_hash, .incarnation = 2};
    struct following got;
    struct hash32 hash;
    struct hash32 other;
    uint8_t bytes[FOLLOWING_SIZE_MAX];
    (void)state;
    made.key = set.validators[0].key;
    memset(made.signature.bytes, 9, sizeof made.signature.bytes);
    following_hash(&hash, &chain_id, &made);
    struct following changed[] = {made, made, made, made};
    changed[0].era++;
    changed[1].height++;
    changed[2].header_hash.bytes[0] ^= 1;
    changed[3].incarnation++;
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        following_hash(&other, &chain_id, &changed[i]);
        assert_false(hash32_equal(&hash, &other));
    }
    size_t size = following_encode(bytes, &made);
    assert_int_equal(following_decode(&got, bytes_of(bytes, size)), ST_OK);
    assert_memory_equal(&got.key, &made.key, sizeof made.key);
    assert_memory_equal(&got.signature, &made.signature, sizeof made.signature);
    following_hash(&other, &chain_id, &got);
    assert_true(hash32_equal(&hash, &other));
    assert_int_not_equal(following_decode(&got, bytes_of(bytes, size - 1)), ST_OK);
    made.era = 9; /* above the height after the block */
    size = following_encode(bytes, &made);
    assert_int_equal(following_decode(&got, bytes_of(bytes, size)), ST_BAD_ENCODING);
    made.era = 0;
    size = following_encode(bytes, &made);
    assert_int_equal(following_decode(&got, bytes_of(bytes, size)), ST_BAD_ENCODING);
}

static void test_frames(void **state)
{
    uint8_t header[FRAME_HEADER_SIZE];
    uint8_t type = 0;
    uint32_t size = 0;
    (void)state;
    for (unsigned t = 1; t <= XUELIAN__PEER_TYPE__PEER_TYPE_EVIDENCE; t++) {
        uint32_t most = frame_body_size_max((uint8_t)t);
        assert_true(most > 0);
        frame_header_put(header, (uint8_t)t, most);
        assert_int_equal(frame_header_get(header, &type, &size), ST_OK);
        assert_int_equal(type, t);
        assert_int_equal(size, most);
        frame_header_put(header, (uint8_t)t, most + 1);
        assert_int_equal(frame_header_get(header, &type, &size), ST_BAD_SIZE);
    }
    frame_header_put(header, 0, 1);
    assert_int_equal(frame_header_get(header, &type, &size), ST_BAD_ENCODING);
    frame_header_put(header, XUELIAN__PEER_TYPE__PEER_TYPE_EVIDENCE + 1, 1);
    assert_int_equal(frame_header_get(header, &type, &size), ST_BAD_ENCODING);
    memset(header, 0, 4);
    header[4] = 1;
    assert_int_equal(frame_header_get(header, &type, &size), ST_BAD_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_validator_set),
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_certificate_forms),
        cmocka_unit_test(test_votes_of_other_kinds_differ),
        cmocka_unit_test(test_following),
        cmocka_unit_test(test_frames),
    };
    return cmocka_run_group_tests(tests, make_set, free_set);
}
