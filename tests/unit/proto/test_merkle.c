/* Merkle trees against the definition of RFC 9162, for every small size and place. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/merkle.h"

enum { SIZE_MAX_TESTED = 40 };

static struct hash32 leaves[SIZE_MAX_TESTED];

static int make_leaves(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < SIZE_MAX_TESTED; i++) {
        hash_plain(&leaves[i], &i, 1);
    }
    return 0;
}

/* MTH of section 2.1.1, word for word; the product has no recursion, a test may. */
static struct hash32 defined_root(const struct hash32 *d, size_t n)
{
    struct hash32 root;
    size_t k = 1;
    if (n == 0) {
        hash_plain(&root, "", 0);
        return root;
    }
    if (n == 1) {
        return d[0];
    }
    while (2 * k < n) {
        k *= 2;
    }
    struct hash32 left = defined_root(d, k);
    struct hash32 right = defined_root(d + k, n - k);
    hash_node(&root, &left, &right);
    return root;
}

static void test_roots(void **state)
{
    (void)state;
    for (size_t n = 0; n <= SIZE_MAX_TESTED; n++) {
        struct hash32 expected = defined_root(leaves, n);
        struct hash32 root;
        merkle_root(&root, leaves, n);
        assert_true(hash32_equal(&root, &expected));
    }
}

static void test_paths(void **state)
{
    (void)state;
    for (size_t n = 1; n <= SIZE_MAX_TESTED; n++) {
        struct hash32 root = defined_root(leaves, n);
        for (size_t i = 0; i < n; i++) {
            struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
            struct hash32 got = {{0}};
            uint32_t size = merkle_path(path, leaves, n, i);
            assert_int_equal(size, merkle_path_size(i, n));
            assert_int_equal(merkle_root_from_path(&got, &leaves[i], i, n, path, size), ST_OK);
            assert_true(hash32_equal(&got, &root));
            /* Lengths other than the exact one, and indexes outside, are refused. */
            assert_int_equal(merkle_root_from_path(&got, &leaves[i], i, n, path, size + 1),
                             ST_BAD_PROOF);
            if (size > 0) {
                assert_int_equal(merkle_root_from_path(&got, &leaves[i], i, n, path, size - 1),
                                 ST_BAD_PROOF);
            }
            assert_int_equal(merkle_root_from_path(&got, &leaves[i], n, n, path, size),
                             ST_BAD_PROOF);
            /* No leaf proves itself in another place. */
            for (size_t j = 0; j < n; j++) {
                if (j != i && merkle_path_size(j, n) == size) {
                    assert_int_equal(merkle_root_from_path(&got, &leaves[i], j, n, path, size),
                                     ST_OK);
                    assert_false(hash32_equal(&got, &root));
                }
            }
        }
    }
}

static void test_duplicated_last_leaf_differs(void **state)
{
    struct hash32 five[6];
    struct hash32 root;
    struct hash32 doubled;
    (void)state;
    memcpy(five, leaves, 5 * sizeof leaves[0]);
    five[5] = five[4];
    merkle_root(&root, five, 5);
    merkle_root(&doubled, five, 6);
    assert_false(hash32_equal(&root, &doubled));
}

static void test_consistency(void **state)
{
    (void)state;
    for (size_t n = 1; n <= SIZE_MAX_TESTED; n++) {
        struct hash32 new_root = defined_root(leaves, n);
        for (size_t m = 1; m <= n; m++) {
            struct hash32 proof[2 * LIMIT_MERKLE_DEPTH_MAX];
            struct hash32 old_root = defined_root(leaves, m);
            uint32_t size = merkle_consistency(proof, leaves, m, n);
            assert_int_equal(merkle_consistent(&old_root, m, &new_root, n, proof, size), ST_OK);
            assert_int_equal(merkle_consistent(&old_root, m, &new_root, n, proof, size + 1),
                             ST_BAD_PROOF);
            for (uint32_t i = 0; i < size; i++) {
                proof[i].bytes[3] ^= 1;
                assert_int_equal(merkle_consistent(&old_root, m, &new_root, n, proof, size),
                                 ST_BAD_PROOF);
                proof[i].bytes[3] ^= 1;
            }
            old_root.bytes[0] ^= 1;
            assert_int_equal(merkle_consistent(&old_root, m, &new_root, n, proof, size),
                             ST_BAD_PROOF);
        }
    }
    assert_int_equal(merkle_consistent(&leaves[0], 0, &leaves[0], 1, NULL, 0), ST_BAD_PROOF);
    assert_int_equal(merkle_consistent(&leaves[0], 2, &leaves[0], 1, NULL, 0), ST_BAD_PROOF);
}

static void test_path_size_of_large_trees(void **state)
{
    (void)state;
    assert_int_equal(merkle_path_size(0, 65000000), 26);
    assert_int_equal(merkle_path_size(0, UINT64_MAX), 64);
    assert_int_equal(merkle_path_size(UINT64_MAX - 1, UINT64_MAX), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_duplicated_last_leaf_differs),
        cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_path_size_of_large_trees),
    };
    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
