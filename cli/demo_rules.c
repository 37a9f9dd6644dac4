#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "cli/payload.h"

/* The file says nothing of a genesis but its rules and catalogue. */
static bool check_keys(json_t *object, const char *path, struct fault *fault)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "rules") != 0 && strcmp(key, "catalogue") != 0) {
            return fault_set(fault, EXIT_USAGE, "%s: '%s' is neither rules nor catalogue",
                             "%s：“%s”既不是 rules 也不是 catalogue", path, key);
        }
    }
    return true;
}

static int compare_rules(const void *a, const void *b)
{
    const Xuelian__Rule *left = *(const Xuelian__Rule *const *)a;
    const Xuelian__Rule *right = *(const Xuelian__Rule *const *)b;
    return (left->id > right->id) - (left->id < right->id);
}

static int compare_entries(const void *a, const void *b)
{
    const Xuelian__CatalogueEntry *left = *(const Xuelian__CatalogueEntry *const *)a;
    const Xuelian__CatalogueEntry *right = *(const Xuelian__CatalogueEntry *const *)b;
    return (left->id > right->id) - (left->id < right->id);
}

/* Takes over what was read, in order; a first version needs no more than its number. */
static void take(Xuelian__Genesis *genesis, Xuelian__Genesis *read)
{
    for (size_t i = 0; i < read->n_rules; i++) {
        Xuelian__Rule *rule = read->rules[i];
        if (rule->version == 0) {
            rule->version = 1;
            rule->series = rule->id;
        }
    }
    for (size_t i = 0; i < read->n_catalogue; i++) {
        if (read->catalogue[i]->version == 0) {
            read->catalogue[i]->version = 1;
        }
    }
    if (read->n_rules > 0) {
        qsort(read->rules, read->n_rules, sizeof(Xuelian__Rule *), compare_rules);
    }
    if (read->n_catalogue > 0) {
        qsort(read->catalogue, read->n_catalogue, sizeof(Xuelian__CatalogueEntry *),
              compare_entries);
    }
    genesis->rules = read->rules;
    genesis->n_rules = read->n_rules;
    genesis->catalogue = read->catalogue;
    genesis->n_catalogue = read->n_catalogue;
}

bool demo_read_rules(Xuelian__Genesis *genesis, const char *path, struct arena *arena,
                     struct fault *fault)
{
    json_t *value = NULL;
    ProtobufCMessage *message = NULL;
    struct json_fault mistake;
    char where[300];
    if (!payload_file(path, &value, fault)) {
        return false;
    }
    snprintf(where, sizeof where, "%s: ", path);
    bool fine = check_keys(value, path, fault) &&
                (json_to_message(value, &xuelian__genesis__descriptor, arena, &message, &mistake) ||
                 payload_fault(&mistake, where, fault));
    if (fine) {
        take(genesis, (Xuelian__Genesis *)(void *)message);
    }
    json_decref(value);
    return fine;
}
