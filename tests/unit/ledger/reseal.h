/* Lies that the validators sign: an archive's items and summary are changed, and everything above them is made anew, up
 * to the certificate. What rests on a changed item by its hash follows it. */
#ifndef XUELIAN_TESTS_LEDGER_RESEAL_H
#define XUELIAN_TESTS_LEDGER_RESEAL_H

#include "ledger/genesis.h"
#include "proto/ledger.pb-c.h"
#include "proto/proof.pb-c.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_outcome.pb-c.h"

enum { RESEAL_ITEMS_MAX = 16 };

/* The archive of a proof, its items decoded: versions[i] is of item i + 1, contents[i] what it says. */
struct resealing {
    Xuelian__Proof *proof;
    size_t count;
    Xuelian__ItemVersion *versions[RESEAL_ITEMS_MAX];
    ProtobufCMessage *contents[RESEAL_ITEMS_MAX];
    Xuelian__AccountSummary *summary; /* NULL: none, or to be left out */
};

/* Opens an archive proof, or a conversion proof with an archive. */
void reseal_open(struct resealing *open, struct bytes proof);
/* Puts it together again. Returns malloc'ed bytes of a proof. */
struct bytes reseal_close(struct resealing *open, const struct genesis *genesis);

#endif
