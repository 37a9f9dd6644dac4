/* xuelian key: signing keys on disk. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/secret.h"
#include "proto/bytes.h"

struct key_values {
    const char *path;
    const char *passphrase_file;
};

static const struct argp_option options[] = {
    {"passphrase-file", 'p', "FILE", 0, "take the passphrase from its first line|口令取自文件首行",
     0},
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct key_values *chosen = values;
    if (key == 'p') {
        chosen->passphrase_file = text;
        return true;
    }
    if (chosen->path != NULL) {
        return argument_unexpected(text, fault);
    }
    chosen->path = text;
    return true;
}

static int parse(const char *text, struct key_values *values, int argc, char **argv)
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

static void print_key(const char *path, const struct pubkey33 *key)
{
    char text[HEX_SIZE(33)];
    hex_encode(text, key->bytes, 33);
    if (json_wanted()) {
        json_print(json_pack("{s:s, s:s}", "file", path, "public_key", text));
    } else {
        printf("%s %s\n", tr("public key", "公钥"), text);
    }
}

static int key_new(int argc, char **argv)
{
    struct key_values values = {NULL, NULL};
    struct fault fault;
    struct pubkey33 key;
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    int code = parse("Makes a signing key in an encrypted file (PKCS#8, mode 0600).|"
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
        keyfile_fault(status, error, &fault);
        return fault_print(&fault);
    }
    print_key(values.path, &key);
    return EXIT_OK;
}

static int key_show(int argc, char **argv)
{
    struct key_values values = {NULL, NULL};
    struct fault fault;
    struct signer *signer = NULL;
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    int code =
        parse("Shows the public key of a key file.|显示密钥文件的公钥。", &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!passphrase_get(values.passphrase_file, false, passphrase, &fault)) {
        return fault_print(&fault);
    }
    enum status status = keyfile_read(values.path, passphrase, &signer, error, sizeof error);
    wipe(passphrase, sizeof passphrase);
    if (status != ST_OK) {
        keyfile_fault(status, error, &fault);
        return fault_print(&fault);
    }
    print_key(values.path, signer_key(signer));
    signer_free(signer);
    return EXIT_OK;
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
