/* The commands, but for those of flight.c and forge.c. README.md lists them. */
#include <stdio.h>

#include "proto/bytes.h"
#include "tests/transcripts/script.h"

/* cluster n=4 nodes=5 k=1000 t0=2000 cap=60000 heartbeat=10000 batch=100 raw */
static bool do_cluster(struct script *script)
{
    struct schedule schedule = script_schedule(script);
    struct cluster_options options = {.executor = &executor_toy};
    if (script->cluster != NULL) {
        return script_error(script, "there is a cluster already");
    }
    options.validators = (uint32_t)words_number(script, "n", 4);
    options.nodes = (uint32_t)words_number(script, "nodes", options.validators);
    options.params =
        (struct pbft_params){.t0_ms = words_number(script, "t0", 2000),
                             .timeout_cap_ms = words_number(script, "cap", 60000),
                             .batch_delay_ms = 10,
                             .batch_count = words_number(script, "batch", 100),
                             .heartbeat_ms = words_number(script, "heartbeat", 10000),
                             .max_drift_ms = 3000,
                             .max_lag_ms = 30000,
                             .request_timeout_ms = words_number(script, "request-timeout", 10000),
                             .rotation_blocks = words_number(script, "k", 1000)};
    if (options.validators < 1 || options.nodes < options.validators ||
        options.nodes > SIM_NODES_MAX) {
        return script_error(script, "1 to %u nodes, and no more validators", SIM_NODES_MAX);
    }
    script->cluster = sim_new(sizeof *script->cluster);
    cluster_init(script->cluster, &options, &schedule);
    uint32_t down = words_nodes(script, "down", 0);
    uint32_t observers = words_nodes(script, "observers", 0);
    for (uint32_t i = 0; i < options.nodes; i++) {
        script->cluster->replicas[i].pure_observer = (observers >> i & 1) != 0;
        if ((down >> i & 1) == 0) {
            script_start(script, i);
        }
    }
    script_quiet(script);
    if (!words_has(script, "raw") && !script_settle_all(script)) {
        return false;
    }
    /* A quiet second: nothing of the beginning is on its way or rationed any more. */
    cluster_run(script->cluster, script->cluster->now_ms + 1000);
    while (script->cluster->held_count > 0) {
        cluster_forget(script->cluster, script->cluster->held[0]);
    }
    script->cluster->line = script_line;
    script->cluster->line_context = script;
    return true;
}

/* submit a b to=0,1: these nodes have the bodies; the forwarding to others is lost. */
static bool do_submit(struct script *script)
{
    struct cluster *cluster = script->cluster;
    uint32_t to = words_nodes(script, "to", UINT32_MAX);
    for (size_t w = 1; w < script->word_count; w++) {
        const char *word = script->words[w];
        if (strncmp(word, "to=", 3) == 0) {
            continue;
        }
        const struct sim_tx *tx = chain_tx(&cluster->chain, bytes_of(word, strlen(word)));
        if (tx == NULL) {
            return script_error(script, "'%s' is no transaction", word);
        }
        for (uint32_t i = 0; i < cluster->options.nodes; i++) {
            if ((to >> i & 1) != 0 && replica_live(&cluster->replicas[i])) {
                pool_add(&cluster->replicas[i], tx);
            }
        }
    }
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if ((to >> i & 1) != 0 && replica_live(&cluster->replicas[i])) {
            replica_waiting(&cluster->replicas[i]);
            replica_pump(&cluster->replicas[i]);
        }
    }
    script_quiet(script);
    return true;
}

static bool do_tick(struct script *script)
{
    struct cluster *cluster = script->cluster;
    uint64_t ms = script->word_count > 1 ? strtoull(script->words[1], NULL, 10) : 1;
    cluster_run(cluster, cluster->now_ms + ms);
    return true;
}

static bool do_run(struct script *script)
{
    script_run_for(script, script->word_count > 1 ? strtoull(script->words[1], NULL, 10) : 1000);
    return true;
}

