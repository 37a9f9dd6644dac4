#include "node/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/driver/driver.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

/* A request crosses to the loop thread as a call, which hands it to the driver. */
struct call {
    struct task task;
    struct node *node;
    struct node_submit *submit;
    struct node_wait *wait;
    struct node_info *info;
    struct node_following *following;
    struct node_evidence *evidence;
};

static void call_done(struct task *task)
{
    struct call *call = (struct call *)task;
    if (call->submit != NULL) {
        driver_submit(call->node->driver, call->submit);
    } else if (call->wait != NULL) {
        driver_wait(call->node->driver, call->wait);
    } else if (call->following != NULL) {
        driver_following(call->node->driver, call->following);
    } else if (call->evidence != NULL) {
        driver_evidence_list(call->node->driver, call->evidence);
    } else {
        driver_info(call->node->driver, call->info);
    }
    free(call);
}

static void post_call(struct node *node, struct call request)
{
    struct call *call = malloc(sizeof *call);
    CHECK(call != NULL);
    *call = request;
    call->node = node;
    call->task.done = call_done;
    inbox_post(&node->inbox, &call->task);
}

void node_submit(struct node *node, struct node_submit *request)
{
    post_call(node, (struct call){.submit = request});
}

void node_wait(struct node *node, struct node_wait *request)
{
    post_call(node, (struct call){.wait = request});
}

void node_info(struct node *node, struct node_info *request)
{
    post_call(node, (struct call){.info = request});
}

void node_following(struct node *node, struct node_following *request)
{
    post_call(node, (struct call){.following = request});
}

void node_evidence(struct node *node, struct node_evidence *request)
{
    post_call(node, (struct call){.evidence = request});
}

void node_evidence_free(struct node_evidence *request)
{
    for (size_t i = 0; i < request->count; i++) {
        free(request->list[i].bytes);
    }
    free(request->list);
    request->list = NULL;
    request->count = 0;
}

enum status node_view(struct node *node, struct ledger_view *view, uint8_t **certificate,
                      size_t *certificate_size)
{
    uint8_t *certified = NULL;
    size_t size = 0;
    uint64_t memory[(CERTIFICATE_SIZE_MAX + 2048) / 8];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    enum status status = ledger_view_open(view, node->state_kv);
    if (status != ST_OK) {
        return status;
    }
    status = block_log_get_certified(node->block_log, view->header.height, &certified, &size);
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK && canonical_decode(&message, &xuelian__certified__descriptor,
                                            bytes_of(certified, size), &arena) != ST_OK) {
        status = ST_CORRUPT;
    }
    /* The block of a recovery has none: what is proved is proved with the next block. */
    if (status == ST_OK &&
        ((const Xuelian__Certified *)(const void *)message)->certificate.len == 0) {
        status = ST_NOT_FOUND;
    }
    if (status == ST_OK) {
        const Xuelian__Certified *wire = (const Xuelian__Certified *)(const void *)message;
        *certificate = malloc(wire->certificate.len + 1);
        CHECK(*certificate != NULL);
        if (wire->certificate.len > 0) {
            memcpy(*certificate, wire->certificate.data, wire->certificate.len);
        }
        *certificate_size = wire->certificate.len;
    } else {
        ledger_view_close(view);
    }
    kv_free(certified);
    return status == ST_NOT_FOUND ? ST_MISSING : status;
}

struct block_log *node_block_log(struct node *node)
{
    return node->block_log;
}

const struct genesis *node_genesis(struct node *node)
{
    return &node->genesis;
}

struct bytes node_genesis_bytes(struct node *node)
{
    return bytes_of(node->genesis_bytes, node->genesis_size);
}

const struct signer *node_signer(struct node *node)
{
    return node->signer;
}

const char *node_data_dir(struct node *node)
{
    return node->config.data_dir;
}

struct metric {
    const char *name;
    const char *type;
    const char *help;
    atomic_uint_fast64_t *value;
};

char *node_metrics(struct node *node)
{
    struct node_gauges *g = &node->gauges;
    const struct metric metrics[] = {
        {"xuelian_height", "gauge", "Height of the newest committed block.", &g->height},
        {"xuelian_view", "gauge", "View that is open in the current era.", &g->view},
        {"xuelian_era", "gauge", "First height of the current validator set.", &g->era},
        {"xuelian_peers", "gauge", "Connected nodes.", &g->peers},
        {"xuelian_pool_transactions", "gauge", "Transactions waiting for a block.", &g->pool_count},
        {"xuelian_pool_bytes", "gauge", "Bytes of the transactions held.", &g->pool_bytes},
        {"xuelian_blocks_total", "counter", "Blocks committed since start.", &g->blocks},
        {"xuelian_transactions_total", "counter", "Transactions committed since start.",
         &g->transactions},
        {"xuelian_view_changes_total", "counter", "Views opened after the first.",
         &g->view_changes},
        {"xuelian_submitted_total", "counter", "Transactions submitted by clients.", &g->submitted},
        {"xuelian_refused_total", "counter", "Submissions that can never be in a block.",
         &g->refused},
        {"xuelian_evidence_total", "counter", "Proofs of a validator's misbehaviour seen.",
         &g->evidence},
        {"xuelian_evidence_kept", "gauge", "Pieces of evidence against validators kept here.",
         &g->evidence_kept},
        {"xuelian_evidence_dropped_total", "counter",
         "Evidence from other nodes that shows nothing, cannot be judged here, or is too much.",
         &g->evidence_dropped},
        {"xuelian_alarms_total", "counter", "Alarms that stopped this node's voting.", &g->alarms},
        {"xuelian_messages_total", "counter", "Consensus messages received.", &g->messages_in},
        {"xuelian_messages_dropped_total", "counter", "Messages dropped at a full queue.",
         &g->messages_dropped},
        {"xuelian_messages_bad_total", "counter", "Messages malformed or with a bad signature.",
         &g->messages_bad},
    };
    size_t count = sizeof metrics / sizeof metrics[0];
    size_t size = count * 512;
    size_t at = 0;
    char *text = malloc(size);
    CHECK(text != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = &metrics[i];
        at += (size_t)snprintf(text + at, size - at, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n",
                               metric->name, metric->help, metric->name, metric->type, metric->name,
                               (unsigned long long)atomic_load(metric->value));
    }
    return text;
}

bool node_ready(struct node *node, char *why, size_t why_size)
{
    bool ready = atomic_load(&node->gauges.ready);
    snprintf(why, why_size,
             ready ? "ready at height %llu"
                   : "not ready at height %llu: too few peers, or catching up; see /v1/network",
             (unsigned long long)atomic_load(&node->gauges.height));
    return ready;
}
