#include "tests/transcripts/script.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- Output -------------------------------------------------------------------------------------- */

static void put(struct script *script, const char *text)
{
    size_t size = strlen(text);
    if (script->out_size + size + 8 > script->out_capacity) {
        script->out_capacity = 2 * script->out_capacity + size + 4096;
        char *grown = realloc(script->out, script->out_capacity);
        CHECK(grown != NULL);
        script->out = grown;
    }
    script->out_size += (size_t)snprintf(script->out + script->out_size,
                                         script->out_capacity - script->out_size, "    %s\n", text);
}

void script_print(struct script *script, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    put(script, text);
}

bool script_error(struct script *script, const char *format, ...)
{
    va_list list;
    if (script->error[0] != '\0') {
        return false;
    }
    va_start(list, format);
    vsnprintf(script->error, sizeof script->error, format, list);
    va_end(list);
    return false;
}

/* Resends would drown the rest: a line is shown once for each command. */
static bool shown(const struct script *script, const char *text)
{
    size_t size = strlen(text);
    const char *at = script->out_size == 0 ? NULL : script->out;
    while (at != NULL && *at != '\0') {
        size_t line_size = strcspn(at, "\n");
        if (line_size == size + 4 && strncmp(at + 4, text, size) == 0) {
            return true;
        }
        at += line_size + (at[line_size] == '\n');
    }
    return false;
}

/* What nodes receive is shown when it was refused; that it was old or known is ordinary. */
void script_line(void *context, const char *text)
{
    struct script *script = context;
    bool received = strstr(text, " <- ") != NULL && text[2] != ' ';
    const char *verdict = strstr(text, " ! ");
    if (script->show == SHOW_NONE && strncmp(text, "VIOLATION", 9) != 0) {
        return;
    }
    if (script->show == SHOW_DONE && strstr(text, " syncs ") != NULL) {
        return;
    }
    if (script->show == SHOW_DONE && received &&
        (verdict == NULL || strcmp(verdict, " ! DUPLICATE") == 0 ||
         strcmp(verdict, " ! OLD") == 0)) {
        return;
    }
    if (script->show == SHOW_ALL || !shown(script, text)) {
        put(script, text);
    }
}

/* ---- Time and links by hand ------------------------------------------------------------------------ */

static uint64_t delay_of(void *context, enum event_type type, uint32_t node)
{
    struct script *script = context;
    if ((type == EVENT_PERSISTED && script->disk_hangs[node]) ||
        (type == EVENT_EXECUTED && script->executor_hangs[node]) ||
        (type == EVENT_VERIFIED && script->verifier_hangs[node])) {
        return SIM_HELD;
    }
    return 0;
}

static uint32_t copies_of(void *context, const struct event *message, uint64_t delays[2])
{
    struct script *script = context;
    flight_note(script, message);
    delays[0] = script->automatic ? 1 : SIM_HELD;
    return 1;
}

struct schedule script_schedule(struct script *script)
{
    return (struct schedule){.context = script, .delay_ms = delay_of, .copies = copies_of};
}

void script_quiet(struct script *script)
{
    enum { EVENTS_MAX = 100000 };
    struct cluster *cluster = script->cluster;
    for (int i = 0; i < EVENTS_MAX && !cluster->oracle.failed; i++) {
        if (!cluster_next(cluster, cluster->now_ms)) {
            return;
        }
    }
    if (!cluster->oracle.failed) {
        oracle_fail(cluster, "the network is never quiet");
    }
}

bool script_settle_all(struct script *script)
{
    size_t words = script->word_count;
    script->word_count = 1;
    bool good = flight_settle(script);
    script->word_count = words;
    return good;
}

/* Messages are delivered by themselves meanwhile, those on their way first. */
void script_run_for(struct script *script, uint64_t ms)
{
    struct cluster *cluster = script->cluster;
    uint64_t until_ms = cluster->now_ms + ms;
    script->automatic = true;
    for (size_t i = 0; i < cluster->held_count;) {
        if (cluster->held[i]->type == EVENT_MESSAGE) {
            cluster_release(cluster, cluster->held[i]);
        } else {
            i++;
        }
    }
    cluster_run(cluster, until_ms);
    script->automatic = false;
}

