/* The rows of one part of a mapping, as ledger items ready to be signed. Reads files and keys, sends nothing. */
#ifndef XUELIAN_CLI_SOURCE_H
#define XUELIAN_CLI_SOURCE_H

#include "cli/mapping.h"
#include "cli/secret.h"
#include "cli/table.h"
#include "cli/value.h"
#include "ledger/genesis.h"
#include "ledger/tx/details.h"

enum { SOURCE_ITEM_SIZE_MAX = 256 };

enum source_event {
    SOURCE_ITEM,
    SOURCE_SKIPPED,  /* a `where` leaves it out */
    SOURCE_REPEATED, /* an account that an earlier row opened */
    SOURCE_REFUSED,  /* *fault says why */
    SOURCE_END,
    SOURCE_FAILED /* the file or a key cannot be read; *fault; stop */
};

struct source_item {
    const char *file; /* as the mapping names it */
    uint32_t line;
    uint32_t member; /* who signs: opener or issuer */
    uint64_t batch;  /* rows of one deposit have the same */
    size_t size;
    uint8_t bytes[SOURCE_ITEM_SIZE_MAX]; /* canonical AccountOpening or Outcome */
    size_t details_size;                 /* 0: none */
    uint8_t details[DETAILS_BYTES_MAX];  /* canonical Details */
};

/* The side tables of a mapping, read once for all its parts. */
struct side_tables {
    uint32_t count;
    struct side_table tables[MAPPING_TABLES_MAX];
};

/* False with *fault. In: folder that file names are relative to. Freed by side_tables_free. */
bool side_tables_read(struct side_tables *tables, const struct mapping *mapping, const char *folder,
                      struct fault *fault);
void side_tables_free(struct side_tables *tables);

struct source;

/* Opens a part: every column and constant is checked before the first row. Borrows all. A row of a member
 * that genesis does not list is refused.
 * False with *fault (EXIT_USAGE names file, line and key of the mapping; EXIT_IO). */
bool source_open(struct source **source, const struct mapping *mapping, uint32_t part,
                 const struct side_tables *tables, const char *folder, struct keyring *keyring,
                 const struct genesis *genesis, struct fault *fault);
void source_close(struct source *source);

/* How much of the part was read, in thousandths. */
uint32_t source_progress(const struct source *source);

/* The next row. Out: *item: file and line always; the rest for SOURCE_ITEM. */
enum source_event source_next(struct source *source, struct source_item *item, struct fault *fault);

#endif
