/* What was signed: the traps around paths, items, totals and the issuer's signature. */
#include "tests/unit/verify/check.h"

#include "proto/bytes.h"
#include "proto/ledger.pb-c.h"
#include "proto/merkle.h"

static const struct build_plan plain = {.validators = 4, .items = 5, .bulk = 8, .accounts = 6};

static Xuelian__Proof *open_and_free(struct built proof)
{
    Xuelian__Proof *opened = proof_open(proof);
    built_free(&proof);
    return opened;
}

static Xuelian__Proof *record(struct world *world)
{
    return open_and_free(world_record(world, 2));
}

static Xuelian__Proof *archive(struct world *world)
{
    return open_and_free(world_archive(world));
}

/* Makes a field one hash longer (a copy of its last) or shorter. */
static void grow(ProtobufCBinaryData *field)
{
    uint8_t longer[LIMIT_MERKLE_DEPTH_MAX * 32 + 32];
    assert_true(field->len >= 32 && field->len + 32 <= sizeof longer);
    memcpy(longer, field->data, field->len);
    memcpy(longer + field->len, field->data + field->len - 32, 32);
    field_set(field, longer, field->len + 32);
}

static void shrink(ProtobufCBinaryData *field, size_t by)
{
    field->len -= by;
}

static void test_paths_of_another_length(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    for (int field = 0; field < 4; field++) {
        for (int way = 0; way < 3; way++) {
            Xuelian__Proof *proof = record(world);
            ProtobufCBinaryData *path[] = {&proof->record->item_path, &proof->record->leaf->path,
                                           &proof->record->leaf->collection_path,
                                           &proof->record->item->issuer->path};
            if (way == 0) {
                grow(path[field]);
            } else {
                shrink(path[field], way == 1 ? 32 : 1);
            }
            expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_PATH_SHAPE,
                   "a path has more or fewer hashes than a tree of that size");
        }
    }
    world_free(world);
}

/* A tree of another size has another root: the size is hashed beside it, or in the account's value. */
static void test_sizes_are_bound(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = record(world);
    proof->record->leaf->count--; /* 8 to 7: the path of position 1 keeps its length */
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_STATE_ROOT,
           "the path does not lead to the certified state root");
    proof = record(world);
    proof->record->leaf->count = UINT64_MAX;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PATH_SHAPE);
    proof = record(world);
    proof->record->leaf->count = 0;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PATH_SHAPE);
    proof = record(world);
    proof->record->leaf->position = 9;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PATH_SHAPE);
    proof = record(world);
    proof->record->leaf->position = 3;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_STATE_ROOT);
    proof = record(world);
    proof->record->item->issuer->item_count = 7;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ISSUER_PAYLOAD);
    proof = record(world);
    proof->record->item->issuer->item_count = 1001;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ISSUER_PAYLOAD);
    world_free(world);
}

/* A node shown as a leaf, half the tree up: leaves and nodes are hashed differently. */
static void test_a_node_is_no_leaf(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = record(world);
    Xuelian__LeafPath *leaf = proof->record->leaf;
    leaf->count /= 2;
    leaf->position /= 2;
    field_set(&leaf->path, leaf->path.data + 32, leaf->path.len - 32);
    expect_fault(world, proof_close(proof), VERIFY_FAULT_STATE_ROOT);
    world_free(world);
}

static void test_another_collection(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = record(world);
    proof->record->leaf->collection = 4;
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_COLLECTION,
           "the leaf is of another collection");
    proof = record(world);
    proof->record->leaf->collection = 0;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_COLLECTION);
    proof = record(world);
    proof->record->leaf->collection = 12;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PROOF_ENCODING);
    world_free(world);
}

