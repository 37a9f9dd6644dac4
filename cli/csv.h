/* Reading CSV as RFC 4180 has it, row by row, from a plain or gzip file, in UTF-8 or GB 18030.
 *
 * What the file gives is UTF-8 when it reaches the caller. A row that does not fit is an event of its own:
 * the caller reports it and goes on. Format: deploy/demo/MAPPING.md, "Files". One thread a reader. */
#ifndef XUELIAN_CLI_CSV_H
#define XUELIAN_CLI_CSV_H

#include <stdint.h>

#include "cli/text.h"

enum { CSV_COLUMNS_MAX = 256, CSV_ROW_SIZE_MAX = 1 << 20 };

enum csv_encoding { CSV_UTF8, CSV_GB18030 };

struct csv_format {
    enum csv_encoding encoding;
    char delimiter;
};

enum csv_event {
    CSV_ROW,
    CSV_BAD_ROW, /* refused; *fault says why, csv_line where; go on */
    CSV_END,
    CSV_FAILED /* the file cannot be read on; *fault */
};

struct csv;

/* Opens a file and reads its header row. A name ending in .gz is decompressed.
 * Returns false with *fault (EXIT_USAGE, EXIT_IO): no such file, not gzip, no header, a column twice. */
bool csv_open(struct csv **csv, const char *path, const struct csv_format *format,
              struct fault *fault);
void csv_close(struct csv *csv);

uint32_t csv_column_count(const struct csv *csv);
const char *csv_column_name(const struct csv *csv, uint32_t column);
/* The column of a name, or -1. */
int csv_column_find(const struct csv *csv, const char *name);

/* The next row. Out, for CSV_ROW: *fields, csv_column_count of them, until the next call. */
enum csv_event csv_next(struct csv *csv, const char *const **fields, struct fault *fault);
/* Line at which the last row begins, from 1. */
uint32_t csv_line(const struct csv *csv);

/* How much of the file was read, in thousandths of its size on disk. */
uint32_t csv_progress(const struct csv *csv);

#endif
