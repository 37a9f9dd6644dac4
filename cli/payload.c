#include "cli/payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doc.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/json/json.h"

enum { NAMES_MAX = 128, DEPTH_MAX = DOC_DEPTH_MAX };

/* ---- Names ---- */

bool payload_kind(const char *name, const struct tx_kind **kind, struct fault *fault)
{
    const char *names[NAMES_MAX + 1] = {NULL};
    *kind = tx_kind_named(name);
    if (*kind != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < NAMES_MAX && tx_kind_at(i) != NULL; i++) {
        names[i] = tx_kind_at(i)->name;
    }
    const char *near = nearest(name, names);
    return near != NULL ? fault_set(fault, EXIT_USAGE,
                                    "there is no kind of transaction %s; did you mean %s?",
                                    "没有交易类型 %s；是否想用 %s？", name, near)
                        : fault_set(fault, EXIT_USAGE,
                                    "there is no kind of transaction %s; see: xuelian tx kinds",
                                    "没有交易类型 %s；请看：xuelian tx kinds", name);
}

/* ---- Files ---- */

static json_t *scalar_json(const struct doc_node *node)
{
    return json_string(node->text);
}

struct open_node {
    const struct doc_node *next;
    json_t *into;
};

static void add(json_t *into, const char *key, json_t *value)
{
    if (json_is_array(into)) {
        json_array_append_new(into, value);
    } else {
        json_object_set_new(into, key, value);
    }
}

/* The tree of a file as JSON; every scalar stays text. */
static json_t *doc_json(const struct doc_node *root)
{
    struct open_node open[DEPTH_MAX + 1];
    uint32_t depth = 0;
    if (root->kind == DOC_SCALAR) {
        return scalar_json(root);
    }
    json_t *whole = root->kind == DOC_LIST ? json_array() : json_object();
    open[0] = (struct open_node){.next = root->first, .into = whole};
    for (;;) {
        struct open_node *level = &open[depth];
        const struct doc_node *node = level->next;
        if (node == NULL) {
            if (depth == 0) {
                return whole;
            }
            depth--;
            continue;
        }
        level->next = node->next;
        if (node->kind == DOC_SCALAR) {
            add(level->into, node->key, scalar_json(node));
            continue;
        }
        json_t *inner = node->kind == DOC_LIST ? json_array() : json_object();
        add(level->into, node->key, inner);
        CHECK(depth < DEPTH_MAX); /* the reader of files goes no deeper */
        open[++depth] = (struct open_node){.next = node->first, .into = inner};
    }
}

bool payload_file(const char *path, json_t **value, struct fault *fault)
{
    struct doc *doc = NULL;
    if (!doc_open(&doc, path, fault)) {
        return false;
    }
    *value = doc_json(doc_root(doc));
    doc_close(doc);
    return true;
}

/* ---- Words ---- */

static const ProtobufCFieldDescriptor *field_named(const ProtobufCMessageDescriptor *schema,
                                                   const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(schema, name);
}

static bool unknown_field(const ProtobufCMessageDescriptor *schema, const char *name,
                          struct fault *fault)
{
    const char *names[NAMES_MAX + 1] = {NULL};
    for (unsigned i = 0; i < schema->n_fields && i < NAMES_MAX; i++) {
        names[i] = schema->fields[i].name;
    }
    const char *near = nearest(name, names);
    return near != NULL
               ? fault_set(fault, EXIT_USAGE, "there is no field %s in %s; did you mean %s?",
                           "没有字段 %s（在 %s 中）；是否想用 %s？", name, schema->short_name, near)
               : fault_set(fault, EXIT_USAGE,
                           "there is no field %s in %s; see: xuelian tx fields KIND",
                           "没有字段 %s（在 %s 中）；请看：xuelian tx fields KIND", name,
                           schema->short_name);
}

bool payload_word(json_t *object, const ProtobufCMessageDescriptor *schema, const char *word,
                  struct fault *fault)
{
    char name[64];
    const char *equals = strchr(word, '=');
    if (equals == NULL) {
        return fault_set(fault, EXIT_USAGE, "a field is given as NAME=VALUE, not %s",
                         "字段应写作 名称=值，而不是 %s", word);
    }
    const char *at = word;
    for (;;) {
        size_t size = strcspn(at, ".=");
        snprintf(name, sizeof name, "%.*s", size < sizeof name ? (int)size : 63, at);
        const ProtobufCFieldDescriptor *field = field_named(schema, name);
        if (field == NULL) {
            return unknown_field(schema, name, fault);
        }
        bool message = field->type == PROTOBUF_C_TYPE_MESSAGE;
        bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
        if (at[size] == '.' && message && !list) {
            json_t *inner = json_object_get(object, name);
            if (inner == NULL) {
                inner = json_object();
                json_object_set_new(object, name, inner);
            }
            object = inner;
            schema = field->descriptor;
            at += size + 1;
            continue;
        }
        if (at[size] == '.' || message) {
            return fault_set(fault, EXIT_USAGE,
                             "%s cannot be given as one word; write the payload to a file and use "
                             "--payload FILE",
                             "%s 无法用一个词给出；请将载荷写入文件并用 --payload FILE", name);
        }
        json_t *value = json_string(equals + 1);
        if (value == NULL) {
            return fault_set(fault, EXIT_USAGE, "%s is not UTF-8 text", "%s 不是 UTF-8 文本", name);
        }
        json_t *present = json_object_get(object, name);
        if (list) {
            present = present != NULL ? json_incref(present) : json_array();
            json_array_append_new(present, value);
            json_object_set_new(object, name, present);
        } else if (present == NULL) {
            json_object_set_new(object, name, value);
        } else {
            json_decref(value);
            return fault_set(fault, EXIT_USAGE, "%s is given twice; give it once", "%s 给出了两次",
                             name);
        }
        return true;
    }
}

