/* Proofs of transactions, validator sets, recorded evidence and conversions. */
#include <stdlib.h>
#include <string.h>

#include "ledger/proof.h"
#include "node/node.h"
#include "node/rpc/permit.h"
#include "node/rpc/query.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/ledger.pb-c.h"

/* ---- Transactions ---- */

static enum status build_transaction(struct query *query, const struct ledger_view *view,
                                     const struct proof_anchor *anchor,
                                     const struct proof_source *source)
{
    struct stored_block block;
    struct tx_place place;
    (void)source;
    query->missing =
        "there is no such transaction; with block=HEIGHT its absence from a block is proved";
    if (query->number == 0) {
        enum status found = ledger_view_tx(view, &query->id, &place, NULL, NULL);
        if (found != ST_OK) {
            return found;
        }
        query->number = place.height;
    }
    query->missing =
        "this node does not hold that block, or not what proves it; ask an archive node";
    enum status status =
        block_log_get(node_block_log(query->exchange->rpc->node), query->number, &block);
    if (status != ST_OK) {
        return status;
    }
    status = proof_transaction(view, anchor, &block, &query->id, &query->answer, &query->size);
    stored_block_free(&block);
    return status;
}

static void read_transaction_proof(struct query *query)
{
    query_prove(query, build_transaction);
}

void route_transaction_proof(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_transaction_proof};
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "an id is 64 hexadecimal digits");
        return;
    }
    (void)parameter_u64(exchange, "block", &query.number);
    query_start(exchange, query);
}

/* ---- Validator sets ---- */

static enum status build_sets(struct query *query, const struct ledger_view *view,
                              const struct proof_anchor *anchor, const struct proof_source *source)
{
    (void)source;
    return proof_set_history(view, anchor, &query->answer, &query->size);
}

static void read_sets_proof(struct query *query)
{
    query_prove(query, build_sets);
}

void route_sets_proof(struct exchange *exchange, char *arguments[])
{
    (void)arguments;
    query_start(exchange, (struct query){.read = read_sets_proof});
}

/* ---- Evidence that is recorded ---- */

static enum status build_equivocation(struct query *query, const struct ledger_view *view,
                                      const struct proof_anchor *anchor,
                                      const struct proof_source *source)
{
    uint8_t *value = NULL;
    size_t size = 0;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    (void)source;
    query->missing = "no evidence is recorded under that id";
    enum status status = ledger_view_record(view, XUELIAN__COLLECTION__COLLECTION_PROPOSALS,
                                            bytes_of(&query->id, 32), &value, &size);
    if (status != ST_OK) {
        return status;
    }
    size_t room = size * 4 + 65536;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    status = ST_CORRUPT;
    if (canonical_decode(&message, &xuelian__govern_record__descriptor, bytes_of(value, size),
                         &arena) == ST_OK) {
        const Xuelian__EvidenceRecord *evidence =
            ((const Xuelian__GovernRecord *)(const void *)message)->evidence;
        status = evidence == NULL
                     ? ST_NOT_FOUND
                     : proof_equivocation(view, anchor, field_bytes(&evidence->content),
                                          &query->answer, &query->size);
    }
    free(memory);
    kv_free(value);
    return status;
}

static void read_evidence_proof(struct query *query)
{
    query_prove(query, build_equivocation);
}

void route_proposal_proof(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_evidence_proof};
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "an id is 64 hexadecimal digits");
        return;
    }
    query_start(exchange, query);
}

/* ---- Conversions ---- */

static enum status build_conversion(struct query *query, const struct ledger_view *view,
                                    const struct proof_anchor *anchor,
                                    const struct proof_source *source)
{
    struct account account;
    struct access access;
    query->missing = "there is no such account, or no conversion of that number in it";
    if (!query_may_read(query, view, &account, &access)) {
        return ST_OK;
    }
    if (!access.whole) { /* it shows other items too: the sources, and what they were */
        query_refuse(query, ST_NOT_GRANTED, NULL);
        return ST_OK;
    }
    return proof_conversion(view, anchor, source, &query->id, query->number, query->limit == 1,
                            &query->answer, &query->size);
}

static void read_conversion_proof(struct query *query)
{
    query_prove(query, build_conversion);
}

void route_conversion_proof(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_conversion_proof, .issuer = true};
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "a learner id is 64 hexadecimal digits");
        return;
    }
    if (!parse_u64(arguments[1], &query.number)) {
        exchange_problem(exchange, 422, ST_BAD_FIELD, "an item's number is decimal, from 1");
        return;
    }
    (void)parameter_u64(exchange, "archive", &query.limit);
    query_start(exchange, query);
}
