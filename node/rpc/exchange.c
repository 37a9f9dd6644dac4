/* A request and its answer, whatever the protocol. */
#include <stdlib.h>
#include <string.h>

#include "node/rpc/connection.h"
#include "proto/check.h"

enum { AUTHORIZATION_MAX = 2048 };

struct exchange *exchange_new(struct connection *connection)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    CHECK(exchange != NULL);
    exchange->rpc = connection->rpc;
    exchange->connection = connection;
    exchange->local = connection->operator;
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    free(exchange->authorization);
    free(exchange->receipt);
    free(exchange->body);
    free(exchange);
}

void exchange_language(struct exchange *exchange, const char *accept_language, size_t size)
{
    exchange->chinese = size >= 2 && memcmp(accept_language, "zh", 2) == 0;
}

void exchange_authorization(struct exchange *exchange, const char *text, size_t size)
{
    size = size < AUTHORIZATION_MAX ? size : AUTHORIZATION_MAX;
    if (size > 0 && exchange->authorization == NULL) {
        exchange->authorization = malloc(size + 1);
        CHECK(exchange->authorization != NULL);
        memcpy(exchange->authorization, text, size);
        exchange->authorization[size] = '\0';
    }
}

static bool copy(char *out, size_t room, const char *text, size_t size)
{
    if (size >= room) {
        return false;
    }
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

bool exchange_target(struct exchange *exchange, const char *target, size_t size)
{
    const char *mark = memchr(target, '?', size);
    size_t path = mark != NULL ? (size_t)(mark - target) : size;
    return copy(exchange->path, sizeof exchange->path, target, path) &&
           (mark == NULL ||
            copy(exchange->query, sizeof exchange->query, mark + 1, size - path - 1));
}

void exchange_begin(struct exchange *exchange)
{
    if (++exchange->rpc->under_way > RPC_UNDER_WAY_MAX) {
        exchange_problem(exchange, 503, ST_BUSY, "too many requests are under way");
    } else if (exchange->path[0] == '\0') {
        exchange_problem(exchange, 404, ST_NOT_FOUND, "the address is too long");
    } else {
        routes_dispatch(exchange);
    }
}

void exchange_answer(struct exchange *exchange, int status, const char *content_type,
                     const void *body, size_t size)
{
    exchange->rpc->under_way--;
    if (exchange->connection != NULL) {
        exchange->connection->protocol->answer(exchange, status, content_type, body, size);
    }
    exchange_free(exchange);
}

size_t answer_fields(const struct exchange *exchange, int status,
                     struct answer_field fields[ANSWER_FIELDS_MAX])
{
    size_t count = 0;
    fields[count++] = (struct answer_field){"cache-control", "no-store"};
    fields[count++] = (struct answer_field){"x-content-type-options", "nosniff"};
    if (exchange != NULL && exchange->receipt != NULL) {
        fields[count++] = (struct answer_field){"xuelian-receipt", exchange->receipt};
    }
    if (status == 401) {
        fields[count++] = (struct answer_field){"www-authenticate", "Bearer"};
    }
    if (status == 429 || status == 503) {
        fields[count++] = (struct answer_field){"retry-after", "1"};
    }
    return count;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Internal Server Error";
}
