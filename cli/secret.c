#include "cli/secret.h"

#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/file.h"
#include "proto/bytes.h"
#include "proto/hash.h"

enum { ERROR_SIZE = 512, NUMBER_SIZE = 1024, MADE_SIZE = 24 };

/* One member's secrets, each read at first use. */
struct member_secrets {
    uint32_t member;
    bool has_reference;
    struct hash32 reference;
    struct signer *signer;
};

struct keyring {
    char *folder;
    bool has_identity;
    struct hash32 identity;
    size_t count;
    size_t room;
    struct member_secrets **members;
};

bool keyfile_fault(enum key_act act, enum status status, const char *path, const char *sentence,
                   struct fault *fault)
{
    const char *zh =
        act == KEY_MAKE ? "无法创建；请检查目录、权限与磁盘" : "无法读取；请检查路径与权限";
    if (status == ST_BAD_PASSPHRASE) {
        zh = act == KEY_MAKE   ? "需要 1 至 1023 个字符的口令"
             : act == KEY_OPEN ? "口令不能打开它；请重试"
                               : "没有首行；请在首行写入口令";
    } else if (act == KEY_MAKE && status == ST_CONFLICT) {
        zh = "已存在；密钥从不覆盖其他文件";
    } else if (act == KEY_OPEN && status == ST_NOT_FOUND) {
        zh = "不存在；请检查路径，或用 xuelian key new 生成";
    } else if (act == KEY_OPEN && status == ST_BAD_KEY) {
        zh = "不是加密的 secp256k1 密钥（PKCS#8 "
             "PEM），或其他用户可读取它；请给出正确的文件，权限应为 "
             "600";
    }
    return fault_set(fault, EXIT_IO, "%s%.0s%.0s%.0s", "%.0s%s %s：%s", sentence,
                     act == KEY_PASSPHRASE ? "口令文件" : "密钥文件", path, zh);
}

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
    interrupted = number;
}

/* Reads a line that is not shown. Ctrl-C ends the program as ever, but not before the terminal is as it was. */
static bool prompt(const char *text, char out[KEYFILE_PASSPHRASE_SIZE_MAX])
{
    const struct sigaction noting = {.sa_handler = note_signal}; /* and the read ends */
    struct sigaction usual;
    struct termios before;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL || tcgetattr(fileno(terminal), &before) != 0) {
        if (terminal != NULL) {
            fclose(terminal);
        }
        return false;
    }
    struct termios quiet = before;
    quiet.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
    interrupted = 0;
    sigaction(SIGINT, &noting, &usual);
    fputs(text, terminal);
    fflush(terminal);
    bool read = tcsetattr(fileno(terminal), TCSAFLUSH, &quiet) == 0 &&
                fgets(out, KEYFILE_PASSPHRASE_SIZE_MAX, terminal) != NULL;
    tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    fputs("\n", terminal);
    fclose(terminal);
    sigaction(SIGINT, &usual, NULL);
    if (interrupted != 0) {
        raise(interrupted);
    }
    if (read) {
        out[strcspn(out, "\r\n")] = '\0';
    }
    return read;
}

bool passphrase_get(const char *file, bool again, char out[KEYFILE_PASSPHRASE_SIZE_MAX],
                    struct fault *fault)
{
    char error[ERROR_SIZE];
    char second[KEYFILE_PASSPHRASE_SIZE_MAX];
    if (file != NULL) {
        enum status status = keyfile_passphrase(file, out, error, sizeof error);
        return status == ST_OK || keyfile_fault(KEY_PASSPHRASE, status, file, error, fault);
    }
    if (!prompt(tr("Passphrase: ", "口令："), out)) {
        return fault_set(fault, EXIT_USAGE,
                         "there is no terminal to ask for the passphrase; give --passphrase-file",
                         "没有可询问口令的终端；请给出 --passphrase-file");
    }
    if (!again) {
        return true;
    }
    bool same = prompt(tr("Again: ", "再输一次："), second) && strcmp(out, second) == 0;
    wipe(second, sizeof second);
    return same || fault_set(fault, EXIT_USAGE, "the two passphrases differ; try again",
                             "两次口令不同；请重试");
}

