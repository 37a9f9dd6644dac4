/* Evidence against a validator: loaded from bytes, checked with the genesis file, and said in words. One thread. */
#ifndef XUELIAN_CLI_EVIDENCE_H
#define XUELIAN_CLI_EVIDENCE_H

#include <jansson.h>

#include "cli/text.h"
#include "node/evidence/evidence.h"

struct evidence_file {
    void *memory;
    struct evidence evidence;
    struct evidence_facts facts;
};

/* Reads and checks. Returns false with *fault: EXIT_USAGE when the bytes are no evidence of this network, EXIT_REFUSED
 * when they do not show what they say. Out: *file, freed with evidence_file_free in either case. */
bool evidence_file_open(struct evidence_file *file, struct bytes bytes,
                        const struct genesis *genesis, struct fault *fault);
void evidence_file_free(struct evidence_file *file);

/* Who, what, and all that names it; or, with --json, one value. */
void evidence_print(const struct evidence_file *file, const struct genesis *genesis);

/* What a node lists (the answer of /v1/evidence), a piece a line, behind `indent`. */
void evidence_print_list(const json_t *said, const char *indent);

#endif
