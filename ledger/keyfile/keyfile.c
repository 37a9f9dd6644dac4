#include "ledger/keyfile/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/bytes.h"

enum { SCRYPT_N = 16384, SCRYPT_R = 8, SCRYPT_P = 1 };

static enum status public_of(EVP_PKEY *pkey, struct pubkey33 *key, uint8_t secret[32])
{
    BIGNUM *number = NULL;
    struct signer *signer = NULL;
    char group[64] = "";
    enum status status = ST_BAD_KEY;
    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       NULL) == 1 &&
        strcmp(group, "secp256k1") == 0 &&
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
        BN_bn2binpad(number, secret, 32) == 32 && signer_new(&signer, secret) == ST_OK) {
        *key = *signer_key(signer);
        status = ST_OK;
    }
    signer_free(signer);
    BN_clear_free(number);
    return status;
}

/* Encrypts into PKCS#8. Returns NULL when OpenSSL fails. */
static X509_SIG *encrypt(EVP_PKEY *pkey, const char *passphrase)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    X509_ALGOR *algorithm =
        PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
    X509_SIG *sealed = NULL;
    if (info != NULL && algorithm != NULL) {
        sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, algorithm);
    }
    if (sealed == NULL) {
        X509_ALGOR_free(algorithm);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return sealed;
}

static enum status write_file(const char *path, X509_SIG *sealed, char *error, size_t error_size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        enum status status = errno == EEXIST ? ST_CONFLICT : ST_IO;
        snprintf(error, error_size,
                 status == ST_CONFLICT
                     ? "there is a file at %s already; a key is never written over another"
                     : "the key file %s cannot be made; check the folder and its permissions",
                 path);
        return status;
    }
    FILE *out = fdopen(file, "w");
    bool written =
        out != NULL && PEM_write_PKCS8(out, sealed) == 1 && fflush(out) == 0 && fsync(file) == 0;
    if (out != NULL) {
        fclose(out);
    }
    if (!written) {
        unlink(path);
        snprintf(error, error_size, "the key file %s cannot be written; check the disk", path);
        return ST_IO;
    }
    return ST_OK;
}

enum status keyfile_create(const char *path, const char *passphrase, struct pubkey33 *key,
                           char *error, size_t error_size)
{
    uint8_t secret[32];
    if (passphrase[0] == '\0' || strlen(passphrase) >= KEYFILE_PASSPHRASE_SIZE_MAX) {
        snprintf(error, error_size, "a passphrase of 1 to 1023 characters is needed");
        return ST_BAD_PASSPHRASE;
    }
    EVP_PKEY *pkey = EVP_EC_gen("secp256k1");
    X509_SIG *sealed = pkey != NULL ? encrypt(pkey, passphrase) : NULL;
    enum status status = ST_IO;
    if (sealed == NULL || public_of(pkey, key, secret) != ST_OK) {
        snprintf(error, error_size, "OpenSSL could not make a key");
    } else {
        status = write_file(path, sealed, error, error_size);
    }
    wipe(secret, sizeof secret);
    X509_SIG_free(sealed);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return status;
}

/* The decrypted key, or NULL with *status: BAD_KEY (not such a file) or BAD_PASSPHRASE. */
static EVP_PKEY *decrypt(FILE *in, const char *passphrase, enum status *status)
{
    X509_SIG *sealed = PEM_read_PKCS8(in, NULL, NULL, NULL);
    *status = ST_BAD_KEY;
    if (sealed == NULL) {
        return NULL;
    }
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(sealed, passphrase, (int)strlen(passphrase));
    X509_SIG_free(sealed);
    if (info == NULL) {
        *status = ST_BAD_PASSPHRASE;
        return NULL;
    }
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

enum status keyfile_read(const char *path, const char *passphrase, struct signer **signer,
                         char *error, size_t error_size)
{
    struct stat info;
    uint8_t secret[32];
    struct pubkey33 key;
    enum status status = ST_OK;
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        status = errno == ENOENT ? ST_NOT_FOUND : ST_IO;
        snprintf(error, error_size,
                 status == ST_NOT_FOUND ? "there is no key file at %s; check the path, or make one "
                                          "with: xuelian key new %s"
                                        : "the key file %s cannot be read (%s needs permission)",
                 path, path);
        return status;
    }
    if (fstat(fileno(in), &info) == 0 && (info.st_mode & 077) != 0) {
        fclose(in);
        snprintf(error, error_size,
                 "the key file %s can be read by others; close it with: chmod 600 %s", path, path);
        return ST_BAD_KEY;
    }
    EVP_PKEY *pkey = decrypt(in, passphrase, &status);
    fclose(in);
    if (pkey != NULL) {
        status = public_of(pkey, &key, secret);
    }
    if (status == ST_OK) {
        status = signer_new(signer, secret);
    } else {
        snprintf(
            error, error_size,
            status == ST_BAD_PASSPHRASE
                ? "the passphrase does not open the key file %s; try again"
                : "%s is not an encrypted secp256k1 key file (PKCS#8 PEM); give the right file",
            path);
    }
    wipe(secret, sizeof secret);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return status;
}

enum status keyfile_passphrase(const char *path, char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX],
                               char *error, size_t error_size)
{
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        snprintf(error, error_size, "the passphrase file %s cannot be read (%s)", path,
                 strerror(errno));
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    }
    bool read = fgets(passphrase, KEYFILE_PASSPHRASE_SIZE_MAX, in) != NULL;
    fclose(in);
    if (read) {
        passphrase[strcspn(passphrase, "\r\n")] = '\0';
    }
    if (!read || passphrase[0] == '\0') {
        snprintf(error, error_size, "the passphrase file %s has no first line", path);
        return ST_BAD_PASSPHRASE;
    }
    return ST_OK;
}
