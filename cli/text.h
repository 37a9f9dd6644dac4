/* What the command line says, in English or Chinese, and how it ends. One thread. */
#ifndef XUELIAN_CLI_TEXT_H
#define XUELIAN_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of every command; public (docs/man). */
enum exit_code {
    EXIT_OK = 0,
    EXIT_REFUSED = 1, /* a negative answer: a proof refused, rows refused, a rule broken */
    EXIT_USAGE = 2,   /* the command line or a file it names is wrong */
    EXIT_NETWORK = 3, /* no node answered */
    EXIT_IO = 4       /* a file, a key or the disk */
};

enum lang { LANG_EN, LANG_ZH };

/* The language of all output. By the locale (LC_ALL, LC_MESSAGES, LANG) until lang_set. */
enum lang lang_get(void);
void lang_set(enum lang lang);
/* Reads "en" or "zh". Returns false for anything else. */
bool lang_parse(const char *text, enum lang *lang);

/* One of the two, by the language. Both may be formats with the same arguments. */
const char *tr(const char *en, const char *zh) __attribute__((format_arg(1), format_arg(2)));

/* One clear sentence about what went wrong, in both languages. */
struct fault {
    enum exit_code code;
    char en[640];
    char zh[640];
};

/* Formats both sentences; the arguments are the same, in the same order. What comes from files and nodes is
 * made fit for a terminal and for JSON: control characters become spaces, what is not UTF-8 a question mark.
 * Returns false, so that a function can `return fault_set(...)`. */
bool fault_set(struct fault *fault, enum exit_code code, const char *en, const char *zh, ...)
    __attribute__((format(printf, 3, 5), format(printf, 4, 5)));
const char *fault_text(const struct fault *fault);
/* Prints it on standard error, after the program's name. Returns its exit code. */
int fault_print(const struct fault *fault);

/* Makes text fit for a terminal and for JSON, in place; it never grows. */
void text_clean(char *text);

/* The entry of names (NULL-terminated) nearest to word, or NULL when none is near: one that begins with it
 * (3 letters and more), or that is 1 edit away, 2 from 5 letters on, 3 from 8 on. An edit is a letter more,
 * less or other, or two that changed places. Words beyond 63 characters are near to nothing. */
const char *nearest(const char *word, const char *const *names);

/* Strict reading of numbers from text. Return false unless the whole text is one decimal number in range;
 * out untouched. */
bool parse_u64(const char *text, unsigned long long max, unsigned long long *out);
/* A length of time: a number and s, m, h or d ("90s", "1d"). */
bool parse_duration_ms(const char *text, unsigned long long *ms);

#endif
