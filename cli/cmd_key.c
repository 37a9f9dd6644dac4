/* xuelian key: signing keys on disk. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/secret.h"
#include "ledger/genesis.h"
#include "proto/bytes.h"

struct key_values {
    const char *path;
    const char *passphrase_file;
    const char *genesis;
};

#define PASSPHRASE_OPTION                                                 \
    {                                                                     \
        "passphrase-file", 'p', "FILE", 0,                                \
            "take the passphrase from its first line|口令取自文件首行", 0 \
    }
static const struct argp_option new_options[] = {PASSPHRASE_OPTION, {0}};
static const struct argp_option show_options[] = {
    PASSPHRASE_OPTION,
    {"genesis", 'g', "FILE", 0, "say whose key it is in this network|说明它在该网络中属于谁", 0},
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct key_values *chosen = values;
    if (key == 'p') {
        chosen->passphrase_file = text;
        return true;
    }
    if (key == 'g') {
        chosen->genesis = text;
        return true;
    }
    if (chosen->path != NULL) {
        return argument_unexpected(text, fault);
    }
    chosen->path = text;
    return true;
}

static int parse(const struct argp_option *options, const char *text, struct key_values *values,
                 int argc, char **argv)
{
    const struct command_spec spec = {
        .options = options, .arguments = "FILE", .text = text, .set = set};
    struct fault fault;
    int code = command_parse(&spec, values, argc, argv);
    if (code == COMMAND_GOES_ON && values->path == NULL) {
        fault_set(&fault, EXIT_USAGE, "which key file? Give its path: %s FILE",
                  "哪个密钥文件？请给出路径：%s FILE", argv[0]);
        return fault_print(&fault);
    }
    return code;
}

/* What a key is in a network. */
struct key_owner {
    bool known;
    bool is_node; /* else a member's signing key */
    uint32_t member;
    char name[256];
};

static bool same_key(const ProtobufCBinaryData *field, const struct pubkey33 *key)
{
    return field->len == sizeof key->bytes && memcmp(field->data, key->bytes, field->len) == 0;
}

static void find_owner(const struct genesis *genesis, const struct pubkey33 *key,
                       struct key_owner *owner)
{
    *owner = (struct key_owner){.known = false};
    for (size_t i = 0; i < genesis->message->n_members && !owner->known; i++) {
        const Xuelian__Member *member = genesis->message->members[i];
        for (size_t k = 0; k < member->n_keys; k++) {
            owner->known = owner->known || same_key(&member->keys[k]->key, key);
        }
        for (size_t k = 0; k < member->n_nodes; k++) {
            owner->is_node = owner->is_node || same_key(&member->nodes[k]->key, key);
        }
        owner->known = owner->known || owner->is_node;
        bool chinese = lang_get() == LANG_ZH || member->name_en[0] == '\0';
        owner->member = member->id;
        snprintf(owner->name, sizeof owner->name, "%s",
                 chinese ? member->name_zh : member->name_en);
    }
}

static bool read_owner(const char *path, const struct pubkey33 *key, struct key_owner *owner,
                       struct fault *fault)
{
    char error[GENESIS_ERROR_SIZE];
    struct genesis genesis = {.message = NULL};
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file_read(path, LIMIT_GENESIS_SIZE_MAX, &data, &size, fault)) {
        return false;
    }
    enum status status = genesis_parse(&genesis, bytes_of(data, size), error);
    free(data);
    if (status != ST_OK) {
        return fault_set(fault, EXIT_USAGE, "%s: %s%.0s", "%s：%s（%s）", path, error,
                         status_zh(status));
    }
    find_owner(&genesis, key, owner);
    genesis_free(&genesis);
    return true;
}

/* owner NULL: not asked. */
static void print_key(const char *path, const struct pubkey33 *key, const struct key_owner *owner)
{
    char text[HEX_SIZE(33)];
    hex_encode(text, key->bytes, 33);
    if (json_wanted()) {
        json_t *made = json_pack("{s:s, s:s}", "file", path, "public_key", text);
        if (owner != NULL && owner->known) {
            json_object_update_new(made, json_pack("{s:I, s:s, s:s}", "member",
                                                   (json_int_t)owner->member, "name", owner->name,
                                                   "use", owner->is_node ? "node" : "signing"));
        }
        json_print(made);
        return;
    }
    printf("%s %s\n", tr("public key", "公钥"), text);
    if (owner != NULL && !owner->known) {
        printf("%s\n",
               tr("not a key of this network's genesis file", "不是此网络创世文件中的密钥"));
    } else if (owner != NULL) {
        printf(owner->is_node ? tr("node key of member %" PRIu32 ", %s\n",
                                   "机构 %" PRIu32 "（%s）的节点密钥\n")
                              : tr("signing key of member %" PRIu32 ", %s\n",
                                   "机构 %" PRIu32 "（%s）的签名密钥\n"),
               owner->member, owner->name);
    }
}

static int fail(enum key_act act, enum status status, const char *path, const char *error)
{
    struct fault fault;
    keyfile_fault(act, status, path, error, &fault);
    return fault_print(&fault);
}

static int key_new(int argc, char **argv)
{
    struct key_values values = {NULL, NULL, NULL};
    struct fault fault;
    struct pubkey33 key;
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    int code = parse(new_options,
                     "Makes a signing key in an encrypted file (PKCS#8, mode 0600).|"
                     "生成签名密钥，加密保存（PKCS#8，权限 0600）。",
                     &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!passphrase_get(values.passphrase_file, true, passphrase, &fault)) {
        return fault_print(&fault);
    }
    enum status status = keyfile_create(values.path, passphrase, &key, error, sizeof error);
    wipe(passphrase, sizeof passphrase);
    if (status != ST_OK) {
        return fail(KEY_MAKE, status, values.path, error);
    }
    print_key(values.path, &key, NULL);
    return EXIT_OK;
}

static int key_show(int argc, char **argv)
{
    struct key_values values = {NULL, NULL, NULL};
    struct fault fault;
    struct signer *signer = NULL;
    struct key_owner owner = {.known = false};
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    int code = parse(show_options,
                     "Shows the public key of a key file, for others to know it by.|"
                     "显示密钥文件的公钥，可告知他人。",
                     &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (access(values.path, F_OK) != 0) {
        /* Said before a passphrase is asked for; keyfile_read finds the words. */
        enum status missing = keyfile_read(values.path, "", &signer, error, sizeof error);
        return fail(KEY_OPEN, missing, values.path, error);
    }
    if (!passphrase_get(values.passphrase_file, false, passphrase, &fault)) {
        return fault_print(&fault);
    }
    enum status status = keyfile_read(values.path, passphrase, &signer, error, sizeof error);
    wipe(passphrase, sizeof passphrase);
    if (status != ST_OK) {
        return fail(KEY_OPEN, status, values.path, error);
    }
    bool asked = values.genesis != NULL;
    bool fine = !asked || read_owner(values.genesis, signer_key(signer), &owner, &fault);
    if (fine) {
        print_key(values.path, signer_key(signer), asked ? &owner : NULL);
    }
    signer_free(signer);
    return fine ? EXIT_OK : fault_print(&fault);
}

int command_key(int argc, char **argv)
{
    static const struct command table[] = {
        {"new", "make a key file", "生成密钥文件", key_new},
        {"show", "show a key file's public key", "显示密钥文件的公钥", key_show},
        {NULL, NULL, NULL, NULL},
    };
    return command_dispatch(table, "Signing keys.|签名密钥。", argc, argv);
}
