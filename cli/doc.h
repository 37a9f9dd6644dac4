/* A YAML file as a small tree, read strictly: no anchors, aliases, tags, second documents or keys given twice.
 * Every scalar is text. Each node knows its line. */
#ifndef XUELIAN_CLI_DOC_H
#define XUELIAN_CLI_DOC_H

#include <stdint.h>

#include "cli/text.h"

enum { DOC_SIZE_MAX = 1 << 20, DOC_DEPTH_MAX = 16, DOC_NODES_MAX = 65536 };

enum doc_kind { DOC_SCALAR, DOC_LIST, DOC_MAP };

struct doc_node {
    enum doc_kind kind;
    uint32_t line;
    const char *key;  /* in a map; else NULL */
    const char *text; /* of a scalar */
    struct doc_node *first;
    struct doc_node *next; /* of the same parent */
    struct doc_node *last; /* child; for the reader */
    uint32_t count;        /* children */
};

struct doc;

/* Reads a file whose root is a map or a list. False with *fault (EXIT_USAGE, naming file and line; EXIT_IO). Freed by doc_close. */
bool doc_open(struct doc **doc, const char *path, struct fault *fault);
void doc_close(struct doc *doc);
const struct doc_node *doc_root(const struct doc *doc);
const char *doc_path(const struct doc *doc);

/* The child of a map with that key, or NULL. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);

/* Checks that every key of a map is one of those allowed (NULL-terminated); names the nearest one. */
bool doc_check_keys(const struct doc *doc, const struct doc_node *map, const char *const *allowed,
                    struct fault *fault);
/* Checks the kind. */
bool doc_check_kind(const struct doc *doc, const struct doc_node *node, enum doc_kind kind,
                    const char *name, struct fault *fault);
/* "FILE, line N: ..." with one sentence in both languages. Returns false. */
bool doc_fault(const struct doc *doc, const struct doc_node *node, struct fault *fault,
               const char *en, const char *zh, const char *name);

#endif
