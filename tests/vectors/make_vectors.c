/* Writes the golden vectors of proofs: make_vectors FOLDER.
 *
 * Everything is deterministic (small secrets, RFC 6979), so running it again gives the same bytes. Each vector
 * is checked against the verifier here before it is written; verify.py checks it independently. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/block.pb-c.h"
#include "proto/check.h"
#include "tests/vectors/vectors.h"

/* ---- alterations ---- */

static Xuelian__LeafPath *leaf_of(Xuelian__Proof *proof)
{
    return proof->record != NULL ? proof->record->leaf : proof->archive->leaf;
}

/* Gives the certificate to `change` and puts it back. */
static void certificate_change(Xuelian__Proof *proof, void (*change)(Xuelian__Certificate *))
{
    uint8_t bytes[8192];
    ProtobufCBinaryData *field = &proof->anchor->certificate;
    Xuelian__Certificate *certificate = xuelian__certificate__unpack(NULL, field->len, field->data);
    CHECK(certificate != NULL);
    change(certificate);
    CHECK(xuelian__certificate__get_packed_size(certificate) <= sizeof bytes);
    size_t size = xuelian__certificate__pack(certificate, bytes);
    field_set(field, bytes, size);
    xuelian__certificate__free_unpacked(certificate, NULL);
}

static void to_prepare(Xuelian__Certificate *certificate)
{
    certificate->phase = XUELIAN__PHASE__PHASE_PREPARE;
}

static void prepare_phase(Xuelian__Proof *proof)
{
    certificate_change(proof, to_prepare);
}

static void to_spare(Xuelian__Certificate *certificate)
{
    certificate->signers.data[0] |= 0x40;
}

static void spare_bit(Xuelian__Proof *proof)
{
    certificate_change(proof, to_spare);
}

static void to_one_less(Xuelian__Certificate *certificate)
{
    certificate->signers.data[0] &= (uint8_t)(certificate->signers.data[0] - 1);
    certificate->signatures.len -= 64;
    memmove(certificate->signatures.data, certificate->signatures.data + 64,
            certificate->signatures.len);
}

static void below_quorum(Xuelian__Proof *proof)
{
    certificate_change(proof, to_one_less);
}

static void to_twice(Xuelian__Certificate *certificate)
{
    memcpy(certificate->signatures.data + 64, certificate->signatures.data, 64);
}

static void signature_twice(Xuelian__Proof *proof)
{
    certificate_change(proof, to_twice);
}

