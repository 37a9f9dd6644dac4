/* xuelian-exhaust: the search. Depth first; a branch is a forked process, so that nothing needs to be copied or undone,
 * and a failed CHECK is a finding like any other. Processes of a branch run one after another and share a table of the
 * states that were met. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/exhaust.h"

enum {
    PATH_MAX_DEVIATIONS = 8,
    STEPS_MAX = 30000,       /* of a run; far more than the default schedule ever takes */
    RUN_MS_MAX = 10 * 60000, /* of virtual time */
    TABLE_BITS_DEFAULT = 22,
    TABLE_BITS_MAX = 30
};

struct options {
    uint32_t deviations;
    uint64_t rotation_blocks;
    uint64_t liar; /* a validator's index and one; 0: nobody lies */
    uint64_t lies;
    uint64_t table_bits;
    uint32_t part, parts; /* of the first deviations, every one in `parts` */
    const char *replay;   /* or NULL */
};

/* Shared by all processes. */
struct search {
    uint64_t branches;
    uint64_t steps;
    uint64_t met_again;
    uint64_t complete; /* runs that came to the end */
    uint64_t distinct;
    uint64_t table_full;
    uint64_t by_kind[DEVIATION_KINDS];
    uint64_t highest_view;
    uint64_t longest; /* steps of a run */
};

struct place {
    uint32_t step;
    uint32_t choice;
};

struct table {
    uint64_t mask;
    uint64_t *states;
    uint8_t *budgets; /* deviations that were left, and one */
};

struct explorer {
    const struct options *options;
    struct world world;
    struct search *search;
    struct table table;
    struct place path[PATH_MAX_DEVIATIONS];
    uint32_t path_count;
    uint32_t steps;
    uint32_t firsts; /* first deviations counted so far */
};

static void *shared(size_t size)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(made != MAP_FAILED);
    return made;
}

/* ---- Table --------------------------------------------------------------------------------------- */

/* Notes a state. True when all that could follow has been tried. A full table only makes the search longer. */
static bool met_before(struct explorer *explorer, uint64_t state, uint32_t budget)
{
    enum { PROBES_MAX = 64 };
    struct table *table = &explorer->table;
    struct search *search = explorer->search;
    state = state == 0 ? 1 : state;
    for (uint64_t i = 0; i < PROBES_MAX; i++) {
        uint64_t at = (state + i) & table->mask;
        if (table->states[at] == 0) {
            table->states[at] = state;
            table->budgets[at] = (uint8_t)(budget + 1);
            search->distinct++;
            return false;
        }
        if (table->states[at] == state) {
            if (table->budgets[at] > budget) {
                search->met_again++;
                return true;
            }
            table->budgets[at] = (uint8_t)(budget + 1);
            return false;
        }
    }
    search->table_full++;
    return false;
}

/* ---- Findings ------------------------------------------------------------------------------------ */

static void print_path(const struct explorer *explorer, const char *what)
{
    printf("VIOLATION  %s\n  replay: xuelian-exhaust --rotation %llu ", what,
           (unsigned long long)explorer->options->rotation_blocks);
    if (explorer->options->liar > 0) {
        printf("--liar %llu ", (unsigned long long)explorer->options->liar - 1);
    }
    printf("--replay ");
    for (uint32_t i = 0; i < explorer->path_count; i++) {
        printf("%s%u:%u", i == 0 ? "" : ",", (unsigned)explorer->path[i].step,
               (unsigned)explorer->path[i].choice);
    }
    printf("%s\n", explorer->path_count == 0 ? "none" : "");
    fflush(stdout);
}

static bool sound(struct explorer *explorer)
{
    struct cluster *cluster = explorer->world.cluster;
    if (!cluster->oracle.failed && (explorer->steps > STEPS_MAX || cluster->now_ms > RUN_MS_MAX)) {
        oracle_fail(cluster, "liveness: after %u steps and %llu ms not all nodes have %d blocks",
                    (unsigned)explorer->steps, (unsigned long long)cluster->now_ms,
                    (int)EXHAUST_HEIGHTS);
    }
    if (cluster->oracle.failed) {
        print_path(explorer, cluster->oracle.text);
    }
    return !cluster->oracle.failed;
}

/* ---- Search -------------------------------------------------------------------------------------- */

static bool explore(struct explorer *explorer, uint32_t budget);

