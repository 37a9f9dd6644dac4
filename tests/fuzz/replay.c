/* Runs a fuzz target over vectors and over mutations of them by a fixed generator: replay FILE.hex...
 * The same inputs every time, in every build, with no fuzzer at hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "tests/fuzz/fuzz.h"

enum { LINE_SIZE = 512, PATH_SIZE = 4096 };

static uint64_t generator = 88172645463325252u;

static uint64_t next_number(uint64_t below)
{
    generator ^= generator << 13;
    generator ^= generator >> 7;
    generator ^= generator << 17;
    return generator % below;
}

/* Reads a vector's bytes; genesis_name stays empty when the vector names none. */
static size_t vector_read(const char *path, uint8_t *out, char genesis_name[LINE_SIZE])
{
    static const char field[] = "genesis: ";
    char line[LINE_SIZE];
    size_t size = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(1);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, field, strlen(field)) == 0) {
            memcpy(genesis_name, line + strlen(field), strlen(line) - strlen(field) + 1);
        }
        size_t bytes = strlen(line) / 2;
        CHECK(size + bytes <= FUZZ_INPUT_SIZE_MAX / 2);
        if (hex_decode(out + size, bytes, line, strlen(line)) == ST_OK) {
            size += bytes;
        }
    }
    fclose(file);
    return size;
}

/* A flip, another byte, a part left out, or a part twice: what breaks parsers. Returns the new size. */
static size_t mutate(uint8_t *data, size_t size)
{
    size_t at = next_number(size);
    size_t length = 1 + next_number(40);
    length = length < size - at ? length : size - at;
    switch (next_number(4)) {
    case 0:
        data[at] ^= (uint8_t)(1u << next_number(8));
        return size;
    case 1:
        data[at] = (uint8_t)next_number(256);
        return size;
    case 2:
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    default:
        memmove(data + at + length, data + at, size - at);
        return size + length;
    }
}

/* Every input in memory of its own size, so that a sanitizer sees one byte too far. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    CHECK(copy != NULL);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void replay(const char *path)
{
    static uint8_t genesis[FUZZ_INPUT_SIZE_MAX / 2];
    static uint8_t body[FUZZ_INPUT_SIZE_MAX / 2];
    static uint8_t seed[FUZZ_INPUT_SIZE_MAX];
    static uint8_t input[FUZZ_INPUT_SIZE_MAX + 1024];
    char name[LINE_SIZE] = "";
    char ignored[LINE_SIZE] = "";
    char genesis_path[PATH_SIZE];
    size_t genesis_size = 0;
    size_t body_size = vector_read(path, body, name);
    const char *slash = strrchr(path, '/');
    if (name[0] != '\0') {
        int folder = slash == NULL ? 0 : (int)(slash - path + 1);
        snprintf(genesis_path, sizeof genesis_path, "%.*s%s", folder, path, name);
        genesis_size = vector_read(genesis_path, genesis, ignored);
    }
    for (uint8_t flags = 0; flags < fuzz_flags_count; flags++) {
        size_t size =
            fuzz_input(seed, flags, bytes_of(genesis, genesis_size), bytes_of(body, body_size));
        run(seed, size);
        for (uint32_t i = 0; i < fuzz_mutations; i++) {
            size_t made = size;
            memcpy(input, seed, size);
            for (uint64_t steps = 1 + next_number(4); steps > 0 && made > 0; steps--) {
                made = mutate(input, made);
            }
            run(input, made);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: replay FILE.hex...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    printf("%d seeds, %d inputs each\n", argc - 1, ((int)fuzz_mutations + 1) * fuzz_flags_count);
    return 0;
}
