#include "ledger/store/vote_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/store/vote_journal_format.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum {
    SLOTS = FILE_SIZE / BLOCK,
    WINDOW = 16 /* newest records that must be whole: the ring holds at least twice as many */
};

_Static_assert(FILE_SIZE / (RECORD_SIZE_MAX + BLOCK) >= 2 * WINDOW - 2,
               "the ring keeps the window");

struct vote_journal {
    int files[COPIES];
    uint8_t owner[OWNER_SIZE];
    uint64_t incarnation;
    struct vote_record newest;
    struct hash32 newest_digest;
    size_t next;      /* offset of the next record */
    uint8_t *buffer;  /* one record, whole blocks */
    uint8_t *payload; /* newest's */
    bool failed;
};

/* A valid record found in a copy. */
struct found {
    uint64_t counter;
    size_t offset;
};

struct copy {
    uint8_t *image; /* the file */
    struct found *found;
    size_t count;
};

static void scan(struct copy *copy, const uint8_t owner[OWNER_SIZE])
{
    copy->count = 0;
    for (size_t offset = BLOCK; offset < FILE_SIZE;) {
        uint64_t counter;
        size_t size;
        if (journal_record_at(copy->image, offset, owner, &counter, &size)) {
            copy->found[copy->count++] = (struct found){.counter = counter, .offset = offset};
            offset += size;
        } else {
            offset += BLOCK;
        }
    }
}

static const struct found *find(const struct copy *copy, uint64_t counter)
{
    for (size_t i = 0; i < copy->count; i++) {
        if (copy->found[i].counter == counter) {
            return &copy->found[i];
        }
    }
    return NULL;
}

static bool newest_of(const struct copy *copy, uint64_t *counter)
{
    for (size_t i = 0; i < copy->count; i++) {
        if (i == 0 || copy->found[i].counter > *counter) {
            *counter = copy->found[i].counter;
        }
    }
    return copy->count > 0;
}

static enum status lost(char *error, size_t error_size, const char *what)
{
    snprintf(error, error_size,
             "the vote journal is not whole (%s): this node may not vote with it; follow the steps "
             "for a new incarnation in the operations guide",
             what);
    return ST_JOURNAL_LOST;
}

/* Opens one file and reads it whole. */
static enum status load_copy(struct vote_journal *journal, const char *directory, uint32_t index,
                             struct copy *copy, char *error, size_t error_size)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", directory, journal_copy_names[index]);
    int file = open(path, O_RDWR | O_CLOEXEC);
    journal->files[index] = file;
    if (file < 0) {
        return errno == ENOENT ? lost(error, error_size, "a copy is missing")
                               : lost(error, error_size, "a copy cannot be opened");
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        snprintf(error, error_size,
                 "the vote journal %s is used by another process; stop that one first", path);
        return ST_LOCKED;
    }
    if (fstat(file, &info) != 0 || info.st_size != FILE_SIZE) {
        return lost(error, error_size, "a copy has the wrong size");
    }
    copy->image = malloc(FILE_SIZE);
    copy->found = malloc(SLOTS * sizeof *copy->found);
    CHECK(copy->image != NULL && copy->found != NULL);
    if (!journal_read(file, copy->image, FILE_SIZE)) {
        return lost(error, error_size, "a copy cannot be read");
    }
    return ST_OK;
}

static enum status check_file_header(struct vote_journal *journal, const struct copy *copy,
                                     uint32_t index, const struct hash32 *chain_id,
                                     const struct pubkey33 *key, char *error, size_t error_size)
{
    uint64_t incarnation = 0;
    uint8_t owner[OWNER_SIZE];
    if (!journal_head_decode(copy->image, index, owner, &incarnation)) {
        return lost(error, error_size, "the head of a copy is damaged");
    }
    journal_owner_encode(owner, chain_id, key, incarnation);
    if (memcmp(owner, copy->image + 16, OWNER_SIZE) != 0) {
        snprintf(error, error_size,
                 "the vote journal belongs to another chain or another node key; use the data "
                 "directory that fits this genesis file and key");
        return ST_FOREIGN;
    }
    if (index > 0 && incarnation != journal->incarnation) {
        return lost(error, error_size, "the copies are of different incarnations");
    }
    journal->incarnation = incarnation;
    memcpy(journal->owner, owner, OWNER_SIZE);
    return ST_OK;
}

