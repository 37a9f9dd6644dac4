/* xuelian recovery: the record with which a network goes on that has lost more than f validators for good. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/recovery.h"
#include "cli/secret.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

#define GENESIS_OPTION                                                            \
    {                                                                             \
        "genesis", 'g', "FILE", 0, "the network's genesis file|网络的创世文件", 0 \
    }

static const struct argp_option new_options[] = {
    GENESIS_OPTION,
    {"newest", 'n', "FILE", 0,
     "what xueliand newest printed on a survivor; may be repeated|幸存节点上 xueliand newest "
     "的输出，可重复",
     0},
    {"lost", 'l', "MEMBER", 0,
     "the validator of this member is lost; may be repeated|该机构的验证者已丢失，可重复", 0},
    {"add", 'a', "VALIDATOR", 0,
     "MEMBER:KEY:INCARNATION[:HOST:PORT]; may be repeated|机构:密钥:任期[:主机:端口]，可重复", 0},
    {"reason", 'r', "TEXT", 0, "why, for everybody to read|原因，供所有人阅读", 0},
    {"from", 'f', "HEIGHT", 0,
     "go on from this block although a higher one is known of|明示依据该区块，即使已知更高的区块",
     0},
    {"output", 'o', "FILE", 0, "the file to write|输出文件", 0},
    {0},
};

static const struct argp_option sign_options[] = {
    GENESIS_OPTION,
    {"key", 'k', "FILE", 0, "the recovery key|恢复密钥文件", 0},
    {"passphrase-file", 'p', "FILE", 0, "its passphrase, first line|口令文件（首行）", 0},
    {0},
};

static const struct argp_option file_options[] = {GENESIS_OPTION, {0}};

static bool set_number(const char *text, unsigned long long max, unsigned long long *out,
                       const char *name, struct fault *fault)
{
    return parse_u64(text, max, out) || fault_set(fault, EXIT_USAGE, "--%s is a number, not %s",
                                                  "--%s 应为数字，而不是 %s", name, text);
}

static bool set_list(const char **list, uint32_t *count, const char *text, struct fault *fault)
{
    if (*count == RECOVERY_LIST_MAX) {
        return fault_set(fault, EXIT_USAGE, "an option is given more than 64 times",
                         "选项重复超过 64 次");
    }
    list[(*count)++] = text;
    return true;
}

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct recovery_values *chosen = values;
    unsigned long long number = 0;
    switch (key) {
    case 'g':
        chosen->genesis_path = text;
        return true;
    case 'n':
        return set_list(chosen->newest, &chosen->newest_count, text, fault);
    case 'a':
        return set_list(chosen->add, &chosen->add_count, text, fault);
    case 'l':
        if (!set_number(text, UINT32_MAX, &number, "lost", fault)) {
            return false;
        }
        if (chosen->lost_count == RECOVERY_LIST_MAX) {
            return fault_set(fault, EXIT_USAGE, "an option is given more than 64 times",
                             "选项重复超过 64 次");
        }
        chosen->lost[chosen->lost_count++] = (uint32_t)number;
        return true;
    case 'r':
        chosen->reason = text;
        return true;
    case 'f':
        chosen->has_from = true;
        return set_number(text, UINT64_MAX, &chosen->from, "from", fault);
    case 'o':
        chosen->output = text;
        return true;
    case 'k':
        chosen->key = text;
        return true;
    case 'p':
        chosen->passphrase = text;
        return true;
    default:
        if (chosen->file != NULL) {
            return argument_unexpected(text, fault);
        }
        chosen->file = text;
        return true;
    }
}

/* ---- Files ---- */

bool recovery_genesis_read(struct genesis *genesis, const char *path, struct fault *fault)
{
    char error[GENESIS_ERROR_SIZE];
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file_read(path, LIMIT_GENESIS_SIZE_MAX, &data, &size, fault)) {
        return false;
    }
    bool good = genesis_parse(genesis, bytes_of(data, size), error) == ST_OK ||
                fault_set(fault, EXIT_USAGE, "%s: %s", "%s：%s", path, error);
    free(data);
    return good;
}

