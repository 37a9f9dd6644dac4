/* Whether who asks may read what is about a person. On a query worker. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_PERMIT_H
#define XUELIAN_NODE_RPC_PERMIT_H

#include "ledger/access.h"
#include "node/rpc/query.h"

/* Finds the account `query->id` and what the client may read of it; answers the query when that is nothing.
 * Returns  true, with *account and *access; false when the query is answered: 401, 403, 404. */
bool query_may_read(struct query *query, const struct ledger_view *view, struct account *account,
                    struct access *access);
/* Whether the client may know which accounts there are; false when the query is answered. */
bool query_may_ask(struct query *query, const struct ledger_view *view);
/* Whether the client may read the newest version of an item; answers 403 or 404 when not. */
bool query_may_read_item(struct query *query, const struct ledger_view *view,
                         const struct account *account, const struct access *access,
                         uint64_t number);
/* Whether the client sees statistics whole; false when the query is answered: it did not say well who it is. */
bool query_sees_statistics(struct query *query, const struct ledger_view *view, bool *whole);
/* Answers with a problem: 401 when the client did not say well enough who it is, 403 when it may not. why may be
 * NULL. */
void query_refuse(struct query *query, enum status status, const char *why);

#endif
