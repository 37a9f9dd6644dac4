#include "ledger/tx/family.h"

#include "ledger/state/keys.h"
#include "ledger/tx/item_list.h"
#include "proto/convert.h"

_Static_assert((int)LIMIT_LINKS_MAX <= (int)ITEM_LIST_MAX, "a list holds the links of an account");

/* The links of an account, in order. */
static struct state_key list_key(const struct account *account)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'f');
    key_add64(&key, account->position);
    return key;
}

enum status family_add(struct state *state, const struct account *account, uint64_t link)
{
    struct state_key key = list_key(account);
    struct item_list list;
    enum status status = item_list_read(state, &key, &list);
    if (status == ST_OK) {
        item_list_add(state, &list, link);
    }
    return status;
}

/* The account that a link names. */
static enum status linked(struct state *state, const struct account *account, uint64_t link,
                          struct account **other)
{
    struct item item;
    struct hash32 learner;
    uint64_t memory[32];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    enum status status = item_read_known(state, account, link, &item);
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK) {
        status = item_content(&item, &xuelian__link__descriptor, &arena, &content);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!field_copy(&learner, 32, &((const Xuelian__Link *)(const void *)content)->other)) {
        return ST_CORRUPT;
    }
    return state_account(state, &learner, other);
}

enum status family_count(struct state *state, const struct account *account,
                         const struct count_key *key, uint64_t *count)
{
    const struct account *members[LIMIT_LINKS_MAX + 1] = {account};
    uint32_t known = 1;
    enum status status = ST_OK;
    *count = 0;
    for (uint32_t i = 0; i < known && status == ST_OK; i++) {
        struct state_key links = list_key(members[i]);
        struct item_list list = {.count = 0};
        uint64_t own = 0;
        status = count_get(state_overlay(state), members[i], key, &own);
        if (status == ST_OK && members[i]->linked > 0) {
            status = item_list_read(state, &links, &list);
        }
        *count += own; /* 17 accounts, each of at most 2^32 times its items */
        for (uint32_t k = 0; status == ST_OK && k < list.count; k++) {
            struct account *other = NULL;
            if (known > LIMIT_LINKS_MAX) {
                return ST_CORRUPT;
            }
            status = linked(state, members[i], list.items[k], &other);
            members[known++] = other;
        }
    }
    return status;
}

enum status family_next(struct state *state, struct account *account, struct account **next)
{
    *next = account;
    return account->merged ? state_account(state, &account->merged_into, next) : ST_OK;
}

enum status family_end(struct state *state, struct account *account, struct account **end)
{
    enum status status = ST_OK;
    *end = account;
    for (uint32_t step = 0; (*end)->merged && status == ST_OK; step++) {
        if (step > LIMIT_LINKS_MAX) {
            return ST_CORRUPT;
        }
        status = family_next(state, *end, end);
    }
    return status;
}
