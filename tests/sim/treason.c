#include "tests/sim/treason.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/bytes.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"
#include "tests/sim/forge.h"

enum { SIDES = 2, CHANGES_MAX = 256, PATIENCE_MS = 60000 };

struct heard_change {
    uint64_t view;
    uint32_t sender;
    struct owned bytes;
};

/* What is waited for. */
struct waited {
    const struct sim_block *block;
    uint32_t side;
    uint64_t view;
    struct owned proposal;
};

struct plot {
    struct cluster *cluster;
    struct tape tape;
    struct treason_report *report;
    const struct validator_set *set;
    const struct sim_block *tip; /* all have it; the fork is above */
    uint64_t height;             /* of the fork */
    uint32_t traitors;           /* nodes, a bit each; the same below */
    uint32_t sides[SIDES];
    struct heard_change changes[CHANGES_MAX]; /* of honest nodes */
    size_t change_count;
    struct waited waited;
};

static const char *const names[TREASON_KINDS] = {"one view", "hidden", "deep", "shown"};

const char *treason_name(enum treason_kind kind)
{
    return names[kind];
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static bool
fail(struct plot *plot, const char *format, ...)
{
    va_list list;
    if (!plot->report->failed) {
        plot->report->failed = true;
        va_start(list, format);
        vsnprintf(plot->report->text, sizeof plot->report->text, format, list);
        va_end(list);
        cluster_line(plot->cluster, "FAILED  %s", plot->report->text);
    }
    return false;
}

/* ---- The network --------------------------------------------------------------------------------- */

static uint64_t delay_of(void *context, enum event_type type, uint32_t node)
{
    struct plot *plot = context;
    (void)node;
    return tape_below(&plot->tape, type == EVENT_PERSISTED ? CONCERN_DISK : CONCERN_WORK, 5);
}

static uint32_t copies_of(void *context, const struct event *message, uint64_t delays[2])
{
    struct plot *plot = context;
    (void)message;
    delays[0] = 1 + tape_below(&plot->tape, CONCERN_LINK, 20);
    return 1;
}

static uint32_t choose(struct plot *plot, uint32_t bound)
{
    return tape_below(&plot->tape, CONCERN_TRAITOR, bound);
}

static bool in(uint32_t nodes, uint32_t node)
{
    return (nodes >> node & 1) != 0;
}

static void heard(void *context, const struct event *event)
{
    struct plot *plot = context;
    const struct pbft_message *message;
    if (event->envelope->type != XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE ||
        in(plot->traitors, event->from) || plot->change_count == CHANGES_MAX ||
        envelope_read(event->envelope, &plot->cluster->chain, &message) != ST_OK ||
        message->era != plot->set->era) {
        return;
    }
    struct heard_change *kept = &plot->changes[plot->change_count++];
    *kept = (struct heard_change){.view = message->view, .sender = message->sender};
    owned_set(&kept->bytes, envelope_body(event->envelope));
}

/* Waits until `done` holds. False: it does not, in time. */
static bool await(struct plot *plot, bool (*done)(struct plot *plot, uint64_t argument),
                  uint64_t argument, const char *what)
{
    uint64_t until_ms = plot->cluster->now_ms + PATIENCE_MS;
    while (!done(plot, argument)) {
        if (plot->cluster->oracle.failed) {
            return fail(plot, "the oracle, before the fork: %s", plot->cluster->oracle.text);
        }
        if (plot->cluster->now_ms >= until_ms) {
            return fail(plot, "%s: not within %d ms", what, (int)PATIENCE_MS);
        }
        cluster_run(plot->cluster, plot->cluster->now_ms + 2);
    }
    return true;
}

/* ---- Before -------------------------------------------------------------------------------------- */

/* All nodes are at one place, and nothing is being agreed on. */
static bool quiet(struct plot *plot, uint64_t argument)
{
    struct pbft_summary first = {.height = 0};
    (void)argument;
    for (uint32_t i = 0; i < plot->cluster->options.nodes; i++) {
        struct pbft_summary summary;
        if (!replica_live(&plot->cluster->replicas[i])) {
            return false;
        }
        pbft_summary(plot->cluster->replicas[i].core, &summary);
        if (i == 0) {
            first = summary;
        }
        if (summary.height != first.height || summary.view != first.view ||
            summary.target != first.view || summary.has_proposal || !summary.voting ||
            plot->cluster->replicas[i].pool_count > 0) {
            return false;
        }
    }
    return first.height > 0;
}

/* A few blocks, and in half of the runs a view change. */
static bool live_on(struct plot *plot)
{
    struct cluster *cluster = plot->cluster;
    uint32_t n = cluster->options.nodes;
    struct disk_arrived nothing = {.record = false};
    for (uint32_t i = 0; i < n; i++) {
        if (!replica_start(&cluster->replicas[i])) {
            return fail(plot, "node %u does not start", (unsigned)i);
        }
    }
    uint32_t words = 1 + choose(plot, 8);
    for (uint32_t i = 0; i < words; i++) {
        struct owned bytes = {.data = NULL};
        cluster->chain.executor->make_tx(&cluster->chain, i, &bytes);
        cluster_submit(cluster, choose(plot, n), chain_tx(&cluster->chain, owned_bytes(&bytes)));
        owned_free(&bytes);
        cluster_run(cluster, cluster->now_ms + choose(plot, 400));
    }
    if (choose(plot, 2) != 0) {
        uint32_t down = choose(plot, n);
        replica_crash(&cluster->replicas[down], &nothing);
        cluster_run(cluster, cluster->now_ms + 3000 + choose(plot, 15000));
        if (!replica_start(&cluster->replicas[down])) {
            return fail(plot, "node %u does not start again", (unsigned)down);
        }
    }
    return await(plot, quiet, 0, "all quiet");
}

/* ---- Turning ------------------------------------------------------------------------------------- */

static void cut_the_honest(struct plot *plot, bool cut)
{
    struct cluster *cluster = plot->cluster;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        for (uint32_t k = 0; k < cluster->options.nodes; k++) {
            cluster->cut[i][k] = cut && !in(plot->traitors, i) && !in(plot->traitors, k) &&
                                 in(plot->sides[0], i) != in(plot->sides[0], k);
        }
    }
}

