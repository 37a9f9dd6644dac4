/* A folder of its own for each test, files in it, and the program run with captured output. */
#ifndef XUELIAN_TESTS_CLI_SUPPORT_H
#define XUELIAN_TESTS_CLI_SUPPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/text.h"

/* cmocka setup and teardown: makes a temporary folder, goes there, English; removes it. */
int support_enter(void **state);
int support_leave(void **state);

/* Writes a file in the folder; data may hold zero bytes. */
void support_write(const char *name, const void *data, size_t size);
void support_write_text(const char *name, const char *text);
void support_write_gzip(const char *name, const char *text);

/* Reads a file; *data malloc'ed, NUL-ended. */
void support_read(const char *name, char **data, size_t *size);

struct run {
    int code;
    char out[32768];
    char err[32768];
};

/* Runs bin/xuelian with these arguments (NULL-ended, without the name), input from nowhere. */
void support_run(struct run *run, const char *const *arguments);
/* The same in two halves, to do something in between. */
pid_t support_start(const char *const *arguments);
void support_finish(struct run *run, pid_t pid); /* code: minus the signal that ended it */
/* Any program of bin/, its output in two files. */
pid_t support_spawn(const char *name, const char *const *arguments, const char *out,
                    const char *err);
#define RUN(run, ...) support_run((run), (const char *const[]){__VA_ARGS__, NULL})

/* Fails the test with the texts unless the exit code and a part of the output or error are so. */
void support_expect(const struct run *run, int code, const char *part);

/* Tables of a small network: members 1 to 4 (validators), 5 (examination body), and `network new` of them
 * into the folder net. */
void support_tables(void);
void support_network(void);

/* The mapping exam.yaml of one table rows.csv (id, issuer, course, credits, date): an account and an
 * examination result for each row, batched by date. */
void support_mapping(void);
/* rows.csv with this many good rows; `rows_a_day` of them have the same date, and so the same batch. */
void support_rows(uint32_t count, uint32_t rows_a_day);

/* Writes the bytes of tests/vectors/VECTOR.hex into a file. */
void support_vector(const char *vector, const char *name);

#endif
