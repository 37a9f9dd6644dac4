#include "ledger/whole/cursor.h"

#include "proto/bytes.h"

void cursor_open_at(struct cursor *cursor, struct kv *kv, const struct kv_snapshot *snapshot,
                    const struct state_key *prefix, const struct state_key *from,
                    struct whole_report *report)
{
    *cursor = (struct cursor){.prefix = *prefix, .report = report};
    cursor->iterator = kv_iterator_new(kv, snapshot, key_bytes(from));
}

void cursor_open(struct cursor *cursor, struct kv *kv, const struct kv_snapshot *snapshot,
                 const struct state_key *prefix, struct whole_report *report)
{
    cursor_open_at(cursor, kv, snapshot, prefix, prefix, report);
}

void cursor_close(struct cursor *cursor)
{
    if (cursor->iterator != NULL) {
        kv_iterator_free(cursor->iterator);
        cursor->iterator = NULL;
    }
}

bool cursor_valid(const struct cursor *cursor)
{
    if (!kv_iterator_valid(cursor->iterator)) {
        return false;
    }
    struct bytes key = kv_iterator_key(cursor->iterator);
    return key.size >= cursor->prefix.size &&
           memcmp(key.data, cursor->prefix.data, cursor->prefix.size) == 0;
}

struct bytes cursor_key(const struct cursor *cursor)
{
    return kv_iterator_key(cursor->iterator);
}

struct bytes cursor_value(const struct cursor *cursor)
{
    return kv_iterator_value(cursor->iterator);
}

void cursor_next(struct cursor *cursor)
{
    if (cursor->report != NULL) {
        cursor->report->entries++;
        cursor->report->bytes += cursor_key(cursor).size + cursor_value(cursor).size;
    }
    kv_iterator_next(cursor->iterator);
}

enum status cursor_status(const struct cursor *cursor)
{
    return kv_iterator_status(cursor->iterator);
}

bool cursor_at(const struct cursor *cursor, const struct state_key *key)
{
    return kv_iterator_valid(cursor->iterator) &&
           bytes_equal(kv_iterator_key(cursor->iterator), key_bytes(key));
}