static uint32_t pick(struct plot *plot, uint32_t taken, uint32_t count)
{
    uint32_t nodes = 0;
    while (count > 0) {
        uint32_t node = choose(plot, plot->cluster->options.nodes);
        while (in(nodes | taken, node)) {
            node = (node + 1) % plot->cluster->options.nodes;
        }
        nodes |= UINT32_C(1) << node;
        count--;
    }
    return nodes;
}

static void turn(struct plot *plot)
{
    struct cluster *cluster = plot->cluster;
    struct disk_arrived nothing = {.record = false};
    uint32_t n = cluster->options.nodes, f = quorum_faulty(n);
    plot->set = cluster->oracle.committed[cluster->oracle.height]->next_set;
    plot->tip = cluster->oracle.committed[cluster->oracle.height];
    plot->height = cluster->oracle.height + 1;
    plot->traitors = pick(plot, 0, f + 1);
    plot->sides[0] = pick(plot, plot->traitors, f);
    plot->sides[1] = ((UINT32_C(1) << n) - 1) & ~plot->traitors & ~plot->sides[0];
    for (uint32_t i = 0; i < n; i++) {
        if (in(plot->traitors, i)) {
            cluster_line(cluster, "%u        turns traitor", (unsigned)i);
            replica_crash(&cluster->replicas[i], &nothing);
            cluster->replicas[i].puppet = true;
            cluster->replicas[i].up = true;
            cluster->oracle.nodes[i].traitor = true;
        }
    }
    cluster->heard = heard;
    cluster->heard_context = plot;
    cluster->oracle.forks_expected = true;
}

/* ---- What traitors say ---------------------------------------------------------------------------- */

static void say(struct plot *plot, const struct forger *forger, struct forged *made, uint32_t to)
{
    char text[SIM_LINE_SIZE];
    if (plot->cluster->line != NULL) {
        cluster_line(plot->cluster, "%u -> %x  lies: %s", (unsigned)forger->node, (unsigned)to,
                     show_message(plot->cluster, made->type, owned_bytes(&made->body), text));
    }
    forged_send(forger, made, to);
    forged_free(made);
}

