#include "node/rpc/anchor.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/nodes.h"
#include "ledger/tx/envelope.h"
#include "node/log.h"
#include "node/node.h"
#include "node/query_log.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"

enum { ANCHOR_WAIT_MS = 30000 };

/* Made on the log's thread, sent on the loop's. */
struct anchoring {
    struct task task;
    struct rpc *rpc;
    uint64_t log_size;
    uint8_t *bytes; /* NULL: nothing to anchor, or not now */
    size_t size;
};

struct own_node {
    const struct pubkey33 *key;
    uint32_t member;
};

static void see_node(void *context, const struct ledger_node *node)
{
    struct own_node *own = context;
    if (pubkey33_compare(&node->key, own->key) == 0) {
        own->member = node->member;
    }
}

/* Half the window: it is enough to be committed, and soon forgotten. */
static uint64_t last_height(const struct rpc *rpc, const struct ledger_view *view)
{
    static const char name[] = "validity_window";
    uint64_t window = node_genesis(rpc->node)->message->params->validity_window;
    uint64_t memory[32];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t *value = NULL;
    size_t size = 0;
    if (ledger_view_record(view, XUELIAN__COLLECTION__COLLECTION_PARAMS,
                           bytes_of(name, sizeof name - 1), &value, &size) == ST_OK) {
        arena_init(&arena, memory, sizeof memory);
        if (canonical_decode(&message, &xuelian__param_value__descriptor, bytes_of(value, size),
                             &arena) == ST_OK) {
            window = ((const Xuelian__ParamValue *)(const void *)message)->value;
        }
        kv_free(value);
    }
    return view->header.height + window / 2;
}

/* How many entries of this node's log the chain has a root of. */
static uint64_t anchored(const struct ledger_view *view, const struct pubkey33 *node)
{
    uint64_t memory[128];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t *value = NULL;
    size_t size = 0;
    uint64_t entries = 0;
    if (ledger_view_record(view, XUELIAN__COLLECTION__COLLECTION_QUERIES, bytes_of(node, 33),
                           &value, &size) == ST_OK) {
        arena_init(&arena, memory, sizeof memory);
        if (canonical_decode(&message, &xuelian__query_record__descriptor, bytes_of(value, size),
                             &arena) == ST_OK) {
            const Xuelian__QueryRecord *record =
                (const Xuelian__QueryRecord *)(const void *)message;
            entries = record->anchor != NULL ? record->anchor->log_size : 0;
        }
        kv_free(value);
    }
    return entries;
}

static enum status make(struct anchoring *anchoring, uint32_t member, uint64_t valid_until,
                        const struct hash32 *root)
{
    uint8_t payload[64];
    uint8_t *body = NULL;
    size_t body_size = 0;
    struct hash32 id;
    struct sig64 signature;
    const struct signer *signer = node_signer(anchoring->rpc->node);
    Xuelian__QueryLogAnchor wire = XUELIAN__QUERY_LOG_ANCHOR__INIT;
    wire.log_size = anchoring->log_size;
    wire.log_root = field_borrow(root, 32);
    struct bytes item = bytes_of(payload, canonical_encode(payload, &wire.base));
    struct tx_draft draft = {.chain_id = node_genesis(anchoring->rpc->node)->chain_id,
                             .valid_until = valid_until,
                             .kind = XUELIAN__TX_KIND__TX_KIND_QUERY_LOG_ANCHOR,
                             .signer_count = 1,
                             .items = &item,
                             .item_count = 1};
    draft.signers[0] = (struct tx_signer){.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_NODE,
                                          .member = member,
                                          .key = *signer_key(signer)};
    CHECK(RAND_bytes(draft.nonce.bytes, sizeof draft.nonce.bytes) == 1);
    enum status status = tx_build(&draft, &body, &body_size, &id);
    if (status == ST_OK) {
        signer_sign(signer, &id, &signature);
        status = tx_seal(body, body_size, &signature, 1, &anchoring->bytes, &anchoring->size);
    }
    free(body);
    return status;
}

static void anchor_run(struct task *task)
{
    struct anchoring *anchoring = (struct anchoring *)task;
    struct rpc *rpc = anchoring->rpc;
    struct own_node own = {.key = signer_key(node_signer(rpc->node))};
    struct ledger_view view;
    struct hash32 root;
    uint64_t until = 0;
    enum status status = query_log_head(rpc->query_log, &anchoring->log_size, &root);
    if (status != ST_OK || anchoring->log_size == 0 ||
        ledger_view_open(&view, rpc->node->state_kv) != ST_OK) {
        return;
    }
    if (anchored(&view, own.key) >= anchoring->log_size) {
        ledger_view_close(&view);
        return;
    }
    status = ledger_view_nodes(&view, see_node, &own, &until);
    if (status == ST_OK && own.member != 0) {
        (void)make(anchoring, own.member, last_height(rpc, &view), &root);
    }
    ledger_view_close(&view);
}

struct sending {
    struct node_submit submit;
    uint64_t log_size;
};

/* A pool that is full, or a head that another attempt put there: the next attempt has a higher one. */
static void sent(struct task *task)
{
    struct sending *sending = (struct sending *)task;
    const struct node_tx_status *tx = &sending->submit.tx;
    if (sending->submit.status == ST_OK && tx->state == NODE_TX_COMMITTED && tx->code == ST_OK) {
        log_event(LOG_INFO, "query-log", "the log of who looked is anchored at entry %llu",
                  (unsigned long long)sending->log_size);
    } else {
        log_event(LOG_WARN, "query-log", "the log of who looked was not anchored this time: %s",
                  sending->submit.status != ST_OK  ? status_en(sending->submit.status)
                  : tx->state == NODE_TX_COMMITTED ? status_en((enum status)tx->code)
                                                   : "the block has not come yet");
    }
    free(sending->submit.tx.result);
    free(sending);
}

static void anchor_done(struct task *task)
{
    struct anchoring *anchoring = (struct anchoring *)task;
    struct rpc *rpc = anchoring->rpc;
    rpc->anchoring = false;
    if (anchoring->bytes != NULL && !rpc->stopping) {
        struct sending *sending = calloc(1, sizeof *sending);
        CHECK(sending != NULL);
        sending->log_size = anchoring->log_size;
        sending->submit.task.done = sent;
        sending->submit.reply_to = &rpc->inbox;
        sending->submit.bytes = anchoring->bytes;
        sending->submit.size = anchoring->size;
        sending->submit.timeout_ms = ANCHOR_WAIT_MS;
        node_submit(rpc->node, &sending->submit);
    } else {
        free(anchoring->bytes);
    }
    free(anchoring);
}

void anchor_tick(struct rpc *rpc, uint64_t now_ms)
{
    uint64_t every_ms = rpc->node->config.query_anchor_seconds * (uint64_t)1000;
    if (every_ms == 0 || rpc->anchoring || now_ms - rpc->anchor_tried_ms < every_ms) {
        return;
    }
    rpc->anchor_tried_ms = now_ms;
    struct anchoring *anchoring = calloc(1, sizeof *anchoring);
    CHECK(anchoring != NULL);
    anchoring->task = (struct task){.run = anchor_run, .done = anchor_done};
    anchoring->rpc = rpc;
    rpc->anchoring = worker_post(rpc->log_worker, &rpc->inbox, &anchoring->task);
    if (!rpc->anchoring) {
        free(anchoring);
    }
}