bool passphrase_make(char out[KEYFILE_PASSPHRASE_SIZE_MAX], struct fault *fault)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    size_t made = 0;
    while (made < MADE_SIZE) {
        uint8_t byte = 0;
        if (RAND_bytes(&byte, 1) != 1) {
            return fault_set(fault, EXIT_IO, "the system gives no random numbers",
                             "系统无法提供随机数");
        }
        byte &= 63; /* what falls outside is thrown again, so that all letters are equally likely */
        if (byte < sizeof letters - 1) {
            out[made++] = letters[byte];
        }
    }
    out[made] = '\0';
    return true;
}

bool keyring_open(struct keyring **keyring, const char *folder, struct fault *fault)
{
    struct stat info;
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return fault_set(fault, EXIT_USAGE,
                         "there is no folder of keys at %s; give the right one with --keys",
                         "没有密钥目录 %s；请用 --keys 给出正确的目录", folder);
    }
    struct keyring *made = calloc(1, sizeof *made);
    char *copy = strdup(folder);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    made->folder = copy;
    *keyring = made;
    return true;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    for (size_t i = 0; i < keyring->count; i++) {
        signer_free(keyring->members[i]->signer);
        wipe(keyring->members[i], sizeof *keyring->members[i]);
        free(keyring->members[i]);
    }
    free(keyring->members);
    free(keyring->folder);
    wipe(keyring, sizeof *keyring);
    free(keyring);
}

/* Entries are allocated one by one, so that what was given out stays where it is. */
static struct member_secrets *entry(struct keyring *keyring, uint32_t member)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (keyring->members[i]->member == member) {
            return keyring->members[i];
        }
    }
    if (keyring->count == keyring->room) {
        size_t room = keyring->room * 2 + 16;
        struct member_secrets **more = realloc(keyring->members, room * sizeof *keyring->members);
        if (more == NULL) {
            return NULL;
        }
        keyring->members = more;
        keyring->room = room;
    }
    struct member_secrets *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->member = member;
        keyring->members[keyring->count++] = made;
    }
    return made;
}

static bool member_path(char out[FILE_PATH_SIZE], const char *folder, uint32_t member,
                        const char *ending, struct fault *fault)
{
    char name[64];
    snprintf(name, sizeof name, "member-%u.%s", (unsigned)member, ending);
    return path_join(out, folder, name, fault);
}

bool keyring_has(const struct keyring *keyring, uint32_t member)
{
    char path[FILE_PATH_SIZE];
    struct fault unused;
    return member_path(path, keyring->folder, member, "key", &unused) && access(path, F_OK) == 0;
}

