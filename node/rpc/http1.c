#include "node/rpc/http1.h"

#include <string.h>

bool http1_is(struct http1_text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_name(struct http1_text text, const char *name)
{
    if (text.size != strlen(name)) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (lower(text.data[i]) != name[i]) {
            return false;
        }
    }
    return true;
}

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The next line without its CRLF. A bare CR or LF, or a NUL, is an error: -1. 0: incomplete. */
static int next_line(const char *data, size_t size, size_t *at, struct http1_text *line)
{
    for (size_t i = *at; i < size; i++) {
        char c = data[i];
        if (c == '\n' || c == '\0') {
            return -1;
        }
        if (c == '\r') {
            if (i + 1 == size) {
                return 0;
            }
            if (data[i + 1] != '\n') {
                return -1;
            }
            *line = (struct http1_text){.data = data + *at, .size = i - *at};
            *at = i + 2;
            return 1;
        }
    }
    return 0;
}

static int parse_request_line(struct http1_request *request, struct http1_text line)
{
    size_t i = 0;
    while (i < line.size && is_token_char(line.data[i])) {
        i++;
    }
    if (i == 0 || i > 15 || i == line.size || line.data[i] != ' ') {
        return 400;
    }
    request->method = (struct http1_text){.data = line.data, .size = i};
    size_t start = ++i;
    while (i < line.size && line.data[i] > ' ' && line.data[i] < 0x7f) {
        i++;
    }
    if (i == start || line.data[start] != '/' || i == line.size || line.data[i] != ' ') {
        return 400;
    }
    const char *mark = memchr(line.data + start, '?', i - start);
    size_t path = mark != NULL ? (size_t)(mark - line.data) - start : i - start;
    request->path = (struct http1_text){.data = line.data + start, .size = path};
    if (mark != NULL) {
        request->query = (struct http1_text){.data = mark + 1, .size = i - start - path - 1};
    }
    struct http1_text version = {.data = line.data + i + 1, .size = line.size - i - 1};
    if (http1_is(version, "HTTP/1.1")) {
        return 200;
    }
    return version.size == 8 && memcmp(version.data, "HTTP/", 5) == 0 ? 505 : 400;
}

static int parse_length(struct http1_text value, size_t *length)
{
    *length = 0;
    if (value.size == 0 || value.size > 10) {
        return value.size == 0 ? 400 : 413;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return 400;
        }
        *length = *length * 10 + (size_t)(value.data[i] - '0');
    }
    return *length > HTTP1_BODY_SIZE_MAX ? 413 : 200;
}

struct fields_seen {
    unsigned count;
    bool host;
    bool length;
    bool authorization;
};

static int take_field(struct http1_request *request, struct fields_seen *seen,
                      struct http1_text name, struct http1_text value)
{
    if (is_name(name, "host")) {
        if (seen->host) {
            return 400;
        }
        seen->host = true;
    } else if (is_name(name, "content-length")) {
        if (seen->length) {
            return 400;
        }
        seen->length = true;
        return parse_length(value, &request->body_size);
    } else if (is_name(name, "transfer-encoding")) {
        return 411;
    } else if (is_name(name, "expect")) {
        return 417;
    } else if (is_name(name, "connection")) {
        if (is_name(value, "close")) {
            request->keep_alive = false;
        }
    } else if (is_name(name, "accept")) {
        request->accept = value;
    } else if (is_name(name, "accept-language")) {
        request->accept_language = value;
    } else if (is_name(name, "authorization")) {
        if (seen->authorization) {
            return 400;
        }
        seen->authorization = true;
        request->authorization = value;
    }
    return 200;
}

static int parse_field(struct http1_request *request, struct fields_seen *seen,
                       struct http1_text line)
{
    size_t i = 0;
    while (i < line.size && is_token_char(line.data[i])) {
        i++;
    }
    /* Also refuses a folded line, which begins with a space, and a space before the colon. */
    if (i == 0 || i == line.size || line.data[i] != ':') {
        return 400;
    }
    struct http1_text name = {.data = line.data, .size = i++};
    size_t end = line.size;
    while (i < end && (line.data[i] == ' ' || line.data[i] == '\t')) {
        i++;
    }
    while (end > i && (line.data[end - 1] == ' ' || line.data[end - 1] == '\t')) {
        end--;
    }
    for (size_t k = i; k < end; k++) {
        if ((unsigned char)line.data[k] < 0x20 && line.data[k] != '\t') {
            return 400;
        }
    }
    if (++seen->count > HTTP1_FIELDS_MAX) {
        return 431;
    }
    return take_field(request, seen, name,
                      (struct http1_text){.data = line.data + i, .size = end - i});
}

int http1_parse(struct http1_request *request, const char *data, size_t size)
{
    struct fields_seen seen = {.count = 0};
    struct http1_text line;
    size_t at = 0;
    size_t limit = size < HTTP1_HEAD_SIZE_MAX ? size : HTTP1_HEAD_SIZE_MAX;
    *request = (struct http1_request){.keep_alive = true};
    for (bool first = true;; first = false) {
        int got = next_line(data, limit, &at, &line);
        if (got <= 0) {
            return got < 0 ? 400 : limit == HTTP1_HEAD_SIZE_MAX ? 431 : 0;
        }
        if (!first && line.size == 0) {
            break;
        }
        int status = first ? parse_request_line(request, line) : parse_field(request, &seen, line);
        if (status != 200) {
            return status;
        }
    }
    request->head_size = at;
    return seen.host ? 200 : 400;
}

struct http1_text http1_parameter(const struct http1_request *request, const char *name)
{
    size_t name_size = strlen(name);
    const char *p = request->query.data;
    const char *end = p + request->query.size;
    while (p < end) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        stop = stop != NULL ? stop : end;
        if ((size_t)(stop - p) > name_size && memcmp(p, name, name_size) == 0 &&
            p[name_size] == '=') {
            return (struct http1_text){.data = p + name_size + 1,
                                       .size = (size_t)(stop - p) - name_size - 1};
        }
        p = stop + 1;
    }
    return (struct http1_text){.size = 0};
}
