/* Damages a database of a stopped node as no checksum notices: one value is gone, or has another bit.
 *
 * spoil_store DATABASE PREFIX delete|flip: the first key that begins with PREFIX, hexadecimal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/store/kv.h"
#include "proto/bytes.h"

enum { PREFIX_MAX = 40 };

int main(int count, char **values)
{
    struct kv_options options = {
        .cache_size = 8u << 20, .write_buffer_size = 4u << 20, .bloom_bits = 10};
    struct kv *kv = NULL;
    uint8_t prefix[PREFIX_MAX];
    char error[512] = "usage: spoil_store DATABASE PREFIX delete|flip";
    size_t size = count == 4 ? strlen(values[2]) / 2 : PREFIX_MAX + 1;
    if (size > PREFIX_MAX || hex_decode(prefix, size, values[2], 2 * size) != ST_OK ||
        kv_open_leveldb(&kv, values[1], &options, error, sizeof error) != ST_OK) {
        fprintf(stderr, "spoil_store: %s\n", error);
        return 1;
    }
    struct kv_batch *batch = kv_batch_new();
    struct kv_iterator *iterator = kv_iterator_new(kv, NULL, bytes_of(prefix, size));
    bool there = kv_iterator_valid(iterator) && kv_iterator_key(iterator).size >= size &&
                 memcmp(kv_iterator_key(iterator).data, prefix, size) == 0;
    if (there && strcmp(values[3], "delete") == 0) {
        kv_batch_delete(batch, kv_iterator_key(iterator));
    } else if (there) {
        struct bytes value = kv_iterator_value(iterator);
        uint8_t *copy = malloc(value.size + 1);
        if (copy != NULL && value.size > 0) {
            memcpy(copy, value.data, value.size);
            copy[value.size / 2] ^= 0x10;
            kv_batch_put(batch, kv_iterator_key(iterator), bytes_of(copy, value.size));
        }
        free(copy);
    }
    kv_iterator_free(iterator);
    enum status status = kv_write(kv, batch, true);
    kv_batch_free(batch);
    kv_close(kv);
    return there && status == ST_OK ? 0 : 1;
}
