/* Details of outcomes as people write and read them: names and texts; salts and roots are made here. */
#ifndef XUELIAN_CLI_DETAILS_H
#define XUELIAN_CLI_DETAILS_H

#include <jansson.h>

#include "cli/text.h"
#include "ledger/tx/details.h"

/* The details of a transaction's items, canonical bytes each, in order; those of items without any left out. */
struct details_list {
    uint32_t count;
    struct bytes list[LIMIT_BULK_ITEMS_MAX];
};

void details_list_free(struct details_list *list);

/* Adds a word "details.NAME=VALUE", or "outcome.details.NAME=VALUE", to a payload. *taken: it was one.
 * False with *fault. */
bool details_word(json_t *object, const char *word, bool *taken, struct fault *fault);

/* Takes the map `details` out of every outcome of a payload, salts its fields and puts the root in its place.
 * source: a file's name for faults, or NULL. False with *fault. Out *list: freed by details_list_free. */
bool details_take(json_t *value, const char *source, struct details_list *list,
                  struct fault *fault);

/* Whether a text is what ?disclose= takes: all, or names and numbers with commas between. False with *fault. */
enum { DISCLOSURE_SIZE = 320 };
bool disclosure_check(const char *text, struct fault *fault);

/* Names and texts of canonical Details; null when they are none. */
json_t *details_json(struct bytes bytes);

#endif
