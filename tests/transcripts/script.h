/* A transcript: commands to a simulated network, and what it did. README.md lists the commands. */
#ifndef XUELIAN_TESTS_TRANSCRIPTS_SCRIPT_H
#define XUELIAN_TESTS_TRANSCRIPTS_SCRIPT_H

#include "tests/sim/cluster.h"

enum { WORDS_MAX = 24, CHANGES_MAX = 256 };

/* Which lines are shown: none; what nodes send and do; what they receive too. */
enum show { SHOW_NONE, SHOW_DONE, SHOW_ALL };

/* Every VIEW-CHANGE that was ever in flight, for NEW-VIEWs made by hand. */
struct seen_change {
    uint32_t node;
    uint64_t era, view;
    struct owned bytes;
};

struct script {
    struct cluster *cluster; /* NULL before `cluster` */
    bool automatic;          /* messages are delivered by themselves */
    bool disk_hangs[SIM_NODES_MAX];
    bool executor_hangs[SIM_NODES_MAX];
    bool verifier_hangs[SIM_NODES_MAX];
    enum show show;
    bool halts; /* the end of this transcript is that nobody can go on */
    struct disk backups[SIM_NODES_MAX];
    bool backed_up[SIM_NODES_MAX];
    struct seen_change changes[CHANGES_MAX];
    size_t change_count;
    char *out; /* output so far of the command under way */
    size_t out_size, out_capacity;
    char error[256];        /* why the command could not be done; empty: it was */
    char *words[WORDS_MAX]; /* the command, then its arguments */
    size_t word_count;
};

/* ---- script.c: running one command ----------------------------------------------------------------- */

void script_init(struct script *script);
void script_free(struct script *script);
/* Runs a line. Returns false with script->error when it is not understood. */
bool script_run(struct script *script, const char *line);
/* Everything is mended: all that live commit a new block. Returns false and writes why to out. */
bool script_prove_progress(struct script *script);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void script_print(struct script *script, const char *format, ...);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool script_error(struct script *script, const char *format, ...);
/* What can happen without time or messages does. */
void script_quiet(struct script *script);
/* Every message is delivered, and those that these lead to. */
bool script_settle_all(struct script *script);
/* Messages are delivered by themselves meanwhile, those on their way first. */
void script_run_for(struct script *script, uint64_t ms);
void script_start(struct script *script, uint32_t node);
void script_heal(struct script *script);
/* Releases what a hanging disk or executor of a node held back. */
void script_unhang(struct script *script, uint32_t node, enum event_type type);
/* For cluster_init, and as cluster.line. */
struct schedule script_schedule(struct script *script);
void script_line(void *context, const char *text);

/* ---- commands.c ------------------------------------------------------------------------------------- */

/* Runs the command in script->words. */
bool command_run(struct script *script);

/* ---- words.c: arguments ------------------------------------------------------------------------------ */

/* The text behind "name=", or NULL. */
const char *words_value(const struct script *script, const char *name);
bool words_has(const struct script *script, const char *word);
uint64_t words_number(const struct script *script, const char *name, uint64_t otherwise);
/* The nodes of "name=0,2": a bit each; all of them when it is not there. */
uint32_t words_nodes(const struct script *script, const char *name, uint32_t otherwise);
/* The node that argument `at` names. False: there is none. */
bool words_node(struct script *script, size_t at, uint32_t *node);
/* A block by its label without the '#', as in "block=1[a,b]'". NULL: no node has made it. */
const struct sim_block *words_block(const struct script *script, const char *label);

/* ---- flight.c: messages on their way ------------------------------------------------------------------ */

bool flight_deliver(struct script *script);
bool flight_settle(struct script *script);
bool flight_drop(struct script *script);
bool flight_copy(struct script *script);
bool flight_list(struct script *script);
/* Remembers VIEW-CHANGEs. */
void flight_note(struct script *script, const struct event *message);

/* ---- forge.c: what a puppet says ------------------------------------------------------------------------ */

bool forge_say(struct script *script);

#endif
