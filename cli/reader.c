#include "cli/reader.h"

#include <string.h>

#include "proto/bytes.h"

bool reader_set(struct reader_values *values, int key, const char *text, struct fault *fault)
{
    fault->code = EXIT_OK;
    switch (key) {
    case OPTION_AS:
        values->as = text;
        return true;
    case OPTION_CODE:
        values->code = text;
        return true;
    case 'K':
        values->hands.key = text;
        return true;
    case 'P':
        values->hands.passphrase_file = text;
        return true;
    default:
        return false;
    }
}

static bool with_code(const struct reader_values *values, const struct connection *connection,
                      struct fault *fault)
{
    uint8_t code[16];
    if (hex_decode(code, sizeof code, values->code, strlen(values->code)) != ST_OK) {
        return fault_set(fault, EXIT_USAGE, "--code is 32 hex characters, not %.80s",
                         "--code 为 32 个十六进制字符，而不是 %.80s", values->code);
    }
    client_read_with(connection->client, values->code);
    return true;
}

bool reading_open(struct reading *reading, const struct reader_values *values,
                  const struct connection *connection, const struct hash32 *learner,
                  struct fault *fault)
{
    struct hands_values who = values->hands;
    struct tx_draft draft = {.signer_count = 0};
    char id[HEX_SIZE(32)];
    *reading = (struct reading){.hands = {.keyring = NULL}};
    if (values->as != NULL && values->code != NULL) {
        return fault_set(fault, EXIT_USAGE, "give --as or --code, not both",
                         "--as 与 --code 只能给出一个");
    }
    if (values->code != NULL) {
        return with_code(values, connection, fault);
    }
    if (values->as == NULL) {
        return true; /* public; or on the node's own machine */
    }
    bool self = strcmp(values->as, "learner") == 0;
    hex_encode(id, learner->bytes, 32);
    who.signers[0] = (struct signer_word){self, self ? id : values->as};
    who.signer_count = 1;
    if (!hands_find(&reading->hands, &who, self ? "" : connection->keys, &draft, fault)) {
        return false;
    }
    if (reading->hands.keys[0] == NULL) {
        return fault_set(fault, EXIT_USAGE, "--as is a member's number or learner, not %.80s",
                         "--as 应为机构编号或 learner，而不是 %.80s", values->as);
    }
    client_read_as(connection->client, draft.signers[0].member, learner, reading->hands.keys[0]);
    return true;
}

void reading_close(struct reading *reading)
{
    hands_free(&reading->hands);
}

void reading_explain(uint32_t code, struct fault *fault)
{
    if (code == ST_TOKEN_NEEDED) {
        fault_set(fault, EXIT_REFUSED,
                  "this is about a person, and the node does not know who asks: give --as N (a "
                  "member), --as learner with --key FILE, or --code CODE (of a consent)",
                  "该内容涉及个人，而节点不知道是谁在读取：请给出 --as N（机构）、--as learner 与 "
                  "--key FILE，或 --code CODE（授权码）");
    }
}
