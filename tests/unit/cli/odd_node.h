/* A node that answers what a real one cannot be made to: plain HTTP on loopback, one thread, one request a
 * connection. What it says is written by the test. */
#ifndef XUELIAN_TESTS_CLI_ODD_NODE_H
#define XUELIAN_TESTS_CLI_ODD_NODE_H

#include <stddef.h>
#include <stdint.h>

struct odd_request {
    uint32_t number;  /* of its kind, from 1 */
    const char *path; /* with its query */
    const uint8_t *body;
    size_t body_size; /* 0: GET */
};

struct odd_answer {
    int http_status; /* 0: closes without an answer */
    char body[512];
};

/* GET /v1/network is answered with height 7; all else by `answer`, called on the node's thread with no other
 * request under way. Returns the port. One at a time. */
uint16_t odd_node_start(void (*answer)(const struct odd_request *request,
                                       struct odd_answer *answer));
/* Ends it. Returns how many requests it had, but those for the height. */
uint32_t odd_node_stop(void);

#endif
