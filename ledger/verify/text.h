/* Writing text without libc: into a buffer that may be too small, counting what it would have taken.
 * Pure. Any thread. */
#ifndef XUELIAN_VERIFY_TEXT_H
#define XUELIAN_VERIFY_TEXT_H

#include "proto/types.h"

struct text {
    char *out;
    size_t size;   /* of out */
    size_t length; /* of the whole text so far, written or not */
};

void text_init(struct text *text, char *out, size_t size);
/* Ends the text with NUL, after the last whole UTF-8 character that fits. */
void text_end(struct text *text);

void text_put(struct text *text, const char *words);
/* UTF-8 from outside: control characters become spaces, so that they cannot steer a terminal. */
void text_outside(struct text *text, struct bytes words);
void text_number(struct text *text, uint64_t number);
/* 1234 as 12.34. */
void text_hundredths(struct text *text, uint64_t number);
void text_hex(struct text *text, const uint8_t *data, size_t size);
/* 20260630 as 2026-06-30. */
void text_date(struct text *text, uint32_t date);
/* A block's time as a civil date and time at UTC+8. */
void text_time(struct text *text, uint64_t time_ms);

/* The civil date at UTC+8, YYYYMMDD; 99991231 for later ones. */
uint32_t civil_date(uint64_t time_ms);

#endif
