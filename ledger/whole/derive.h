/* What the store keeps beside an account's items follows from the items: indexes that rules look up, identities of
 * outcomes, what counts in the statistics. This works it out again from the items alone, so that verify-store can hold
 * a store to it and a restore can make it.
 *
 * Two stores that agreed on every block may differ in what no rule can see: a count that fell to zero or was never
 * there, an item that has come to its end in a list that still has room. The entries made here are in one form without
 * those; derive_normal brings stored ones into the same form.
 * One thread at a time owns a derive. */
#ifndef XUELIAN_LEDGER_DERIVE_H
#define XUELIAN_LEDGER_DERIVE_H

#include "ledger/state/keys.h"
#include "proto/ledger.pb-c.h"
#include "proto/status.h"

/* What of the registries is needed: rules ascending by id, regions ascending by code. */
struct derive_rule {
    uint32_t id;
    uint32_t series;
    uint32_t owner;
    uint32_t programme;
    uint32_t basis;
    bool consuming;
};

struct derive_region {
    uint32_t code;
    uint32_t parent;
};

struct derive_tables {
    const struct derive_rule *rules;
    size_t rule_count;
    const struct derive_region *regions;
    size_t region_count;
};

/* An entry of an index: 'X' letter ... */
struct derive_entry {
    struct state_key key;
    struct bytes value;
};

/* 'D': an outcome that holds its identity. */
struct derive_identity {
    struct hash32 identity;
    uint64_t item;
};

/* What an account adds to a cell of the statistics. Sums of many accounts wrap and come out right. */
struct derive_cell {
    uint8_t key[16];
    uint64_t outcomes, credits, hours, learners, revoked, points, conversions, converted_credits;
};

struct derive;

/* Tables are borrowed. Never fails: running out of memory ends the process. */
struct derive *derive_new(const struct derive_tables *tables);
void derive_free(struct derive *derive);

/* Begins an account. date: of the block, YYYYMMDD: what expired before it counts no more. */
void derive_begin(struct derive *derive, uint64_t position, uint32_t date);

/* Takes one version: items ascending, of each the oldest first, and the last one is its newest.
 * Returns ST_OK; ST_CORRUPT: its content is not what its kind has. */
enum status derive_version(struct derive *derive, const Xuelian__ItemVersion *version, bool newest);

/* What followed from all of them. Everything is borrowed until the next derive_begin. */
struct derived {
    const struct derive_entry *entries; /* ascending */
    size_t entry_count;
    const struct derive_identity *identities; /* by item */
    size_t identity_count;
    const struct derive_cell *cells; /* ascending; one each */
    size_t cell_count;
};
void derive_end(struct derive *derive, struct derived *derived);

/* Brings a stored entry of this account, all of whose versions were taken, into the form of derive_end.
 * Returns ST_OK; ST_NOT_FOUND: it says nothing; ST_CORRUPT: it has no such form.
 * Out  *value  borrowed until the next call. */
enum status derive_normal(struct derive *derive, struct bytes key, struct bytes stored,
                          struct bytes *value);

#endif