static void test_altered_values(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = record(world);
    proof->record->learner.data[0] ^= 1;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_STATE_ROOT);
    proof = record(world);
    proof->record->account_value.data[5] ^= 1;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_STATE_ROOT);
    proof = record(world);
    /* The last byte of the content: of the reference or the expiry date. */
    proof->record->item->version.data[proof->record->item->version.len - 1] ^= 1;
    xuelian__issuer_signature__free_unpacked(proof->record->item->issuer, NULL);
    proof->record->item->issuer = NULL;
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_ITEM_ROOT,
           "the item tree's root differs from the one in the account: an item was altered, added "
           "or left out");
    world_free(world);
}

/* ---- archives ---- */

static Xuelian__Proof *archive_without(struct world *world, size_t index)
{
    Xuelian__Proof *proof = archive(world);
    Xuelian__ArchiveProof *body = proof->archive;
    xuelian__archive_item__free_unpacked(body->items[index], NULL);
    body->n_items--;
    for (size_t i = index; i < body->n_items; i++) {
        body->items[i] = body->items[i + 1];
    }
    return proof;
}

static void test_items_left_out_or_added(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    expect(world, proof_close(archive_without(world, 4)), ST_BAD_PROOF, VERIFY_FAULT_ITEM_COUNT,
           "the number of items differs from the one in the account");
    expect(world, proof_close(archive_without(world, 1)), ST_BAD_PROOF, VERIFY_FAULT_ITEM_PLACE,
           "names another account, number or height than its own (record 2)");
    /* The last leaf twice: in other trees that is the same root. */
    Xuelian__Proof *proof = archive(world);
    Xuelian__ArchiveProof *body = proof->archive;
    Xuelian__ArchiveItem **more = malloc(6 * sizeof(Xuelian__ArchiveItem *));
    assert_non_null(more);
    for (size_t i = 0; i < 5; i++) {
        more[i] = body->items[i];
    }
    free(body->items);
    body->items = more;
    body->n_items = 6;
    more[5] = calloc(1, sizeof *more[5]);
    assert_non_null(more[5]);
    xuelian__archive_item__init(more[5]);
    struct hash32 hash;
    hash_tagged(&hash, TAG_VERSION, more[4]->item->version.data, more[4]->item->version.len);
    field_set(&more[5]->version_hash, &hash, 32);
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ITEM_COUNT);
    world_free(world);
}

static void test_items_withheld_or_swapped(void **state)
{
    (void)state;
    struct build_plan plan = plain;
    plan.withheld = 0x3;
    struct world *world = world_new(&plan);
    Xuelian__Proof *proof = archive(world);
    Xuelian__ArchiveItem *first = proof->archive->items[0];
    proof->archive->items[0] = proof->archive->items[1];
    proof->archive->items[1] = first;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ITEM_ROOT);
    /* Neither shown nor withheld, and both. */
    proof = archive(world);
    field_set(&proof->archive->items[0]->version_hash, "", 0);
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PROOF_ENCODING);
    proof = archive(world);
    struct hash32 hash = {{1}};
    field_set(&proof->archive->items[4]->version_hash, &hash, 32);
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PROOF_ENCODING);
    world_free(world);
}

static void archive_lie(enum build_lie lie, enum verify_fault fault)
{
    struct build_plan plan = plain;
    plan.lie = lie;
    struct world *world = world_new(&plan);
    expect_fault(world, world_archive(world), fault);
    world_free(world);
}

/* Even what the validators certified is recomputed. */
static void test_lies_that_were_certified(void **state)
{
    (void)state;
    archive_lie(LIE_TOTALS, VERIFY_FAULT_TOTALS);
    archive_lie(LIE_POINTS, VERIFY_FAULT_TOTALS);
    archive_lie(LIE_OTHER_ACCOUNT, VERIFY_FAULT_ITEM_PLACE);
    archive_lie(LIE_NUMBER, VERIFY_FAULT_ITEM_PLACE);
    archive_lie(LIE_FUTURE, VERIFY_FAULT_ITEM_PLACE);
    archive_lie(LIE_HISTORY, VERIFY_FAULT_ITEM_HISTORY);
    archive_lie(LIE_KEY, VERIFY_FAULT_ISSUER_KEY);
    archive_lie(LIE_EXPIRED_TX, VERIFY_FAULT_ISSUER_TRANSACTION);
}