/* ---- Learner ids ---- */

static bool is_learner(const char *key)
{
    return strcmp(key, "account") == 0 || strcmp(key, "learner") == 0 ||
           strcmp(key, "learners") == 0 || strcmp(key, "other_account") == 0;
}

/* NAMESPACE:NUMBER becomes the learner id; NULL: leave it. False with *fault. */
static bool resolve(const char *text, struct keyring *keyring, json_t **out, struct fault *fault)
{
    char name_space[64];
    char hex[HEX_SIZE(32)];
    struct hash32 learner;
    const struct hash32 *identity = NULL;
    const char *colon = text != NULL ? strchr(text, ':') : NULL;
    *out = NULL;
    if (colon == NULL || colon == text || colon[1] == '\0' ||
        (size_t)(colon - text) >= sizeof name_space) {
        return true;
    }
    if (keyring == NULL) {
        return fault_set(fault, EXIT_USAGE,
                         "%s is a number, and a number needs the identity key: give --keys DIR",
                         "%s 是号码，使用号码需要身份密钥：请给出 --keys DIR", text);
    }
    if (!keyring_identity(keyring, &identity, fault)) {
        return false;
    }
    snprintf(name_space, sizeof name_space, "%.*s", (int)(colon - text), text);
    learner_id(&learner, identity, name_space, colon + 1);
    hex_encode(hex, learner.bytes, 32);
    *out = json_string(hex);
    return true;
}

/* Every learner's number in a value, however deep: objects and lists wait in a list. */
bool payload_learners(json_t *value, struct keyring *keyring, struct fault *fault)
{
    enum { WAITING_MAX = 8192 };
    json_t **waiting = calloc(WAITING_MAX, sizeof(json_t *));
    size_t count = 1;
    bool fine = waiting != NULL;
    if (fine) {
        waiting[0] = value;
    }
    for (size_t i = 0; i < count && fine; i++) {
        const char *key;
        json_t *member;
        void *next;
        size_t index;
        json_array_foreach(waiting[i], index, member)
        {
            if (!json_is_string(member) && count < WAITING_MAX) {
                waiting[count++] = member;
            }
        }
        json_object_foreach_safe(waiting[i], next, key, member)
        {
            json_t *learner = NULL;
            if (!json_is_string(member) && count < WAITING_MAX) {
                waiting[count++] = member;
            }
            for (index = 0; is_learner(key) && index < json_array_size(member) && fine; index++) {
                fine = resolve(json_string_value(json_array_get(member, index)), keyring, &learner,
                               fault);
                if (learner != NULL) {
                    json_array_set_new(member, index, learner);
                }
            }
            learner = NULL;
            if (fine && is_learner(key) && json_is_string(member)) {
                fine = resolve(json_string_value(member), keyring, &learner, fault);
            }
            if (learner != NULL) {
                json_object_set_new(waiting[i], key, learner);
            }
        }
    }
    free(waiting);
    return fine;
}

/* ---- Messages ---- */

/* "true, false" or the names of an enum, for a sentence. */
static const char *choices(const struct json_fault *mistake, char text[400])
{
    const ProtobufCEnumDescriptor *schema = mistake->field->descriptor;
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < schema->n_values && size < 320; i++) {
        char name[64];
        if (schema->values[i].value != 0) {
            json_enum_name(schema, schema->values[i].name, name);
            int more = snprintf(text + size, 400 - size, "%s%s", size > 0 ? ", " : "", name);
            size += more > 0 ? (size_t)more : 0;
        }
    }
    return text;
}