static void all_vote(struct plot *plot, enum vote_phase phase, uint64_t view,
                     const struct sim_block *block, uint32_t to)
{
    for (uint32_t i = 0; i < plot->cluster->options.nodes; i++) {
        if (in(plot->traitors, i)) {
            struct forger forger = forger_of(plot->cluster, i, plot->set);
            struct forged made;
            forge_vote(&forger, phase, view, plot->height, &block->hash, &made);
            say(plot, &forger, &made, to);
        }
    }
}

/* The node that leads a view. */
static uint32_t leader(const struct plot *plot, uint64_t view)
{
    uint64_t turn = plot->height / plot->tip->params.rotation_blocks;
    const struct validator *primary = &plot->set->validators[(turn + view) % plot->set->count];
    return (uint32_t)keys_find(&plot->cluster->keys, &primary->key);
}

/* The next view from `view` on that a traitor leads. */
static uint64_t next_own(const struct plot *plot, uint64_t view)
{
    while (!in(plot->traitors, leader(plot, view))) {
        view++;
    }
    return view;
}

static bool executed(struct plot *plot, uint64_t argument)
{
    const struct chain *chain = &plot->cluster->chain;
    struct sim_block *block = plot->height < chain->heights ? chain->at_height[plot->height] : NULL;
    (void)argument;
    for (; block != NULL; block = block->beside) {
        if (bytes_equal(owned_bytes(&block->proposal), owned_bytes(&plot->waited.proposal))) {
            plot->waited.block = block;
            return true;
        }
    }
    return false;
}

/* An empty proposal of this time to one side. Returns its block, once one of them has executed it; NULL: none has. */
static const struct sim_block *propose(struct plot *plot, uint64_t view, uint64_t later_ms,
                                       uint32_t to)
{
    struct forger forger = forger_of(plot->cluster, leader(plot, view), plot->set);
    uint64_t time_ms = plot->tip->header.time_ms + 1 + later_ms;
    struct forged made;
    forge_pre_prepare(&forger, view, plot->height, &plot->tip->hash, time_ms, NULL, 0, &made);
    say(plot, &forger, &made, to);
    chain_make_proposal(&plot->waited.proposal, &plot->tip->hash, time_ms, NULL, 0);
    bool found = await(plot, executed, 0, "a proposal executed");
    owned_free(&plot->waited.proposal);
    return found ? plot->waited.block : NULL;
}

static bool committed(struct plot *plot, uint64_t argument)
{
    (void)argument;
    for (uint32_t i = 0; i < plot->cluster->options.nodes; i++) {
        const struct disk *disk = &plot->cluster->replicas[i].disk;
        if (in(plot->sides[plot->waited.side], i) &&
            (disk->written < plot->height ||
             disk->blocks[plot->height - 1].block != plot->waited.block)) {
            return false;
        }
    }
    return true;
}

/* All of the second side, and the agreement oracle has seen each. */
static bool forked(struct plot *plot, uint64_t argument)
{
    return committed(plot, argument) &&
           plot->cluster->oracle.forks == (uint32_t)__builtin_popcount(plot->sides[1]);
}

static bool commit_on(struct plot *plot, uint32_t side, uint64_t view,
                      const struct sim_block *block)
{
    plot->report->views[side] = view;
    all_vote(plot, VOTE_PREPARE, view, block, plot->sides[side]);
    all_vote(plot, VOTE_COMMIT, view, block, plot->sides[side]);
    plot->waited.side = side;
    plot->waited.block = block;
    return side == 0 ? await(plot, committed, 0, "one side commits")
                     : await(plot, forked, 0, "the agreement oracle sees the other side commit");
}

static bool prepared(struct plot *plot, uint64_t argument)
{
    uint32_t signers =
        forge_signers(plot->cluster, VOTE_COMMIT, plot->waited.view, plot->waited.block);
    (void)argument;
    return (signers & plot->sides[1]) == plot->sides[1];
}

/* The second side prepares, and COMMITs without a quorum. */
static bool prepare_on(struct plot *plot, uint64_t view, const struct sim_block *block)
{
    all_vote(plot, VOTE_PREPARE, view, block, plot->sides[1]);
    plot->waited.view = view;
    plot->waited.block = block;
    return await(plot, prepared, 0, "the second side prepares");
}

