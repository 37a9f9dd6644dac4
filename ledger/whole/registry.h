/* The records of the collections other than accounts: the key that each says it has, and what is indexed of them. */
#ifndef XUELIAN_LEDGER_WHOLE_REGISTRY_H
#define XUELIAN_LEDGER_WHOLE_REGISTRY_H

#include "ledger/whole/derive.h"

#define NATURAL_KEY_SIZE_MAX 64u

/* Tables that the accounts' indexes need, and the indexes that registries have themselves, gathered record by record. */
struct registry_tables {
    struct derive_rule *rules;
    size_t rule_count, rule_room;
    struct derive_region *regions;
    size_t region_count, region_room;
    struct derive_entry
        *entries; /* 'X' 'e', 'g', 'n', 'o', 'w', after registry_tables_end ascending */
    size_t entry_count, entry_room;
    uint32_t *open; /* who proposed what is open, once for each */
    size_t open_count, open_room;
    uint32_t *governing; /* active members that may approve */
    size_t governing_count, governing_room;
    uint32_t *accrediting;
    size_t accrediting_count, accrediting_room;
    uint64_t validity_window; /* the longest that was ever in force */
    uint32_t protocol_version;
    uint64_t protocol_height;
};

struct registry_tables *registry_tables_new(void);
void registry_tables_free(struct registry_tables *tables);

/* Takes the record of a collection that is not that of accounts.
 * Returns ST_OK; ST_CORRUPT: it is none. Out natural_key of NATURAL_KEY_SIZE_MAX bytes, *key_size. */
enum status registry_take(struct registry_tables *tables, uint32_t collection, struct bytes record,
                          uint8_t *natural_key, size_t *key_size);
/* After the last record: sorts. */
void registry_tables_end(struct registry_tables *tables);
/* Whether a stored entry of these indexes is as if it were not there: a list or a count of none. */
bool registry_says_nothing(struct bytes key, struct bytes stored);
struct derive_tables registry_derive_tables(const struct registry_tables *tables);

#endif
