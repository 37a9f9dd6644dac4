/* Rule records and catalogue entries: what genesis and governance may write.
 *
 * The form of a record does not depend on state; genesis and governance both look at it. What governance may do to
 * a record that is there is in the table of docs/protocol.md section 15. */
#ifndef XUELIAN_LEDGER_TX_RECORDS_H
#define XUELIAN_LEDGER_TX_RECORDS_H

#include "ledger/tx/rules.h"

/* Memory in which any record of either collection decodes. */
#define RECORD_MEMORY_SIZE 4096u

/* What is wrong with a record by itself, as the end of a sentence that begins with its number; NULL: nothing. */
const char *rule_form(const Xuelian__Rule *rule);
const char *catalogue_form(const Xuelian__CatalogueEntry *entry);

/* What is wrong with a version of a rule after the one it replaces; NULL: nothing. */
const char *rule_follows(const Xuelian__Rule *rule, const Xuelian__Rule *before);

/* Whether governance may write the record in this block. *code: OK, or the first rule of section 15 that is broken.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Changes nothing. */
enum status rule_record_check(struct state *state, const struct block_context *context,
                              const Xuelian__Rule *rule, uint32_t *code);
enum status catalogue_record_check(struct state *state, const struct block_context *context,
                                   const Xuelian__CatalogueEntry *entry, uint32_t *code);

/* Writes a record that was checked. What the ledger counts itself (an entry's `taken`) stays as it is in the state.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status rule_record_put(struct state *state, const Xuelian__Rule *rule);
enum status catalogue_record_put(struct state *state, const Xuelian__CatalogueEntry *entry);

/* Reads a record. Returns ST_OK, *rule or *entry NULL when there is none; ST_CORRUPT, ST_IO.
 * Out  in memory  RECORD_MEMORY_SIZE bytes of the caller's. */
enum status rule_record(struct state *state, uint32_t id, void *memory, const Xuelian__Rule **rule);
enum status catalogue_record(struct state *state, uint32_t id, void *memory,
                             const Xuelian__CatalogueEntry **entry);

/* True when a rule's decisions may be made on a date. */
bool rule_in_force(const Xuelian__Rule *rule, uint32_t date);

#endif
