#include "node/driver/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/log.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum { PATH_SIZE = CONFIG_TEXT_SIZE + 96 };

static const char prefix[] = "evidence-";

void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        free(shelf->list[i].bytes);
    }
    shelf->count = 0;
}

void shelf_id(char out[SHELF_ID_SIZE], uint64_t era, uint32_t index, Xuelian__EvidenceKind kind)
{
    snprintf(out, SHELF_ID_SIZE, "%llu-%u-%d", (unsigned long long)era, (unsigned)index, (int)kind);
}

void shelf_file(char *out, size_t size, const struct node *node, const char *id)
{
    snprintf(out, size, "%s/%s%s", node->config.data_dir, prefix, id);
}

const struct kept *shelf_find(const struct shelf *shelf, uint64_t era, const struct pubkey33 *key,
                              Xuelian__EvidenceKind kind)
{
    for (size_t i = 0; i < shelf->count; i++) {
        const struct kept *kept = &shelf->list[i];
        if (kept->era == era && kept->facts.kind == kind &&
            pubkey33_compare(&kept->key, key) == 0) {
            return kept;
        }
    }
    return NULL;
}

const struct kept *shelf_find_id(const struct shelf *shelf, const char *id)
{
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->list[i].id, id) == 0) {
            return &shelf->list[i];
        }
    }
    return NULL;
}

bool shelf_add(struct shelf *shelf, const struct kept *kept)
{
    if (shelf->count == SHELF_MAX || kept->size > SHELF_BYTES_MAX - shelf->bytes ||
        shelf_find(shelf, kept->era, &kept->key, kept->facts.kind) != NULL) {
        return false;
    }
    shelf->list[shelf->count++] = *kept;
    shelf->bytes += kept->size;
    return true;
}

/* ---- The set of an era ---- */

struct walk {
    struct evidence_path *path;
    const struct hash32 *chain_id;
    enum status status;
};

static bool walk_on(void *context, struct bytes set_change)
{
    struct walk *walk = context;
    walk->status = evidence_path_step(walk->path, walk->chain_id, set_change, false);
    return walk->status == ST_OK;
}

/* False: it is not in the log. */
static bool block_hash(struct node *node, uint64_t height, struct hash32 *hash)
{
    struct stored_block block;
    if (block_log_get(node->block_log, height, &block) != ST_OK) {
        return false;
    }
    *hash = block.hash;
    stored_block_free(&block);
    return true;
}

/* Of block 0: what block 1 names as its parent. False: there is no block 1 in the log. */
static bool genesis_hash(struct node *node, struct hash32 *hash)
{
    struct stored_block block;
    if (block_log_get(node->block_log, 1, &block) != ST_OK) {
        return false;
    }
    *hash = block.header.parent_hash;
    stored_block_free(&block);
    return true;
}

enum status shelf_path(struct evidence_path *path, struct node *node, uint64_t era,
                       uint64_t rotation_blocks)
{
    struct hash32 hash;
    struct walk walk = {.path = path, .chain_id = &node->genesis.chain_id, .status = ST_OK};
    bool known = era != 1 || genesis_hash(node, &hash);
    if (era != 1) {
        hash = (struct hash32){{0}}; /* of use to era 1 alone */
    }
    enum status status = evidence_path_begin(path, &node->genesis, known ? &hash : NULL);
    if (status == ST_OK && era > 1) {
        status = block_log_set_changes(node->block_log, era - 1, walk_on, &walk);
        status = status == ST_OK ? walk.status : status;
    }
    if (status == ST_OK && path->set.era != era) {
        status = ST_FUTURE;
    }
    if (status == ST_OK && !path->base_known) {
        path->base_known = block_hash(node, era - 1, &path->base_hash);
    }
    if (status == ST_OK && rotation_blocks != 0) {
        path->rotation_blocks = rotation_blocks;
    }
    return status;
}

/* ---- Files ---- */

