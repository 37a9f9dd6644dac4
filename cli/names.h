/* Names of the schema's enums as people write them: in lower case, without their prefix
 * ("school_course" for OUTCOME_KIND_SCHOOL_COURSE). Pure but for its error text. */
#ifndef XUELIAN_CLI_NAMES_H
#define XUELIAN_CLI_NAMES_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "cli/text.h"

enum { NAME_SIZE = 64 };

/* The number of a name; UNSPECIFIED (0) has none. Returns false, *value untouched, when there is none. */
bool name_parse(const ProtobufCEnumDescriptor *schema, const char *prefix, const char *name,
                uint32_t *value);
/* The name nearest to one that name_parse refused, or NULL. Out: text. */
const char *name_nearest(const ProtobufCEnumDescriptor *schema, const char *prefix,
                         const char *name, char text[NAME_SIZE]);
/* The name of a number, or the number. Out: text. */
const char *name_format(const ProtobufCEnumDescriptor *schema, const char *prefix, uint32_t value,
                        char text[NAME_SIZE]);

/* Hundredths as "12.5": without trailing zeros. Out: text. */
const char *hundredths_format(uint64_t value, char text[NAME_SIZE]);
/* YYYYMMDD as "1989-05-31". Out: text. */
const char *date_format(uint32_t date, char text[NAME_SIZE]);
/* Unix milliseconds as "2026-11-24 08:15:30 +08:00". Out: text. */
const char *time_format(uint64_t time_ms, char text[NAME_SIZE]);

#endif
