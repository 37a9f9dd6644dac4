/* Records of recoveries as files: made, read, signed, shown. One thread. */
#ifndef XUELIAN_CLI_RECOVERY_H
#define XUELIAN_CLI_RECOVERY_H

#include "cli/text.h"
#include "ledger/genesis.h"
#include "proto/recovery.h"

enum { RECOVERY_LIST_MAX = LIMIT_VALIDATORS_MAX };

struct recovery_values {
    const char *genesis_path;
    const char *file;
    const char *output;
    const char *key;
    const char *passphrase;
    const char *reason;
    bool has_from;
    unsigned long long from; /* go on from this block although a higher one is known */
    const char *newest[RECOVERY_LIST_MAX];
    uint32_t newest_count;
    uint32_t lost[RECOVERY_LIST_MAX]; /* member numbers */
    uint32_t lost_count;
    const char *add[RECOVERY_LIST_MAX];
    uint32_t add_count;
};

/* A record with the genesis it is judged by. */
struct recovery_file {
    struct genesis genesis;
    struct recovery recovery;
    uint8_t *bytes;
    void *memory;
};

bool recovery_genesis_read(struct genesis *genesis, const char *path, struct fault *fault);
/* Form alone; signatures may lack. False with *fault. */
bool recovery_file_read(struct recovery_file *file, const struct recovery_values *values,
                        struct fault *fault);
void recovery_file_free(struct recovery_file *file);
/* Writes body and signatures; over the file when `replace`. */
bool recovery_file_write(const char *path, const struct recovery *recovery, bool replace,
                         struct fault *fault);

/* recovery_new.c: the record, without signatures, from what the survivors hold. */
bool recovery_new(const struct recovery_values *values, struct fault *fault);

#endif
