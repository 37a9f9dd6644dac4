#include "cli/details.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/json/json.h"
#include "proto/status.h"

void details_list_free(struct details_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = list->list[i].data};
        free(pointer.out);
    }
    list->count = 0;
}

bool details_word(json_t *object, const char *word, bool *taken, struct fault *fault)
{
    static const char outcome[] = "outcome.";
    static const char details[] = "details.";
    char name[64];
    const char *at = word;
    bool inner = strncmp(at, outcome, sizeof outcome - 1) == 0;
    at += inner ? sizeof outcome - 1 : 0;
    *taken = strncmp(at, details, sizeof details - 1) == 0;
    if (!*taken) {
        return true;
    }
    at += sizeof details - 1;
    const char *equals = strchr(at, '=');
    if (equals == NULL || equals == at || (size_t)(equals - at) >= sizeof name) {
        return fault_set(fault, EXIT_USAGE, "a detail is given as details.NAME=VALUE, not %s",
                         "明细应写作 details.名称=值，而不是 %s", word);
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - at), at);
    const char *path[] = {inner ? "outcome" : NULL, "details"};
    for (size_t i = 0; i < 2; i++) {
        json_t *next = path[i] != NULL ? json_object_get(object, path[i]) : object;
        if (next == NULL) {
            next = json_object();
            json_object_set_new(object, path[i], next);
        }
        object = next;
    }
    if (json_object_get(object, name) != NULL) {
        return fault_set(fault, EXIT_USAGE, "%s is given twice; give it once", "%s 给出了两次",
                         name);
    }
    return json_object_set_new(object, name, json_string(equals + 1)) == 0 ||
           fault_set(fault, EXIT_USAGE, "%s is not UTF-8 text", "%s 不是 UTF-8 文本", name);
}

/* One name and its text, kept ascending by number. */
static bool add_detail(struct details *details, const char *name, const json_t *value,
                       const char *where, struct fault *fault)
{
    uint32_t number = detail_number(name);
    if (number == 0) {
        return fault_set(
            fault, EXIT_USAGE,
            "%sthere is no detail %s; it is title, score, certificate_number, holder, "
            "evidence, description, teacher, class or a number from 1 to 999",
            "%s没有明细 "
            "%s；可用 title、score、certificate_number、holder、evidence、description、"
            "teacher、class 或 1 至 999 的编号",
            where, name);
    }
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size == 0 || size > LIMIT_DETAIL_SIZE_MAX) {
        return fault_set(fault, EXIT_USAGE, "%sthe detail %s is a text of 1 to %u bytes",
                         "%s明细 %s 应为 1 至 %u 字节的文本", where, name, LIMIT_DETAIL_SIZE_MAX);
    }
    if (details->count == LIMIT_DETAILS_MAX) {
        return fault_set(fault, EXIT_USAGE, "%sa record has at most %u details",
                         "%s一条记录最多 %u 个明细", where, LIMIT_DETAILS_MAX);
    }
    uint32_t at = details->count++;
    while (at > 0 && details->fields[at - 1].number > number) {
        details->fields[at] = details->fields[at - 1];
        at--;
    }
    details->fields[at] =
        (struct detail){.number = number, .value = bytes_of(json_string_value(value), size)};
    return (at == 0 || details->fields[at - 1].number != number) ||
           fault_set(fault, EXIT_USAGE, "%sthe detail %s is given twice; give it once",
                     "%s明细 %s 给出了两次", where, name);
}

static bool take_one(json_t *outcome, const char *where, struct details_list *list,
                     struct fault *fault)
{
    json_t *given = json_object_get(outcome, "details");
    struct details details = {.count = 0};
    uint8_t bytes[DETAILS_BYTES_MAX];
    char hex[HEX_SIZE(32)];
    struct hash32 root;
    const char *name;
    json_t *value;
    if (given == NULL) {
        return true;
    }
    if (!json_is_object(given) || json_object_get(outcome, "details_root") != NULL) {
        return fault_set(fault, EXIT_USAGE,
                         "%sdetails is a map of names to texts, and the details root is made of it",
                         "%sdetails 应为名称到文本的映射，明细根由此生成", where);
    }
    json_object_foreach(given, name, value)
    {
        if (!add_detail(&details, name, value, where, fault)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < details.count; i++) {
        if (RAND_bytes(details.fields[i].salt.bytes, 32) != 1) {
            return fault_set(fault, EXIT_IO, "the system gives no random numbers",
                             "系统无法提供随机数");
        }
    }
    size_t size = details_write(bytes, &details);
    if (size == 0) {
        return fault_set(fault, EXIT_USAGE, "%s%s%.0s", "%s%.0s%s", where,
                         status_en(ST_DETAILS_FORM), status_zh(ST_DETAILS_FORM));
    }
    details_root(&root, &details);
    uint8_t *copy = malloc(size);
    CHECK(copy != NULL);
    memcpy(copy, bytes, size);
    list->list[list->count++] = bytes_of(copy, size);
    hex_encode(hex, root.bytes, 32);
    json_object_del(outcome, "details");
    json_object_set_new(outcome, "details_root", json_string(hex));
    return true;
}

static json_t *outcome_of(json_t *value)
{
    json_t *outcome = json_object_get(value, "outcome");
    return outcome != NULL ? outcome : value;
}

bool details_take(json_t *value, const char *source, struct details_list *list, struct fault *fault)
{
    char where[160] = "";
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    bool fine = true;
    list->count = 0;
    for (size_t i = 0; i < count && i < LIMIT_BULK_ITEMS_MAX && fine; i++) {
        if (source != NULL && json_is_array(value)) {
            snprintf(where, sizeof where, "%.100s[%zu]: ", source, i);
        } else if (source != NULL) {
            snprintf(where, sizeof where, "%.120s: ", source);
        }
        json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        fine = take_one(outcome_of(one), where, list, fault);
    }
    if (!fine) {
        details_list_free(list);
    }
    return fine;
}

bool disclosure_check(const char *text, struct fault *fault)
{
    char name[64];
    bool fine = strlen(text) < DISCLOSURE_SIZE && text[0] != '\0';
    for (const char *at = text; fine && at != NULL;) {
        size_t size = strcspn(at, ",");
        fine = size < sizeof name;
        if (fine) {
            snprintf(name, sizeof name, "%.*s", (int)size, at);
            fine = strcmp(name, "all") == 0 || detail_number(name) != 0;
        }
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return fine ||
           fault_set(
               fault, EXIT_USAGE,
               "--disclose is all, or names or numbers of details with commas between them, "
               "as title,score,101; not %.80s",
               "--disclose 应为 all，或以逗号分隔的明细名称或编号，如 title,score,101；而不是 "
               "%.80s",
               text);
}

json_t *details_json(struct bytes bytes)
{
    struct details details;
    if (details_read(&details, bytes) != ST_OK) {
        return json_null();
    }
    json_t *object = json_object();
    for (uint32_t i = 0; i < details.count; i++) {
        const struct detail *detail = &details.fields[i];
        char number[16];
        const char *name = detail_name(detail->number);
        snprintf(number, sizeof number, "%u", detail->number);
        json_object_set_new(object, name != NULL ? name : number,
                            json_stringn((const char *)detail->value.data, detail->value.size));
    }
    return object;
}
