/* Reading what nodes answer. */
#include <inttypes.h>
#include <string.h>

#include "cli/client.h"
#include "proto/bytes.h"
#include "proto/status.h"

json_t *json_field(const json_t *object, const char *name)
{
    char other[64];
    size_t size = 0;
    bool upper = false;
    json_t *value = json_object_get(object, name);
    if (value != NULL) {
        return value;
    }
    for (const char *at = name; *at != '\0' && size < sizeof other - 1; at++) {
        if (*at == '_') {
            upper = true;
            continue;
        }
        other[size++] = (char)(upper && *at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        upper = false;
    }
    other[size] = '\0';
    return json_object_get(object, other);
}

uint64_t json_u64(const json_t *object, const char *name)
{
    unsigned long long number = 0;
    const json_t *value = json_field(object, name);
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        return (uint64_t)json_integer_value(value);
    }
    if (json_is_string(value) && parse_u64(json_string_value(value), UINT64_MAX, &number)) {
        return number;
    }
    return 0;
}

bool json_hex(const json_t *object, const char *name, uint8_t *out, size_t size)
{
    const json_t *value = json_field(object, name);
    return json_is_string(value) &&
           hex_decode(out, size, json_string_value(value), json_string_length(value)) == ST_OK;
}

uint32_t client_problem(const struct client_answer *answer, struct fault *fault)
{
    json_t *problem = json_loadb(answer->body, answer->body_size, JSON_REJECT_DUPLICATES, NULL);
    uint64_t code = json_u64(problem, "code");
    const char *title = json_string_value(json_field(problem, "title"));
    const char *detail = json_string_value(json_field(problem, "detail"));
    if (code <= UINT32_MAX && code != 0 && status_known((uint32_t)code)) {
        enum status status = (enum status)code;
        fault_set(fault, EXIT_REFUSED, "%s (%s)%.0s%s%s", "%.0s%s：%s%s%s", status_en(status),
                  status_name(status), status_zh(status), detail != NULL ? ": " : "",
                  detail != NULL ? detail : "");
    } else {
        fault_set(fault, EXIT_REFUSED, "the node answered HTTP %ld: %s", "节点应答 HTTP %ld：%s",
                  answer->http_status,
                  detail != NULL  ? detail
                  : title != NULL ? title
                                  : "-");
        code = 0;
    }
    json_decref(problem);
    return (uint32_t)code;
}
