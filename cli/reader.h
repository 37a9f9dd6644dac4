/* Who reads what is about a person, for the commands that ask nodes for it: docs/access.md. One thread. */
#ifndef XUELIAN_CLI_READER_H
#define XUELIAN_CLI_READER_H

#include "cli/connection.h"
#include "cli/hands.h"

enum { OPTION_AS = 'A', OPTION_CODE = 'C' };

/* For a command's options, beside MAKER_KEY_OPTIONS and --keys. */
#define READER_AS_OPTION                                                                                    \
    {                                                                                                       \
        "as", OPTION_AS, "WHO", 0,                                                                          \
            "read as member number WHO, or as the learner: learner|以机构编号 WHO 或学习者本人 " \
            "learner 的身份读取",                                                                           \
            0                                                                                               \
    }
#define READER_OPTIONS                                                                            \
    READER_AS_OPTION,                                                                             \
    {                                                                                             \
        "code", OPTION_CODE, "CODE", 0,                                                           \
            "read with the code of a consent, 32 hex characters|凭授权码读取，32 个十六进制字符", \
            0                                                                                     \
    }

struct reader_values {
    const char *as;
    const char *code;
    struct hands_values hands; /* its key and passphrase file alone */
};

/* For a command's set. As connection_set. */
bool reader_set(struct reader_values *values, int key, const char *text, struct fault *fault);

struct reading {
    struct hands hands;
};

/* Has the connection's requests about persons carry who reads. learner: whose they are.
 * False with *fault. *reading is closed with reading_close, after the connection's last request, in either case. */
bool reading_open(struct reading *reading, const struct reader_values *values,
                  const struct connection *connection, const struct hash32 *learner,
                  struct fault *fault);
void reading_close(struct reading *reading);

/* Turns a node's "who are you" into what to type. Leaves every other fault alone. */
void reading_explain(uint32_t code, struct fault *fault);

#endif
