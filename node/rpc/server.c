#include <stdio.h>
#include <stdlib.h>

#include "node/log.h"
#include "node/peer/peers.h"
#include "node/query_log.h"
#include "node/rpc/anchor.h"
#include "node/rpc/connection.h"
#include "node/rpc/query.h"
#include "proto/check.h"

enum { TICK_MS = 1000, BACKLOG = 256, QUERY_THREADS = 2, QUERY_QUEUE = 256 };

static void accept_one(uv_stream_t *server, int status)
{
    struct rpc *rpc = server->data;
    if (status >= 0 && !rpc->stopping) {
        connection_accept(rpc, (uv_tcp_t *)server);
    }
}

static void tick(uv_timer_t *timer)
{
    struct rpc *rpc = timer->data;
    for (struct connection *c = rpc->connections; c != NULL; c = c->next) {
        connection_tick(c, uv_now(&rpc->loop));
    }
    anchor_tick(rpc, uv_now(&rpc->loop));
}

static enum status listen_on(struct rpc *rpc, uv_tcp_t *server, const char *text,
                             const char *setting, char *error, size_t error_size)
{
    struct sockaddr_storage address = {0};
    if (peers_parse_address(text, &address) != 0) {
        snprintf(error, error_size,
                 "%s is \"%s\"; give a numeric address and a port, as 127.0.0.1:8443", setting,
                 text);
        return ST_BAD_CONFIG;
    }
    CHECK(uv_tcp_init(&rpc->loop, server) == 0);
    server->data = rpc;
    int result = uv_tcp_bind(server, (const struct sockaddr *)&address, 0);
    if (result == 0) {
        result = uv_listen((uv_stream_t *)server, BACKLOG, accept_one);
    }
    if (result == 0) {
        return ST_OK;
    }
    snprintf(error, error_size,
             result == UV_EADDRINUSE
                 ? "the address %s is in use; stop the program that uses it or change %s"
                 : "cannot listen on %s; change %s",
             text, setting);
    return result == UV_EADDRINUSE ? ST_LOCKED : ST_IO;
}

/* The certificate clients pin: rpc-cert.pem in the data directory, replaced whole, and endorsed by the node
 * key for those who have only the genesis file. */
static enum status write_certificate(struct rpc *rpc, char *error, size_t error_size)
{
    char path[1100];
    char temporary[1112];
    char *pem = NULL;
    struct hash32 hash;
    enum status status = tls_context_certificate(rpc->context, &pem, &rpc->certificate);
    snprintf(path, sizeof path, "%s/rpc-cert.pem", node_data_dir(rpc->node));
    snprintf(temporary, sizeof temporary, "%s.new", path);
    if (status == ST_OK) {
        hash_tagged(&hash, TAG_SIGN_TLS, rpc->certificate.bytes, sizeof rpc->certificate.bytes);
        signer_sign(node_signer(rpc->node), &hash, &rpc->endorsement);
        FILE *file = fopen(temporary, "we");
        bool written = file != NULL && fputs(pem, file) >= 0;
        written = (file == NULL || fclose(file) == 0) && written;
        if (!written || rename(temporary, path) != 0) {
            status = ST_IO;
        }
    }
    if (status != ST_OK) {
        snprintf(error, error_size, "the certificate %s cannot be written; check the disk", path);
    }
    free(pem);
    return status;
}

static enum status open_log(struct rpc *rpc, char *error, size_t error_size)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/queries", node_data_dir(rpc->node));
    return query_log_open(&rpc->query_log, path, error, error_size);
}

static void thread_main(void *argument)
{
    struct rpc *rpc = argument;
    uv_run(&rpc->loop, UV_RUN_DEFAULT);
}

enum status rpc_start(struct rpc **rpc, struct node *node, const char *listen, const char *local,
                      char *error, size_t error_size)
{
    struct rpc *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->node = node;
    CHECK(uv_loop_init(&made->loop) == 0);
    enum status status = tls_context_new(&made->context, "h2,http/1.1");
    if (status == ST_OK) {
        status = write_certificate(made, error, error_size);
    }
    if (status == ST_OK) {
        status = open_log(made, error, error_size);
    }
    if (status == ST_OK) {
        status = listen_on(made, &made->tls_server, listen, "rpc_listen", error, error_size);
    }
    if (status == ST_OK) {
        status = listen_on(made, &made->local_server, local, "local_listen", error, error_size);
    }
    if (status != ST_OK) {
        return status; /* the process ends: see main.c */
    }
    CHECK(inbox_init(&made->inbox, &made->loop) == 0);
    CHECK(uv_timer_init(&made->loop, &made->timer) == 0);
    made->timer.data = made;
    uv_timer_start(&made->timer, tick, TICK_MS, TICK_MS);
    made->queries = worker_start("query", QUERY_THREADS, QUERY_QUEUE);
    made->log_worker = worker_start("query-log", 1, 2);
    CHECK(uv_thread_create(&made->thread, thread_main, made) == 0);
    *rpc = made;
    return ST_OK;
}

static void stop_on_loop(struct task *task)
{
    struct rpc *rpc = (struct rpc *)(void *)((char *)task - offsetof(struct rpc, stop_task));
    rpc->stopping = true;
    uv_close((uv_handle_t *)&rpc->tls_server, NULL);
    uv_close((uv_handle_t *)&rpc->local_server, NULL);
    uv_close((uv_handle_t *)&rpc->timer, NULL);
    for (struct connection *c = rpc->connections; c != NULL; c = c->next) {
        connection_close(c);
    }
    inbox_close(&rpc->inbox);
}

void rpc_stop(struct rpc *rpc)
{
    rpc->stop_task.done = stop_on_loop;
    inbox_post(&rpc->inbox, &rpc->stop_task);
    uv_thread_join(&rpc->thread);
    worker_stop(rpc->queries);
    worker_stop(rpc->log_worker);
    CHECK(uv_loop_close(&rpc->loop) == 0);
}

void rpc_free(struct rpc *rpc)
{
    inbox_drain(&rpc->inbox); /* answers that came too late for their connections */
    while (rpc->unlogged != NULL) {
        struct query *query = rpc->unlogged;
        rpc->unlogged = query->next;
        query_answer(query);
    }
    CHECK(rpc->under_way == 0);
    query_log_close(rpc->query_log);
    SSL_CTX_free(rpc->context);
    uv_mutex_destroy(&rpc->inbox.mutex);
    free(rpc);
}
