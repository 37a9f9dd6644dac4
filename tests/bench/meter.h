/* What a stretch of work cost this process: processor time of all its threads, bytes written, memory. */
#ifndef XUELIAN_TESTS_BENCH_METER_H
#define XUELIAN_TESTS_BENCH_METER_H

#include <stdint.h>

struct meter {
    double process_s; /* processor seconds of all threads */
    double thread_s;  /* of the calling thread */
    double written;   /* bytes given to write() */
};

/* Waits until the other threads of the process are idle: until what the store puts off is done. */
void meter_settle(void);
struct meter meter_read(void);
/* later - earlier */
struct meter meter_since(const struct meter *earlier);

/* Bytes of the files in a folder. */
double meter_folder(const char *path);
/* Resident memory in bytes. */
double meter_memory(void);

#endif