static void to_high_s(Xuelian__Certificate *certificate)
{
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

static void high_s(Xuelian__Proof *proof)
{
    certificate_change(proof, to_high_s);
}

static void to_next_view(Xuelian__Certificate *certificate)
{
    certificate->view++;
}

static void other_view(Xuelian__Proof *proof)
{
    certificate_change(proof, to_next_view);
}

static void to_small_set(Xuelian__Certificate *certificate)
{
    /* As if the set had one validator: a bitmap of one byte, one signature. */
    certificate->signers.data[0] = 1;
    certificate->signers.len = 1;
    certificate->signatures.len = 64;
}

static void count_from_proof(Xuelian__Proof *proof)
{
    certificate_change(proof, to_small_set);
}

static void no_certificate(Xuelian__Proof *proof)
{
    field_set(&proof->anchor->certificate, "", 0);
}

static void state_root_bit(Xuelian__Proof *proof)
{
    proof->anchor->header.data[200] ^= 1;
}

static void other_chain(Xuelian__Proof *proof)
{
    proof->chain_id.data[0] ^= 1;
}

static void next_set_swapped(Xuelian__Proof *proof)
{
    Xuelian__SetChange **changes = proof->anchor->set_changes;
    field_set(&changes[0]->next_set, changes[1]->next_set.data, changes[1]->next_set.len);
}

static void change_left_out(Xuelian__Proof *proof)
{
    xuelian__set_change__free_unpacked(proof->anchor->set_changes[1], NULL);
    proof->anchor->n_set_changes = 1;
}

static void longer_path(Xuelian__Proof *proof)
{
    uint8_t longer[4096];
    ProtobufCBinaryData *path = &leaf_of(proof)->path;
    CHECK(path->len + 32 <= sizeof longer);
    memcpy(longer, path->data, path->len);
    memset(longer + path->len, 0, 32);
    field_set(path, longer, path->len + 32);
}

static void shorter_path(Xuelian__Proof *proof)
{
    leaf_of(proof)->path.len -= 32;
}

static void node_as_leaf(Xuelian__Proof *proof)
{
    Xuelian__LeafPath *leaf = leaf_of(proof);
    leaf->count /= 2;
    leaf->position /= 2;
    field_set(&leaf->path, leaf->path.data + 32, leaf->path.len - 32);
}

static void other_collection(Xuelian__Proof *proof)
{
    leaf_of(proof)->collection = 9;
}

static void other_learner(Xuelian__Proof *proof)
{
    proof->record->learner.data[31] ^= 1;
}

static void other_grade(Xuelian__Proof *proof)
{
    Xuelian__ItemProof *item = proof->record->item;
    item->version.data[item->version.len - 1] ^= 1;
    xuelian__issuer_signature__free_unpacked(item->issuer, NULL);
    item->issuer = NULL;
}

static void issuer_bit(Xuelian__Proof *proof)
{
    proof->record->item->issuer->signatures[0].data[10] ^= 1;
}

static void bulk_path_bit(Xuelian__Proof *proof)
{
    proof->record->item->issuer->path.data[10] ^= 1;
}

static void last_item_left_out(Xuelian__Proof *proof)
{
    Xuelian__ArchiveProof *archive = proof->archive;
    xuelian__archive_item__free_unpacked(archive->items[--archive->n_items], NULL);
}

static void last_item_withheld_twice(Xuelian__Proof *proof)
{
    Xuelian__ArchiveProof *archive = proof->archive;
    Xuelian__ArchiveItem **items = malloc((archive->n_items + 1) * sizeof *items);
    Xuelian__ArchiveItem *last = malloc(sizeof *last);
    CHECK(items != NULL && last != NULL);
    for (size_t i = 0; i < archive->n_items; i++) {
        items[i] = archive->items[i];
    }
    xuelian__archive_item__init(last);
    field_set(&last->version_hash, items[archive->n_items - 1]->version_hash.data, 32);
    items[archive->n_items++] = last;
    free(archive->items);
    archive->items = items;
}

static void withheld_swapped(Xuelian__Proof *proof)
{
    Xuelian__ArchiveItem *first = proof->archive->items[0];
    proof->archive->items[0] = proof->archive->items[1];
    proof->archive->items[1] = first;
}

static void summary_bit(Xuelian__Proof *proof)
{
    proof->archive->summary.data[5] ^= 1;
}

static void earlier_swapped(Xuelian__Proof *proof)
{
    ProtobufCBinaryData *earlier = proof->record->item->earlier;
    ProtobufCBinaryData first = earlier[0];
    earlier[0] = earlier[1];
    earlier[1] = first;
}

static void neighbour_too_low(Xuelian__Proof *proof)
{
    /* The learner that is there. */
    static const char name[] = "learner 1";
    struct hash32 learner;
    hash_plain(&learner, name, strlen(name));
    field_set(&proof->absence->natural_key, &learner, 32);
}

static void newer_version(Xuelian__Proof *proof)
{
    proof->version = 2;
}

static void unknown_kind(Xuelian__Proof *proof)
{
    proof->kind = (Xuelian__ProofKind)9;
}

static void no_body(Xuelian__Proof *proof)
{
    xuelian__record_proof__free_unpacked(proof->record, NULL);
    proof->record = NULL;
}

static void two_bodies(Xuelian__Proof *proof)
{
    proof->absence = malloc(sizeof *proof->absence);
    CHECK(proof->absence != NULL);
    xuelian__absence_proof__init(proof->absence);
    proof->absence->collection = 7;
}

#define ONE                         \
    {                               \
        .validators = 1, .items = 2 \
    }
#define FOUR                                                  \
    {                                                         \
        .validators = 4, .items = 5, .bulk = 9, .accounts = 6 \
    }
#define TWENTY                                      \
    {                                               \
        .validators = 20, .items = 3, .accounts = 2 \
    }
#define CHANGING                                      \
    {                                                 \
        .validators = 4, .items = 2, .set_changes = 2 \
    }
#define HISTORY                                   \
    {                                             \
        .validators = 1, .items = 3, .earlier = 3 \
    }
#define WITHHELD                                                     \
    {                                                                \
        .validators = 4, .items = 5, .accounts = 2, .withheld = 0x13 \
    }

static const struct vector vectors[] = {
    {.name = "record-1",
     .why = "one record, one validator, single deposit",
     .plan = ONE,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "record-4",
     .why = "one record of a bulk deposit, four validators, with the issuer's signature",
     .plan = FOUR,
     .shape = RECORD_2,
     .fault = VERIFY_FAULT_NONE},
    {.name = "record-20",
     .why = "one record, twenty validators, fourteen signatures",
     .plan = TWENTY,
     .shape = RECORD_2,
     .fault = VERIFY_FAULT_NONE},
    {.name = "record-set-changes",
     .why = "the validator set changed twice since genesis",
     .plan = CHANGING,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "record-history",
     .why = "four versions of one record, the whole chain",
     .plan = HISTORY,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_NONE},
    {.name = "archive",
     .why = "five records, one of them revoked, with the summary",
     .plan = FOUR,
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_NONE},
    {.name = "archive-withheld",
     .why = "records 1, 2 and 5 are withheld",
     .plan = WITHHELD,
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_NONE},
    {.name = "absence-account",
     .why = "no such learner, among seven accounts",
     .plan = FOUR,
     .shape = ABSENCE_ACCOUNT,
     .fault = VERIFY_FAULT_NONE},
    {.name = "absence-course",
     .why = "no such course: the collection has its sentinel alone",
     .plan = ONE,
     .shape = ABSENCE_COURSE,
     .fault = VERIFY_FAULT_NONE},
    {.name = "prepare-as-commit",
     .why = "the certificate's phase is PREPARE",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = prepare_phase,
     .fault = VERIFY_FAULT_CERTIFICATE_PHASE},
    {.name = "spare-bit",
     .why = "the signer bitmap marks validator 6 of four",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = spare_bit,
     .fault = VERIFY_FAULT_CERTIFICATE_BITMAP},
    {.name = "count-from-proof",
     .why = "a certificate made for a set of one validator, where genesis has twenty",
     .plan = TWENTY,
     .shape = RECORD_2,
     .alter = count_from_proof,
     .fault = VERIFY_FAULT_CERTIFICATE_BITMAP},
    {.name = "below-quorum",
     .why = "two signatures of four validators",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = below_quorum,
     .fault = VERIFY_FAULT_CERTIFICATE_QUORUM},
    {.name = "signature-twice",
     .why = "one validator's signature in another's place too",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = signature_twice,
     .fault = VERIFY_FAULT_CERTIFICATE_SIGNATURE},
    {.name = "high-s",
     .why = "a signature with s above half the group order",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = high_s,
     .fault = VERIFY_FAULT_CERTIFICATE_SIGNATURE},
    {.name = "other-view",
     .why = "the certificate names another view than was signed",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = other_view,
     .fault = VERIFY_FAULT_CERTIFICATE_SIGNATURE},
    {.name = "no-certificate",
     .why = "a header without certificate",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = no_certificate,
     .fault = VERIFY_FAULT_CERTIFICATE_MISSING},
    {.name = "header-altered",
     .why = "one bit of the header",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = state_root_bit,
     .fault = VERIFY_FAULT_CERTIFICATE_BLOCK},
    {.name = "other-chain",
     .why = "another chain id",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = other_chain,
     .fault = VERIFY_FAULT_WRONG_CHAIN},
    {.name = "set-not-certified",
     .why = "the set after the first change is not the one its header names",
     .plan = CHANGING,
     .shape = RECORD_1,
     .alter = next_set_swapped,
     .fault = VERIFY_FAULT_SET_CHANGE},
    {.name = "set-change-left-out",
     .why = "the second change of the set is missing",
     .plan = CHANGING,
     .shape = RECORD_1,
     .alter = change_left_out,
     .fault = VERIFY_FAULT_SET_UNKNOWN},
    {.name = "longer-path",
     .why = "one hash too many",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = longer_path,
     .fault = VERIFY_FAULT_PATH_SHAPE},
    {.name = "shorter-path",
     .why = "one hash too few",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = shorter_path,
     .fault = VERIFY_FAULT_PATH_SHAPE},
    {.name = "node-as-leaf",
     .why = "count, position and path of a tree of half the height",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = node_as_leaf,
     .fault = VERIFY_FAULT_STATE_ROOT},
    {.name = "other-collection",
     .why = "the leaf says it is of the proposals",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = other_collection,
     .fault = VERIFY_FAULT_COLLECTION},
    {.name = "other-learner",
     .why = "one bit of the learner id",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = other_learner,
     .fault = VERIFY_FAULT_STATE_ROOT},
    {.name = "item-altered",
     .why = "the record's expiry date",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = other_grade,
     .fault = VERIFY_FAULT_ITEM_ROOT},
    {.name = "issuer-signature",
     .why = "one bit of the issuer's signature",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = issuer_bit,
     .fault = VERIFY_FAULT_ISSUER_SIGNATURE},
    {.name = "bulk-path",
     .why = "one bit of the path in the bulk deposit",
     .plan = FOUR,
     .shape = RECORD_2,
     .alter = bulk_path_bit,
     .fault = VERIFY_FAULT_ISSUER_PAYLOAD},
    {.name = "issuer-key",
     .why = "signed with a key that genesis does not give the issuer",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_KEY},
     .shape = RECORD_2,
     .fault = VERIFY_FAULT_ISSUER_KEY},
    {.name = "issuer-expired",
     .why = "recorded after the transaction's valid_until",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_EXPIRED_TX},
     .shape = RECORD_2,
     .fault = VERIFY_FAULT_ISSUER_TRANSACTION},
    {.name = "issuer-unknown",
     .why = "the issuer is not in genesis: holds, but the key cannot be judged",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_STRANGER},
     .shape = RECORD_2,
     .fault = VERIFY_FAULT_NONE},
    {.name = "item-left-out",
     .why = "the last item of the archive",
     .plan = FOUR,
     .shape = ARCHIVE,
     .alter = last_item_left_out,
     .fault = VERIFY_FAULT_ITEM_COUNT},
    {.name = "last-leaf-twice",
     .why = "the last item a second time",
     .plan = WITHHELD,
     .shape = ARCHIVE,
     .alter = last_item_withheld_twice,
     .fault = VERIFY_FAULT_ITEM_COUNT},
    {.name = "items-swapped",
     .why = "two withheld items in each other's place",
     .plan = WITHHELD,
     .shape = ARCHIVE,
     .alter = withheld_swapped,
     .fault = VERIFY_FAULT_ITEM_ROOT},
    {.name = "summary-altered",
     .why = "one bit of the summary",
     .plan = FOUR,
     .shape = ARCHIVE,
     .alter = summary_bit,
     .fault = VERIFY_FAULT_SUMMARY},
    {.name = "totals",
     .why = "the certified summary has one credit more than the items",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_TOTALS},
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_TOTALS},
    {.name = "points",
     .why = "the certified summary has points that no item gave",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_POINTS},
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_TOTALS},
    {.name = "other-account",
     .why = "the content is of another learner",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_OTHER_ACCOUNT},
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_ITEM_PLACE},
    {.name = "future-item",
     .why = "a version from after the header",
     .plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6, .lie = LIE_FUTURE},
     .shape = ARCHIVE,
     .fault = VERIFY_FAULT_ITEM_PLACE},
    {.name = "history-swapped",
     .why = "two earlier versions in each other's place",
     .plan = HISTORY,
     .shape = RECORD_1,
     .alter = earlier_swapped,
     .fault = VERIFY_FAULT_ITEM_HISTORY},
    {.name = "absence-of-present",
     .why = "absence of the account that is there",
     .plan = FOUR,
     .shape = ABSENCE_ACCOUNT,
     .alter = neighbour_too_low,
     .fault = VERIFY_FAULT_ABSENCE_RANGE},
    {.name = "newer-version",
     .why = "version 2 of the proof format",
     .plan = ONE,
     .shape = RECORD_1,
     .alter = newer_version,
     .fault = VERIFY_FAULT_PROOF_VERSION},
    {.name = "unknown-kind",
     .why = "a kind of a later protocol",
     .plan = ONE,
     .shape = RECORD_1,
     .alter = unknown_kind,
     .fault = VERIFY_FAULT_PROOF_KIND},
    {.name = "no-body",
     .why = "a record proof without its record",
     .plan = ONE,
     .shape = RECORD_1,
     .alter = no_body,
     .fault = VERIFY_FAULT_PROOF_PARTS},
    {.name = "two-bodies",
     .why = "a record proof that holds an absence proof too",
     .plan = ONE,
     .shape = RECORD_1,
     .alter = two_bodies,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "cut",
     .why = "the last byte is missing",
     .plan = ONE,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_PROOF_CUT,
     .cut = 1},
    {.name = "trailing",
     .why = "an unknown field after the last",
     .plan = ONE,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_PROOF_ENCODING,
     .trailing = true},
    {.name = "stale",
     .why = "one millisecond older than allowed",
     .plan = ONE,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_STALE,
     .options = {.now_ms = BUILD_TIME_MS + 1001, .max_age_ms = 1000}},
    {.name = "older-than-trusted",
     .why = "below the newest height this verifier has trusted",
     .plan = ONE,
     .shape = RECORD_1,
     .fault = VERIFY_FAULT_OLD,
     .options = {.trusted_height = BUILD_HEIGHT + 1}},
    {.name = NULL},
};

