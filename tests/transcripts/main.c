/* xuelian-transcripts [--rewrite] FILE...: runs transcripts and compares what happens with what they say.
 *
 * A line that begins with "> " is a command; the lines below it, up to an empty one, a comment or the next command,
 * are what it did. With --rewrite what happens is written into the file: read the difference before it is kept. */
#include <stdio.h>

#include "tests/transcripts/script.h"

struct text {
    char *data;
    size_t size, capacity;
};

static void add(struct text *text, const char *data, size_t size)
{
    if (text->size + size + 1 > text->capacity) {
        text->capacity = 2 * text->capacity + size + 1024;
        char *grown = realloc(text->data, text->capacity);
        CHECK(grown != NULL);
        text->data = grown;
    }
    if (size > 0) {
        memcpy(text->data + text->size, data, size);
    }
    text->size += size;
    text->data[text->size] = '\0';
}

static bool read_file(const char *path, struct text *text)
{
    char buffer[4096];
    size_t size;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    add(text, "", 0);
    while ((size = fread(buffer, 1, sizeof buffer, file)) > 0) {
        add(text, buffer, size);
    }
    bool good = !ferror(file);
    fclose(file);
    return good;
}

static size_t line_size(const char *at)
{
    return strcspn(at, "\n");
}

/* Runs every command of `in`; `out` is the file as it should be. Returns false when one breaks a rule. */
static bool run_all(struct script *script, const char *path, const char *in, struct text *out)
{
    unsigned number = 0;
    while (*in != '\0') {
        size_t size = line_size(in);
        number++;
        add(out, in, size);
        add(out, "\n", 1);
        const char *next = in + size + (in[size] == '\n');
        if (in[0] == '>' && in[1] == ' ') {
            char command[1024];
            snprintf(command, sizeof command, "%.*s", (int)(size - 2), in + 2);
            if (!script_run(script, command)) {
                printf("%s:%u: %s: %s\n", path, number, command, script->error);
                return false;
            }
            add(out, script->out, script->out_size);
            if (script->cluster->oracle.failed) {
                printf("%s:%u: VIOLATION: %s\n", path, number, script->cluster->oracle.text);
                return false;
            }
            while (*next == ' ') { /* what it did when this was written */
                size_t old = line_size(next);
                next += old + (next[old] == '\n');
                number++;
            }
        }
        in = next;
    }
    return true;
}

/* The first line that differs. */
static void show_difference(const char *path, const char *was, const char *is)
{
    unsigned number = 1;
    while (*was != '\0' && *is != '\0') {
        size_t a = line_size(was), b = line_size(is);
        if (a != b || memcmp(was, is, a) != 0) {
            break;
        }
        was += a + (was[a] == '\n');
        is += b + (is[b] == '\n');
        number++;
    }
    printf("%s:%u: something else happens\n  was: %.*s\n  is:  %.*s\n"
           "  if that is right: xuelian-transcripts --rewrite %s\n",
           path, number, (int)line_size(was), was, (int)line_size(is), is, path);
}

static bool write_file(const char *path, const struct text *text)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return false;
    }
    bool good = fwrite(text->data, 1, text->size, file) == text->size;
    return fclose(file) == 0 && good;
}

static bool run_file(const char *path, bool rewrite)
{
    struct text in = {.data = NULL}, out = {.data = NULL};
    struct script *script = sim_new(sizeof *script);
    script_init(script);
    if (!read_file(path, &in)) {
        printf("%s: cannot be read\n", path);
        free(script);
        return false;
    }
    bool good = run_all(script, path, in.data, &out);
    if (good && script->cluster == NULL) {
        printf("%s: has no commands\n", path);
        good = false;
    }
    if (good && (in.size != out.size || memcmp(in.data, out.data, in.size) != 0)) {
        if (rewrite) {
            good = write_file(path, &out);
            printf("%s: %s\n", path, good ? "rewritten" : "cannot be written");
        } else {
            show_difference(path, in.data, out.data);
            good = false;
        }
    }
    if (good && !script_prove_progress(script)) {
        printf("%s: at the end, with everything mended:\n%.*s", path, (int)script->out_size,
               script->out);
        good = false;
    }
    script_free(script);
    free(script);
    free(in.data);
    free(out.data);
    return good;
}

int main(int argc, char **argv)
{
    bool rewrite = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
    int failed = 0;
    if (argc < (rewrite ? 3 : 2)) {
        fprintf(stderr, "usage: xuelian-transcripts [--rewrite] FILE...\n");
        return 2;
    }
    for (int i = rewrite ? 2 : 1; i < argc; i++) {
        failed += run_file(argv[i], rewrite) ? 0 : 1;
    }
    return failed == 0 ? 0 : 1;
}