bool recovery_file_read(struct recovery_file *file, const struct recovery_values *values,
                        struct fault *fault)
{
    struct arena arena;
    size_t size = 0;
    *file = (struct recovery_file){.bytes = NULL};
    if (values->genesis_path == NULL || values->file == NULL) {
        return fault_set(fault, EXIT_USAGE, "two files are needed: --genesis FILE and the record",
                         "需要两个文件：--genesis FILE 与恢复记录");
    }
    if (!recovery_genesis_read(&file->genesis, values->genesis_path, fault)) {
        return false;
    }
    file->memory = malloc(RECOVERY_ARENA_SIZE);
    bool good = file->memory != NULL &&
                file_read(values->file, LIMIT_RECOVERY_SIZE_MAX, &file->bytes, &size, fault);
    if (good) {
        arena_init(&arena, file->memory, RECOVERY_ARENA_SIZE);
        enum status status =
            recovery_decode(&file->recovery, bytes_of(file->bytes, size), false, &arena);
        if (status == ST_OK && !hash32_equal(&file->recovery.chain_id, &file->genesis.chain_id)) {
            status = ST_WRONG_CHAIN;
        }
        good = status == ST_OK ||
               fault_set(fault, EXIT_REFUSED, "%s is no recovery record for this network: %s%.0s",
                         "%s不是本网络的恢复记录：%.0s%s", values->file, status_en(status),
                         status_zh(status));
    }
    if (!good) {
        recovery_file_free(file);
    }
    return good;
}

void recovery_file_free(struct recovery_file *file)
{
    free(file->memory);
    free(file->bytes);
    if (file->genesis.message != NULL) {
        genesis_free(&file->genesis);
    }
    *file = (struct recovery_file){.bytes = NULL};
}

bool recovery_file_write(const char *path, const struct recovery *recovery, bool replace,
                         struct fault *fault)
{
    Xuelian__SignedRecovery wire = XUELIAN__SIGNED_RECOVERY__INIT;
    Xuelian__RecoverySignature signatures[LIMIT_RECOVERY_KEYS_MAX];
    Xuelian__RecoverySignature *list[LIMIT_RECOVERY_KEYS_MAX];
    for (uint32_t i = 0; i < recovery->signature_count; i++) {
        xuelian__recovery_signature__init(&signatures[i]);
        signatures[i].key = recovery->signers[i] + 1;
        signatures[i].signature = field_borrow(&recovery->signatures[i], 64);
        list[i] = &signatures[i];
    }
    wire.recovery = field_borrow(recovery->body.data, recovery->body.size);
    wire.signatures = list;
    wire.n_signatures = recovery->signature_count;
    size_t size = canonical_size(&wire.base);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    canonical_encode(bytes, &wire.base);
    bool good = file_write(path, bytes, size, 0644, replace, fault);
    free(bytes);
    return good;
}

/* ---- In words ---- */

static void show(const struct recovery_file *file)
{
    const struct recovery *recovery = &file->recovery;
    char hex[HEX_SIZE(33)];
    CHECK(file->genesis.message != NULL && recovery->message != NULL); /* it was read */
    hex_encode(hex, recovery->header_hash.bytes, 32);
    printf("%-14s %s\n", tr("network", "网络"), file->genesis.message->network);
    printf("%-14s %" PRIu64 " %s\n", tr("goes on from", "依据区块"), recovery->height, hex);
    printf("%-14s %" PRIu64 "\n", tr("its block", "恢复区块"), recovery->height + 1);
    printf("%-14s %s\n", tr("reason", "原因"), recovery->message->reason);
    printf("%-14s %u\n", tr("validators", "验证者"), (unsigned)recovery->set.count);
    for (uint32_t i = 0; i < recovery->set.count; i++) {
        const struct validator *one = &recovery->set.validators[i];
        hex_encode(hex, one->key.bytes, 33);
        printf(tr("  member %u, key %s, incarnation %" PRIu64 "%s\n",
                  "  机构 %u，密钥 %s，任期 %" PRIu64 "%s\n"),
               (unsigned)one->member, hex, one->incarnation,
               one->joined == recovery->set.era ? tr(", new", "，新加入") : "");
    }
    printf(tr("%-14s %u of %u recovery keys; %u are needed\n",
              "%-14s %u（共 %u 个恢复密钥，需 %u 个）\n"),
           tr("signed by", "已签署"), (unsigned)recovery->signature_count,
           (unsigned)file->genesis.recovery.count, (unsigned)file->genesis.recovery.threshold);
    for (uint32_t i = 0; i < recovery->signature_count; i++) {
        uint32_t key = recovery->signers[i];
        printf("  %u %s\n", (unsigned)key + 1,
               key < file->genesis.message->n_recovery_keys
                   ? file->genesis.message->recovery_keys[key]->holder
                   : tr("(unknown)", "（未知）"));
    }
}

