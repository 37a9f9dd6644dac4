#include "node/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "node/peer/peers.h"
#include "proto/bytes.h"

struct setting {
    const char *name;
    size_t offset;
    bool is_path;
    bool required;
};

#define SETTING(field, path, required)                                  \
    {                                                                   \
#field, offsetof(struct node_config, field), (path), (required) \
    }
static const struct setting settings[] = {
    SETTING(data_dir, true, true),         SETTING(genesis, true, true),
    SETTING(key_file, true, true),         SETTING(passphrase_file, true, true),
    SETTING(peer_listen, false, true),     SETTING(rpc_listen, false, true),
    SETTING(local_listen, false, true),    SETTING(log_level, false, false),
    SETTING(peer_addresses, false, false), SETTING(query_anchor_seconds, false, false),
};
#undef SETTING
enum { SETTING_COUNT = sizeof settings / sizeof settings[0], WORD_MAX = 64 };
enum { SECONDS_USUAL = 3600, SECONDS_MAX = 86400, SECONDS_DIGITS = 5 };

/* Levenshtein distance of two short words. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t size = strnlen(b, WORD_MAX);
    for (size_t k = 0; k <= size; k++) {
        row[k] = k;
    }
    for (size_t i = 1; a[i - 1] != '\0' && i <= WORD_MAX; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= size; k++) {
            size_t change = diagonal + (a[i - 1] != b[k - 1]);
            size_t shorter = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            diagonal = row[k];
            row[k] = change < shorter ? change : shorter;
        }
    }
    return row[size];
}

static const char *nearest(const char *word)
{
    const char *best = settings[0].name;
    for (size_t i = 1; i < SETTING_COUNT; i++) {
        if (distance(word, settings[i].name) < distance(word, best)) {
            best = settings[i].name;
        }
    }
    return best;
}

struct reading {
    struct node_config *config;
    const char *path;
    bool seen[SETTING_COUNT];
    char *error;
    size_t error_size;
};

static enum status bad(struct reading *reading, size_t line, const char *before, const char *word,
                       const char *more)
{
    int at = snprintf(reading->error, reading->error_size, "%s, line %zu: ", reading->path, line);
    if (at > 0 && (size_t)at < reading->error_size) {
        char text[512];
        snprintf(text, sizeof text, "%s%s%s%s", before, word, more[0] != '\0' ? "; " : "", more);
        snprintf(reading->error + at, reading->error_size - (size_t)at, "%s", text);
    }
    return ST_BAD_CONFIG;
}

static bool read_seconds(const char *text, uint32_t *seconds)
{
    uint32_t value = 0;
    size_t size = strlen(text);
    for (size_t i = 0; i < size && i < SECONDS_DIGITS; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *seconds = value;
    return size > 0 && size <= SECONDS_DIGITS && value <= SECONDS_MAX;
}

static enum status set_value(struct reading *reading, size_t index, const char *value, size_t line)
{
    const struct setting *setting = &settings[index];
    char *out = (char *)reading->config + setting->offset;
    if (setting->offset == offsetof(struct node_config, log_level)) {
        return log_parse_level(value, &reading->config->log_level) == 0
                   ? ST_OK
                   : bad(reading, line, "log_level is ", value,
                         "it is one of debug, info, warn, error");
    }
    if (setting->offset == offsetof(struct node_config, query_anchor_seconds)) {
        return read_seconds(value, &reading->config->query_anchor_seconds)
                   ? ST_OK
                   : bad(reading, line, "query_anchor_seconds is ", value,
                         "it is a number of seconds up to 86400, or 0 for never");
    }
    const char *slash = strrchr(reading->path, '/');
    int size;
    if (setting->is_path && value[0] != '/' && slash != NULL) {
        size = snprintf(out, CONFIG_TEXT_SIZE, "%.*s/%s", (int)(slash - reading->path),
                        reading->path, value);
    } else {
        size = snprintf(out, CONFIG_TEXT_SIZE, "%s", value);
    }
    if (size <= 0 || (size_t)size >= CONFIG_TEXT_SIZE || value[0] == '\0') {
        return bad(reading, line, setting->name, " is empty or too long", "");
    }
    return ST_OK;
}

/* One line below peer_addresses. */
static enum status take_address(struct reading *reading, const yaml_node_t *key,
                                const yaml_node_t *value)
{
    size_t line = key->start_mark.line + 1;
    struct node_config *config = reading->config;
    struct config_peer *peer = &config->peer_addresses[config->peer_address_count];
    struct sockaddr_storage address;
    if (key->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE) {
        return bad(reading, line, "peer_addresses takes lines of the form KEY: host:port", "", "");
    }
    const char *word = (const char *)key->data.scalar.value;
    const char *text = (const char *)value->data.scalar.value;
    if (config->peer_address_count == CONFIG_PEERS_MAX) {
        return bad(reading, line, "peer_addresses has more than 64 lines", "", "");
    }
    if (hex_decode(peer->key.bytes, sizeof peer->key.bytes, word, strlen(word)) != ST_OK) {
        return bad(reading, line, "peer_addresses: not a node key: ", word,
                   "it is 66 hexadecimal digits");
    }
    if (strlen(text) >= sizeof peer->address || peers_parse_address(text, &address) != 0) {
        return bad(reading, line, "peer_addresses: not an address: ", text,
                   "give a numeric address and a port, as 10.0.0.7:9000");
    }
    for (uint32_t i = 0; i < config->peer_address_count; i++) {
        if (pubkey33_compare(&config->peer_addresses[i].key, &peer->key) == 0) {
            return bad(reading, line, "peer_addresses has a key twice: ", word, "keep one");
        }
    }
    snprintf(peer->address, sizeof peer->address, "%s", text);
    config->peer_address_count++;
    return ST_OK;
}

