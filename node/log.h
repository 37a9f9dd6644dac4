/* JSON lines on standard error: one per event that an operator would ask about, none per transaction.
 * Any thread. */
#ifndef XUELIAN_NODE_LOG_H
#define XUELIAN_NODE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below this level are not written. */
void log_set_level(enum log_level level);
/* "debug", "info", "warn", "error". Returns 0, or -1 for another word. */
int log_parse_level(const char *word, enum log_level *level);

/* {"time":"...","level":"...","event":"...","text":"..."}; text is formatted as by printf. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