/* True when a copy has every record of the window that ends in newest, each naming the one before. */
static bool window_whole(const struct copy *copy, uint64_t newest)
{
    uint64_t first = newest >= WINDOW ? newest - WINDOW + 1 : 0;
    const struct found *earlier = NULL;
    for (uint64_t counter = first; counter <= newest; counter++) {
        const struct found *record = find(copy, counter);
        if (record == NULL) {
            return false;
        }
        if (earlier != NULL) {
            const uint8_t *before = copy->image + earlier->offset;
            size_t payload = be32_get(before + 112);
            if (memcmp(copy->image + record->offset + 80, before + RECORD_HEADER_SIZE + payload,
                       32) != 0) {
                return false;
            }
        }
        earlier = record;
    }
    return true;
}

/* True when a record of that counter was begun at an offset and is not whole. */
static bool begun_at(const struct copy *copy, size_t offset, uint64_t counter)
{
    uint64_t found = 0;
    return journal_record_begun(copy->image + offset, &found) && found == counter;
}

/* Where the record after one goes: behind it, or at the start of the ring when none may fit there. */
static size_t next_offset(size_t offset, size_t size)
{
    size_t next = offset + size;
    return FILE_SIZE - next < journal_whole_blocks(RECORD_SIZE_MAX) ? BLOCK : next;
}

static void take_newest(struct vote_journal *journal, const struct copy *copy, uint64_t newest)
{
    const struct found *found = find(copy, newest);
    CHECK(found != NULL); /* the caller has looked at the window that ends in it */
    size_t offset = found->offset;
    const uint8_t *record = copy->image + offset;
    size_t payload = be32_get(record + 112);
    journal->newest = (struct vote_record){.counter = newest,
                                           .era = be64_get(record + 16),
                                           .view = be64_get(record + 24),
                                           .height = be64_get(record + 32),
                                           .committed_height = be64_get(record + 40)};
    memcpy(journal->newest.committed_hash.bytes, record + 48, 32);
    memcpy(journal->payload, record + RECORD_HEADER_SIZE, payload);
    journal->newest.payload = bytes_of(journal->payload, payload);
    memcpy(journal->newest_digest.bytes, record + RECORD_HEADER_SIZE + payload, 32);
    journal->next = next_offset(offset, journal_whole_blocks(RECORD_HEADER_SIZE + payload + 32));
}

/* The rule of README.md, "What open decides". */
static enum status judge(struct vote_journal *journal, struct copy copies[COPIES], char *error,
                         size_t error_size)
{
    uint64_t newest[COPIES] = {0};
    if (!newest_of(&copies[0], &newest[0]) && !newest_of(&copies[1], &newest[1])) {
        return lost(error, error_size, "neither copy has a whole record");
    }
    (void)newest_of(&copies[1], &newest[1]);
    uint64_t top = newest[0] > newest[1] ? newest[0] : newest[1];
    bool whole[COPIES] = {window_whole(&copies[0], top), window_whole(&copies[1], top)};
    uint32_t good = whole[0] ? 0 : 1;
    if (!whole[good]) {
        return lost(error, error_size, "records are missing in both copies");
    }
    take_newest(journal, &copies[good], top);
    /* Copy b is begun only when copy a is on disk: one more in b that is not whole was once whole in a. */
    if (begun_at(&copies[1], journal->next, top + 1)) {
        return lost(error, error_size, "the newest record is damaged in both copies");
    }
    if (whole[1 - good]) {
        return ST_OK;
    }
    /* The ordinary crash between the copies leaves b one behind; anything else was damage. */
    bool ordinary = good == 0 && newest[1] + 1 == top && window_whole(&copies[1], newest[1]);
    journal_head_encode(copies[good].image, journal->owner, 1 - good);
    if (!journal_write(journal->files[1 - good], copies[good].image, FILE_SIZE, 0)) {
        snprintf(error, error_size, "%s cannot be healed from the other copy; check the disk",
                 journal_copy_names[1 - good]);
        return ST_IO;
    }
    if (!ordinary) {
        snprintf(error, error_size,
                 "%s was damaged and has been restored from the other copy; check the disk",
                 journal_copy_names[1 - good]);
    }
    return ST_OK;
}