static enum status take_addresses(struct reading *reading, yaml_document_t *document,
                                  const yaml_node_t *value)
{
    if (value->type != YAML_MAPPING_NODE) {
        return bad(reading, value->start_mark.line + 1,
                   "peer_addresses takes lines of the form KEY: host:port", "", "");
    }
    enum status status = ST_OK;
    for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
         pair < value->data.mapping.pairs.top && status == ST_OK; pair++) {
        status = take_address(reading, yaml_document_get_node(document, pair->key),
                              yaml_document_get_node(document, pair->value));
    }
    return status;
}

static enum status take_pair(struct reading *reading, yaml_document_t *document,
                             const yaml_node_t *key, const yaml_node_t *value)
{
    size_t line = key->start_mark.line + 1;
    const char *word = (const char *)key->data.scalar.value;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(word, settings[i].name) != 0) {
            continue;
        }
        if (reading->seen[i]) {
            return bad(reading, line, word, " is set twice", "keep one");
        }
        reading->seen[i] = true;
        if (settings[i].offset == offsetof(struct node_config, peer_addresses)) {
            return take_addresses(reading, document, value);
        }
        if (value->type != YAML_SCALAR_NODE) {
            return bad(reading, line, word, " takes one value", "");
        }
        return set_value(reading, i, (const char *)value->data.scalar.value, line);
    }
    char hint[WORD_MAX + 32];
    snprintf(hint, sizeof hint, "did you mean %s?", nearest(word));
    return bad(reading, line, "there is no setting ", word, hint);
}

static enum status take_document(struct reading *reading, yaml_document_t *document)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        return bad(reading, 1, "the file must be lines of the form name: value", "", "");
    }
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        if (key->type != YAML_SCALAR_NODE) {
            return bad(reading, key->start_mark.line + 1, "a setting's name must be a word", "",
                       "");
        }
        enum status status = take_pair(reading, document, key, value);
        if (status != ST_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (settings[i].required && !reading->seen[i]) {
            return bad(reading, root->end_mark.line + 1, settings[i].name, " is missing", "add it");
        }
    }
    return ST_OK;
}

enum status config_read(struct node_config *config, const char *path, char *error,
                        size_t error_size)
{
    struct reading reading = {
        .config = config, .path = path, .error = error, .error_size = error_size};
    yaml_parser_t parser;
    yaml_document_t document;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(error, error_size, "the configuration file %s cannot be read (%s)", path,
                 strerror(errno));
        return ST_NOT_FOUND;
    }
    *config = (struct node_config){.log_level = LOG_INFO, .query_anchor_seconds = SECONDS_USUAL};
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    enum status status;
    if (yaml_parser_load(&parser, &document) == 0) {
        status =
            bad(&reading, parser.problem_mark.line + 1,
                "this is not YAML: ", parser.problem != NULL ? parser.problem : "unreadable", "");
    } else {
        status = take_document(&reading, &document);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    return status;
}
