/* A member lives for decades and its record does not grow with it: keys and nodes that have ended move to pages, which
 * are entries of the members' collection as well, Members with a page number under BE4(member) || BE4(page). Key k of
 * those that moved, from 0, is on page k / LIMIT_MEMBER_PAGE + 1, and so is node k; the record says how many there are, so
 * that the whole history can be proved, and be shown to be whole. */
#include <string.h>

#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum { MEMBERS = XUELIAN__COLLECTION__COLLECTION_MEMBERS };

static bool same_key(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static Xuelian__MemberKey *key_find(const Xuelian__Member *member, const ProtobufCBinaryData *key)
{
    for (size_t i = 0; i < member->n_keys; i++) {
        if (same_key(&member->keys[i]->key, key)) {
            return member->keys[i];
        }
    }
    return NULL;
}

/* ---- Pages ---- */

/* A page, with room for one more of both. */
struct page {
    Xuelian__Member *member;
    Xuelian__Member fresh;
    Xuelian__MemberKey *keys[LIMIT_MEMBER_PAGE];
    Xuelian__Node *nodes[LIMIT_MEMBER_PAGE];
    uint64_t memory[1024];
};

/* Reads one, or begins it. Returns ST_OK; ST_CORRUPT, ST_IO. */
static enum status page_read(struct draft *draft, uint32_t member, uint32_t number,
                             struct page *page)
{
    uint8_t key[MEMBER_KEY_SIZE_MAX];
    struct arena arena;
    struct bytes value;
    ProtobufCMessage *message = NULL;
    size_t size = registry_member_key(key, member, number);
    enum status status = draft_get(draft, MEMBERS, bytes_of(key, size), &value);
    xuelian__member__init(&page->fresh);
    page->fresh.id = member;
    page->fresh.page = number;
    page->member = &page->fresh;
    if (status == ST_OK) {
        arena_init(&arena, page->memory, sizeof page->memory);
        status = canonical_decode(&message, &xuelian__member__descriptor, value, &arena) == ST_OK
                     ? ST_OK
                     : ST_CORRUPT;
        page->member = (Xuelian__Member *)(void *)message;
    } else if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (status == ST_OK &&
        (page->member->n_keys > LIMIT_MEMBER_PAGE || page->member->n_nodes > LIMIT_MEMBER_PAGE)) {
        status = ST_CORRUPT;
    }
    for (size_t i = 0; status == ST_OK && i < page->member->n_keys; i++) {
        page->keys[i] = page->member->keys[i];
    }
    for (size_t i = 0; status == ST_OK && i < page->member->n_nodes; i++) {
        page->nodes[i] = page->member->nodes[i];
    }
    return status;
}

static void page_put(struct draft *draft, struct page *page)
{
    uint8_t key[MEMBER_KEY_SIZE_MAX];
    size_t size = registry_member_key(key, page->member->id, page->member->page);
    page->member->keys = page->keys;
    page->member->nodes = page->nodes;
    draft_put(draft, MEMBERS, bytes_of(key, size), &page->member->base);
}

static enum status move_key(struct draft *draft, Xuelian__Member *member, Xuelian__MemberKey *key)
{
    struct page page;
    enum status status =
        page_read(draft, member->id, member->past_keys / LIMIT_MEMBER_PAGE + 1, &page);
    if (status == ST_OK && page.member->n_keys != member->past_keys % LIMIT_MEMBER_PAGE) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        page.keys[page.member->n_keys++] = key;
        page_put(draft, &page);
        member->past_keys++;
    }
    return status;
}

/* Without its addresses, which say nothing any more. */
static enum status move_node(struct draft *draft, Xuelian__Member *member, Xuelian__Node *node)
{
    struct page page;
    enum status status =
        page_read(draft, member->id, member->past_nodes / LIMIT_MEMBER_PAGE + 1, &page);
    if (status == ST_OK && page.member->n_nodes != member->past_nodes % LIMIT_MEMBER_PAGE) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        node->n_addresses = 0;
        page.nodes[page.member->n_nodes++] = node;
        page_put(draft, &page);
        member->past_nodes++;
    }
    return status;
}

/* ---- The record ---- */