/* One deviation and all below it, in a process of its own. */
static bool branch(struct explorer *explorer, const struct deviation *deviation, uint32_t choice,
                   uint32_t budget)
{
    int state = 0;
    explorer->path[explorer->path_count++] =
        (struct place){.step = explorer->steps, .choice = choice};
    explorer->search->branches++;
    explorer->search->by_kind[deviation->kind]++;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        world_deviate(&explorer->world, deviation);
        budget -= deviation->kind == DEVIATION_LIE ? 0 : 1;
        _exit(sound(explorer) && explore(explorer, budget) ? 0 : 1);
    }
    CHECK(waitpid(pid, &state, 0) == pid);
    if (WIFSIGNALED(state) || (WEXITSTATUS(state) != 0 && WEXITSTATUS(state) != 1)) {
        print_path(explorer, "the process has ended: a CHECK or a sanitizer");
    }
    explorer->path_count--;
    return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static void note_views(struct explorer *explorer)
{
    uint64_t view = explorer->world.cluster->oracle.newest_view;
    if (view > explorer->search->highest_view) {
        explorer->search->highest_view = view;
    }
}

/* No recursion in a process: a branch goes on in its own. */
static bool explore(struct explorer *explorer, uint32_t budget)
{
    struct deviation deviations[EXHAUST_DEVIATIONS_MAX];
    struct search *search = explorer->search;
    const struct options *options = explorer->options;
    while (!world_done(&explorer->world)) {
        if (met_before(explorer, world_state(&explorer->world), budget)) {
            return true;
        }
        bool may = budget > 0 || explorer->world.lies_left > 0;
        uint32_t count = may ? world_deviations(&explorer->world, deviations) : 0;
        for (uint32_t i = 0; i < count; i++) {
            if (budget == 0 && deviations[i].kind != DEVIATION_LIE) {
                continue;
            }
            if (explorer->path_count == 0 && explorer->firsts++ % options->parts != options->part) {
                continue;
            }
            if (!branch(explorer, &deviations[i], i, budget)) {
                return false;
            }
        }
        world_step(&explorer->world);
        explorer->steps++;
        search->steps++;
        note_views(explorer);
        if (!sound(explorer)) {
            return false;
        }
    }
    search->complete++;
    search->longest = explorer->steps > search->longest ? explorer->steps : search->longest;
    return true;
}

static void report(const struct explorer *explorer, bool good)
{
    const struct search *search = explorer->search;
    char text[SIM_LINE_SIZE];
    if (explorer->options->liar > 0) {
        printf("validator %llu lies %llu times at most; ",
               (unsigned long long)explorer->options->liar - 1,
               (unsigned long long)explorer->options->lies);
    }
    printf("%u deviations at most, K %llu: %llu branches, %llu steps, %llu distinct states, "
           "%llu times one met before, %llu runs to the end; views up to %llu, longest run %llu "
           "steps\n",
           (unsigned)explorer->options->deviations,
           (unsigned long long)explorer->options->rotation_blocks,
           (unsigned long long)search->branches, (unsigned long long)search->steps,
           (unsigned long long)search->distinct, (unsigned long long)search->met_again,
           (unsigned long long)search->complete, (unsigned long long)search->highest_view,
           (unsigned long long)search->longest);
    for (int kind = 0; kind < DEVIATION_KINDS; kind++) {
        struct deviation one = {.kind = (enum deviation_kind)kind};
        deviation_print(&one, text);
        text[strcspn(text, ",")] = '\0';
        printf("  %-16s %llu\n", text, (unsigned long long)search->by_kind[kind]);
    }
    if (search->table_full > 0) {
        printf("  the table of states was full %llu times: --table-bits makes it larger\n",
               (unsigned long long)search->table_full);
    }
    if (explorer->options->parts > 1) {
        printf("  part %u of %u\n", (unsigned)explorer->options->part,
               (unsigned)explorer->options->parts);
    }
    printf("%s\n", good ? "no violation" : "VIOLATED");
}

/* ---- Replay -------------------------------------------------------------------------------------- */

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

static bool read_number(const char **text, uint32_t *out, char end_with)
{
    char *end;
    unsigned long value = strtoul(*text, &end, 10);
    if (end == *text || value > UINT32_MAX || (*end != end_with && *end != '\0')) {
        return false;
    }
    *out = (uint32_t)value;
    *text = *end == '\0' ? end : end + 1;
    return true;
}

static bool read_path(struct explorer *explorer, const char *text)
{
    while (*text != '\0' && strcmp(text, "none") != 0) {
        if (explorer->path_count == PATH_MAX_DEVIATIONS) {
            return false;
        }
        struct place *place = &explorer->path[explorer->path_count++];
        if (!read_number(&text, &place->step, ':') || !read_number(&text, &place->choice, ',')) {
            return false;
        }
    }
    return true;
}