/* ---- Opening views -------------------------------------------------------------------------------- */

static const struct heard_change *change_of(const struct plot *plot, uint64_t view, uint32_t sender)
{
    for (size_t i = plot->change_count; i-- > 0;) {
        if (plot->changes[i].view == view && plot->changes[i].sender == sender) {
            return &plot->changes[i];
        }
    }
    return NULL;
}

static bool all_have_left(struct plot *plot, uint64_t view)
{
    for (uint32_t i = 0; i < plot->cluster->options.nodes; i++) {
        int sender = validator_set_find(plot->set, &plot->cluster->keys.owners[i].key);
        if (in(plot->sides[1], i) && change_of(plot, view, (uint32_t)sender) == NULL) {
            return false;
        }
    }
    return true;
}

static bool opened(struct plot *plot, uint64_t view)
{
    for (uint32_t i = 0; i < plot->cluster->options.nodes; i++) {
        struct pbft_summary summary;
        if (in(plot->sides[1], i)) {
            pbft_summary(plot->cluster->replicas[i].core, &summary);
            if (summary.view != view) {
                return false;
            }
        }
    }
    return true;
}

/* The traitors ask for a view, the second side follows, a traitor opens it. shown: NULL, or prepared in shown_view. */
static bool lead_to(struct plot *plot, uint64_t view, const struct sim_block *shown,
                    uint64_t shown_view, uint32_t to)
{
    struct cluster *cluster = plot->cluster;
    struct forged made[LIMIT_VALIDATORS_MAX] = {{.type = 0}};
    struct bytes changes[LIMIT_VALIDATORS_MAX];
    struct owned certificate = {.data = NULL};
    const struct disk *any = NULL;
    size_t count = 0;
    for (uint32_t i = 0; i < cluster->options.nodes && any == NULL; i++) {
        any = in(plot->sides[1], i) ? &cluster->replicas[i].disk : NULL;
    }
    CHECK(any != NULL && any->written + 1 >= plot->height);
    struct bytes commit = owned_bytes(&any->blocks[plot->height - 2].certificate);
    if (shown != NULL &&
        !forge_certificate(cluster, VOTE_PREPARE, shown_view, shown,
                           forge_signers(cluster, VOTE_PREPARE, shown_view, shown), &certificate)) {
        owned_free(&certificate);
        return fail(plot, "there is no certificate to show");
    }
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (in(plot->traitors, i)) {
            struct forger forger = forger_of(cluster, i, plot->set);
            struct forged sent;
            forge_view_change(&forger, view, plot->tip, commit, shown, owned_bytes(&certificate),
                              &made[forger.sender]);
            sent.type = made[forger.sender].type;
            sent.body = (struct owned){.data = NULL};
            owned_set(&sent.body, owned_bytes(&made[forger.sender].body));
            say(plot, &forger, &sent, to);
        }
    }
    bool good = await(plot, all_have_left, view, "the second side leaves its view");
    for (uint32_t sender = 0; sender < plot->set->count; sender++) {
        const struct heard_change *heard_one = change_of(plot, view, sender);
        if (made[sender].body.size > 0) {
            changes[count++] = owned_bytes(&made[sender].body);
        } else if (heard_one != NULL && count < LIMIT_VALIDATORS_MAX &&
                   in(plot->sides[1],
                      (uint32_t)keys_find(&cluster->keys, &plot->set->validators[sender].key))) {
            changes[count++] = owned_bytes(&heard_one->bytes);
        }
    }
    if (good) {
        struct forger forger = forger_of(cluster, leader(plot, view), plot->set);
        struct forged new_view;
        CHECK(count == quorum_size(plot->set->count));
        forge_new_view(&forger, view, changes, count, &new_view);
        say(plot, &forger, &new_view, to);
        good = await(plot, opened, view, "the second side enters the view");
    }
    for (uint32_t sender = 0; sender < plot->set->count; sender++) {
        forged_free(&made[sender]);
    }
    owned_free(&certificate);
    return good;
}

/* ---- The crimes ----------------------------------------------------------------------------------- */

