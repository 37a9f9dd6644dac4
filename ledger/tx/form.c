/* Sizes of byte fields by their names: one table for all payloads, so that no rule ever copies from a field
 * of another size, and a new payload gets its checks by naming its fields as docs/protocol.md does. */
#include <string.h>

#include "ledger/tx/kinds.h"
#include "proto/check.h"
#include "proto/limits.h"

struct field_size {
    const char *name;
    uint32_t size; /* 0: any, up to the transaction's own limit */
    bool optional;
};

static const struct field_size field_sizes[] = {
    {"account", 32, false},
    {"code_hash", 32, true},
    {"committed_hash", 32, false},
    {"details_root", 32, true},
    {"guardian_key", 33, true},
    {"hash", 32, false},
    {"header_hash", 32, false},
    {"identity_commitment", 32, false},
    {"key", 33, false},
    {"learner", 32, false},
    {"learner_key", 33, true},
    {"log_root", 32, false},
    {"new_key", 33, false},
    {"other", 32, false},
    {"other_commitment", 32, false},
    {"outcome_version", 32, false},
    {"prepared_certificate", 0, true},
    {"proposal", 32, false},
    {"reference", 16, true},
    {"request", 32, true},
    {"request_id", 32, false},
    {"signature", 64, false},
    {"statement_hash", 32, true},
    {"version_hash", 32, false},
};

static const struct field_size *size_of(const char *name)
{
    for (size_t i = 0; i < sizeof field_sizes / sizeof field_sizes[0]; i++) {
        if (strcmp(field_sizes[i].name, name) == 0) {
            return &field_sizes[i];
        }
    }
    return NULL;
}

bool tx_field_known(const char *name)
{
    return size_of(name) != NULL;
}

static bool bytes_fit(const char *name, const ProtobufCBinaryData *data)
{
    const struct field_size *rule = size_of(name);
    CHECK(rule != NULL); /* a unit test walks every schema */
    if (data->len == 0) {
        return rule->optional;
    }
    return rule->size == 0 || data->len == rule->size;
}

static bool text_fits(const char *text)
{
    return text == NULL || strlen(text) <= LIMIT_NAME_SIZE_MAX;
}

enum { FORM_DEPTH_MAX = 8 };

/* One open message and how far its fields and the elements of the present one have come. */
struct form_level {
    const ProtobufCMessage *message;
    unsigned field;
    size_t element;
};

struct form_walk {
    struct form_level levels[FORM_DEPTH_MAX];
    uint32_t depth;
};

static void enter(struct form_walk *walk, const ProtobufCMessage *message)
{
    CHECK(walk->depth + 1 < FORM_DEPTH_MAX); /* schemas are at most 8 deep */
    walk->levels[++walk->depth] = (struct form_level){.message = message};
}

/* One element of a field: of a repeated one, its number `index`. Messages are entered. */
static bool element_fits(struct form_walk *walk, const ProtobufCFieldDescriptor *field,
                         const uint8_t *at, size_t index, bool repeated)
{
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *data = repeated ? *(ProtobufCBinaryData *const *)(const void *)at
                                                   : (const ProtobufCBinaryData *)(const void *)at;
        return bytes_fit(field->name, data + index);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return text_fits(repeated ? (*(char *const *const *)(const void *)at)[index]
                                  : *(const char *const *)(const void *)at);
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *inner =
            repeated ? (*(ProtobufCMessage *const *const *)(const void *)at)[index]
                     : *(const ProtobufCMessage *const *)(const void *)at;
        if (inner != NULL) {
            enter(walk, inner);
        }
    }
    return true;
}

enum status tx_item_form(const ProtobufCMessage *item)
{
    struct form_walk walk = {.depth = 0};
    walk.levels[0] = (struct form_level){.message = item};
    for (;;) {
        struct form_level *level = &walk.levels[walk.depth];
        const ProtobufCMessageDescriptor *schema = level->message->descriptor;
        if (level->field == schema->n_fields) {
            if (walk.depth == 0) {
                return ST_OK;
            }
            walk.depth--;
            continue;
        }
        const ProtobufCFieldDescriptor *field = &schema->fields[level->field];
        const uint8_t *base = (const uint8_t *)level->message;
        bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
        size_t count =
            repeated ? *(const size_t *)(const void *)(base + field->quantifier_offset) : 1;
        if (level->element == count) {
            level->field++;
            level->element = 0;
            continue;
        }
        size_t index = level->element++;
        if (!element_fits(&walk, field, base + field->offset, index, repeated)) {
            return ST_BAD_SIZE;
        }
    }
}
