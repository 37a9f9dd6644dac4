/* The key space of the state store. First byte: what; numbers big-endian, so keys ascend with them.
 *
 *   'T'                                   tip: canonical Header
 *   'V'                                   set of the next height: canonical ValidatorSet
 *   'P'                                   parameters of the next height: canonical Params
 *   'F'                                   frontier of the history tree: size, peaks
 *   'M' height mod 64                     height: that block's changes are here
 *   'C' collection                        count, root
 *   'N' collection level page             16 node hashes
 *   'L' collection position               leaf: tree key, next key, value hash
 *   'K' collection ~(tree key)            position; the complement makes an ascending seek find the
 *                                         greatest key below
 *   'R' collection position               the record
 *   'I' account position, item            newest ItemVersion
 *   'O' account position, item, number    ItemVersion of that number, no longer the newest
 *   'J' account position, level, index    root of a whole run of 64^level items
 *   'D' hash                              outcomes known: reference, or account, course, date:
 *                                         account position and item; position 0 when it was revoked
 *   'U' id                                a transaction: height, index, code, canonical TxResult
 *   'B' height mod LIMIT_HEADER_RING      height, header hash: what FOLLOWING signatures are about
 *   'E' era                               that era's canonical ValidatorSet, for evidence
 *   'Y' level, index                      a whole node of the history tree
 *   'W'                                   protocol version to come: version, first height
 *   'X' letter ...                        indexes: what rules and queries look up; rebuilt by a replay
 *   'X' 'a' account position, item        the items that rest on it
 *   'X' 'e' hash                          an offence that evidence is recorded of
 *   'X' 'k' account position, outcome, member   its recognition of that; 0 when revoked
 *   'X' 'f' account position              its links, items, to the accounts merged into it
 *   'X' 't' account position, learner, item   the lot in it of points that moved from that account's lot
 *   'X' 'g' role                          the active members that have it, ascending
 *   'X' 'm' account position, 0, member, programme   credits converted into it
 *   'X' 'c' account position, 0, entry, 0   units of a catalogue entry that stand
 *   'X' 'p' account position              lots that can be spent: expiry, item, remaining; in this order
 *   'X' 'y' account position, 0, series, year   points that its rule has given in a year
 *   'X' 'r' account position, 0, series   what its rule has given
 *   'X' 'u' account position, item, series   what of an outcome is used; series 0, basis: by consuming
 *                                       conversions of credits (1) or hours (2)
 *   'X' 'n' node key                      its member
 *   'X' 'w' member, key                   the page that a key of it stands on
 *   'X' 'o' member                        its proposals with status open, how many
 *   'X' 's' account position, year        its cells of the statistics
 *   'X' 'c' account position, member      consents that the member has; member 0: those by code
 *   'X' 'd' account position              open disputes
 */
#ifndef XUELIAN_LEDGER_KEYS_H
#define XUELIAN_LEDGER_KEYS_H

#include <string.h>

#include "proto/bytes.h"
#include "proto/limits.h"

#define STATE_KEY_SIZE_MAX 56u

struct state_key {
    uint8_t data[STATE_KEY_SIZE_MAX];
    size_t size;
};

static inline struct bytes key_bytes(const struct state_key *key)
{
    return (struct bytes){.data = key->data, .size = key->size};
}

static inline struct state_key key_of(uint8_t what)
{
    struct state_key key = {.size = 1};
    key.data[0] = what;
    return key;
}

static inline void key_add8(struct state_key *key, uint8_t value)
{
    key->data[key->size++] = value;
}

static inline void key_add32(struct state_key *key, uint32_t value)
{
    be32_put(key->data + key->size, value);
    key->size += 4;
}

static inline void key_add64(struct state_key *key, uint64_t value)
{
    be64_put(key->data + key->size, value);
    key->size += 8;
}

static inline void key_add_hash(struct state_key *key, const struct hash32 *hash)
{
    memcpy(key->data + key->size, hash->bytes, 32);
    key->size += 32;
}

static inline struct state_key key_collection(uint8_t what, uint32_t collection)
{
    struct state_key key = key_of(what);
    key_add8(&key, (uint8_t)collection);
    return key;
}

static inline struct state_key key_position(uint8_t what, uint32_t collection, uint64_t position)
{
    struct state_key key = key_collection(what, collection);
    key_add64(&key, position);
    return key;
}

static inline struct state_key key_item(uint64_t account_position, uint64_t item)
{
    struct state_key key = key_of('I');
    key_add64(&key, account_position);
    key_add64(&key, item);
    return key;
}

/* The list of consents that a member has of an account; member 0: those by code. */
static inline struct state_key key_consents(uint64_t account_position, uint32_t member)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'c');
    key_add64(&key, account_position);
    key_add32(&key, member);
    return key;
}

static inline struct state_key key_header(uint64_t height)
{
    struct state_key key = key_of('B');
    key_add32(&key, (uint32_t)(height % LIMIT_HEADER_RING));
    return key;
}

static inline struct state_key key_era(uint64_t era)
{
    struct state_key key = key_of('E');
    key_add64(&key, era);
    return key;
}

static inline struct state_key key_hash(uint8_t what, const struct hash32 *hash)
{
    struct state_key key = key_of(what);
    key_add_hash(&key, hash);
    return key;
}

#endif
