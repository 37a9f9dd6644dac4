#include "cli/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_SIZE = 64 };

static bool lang_known;
static enum lang lang_now;

enum lang lang_get(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; !lang_known && i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0') {
            lang_set(strncmp(value, "zh", 2) == 0 ? LANG_ZH : LANG_EN);
        }
    }
    lang_known = true;
    return lang_now;
}

void lang_set(enum lang lang)
{
    lang_known = true;
    lang_now = lang;
}

bool lang_parse(const char *text, enum lang *lang)
{
    if (strcmp(text, "zh") != 0 && strcmp(text, "en") != 0) {
        return false;
    }
    *lang = text[0] == 'z' ? LANG_ZH : LANG_EN;
    return true;
}

const char *tr(const char *en, const char *zh)
{
    return lang_get() == LANG_ZH ? zh : en;
}

/* The length of the UTF-8 character at text, or 0 when there is none. Of the forms that are not allowed only
 * lengths are looked at: nothing here depends on the others. */
static size_t character_size(const unsigned char *text)
{
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xc2 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                                   : 4;
    if (text[0] > 0xf4 || (text[0] == 0xe0 && text[1] < 0xa0) ||
        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90) ||
        (text[0] == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf) {
            return 0;
        }
    }
    return size;
}

void text_clean(char *text)
{
    unsigned char *at = (unsigned char *)text;
    while (*at != '\0') {
        size_t size = character_size(at);
        if (size == 0) {
            *at = '?';
            size = 1;
        } else if (*at < 0x20 || *at == 0x7f) {
            *at = ' ';
        } else if (size == 2 && at[0] == 0xc2 && at[1] < 0xa0) {
            at[0] = ' '; /* control characters of the second set */
            at[1] = ' ';
        }
        at += size;
    }
}

bool fault_set(struct fault *fault, enum exit_code code, const char *en, const char *zh, ...)
{
    va_list arguments;
    struct fault made = {.code = code};
    /* Into a copy: an argument may be a part of the fault that is being wrapped. */
    va_start(arguments, zh);
    vsnprintf(made.en, sizeof made.en, en, arguments);
    va_end(arguments);
    va_start(arguments, zh);
    vsnprintf(made.zh, sizeof made.zh, zh, arguments);
    va_end(arguments);
    text_clean(made.en);
    text_clean(made.zh);
    *fault = made;
    return false;
}

const char *fault_text(const struct fault *fault)
{
    return tr(fault->en, fault->zh);
}

int fault_print(const struct fault *fault)
{
    fflush(stdout);
    fprintf(stderr, "xuelian: %s\n", fault_text(fault));
    return (int)fault->code;
}

/* Edits from a to b, two letters that changed places counting as one (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAR_SIZE + 1]; /* of the last letters of a, in turn */
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size >= NEAR_SIZE || b_size >= NEAR_SIZE) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= b_size; k++) {
        rows[0][k] = k;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *higher = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b_size; k++) {
            size_t best = above[k - 1] + (a[i - 1] != b[k - 1]);
            best = above[k] + 1 < best ? above[k] + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            bool swapped = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
            row[k] = swapped && higher[k - 2] + 1 < best ? higher[k - 2] + 1 : best;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t size = strlen(word);
    size_t least = size >= 8 ? 4 : size >= 5 ? 3 : 2;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t far = size >= 3 && strncmp(word, names[i], size) == 0 ? 1 : distance(word, names[i]);
        if (far < least && far < strlen(names[i])) {
            least = far;
            best = names[i];
        }
    }
    return best;
}

bool parse_u64(const char *text, unsigned long long max, unsigned long long *out)
{
    unsigned long long value = 0;
    if (text[0] == '\0') {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (*at < '0' || *at > '9' || value > max / 10 || value * 10 > max - digit) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool parse_duration_ms(const char *text, unsigned long long *ms)
{
    static const struct {
        char letter;
        unsigned long long ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    char number[24];
    unsigned long long value = 0;
    size_t size = strlen(text);
    if (size < 2 || size > sizeof number) {
        return false;
    }
    memcpy(number, text, size - 1);
    number[size - 1] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text[size - 1] == units[i].letter && parse_u64(number, 36500u * 24u, &value)) {
            *ms = value * units[i].ms;
            return true;
        }
    }
    return false;
}