static const struct vector *const tables[] = {vectors,          block_vectors, detail_vectors,
                                              recovery_vectors, set_vectors,   cell_vectors,
                                              evidence_vectors};

/* ---- writing ---- */

static struct built vector_build(struct world *world, const struct vector *vector)
{
    struct built built = {.data = NULL};
    if (vector->build != NULL) {
        built = vector->build(world);
    } else {
        switch (vector->shape) {
        case RECORD_1:
            built = world_record(world, 1);
            break;
        case RECORD_2:
            built = world_record(world, 2);
            break;
        case ARCHIVE:
            built = world_archive(world);
            break;
        case ABSENCE_ACCOUNT:
            built = world_absence(world, 7);
            break;
        case ABSENCE_COURSE:
            built = world_absence(world, 4);
            break;
        }
    }
    if (vector->alter != NULL) {
        Xuelian__Proof *opened = proof_open(built);
        built_free(&built);
        vector->alter(opened);
        built = proof_close(opened);
    }
    CHECK(built.size > vector->cut);
    built.size -= vector->cut;
    if (vector->trailing) {
        built.data = realloc(built.data, built.size + 2);
        CHECK(built.data != NULL);
        built.data[built.size++] = 0x78; /* field 15, a number */
        built.data[built.size++] = 0x01;
    }
    return built;
}

