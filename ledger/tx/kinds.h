/* The table of transaction kinds: what each one's payload is and whose rules it goes to.
 *
 * One row a kind, in kinds.c; the rest of the ledger, the node and the command line know kinds through it.
 * A new kind is a number in proto/tx.proto, its message in the group's .proto, a row here, a function in
 * the group's file. */
#ifndef XUELIAN_LEDGER_TX_KINDS_H
#define XUELIAN_LEDGER_TX_KINDS_H

#include <protobuf-c/protobuf-c.h>

#include "proto/ledger.pb-c.h"
#include "proto/status.h"

struct state;
struct block_context;
struct tx;

struct tx_kind {
    Xuelian__TxKind kind;
    /* That the first signer, a member, must have; UNSPECIFIED: the rule itself says who may. */
    Xuelian__MemberRole role;
    const char *name; /* in lower case with dashes: "deposit-bulk" */
    /* The payload's message, or that of each item of a bulk one. */
    const ProtobufCMessageDescriptor *item;
    /* Checks one item and applies it. *code: OK, or the rule that refused it; then nothing has changed.
     * Returns ST_OK; ST_CORRUPT, ST_IO (fatal). */
    enum status (*apply)(struct state *state, const struct block_context *context,
                         const struct tx *tx, uint32_t index, uint32_t *code);
    uint32_t work;      /* beyond signers and items; see ledger_work */
    uint32_t item_work; /* the same for each item of a bulk payload */
    bool bulk;          /* the payload is a BulkPayload */
};

/* The row of a kind; NULL for a number that is no kind. Static. */
const struct tx_kind *tx_kind_of(Xuelian__TxKind kind);
/* The row of a name, or NULL. */
const struct tx_kind *tx_kind_named(const char *name);
/* Row i, from 0, in ascending order of kind; NULL past the last. */
const struct tx_kind *tx_kind_at(uint32_t i);

/* The form of an item that does not depend on state (docs/protocol.md section 1): every byte field has the
 * size that its name says and is there unless its name may be absent; no text above LIMIT_NAME_SIZE_MAX.
 * Returns ST_OK; ST_BAD_SIZE.  Cost: one pass over the message. */
enum status tx_item_form(const ProtobufCMessage *item);
/* True when a byte field of that name has a size. A test walks every payload's schema with it. */
bool tx_field_known(const char *name);

#endif
