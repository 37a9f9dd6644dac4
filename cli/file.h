/* Files and paths. Every function says in *fault what is wrong and what to do. */
#ifndef XUELIAN_CLI_FILE_H
#define XUELIAN_CLI_FILE_H

#include "cli/text.h"
#include "proto/types.h"

#define FILE_PATH_SIZE 4096u

/* Reads a whole file of at most size_max bytes. Returns false with *fault (EXIT_IO; EXIT_USAGE when there
 * is no such file). Out: *data malloc'ed with a NUL behind it, freed by the caller. */
bool file_read(const char *path, size_t size_max, uint8_t **data, size_t *size,
               struct fault *fault);

/* Writes a new file with the given mode; never over another unless `replace`, then atomically, so that a
 * reader sees the old or the new one whole. */
bool file_write(const char *path, const void *data, size_t size, unsigned mode, bool replace,
                struct fault *fault);

/* folder/name, or name alone when it is absolute. Returns false when too long. */
bool path_join(char out[FILE_PATH_SIZE], const char *folder, const char *name, struct fault *fault);

/* Makes one folder, mode 0700. An existing one with anything in it is an error. */
bool folder_make(const char *path, struct fault *fault);

#endif
