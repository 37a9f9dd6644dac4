#include "tests/sim/tape.h"

#include <string.h>

#include "tests/sim/memory.h"

static const char *const concern_texts[CONCERN_COUNT] = {
#define X(name, text) [CONCERN_##name] = text,
    CONCERNS_TABLE(X)
#undef X
};

/* splitmix64 (Steele, Lea, Flood 2014): one add and three mixes; streams differ by their start. */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void tape_init(struct tape *tape, uint64_t seed)
{
    memset(tape, 0, sizeof *tape);
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        uint64_t start = seed ^ (0x6a09e667f3bcc909u * (i + 1));
        tape->streams[i].state = mix(&start);
    }
}

void tape_free(struct tape *tape)
{
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        free(tape->streams[i].choices);
    }
    memset(tape, 0, sizeof *tape);
}

void tape_rewind(struct tape *tape)
{
    tape->replay = true;
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        tape->streams[i].next = 0;
    }
}

void tape_copy(struct tape *out, const struct tape *from)
{
    *out = *from;
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        struct tape_stream *stream = &out->streams[i];
        stream->capacity = stream->count;
        stream->choices = sim_new(stream->count * sizeof *stream->choices);
        if (stream->count > 0) {
            memcpy(stream->choices, from->streams[i].choices,
                   stream->count * sizeof *stream->choices);
        }
    }
}

static uint32_t record(struct tape_stream *stream, uint32_t choice)
{
    stream->choices =
        sim_grow(stream->choices, stream->count, &stream->capacity, sizeof *stream->choices);
    stream->choices[stream->count++] = choice;
    return choice;
}

static uint32_t replayed(struct tape_stream *stream)
{
    return stream->next < stream->count ? stream->choices[stream->next++] : 0;
}

uint32_t tape_below(struct tape *tape, enum concern concern, uint32_t bound)
{
    struct tape_stream *stream = &tape->streams[concern];
    CHECK(bound >= 1);
    if (tape->replay) {
        uint32_t choice = replayed(stream);
        return choice < bound ? choice : bound - 1;
    }
    return record(stream, (uint32_t)(((mix(&stream->state) >> 32) * bound) >> 32));
}

bool tape_chance(struct tape *tape, enum concern concern, uint32_t per_million)
{
    struct tape_stream *stream = &tape->streams[concern];
    if (tape->replay) {
        return replayed(stream) != 0 && per_million > 0;
    }
    return record(stream, ((mix(&stream->state) >> 32) * 1000000u) >> 32 < per_million) != 0;
}

bool tape_write(const struct tape *tape, FILE *file)
{
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        const struct tape_stream *stream = &tape->streams[i];
        fprintf(file, "%s %zu", concern_texts[i], stream->count);
        for (size_t k = 0; k < stream->count; k++) {
            fprintf(file, " %u", (unsigned)stream->choices[k]);
        }
        fputc('\n', file);
    }
    return fflush(file) == 0 && !ferror(file);
}

/* The next word of a tape. Returns false at the end. */
static bool word(FILE *file, char out[32])
{
    size_t size = 0;
    int c = fgetc(file);
    while (c == ' ' || c == '\n') {
        c = fgetc(file);
    }
    while (c != EOF && c != ' ' && c != '\n' && size < 31) {
        out[size++] = (char)c;
        c = fgetc(file);
    }
    out[size] = '\0';
    return size > 0;
}

static bool number(FILE *file, unsigned long long *out)
{
    char text[32];
    char *end;
    if (!word(file, text)) {
        return false;
    }
    *out = strtoull(text, &end, 10);
    return *end == '\0';
}

bool tape_read(struct tape *tape, FILE *file)
{
    memset(tape, 0, sizeof *tape);
    tape->replay = true;
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        char text[32];
        unsigned long long count, choice;
        if (!word(file, text) || strcmp(text, concern_texts[i]) != 0 || !number(file, &count)) {
            return false;
        }
        for (unsigned long long k = 0; k < count; k++) {
            if (!number(file, &choice) || choice > UINT32_MAX) {
                return false;
            }
            record(&tape->streams[i], (uint32_t)choice);
        }
    }
    return true;
}
