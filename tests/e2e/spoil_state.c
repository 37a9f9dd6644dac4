/* Damages the state of a stopped node as no checksum notices: a record of the state is another one.
 *
 * spoil_state STATE: removes the position of every region, so that no region is known any more. */
#include <stdio.h>

#include "ledger/state/keys.h"
#include "ledger/store/kv.h"
#include "proto/bytes.h"
#include "proto/ledger.pb-c.h"

int main(int count, char **values)
{
    struct kv_options options = {
        .cache_size = 8u << 20, .write_buffer_size = 4u << 20, .bloom_bits = 10};
    struct kv *kv = NULL;
    char error[512] = "usage: spoil_state STATE";
    struct state_key from = key_of('K');
    unsigned removed = 0;
    if (count != 2 || kv_open_leveldb(&kv, values[1], &options, error, sizeof error) != ST_OK) {
        fprintf(stderr, "spoil_state: %s\n", error);
        return 1;
    }
    key_add8(&from, XUELIAN__COLLECTION__COLLECTION_REGIONS);
    struct kv_batch *batch = kv_batch_new();
    struct kv_iterator *iterator = kv_iterator_new(kv, NULL, key_bytes(&from));
    for (; kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        struct bytes key = kv_iterator_key(iterator);
        if (key.size < from.size || memcmp(key.data, from.data, from.size) != 0) {
            break;
        }
        kv_batch_delete(batch, key);
        removed++;
    }
    kv_iterator_free(iterator);
    enum status status = kv_write(kv, batch, true);
    kv_batch_free(batch);
    kv_close(kv);
    printf("%u removed\n", removed);
    return status == ST_OK && removed > 0 ? 0 : 1;
}
