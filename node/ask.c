#include "node/ask.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "node/peer/peers.h"

enum { ANSWER_SIZE_MAX = 16384, ANSWER_TIMEOUT_S = 30 };

/* Connects and sends a request. Returns the socket, or -1. */
static int send_request(const struct sockaddr_storage *address, const char *request)
{
    struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
    socklen_t size =
        address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int one = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t length = strlen(request);
    if (one >= 0 && (setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
                     connect(one, (const struct sockaddr *)address, size) != 0 ||
                     send(one, request, length, MSG_NOSIGNAL) != (ssize_t)length)) {
        int why = errno;
        close(one);
        errno = why;
        one = -1;
    }
    return one;
}

/* Reads until the other side closes. Returns the size, NUL-ended; or -1. */
static ssize_t read_answer(int one, char answer[ANSWER_SIZE_MAX])
{
    size_t at = 0;
    for (;;) {
        ssize_t got = recv(one, answer + at, ANSWER_SIZE_MAX - 1 - at, 0);
        if (got < 0 || at == ANSWER_SIZE_MAX - 1) {
            return -1;
        }
        if (got == 0) {
            answer[at] = '\0';
            return (ssize_t)at;
        }
        at += (size_t)got;
    }
}

/* The body of a 200 becomes text; of anything else, its detail does. */
static enum status judge(const char *answer, char *text, size_t size)
{
    const char *body = strstr(answer, "\r\n\r\n");
    json_t *object = body == NULL ? NULL : json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || !json_is_object(object)) {
        json_decref(object);
        snprintf(text, size, "what answers on local_listen is not a node");
        return ST_BAD_ENCODING;
    }
    bool good = strncmp(answer + 9, "200 ", 4) == 0;
    const char *detail = json_string_value(json_object_get(object, "detail"));
    if (good) {
        char *dump = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
        snprintf(text, size, "%s", dump != NULL ? dump : "");
        free(dump);
    } else {
        snprintf(text, size, "%s", detail != NULL ? detail : "the node refused");
    }
    json_decref(object);
    return good ? ST_OK : ST_CONFLICT;
}

enum status ask_following(const struct node_config *config, char *text, size_t size)
{
    struct sockaddr_storage address = {0};
    char request[256 + CONFIG_TEXT_SIZE];
    char answer[ANSWER_SIZE_MAX];
    if (peers_parse_address(config->local_listen, &address) != 0) {
        snprintf(text, size,
                 "local_listen is \"%s\"; give a numeric address and a port, as 127.0.0.1:9002",
                 config->local_listen);
        return ST_BAD_CONFIG;
    }
    snprintf(request, sizeof request,
             "POST /v1/following HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n"
             "Connection: close\r\n\r\n",
             config->local_listen);
    int one = send_request(&address, request);
    ssize_t got = one < 0 ? -1 : read_answer(one, answer);
    if (got < 0) {
        snprintf(text, size, "no node answers on %s (%s); is it running?", config->local_listen,
                 strerror(errno));
    }
    if (one >= 0) {
        close(one);
    }
    return got < 0 ? ST_NOT_FOUND : judge(answer, text, size);
}