/* Has no effect at this height or later: what ends at the next still signs in this block. */
static bool over(const struct draft *draft, uint64_t to_height, uint32_t moved)
{
    return to_height != 0 && to_height <= draft->context->height && moved < LIMIT_MEMBER_PAST_MAX;
}

static enum status move_ended(struct draft *draft, Xuelian__Member *member)
{
    enum status status = ST_OK;
    size_t kept = 0;
    for (size_t i = 0; i < member->n_keys && status == ST_OK; i++) {
        if (over(draft, member->keys[i]->to_height, member->past_keys)) {
            status = move_key(draft, member, member->keys[i]);
        } else {
            member->keys[kept++] = member->keys[i];
        }
    }
    member->n_keys = kept;
    kept = 0;
    for (size_t i = 0; i < member->n_nodes && status == ST_OK; i++) {
        if (over(draft, member->nodes[i]->to_height, member->past_nodes)) {
            status = move_node(draft, member, member->nodes[i]);
        } else {
            member->nodes[kept++] = member->nodes[i];
        }
    }
    member->n_nodes = kept;
    return status;
}

enum status draft_member_open(struct draft *draft, uint32_t id, Xuelian__Member **member,
                              uint32_t *code)
{
    enum status status = draft_member(draft, id, member, code);
    return status == ST_OK && *code == ST_OK ? move_ended(draft, *member) : status;
}

/* The page on which a key stands, of the draft or of the state; 0: none. */
static enum status find_page(struct draft *draft, uint32_t member, const ProtobufCBinaryData *key,
                             uint32_t *number)
{
    enum status status = registry_key_page(draft->state, member, key, number);
    for (uint32_t i = 0; i < draft->count && status == ST_OK && *number == 0; i++) {
        const struct draft_record *record = &draft->records[i];
        struct page page;
        if (record->collection == MEMBERS && record->key_size == 8 &&
            be32_get(record->key) == member) {
            status = page_read(draft, member, be32_get(record->key + 4), &page);
            if (status == ST_OK && key_find(page.member, key) != NULL) {
                *number = page.member->page;
            }
        }
    }
    return status;
}

enum status draft_key_add(struct draft *draft, Xuelian__Member *member, Xuelian__MemberKey **room,
                          Xuelian__MemberKey *key, uint32_t *code)
{
    uint32_t page;
    enum status status = find_page(draft, member->id, &key->key, &page);
    if (status != ST_OK) {
        return status;
    }
    if (page != 0 || key_find(member, &key->key) != NULL) {
        *code = ST_KEY_TAKEN;
    } else if (member->n_keys >= LIMIT_MEMBER_KEYS_MAX) {
        *code = ST_LIST_FULL;
    } else {
        for (size_t i = 0; i < member->n_keys; i++) {
            room[i] = member->keys[i];
        }
        room[member->n_keys++] = key;
        member->keys = room;
    }
    return ST_OK;
}

/* An end that was said can be brought forward, never put off. */
static uint32_t end(Xuelian__MemberKey *key, uint64_t to_height)
{
    uint64_t least = key->from_height > 1 ? key->from_height : 1;
    if (key->to_height != 0 && key->to_height <= to_height) {
        return ST_WRONG_STATE;
    }
    key->to_height = to_height > least ? to_height : least;
    return ST_OK;
}

enum status draft_key_end(struct draft *draft, Xuelian__Member *member,
                          const ProtobufCBinaryData *key, uint64_t to_height, uint32_t *code)
{
    struct page page;
    uint32_t number;
    Xuelian__MemberKey *known = key_find(member, key);
    if (known != NULL) {
        *code = end(known, to_height);
        return ST_OK;
    }
    enum status status = find_page(draft, member->id, key, &number);
    if (status == ST_OK && number == 0) {
        *code = ST_BAD_RECORD;
        return ST_OK;
    }
    if (status == ST_OK) {
        status = page_read(draft, member->id, number, &page);
    }
    if (status != ST_OK) {
        return status;
    }
    known = key_find(page.member, key);
    if (known == NULL) {
        return ST_CORRUPT;
    }
    *code = end(known, to_height);
    if (*code == ST_OK) {
        page_put(draft, &page);
    }
    return ST_OK;
}
