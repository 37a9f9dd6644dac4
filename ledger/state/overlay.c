#include "ledger/state/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum { CHUNK_SIZE = 1 << 20 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    uint8_t data[];
};

struct slot {
    const uint8_t *key; /* NULL: free */
    const uint8_t *value;
    uint32_t key_size;
    uint32_t size;
    uint32_t capacity; /* room at value, so that a value of the same size is written in place */
    bool written;
    bool absent; /* the store was asked and has none */
};

struct overlay {
    struct kv *kv;
    struct chunk *chunks;
    struct slot *slots; /* open addressing, a power of two of them */
    size_t slot_count;
    size_t used;
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    CHECK(memory != NULL);
    return memory;
}

static uint8_t *chunk_alloc(struct overlay *overlay, size_t size)
{
    struct chunk *chunk = overlay->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = malloc(sizeof *chunk + room);
        CHECK(chunk != NULL);
        chunk->next = overlay->chunks;
        chunk->used = 0;
        chunk->size = room;
        overlay->chunks = chunk;
    }
    uint8_t *memory = chunk->data + chunk->used;
    chunk->used += size;
    return memory;
}

struct overlay *overlay_new(struct kv *kv)
{
    struct overlay *overlay = allocate(sizeof *overlay);
    overlay->kv = kv;
    overlay->slot_count = 1024;
    overlay->slots = allocate(overlay->slot_count * sizeof *overlay->slots);
    return overlay;
}

void overlay_free(struct overlay *overlay)
{
    if (overlay == NULL) {
        return;
    }
    while (overlay->chunks != NULL) {
        struct chunk *next = overlay->chunks->next;
        free(overlay->chunks);
        overlay->chunks = next;
    }
    free(overlay->slots);
    free(overlay);
}

struct kv *overlay_kv(struct overlay *overlay)
{
    return overlay->kv;
}

/* FNV-1a. What an outsider can choose of a key has gone through SHA-256, so he cannot aim. */
static size_t hash_key(struct bytes key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ key.data[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ hash >> 29);
}

static struct slot *find(struct slot *slots, size_t slot_count, struct bytes key)
{
    size_t at = hash_key(key) & (slot_count - 1);
    while (slots[at].key != NULL &&
           (slots[at].key_size != key.size || memcmp(slots[at].key, key.data, key.size) != 0)) {
        at = (at + 1) & (slot_count - 1);
    }
    return &slots[at];
}

static void grow(struct overlay *overlay)
{
    size_t count = overlay->slot_count * 2;
    struct slot *slots = allocate(count * sizeof *slots);
    for (size_t i = 0; i < overlay->slot_count; i++) {
        const struct slot *slot = &overlay->slots[i];
        if (slot->key != NULL) {
            struct bytes key = {.data = slot->key, .size = slot->key_size};
            *find(slots, count, key) = *slot;
        }
    }
    free(overlay->slots);
    overlay->slots = slots;
    overlay->slot_count = count;
}

static struct slot *find_or_add(struct overlay *overlay, struct bytes key)
{
    if (overlay->used * 2 >= overlay->slot_count) {
        grow(overlay);
    }
    struct slot *slot = find(overlay->slots, overlay->slot_count, key);
    if (slot->key == NULL) {
        uint8_t *copy = chunk_alloc(overlay, key.size);
        memcpy(copy, key.data, key.size);
        *slot = (struct slot){.key = copy, .key_size = (uint32_t)key.size};
        overlay->used++;
    }
    return slot;
}

static void set_value(struct overlay *overlay, struct slot *slot, struct bytes value)
{
    if (slot->value == NULL || slot->capacity < value.size) {
        slot->value = chunk_alloc(overlay, value.size > 0 ? value.size : 1);
        slot->capacity = (uint32_t)value.size;
    }
    if (value.size > 0) {
        union {
            const uint8_t *in;
            uint8_t *out;
        } pointer = {.in = slot->value};
        memmove(pointer.out, value.data, value.size);
    }
    slot->size = (uint32_t)value.size;
}

enum status overlay_get(struct overlay *overlay, struct bytes key, struct bytes *value)
{
    struct slot *slot = find(overlay->slots, overlay->slot_count, key);
    if (slot->key == NULL) {
        uint8_t *stored = NULL;
        size_t size = 0;
        enum status status = kv_get(overlay->kv, NULL, key, &stored, &size);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        slot = find_or_add(overlay, key);
        if (status == ST_NOT_FOUND) {
            slot->absent = true;
        } else {
            set_value(overlay, slot, (struct bytes){.data = stored, .size = size});
            kv_free(stored);
        }
    }
    if (slot->absent) {
        return ST_NOT_FOUND;
    }
    *value = (struct bytes){.data = slot->value, .size = slot->size};
    return ST_OK;
}

void overlay_put(struct overlay *overlay, struct bytes key, struct bytes value)
{
    struct slot *slot = find_or_add(overlay, key);
    set_value(overlay, slot, value);
    slot->written = true;
    slot->absent = false;
}

static int compare_slots(const void *a, const void *b)
{
    const struct slot *left = *(const struct slot *const *)a;
    const struct slot *right = *(const struct slot *const *)b;
    size_t size = left->key_size < right->key_size ? left->key_size : right->key_size;
    int order = memcmp(left->key, right->key, size);
    return order != 0 ? order
                      : (left->key_size > right->key_size) - (left->key_size < right->key_size);
}

/* In the order of the keys: each goes into LevelDB's skip list beside the one before, whose neighbours the
 * processor has at hand. In another order that list costs a third of an account's update. */
void overlay_write(const struct overlay *overlay, struct kv_batch *batch)
{
    const struct slot **written = allocate((overlay->used + 1) * sizeof *written);
    size_t count = 0;
    for (size_t i = 0; i < overlay->slot_count; i++) {
        if (overlay->slots[i].key != NULL && overlay->slots[i].written) {
            written[count++] = &overlay->slots[i];
        }
    }
    qsort(written, count, sizeof *written, compare_slots);
    for (size_t i = 0; i < count; i++) {
        kv_batch_put(batch, (struct bytes){.data = written[i]->key, .size = written[i]->key_size},
                     (struct bytes){.data = written[i]->value, .size = written[i]->size});
    }
    free(written);
}
