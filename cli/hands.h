/* Who signs a transaction, and with which of the keys at hand. */
#ifndef XUELIAN_CLI_HANDS_H
#define XUELIAN_CLI_HANDS_H

#include "cli/secret.h"
#include "ledger/tx/envelope.h"

/* One signer as given on the command line: "N" or "ID"; with ":KEY" behind it, its public key, when its private
 * key is elsewhere. */
struct signer_word {
    bool learner;
    const char *text;
};

struct hands_values {
    const char *key;             /* a key file, or NULL */
    const char *passphrase_file; /* of it, or NULL */
    struct signer_word signers[LIMIT_SIGNERS_MAX];
    uint32_t signer_count;
};

struct hands {
    struct keyring *keyring;                      /* NULL without a folder of keys */
    struct signer *own;                           /* of the key file */
    const struct signer *keys[LIMIT_SIGNERS_MAX]; /* by signer; NULL: signs elsewhere */
};

/* Finds each signer's key: a member's in the folder, else the key file for the first that has none.
 * False with *fault when one is missing or cannot be opened. *hands, all zero before, is freed by hands_free in
 * either case. Out: the signers of *draft. In: folder, or "". */
bool hands_find(struct hands *hands, const struct hands_values *values, const char *folder,
                struct tx_draft *draft, struct fault *fault);
void hands_free(struct hands *hands);

#endif