static void show_json(const struct recovery_file *file, bool enough)
{
    const struct recovery *recovery = &file->recovery;
    char hash[HEX_SIZE(32)];
    json_t *signers = json_array();
    CHECK(recovery->message != NULL); /* it was read */
    hex_encode(hash, recovery->header_hash.bytes, 32);
    for (uint32_t i = 0; i < recovery->signature_count; i++) {
        json_array_append_new(signers, json_integer((json_int_t)recovery->signers[i] + 1));
    }
    json_print(json_pack("{s:I, s:s, s:s, s:I, s:I, s:o, s:b}", "height",
                         (json_int_t)recovery->height, "header_hash", hash, "reason",
                         recovery->message->reason, "era", (json_int_t)recovery->set.era,
                         "validators", (json_int_t)recovery->set.count, "signers", signers,
                         "complete", enough));
}

/* True when the signatures are enough and good. False with *fault. */
static bool complete(const struct recovery_file *file, struct fault *fault)
{
    uint32_t key = 0;
    enum status status =
        recovery_verify(&file->recovery, &file->genesis.chain_id, &file->genesis.recovery, &key);
    if (status == ST_BAD_SIGNATURE) {
        return fault_set(
            fault, EXIT_REFUSED,
            "the signature of recovery key %u does not verify; let that key sign again",
            "恢复密钥 %u 的签名无效；请用该密钥重新签署", (unsigned)key + 1);
    }
    if (status == ST_RECOVERY_SIGNATURES) {
        return fault_set(
            fault, EXIT_REFUSED, "signed by %u recovery keys, and this network asks for %u of %u",
            "已有 %u 个恢复密钥签署，本网络要求 %u 个（共 %u 个）",
            (unsigned)file->recovery.signature_count, (unsigned)file->genesis.recovery.threshold,
            (unsigned)file->genesis.recovery.count);
    }
    return status == ST_OK ||
           fault_set(fault, EXIT_REFUSED, "%s%.0s", "%.0s%s", status_en(status), status_zh(status));
}

static int look(const struct command_spec *spec, bool check, int argc, char **argv)
{
    struct recovery_values values = {.file = NULL};
    struct recovery_file file;
    struct fault fault;
    int code = command_parse(spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!recovery_file_read(&file, &values, &fault)) {
        return fault_print(&fault);
    }
    bool enough = complete(&file, &fault);
    if (json_wanted()) {
        show_json(&file, enough);
    } else {
        show(&file);
    }
    code = check && !enough ? fault_print(&fault) : EXIT_OK;
    recovery_file_free(&file);
    return code;
}

static int recovery_show(int argc, char **argv)
{
    const struct command_spec spec = {.options = file_options,
                                      .arguments = "FILE",
                                      .text = "Shows a recovery record.|显示恢复记录。",
                                      .set = set};
    return look(&spec, false, argc, argv);
}

static int recovery_check(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = file_options,
        .arguments = "FILE",
        .text = "Checks a recovery record with the keys of genesis. Ends with 1 unless enough of "
                "them have signed.|用创世文件的密钥检查恢复记录；签署不足时退出码为 1。",
        .set = set};
    return look(&spec, true, argc, argv);
}

/* ---- new, sign ---- */

