/* The request parser: what two parsers could read in two ways is refused. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#include "node/rpc/http1.h"

struct request_case {
    const char *what;
    const char *text;
    int status;
};

#define GET "GET /v1/network HTTP/1.1\r\nHost: x\r\n"
static const struct request_case cases[] = {
    {"a plain request", GET "\r\n", 200},
    {"a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 200},
    {"spaces around a value", GET "Accept: \t a \t\r\n\r\n", 200},
    {"not the end yet", GET, 0},
    {"half a line end", GET "\r", 0},
    {"nothing", "", 0},
    {"bare LF line ends", "GET / HTTP/1.1\nHost: x\n\n", 400},
    {"bare CR in a value", GET "A: b\rc\r\n\r\n", 400},
    {"a folded line", GET "A: b\r\n c\r\n\r\n", 400},
    {"a space before the colon", GET "Content-Length : 3\r\n\r\n", 400},
    {"a space in a name", GET "Content Length: 3\r\n\r\n", 400},
    {"no colon", GET "A\r\n\r\n", 400},
    {"an empty name", GET ": b\r\n\r\n", 400},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", GET "Host: y\r\n\r\n", 400},
    {"two lengths", GET "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400},
    {"a list of lengths", GET "Content-Length: 3, 3\r\n\r\n", 400},
    {"a signed length", GET "Content-Length: +3\r\n\r\n", 400},
    {"a negative length", GET "Content-Length: -1\r\n\r\n", 400},
    {"a hexadecimal length", GET "Content-Length: 0x3\r\n\r\n", 400},
    {"an empty length", GET "Content-Length:\r\n\r\n", 400},
    {"a length past the limit", GET "Content-Length: 1015809\r\n\r\n", 413},
    {"a length of 11 digits", GET "Content-Length: 99999999999\r\n\r\n", 413},
    {"the largest body", GET "Content-Length: 1015808\r\n\r\n", 200},
    {"chunked", GET "Transfer-Encoding: chunked\r\n\r\n", 411},
    {"chunked in capitals", GET "TRANSFER-ENCODING: CHUNKED\r\n\r\n", 411},
    {"both lengths", GET "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
    {"an expectation", GET "Expect: 100-continue\r\n\r\n", 417},
    {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
    {"another protocol", "GET / HTCP/1.1\r\nHost: x\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: x\r\n\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a tab", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"an absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a target with a control character", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a target past ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a method of 17 letters", "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a line before the request", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"TLS sent to the plain port", "\x16\x03\x01\x02\r\n", 400},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http1_request request;
        int status = http1_parse(&request, cases[i].text, strlen(cases[i].text));
        if (status != cases[i].status) {
            print_error("%s: %d, expected %d\n", cases[i].what, status, cases[i].status);
        }
        assert_int_equal(status, cases[i].status);
    }
}

/* Byte by byte the answer is "more" until the head is whole, then it never changes. */
static void test_any_split(void **state)
{
    const char *text = "POST /v1/transactions?wait_ms=5 HTTP/1.1\r\nHost: x\r\nContent-Length: "
                       "4\r\nConnection: close\r\n\r\nbody";
    struct http1_request request;
    size_t head = strlen(text) - 4;
    (void)state;
    for (size_t size = 0; size < head; size++) {
        assert_int_equal(http1_parse(&request, text, size), 0);
    }
    assert_int_equal(http1_parse(&request, text, head), 200);
    assert_int_equal(request.head_size, head);
    assert_int_equal(request.body_size, 4);
    assert_false(request.keep_alive);
    assert_true(http1_is(request.method, "POST"));
    assert_true(http1_is(request.path, "/v1/transactions"));
    assert_true(http1_is(http1_parameter(&request, "wait_ms"), "5"));
    assert_int_equal(http1_parameter(&request, "wait").size, 0);
}

static void test_limits(void **state)
{
    static char text[HTTP1_HEAD_SIZE_MAX + 64];
    struct http1_request request;
    (void)state;
    size_t at = (size_t)snprintf(text, sizeof text, GET);
    for (unsigned i = 0; i < HTTP1_FIELDS_MAX - 1; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "A: b\r\n");
    }
    snprintf(text + at, sizeof text - at, "\r\n");
    assert_int_equal(http1_parse(&request, text, at + 2), 200);
    snprintf(text + at, sizeof text - at, "A: b\r\n\r\n");
    assert_int_equal(http1_parse(&request, text, at + 8), 431);
    at = (size_t)snprintf(text, sizeof text, GET "A: ");
    memset(text + at, 'a', sizeof text - at);
    assert_int_equal(http1_parse(&request, text, sizeof text), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_any_split),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
