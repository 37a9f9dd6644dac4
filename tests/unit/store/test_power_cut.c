/* What a power cut would leave of a LevelDB store: after a synced write, every byte of every log that is still
 * there must have been synced. The test sees the syncs of LevelDB's library, because it defines them. */
#include "tests/unit/cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ledger/store/kv.h"
#include "proto/bytes.h"
#include "tests/unit/folder.h"

enum { FILES = 64, WRITES = 400, VALUE_SIZE = 3000 };

/* Inode to the size it had when it was last synced. */
static struct {
    ino_t inode;
    off_t size;
} synced[FILES];
static size_t synced_count;
static unsigned folder_syncs;

static void note(int file)
{
    struct stat status;
    size_t i = 0;
    assert_int_equal(fstat(file, &status), 0);
    if (S_ISDIR(status.st_mode)) {
        folder_syncs++;
        return;
    }
    while (i < synced_count && synced[i].inode != status.st_ino) {
        i++;
    }
    assert_true(i < FILES);
    synced_count += i == synced_count;
    synced[i].inode = status.st_ino;
    synced[i].size = status.st_size;
}

int fdatasync(int file)
{
    note(file);
    return (int)syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    note(file);
    return (int)syscall(SYS_fsync, file);
}

/* Bytes of the logs in a folder that no sync has reached. */
static off_t unsynced(const char *folder)
{
    char path[512];
    struct stat status;
    off_t left = 0;
    DIR *list = opendir(folder);
    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (strstr(entry->d_name, ".log") == NULL) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &status) != 0) {
            continue; /* it has just become a table */
        }
        off_t reached = 0;
        for (size_t i = 0; i < synced_count; i++) {
            reached = synced[i].inode == status.st_ino ? synced[i].size : reached;
        }
        left += status.st_size - reached;
    }
    closedir(list);
    return left;
}

static void test_sync_reaches_every_log(void **state)
{
    char folder[] = "power-cut-XXXXXX";
    char error[256];
    struct kv *kv = NULL;
    /* LevelDB's smallest memtable: a new log every 64 KiB. */
    struct kv_options options = {
        .create = true, .cache_size = 1 << 20, .bloom_bits = 10, .write_buffer_size = 64 << 10};
    uint8_t value[VALUE_SIZE];
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(kv_open_leveldb(&kv, folder, &options, error, sizeof error), ST_OK);
    for (uint32_t i = 0; i < WRITES; i++) {
        uint8_t key[4];
        struct kv_batch *batch = kv_batch_new();
        be32_put(key, i);
        memset(value, (int)(i * 7 + 1), sizeof value);
        kv_batch_put(batch, bytes_of(key, sizeof key), bytes_of(value, sizeof value));
        bool sync = i % 10 == 9;
        assert_int_equal(kv_write(kv, batch, sync), ST_OK);
        kv_batch_free(batch);
        if (sync) {
            assert_int_equal(unsynced(folder), 0);
        }
    }
    /* The case was there: LevelDB changed logs, and the folder's entries were synced. */
    assert_true(folder_syncs > 5);
    kv_close(kv);
    assert_int_equal(folder_remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sync_reaches_every_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
