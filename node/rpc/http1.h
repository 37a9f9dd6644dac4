/* A strict parser of HTTP/1.1 requests (RFC 9112): what two parsers could read in two ways is refused.
 * Pure; borrowed pointers into the buffer. */
#ifndef XUELIAN_NODE_HTTP1_H
#define XUELIAN_NODE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_HEAD_SIZE_MAX 16384u
#define HTTP1_FIELDS_MAX    64u
#define HTTP1_BODY_SIZE_MAX 1015808u

struct http1_text {
    const char *data;
    size_t size;
};

struct http1_request {
    struct http1_text method;
    struct http1_text path;  /* of the target, before ? */
    struct http1_text query; /* after ?, or empty */
    struct http1_text accept;
    struct http1_text accept_language;
    struct http1_text authorization;
    size_t head_size; /* bytes of the head, blank line included */
    size_t body_size;
    bool keep_alive;
};

/* Parses a head.
 * Returns  0: more bytes are needed; 200: *request is set; else the status to answer with, after which the
 *          connection must be closed: 400, 411 (Transfer-Encoding), 413, 417, 431, 505. */
int http1_parse(struct http1_request *request, const char *data, size_t size);

/* Value of a query parameter, or size 0. No percent-decoding: values here need none. */
struct http1_text http1_parameter(const struct http1_request *request, const char *name);
bool http1_is(struct http1_text text, const char *word);

#endif