enum status vote_journal_open(struct vote_journal **journal, const char *directory,
                              const struct hash32 *chain_id, const struct pubkey33 *key,
                              char *error, size_t error_size)
{
    struct vote_journal *made = calloc(1, sizeof *made);
    struct copy copies[COPIES] = {{.image = NULL}, {.image = NULL}};
    enum status status = ST_OK;
    CHECK(made != NULL);
    made->files[0] = -1;
    made->files[1] = -1;
    made->buffer = malloc(journal_whole_blocks(RECORD_SIZE_MAX));
    made->payload = malloc(VOTE_JOURNAL_PAYLOAD_SIZE_MAX);
    CHECK(made->buffer != NULL && made->payload != NULL);
    error[0] = '\0';
    for (uint32_t i = 0; i < COPIES && status == ST_OK; i++) {
        status = load_copy(made, directory, i, &copies[i], error, error_size);
    }
    for (uint32_t i = 0; i < COPIES && status == ST_OK; i++) {
        status = check_file_header(made, &copies[i], i, chain_id, key, error, error_size);
    }
    for (uint32_t i = 0; i < COPIES && status == ST_OK; i++) {
        scan(&copies[i], made->owner);
    }
    if (status == ST_OK) {
        status = judge(made, copies, error, error_size);
    }
    for (uint32_t i = 0; i < COPIES; i++) {
        free(copies[i].image);
        free(copies[i].found);
    }
    if (status != ST_OK) {
        vote_journal_close(made);
        return status;
    }
    *journal = made;
    return ST_OK;
}

void vote_journal_close(struct vote_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    for (uint32_t i = 0; i < COPIES; i++) {
        if (journal->files[i] >= 0) {
            close(journal->files[i]);
        }
    }
    free(journal->buffer);
    free(journal->payload);
    free(journal);
}

uint64_t vote_journal_incarnation(const struct vote_journal *journal)
{
    return journal->incarnation;
}

const struct vote_record *vote_journal_newest(const struct vote_journal *journal)
{
    return &journal->newest;
}

enum status vote_journal_append(struct vote_journal *journal, const struct vote_record *record)
{
    struct vote_record made = *record;
    struct hash32 digest;
    CHECK(record->payload.size <= VOTE_JOURNAL_PAYLOAD_SIZE_MAX);
    if (journal->failed) {
        return ST_IO;
    }
    made.counter = journal->newest.counter + 1;
    size_t size = journal_record_encode(journal->buffer, journal->owner, &made,
                                        &journal->newest_digest, &digest);
    for (uint32_t i = 0; i < COPIES; i++) {
        if (!journal_write(journal->files[i], journal->buffer, size, journal->next)) {
            journal->failed = true;
            return ST_IO;
        }
    }
    memmove(journal->payload,
            record->payload.data != NULL ? record->payload.data : journal->payload,
            record->payload.size);
    made.payload = bytes_of(journal->payload, record->payload.size);
    journal->newest = made;
    journal->newest_digest = digest;
    journal->next = next_offset(journal->next, size);
    return ST_OK;
}
