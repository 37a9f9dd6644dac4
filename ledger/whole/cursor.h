/* Reading a range of keys once, in order, beside others that go through theirs: what verify-store and snapshots do. */
#ifndef XUELIAN_LEDGER_CURSOR_H
#define XUELIAN_LEDGER_CURSOR_H

#include "ledger/state/keys.h"
#include "ledger/store/kv.h"
#include "ledger/whole/report.h"

struct cursor {
    struct kv_iterator *iterator;
    struct state_key prefix;
    struct whole_report *report;
};

/* At the first key that begins with the prefix. */
void cursor_open(struct cursor *cursor, struct kv *kv, const struct kv_snapshot *snapshot,
                 const struct state_key *prefix, struct whole_report *report);
/* At the first key from `from` on that begins with the prefix. */
void cursor_open_at(struct cursor *cursor, struct kv *kv, const struct kv_snapshot *snapshot,
                    const struct state_key *prefix, const struct state_key *from,
                    struct whole_report *report);
void cursor_close(struct cursor *cursor);

/* False at the end, or when reading failed: cursor_status tells. Borrowed key and value until cursor_next. */
bool cursor_valid(const struct cursor *cursor);
struct bytes cursor_key(const struct cursor *cursor);
struct bytes cursor_value(const struct cursor *cursor);
void cursor_next(struct cursor *cursor);
enum status cursor_status(const struct cursor *cursor);

/* Whether the cursor is at exactly this key. */
bool cursor_at(const struct cursor *cursor, const struct state_key *key);

#endif