static FILE *file_open(const char *folder, const char *prefix, const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s%s.hex", folder, prefix, name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "make_vectors: cannot write %s\n", path);
        exit(1);
    }
    return file;
}

static void hex_write(FILE *file, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        fprintf(file, "%02x%s", data[i], i % 48 == 47 || i + 1 == size ? "\n" : "");
    }
}

static void vector_check(const struct vector *vector, struct bytes genesis, struct bytes proof,
                         struct bytes history)
{
    static struct verify_result result;
    struct verify_options options = vector->options;
    size_t size = VERIFY_SCRATCH_SIZE(genesis.size, proof.size + history.size);
    void *scratch = malloc(size);
    CHECK(scratch != NULL);
    options.history = history;
    verify_proof(&result, genesis, proof, &options, scratch, size);
    free(scratch);
    if (result.fault != vector->fault) {
        fprintf(stderr, "make_vectors: %s: the verifier says %s, the vector %s\n", vector->name,
                verify_fault_name(result.fault), verify_fault_name(vector->fault));
        exit(1);
    }
}

/* The proof of the vector that is named as history, with its own plan. */
static struct built history_build(const struct vector *vector)
{
    struct built built = {.data = NULL};
    for (const struct vector *other = set_vectors; vector->history != NULL && other->name != NULL;
         other++) {
        if (strcmp(other->name, vector->history) == 0) {
            struct world *world = world_new(&other->plan);
            built = vector_build(world, other);
            world_free(world);
        }
    }
    CHECK((built.data == NULL) == (vector->history == NULL));
    return built;
}