bool keyring_signer(struct keyring *keyring, uint32_t member, const struct signer **signer,
                    struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    char passphrase_path[FILE_PATH_SIZE];
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[ERROR_SIZE];
    struct member_secrets *found = entry(keyring, member);
    if (found == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    if (found->signer == NULL) {
        if (!member_path(path, keyring->folder, member, "key", fault) ||
            !member_path(passphrase_path, keyring->folder, member, "passphrase", fault)) {
            return false;
        }
        if (access(path, F_OK) != 0) {
            return fault_set(
                fault, EXIT_IO,
                "member %u has no key here: there is no %s; put its key file there, or "
                "let that institution import its own rows",
                "没有机构 %u 的密钥：%s 不存在；请放入其密钥文件，或由该机构自行导入",
                (unsigned)member, path);
        }
        enum status status = keyfile_passphrase(passphrase_path, passphrase, error, sizeof error);
        if (status != ST_OK) {
            return keyfile_fault(KEY_PASSPHRASE, status, passphrase_path, error, fault);
        }
        status = keyfile_read(path, passphrase, &found->signer, error, sizeof error);
        wipe(passphrase, sizeof passphrase);
        if (status != ST_OK) {
            return keyfile_fault(KEY_OPEN, status, path, error, fault);
        }
    }
    *signer = found->signer;
    return true;
}

bool secret_read(const char *path, struct hash32 *secret, struct fault *fault)
{
    struct stat info;
    uint8_t *data = NULL;
    size_t size = 0;
    if (stat(path, &info) == 0 && (info.st_mode & 077) != 0) {
        return fault_set(fault, EXIT_IO,
                         "the secret %s can be read by others; close it with: chmod 600 %s",
                         "其他用户可以读取密钥文件 %s；请执行：chmod 600 %s", path, path);
    }
    if (!file_read(path, 4096, &data, &size, fault)) {
        return false;
    }
    enum status status =
        hex_decode(secret->bytes, 32, (const char *)data, strcspn((const char *)data, "\r\n"));
    wipe(data, size);
    free(data);
    return status == ST_OK ||
           fault_set(fault, EXIT_IO, "%s does not hold a secret of 64 hex characters",
                     "%s 中没有 64 个十六进制字符的密钥", path);
}

bool keyring_reference(struct keyring *keyring, uint32_t member, const struct hash32 **secret,
                       struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    struct member_secrets *found = entry(keyring, member);
    if (found == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    if (!found->has_reference) {
        if (!member_path(path, keyring->folder, member, "reference", fault) ||
            !secret_read(path, &found->reference, fault)) {
            return false;
        }
        found->has_reference = true;
    }
    *secret = &found->reference;
    return true;
}

bool keyring_identity(struct keyring *keyring, const struct hash32 **secret, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    if (!keyring->has_identity) {
        if (!path_join(path, keyring->folder, "identity.key", fault) ||
            !secret_read(path, &keyring->identity, fault)) {
            return false;
        }
        keyring->has_identity = true;
    }
    *secret = &keyring->identity;
    return true;
}

static bool make_secret(const char *path, struct fault *fault)
{
    uint8_t secret[32];
    char text[HEX_SIZE(32) + 1];
    if (RAND_bytes(secret, sizeof secret) != 1) {
        return fault_set(fault, EXIT_IO, "the system gives no random numbers",
                         "系统无法提供随机数");
    }
    hex_encode(text, secret, sizeof secret);
    text[64] = '\n';
    bool written = file_write(path, text, 65, 0600, false, fault);
    wipe(secret, sizeof secret);
    wipe(text, sizeof text);
    return written;
}

bool keyring_make_identity(const char *folder, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    return path_join(path, folder, "identity.key", fault) && make_secret(path, fault);
}

bool keyring_make_member(const char *folder, uint32_t member, struct pubkey33 *key,
                         struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX + 1];
    char error[ERROR_SIZE];
    if (!member_path(path, folder, member, "reference", fault) || !make_secret(path, fault) ||
        !passphrase_make(passphrase, fault) || !member_path(path, folder, member, "key", fault)) {
        return false;
    }
    enum status status = keyfile_create(path, passphrase, key, error, sizeof error);
    bool made = status == ST_OK || keyfile_fault(KEY_MAKE, status, path, error, fault);
    if (made) {
        size_t size = strlen(passphrase);
        passphrase[size++] = '\n';
        made = member_path(path, folder, member, "passphrase", fault) &&
               file_write(path, passphrase, size, 0600, false, fault);
    }
    wipe(passphrase, sizeof passphrase);
    return made;
}

static void keyed(struct hash32 *out, const struct hash32 *identity, const char *mark,
                  const char *name_space, const char *number)
{
    char text[NUMBER_SIZE + 64];
    int size = snprintf(text, sizeof text, "%s%s:%.*s", mark, name_space, NUMBER_SIZE, number);
    hash_hmac(out, bytes_of(identity->bytes, 32), bytes_of(text, (size_t)size));
    wipe(text, sizeof text);
}

void learner_id(struct hash32 *learner, const struct hash32 *identity, const char *name_space,
                const char *number)
{
    keyed(learner, identity, "", name_space, number);
}

void learner_commitment(struct hash32 *commitment, const struct hash32 *identity,
                        const char *name_space, const char *number)
{
    struct hash32 salt;
    /* A namespace has no capitals, so no number's id can be another's salt. */
    keyed(&salt, identity, "SALT:", name_space, number);
    keyed(commitment, &salt, "", name_space, number);
    wipe(&salt, sizeof salt);
}