static void test_another_summary(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = archive(world);
    proof->archive->summary.data[proof->archive->summary.len - 1] ^= 1;
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_SUMMARY,
           "the summary shown is not the one committed to by the account");
    world_free(world);
}

/* ---- history and issuer ---- */

static void test_history(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 3, .earlier = 3};
    struct world *world = world_new(&plan);
    Xuelian__Proof *proof = open_and_free(world_record(world, 1));
    Xuelian__ItemProof *item = proof->record->item;
    ProtobufCBinaryData kept = item->earlier[0];
    item->earlier[0] = item->earlier[1];
    item->earlier[1] = kept;
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_ITEM_HISTORY,
           "the earlier versions of the item do not lead to its current one (record 1)");
    /* More versions than there were. */
    proof = open_and_free(world_record(world, 1));
    item = proof->record->item;
    ProtobufCBinaryData *more = calloc(4, sizeof *more);
    assert_non_null(more);
    memcpy(more, item->earlier, 3 * sizeof *more);
    field_set(&more[3], more[2].data, more[2].len);
    free(item->earlier);
    item->earlier = more;
    item->n_earlier = 4;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ITEM_HISTORY);
    world_free(world);
}

static void test_issuer(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = record(world);
    proof->record->item->issuer->signatures[0].data[40] ^= 1;
    expect(world, proof_close(proof), ST_BAD_SIGNATURE, VERIFY_FAULT_ISSUER_SIGNATURE,
           "the issuer's signature does not verify (record 2)");
    proof = record(world);
    shrink(&proof->record->item->issuer->signatures[0], 1);
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ISSUER_SIGNATURE);
    proof = record(world);
    free(proof->record->item->issuer->signatures[0].data);
    proof->record->item->issuer->n_signatures = 0;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_ISSUER_SIGNATURE);
    /* Another deposit's signature. */
    Xuelian__Proof *other = open_and_free(world_record(world, 4));
    proof = record(world);
    Xuelian__IssuerSignature *mine = proof->record->item->issuer;
    Xuelian__IssuerSignature *theirs = other->record->item->issuer;
    field_set(&mine->common, theirs->common.data, theirs->common.len);
    field_set(&mine->signatures[0], theirs->signatures[0].data, 64);
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_ISSUER_TRANSACTION,
           "another transaction than the one that made the item (record 2)");
    xuelian__proof__free_unpacked(other, NULL);
    proof = record(world);
    proof->record->item->issuer->path.data[0] ^= 1;
    expect(world, proof_close(proof), ST_BAD_COMMITMENT, VERIFY_FAULT_ISSUER_PAYLOAD,
           "what the issuer signed does not contain this item");
    world_free(world);
}

/* ---- absence ---- */

static void test_absence_of_what_is_there(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    Xuelian__Proof *proof = open_and_free(world_absence(world, 7));
    field_set(&proof->absence->natural_key, world_learner(world), 32);
    expect(world, proof_close(proof), ST_BAD_PROOF, VERIFY_FAULT_ABSENCE_RANGE,
           "the neighbour shown does not enclose the key: the entry may well exist");
    proof = open_and_free(world_absence(world, 7));
    proof->absence->collection = 9; /* proposals have keys of 32 bytes too */
    expect_fault(world, proof_close(proof), VERIFY_FAULT_COLLECTION);
    proof = open_and_free(world_absence(world, 4));
    field_set(&proof->absence->natural_key, "\0\0\0\0\7", 5);
    expect_fault(world, proof_close(proof), VERIFY_FAULT_PROOF_ENCODING);
    proof = open_and_free(world_absence(world, 7));
    proof->absence->leaf->next_key.data[0] ^= 0x80;
    expect_fault(world, proof_close(proof), VERIFY_FAULT_STATE_ROOT);
    world_free(world);
}