/* cut 0 1 | 2 3: two sides; cut 0 > 1: one way. */
static bool do_cut(struct script *script)
{
    struct cluster *cluster = script->cluster;
    uint32_t left = 0, right = 0;
    bool behind = false, one_way = false;
    for (size_t w = 1; w < script->word_count; w++) {
        uint32_t node;
        if (strcmp(script->words[w], "|") == 0 || strcmp(script->words[w], ">") == 0) {
            behind = true;
            one_way = script->words[w][0] == '>';
        } else if (!words_node(script, w, &node)) {
            return false;
        } else if (behind) {
            right |= UINT32_C(1) << node;
        } else {
            left |= UINT32_C(1) << node;
        }
    }
    right = right == 0 ? ~left : right;
    for (uint32_t a = 0; a < cluster->options.nodes; a++) {
        for (uint32_t b = 0; b < cluster->options.nodes; b++) {
            bool across = (left >> a & right >> b & 1) != 0;
            bool back = (left >> b & right >> a & 1) != 0 && !one_way;
            cluster->cut[a][b] = cluster->cut[a][b] || (a != b && (across || back));
        }
    }
    return true;
}

static bool do_heal(struct script *script)
{
    script_heal(script);
    return true;
}

/* crash 2: what was not synced is gone. crash 2 after-sync: the PERSIST under way was durable, nothing behind it
 * has happened. crash 2 journal-only, log-only: of that PERSIST one part was. */
static bool do_crash(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    struct replica *replica = &script->cluster->replicas[node];
    if (!replica->up) {
        return script_error(script, "node %u is down", (unsigned)node);
    }
    if (words_has(script, "after-sync")) {
        if (!replica->disk.pending.active) {
            return script_error(script, "nothing is being synced there");
        }
        disk_finish(&replica->disk);
        oracle_persisted(replica);
    }
    struct disk_arrived arrived = {.record = words_has(script, "journal-only")};
    if (words_has(script, "log-only")) {
        arrived.blocks = replica->disk.written - replica->disk.synced;
        arrived.proposal = true;
        arrived.new_view = true;
    }
    replica_crash(replica, &arrived);
    return true;
}

static bool do_start(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    struct replica *replica = &script->cluster->replicas[node];
    replica->pure_observer = words_has(script, "follow");
    replica->incarnation = words_number(script, "incarnation", replica->incarnation);
    script_start(script, node);
    script_quiet(script);
    return true;
}

static bool hang(struct script *script, bool *hangs, enum event_type type, bool on)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    hangs[node] = on;
    if (!on) {
        script_unhang(script, node, type);
    }
    return true;
}

static bool do_hold(struct script *script)
{
    return hang(script, script->disk_hangs, EVENT_PERSISTED, true);
}

static bool do_sync(struct script *script)
{
    return hang(script, script->disk_hangs, EVENT_PERSISTED, false);
}

/* One PERSIST becomes durable; the disk hangs again at the next. */
static bool do_sync_one(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    script_unhang(script, node, EVENT_PERSISTED);
    return true;
}

static bool do_hold_execution(struct script *script)
{
    return hang(script, script->executor_hangs, EVENT_EXECUTED, true);
}

static bool do_execute(struct script *script)
{
    return hang(script, script->executor_hangs, EVENT_EXECUTED, false);
}

static bool do_hold_verification(struct script *script)
{
    return hang(script, script->verifier_hangs, EVENT_VERIFIED, true);
}

static bool do_verify(struct script *script)
{
    return hang(script, script->verifier_hangs, EVENT_VERIFIED, false);
}

static bool do_puppet(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    struct replica *replica = &script->cluster->replicas[node];
    if (replica->up) {
        struct disk_arrived nothing = {.record = false};
        replica_crash(replica, &nothing);
    }
    replica->puppet = true;
    replica->up = true;
    script->cluster->oracle.nodes[node].traitor = true;
    return true;
}

static bool do_twist(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    script->cluster->replicas[node].twist = words_number(script, "from", 1);
    return true;
}

static bool do_backup(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    if (script->backed_up[node]) {
        disk_free(&script->backups[node]);
    }
    disk_copy(&script->backups[node], &script->cluster->replicas[node].disk);
    script->backed_up[node] = true;
    return true;
}

/* restore 2: its disk is as it was at `backup 2`. lose-blocks 2 count=1. lose-journal 2. It must be down. */
static bool do_damage(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node)) {
        return false;
    }
    struct replica *replica = &script->cluster->replicas[node];
    if (replica->up) {
        return script_error(script, "node %u runs", (unsigned)node);
    }
    if (strcmp(script->words[0], "restore") == 0) {
        if (!script->backed_up[node]) {
            return script_error(script, "there is no backup");
        }
        disk_free(&replica->disk);
        disk_copy(&replica->disk, &script->backups[node]);
    } else if (strcmp(script->words[0], "lose-blocks") == 0) {
        disk_lose_blocks(&replica->disk, words_number(script, "count", 1));
    } else {
        owned_free(&replica->disk.record);
    }
    script->cluster->oracle.nodes[node].excused = true;
    script->cluster->oracle.nodes[node].durable_height = 0;
    return true;
}

