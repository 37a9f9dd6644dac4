/* A transaction's payload from what people write: FIELD=VALUE words, or a YAML or JSON file.
 *
 * Field names are the schema's; a value is read as proto/json reads it, so credits are "2.5" and dates
 * 2026-06-30. FIELD may go into a message with points (member.region=330100) and be repeated for a list. A
 * learner id may be given as NAMESPACE:NUMBER when the identity key is at hand. */
#ifndef XUELIAN_CLI_PAYLOAD_H
#define XUELIAN_CLI_PAYLOAD_H

#include <jansson.h>

#include "cli/details.h"
#include "cli/secret.h"
#include "cli/text.h"
#include "ledger/tx/envelope.h"
#include "proto/json/json.h"

/* The items of a transaction, each canonical bytes. */
struct payload {
    uint32_t count;
    struct bytes items[LIMIT_BULK_ITEMS_MAX];
    struct details_list details; /* of those that have some; beside the transaction */
};

/* Reads a YAML or JSON file as it is. False with *fault. Out: *value, json_decref'd by the caller. */
bool payload_file(const char *path, json_t **value, struct fault *fault);

/* Says what was wrong with an object that json_to_message refused. where: what stands before it in the sentence, as
 * "FILE: ", or "". Returns false. */
bool payload_fault(const struct json_fault *mistake, const char *where, struct fault *fault);

/* Adds one FIELD=VALUE word to an object of a kind's payload. False with *fault. */
bool payload_word(json_t *object, const ProtobufCMessageDescriptor *schema, const char *word,
                  struct fault *fault);

/* Replaces NAMESPACE:NUMBER in the fields of learners by their ids. False with *fault. In: keyring, or NULL. */
bool payload_learners(json_t *value, struct keyring *keyring, struct fault *fault);

/* Makes the items: of an object, or for a bulk kind of a list of objects.
 * In   source  a file's name for faults, or NULL.
 * Out  *payload  without details; freed by payload_free. */
bool payload_make(struct payload *payload, const struct tx_kind *kind, const json_t *value,
                  const char *source, struct fault *fault);
void payload_free(struct payload *payload);

/* The kind of a name; false with *fault and the nearest one. */
bool payload_kind(const char *name, const struct tx_kind **kind, struct fault *fault);

#endif
