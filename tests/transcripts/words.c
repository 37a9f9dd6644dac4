#include <stdio.h>

#include "tests/transcripts/script.h"

const char *words_value(const struct script *script, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 1; i < script->word_count; i++) {
        if (strncmp(script->words[i], name, size) == 0 && script->words[i][size] == '=') {
            return script->words[i] + size + 1;
        }
    }
    return NULL;
}

bool words_has(const struct script *script, const char *word)
{
    for (size_t i = 1; i < script->word_count; i++) {
        if (strcmp(script->words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t words_number(const struct script *script, const char *name, uint64_t otherwise)
{
    const char *text = words_value(script, name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

uint32_t words_nodes(const struct script *script, const char *name, uint32_t otherwise)
{
    const char *text = words_value(script, name);
    uint32_t nodes = 0;
    if (text == NULL) {
        return otherwise;
    }
    while (*text >= '0' && *text <= '9') {
        char *end;
        unsigned long node = strtoul(text, &end, 10);
        nodes |= node < SIM_NODES_MAX ? UINT32_C(1) << node : 0;
        text = *end == ',' ? end + 1 : end;
    }
    return nodes;
}

bool words_node(struct script *script, size_t at, uint32_t *node)
{
    char *end;
    if (at >= script->word_count) {
        return script_error(script, "which node?");
    }
    unsigned long value = strtoul(script->words[at], &end, 10);
    if (*end != '\0' || end == script->words[at] || value >= script->cluster->options.nodes) {
        return script_error(script, "'%s' is no node", script->words[at]);
    }
    *node = (uint32_t)value;
    return true;
}

/* In arguments a comma stands for the space of a label. */
static bool same_label(const char *label, const char *argument)
{
    label++; /* '#' */
    while (*label != '\0' && (*label == *argument || (*label == ' ' && *argument == ','))) {
        label++;
        argument++;
    }
    return *label == '\0' && *argument == '\0';
}

const struct sim_block *words_block(const struct script *script, const char *label)
{
    const struct chain *chain = &script->cluster->chain;
    if (label == NULL) {
        return NULL;
    }
    for (size_t h = 0; h < chain->heights; h++) {
        for (const struct sim_block *block = chain->at_height[h]; block != NULL;
             block = block->beside) {
            if (same_label(block->label, label)) {
                return block;
            }
        }
    }
    return NULL;
}
