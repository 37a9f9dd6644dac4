/* Passphrases, and the folder of a network's keys. */
#ifndef XUELIAN_CLI_SECRET_H
#define XUELIAN_CLI_SECRET_H

#include "cli/text.h"
#include "ledger/keyfile/keyfile.h"
#include "proto/types.h"

/* Reads a passphrase from a file, or without one from the terminal, unseen; twice when `again`.
 * False with *fault; EXIT_USAGE when there is neither file nor terminal. The caller wipes it. */
bool passphrase_get(const char *file, bool again, char out[KEYFILE_PASSPHRASE_SIZE_MAX],
                    struct fault *fault);

/* 24 random letters and digits, 142 bits. */
bool passphrase_make(char out[KEYFILE_PASSPHRASE_SIZE_MAX], struct fault *fault);

/* A folder of keys:
 *   identity.key         secret of the learner ids, 64 hex characters
 *   member-N.key         signing key of member N, encrypted
 *   member-N.passphrase  its passphrase, first line
 *   member-N.reference   secret of its reference tags, 64 hex characters */
struct keyring;

/* Nothing is read before it is asked for. Out: *keyring, freed with keyring_free, which wipes. */
bool keyring_open(struct keyring **keyring, const char *folder, struct fault *fault);
void keyring_free(struct keyring *keyring);

/* True when the folder has a key file of the member. */
bool keyring_has(const struct keyring *keyring, uint32_t member);

/* What a member signs and tags with; read once, at first use, which costs 50 ms.
 * Borrowed from the keyring. False with *fault (EXIT_IO): missing, wrong passphrase, not a key. */
bool keyring_signer(struct keyring *keyring, uint32_t member, const struct signer **signer,
                    struct fault *fault);
bool keyring_reference(struct keyring *keyring, uint32_t member, const struct hash32 **secret,
                       struct fault *fault);
bool keyring_identity(struct keyring *keyring, const struct hash32 **secret, struct fault *fault);

/* Makes a member's three files, or the identity file. Out: the public key. */
bool keyring_make_member(const char *folder, uint32_t member, struct pubkey33 *key,
                         struct fault *fault);
bool keyring_make_identity(const char *folder, struct fault *fault);

/* A secret of 64 hex characters in a file of mode 0600. */
bool secret_read(const char *path, struct hash32 *secret, struct fault *fault);

/* The learner id of a number, and the salted commitment to it: DESIGN's keyed hash; deploy/demo/MAPPING.md. */
void learner_id(struct hash32 *learner, const struct hash32 *identity, const char *name_space,
                const char *number);
void learner_commitment(struct hash32 *commitment, const struct hash32 *identity,
                        const char *name_space, const char *number);

/* A key file's sentence, which is in English alone, in both languages. act: what was tried. */
enum key_act { KEY_MAKE, KEY_OPEN, KEY_PASSPHRASE };
bool keyfile_fault(enum key_act act, enum status status, const char *path, const char *sentence,
                   struct fault *fault);

#endif
