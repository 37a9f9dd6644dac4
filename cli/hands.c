#include "cli/hands.h"

#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"

/* The key of --key FILE. The caller frees it. */
static bool open_key(const struct hands_values *values, struct signer **signer, struct fault *fault)
{
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[256] = "";
    if (!passphrase_get(values->passphrase_file, false, passphrase, fault)) {
        return false;
    }
    enum status status = keyfile_read(values->key, passphrase, signer, error, sizeof error);
    wipe(passphrase, sizeof passphrase);
    return status == ST_OK || keyfile_fault(KEY_OPEN, status, values->key, error, fault);
}

/* "N" or "N:KEY", "ID" or "ID:KEY". Out: *has_key. */
static bool read_signer(const struct signer_word *word, struct tx_signer *signer, bool *has_key,
                        struct fault *fault)
{
    char who[HEX_SIZE(32)];
    unsigned long long member = 0;
    size_t size = strcspn(word->text, ":");
    const char *key = word->text[size] == ':' ? word->text + size + 1 : NULL;
    snprintf(who, sizeof who, "%.*s", size < sizeof who ? (int)size : (int)sizeof who - 1,
             word->text);
    *signer = (struct tx_signer){.role = word->learner ? XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER
                                                       : XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER};
    *has_key = key != NULL;
    if (key != NULL && hex_decode(signer->key.bytes, 33, key, strlen(key)) != ST_OK) {
        return fault_set(fault, EXIT_USAGE, "a public key is 66 hex characters, not %.80s",
                         "公钥为 66 个十六进制字符，而不是 %.80s", key);
    }
    if (word->learner) {
        return (size < sizeof who &&
                hex_decode(signer->learner.bytes, 32, who, strlen(who)) == ST_OK) ||
               fault_set(fault, EXIT_USAGE, "a learner id is 64 hex characters, not %.80s",
                         "学习者编号为 64 个十六进制字符，而不是 %.80s", word->text);
    }
    bool fine = size < sizeof who && parse_u64(who, UINT32_MAX, &member) && member > 0;
    signer->member = (uint32_t)member;
    return fine || fault_set(fault, EXIT_USAGE, "--member is a member's number, not %.80s",
                             "--member 应为机构编号，而不是 %.80s", word->text);
}

void hands_free(struct hands *hands)
{
    keyring_free(hands->keyring);
    signer_free(hands->own);
}

bool hands_find(struct hands *hands, const struct hands_values *values, const char *folder,
                struct tx_draft *draft, struct fault *fault)
{
    bool own_used = false;
    if (folder[0] != '\0' && !keyring_open(&hands->keyring, folder, fault)) {
        return false;
    }
    if (values->key != NULL && !open_key(values, &hands->own, fault)) {
        return false;
    }
    for (uint32_t i = 0; i < values->signer_count; i++) {
        struct tx_signer *signer = &draft->signers[i];
        bool has_key = false;
        if (!read_signer(&values->signers[i], signer, &has_key, fault)) {
            return false;
        }
        if (has_key) {
            continue; /* signs elsewhere */
        }
        bool own_left = hands->own != NULL && !own_used;
        if (!values->signers[i].learner && hands->keyring != NULL &&
            (!own_left || keyring_has(hands->keyring, signer->member))) {
            if (!keyring_signer(hands->keyring, signer->member, &hands->keys[i], fault)) {
                return false;
            }
        } else if (own_left) {
            hands->keys[i] = hands->own;
            own_used = true;
        } else {
            return fault_set(
                fault, EXIT_USAGE,
                "no key for signer %s: give --keys DIR or --key FILE, or its public key "
                "as %s:KEY when it signs elsewhere",
                "没有签名人 %s 的密钥：请给出 --keys DIR 或 --key FILE；若在别处签名，写作 "
                "%s:公钥",
                values->signers[i].text, values->signers[i].text);
        }
        signer->key = *signer_key(hands->keys[i]);
    }
    draft->signer_count = values->signer_count;
    return true;
}
