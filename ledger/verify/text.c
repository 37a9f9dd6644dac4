#include "ledger/verify/text.h"

#include <string.h>

enum { SECONDS_PER_DAY = 86400, UTC8_SECONDS = 8 * 3600, DATE_MAX = 99991231 };

void text_init(struct text *text, char *out, size_t size)
{
    text->out = out;
    text->size = size;
    text->length = 0;
}

static void put(struct text *text, const char *data, size_t size)
{
    if (text->length < text->size) {
        size_t room = text->size - text->length;
        memcpy(text->out + text->length, data, size < room ? size : room);
    }
    text->length += size;
}

void text_end(struct text *text)
{
    if (text->size == 0) {
        return;
    }
    size_t end = text->length;
    if (end >= text->size) {
        end = text->size - 1;
        /* Not into the middle of a character: back over its continuation bytes. */
        while (end > 0 && ((unsigned char)text->out[end] & 0xc0u) == 0x80u) {
            end--;
        }
    }
    text->out[end] = '\0';
}

void text_put(struct text *text, const char *words)
{
    put(text, words, strlen(words));
}

void text_outside(struct text *text, struct bytes words)
{
    for (size_t i = 0; i < words.size; i++) {
        char byte = (char)words.data[i];
        /* C1 controls are 0xc2 followed by 0x80 to 0x9f. */
        bool c1 = words.data[i] == 0xc2 && i + 1 < words.size && words.data[i + 1] < 0xa0;
        if (words.data[i] < 0x20 || words.data[i] == 0x7f || c1) {
            byte = ' ';
        }
        put(text, &byte, 1);
        i += c1;
    }
}

/* Decimal digits with leading zeros up to `digits`. */
static void put_digits(struct text *text, uint64_t number, uint32_t digits)
{
    char buffer[20];
    uint32_t at = sizeof buffer;
    do {
        buffer[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (sizeof buffer - at < digits) {
        buffer[--at] = '0';
    }
    put(text, buffer + at, sizeof buffer - at);
}

void text_number(struct text *text, uint64_t number)
{
    put_digits(text, number, 1);
}

void text_hundredths(struct text *text, uint64_t number)
{
    put_digits(text, number / 100, 1);
    put(text, ".", 1);
    put_digits(text, number % 100, 2);
}

void text_hex(struct text *text, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        char pair[2] = {digits[data[i] >> 4], digits[data[i] & 15]};
        put(text, pair, 2);
    }
}

void text_date(struct text *text, uint32_t date)
{
    put_digits(text, date / 10000, 4);
    put(text, "-", 1);
    put_digits(text, date / 100 % 100, 2);
    put(text, "-", 1);
    put_digits(text, date % 100, 2);
}

uint32_t civil_date(uint64_t time_ms)
{
    uint64_t days = (time_ms / 1000 + UTC8_SECONDS) / SECONDS_PER_DAY;
    /* Counted from 0000-03-01, so that a leap day is the last of its year; eras of 400 years. */
    uint64_t shifted = days + 719468;
    uint64_t era = shifted / 146097;
    uint64_t day_of_era = shifted % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t march_month = (5 * day_of_year + 2) / 153;
    uint64_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    uint64_t year = era * 400 + year_of_era + (month <= 2);
    return year > 9999 ? DATE_MAX : (uint32_t)(year * 10000 + month * 100 + day);
}

void text_time(struct text *text, uint64_t time_ms)
{
    uint64_t seconds = (time_ms / 1000 + UTC8_SECONDS) % SECONDS_PER_DAY;
    text_date(text, civil_date(time_ms));
    put(text, " ", 1);
    put_digits(text, seconds / 3600, 2);
    put(text, ":", 1);
    put_digits(text, seconds / 60 % 60, 2);
    put(text, ":", 1);
    put_digits(text, seconds % 60, 2);
    put(text, " (UTC+8)", 8);
}