/* ---- form ---- */

static void test_form(void **state)
{
    (void)state;
    struct world *world = world_new(&plain);
    /* An unknown field after the last. */
    struct built proof = world_record(world, 1);
    proof.data = realloc(proof.data, proof.size + 2);
    assert_non_null(proof.data);
    proof.data[proof.size++] = 0x78;
    proof.data[proof.size++] = 0x01;
    expect(world, proof, ST_BAD_ENCODING, VERIFY_FAULT_PROOF_ENCODING,
           "not a canonical proof: the file was altered or is not a proof (at byte ");
    Xuelian__Proof *opened = record(world);
    opened->version = 2;
    expect(world, proof_close(opened), ST_UNKNOWN_KIND, VERIFY_FAULT_PROOF_VERSION,
           "of a protocol version that this verifier does not know");
    for (uint32_t kind = VERIFY_EQUIVOCATION + 1; kind < 12; kind++) {
        opened = record(world);
        opened->kind = (Xuelian__ProofKind)kind;
        expect(world, proof_close(opened), ST_UNKNOWN_KIND, VERIFY_FAULT_PROOF_KIND,
               "this verifier does not know that kind of proof");
    }
    opened = record(world);
    opened->kind = XUELIAN__PROOF_KIND__PROOF_KIND_ARCHIVE;
    expect_fault(world, proof_close(opened), VERIFY_FAULT_PROOF_ENCODING);
    opened = record(world);
    xuelian__record_proof__free_unpacked(opened->record, NULL);
    opened->record = NULL;
    expect(world, proof_close(opened), ST_TRUNCATED, VERIFY_FAULT_PROOF_PARTS,
           "does not have the parts of its kind");
    world_free(world);
}