static bool write_all(const char *path, const uint8_t *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;
    if (file < 0) {
        return false;
    }
    while (done < size) {
        ssize_t count = write(file, bytes + done, size - done);
        if (count < 0 && errno != EINTR) {
            break;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    bool good = done == size && fsync(file) == 0;
    return close(file) == 0 && good;
}

bool shelf_write(const struct node *node, const char *id, const struct evidence *evidence)
{
    char path[PATH_SIZE];
    char part[PATH_SIZE + 40];
    uint8_t *bytes = NULL;
    size_t size = evidence_write(&bytes, evidence, &node->genesis.chain_id, false);
    shelf_file(path, sizeof path, node, id);
    /* Two threads may have the same piece from two peers: each its own part, and one of them is first. */
    snprintf(part, sizeof part, "%s.%llx.part", path, (unsigned long long)(uintptr_t)bytes);
    bool good = write_all(part, bytes, size);
    if (good && link(part, path) != 0) {
        good = errno == EEXIST;
    }
    unlink(part);
    free(bytes);
    return good;
}

static uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return NULL;
    }
    uint8_t *bytes = malloc(EVIDENCE_SIZE_MAX + 1);
    CHECK(bytes != NULL);
    *size = fread(bytes, 1, EVIDENCE_SIZE_MAX + 1, file);
    fclose(file);
    if (*size > EVIDENCE_SIZE_MAX) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* Checks one file's evidence and takes it. */
static enum status take(struct shelf *shelf, struct node *node, const char *id, struct bytes bytes,
                        struct arena *arena)
{
    struct evidence evidence;
    struct evidence_path path;
    struct kept kept = {.from = *signer_key(node->signer)};
    enum status status = evidence_read(&evidence, bytes, &node->genesis.chain_id, arena);
    if (status == ST_OK) {
        status = shelf_path(&path, node, evidence.era, 0);
    }
    if (status == ST_OK) {
        status = evidence_check(&evidence, &path, &node->genesis.chain_id, &kept.facts);
        status = status == ST_MISSING ? ST_OK : status; /* judged when it came */
    }
    if (status != ST_OK) {
        return status;
    }
    shelf_id(kept.id, evidence.era, kept.facts.index, evidence.kind);
    if (strcmp(kept.id, id) != 0) {
        return ST_CONFLICT;
    }
    kept.era = evidence.era;
    kept.key = evidence.key;
    kept.seen_ms = evidence.seen_ms;
    kept.size = evidence_write(&kept.bytes, &evidence, &node->genesis.chain_id, true);
    if (!shelf_add(shelf, &kept)) {
        free(kept.bytes);
        return ST_FULL;
    }
    return ST_OK;
}

static void load_one(struct shelf *shelf, struct node *node, const char *id)
{
    char path[PATH_SIZE];
    struct arena arena;
    size_t size = 0;
    enum status status = ST_BAD_SIZE;
    shelf_file(path, sizeof path, node, id);
    uint8_t *bytes = read_whole(path, &size);
    if (bytes != NULL) {
        void *memory = malloc(EVIDENCE_ROOM(size));
        CHECK(memory != NULL);
        arena_init(&arena, memory, EVIDENCE_ROOM(size));
        status = take(shelf, node, id, bytes_of(bytes, size), &arena);
        free(memory);
        free(bytes);
    }
    if (status != ST_OK) {
        log_event(LOG_WARN, "evidence_file",
                  "%s shows nothing about a validator of this chain and is not passed on: %s", path,
                  status_en(status));
    }
}

void shelf_load(struct shelf *shelf, struct node *node)
{
    DIR *folder = opendir(node->config.data_dir);
    const struct dirent *entry;
    if (folder == NULL) {
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;
        if (strncmp(name, prefix, sizeof prefix - 1) != 0 ||
            strlen(name) >= SHELF_ID_SIZE + sizeof prefix - 1) {
            continue;
        }
        const char *id = name + sizeof prefix - 1;
        if (id[strspn(id, "0123456789-")] == '\0') { /* else unfinished, or this node's alone */
            load_one(shelf, node, id);
        }
    }
    closedir(folder);
}