/* gone 2: lost for good, with its disk. */
static bool do_gone(struct script *script)
{
    uint32_t node;
    struct disk_arrived nothing = {.record = false};
    if (!words_node(script, 1, &node)) {
        return false;
    }
    struct replica *replica = &script->cluster->replicas[node];
    if (replica->up) {
        replica_crash(replica, &nothing);
    }
    replica->gone = true;
    return true;
}

/* recover base=1[a] set=0,1,4*7 to=0,1: the holders of the recovery keys put this set in the place of the old one, and
 * the operators of these nodes, which are down, take it. */
static bool do_recover(struct script *script)
{
    struct cluster *cluster = script->cluster;
    const struct sim_block *base = words_block(script, words_value(script, "base"));
    const char *text = words_value(script, "set");
    struct validator_set set = {.count = 0};
    uint32_t to = words_nodes(script, "to", 0);
    if (base == NULL || text == NULL) {
        return script_error(script, "recover base=BLOCK set=NODES to=NODES");
    }
    for (char *end = NULL; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        unsigned long node = strtoul(text, &end, 10);
        unsigned long incarnation = cluster->chain.incarnations;
        if (*end == '*') {
            incarnation = strtoul(end + 1, &end, 10);
        }
        if (end == text || node >= cluster->options.nodes) {
            return script_error(script, "there is no such node");
        }
        recovery_seat(cluster, base, &set, (uint32_t)node, incarnation);
    }
    const struct sim_block *block = cluster_recovery(cluster, base, &set);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if ((to >> i & 1) != 0 && cluster->replicas[i].up) {
            return script_error(script, "node %u runs", (unsigned)i);
        }
        if ((to >> i & 1) != 0) {
            replica_accept(&cluster->replicas[i], block);
        }
    }
    return true;
}

static bool do_state(struct script *script)
{
    char text[SIM_LINE_SIZE];
    uint32_t only = UINT32_MAX;
    if (script->word_count > 1 && !words_node(script, 1, &only)) {
        return false;
    }
    for (uint32_t i = 0; i < script->cluster->options.nodes; i++) {
        if (only == UINT32_MAX || only == i) {
            script_print(script, "%u  %s", (unsigned)i, show_state(script->cluster, i, text));
        }
    }
    return true;
}

static bool do_show(struct script *script)
{
    script->show = words_has(script, "none")  ? SHOW_NONE
                   : words_has(script, "all") ? SHOW_ALL
                                              : SHOW_DONE;
    return true;
}

static bool do_halts(struct script *script)
{
    script->halts = true;
    return true;
}

static bool do_clock(struct script *script)
{
    uint32_t node;
    if (!words_node(script, 1, &node) || script->word_count < 3) {
        return script_error(script, "clock NODE MS");
    }
    script->cluster->replicas[node].clock_offset_ms = strtoll(script->words[2], NULL, 10);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct script *script);
} commands[] = {
    {"cluster", do_cluster},
    {"submit", do_submit},
    {"deliver", flight_deliver},
    {"settle", flight_settle},
    {"drop", flight_drop},
    {"copy", flight_copy},
    {"flight", flight_list},
    {"tick", do_tick},
    {"run", do_run},
    {"cut", do_cut},
    {"heal", do_heal},
    {"crash", do_crash},
    {"start", do_start},
    {"hold", do_hold},
    {"sync", do_sync},
    {"sync-one", do_sync_one},
    {"hold-execution", do_hold_execution},
    {"execute", do_execute},
    {"hold-verification", do_hold_verification},
    {"verify", do_verify},
    {"puppet", do_puppet},
    {"say", forge_say},
    {"twist", do_twist},
    {"backup", do_backup},
    {"restore", do_damage},
    {"lose-blocks", do_damage},
    {"lose-journal", do_damage},
    {"gone", do_gone},
    {"recover", do_recover},
    {"clock", do_clock},
    {"state", do_state},
    {"show", do_show},
    {"halts", do_halts},
};

bool command_run(struct script *script)
{
    for (size_t i = 0; script->word_count > 0 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, script->words[0]) == 0) {
            if (script->cluster == NULL && i != 0) {
                return script_error(script, "the first command is 'cluster'");
            }
            return commands[i].run(script);
        }
    }
    return script_error(script, "there is no such command");
}
