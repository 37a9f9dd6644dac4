/* Query parameters: each route says which it takes; nothing else passes. */
#include <stdio.h>
#include <string.h>

#include "node/rpc/http1.h"
#include "node/rpc/routes.h"

enum { SHOWN = 64, DIGITS_MAX = 20 };

static bool decimal(struct http1_text text, uint64_t *value)
{
    uint64_t sum = 0;
    if (text.size == 0 || text.size > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (text.data[i] < '0' || text.data[i] > '9' || sum > (UINT64_MAX - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

static int shown(struct http1_text text)
{
    return text.size < SHOWN ? (int)text.size : SHOWN;
}

static struct http1_text find(const struct exchange *exchange, const char *name)
{
    struct http1_request request = {
        .query = {.data = exchange->query, .size = strlen(exchange->query)}};
    return http1_parameter(&request, name);
}

bool parameter_u64(const struct exchange *exchange, const char *name, uint64_t *value)
{
    return decimal(find(exchange, name), value);
}

/* ---- The check ---- */

static void list_known(const struct parameter *known, char *out, size_t room)
{
    size_t at = (size_t)snprintf(out, room, "%s", known == NULL ? "it takes none" : "it takes ");
    for (size_t i = 0; known != NULL && known[i].name != NULL && at < room; i++) {
        at += (size_t)snprintf(out + at, room - at, "%s%s", i == 0 ? "" : ", ", known[i].name);
    }
}

static bool check_one(const struct parameter *known, struct http1_text part, bool seen[],
                      char *detail, size_t room)
{
    const char *mark = part.size > 0 ? memchr(part.data, '=', part.size) : NULL;
    struct http1_text name = {.data = part.data,
                              .size = mark != NULL ? (size_t)(mark - part.data) : part.size};
    for (size_t i = 0; known != NULL && known[i].name != NULL; i++) {
        uint64_t value;
        if (!http1_is(name, known[i].name)) {
            continue;
        }
        struct http1_text text = {.data = mark != NULL ? mark + 1 : "",
                                  .size = mark != NULL ? part.size - name.size - 1 : 0};
        if (seen[i]) {
            snprintf(detail, room, "the parameter %s stands twice; give it once", known[i].name);
            return false;
        }
        seen[i] = true;
        if (known[i].max != PARAMETER_TEXT && (!decimal(text, &value) || value > known[i].max)) {
            snprintf(detail, room, "the parameter %s is \"%.*s\"; give a decimal number up to %llu",
                     known[i].name, shown(text), text.data, (unsigned long long)known[i].max);
            return false;
        }
        return true;
    }
    char names[256];
    list_known(known, names, sizeof names);
    snprintf(detail, room, "this address does not take the parameter \"%.*s\"; %s", shown(name),
             name.data, names);
    return false;
}

bool parameters_check(const struct exchange *exchange, const struct parameter *known, char *detail,
                      size_t room)
{
    bool seen[PARAMETERS_MAX] = {false};
    const char *at = exchange->query;
    while (*at != '\0') {
        size_t size = strcspn(at, "&");
        if (!check_one(known, (struct http1_text){.data = at, .size = size}, seen, detail, room)) {
            return false;
        }
        at += size;
        if (*at == '&') {
            at++;
        }
    }
    return true;
}
