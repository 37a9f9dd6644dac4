/* Structured forgeries of a proof, made systematically: every field of every message in it, the messages inside byte
 * fields included, in every way of a list: dropped, doubled, swapped, one more, the largest, longer, shorter, one bit. */
#ifndef XUELIAN_TESTS_VERIFY_FORGE_H
#define XUELIAN_TESTS_VERIFY_FORGE_H

#include <stdio.h>

#include "ledger/verify/xuelian_verify.h"
#include "tests/unit/verify/build.h"

/* Calls `look` with each forgery of the proof and its name, "record/leaf/count one-more". */
void forge_all(struct bytes proof,
               void (*look)(void *context, const char *name, struct bytes forged), void *context);

/* A corpus: of each proof all forgeries are refused, each for the reason that a file tells line by line. With
 * XUELIAN_FORGERIES=FOLDER the file is written there instead, to be read and kept. */
struct forge_corpus {
    FILE *file;
    bool writing;
    const char *kind;
    struct bytes genesis;
    uint32_t kinds;
    uint32_t count;
    uint32_t wrong;
    void *scratch;
    struct verify_result result;
};
/* name: of a file in this folder. */
void forge_open(struct forge_corpus *corpus, const char *name);
/* False when the proof itself does not hold. Forgeries of anchors are made of the first proof alone. */
bool forge_proof(struct forge_corpus *corpus, const char *kind, struct bytes genesis,
                 struct bytes proof);
/* Returns how many forgeries were not as they should be; says which. */
uint32_t forge_close(struct forge_corpus *corpus);

#endif
