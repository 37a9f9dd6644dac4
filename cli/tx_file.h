/* A transaction in a file, on its way from signer to signer: JSON text with the body and the signatures that it
 * has. Whoever signs it re-derives the id from the body and sees what he signs (xuelian tx show). */
#ifndef XUELIAN_CLI_TX_FILE_H
#define XUELIAN_CLI_TX_FILE_H

#include <jansson.h>

#include "cli/details.h"
#include "ledger/tx/envelope.h"

struct tx_file {
    struct tx tx; /* parsed; signatures that are missing are zeros */
    bool signed_by[LIMIT_SIGNERS_MAX];
    uint8_t *bytes; /* the envelope, malloc'ed; tx borrows it */
    size_t size;
    struct details_list details; /* that it commits to; none, when they are elsewhere */
    void *arena;                 /* tx's items */
};

/* From a body; no signatures yet. details: copied. False with *fault. Freed by tx_file_free. The chain is taken from the body. */
bool tx_file_make(struct tx_file *file, struct bytes body, uint32_t signer_count,
                  const struct details_list *details, struct fault *fault);
/* Reads one. False with *fault (EXIT_USAGE): not such a file, a broken body, a signature that does not verify. */
bool tx_file_read(struct tx_file *file, const char *path, struct fault *fault);
bool tx_file_write(const struct tx_file *file, const char *path, struct fault *fault);
void tx_file_free(struct tx_file *file);

/* Puts in one signature. False with *fault when the body names no signer with that key. */
bool tx_file_sign(struct tx_file *file, const struct signer *signer, struct fault *fault);
/* True when every signer has signed. */
bool tx_file_complete(const struct tx_file *file);

/* What is sent: the envelope, with its details. Out *bytes: malloc'ed, the caller frees it. */
void tx_file_parcel(const struct tx_file *file, uint8_t **bytes, size_t *size);

/* Readable: kind, id, signers and who of them has signed, last height, payload. The caller json_decrefs. */
json_t *tx_file_json(const struct tx_file *file);

#endif
