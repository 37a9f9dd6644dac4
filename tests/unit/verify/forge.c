/* Proofs are taken apart by their wire form and the schema's names, changed in one place, and put together again with the
 * lengths around it made right, so that each is well formed but for what was changed. */
#include "tests/unit/verify/forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/evidence.pb-c.h"
#include "proto/ledger.pb-c.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_outcome.pb-c.h"

enum { DEPTH_MAX = 12, NAME_MAX_SIZE = 256, FIELDS_MAX = 4096 };

/* Byte fields that hold a message. */
static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *schema;
} nested[] = {
    {"header", &xuelian__header__descriptor},
    {"certificate", &xuelian__certificate__descriptor},
    {"next_set", &xuelian__validator_set__descriptor},
    {"set", &xuelian__validator_set__descriptor},
    {"account_value", &xuelian__account_value__descriptor},
    {"summary", &xuelian__account_summary__descriptor},
    {"version", &xuelian__item_version__descriptor},
    {"earlier", &xuelian__item_version__descriptor},
    {"rule", &xuelian__rule__descriptor},
    {"member", &xuelian__member__descriptor},
    {"common", &xuelian__tx_common__descriptor},
    {"result", &xuelian__tx_result__descriptor},
};

/* One field as it stands on the wire. */
struct piece {
    const ProtobufCFieldDescriptor *field;
    struct bytes whole; /* tag, length and all */
    struct bytes value; /* of bytes and messages */
    uint64_t number;
};

/* What an item says, by its kind. */
static const ProtobufCMessageDescriptor *const contents[] = {
    NULL,
    &xuelian__outcome__descriptor,
    &xuelian__recognition__descriptor,
    &xuelian__conversion__descriptor,
    &xuelian__points_entry__descriptor,
    &xuelian__consent__descriptor,
    &xuelian__dispute__descriptor,
    &xuelian__key_change__descriptor,
    &xuelian__link__descriptor,
};

/* The message in a field, or NULL. `siblings` stand before it. */
static const ProtobufCMessageDescriptor *schema_of(const struct piece *siblings, uint32_t index)
{
    const ProtobufCFieldDescriptor *field = siblings[index].field;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return field->descriptor;
    }
    for (uint32_t i = 0; i < index && strcmp(field->name, "content") == 0; i++) {
        if (strcmp(siblings[i].field->name, "kind") == 0) {
            return contents[siblings[i].number];
        }
    }
    for (size_t i = 0; field->type == PROTOBUF_C_TYPE_BYTES && i < sizeof nested / sizeof nested[0];
         i++) {
        if (strcmp(nested[i].name, field->name) == 0) {
            return nested[i].schema;
        }
    }
    return NULL;
}

struct out {
    uint8_t *data;
    size_t size;
    size_t room;
};

static void put(struct out *out, const void *data, size_t size)
{
    if (out->size + size > out->room) {
        out->room = (out->size + size) * 2;
        out->data = realloc(out->data, out->room);
        CHECK(out->data != NULL);
    }
    if (size > 0) {
        memcpy(out->data + out->size, data, size);
    }
    out->size += size;
}

