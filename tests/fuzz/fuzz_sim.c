/* The simulator on any tape. Input: number of validators (1 byte), then choices of 3 bytes: a concern, and a number.
 *
 * Beyond the end of a tape all is calm (tests/sim/tape.h), so a short input is a short storm: one simulated minute, and
 * then every node must commit again. What the oracle finds ends the process like any other finding.
 *
 * A vector of 8 bytes is a seed: its input is the start of what that seed draws. Any other is an input itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/run.h"

enum { CHOICE_SIZE = 3, SEED_SIZE = 8, CHOICES_MAX = 600, N_MAX = 7 };

const uint8_t fuzz_flags_count = 2;
const uint32_t fuzz_mutations = 5;

static void read_tape(struct tape *tape, const uint8_t *data, size_t size)
{
    memset(tape, 0, sizeof *tape);
    tape->replay = true;
    for (size_t at = 0; at + CHOICE_SIZE <= size; at += CHOICE_SIZE) {
        struct tape_stream *stream = &tape->streams[data[at] % CONCERN_COUNT];
        stream->choices =
            sim_grow(stream->choices, stream->count, &stream->capacity, sizeof *stream->choices);
        stream->choices[stream->count++] = (uint32_t)data[at + 1] << 8 | data[at + 2];
    }
}

/* What a seed draws in its first moments, as an input. Concerns take turns, so that a cut one keeps some of each. */
static size_t from_seed(uint8_t *out, uint32_t n, uint64_t seed)
{
    struct tape tape;
    struct run_report report;
    struct run_options options = {.n = n, .minutes = 1};
    size_t size = 1;
    size_t choices = 0;
    tape_init(&tape, seed);
    run_tape(&options, &tape, &report);
    CHECK(!report.failed);
    out[0] = (uint8_t)(n - 1);
    for (size_t i = 0; choices < CHOICES_MAX && i < CHOICES_MAX; i++) {
        for (unsigned concern = 0; concern < CONCERN_COUNT; concern++) {
            const struct tape_stream *stream = &tape.streams[concern];
            uint32_t choice = i < stream->count ? stream->choices[i] : 0;
            if (choice == 0 && i >= stream->count) {
                continue;
            }
            out[size++] = (uint8_t)concern;
            out[size++] = (uint8_t)(choice >> 8);
            out[size++] = (uint8_t)choice;
            choices++;
        }
    }
    tape_free(&tape);
    return size;
}

size_t fuzz_input(uint8_t *out, uint8_t flags, struct bytes genesis, struct bytes body)
{
    (void)genesis;
    if (body.size == SEED_SIZE) {
        return from_seed(out, flags == 0 ? 4 : 3, be64_get(body.data));
    }
    CHECK(body.size > 0 && body.size <= FUZZ_INPUT_SIZE_MAX);
    memcpy(out, body.data, body.size);
    return body.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape;
    struct run_report report;
    struct run_options options = {.minutes = 1};
    if (size < 1) {
        return 0;
    }
    options.n = 1 + data[0] % N_MAX;
    read_tape(&tape, data + 1, size - 1);
    run_tape(&options, &tape, &report);
    tape_free(&tape);
    if (report.failed) {
        fprintf(stderr, "%s\n%s\n", report.swarm, report.text);
        abort();
    }
    return 0;
}