static bool replay(struct explorer *explorer)
{
    struct deviation deviations[EXHAUST_DEVIATIONS_MAX];
    uint32_t next = 0;
    explorer->world.cluster->line = print_line;
    while (!world_done(&explorer->world)) {
        while (next < explorer->path_count && explorer->path[next].step == explorer->steps) {
            uint32_t choice = explorer->path[next++].choice;
            if (choice >= world_deviations(&explorer->world, deviations)) {
                printf("there is no choice %u at step %u\n", (unsigned)choice,
                       (unsigned)explorer->steps);
                return false;
            }
            printf("step %u\n", (unsigned)explorer->steps);
            world_deviate(&explorer->world, &deviations[choice]);
        }
        world_step(&explorer->world);
        explorer->steps++;
        if (!sound(explorer)) {
            return false;
        }
    }
    printf("no violation in %u steps\n", (unsigned)explorer->steps);
    return true;
}

/* ---- Arguments ----------------------------------------------------------------------------------- */

static void usage(FILE *file)
{
    fprintf(
        file,
        "usage: xuelian-exhaust [--deviations D] [--liar I [--lies L]] [--rotation K]\n"
        "                       [--table-bits B] [--part I/N]\n"
        "       xuelian-exhaust [--liar I] [--rotation K] --replay STEP:CHOICE[,STEP:CHOICE]...\n"
        "  --deviations D  how often a run may depart from the default schedule, 0 to 8 (1)\n"
        "  --liar I        validator I, 0 to 3, lies: its messages are replaced by others "
        "(nobody)\n"
        "  --lies L        how often, 0 to 8; beside the deviations (1)\n"
        "  --rotation K    the primary changes every K blocks (1000)\n"
        "  --table-bits B  room for 2^B states, 9 bytes each (22)\n"
        "  --part I/N      of the first deviations of a run only each N-th, from the I-th "
        "(0/1: all)\n"
        "  --replay PATH   one run, told\n");
}

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || value < least ||
        value > most) {
        return false;
    }
    *out = value;
    return true;
}

static bool option(struct options *options, const char *name, const char *text)
{
    uint64_t parsed;
    if (strcmp(name, "--replay") == 0) {
        options->replay = text;
        return true;
    }
    if (strcmp(name, "--deviations") == 0 && number(text, 0, PATH_MAX_DEVIATIONS, &parsed)) {
        options->deviations = (uint32_t)parsed;
        return true;
    }
    if (strcmp(name, "--lies") == 0) {
        return number(text, 0, PATH_MAX_DEVIATIONS, &options->lies);
    }
    if (strcmp(name, "--liar") == 0 && number(text, 0, EXHAUST_VALIDATORS - 1, &parsed)) {
        options->liar = parsed + 1;
        return true;
    }
    if (strcmp(name, "--rotation") == 0) {
        return number(text, 1, 1000000, &options->rotation_blocks);
    }
    if (strcmp(name, "--table-bits") == 0) {
        return number(text, 10, TABLE_BITS_MAX, &options->table_bits);
    }
    return strcmp(name, "--part") == 0 && read_number(&text, &options->part, '/') &&
           read_number(&text, &options->parts, '\0') && options->part < options->parts;
}

int main(int argc, char **argv)
{
    struct options options = {.deviations = 1,
                              .rotation_blocks = 1000,
                              .lies = 1,
                              .parts = 1,
                              .table_bits = TABLE_BITS_DEFAULT};
    static struct explorer explorer;
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return 0;
        }
        if (i + 1 >= argc || !option(&options, argv[i], argv[i + 1])) {
            fprintf(stderr, "xuelian-exhaust: '%s' is not understood, or its value is not\n",
                    argv[i]);
            usage(stderr);
            return 2;
        }
    }
    size_t size = (size_t)1 << options.table_bits;
    explorer.options = &options;
    explorer.search = shared(sizeof *explorer.search);
    explorer.table = (struct table){
        .mask = size - 1, .states = shared(size * sizeof(uint64_t)), .budgets = shared(size)};
    if (options.replay != NULL && !read_path(&explorer, options.replay)) {
        fprintf(stderr, "xuelian-exhaust: '%s' is not a path\n", options.replay);
        return 2;
    }
    /* A replay names what happens; it is not counted. */
    uint64_t lies = options.liar == 0        ? 0
                    : options.replay != NULL ? PATH_MAX_DEVIATIONS
                                             : options.lies;
    if (options.replay == NULL && options.deviations + lies > PATH_MAX_DEVIATIONS) {
        fprintf(stderr, "xuelian-exhaust: more than %d deviations and lies\n",
                (int)PATH_MAX_DEVIATIONS);
        return 2;
    }
    world_begin(&explorer.world, options.rotation_blocks, (int)options.liar - 1, (uint32_t)lies);
    bool good = options.replay != NULL ? replay(&explorer) : explore(&explorer, options.deviations);
    if (options.replay == NULL) {
        report(&explorer, good);
    }
    world_end(&explorer.world);
    return good ? 0 : 1;
}