static void vector_write(const char *folder, const struct vector *vector)
{
    struct world *world = world_new(&vector->plan);
    struct bytes genesis = world_genesis(world);
    struct built proof = vector_build(world, vector);
    struct built history = history_build(vector);
    char genesis_name[64];
    vector_check(vector, genesis, (struct bytes){proof.data, proof.size},
                 (struct bytes){history.data, history.size});
    snprintf(genesis_name, sizeof genesis_name, "%u-validators%s",
             (unsigned)vector->plan.validators, vector->plan.recovery_keys > 0 ? "-recovery" : "");
    FILE *file = file_open(folder, "genesis-", genesis_name);
    fprintf(file, "# A genesis of %s for the proofs that name it.\n", genesis_name);
    hex_write(file, genesis.data, genesis.size);
    CHECK(fclose(file) == 0);

    file = file_open(folder, "proof-", vector->name);
    fprintf(file, "# %s\ngenesis: genesis-%s.hex\nstatus: %s\nfault: %s\n", vector->why,
            genesis_name, status_name(verify_fault_status(vector->fault)),
            verify_fault_name(vector->fault));
    if (vector->options.now_ms != 0) {
        fprintf(file, "now_ms: %" PRIu64 "\nmax_age_ms: %" PRIu64 "\n", vector->options.now_ms,
                vector->options.max_age_ms);
    }
    if (vector->options.trusted_height != 0) {
        fprintf(file, "trusted_height: %" PRIu64 "\n", vector->options.trusted_height);
    }
    if (vector->history != NULL) {
        fprintf(file, "history: proof-%s.hex\n", vector->history);
    }
    fprintf(file, "\n");
    hex_write(file, proof.data, proof.size);
    CHECK(fclose(file) == 0);
    built_free(&proof);
    built_free(&history);
    world_free(world);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_vectors FOLDER\n");
        return 2;
    }
    size_t count = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct vector *vector = tables[t]; vector->name != NULL; vector++) {
            vector_write(argv[1], vector);
            count++;
        }
    }
    printf("%zu proofs written\n", count);
    return 0;
}
