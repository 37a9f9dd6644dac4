#include "tests/unit/cmocka_all.h"

#include "tests/unit/cli/odd_node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_ROOM = 700000 };

static struct {
    void (*answer)(const struct odd_request *request, struct odd_answer *answer);
    int listener;
    int stop;
    uint32_t posts;
    uint32_t gets;
    pthread_t thread;
    char request[REQUEST_ROOM];
} node;

/* Reads a request whole. Returns its body, or NULL. */
static char *read_request(int connection, size_t *body_size)
{
    size_t size = 0;
    char *end = NULL;
    *body_size = 0;
    while (end == NULL || size < (size_t)(end - node.request) + *body_size) {
        ssize_t got = read(connection, node.request + size, REQUEST_ROOM - 1 - size);
        if (got <= 0) {
            return NULL;
        }
        size += (size_t)got;
        node.request[size] = '\0';
        if (end == NULL && (end = strstr(node.request, "\r\n\r\n")) != NULL) {
            end += 4;
            const char *length = strcasestr(node.request, "\r\ncontent-length:");
            *body_size = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
        }
    }
    return end;
}

static void serve(int connection)
{
    char head[256];
    struct odd_request request = {.number = 0};
    struct odd_answer answer = {.http_status = 200};
    char *body = read_request(connection, &request.body_size);
    if (body == NULL) {
        return;
    }
    char *path = strchr(node.request, ' ') + 1;
    path[strcspn(path, " ")] = '\0';
    request.path = path;
    request.body = (const uint8_t *)body;
    if (strcmp(path, "/v1/network") == 0) {
        snprintf(answer.body, sizeof answer.body, "{\"height\":\"7\"}");
    } else {
        request.number = request.body_size > 0 ? ++node.posts : ++node.gets;
        node.answer(&request, &answer);
    }
    if (answer.http_status == 0) {
        return;
    }
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %d x\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                        answer.http_status, strlen(answer.body));
    if (send(connection, head, (size_t)size, MSG_NOSIGNAL) == size) {
        ssize_t wrote = send(connection, answer.body, strlen(answer.body), MSG_NOSIGNAL);
        (void)wrote; /* a client that went away is no matter */
    }
}

static void *run(void *argument)
{
    (void)argument;
    for (;;) {
        struct pollfd waiting[2] = {{.fd = node.listener, .events = POLLIN},
                                    {.fd = node.stop, .events = POLLIN}};
        poll(waiting, 2, -1);
        if (waiting[1].revents != 0) {
            return NULL;
        }
        int connection = accept(node.listener, NULL, NULL);
        if (connection >= 0) {
            serve(connection);
            close(connection);
        }
    }
}

uint16_t odd_node_start(void (*answer)(const struct odd_request *request,
                                       struct odd_answer *answer))
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    node.answer = answer;
    node.posts = 0;
    node.gets = 0;
    node.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    node.stop = eventfd(0, EFD_CLOEXEC);
    assert_true(node.listener >= 0 && node.stop >= 0);
    assert_int_equal(bind(node.listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(node.listener, 64), 0);
    assert_int_equal(getsockname(node.listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&node.thread, NULL, run, NULL), 0);
    return ntohs(address.sin_port);
}

uint32_t odd_node_stop(void)
{
    uint64_t one = 1;
    assert_int_equal(write(node.stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(node.thread, NULL), 0);
    close(node.listener);
    close(node.stop);
    return node.posts + node.gets;
}