static int recovery_make(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = new_options,
        .arguments = "",
        .text = "Makes a recovery record, to be signed, from the newest block that any survivor "
                "holds.|依据幸存节点持有的最新区块制作待签署的恢复记录。",
        .set = set};
    struct recovery_values values = {.file = NULL};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.genesis_path == NULL || values.output == NULL || values.newest_count == 0 ||
        values.reason == NULL || values.reason[0] == '\0' || values.file != NULL) {
        fault_set(
            &fault, EXIT_USAGE,
            "needed: --genesis FILE, --newest FILE of every survivor, --reason TEXT, "
            "--output FILE",
            "需要：--genesis FILE、每个幸存节点的 --newest FILE、--reason TEXT、--output FILE");
        return fault_print(&fault);
    }
    if (strlen(values.reason) > LIMIT_RECOVERY_REASON_MAX) {
        fault_set(&fault, EXIT_USAGE, "the reason has at most 1024 bytes", "原因至多 1024 字节");
        return fault_print(&fault);
    }
    if (!recovery_new(&values, &fault)) {
        return fault_print(&fault);
    }
    printf(
        tr("%s is made. Next, each key holder: xuelian recovery sign --genesis FILE --key FILE "
           "%s\n",
           "%s 已制作。接下来由各持有人执行：xuelian recovery sign --genesis FILE --key FILE %s\n"),
        values.output, values.output);
    return EXIT_OK;
}

static bool key_place(const struct recovery_keys *keys, const struct signer *signer,
                      uint32_t *place)
{
    for (*place = 0; *place < keys->count; (*place)++) {
        if (pubkey33_compare(&keys->keys[*place], signer_key(signer)) == 0) {
            return true;
        }
    }
    return false;
}

/* In its place, over an older one of the same key. */
static void put_signature(struct recovery *recovery, uint32_t place, const struct signer *signer)
{
    uint32_t at = 0;
    while (at < recovery->signature_count && recovery->signers[at] < place) {
        at++;
    }
    if (at == recovery->signature_count || recovery->signers[at] != place) {
        for (uint32_t i = recovery->signature_count; i > at; i--) {
            recovery->signers[i] = recovery->signers[i - 1];
            recovery->signatures[i] = recovery->signatures[i - 1];
        }
        recovery->signature_count++;
    }
    recovery->signers[at] = place;
    signer_sign(signer, &recovery->signed_hash, &recovery->signatures[at]);
}

static bool sign(struct recovery_file *file, const struct recovery_values *values,
                 struct fault *fault)
{
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    struct signer *signer = NULL;
    uint32_t place = 0;
    if (values->key == NULL) {
        return fault_set(fault, EXIT_USAGE, "with which key? Give --key FILE",
                         "用哪个密钥？请给出 --key FILE");
    }
    if (!passphrase_get(values->passphrase, false, passphrase, fault)) {
        return false;
    }
    enum status status = keyfile_read(values->key, passphrase, &signer, error, sizeof error);
    wipe(passphrase, sizeof passphrase);
    if (status != ST_OK) {
        return keyfile_fault(KEY_OPEN, status, values->key, error, fault);
    }
    bool good = key_place(&file->genesis.recovery, signer, &place) ||
                fault_set(fault, EXIT_REFUSED,
                          "%s is none of this network's recovery keys; its genesis names them",
                          "%s 不是本网络的恢复密钥；创世文件列有恢复密钥", values->key);
    if (good) {
        put_signature(&file->recovery, place, signer);
        good = recovery_file_write(values->file, &file->recovery, true, fault);
    }
    signer_free(signer);
    return good;
}

static int recovery_sign(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = sign_options,
        .arguments = "FILE",
        .text = "Signs a recovery record offline with a recovery key, and shows what was signed. "
                "Sign one record only for one loss.|用恢复密钥离线签署恢复记录，并显示所签内容。"
                "同一次损失只签署一份记录。",
        .set = set};
    struct recovery_values values = {.file = NULL};
    struct recovery_file file;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!recovery_file_read(&file, &values, &fault)) {
        return fault_print(&fault);
    }
    code = sign(&file, &values, &fault) ? EXIT_OK : fault_print(&fault);
    if (code == EXIT_OK) {
        show(&file);
    }
    recovery_file_free(&file);
    return code;
}

int command_recovery(int argc, char **argv)
{
    static const struct command table[] = {
        {"new", "make a record from what survivors hold", "依据幸存节点制作记录", recovery_make},
        {"sign", "sign a record with a recovery key", "用恢复密钥签署记录", recovery_sign},
        {"show", "show a record", "显示记录", recovery_show},
        {"check", "check a record's signatures", "检查记录的签名", recovery_check},
        {NULL, NULL, NULL, NULL},
    };
    return command_dispatch(table,
                            "Recovery of a network that has lost more than f validators for good.|"
                            "恢复永久丢失超过 f 个验证者的网络。",
                            argc, argv);
}
