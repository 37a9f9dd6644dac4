/* f+1 validators that turn traitors together and fork the chain: what consensus cannot prevent, and must prove.
 *
 * They run real cores until all is quiet. Then they cut the honest into two halves and make each commit a header of its
 * own: with n = 3f+1, f honest ones and f+1 traitors are a quorum. The agreement oracle must see it, and an audit of two
 * honest nodes' stores, one from each half, must name all the guilty and nobody else. */
#ifndef XUELIAN_TESTS_SIM_TREASON_H
#define XUELIAN_TESTS_SIM_TREASON_H

#include "tests/sim/auditor.h"

enum treason_kind {
    TREASON_ONE_VIEW, /* both headers proposed, PREPAREd and COMMITted in one view */
    TREASON_HIDDEN,   /* one is committed; VIEW-CHANGEs hide it, and a later view commits another */
    TREASON_DEEP, /* the same, but that view only prepares the other one, and a third is forced to commit it */
    TREASON_SHOWN, /* both prepared in one view, one committed; the VIEW-CHANGEs show the other */
    TREASON_KINDS
};

struct treason_options {
    enum treason_kind kind;
    uint32_t n; /* 3f+1, f at least 1 */
    uint64_t seed;
    void (*line)(void *context, const char *text);
    void *line_context;
};

struct treason_report {
    bool failed;
    char text[512]; /* why, or who was named by what */
    uint64_t height;
    uint64_t views[2];
    uint32_t traitors;
    uint32_t alarms; /* forks that honest nodes saw, once the halves were linked again */
};

const char *treason_name(enum treason_kind kind);
void treason_run(const struct treason_options *options, struct treason_report *report);

#endif
