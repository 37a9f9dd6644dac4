/* From a payload to a block: makes a transaction, has it signed with the keys at hand, and sends it or saves it for
 * other signers. What xuelian tx and xuelian gov share. One thread. */
#ifndef XUELIAN_CLI_MAKER_H
#define XUELIAN_CLI_MAKER_H

#include "cli/connection.h"
#include "cli/hands.h"
#include "cli/payload.h"
#include "cli/tx_file.h"

struct maker_values {
    const char *out; /* save it here instead of sending it, or NULL */
    struct hands_values hands;
    unsigned long long valid_until; /* 0: half the validity window from here */
};

/* Options of whoever signs as a member, for a command's options; key and passphrase-file are among them. */
#define MAKER_KEY_OPTIONS                                                                \
    {"key", 'K', "FILE", 0, "sign with the key of this file|使用该文件中的密钥签名", 0}, \
    {                                                                                    \
        "passphrase-file", 'P', "FILE", 0,                                               \
            "take its passphrase from the first line|口令取自文件首行", 0                \
    }
#define MAKER_OPTIONS                                                                           \
    {"member",                                                                                  \
     'm',                                                                                       \
     "N[:KEY]",                                                                                 \
     0,                                                                                         \
     "member N signs; KEY: its public key, when its private key is elsewhere; may be repeated|" \
     "机构 N 签名；若私钥在别处，给出其公钥 KEY；可重复",                                       \
     0},                                                                                        \
        MAKER_KEY_OPTIONS, {"valid-until",                                                      \
                            'V',                                                                \
                            "HEIGHT",                                                           \
                            0,                                                                  \
                            "last block height at which it may be recorded|最晚入块高度",       \
                            0},                                                                 \
        {"out",                                                                                 \
         'o',                                                                                   \
         "FILE",                                                                                \
         0,                                                                                     \
         "save it for other signers instead of sending it|保存供他人签名，而不发送",            \
         0},                                                                                    \
    {                                                                                           \
        "keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1            \
    }

/* For a command's set. Returns true when the key was one of these; false with *fault when wrong, and false with
 * fault->code EXIT_OK when the key is another's. */
bool maker_set(struct maker_values *values, int key, const char *text, struct fault *fault);
/* One more signer. False with *fault past LIMIT_SIGNERS_MAX. */
bool maker_signer(struct maker_values *values, bool learner, const char *text, struct fault *fault);

/* What makes the payload when the keys are open. False with *fault. */
struct maker_payload {
    bool (*read)(void *context, struct keyring *keyring, struct payload *payload,
                 struct fault *fault);
    void *context;
};

/* Makes, signs, and sends (waiting for the block) or saves, and prints what came of it.
 * Returns the exit code. */
int maker_run(const struct maker_values *values, const struct tx_kind *kind,
              const struct maker_payload *payload, const struct connection *connection);

/* Sends one that all have signed, or says who has not. Returns the exit code. */
int maker_send(const struct tx_file *file, const struct connection *connection);
/* Saves one and says what is next. Returns the exit code. */
int maker_save(const struct tx_file *file, const char *path);

#endif
