/* Key files: round trip, and the sentence for each thing wrong. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/keyfile/keyfile.h"
#include "proto/bytes.h"

static const char path[] = "test.key";
static char error[512];

static int setup(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void test_round_trip(void **state)
{
    struct pubkey33 key;
    struct signer *signer = NULL;
    struct stat info;
    (void)state;
    assert_int_equal(keyfile_create(path, "secret", &key, error, sizeof error), ST_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(keyfile_read(path, "secret", &signer, error, sizeof error), ST_OK);
    assert_int_equal(pubkey33_compare(signer_key(signer), &key), 0);
    signer_free(signer);
    assert_int_equal(keyfile_create(path, "secret", &key, error, sizeof error), ST_CONFLICT);
    assert_string_equal(error,
                        "there is a file at test.key already; a key is never written over another");
}

static void test_sentences(void **state)
{
    struct pubkey33 key;
    struct signer *signer = NULL;
    (void)state;
    assert_int_equal(keyfile_read(path, "secret", &signer, error, sizeof error), ST_NOT_FOUND);
    assert_string_equal(error,
                        "there is no key file at test.key; check the path, or make one with: "
                        "xuelian key new test.key");
    assert_int_equal(keyfile_create(path, "", &key, error, sizeof error), ST_BAD_PASSPHRASE);
    assert_int_equal(keyfile_create(path, "secret", &key, error, sizeof error), ST_OK);
    assert_int_equal(keyfile_read(path, "wrong", &signer, error, sizeof error), ST_BAD_PASSPHRASE);
    assert_string_equal(error, "the passphrase does not open the key file test.key; try again");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(keyfile_read(path, "secret", &signer, error, sizeof error), ST_BAD_KEY);
    assert_string_equal(error, "the key file test.key can be read by others; close it with: chmod "
                               "600 test.key");
    assert_int_equal(chmod(path, 0600), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("hello\n", file);
    fclose(file);
    assert_int_equal(keyfile_read(path, "secret", &signer, error, sizeof error), ST_BAD_KEY);
    assert_string_equal(error, "test.key is not an encrypted secp256k1 key file (PKCS#8 PEM); give "
                               "the right file");
    assert_null(signer);
}

static void test_passphrase_file(void **state)
{
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    (void)state;
    assert_int_equal(keyfile_passphrase(path, passphrase, error, sizeof error), ST_NOT_FOUND);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("first line\nsecond\n", file);
    fclose(file);
    assert_int_equal(keyfile_passphrase(path, passphrase, error, sizeof error), ST_OK);
    assert_string_equal(passphrase, "first line");
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(keyfile_passphrase(path, passphrase, error, sizeof error), ST_BAD_PASSPHRASE);
    assert_string_equal(error, "the passphrase file test.key has no first line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, setup),
        cmocka_unit_test_setup_teardown(test_sentences, setup, setup),
        cmocka_unit_test_setup_teardown(test_passphrase_file, setup, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
