/* Verifies a proof with every allocation counted: the verifier makes none. Whatever it uses is the scratch that it is
 * given, and what of that it needed is printed. glibc alone lets a program see all allocations of its libraries. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <xuelian_verify.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static unsigned long allocations;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}

enum { FILE_MAX = 1 << 20 };

static unsigned char genesis[FILE_MAX];
static unsigned char proof[FILE_MAX];
static unsigned char scratch[VERIFY_SCRATCH_SIZE(FILE_MAX, FILE_MAX)];
static struct verify_result result;
static char text[1 << 16];

static struct bytes load(unsigned char *into, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct bytes bytes = {into, 0};
    if (file != NULL) {
        bytes.size = fread(into, 1, FILE_MAX, file);
        fclose(file);
    }
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    struct bytes g = load(genesis, argv[1]);
    struct bytes p = load(proof, argv[2]);
    size_t size = VERIFY_SCRATCH_SIZE(g.size, p.size);
    memset(scratch, 0xa5, sizeof scratch);
    unsigned long before = allocations;
    verify_proof(&result, g, p, NULL, scratch, size);
    size_t length = verify_report(text, sizeof text, &result, VERIFY_CHINESE);
    unsigned long made = allocations - before;
    size_t past = 0;
    for (size_t i = size; i < sizeof scratch; i++) {
        past += scratch[i] != 0xa5;
    }
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        used += scratch[i] != 0xa5;
    }
    printf("%s: %lu allocations, %zu of %zu bytes of scratch written, report of %zu bytes\n",
           verify_fault_name(result.fault), made, used, size, length);
    return made != 0 || past != 0;
}