bool payload_fault(const struct json_fault *mistake, const char *where, struct fault *fault)
{
    char text[400];
    switch (mistake->mistake) {
    case JSON_FINE:
        break;
    case JSON_NOT_OBJECT:
        return fault_set(fault, EXIT_USAGE, "%s%s must be a map of fields", "%s%s 应为字段的映射",
                         where, mistake->path);
    case JSON_NOT_LIST:
        return fault_set(fault, EXIT_USAGE, "%s%s must be a list", "%s%s 应为列表", where,
                         mistake->path);
    case JSON_UNKNOWN_FIELD: {
        const char *dot = strrchr(mistake->path, '.');
        return unknown_field(mistake->schema, dot != NULL ? dot + 1 : mistake->path, fault);
    }
    case JSON_TWICE:
        return fault_set(fault, EXIT_USAGE, "%s%s is given twice; give it once", "%s%s 给出了两次",
                         where, mistake->path);
    case JSON_BAD_NUMBER:
        return fault_set(fault, EXIT_USAGE,
                         "%s%s is not a number that this field takes: '%s' (credits and hours as "
                         "2.5, dates as 2026-06-30)",
                         "%s%s 不是该字段可取的数值：“%s”（学分与学时如 2.5，日期如 2026-06-30）",
                         where, mistake->path, mistake->word);
    case JSON_BAD_NAME:
        return fault_set(fault, EXIT_USAGE, "%s%s is one of %s; not '%s'",
                         "%s%s 应为 %s 之一，而不是“%s”", where, mistake->path,
                         choices(mistake, text), mistake->word);
    case JSON_BAD_HEX:
        return fault_set(fault, EXIT_USAGE, "%s%s is hexadecimal text, not '%s'",
                         "%s%s 应为十六进制文本，而不是“%s”", where, mistake->path, mistake->word);
    case JSON_BAD_TEXT:
        return fault_set(fault, EXIT_USAGE, "%s%s is text, not %s", "%s%s 应为文本，而不是 %s",
                         where, mistake->path, mistake->word);
    case JSON_BAD_BOOL:
        return fault_set(fault, EXIT_USAGE, "%s%s is true or false, not '%s'",
                         "%s%s 应为 true 或 false，而不是“%s”", where, mistake->path,
                         mistake->word);
    case JSON_TOO_MUCH:
        return fault_set(fault, EXIT_USAGE, "%s%s holds more than a transaction may",
                         "%s%s 超出一笔交易的容量", where, mistake->path);
    }
    return fault_set(fault, EXIT_USAGE, "%sthe payload cannot be read", "%s无法读取载荷", where);
}

static bool make_item(struct payload *payload, const struct tx_kind *kind, const json_t *value,
                      void *memory, const char *where, struct fault *fault)
{
    struct arena arena;
    struct json_fault mistake;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, TX_ARENA_SIZE);
    if (!json_to_message(value, kind->item, &arena, &message, &mistake)) {
        return payload_fault(&mistake, where, fault);
    }
    size_t size = canonical_size(message);
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, message);
    payload->items[payload->count++] = bytes_of(bytes, size);
    if (tx_item_form(message) != ST_OK) {
        return fault_set(fault, EXIT_USAGE,
                         "%sa field is missing or has the wrong length (ids are 64 hex characters, "
                         "keys 66, reference tags 32); see: xuelian tx fields %s",
                         "%s有字段缺失或长度不对（编号 64 个十六进制字符，密钥 66 个，参考标记 32 "
                         "个）；请看：xuelian tx fields %s",
                         where, kind->name);
    }
    return true;
}

bool payload_make(struct payload *payload, const struct tx_kind *kind, const json_t *value,
                  const char *source, struct fault *fault)
{
    char where[160] = "";
    size_t count = kind->bulk ? json_array_size(value) : 1;
    payload->count = 0;
    payload->details.count = 0;
    if (kind->bulk != json_is_array(value) || count < 1 || count > LIMIT_BULK_ITEMS_MAX) {
        return fault_set(fault, EXIT_USAGE,
                         kind->bulk
                             ? "%s takes a file with a list of 1 to 1000 items: --payload FILE"
                             : "%s takes one map of fields, not a list",
                         kind->bulk ? "%s 需要含 1 至 1000 项列表的文件：--payload FILE"
                                    : "%s 应为一个字段映射，而不是列表",
                         kind->name);
    }
    void *memory = malloc(TX_ARENA_SIZE);
    CHECK(memory != NULL);
    bool fine = true;
    for (size_t i = 0; i < count && fine; i++) {
        if (source != NULL && kind->bulk) {
            snprintf(where, sizeof where, "%.100s[%zu]: ", source, i);
        } else if (source != NULL) {
            snprintf(where, sizeof where, "%.120s: ", source);
        }
        fine = make_item(payload, kind, kind->bulk ? json_array_get(value, i) : value, memory,
                         where, fault);
    }
    free(memory);
    if (!fine) {
        payload_free(payload);
    }
    return fine;
}

void payload_free(struct payload *payload)
{
    for (uint32_t i = 0; i < payload->count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = payload->items[i].data};
        free(pointer.out);
    }
    payload->count = 0;
    details_list_free(&payload->details);
}