/* A file that is something else, or far too large, or claims to be. */
static void test_other_files(void **state)
{
    (void)state;
    static struct verify_result result;
    static uint8_t scratch[1 << 16];
    static const char json[] = "{\"proof\": true}";
    /* version 1, kind 1, chain id of 32 bytes, then an anchor of 2^64 - 1 bytes. */
    uint8_t bomb[] = {0x08, 1,    0x10, 1,    0x1a, 32,   0,    0,    0,    0,   0, 0, 0,
                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,   0, 0, 0,
                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,   0, 0, 0x22,
                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    struct world *world = world_new(&plain);
    struct bytes genesis = world_genesis(world);
    struct hash32 chain_id;
    verify_chain_id(&chain_id, genesis);
    memcpy(bomb + 6, &chain_id, 32);
    assert_int_equal(verify_proof(&result, genesis, (struct bytes){bomb, sizeof bomb}, NULL,
                                  scratch, sizeof scratch),
                     ST_TRUNCATED);
    assert_int_equal(
        verify_proof(&result, genesis, bytes_of(json, strlen(json)), NULL, scratch, sizeof scratch),
        ST_BAD_ENCODING);
    assert_int_equal(
        verify_proof(&result, bytes_of(json, strlen(json)), genesis, NULL, scratch, sizeof scratch),
        ST_BAD_ENCODING);
    assert_int_equal(result.fault, VERIFY_FAULT_GENESIS_ENCODING);
    assert_int_equal(
        verify_proof(&result, (struct bytes){.size = 0}, genesis, NULL, scratch, sizeof scratch),
        ST_BAD_SIZE);
    assert_int_equal(result.fault, VERIFY_FAULT_GENESIS_SIZE);
    size_t large = LIMIT_PROOF_SIZE_MAX + 1;
    uint8_t *zeros = calloc(1, large);
    assert_non_null(zeros);
    assert_int_equal(
        verify_proof(&result, genesis, (struct bytes){zeros, large}, NULL, scratch, sizeof scratch),
        ST_BAD_SIZE);
    assert_int_equal(result.fault, VERIFY_FAULT_PROOF_SIZE);
    assert_int_equal(
        verify_proof(&result, (struct bytes){zeros, large}, genesis, NULL, scratch, sizeof scratch),
        ST_BAD_SIZE);
    free(zeros);
    world_free(world);
}

/* ---- genesis ---- */

/* What the verifier says of a genesis file that `change` altered. */
static void expect_genesis(void (*change)(Xuelian__Genesis *), enum verify_fault fault)
{
    static struct run run;
    struct world *world = world_new(&plain);
    struct built proof = world_record(world, 1);
    struct bytes bytes = world_genesis(world);
    Xuelian__Genesis *genesis = xuelian__genesis__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(genesis);
    change(genesis);
    size_t size = xuelian__genesis__get_packed_size(genesis);
    uint8_t *packed = malloc(size + 1);
    assert_non_null(packed);
    xuelian__genesis__pack(genesis, packed);
    xuelian__genesis__free_unpacked(genesis, NULL);
    run_options(&run, bytes_of(packed, size), built_bytes(proof), NULL, VERIFY_CHINESE);
    assert_string_equal(verify_fault_name(run.result.fault), verify_fault_name(fault));
    assert_says(run.report, "证明被拒绝：");
    assert_says(run.report, verify_fault_text(fault, VERIFY_CHINESE));
    assert_says(run.report, "。\n其中任何内容都未得到证明。\n");
    run_end(&run);
    free(packed);
    built_free(&proof);
    world_free(world);
}

static void no_validator(Xuelian__Genesis *genesis)
{
    for (size_t i = 0; i < genesis->n_members; i++) {
        for (size_t k = 0; k < genesis->members[i]->n_nodes; k++) {
            genesis->members[i]->nodes[k]->role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
        }
    }
}

static void same_validator(Xuelian__Genesis *genesis)
{
    field_set(&genesis->members[1]->nodes[0]->key, genesis->members[0]->nodes[0]->key.data, 33);
}

static void later_validator(Xuelian__Genesis *genesis)
{
    genesis->members[2]->nodes[0]->from_height = 9;
}

static void no_point(Xuelian__Genesis *genesis)
{
    memset(genesis->members[2]->nodes[0]->key.data + 1, 0xff, 32);
}

static void same_member(Xuelian__Genesis *genesis)
{
    genesis->members[1]->id = genesis->members[0]->id;
}

static void bad_name(Xuelian__Genesis *genesis)
{
    genesis->members[1]->name_en[0] = (char)0xff;
}

static void other_name(Xuelian__Genesis *genesis)
{
    genesis->members[1]->name_en[0] = 'X';
}

static void newer_genesis(Xuelian__Genesis *genesis)
{
    genesis->version = 2;
}

static void test_genesis(void **state)
{
    (void)state;
    expect_genesis(no_validator, VERIFY_FAULT_GENESIS_VALIDATORS);
    expect_genesis(same_validator, VERIFY_FAULT_GENESIS_VALIDATORS);
    expect_genesis(later_validator, VERIFY_FAULT_GENESIS_VALIDATORS);
    expect_genesis(no_point, VERIFY_FAULT_GENESIS_VALIDATORS);
    expect_genesis(same_member, VERIFY_FAULT_GENESIS_ENCODING);
    expect_genesis(bad_name, VERIFY_FAULT_GENESIS_ENCODING);
    expect_genesis(newer_genesis, VERIFY_FAULT_GENESIS_ENCODING);
    expect_genesis(other_name, VERIFY_FAULT_WRONG_CHAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_of_another_length),
        cmocka_unit_test(test_sizes_are_bound),
        cmocka_unit_test(test_a_node_is_no_leaf),
        cmocka_unit_test(test_another_collection),
        cmocka_unit_test(test_altered_values),
        cmocka_unit_test(test_items_left_out_or_added),
        cmocka_unit_test(test_items_withheld_or_swapped),
        cmocka_unit_test(test_lies_that_were_certified),
        cmocka_unit_test(test_another_summary),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_absence_of_what_is_there),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_genesis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
