/* Making a vote journal, and putting one aside. The only places that do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/store/vote_journal_format.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum { PATH_SIZE = 4096 };

static void copy_path(char out[PATH_SIZE], const char *directory, uint32_t copy)
{
    snprintf(out, PATH_SIZE, "%s/%s", directory, journal_copy_names[copy]);
}

/* Makes the names in a directory durable. */
static bool sync_directory(const char *directory)
{
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = file >= 0 && fsync(file) == 0;
    if (file >= 0) {
        close(file);
    }
    return synced;
}

/* ---- Making ---- */

static bool create_copy(const char *path, const uint8_t owner[OWNER_SIZE], uint32_t copy,
                        uint8_t *image)
{
    static const struct hash32 none;
    struct vote_record first = {.counter = 0};
    struct hash32 digest;
    memset(image, 0, FILE_SIZE);
    journal_head_encode(image, owner, copy);
    journal_record_encode(image + BLOCK, owner, &first, &none, &digest);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return false;
    }
    /* Written, not only allocated: later syncs then carry data alone. */
    bool made = journal_write(file, image, FILE_SIZE, 0);
    close(file);
    return made;
}

enum status vote_journal_create(const char *directory, const struct hash32 *chain_id,
                                const struct pubkey33 *key, uint64_t incarnation, char *error,
                                size_t error_size)
{
    uint8_t owner[OWNER_SIZE];
    char path[PATH_SIZE];
    journal_owner_encode(owner, chain_id, key, incarnation);
    for (uint32_t i = 0; i < COPIES; i++) {
        copy_path(path, directory, i);
        if (access(path, F_OK) == 0) {
            snprintf(error, error_size,
                     "there is a vote journal already (%s); it is never made anew over an old one",
                     path);
            return ST_CONFLICT;
        }
    }
    uint8_t *image = malloc(FILE_SIZE);
    CHECK(image != NULL);
    bool made = true;
    for (uint32_t i = 0; i < COPIES && made; i++) {
        copy_path(path, directory, i);
        made = create_copy(path, owner, i, image);
    }
    made = made && sync_directory(directory);
    free(image);
    if (!made) {
        snprintf(error, error_size, "the vote journal cannot be made in %s (%s); check the disk",
                 directory, strerror(errno));
        return ST_IO;
    }
    return ST_OK;
}

/* ---- What an interrupted making left ---- */

/* Reads what there is of a copy into an image of FILE_SIZE, zeros behind it.
 * Returns ST_OK; ST_NOT_FOUND; ST_BAD_SIZE (longer than a journal); ST_IO. */
static enum status read_copy(const char *path, uint8_t *image)
{
    struct stat info;
    memset(image, 0, FILE_SIZE);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    }
    enum status status = fstat(file, &info) == 0 ? ST_OK : ST_IO;
    if (status == ST_OK && info.st_size > FILE_SIZE) {
        status = ST_BAD_SIZE;
    }
    if (status == ST_OK && !journal_read(file, image, (size_t)info.st_size)) {
        status = ST_IO;
    }
    close(file);
    return status;
}

/* True when no vote can ever have been in an image: nothing is there but what making one writes. */
static bool unused(const uint8_t *image)
{
    static const uint8_t zeros[BLOCK];
    uint64_t incarnation = 0;
    uint64_t counter = 0;
    uint8_t owner[OWNER_SIZE];
    bool head = journal_head_decode(image, 0, owner, &incarnation) ||
                journal_head_decode(image, 1, owner, &incarnation) ||
                memcmp(image, zeros, BLOCK) == 0;
    bool first = memcmp(image + BLOCK, zeros, BLOCK) == 0 ||
                 (journal_record_begun(image + BLOCK, &counter) && counter == 0);
    for (size_t at = 2 * BLOCK; at < FILE_SIZE && head && first; at += BLOCK) {
        first = memcmp(image + at, zeros, BLOCK) == 0;
    }
    return head && first;
}

enum status vote_journal_unmake(const char *directory, char *error, size_t error_size)
{
    enum status status = ST_OK;
    char path[PATH_SIZE];
    uint8_t *image = malloc(FILE_SIZE);
    CHECK(image != NULL);
    for (uint32_t i = 0; i < COPIES && status == ST_OK; i++) {
        copy_path(path, directory, i);
        status = read_copy(path, image);
        if (status == ST_BAD_SIZE || (status == ST_OK && !unused(image))) {
            snprintf(error, error_size,
                     "there is a vote journal already (%s), with votes in it or damaged; it is "
                     "never made anew over an old one",
                     path);
            status = ST_CONFLICT;
        } else if (status == ST_IO) {
            snprintf(error, error_size, "%s cannot be read (%s); check the disk and permissions",
                     path, strerror(errno));
        } else {
            status = ST_OK;
        }
    }
    for (uint32_t i = 0; i < COPIES && status == ST_OK; i++) {
        copy_path(path, directory, i);
        if (unlink(path) != 0 && errno != ENOENT) {
            snprintf(error, error_size, "%s cannot be removed (%s); check the disk and permissions",
                     path, strerror(errno));
            status = ST_IO;
        }
    }
    free(image);
    return status;
}

/* ---- A journal that a new one takes the place of ---- */

enum status vote_journal_peek(const char *directory, const struct hash32 *chain_id,
                              const struct pubkey33 *key, uint64_t *incarnation)
{
    enum status status = ST_NOT_FOUND;
    char path[PATH_SIZE];
    uint8_t *image = malloc(FILE_SIZE);
    CHECK(image != NULL);
    for (uint32_t i = 0; i < COPIES && status != ST_FOREIGN; i++) {
        uint8_t owner[OWNER_SIZE];
        uint8_t expected[OWNER_SIZE];
        uint64_t found = 0;
        copy_path(path, directory, i);
        if (read_copy(path, image) != ST_OK || !journal_head_decode(image, i, owner, &found)) {
            continue;
        }
        journal_owner_encode(expected, chain_id, key, found);
        if (memcmp(expected, owner, OWNER_SIZE) != 0) {
            status = ST_FOREIGN;
        } else if (status == ST_NOT_FOUND || found > *incarnation) {
            *incarnation = found;
            status = ST_OK;
        }
    }
    free(image);
    return status;
}

enum status vote_journal_retire(const char *directory, uint64_t incarnation, char *error,
                                size_t error_size)
{
    char path[PATH_SIZE];
    char away[PATH_SIZE + 64];
    for (uint32_t i = 0; i < COPIES; i++) {
        copy_path(path, directory, i);
        snprintf(away, sizeof away, "%s.before-%llu", path, (unsigned long long)incarnation);
        if (access(path, F_OK) != 0) {
            continue;
        }
        if (access(away, F_OK) == 0 || rename(path, away) != 0) {
            snprintf(error, error_size,
                     "%s cannot be put aside as %s (%s); check the disk, or take a higher "
                     "incarnation number",
                     path, away, access(away, F_OK) == 0 ? "that exists" : strerror(errno));
            return ST_IO;
        }
    }
    if (!sync_directory(directory)) {
        snprintf(error, error_size, "%s cannot be synced (%s); check the disk", directory,
                 strerror(errno));
        return ST_IO;
    }
    return ST_OK;
}