void script_start(struct script *script, uint32_t node)
{
    if (!script->cluster->replicas[node].up) {
        (void)replica_start(&script->cluster->replicas[node]);
    }
}

void script_heal(struct script *script)
{
    struct cluster *cluster = script->cluster;
    memset(cluster->cut, 0, sizeof cluster->cut);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (replica_live(&cluster->replicas[i])) {
            cluster_connect(cluster, i);
        }
    }
    script_quiet(script);
}

static struct event *held_back(const struct cluster *cluster, uint32_t node, enum event_type type)
{
    for (size_t i = 0; i < cluster->held_count; i++) {
        if (cluster->held[i]->node == node && cluster->held[i]->type == type) {
            return cluster->held[i];
        }
    }
    return NULL;
}

/* Releases what a hanging disk, executor or verifier of a node held back. The first two have one thing to do at a
 * time; what a disk does after it may hang again. */
void script_unhang(struct script *script, uint32_t node, enum event_type type)
{
    struct event *event = held_back(script->cluster, node, type);
    while (event != NULL) {
        cluster_release(script->cluster, event);
        script_quiet(script);
        event = type == EVENT_VERIFIED ? held_back(script->cluster, node, type) : NULL;
    }
}

/* ---- Running a line ------------------------------------------------------------------------------- */

static void split(struct script *script, char *text)
{
    script->word_count = 0;
    while (*text != '\0' && script->word_count < WORDS_MAX) {
        text += strspn(text, " ");
        if (*text == '\0') {
            return;
        }
        script->words[script->word_count++] = text;
        text += strcspn(text, " ");
        if (*text != '\0') {
            *text++ = '\0';
        }
    }
}

bool script_run(struct script *script, const char *text)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", text);
    script->error[0] = '\0';
    script->out_size = 0;
    split(script, copy);
    return command_run(script);
}

/* ---- Life, and the end --------------------------------------------------------------------------- */

void script_init(struct script *script)
{
    *script = (struct script){.show = SHOW_DONE};
}

void script_free(struct script *script)
{
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        disk_free(&script->backups[i]);
    }
    for (size_t i = 0; i < script->change_count; i++) {
        owned_free(&script->changes[i].bytes);
    }
    if (script->cluster != NULL) {
        cluster_free(script->cluster);
        free(script->cluster);
    }
    free(script->out);
}

static bool went_on(const struct script *script, uint64_t height)
{
    const struct cluster *cluster = script->cluster;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        struct pbft_summary summary;
        const struct replica *replica = &cluster->replicas[i];
        if (replica->puppet || replica->gone || replica->twist != 0) {
            continue;
        }
        pbft_summary(replica->core, &summary);
        if (summary.height <= height) {
            return false;
        }
    }
    return true;
}

bool script_prove_progress(struct script *script)
{
    struct cluster *cluster = script->cluster;
    char text[SIM_LINE_SIZE];
    uint64_t height = cluster->oracle.height;
    script->out_size = 0;
    script->show = SHOW_NONE;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (script->disk_hangs[i]) {
            script->disk_hangs[i] = false;
            script_unhang(script, i, EVENT_PERSISTED);
        }
        if (script->executor_hangs[i]) {
            script->executor_hangs[i] = false;
            script_unhang(script, i, EVENT_EXECUTED);
        }
        if (script->verifier_hangs[i]) {
            script->verifier_hangs[i] = false;
            script_unhang(script, i, EVENT_VERIFIED);
        }
        if (!cluster->replicas[i].gone) {
            script_start(script, i);
        }
    }
    script_heal(script);
    for (int i = 0; i < 40 && !cluster->oracle.failed && !went_on(script, height + 1); i++) {
        script_run_for(script, 15000);
    }
    if (cluster->oracle.failed) {
        script_print(script, "VIOLATION  %s", cluster->oracle.text);
        return false;
    }
    if (went_on(script, height + 1) == script->halts) {
        script_print(script, script->halts ? "they should all have halted"
                                           : "not all that live have gone on");
        for (uint32_t i = 0; i < cluster->options.nodes; i++) {
            script_print(script, "%u  %s", (unsigned)i, show_state(cluster, i, text));
        }
        return false;
    }
    return true;
}
