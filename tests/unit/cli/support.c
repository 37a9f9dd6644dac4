#include "tests/unit/cmocka_all.h"

#include "tests/unit/cli/support.h"

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "proto/bytes.h"

static char folder[64];

int support_enter(void **state)
{
    (void)state;
    lang_set(LANG_EN);
    snprintf(folder, sizeof folder, "/var/tmp/xuelian-cli-XXXXXX");
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int support_leave(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) : -1;
}

void support_write(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void support_write_text(const char *name, const char *text)
{
    support_write(name, text, strlen(text));
}

void support_write_gzip(const char *name, const char *text)
{
    gzFile file = gzopen(name, "w");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

void support_read(const char *name, char **data, size_t *size)
{
    struct stat info;
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        fail_msg("%s is not there", name);
        return;
    }
    assert_int_equal(fstat(fileno(file), &info), 0);
    *size = (size_t)info.st_size;
    *data = calloc(1, *size + 1);
    assert_non_null(*data);
    assert_int_equal(fread(*data, 1, *size, file), *size);
    fclose(file);
}

static void load(const char *name, char *text, size_t room)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    size_t got = fread(text, 1, room - 1, file);
    text[got] = '\0';
    fclose(file);
}

pid_t support_spawn(const char *name, const char *const *arguments, const char *out,
                    const char *err)
{
    enum { ARGUMENTS_MAX = 32 };
    char program[4096];
    char *argv[ARGUMENTS_MAX + 2] = {NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    const char *build = getenv("XUELIAN_BUILD_DIR");
    assert_non_null(build);
    snprintf(program, sizeof program, "%s/bin/%s", build, name);
    argv[0] = program;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert_true(i < ARGUMENTS_MAX);
        argv[i + 1] = strdup(arguments[i]);
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        free(argv[i + 1]);
    }
    return pid;
}

pid_t support_start(const char *const *arguments)
{
    return support_spawn("xuelian", arguments, "stdout.txt", "stderr.txt");
}

void support_finish(struct run *run, pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    run->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    load("stdout.txt", run->out, sizeof run->out);
    load("stderr.txt", run->err, sizeof run->err);
}

void support_run(struct run *run, const char *const *arguments)
{
    support_finish(run, support_start(arguments));
}

void support_expect(const struct run *run, int code, const char *part)
{
    if (run->code != code || (strstr(run->out, part) == NULL && strstr(run->err, part) == NULL)) {
        fail_msg("wanted %d and \"%s\"; got %d\n--- out\n%s--- err\n%s", code, part, run->code,
                 run->out, run->err);
    }
}

void support_tables(void)
{
    assert_int_equal(mkdir("tables", 0700), 0);
    support_write_text("tables/regions.csv",
                       "code,name,level,parent\n330000,浙江省,1,0\n330100,杭州市,2,330000\n");
    support_write_text(
        "tables/institutions.csv",
        "member,name_zh,name_en,kind,region,roles,deposit_kinds\n"
        "1,演示学分银行,Bank (demonstration),credit_bank,330100,open_accounts govern audit,\n"
        "2,演示第一大学,First (demonstration),university,330100,open_accounts "
        "deposit,degree_course\n"
        "3,演示第二大学,Second (demonstration),university,330100,deposit,degree_course\n"
        "4,演示培训中心,Training (demonstration),training_body,330100,deposit,certificate\n"
        "5,演示考试院,Examiner (demonstration),examination_body,330100,open_accounts deposit,"
        "examination\n");
    support_write_text(
        "tables/courses.csv",
        "course,version,name_zh,name_en,kind,level,credits,hours,accredited_by,from_date\n"
        "7,1,演示化学,Chemistry (demonstration),examination,3,2000,36000,1,20200101\n");
}

void support_network(void)
{
    static struct run run;
    support_tables();
    RUN(&run, "network", "new", "net", "--demo", "tables");
    support_expect(&run, EXIT_OK, "5 members, 1 courses, 2 regions");
}

void support_mapping(void)
{
    support_write_text("exam.yaml", "mapping: 1\n"
                                    "name: exam\n"
                                    "accounts:\n"
                                    "  - name: people\n"
                                    "    files: [rows.csv]\n"
                                    "    account: {namespace: exam, column: id}\n"
                                    "    opener: {constant: 5}\n"
                                    "    region: {constant: 330100}\n"
                                    "outcomes:\n"
                                    "  - name: results\n"
                                    "    files: [rows.csv]\n"
                                    "    batch: [date]\n"
                                    "    account: {namespace: exam, column: id}\n"
                                    "    issuer: {column: issuer}\n"
                                    "    reference: [id]\n"
                                    "    fields:\n"
                                    "      kind: {constant: examination}\n"
                                    "      course: {column: course}\n"
                                    "      course_version: {constant: 1}\n"
                                    "      level: {constant: 3}\n"
                                    "      credits: {column: credits, scale: 100}\n"
                                    "      hours: {constant: 36000}\n"
                                    "      award_date: {column: date, format: yyyy-mm-dd}\n"
                                    "      grade_band: {constant: 2}\n"
                                    "      region: {constant: 330100}\n"
                                    "      mode: {constant: examination}\n"
                                    "      source: {constant: institution}\n");
}

void support_rows(uint32_t count, uint32_t rows_a_day)
{
    FILE *file = fopen("rows.csv", "w");
    assert_non_null(file);
    fputs("id,issuer,course,credits,date\n", file);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t day = i / rows_a_day;
        fprintf(file, "p%u,5,7,20,2021-%02u-%02u\n", (unsigned)i, (unsigned)(day / 28 % 12 + 1),
                (unsigned)(day % 28 + 1));
    }
    assert_int_equal(fclose(file), 0);
}

/* A vector's bytes; its head is `#` and `name: value` lines. */
void support_vector(const char *vector, const char *name)
{
    static uint8_t bytes[1 << 20];
    char path[4096];
    char *text = NULL;
    size_t size = 0;
    size_t count = 0;
    const char *source = getenv("XUELIAN_SOURCE_DIR");
    assert_non_null(source);
    snprintf(path, sizeof path, "%s/tests/vectors/%s.hex", source, vector);
    support_read(path, &text, &size);
    for (const char *line = text; *line != '\0'; line += strspn(line, "\n")) {
        size_t length = strcspn(line, "\n");
        if (line[0] != '#' && memchr(line, ':', length) == NULL) {
            assert_true(length % 2 == 0 && count + length / 2 <= sizeof bytes);
            assert_int_equal(hex_decode(bytes + count, length / 2, line, length), ST_OK);
            count += length / 2;
        }
        line += length;
    }
    free(text);
    support_write(name, bytes, count);
}