static void put_number(struct out *out, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static uint64_t get_number(const uint8_t **at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static uint32_t split(struct bytes message, const ProtobufCMessageDescriptor *schema,
                      struct piece *pieces)
{
    const uint8_t *at = message.data;
    uint32_t count = 0;
    while (at < message.data + message.size) {
        struct piece *piece = &pieces[count++];
        const uint8_t *start = at;
        CHECK(count < FIELDS_MAX);
        uint64_t tag = get_number(&at);
        piece->field = protobuf_c_message_descriptor_get_field(schema, (unsigned)(tag >> 3));
        CHECK(piece->field != NULL);
        piece->number = get_number(&at);
        piece->value = bytes_of(at, 0);
        if ((tag & 7) == 2) {
            piece->value.size = (size_t)piece->number;
            at += piece->value.size;
        }
        piece->whole = bytes_of(start, (size_t)(at - start));
    }
    return count;
}

/* The chain of messages around what is changed: of each, its fields, and which one is gone into. */
struct level {
    struct piece *pieces;
    uint32_t count;
    uint32_t into;
};

struct forger {
    struct level levels[DEPTH_MAX];
    uint32_t depth;
    char name[NAME_MAX_SIZE];
    void (*look)(void *context, const char *name, struct bytes forged);
    void *context;
};

/* Puts the chain together around the changed innermost message. */
static void show(struct forger *f, struct out inner, const char *what)
{
    char name[NAME_MAX_SIZE + 32];
    for (uint32_t d = f->depth - 1; d > 0; d--) {
        const struct level *level = &f->levels[d - 1];
        struct out outer = {.data = NULL};
        for (uint32_t i = 0; i < level->count; i++) {
            if (i != level->into) {
                put(&outer, level->pieces[i].whole.data, level->pieces[i].whole.size);
                continue;
            }
            put_number(&outer, (uint64_t)level->pieces[i].field->id << 3 | 2);
            put_number(&outer, inner.size);
            put(&outer, inner.data, inner.size);
        }
        free(inner.data);
        inner = outer;
    }
    snprintf(name, sizeof name, "%s %s", f->name, what);
    f->look(f->context, name, bytes_of(inner.data, inner.size));
    free(inner.data);
}

enum change { DROP, DOUBLE, SWAP, NUMBER, VALUE };

/* The innermost message with one of its fields changed. */
static struct out remade(const struct level *level, uint32_t index, enum change change,
                         uint64_t number, struct bytes value)
{
    struct out out = {.data = NULL};
    for (uint32_t i = 0; i < level->count; i++) {
        const struct piece *piece = &level->pieces[i];
        bool here = i == index;
        if (here && change == DROP) {
            continue;
        }
        if (change == SWAP && (i == index || i == index + 1)) {
            piece = &level->pieces[i == index ? i + 1 : i - 1];
            here = false;
        }
        if (here && change == NUMBER) {
            put_number(&out, (uint64_t)piece->field->id << 3);
            put_number(&out, number);
        } else if (here && change == VALUE) {
            put_number(&out, (uint64_t)piece->field->id << 3 | 2);
            put_number(&out, value.size);
            put(&out, value.data, value.size);
        } else {
            put(&out, piece->whole.data, piece->whole.size);
            if (here && change == DOUBLE) {
                put(&out, piece->whole.data, piece->whole.size);
            }
        }
    }
    return out;
}

static void change_number(struct forger *f, const struct level *level, uint32_t index)
{
    const struct bytes none = {.data = NULL};
    uint64_t number = level->pieces[index].number;
    show(f, remade(level, index, NUMBER, number + 1, none), "one-more");
    show(f, remade(level, index, NUMBER, number - 1, none), "one-less");
    show(f, remade(level, index, NUMBER, UINT64_MAX, none), "largest");
}

static void change_bytes(struct forger *f, const struct level *level, uint32_t index)
{
    struct bytes value = level->pieces[index].value;
    uint8_t *copy = malloc(value.size + 33);
    CHECK(copy != NULL);
    memcpy(copy, value.data, value.size);
    copy[value.size / 2] ^= 1;
    show(f, remade(level, index, VALUE, 0, bytes_of(copy, value.size)), "one-bit");
    copy[value.size / 2] ^= 1;
    memset(copy + value.size, 0, 33);
    show(f, remade(level, index, VALUE, 0, bytes_of(copy, value.size + 1)), "one-byte-longer");
    show(f, remade(level, index, VALUE, 0, bytes_of(copy, value.size - 1)), "one-byte-shorter");
    if (value.size >= 32 && value.size % 32 == 0) {
        memcpy(copy + value.size, copy + value.size - 32, 32);
        show(f, remade(level, index, VALUE, 0, bytes_of(copy, value.size + 32)), "last-hash-twice");
        if (value.size > 32) {
            show(f, remade(level, index, VALUE, 0, bytes_of(copy, value.size - 32)),
                 "last-hash-left-out");
        }
    }
    free(copy);
}

static void change_field(struct forger *f, const struct level *level, uint32_t index)
{
    const struct bytes none = {.data = NULL};
    const struct piece *piece = &level->pieces[index];
    bool repeated = piece->field->label == PROTOBUF_C_LABEL_REPEATED;
    show(f, remade(level, index, DROP, 0, none), "left-out");
    show(f, remade(level, index, DOUBLE, 0, none), "twice");
    if (repeated && index + 1 < level->count && level->pieces[index + 1].field == piece->field &&
        !bytes_equal(piece->value, level->pieces[index + 1].value)) {
        show(f, remade(level, index, SWAP, 0, none), "swapped");
    }
    if (piece->whole.data + piece->whole.size != piece->value.data + piece->value.size ||
        piece->value.size == 0) {
        change_number(f, level, index);
    } else if (schema_of(level->pieces, index) == NULL) {
        change_bytes(f, level, index);
    }
}

/* Opens the message that the innermost level goes into. */
static void enter(struct forger *f, struct bytes message, const ProtobufCMessageDescriptor *schema)
{
    CHECK(f->depth < DEPTH_MAX);
    struct level *level = &f->levels[f->depth++];
    level->pieces = malloc(FIELDS_MAX * sizeof *level->pieces);
    CHECK(level->pieces != NULL);
    level->count = split(message, schema, level->pieces);
    level->into = UINT32_MAX;
}

/* Names end so: "/leaf/count", of the third element of a repeated field "/items:2/…". */
static void name_field(struct forger *f, const struct level *level)
{
    const struct piece *piece = &level->pieces[level->into];
    uint32_t place = 0;
    for (uint32_t i = 0; i < level->into; i++) {
        place += level->pieces[i].field == piece->field;
    }
    size_t at = strlen(f->name);
    if (piece->field->label == PROTOBUF_C_LABEL_REPEATED) {
        snprintf(f->name + at, sizeof f->name - at, "/%s:%u", piece->field->name, place);
    } else {
        snprintf(f->name + at, sizeof f->name - at, "/%s", piece->field->name);
    }
}

void forge_all(struct bytes proof,
               void (*look)(void *context, const char *name, struct bytes forged), void *context)
{
    struct forger f = {.look = look, .context = context};
    enter(&f, proof, &xuelian__proof__descriptor);
    while (f.depth > 0) {
        struct level *level = &f.levels[f.depth - 1];
        char *end = strrchr(f.name, '/');
        if (level->into != UINT32_MAX && end != NULL) {
            *end = '\0';
        }
        if (++level->into == level->count) {
            free(level->pieces);
            f.depth--;
            continue;
        }
        const struct piece *piece = &level->pieces[level->into];
        name_field(&f, level);
        change_field(&f, level, level->into);
        const ProtobufCMessageDescriptor *schema = schema_of(level->pieces, level->into);
        if (schema != NULL && piece->value.size > 0) {
            enter(&f, piece->value, schema);
        }
    }
}

/* ---- the corpus ---- */

enum { LINE_SIZE = 512, SCRATCH_SIZE = 1 << 22 };

/* What may be left out of a proof: it then shows less, and says so. */
static bool says_less(const char *name)
{
    static const char *const ends[] = {"/issuer left-out", "/summary left-out", "/common left-out",
                                       "/earlier:0 left-out"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t length = strlen(name);
        size_t end = strlen(ends[i]);
        if (length > end && strcmp(name + length - end, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void judge(void *context, const char *name, struct bytes forged)
{
    struct forge_corpus *corpus = context;
    char line[LINE_SIZE];
    char wanted[LINE_SIZE] = "";
    /* Anchors are alike in all proofs: their forgeries are those of the first. */
    if (corpus->kinds > 1 && strncmp(name, "/anchor/", 8) == 0) {
        return;
    }
    verify_proof(&corpus->result, corpus->genesis, forged, NULL, corpus->scratch, SCRATCH_SIZE);
    bool held = corpus->result.status == ST_OK;
    snprintf(line, sizeof line, "%s%s: %s\n", corpus->kind, name,
             verify_fault_name(corpus->result.fault));
    corpus->count++;
    if (corpus->result.fault == VERIFY_FAULT_SCRATCH || (held && !says_less(name))) {
        fprintf(stderr, "not refused: %s", line);
        corpus->wrong++;
    }
    if (corpus->writing) {
        fputs(line, corpus->file);
    } else if (fgets(wanted, sizeof wanted, corpus->file) == NULL || strcmp(line, wanted) != 0) {
        fprintf(stderr, "came out: %swanted:   %s\n", line, wanted);
        corpus->wrong++;
    }
}

void forge_open(struct forge_corpus *corpus, const char *name)
{
    const char *folder = getenv("XUELIAN_FORGERIES");
    char path[LINE_SIZE];
    memset(corpus, 0, sizeof *corpus);
    corpus->writing = folder != NULL;
    if (folder != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
    } else {
        snprintf(path, sizeof path, "%s/tests/unit/verify/%s", getenv("XUELIAN_SOURCE_DIR"), name);
    }
    corpus->file = fopen(path, corpus->writing ? "w" : "r");
    corpus->scratch = malloc(SCRATCH_SIZE);
    CHECK(corpus->file != NULL && corpus->scratch != NULL);
}

bool forge_proof(struct forge_corpus *corpus, const char *kind, struct bytes genesis,
                 struct bytes proof)
{
    corpus->kind = kind;
    corpus->genesis = genesis;
    corpus->kinds++;
    enum status status =
        verify_proof(&corpus->result, genesis, proof, NULL, corpus->scratch, SCRATCH_SIZE);
    forge_all(proof, judge, corpus);
    return status == ST_OK;
}

uint32_t forge_close(struct forge_corpus *corpus)
{
    char more[LINE_SIZE];
    if (!corpus->writing && fgets(more, sizeof more, corpus->file) != NULL) {
        fprintf(stderr, "not made any more: %s", more);
        corpus->wrong++;
    }
    fclose(corpus->file);
    free(corpus->scratch);
    printf("%u forgeries of %u proofs\n", (unsigned)corpus->count, (unsigned)corpus->kinds);
    return corpus->wrong;
}
