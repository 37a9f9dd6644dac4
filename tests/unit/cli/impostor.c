#include "tests/unit/cmocka_all.h"

#include "tests/unit/cli/impostor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/tls.h"

static struct {
    uint16_t node_port;
    uint32_t passed;
    uint32_t answered;
    int listener;
    int stop;
    pthread_t thread;
    SSL_CTX *context;
    char endorsement[1024];
} impostor;

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(connection, (const struct sockaddr *)&address, sizeof address), 0);
    return connection;
}

/* The body of GET /v1/network/tls. */
static void copy_endorsement(uint16_t local_port)
{
    static const char request[] =
        "GET /v1/network/tls HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char answer[4096] = "";
    size_t size = 0;
    int connection = connect_to(local_port);
    assert_int_equal(send(connection, request, sizeof request - 1, MSG_NOSIGNAL),
                     sizeof request - 1);
    while (strchr(answer, '}') == NULL) {
        ssize_t got = read(connection, answer + size, sizeof answer - 1 - size);
        assert_true(got > 0);
        size += (size_t)got;
        answer[size] = '\0';
    }
    close(connection);
    const char *body = strstr(answer, "\r\n\r\n{");
    assert_non_null(body);
    snprintf(impostor.endorsement, sizeof impostor.endorsement, "%s", body + 4);
}

/* Copies both ways until either side ends. */
static void pass_on(int client)
{
    char data[16384];
    int node = connect_to(impostor.node_port);
    for (;;) {
        struct pollfd sides[2] = {{.fd = client, .events = POLLIN}, {.fd = node, .events = POLLIN}};
        poll(sides, 2, -1);
        int from = sides[0].revents != 0 ? client : node;
        ssize_t got = read(from, data, sizeof data);
        if (got <= 0 ||
            send(from == client ? node : client, data, (size_t)got, MSG_NOSIGNAL) != got) {
            break;
        }
    }
    close(node);
}

static void answer(int client)
{
    char data[4096] = "";
    size_t size = 0;
    SSL *ssl = SSL_new(impostor.context);
    SSL_set_fd(ssl, client);
    SSL_set_accept_state(ssl);
    while (size < sizeof data - 1 && strstr(data, "\r\n\r\n") == NULL) {
        int got = SSL_read(ssl, data + size, (int)(sizeof data - 1 - size));
        if (got <= 0) {
            break; /* the client has seen the certificate */
        }
        size += (size_t)got;
        data[size] = '\0';
    }
    if (strstr(data, "\r\n\r\n") != NULL) {
        const char *body = strstr(data, "/v1/network/tls") != NULL ? impostor.endorsement
                                                                   : "{\"height\":\"999999\"}";
        int length = snprintf(data, sizeof data,
                              "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
                              "Content-Type: application/json\r\nConnection: close\r\n\r\n%s",
                              strlen(body), body);
        impostor.answered += SSL_write(ssl, data, length) > 0;
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static void *run(void *argument)
{
    uint32_t count = 0;
    (void)argument;
    for (;;) {
        struct pollfd waiting[2] = {{.fd = impostor.listener, .events = POLLIN},
                                    {.fd = impostor.stop, .events = POLLIN}};
        poll(waiting, 2, -1);
        if (waiting[1].revents != 0) {
            return NULL;
        }
        int client = accept(impostor.listener, NULL, NULL);
        if (client >= 0) {
            if (++count <= impostor.passed) {
                pass_on(client);
            } else {
                answer(client);
            }
            close(client);
        }
    }
}

uint16_t impostor_start(uint16_t node_port, uint16_t local_port, uint32_t passed)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to clients that went away */
    copy_endorsement(local_port);
    impostor.node_port = node_port;
    impostor.passed = passed;
    impostor.answered = 0;
    assert_int_equal(tls_context_new(&impostor.context, "http/1.1"), ST_OK);
    impostor.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    impostor.stop = eventfd(0, EFD_CLOEXEC);
    assert_true(impostor.listener >= 0 && impostor.stop >= 0);
    assert_int_equal(bind(impostor.listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(impostor.listener, 16), 0);
    assert_int_equal(getsockname(impostor.listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&impostor.thread, NULL, run, NULL), 0);
    return ntohs(address.sin_port);
}

uint32_t impostor_stop(void)
{
    uint64_t one = 1;
    assert_int_equal(write(impostor.stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(impostor.thread, NULL), 0);
    close(impostor.listener);
    close(impostor.stop);
    SSL_CTX_free(impostor.context);
    signal(SIGPIPE, SIG_DFL);
    return impostor.answered;
}
