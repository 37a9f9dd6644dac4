#include "node/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int threshold = LOG_INFO;
static const char *const words[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

int log_parse_level(const char *word, enum log_level *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(word, words[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

/* Appends text as the inside of a JSON string; what does not fit is left out. */
static size_t escape(char *out, size_t at, size_t size, const char *text)
{
    for (const char *p = text; *p != '\0' && at + 8 < size; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            out[at++] = '\\';
            out[at++] = (char)c;
        } else if (c < 0x20) {
            at += (size_t)snprintf(out + at, 7, "\\u%04x", c);
        } else {
            out[at++] = (char)c;
        }
    }
    return at;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char text[1024];
    char line[2400];
    struct timespec now;
    struct tm utc;
    va_list arguments;
    if ((int)level < atomic_load(&threshold)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t at = strftime(line, sizeof line, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
    at += (size_t)snprintf(line + at, sizeof line - at,
                           ".%03ldZ\",\"level\":\"%s\",\"event\":\"%s\",\"text\":\"",
                           now.tv_nsec / 1000000, words[level], event);
    at = escape(line, at, sizeof line - 4, text);
    at += (size_t)snprintf(line + at, sizeof line - at, "\"}\n");
    /* One write a line, so that lines of several threads do not mix. */
    (void)!write(STDERR_FILENO, line, at);
}
