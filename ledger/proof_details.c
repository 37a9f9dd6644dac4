/* Details in a proof: those that are asked for as they are, of the others the hash of the leaf. */
#include "ledger/proof_build.h"

#include <string.h>

#include "ledger/tx/details.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/details.pb-c.h"

static bool shown(const struct proof_details *wanted, uint32_t number)
{
    bool found = wanted->all;
    for (uint32_t i = 0; i < wanted->count && !found; i++) {
        found = wanted->numbers[i] == number;
    }
    return found;
}

/* A text of the wire ends with a zero. */
static char *text_of(struct builder *builder, struct bytes value)
{
    char *text = build_zeroed(builder, value.size + 1, 1);
    memcpy(text, value.data, value.size);
    return text;
}

static Xuelian__DetailProof *prove(struct builder *builder, const struct detail *detail, bool show)
{
    Xuelian__DetailProof *made = build_zeroed(builder, 1, sizeof *made);
    xuelian__detail_proof__init(made);
    if (show) {
        Xuelian__DetailField *field = build_zeroed(builder, 1, sizeof *field);
        struct hash32 *salt = build_zeroed(builder, 1, sizeof *salt);
        xuelian__detail_field__init(field);
        *salt = detail->salt;
        field->number = detail->number;
        field->salt = field_borrow(salt, 32);
        field->value = text_of(builder, detail->value);
        made->field = field;
    } else {
        struct hash32 *leaf = build_zeroed(builder, 1, sizeof *leaf);
        details_leaf(leaf, detail);
        made->leaf_hash = field_borrow(leaf, 32);
    }
    return made;
}

void build_details(struct builder *builder, const struct proof_details *wanted,
                   struct bytes version, Xuelian__ItemProof *item)
{
    struct details details;
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint32_t count = 0;
    if (wanted->get(wanted->context, version, &bytes, &size) != ST_OK) {
        return;
    }
    (void)build_own(builder, bytes);
    if (details_read(&details, bytes_of(bytes, size)) != ST_OK) {
        return;
    }
    Xuelian__DetailProof **list =
        build_zeroed(builder, details.count, sizeof(Xuelian__DetailProof *));
    for (uint32_t i = 0; i < details.count; i++) {
        bool show = shown(wanted, details.fields[i].number);
        count += show;
        list[i] = prove(builder, &details.fields[i], show);
    }
    if (count > 0) {
        item->details = list;
        item->n_details = details.count;
    }
}
