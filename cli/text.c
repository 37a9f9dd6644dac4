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

/* Levenshtein's distance with one row. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAR_SIZE + 1];
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > NEAR_SIZE || b_size > NEAR_SIZE) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= b_size; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b_size; k++) {
            size_t above = row[k];
            size_t best = diagonal + (a[i - 1] != b[k - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            row[k] = best;
            diagonal = above;
        }
    }
    return row[b_size];
}

const char *nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t least = strlen(word) >= 8 ? 4 : 3;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t far = distance(word, names[i]);
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
