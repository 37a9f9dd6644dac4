/* What earlier runs of an import have seen recorded: a file of digests, one for each batch of rows.
 *
 * The file is text: "xuelian import 1 CHAIN" (chain id in hex), then 64 hex characters and a line end for
 * each batch, appended when the ledger has answered for all its rows and refused none. A batch is named by
 * its content, so that other rows, a changed table or a changed mapping are never taken for it. A program
 * killed while it appends leaves a torn last line, which is cut off. A lost line costs a question to the
 * ledger, which answers that the rows are there; so nothing is synced. One import at a time: locked. */
#ifndef XUELIAN_CLI_RESUME_H
#define XUELIAN_CLI_RESUME_H

#include "cli/text.h"
#include "proto/types.h"

enum { RESUME_SIZE_MAX = 256 * 1024 * 1024 };

struct resume;

/* Opens or makes a file. False with *fault: another chain's, not such a file (EXIT_USAGE); in use by
 * another import, cannot be read or written (EXIT_IO). Out: freed by resume_close. */
bool resume_open(struct resume **resume, const char *path, const struct hash32 *chain_id,
                 struct fault *fault);
/* NULL is allowed. */
void resume_close(struct resume *resume);

/* Batches that earlier runs saw recorded. */
uint64_t resume_count(const struct resume *resume);
bool resume_has(const struct resume *resume, const struct hash32 *batch);
/* Appends a batch. False with *fault (EXIT_IO). */
bool resume_add(struct resume *resume, const struct hash32 *batch, struct fault *fault);

#endif
