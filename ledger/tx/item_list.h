/* A short list of an account's items under a key of an index: bounded, in the order in which they came, and what has
 * come to its end is dropped when there is no room. An index, not part of the state root: replaying the blocks makes
 * it again. */
#ifndef XUELIAN_LEDGER_TX_ITEM_LIST_H
#define XUELIAN_LEDGER_TX_ITEM_LIST_H

#include "ledger/state/keys.h"
#include "ledger/tx/rules.h"

enum { ITEM_LIST_MAX = 32 };

struct item_list {
    struct state_key key;
    uint32_t count;
    uint64_t items[ITEM_LIST_MAX];
};

/* Reads a list; one that is not there is empty. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status item_list_read(struct state *state, const struct state_key *key,
                           struct item_list *list);
/* The same, and drops what is `over` when the list holds max, so that count < max says whether there is room.
 * over: whether an item, read, no longer counts here. */
enum status item_list_with_room(struct state *state, const struct account *account,
                                const struct state_key *key, uint32_t max,
                                bool (*over)(const struct item *item, uint32_t date), uint32_t date,
                                struct item_list *list);
/* Adds one (the caller has made room) or takes one out, and stores the list. */
void item_list_add(struct state *state, struct item_list *list, uint64_t item);
void item_list_drop(struct state *state, struct item_list *list, uint64_t item);

#endif
