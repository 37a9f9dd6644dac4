/* The tables of vectors: make_vectors.c has those of records, archives and absence, and writes all. */
#ifndef XUELIAN_TESTS_VECTORS_H
#define XUELIAN_TESTS_VECTORS_H

#include "ledger/verify/xuelian_verify.h"
#include "tests/unit/verify/build.h"

enum shape { RECORD_1, RECORD_2, ARCHIVE, ABSENCE_ACCOUNT, ABSENCE_COURSE };

/* One vector: what is built, how it is then altered, and what a verifier must say. */
struct vector {
    const char *name;
    const char *why;
    struct build_plan plan;
    enum shape shape;
    struct built (*build)(struct world *world); /* instead of a shape */
    void (*alter)(Xuelian__Proof *proof);
    const char *history; /* name of the vector given as history; NULL: none */
    enum verify_fault fault;
    struct verify_options options;
    uint32_t cut;  /* bytes taken from the end */
    bool trailing; /* an unknown field at the end */
};

/* Ended by an entry without a name. */
extern const struct vector evidence_vectors[]; /* vectors_evidence.c: who signed twice */
extern const struct vector cell_vectors[];     /* vectors_cells.c: statistics */
extern const struct vector block_vectors[];    /* vectors_block.c: transactions */
extern const struct vector detail_vectors[];   /* vectors_details.c */
extern const struct vector recovery_vectors[]; /* vectors_recovery.c */
extern const struct vector set_vectors[];      /* vectors_sets.c: set histories, small proofs */

#endif
