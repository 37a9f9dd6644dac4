#include "ledger/state/counts.h"

#include "ledger/state/keys.h"
#include "proto/bytes.h"

static struct state_key store_key(const struct account *account, const struct count_key *from)
{
    struct state_key key = key_of('X');
    key_add8(&key, (uint8_t)from->letter);
    key_add64(&key, account->position);
    key_add64(&key, from->item);
    key_add32(&key, from->first);
    key_add32(&key, from->second);
    return key;
}

enum status count_get(struct overlay *overlay, const struct account *account,
                      const struct count_key *key, uint64_t *count)
{
    struct state_key stored = store_key(account, key);
    struct bytes value;
    *count = 0;
    enum status status = overlay_get(overlay, key_bytes(&stored), &value);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (status == ST_OK && value.size != 8) {
        return ST_CORRUPT;
    }
    if (status == ST_OK) {
        *count = be64_get(value.data);
    }
    return status;
}

void count_put(struct overlay *overlay, const struct account *account, const struct count_key *key,
               uint64_t count)
{
    struct state_key stored = store_key(account, key);
    uint8_t value[8];
    be64_put(value, count);
    overlay_put(overlay, key_bytes(&stored), bytes_of(value, sizeof value));
}

enum status count_change(struct overlay *overlay, const struct account *account,
                         const struct count_key *key, uint64_t by, bool add)
{
    uint64_t count;
    enum status status = count_get(overlay, account, key, &count);
    if (status != ST_OK) {
        return status;
    }
    if (add ? count > UINT64_MAX - by : count < by) {
        return ST_CORRUPT; /* what is taken away was added: the index is not that of these items */
    }
    count_put(overlay, account, key, add ? count + by : count - by);
    return ST_OK;
}