static bool two_in_one_view(struct plot *plot, uint64_t view)
{
    const struct sim_block *first = propose(plot, view, 0, plot->sides[0]);
    const struct sim_block *second = first == NULL ? NULL : propose(plot, view, 7, plot->sides[1]);
    return second != NULL && commit_on(plot, 0, view, first) && commit_on(plot, 1, view, second);
}

static bool hide(struct plot *plot, uint64_t view, bool deep)
{
    const struct sim_block *first = propose(plot, view, 0, plot->sides[0]);
    uint64_t later = next_own(plot, view + 1);
    if (first == NULL || !commit_on(plot, 0, view, first) ||
        !lead_to(plot, later, NULL, 0, plot->sides[1])) {
        return false;
    }
    const struct sim_block *second = propose(plot, later, 7, plot->sides[1]);
    if (second == NULL || !deep) {
        return second != NULL && commit_on(plot, 1, later, second);
    }
    uint64_t last = next_own(plot, later + 1);
    return prepare_on(plot, later, second) && lead_to(plot, last, second, later, plot->sides[1]) &&
           commit_on(plot, 1, last, second);
}

static bool show_another(struct plot *plot, uint64_t view)
{
    const struct sim_block *first = propose(plot, view, 0, plot->sides[0]);
    const struct sim_block *second = first == NULL ? NULL : propose(plot, view, 7, plot->sides[1]);
    uint64_t later = next_own(plot, view + 1);
    return second != NULL && commit_on(plot, 0, view, first) && prepare_on(plot, view, second) &&
           lead_to(plot, later, second, view, plot->sides[1]) && commit_on(plot, 1, later, second);
}

static bool commit_treason(struct plot *plot, enum treason_kind kind)
{
    struct pbft_summary summary;
    uint32_t any = 0;
    while (in(plot->traitors, any)) {
        any++;
    }
    pbft_summary(plot->cluster->replicas[any].core, &summary);
    uint64_t view = next_own(plot, summary.view);
    if (view != summary.view && !lead_to(plot, view, NULL, 0, plot->sides[0] | plot->sides[1])) {
        return false;
    }
    cut_the_honest(plot, true);
    switch (kind) {
    case TREASON_ONE_VIEW:
        return two_in_one_view(plot, view);
    case TREASON_HIDDEN:
        return hide(plot, view, false);
    case TREASON_DEEP:
        return hide(plot, view, true);
    case TREASON_SHOWN:
        return show_another(plot, view);
    case TREASON_KINDS:
        break;
    }
    return false;
}

/* ---- The audit ------------------------------------------------------------------------------------ */

/* Any node of a side. */
static uint32_t any_of(struct plot *plot, uint32_t nodes)
{
    uint32_t node = choose(plot, plot->cluster->options.nodes);
    while (!in(nodes, node)) {
        node = (node + 1) % plot->cluster->options.nodes;
    }
    return node;
}

/* Stores of these nodes must name all traitors, and nobody else. */
static bool audit_names_all(struct plot *plot, uint32_t nodes, unsigned what, const char *told)
{
    struct auditor auditor;
    auditor_begin(&auditor, plot->cluster, plot->set);
    for (uint32_t i = 0; i < plot->cluster->options.nodes; i++) {
        if (in(nodes, i)) {
            auditor_take(&auditor, i, what, SIZE_MAX);
        }
    }
    auditor_judge(&auditor);
    const struct audit_report *found = &auditor.report;
    if (auditor.honest_named != 0) {
        fail(plot, "the audit %s names honest nodes: %s", told, auditor.text);
    } else if (!found->conflict || found->height != plot->height ||
               found->views[0] != plot->report->views[0] ||
               found->views[1] != plot->report->views[1]) {
        fail(plot, "the audit %s does not see the fork", told);
    } else if (!found->enough || auditor.named != plot->traitors) {
        fail(plot, "the audit %s names too few: %s", told, auditor.text);
    } else {
        snprintf(plot->report->text, sizeof plot->report->text, "%s", auditor.text);
    }
    auditor_end(&auditor);
    return !plot->report->failed;
}

