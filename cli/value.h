/* What a value of a mapping is for one row. Pure but for its sentences. */
#ifndef XUELIAN_CLI_VALUE_H
#define XUELIAN_CLI_VALUE_H

#include <protobuf-c/protobuf-c.h>

#include "cli/mapping.h"

/* A value with its columns found. */
struct bound_value {
    const struct map_value *map;
    int column;   /* in the row, or -1: a constant */
    int add_days; /* or -1 */
};

enum value_result { VALUE_GIVEN, VALUE_ABSENT, VALUE_REFUSED };

/* In: row  texts of all columns. Out: *out when GIVEN; *fault when REFUSED (it names the column). */
enum value_result value_number(const struct bound_value *value, const char *const *row,
                               uint32_t *out, struct fault *fault);
enum value_result value_date(const struct bound_value *value, const char *const *row, uint32_t *out,
                             struct fault *fault);
enum value_result value_name(const struct bound_value *value, const char *const *row,
                             const ProtobufCEnumDescriptor *schema, const char *prefix,
                             uint32_t *out, struct fault *fault);

/* Adds days to a real calendar day. False when the sum is outside 1900 to 2999. */
bool date_add_days(uint32_t date, int32_t days, uint32_t *out);

#endif
