/* The details of item 1: as many as the plan says, numbered from 1, the last 101. */
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/details.pb-c.h"
#include "proto/merkle.h"
#include "tests/unit/verify/build_internal.h"

#include <stdio.h>
#include <string.h>

static Xuelian__DetailField *field_make(struct world *w, uint32_t index)
{
    enum { VALUE_SIZE = 32 };
    Xuelian__DetailField *field = make(w, sizeof *field);
    struct hash32 *salt = make(w, sizeof *salt);
    char *value = make(w, VALUE_SIZE);
    xuelian__detail_field__init(field);
    *salt = named("salt", index);
    snprintf(value, VALUE_SIZE, "明细 %u", index + 1);
    field->number = index + 1 == w->plan.details ? 101 : index + 1;
    field->salt = field_borrow(salt, 32);
    field->value = value;
    return field;
}

static struct hash32 leaf_make(struct world *w, uint32_t index)
{
    uint8_t bytes[128];
    struct hash32 leaf;
    const Xuelian__DetailField *field = field_make(w, index);
    size_t size = strlen(field->value);
    be32_put(bytes, field->number);
    memcpy(bytes + 4, field->salt.data, 32);
    memcpy(bytes + 36, field->value, size);
    hash_leaf(&leaf, TAG_LEAF_DETAIL, bytes, 36 + size);
    return leaf;
}

void details_commit(struct world *w, struct hash32 *root)
{
    struct hash32 leaves[LIMIT_DETAILS_MAX + 1];
    uint8_t bound[36];
    CHECK(w->plan.details <= LIMIT_DETAILS_MAX + 1);
    for (uint32_t i = 0; i < w->plan.details; i++) {
        leaves[i] = leaf_make(w, i);
    }
    merkle_root(root, leaves, w->plan.details);
    be32_put(bound, w->plan.details);
    memcpy(bound + 4, root->bytes, 32);
    hash_tagged(root, TAG_DETAILS, bound, sizeof bound);
}

void details_show(struct world *w, Xuelian__ItemProof *proof)
{
    proof->n_details = w->plan.details;
    proof->details = make(w, w->plan.details * sizeof(Xuelian__DetailProof *));
    for (uint32_t i = 0; i < w->plan.details; i++) {
        Xuelian__DetailProof *one = make(w, sizeof *one);
        xuelian__detail_proof__init(one);
        if (w->plan.shown >> i & 1) {
            one->field = field_make(w, i);
        } else {
            struct hash32 *leaf = make(w, sizeof *leaf);
            *leaf = leaf_make(w, i);
            one->leaf_hash = field_borrow(leaf, 32);
        }
        proof->details[i] = one;
    }
}
