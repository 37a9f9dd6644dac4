#include "cli/names.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void lower(char text[NAME_SIZE], const char *schema_name, const char *prefix)
{
    size_t skip = strlen(prefix);
    size_t size = strncmp(schema_name, prefix, skip) == 0 ? strlen(schema_name) - skip : 0;
    size = size < NAME_SIZE ? size : NAME_SIZE - 1;
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)tolower((unsigned char)schema_name[skip + i]);
    }
    text[size] = '\0';
}

bool name_parse(const ProtobufCEnumDescriptor *schema, const char *prefix, const char *name,
                uint32_t *value)
{
    for (unsigned i = 0; i < schema->n_values; i++) {
        char known[NAME_SIZE];
        lower(known, schema->values[i].name, prefix);
        if (schema->values[i].value != 0 && strcmp(known, name) == 0) {
            *value = (uint32_t)schema->values[i].value;
            return true;
        }
    }
    return false;
}

const char *name_nearest(const ProtobufCEnumDescriptor *schema, const char *prefix,
                         const char *name, char text[NAME_SIZE])
{
    for (unsigned i = 0; i < schema->n_values; i++) {
        lower(text, schema->values[i].name, prefix);
        const char *const one[] = {text, NULL};
        if (schema->values[i].value != 0 && nearest(name, one) != NULL) {
            return text;
        }
    }
    return NULL;
}

const char *name_format(const ProtobufCEnumDescriptor *schema, const char *prefix, uint32_t value,
                        char text[NAME_SIZE])
{
    const ProtobufCEnumValue *found =
        value <= INT32_MAX ? protobuf_c_enum_descriptor_get_value(schema, (int)value) : NULL;
    if (found == NULL) {
        snprintf(text, NAME_SIZE, "%" PRIu32, value);
    } else {
        lower(text, found->name, prefix);
    }
    return text;
}

const char *hundredths_format(uint64_t value, char text[NAME_SIZE])
{
    unsigned rest = (unsigned)(value % 100);
    if (rest == 0) {
        snprintf(text, NAME_SIZE, "%" PRIu64, value / 100);
    } else if (rest % 10 == 0) {
        snprintf(text, NAME_SIZE, "%" PRIu64 ".%u", value / 100, rest / 10);
    } else {
        snprintf(text, NAME_SIZE, "%" PRIu64 ".%02u", value / 100, rest);
    }
    return text;
}

const char *date_format(uint32_t date, char text[NAME_SIZE])
{
    snprintf(text, NAME_SIZE, "%04u-%02u-%02u", (unsigned)(date / 10000),
             (unsigned)(date / 100 % 100), (unsigned)(date % 100));
    return text;
}

const char *time_format(uint64_t time_ms, char text[NAME_SIZE])
{
    struct tm parts;
    time_t seconds = (time_t)(time_ms / 1000 % UINT64_C(253402300800)) + 8 * 3600;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, NAME_SIZE, "%Y-%m-%d %H:%M:%S +08:00", &parts) == 0) {
        text[0] = '\0';
    }
    return text;
}
