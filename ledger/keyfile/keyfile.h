/* Private keys on disk: secp256k1 in an encrypted PKCS#8 PEM file, mode 0600.
 * PBES2 with scrypt and AES-256-CBC, so that `openssl pkey` reads it. Any thread. */
#ifndef XUELIAN_KEYFILE_H
#define XUELIAN_KEYFILE_H

#include "proto/sign.h"
#include "proto/status.h"

#define KEYFILE_PASSPHRASE_SIZE_MAX 1024u

/* Makes a new random key and writes it.
 * Returns  ST_OK; ST_CONFLICT (the file exists); ST_BAD_PASSPHRASE (empty or too long); ST_IO.
 * Out      key; error  one sentence. */
enum status keyfile_create(const char *path, const char *passphrase, struct pubkey33 *key,
                           char *error, size_t error_size);

/* Reads a key. Returns ST_OK; ST_NOT_FOUND; ST_BAD_PASSPHRASE; ST_BAD_KEY; ST_IO.
 * Out *signer: the caller frees it with signer_free. error: one sentence. */
enum status keyfile_read(const char *path, const char *passphrase, struct signer **signer,
                         char *error, size_t error_size);

/* Reads a passphrase from a file: its first line. Returns ST_OK; ST_NOT_FOUND; ST_BAD_PASSPHRASE; ST_IO. */
enum status keyfile_passphrase(const char *path, char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX],
                               char *error, size_t error_size);

#endif