/* The certificates alone name nobody when they are of two views; then the audit says which NEW-VIEW is wanting. */
static bool audit_says_what_is_missing(struct plot *plot, enum treason_kind kind)
{
    struct auditor auditor;
    bool one_view = kind == TREASON_ONE_VIEW;
    auditor_begin(&auditor, plot->cluster, plot->set);
    auditor_take(&auditor, any_of(plot, plot->sides[0]), AUDITED_BLOCKS, SIZE_MAX);
    auditor_take(&auditor, any_of(plot, plot->sides[1]), AUDITED_BLOCKS, SIZE_MAX);
    auditor_judge(&auditor);
    if (auditor.report.enough != one_view || auditor.honest_named != 0 ||
        auditor.report.missing_view != (one_view ? 0 : plot->report->views[1])) {
        fail(plot, "the audit of certificates alone names %s, and wants the NEW-VIEW of view %llu",
             auditor.text, (unsigned long long)auditor.report.missing_view);
    }
    auditor_end(&auditor);
    return !plot->report->failed;
}

/* Linked again the halves see it too, and say nothing about honest nodes. */
static bool afterwards(struct plot *plot)
{
    struct cluster *cluster = plot->cluster;
    uint64_t until_ms = cluster->now_ms + 30000;
    uint64_t alarms = cluster->counters.alarms;
    cut_the_honest(plot, false);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        cluster_connect(cluster, i);
    }
    cluster_run(cluster, until_ms);
    if (cluster->oracle.failed) {
        return fail(plot, "after the fork: %s", cluster->oracle.text);
    }
    plot->report->alarms = (uint32_t)(cluster->counters.alarms - alarms);
    return plot->report->alarms > 0 || fail(plot, "no honest node has seen the fork");
}

static void plot_run(struct plot *plot, enum treason_kind kind)
{
    if (!live_on(plot)) {
        return;
    }
    turn(plot);
    if (!commit_treason(plot, kind)) {
        return;
    }
    plot->report->height = plot->height;
    plot->report->traitors = plot->traitors;
    uint32_t two = UINT32_C(1) << any_of(plot, plot->sides[0]);
    two |= UINT32_C(1) << any_of(plot, plot->sides[1]);
    uint32_t honest = plot->sides[0] | plot->sides[1];
    (void)(audit_says_what_is_missing(plot, kind) &&
           audit_names_all(plot, two, AUDITED_BLOCKS | AUDITED_NEW_VIEWS, "of two stores") &&
           audit_names_all(plot, honest, AUDITED_ALL, "of all stores") && afterwards(plot) &&
           audit_names_all(plot, honest, AUDITED_ALL, "afterwards"));
}

void treason_run(const struct treason_options *options, struct treason_report *report)
{
    static const uint32_t rotations[] = {1000, 1, 2, 7};
    struct plot *plot = sim_new(sizeof *plot);
    struct schedule schedule = {.context = plot, .delay_ms = delay_of, .copies = copies_of};
    struct cluster_options cluster_options = {.nodes = options->n,
                                              .validators = options->n,
                                              .executor = &executor_toy,
                                              .params = {.t0_ms = 2000,
                                                         .timeout_cap_ms = 60000,
                                                         .batch_delay_ms = 10,
                                                         .batch_count = 10,
                                                         .heartbeat_ms = 10000,
                                                         .max_drift_ms = 3000,
                                                         .max_lag_ms = 3600000,
                                                         .request_timeout_ms = 10000}};
    CHECK(options->n == 3 * quorum_faulty(options->n) + 1 && options->n >= 4);
    *report = (struct treason_report){.failed = false};
    plot->report = report;
    plot->cluster = sim_new(sizeof *plot->cluster);
    tape_init(&plot->tape, options->seed);
    cluster_options.params.rotation_blocks = rotations[choose(plot, 4)];
    cluster_init(plot->cluster, &cluster_options, &schedule);
    plot->cluster->line = options->line;
    plot->cluster->line_context = options->line_context;
    plot_run(plot, options->kind);
    for (size_t i = 0; i < plot->change_count; i++) {
        owned_free(&plot->changes[i].bytes);
    }
    cluster_free(plot->cluster);
    free(plot->cluster);
    tape_free(&plot->tape);
    free(plot);
}
