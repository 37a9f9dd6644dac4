#include "tests/sim/govern.h"

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/quorum.h"
#include "proto/tx_govern.pb-c.h"
#include "tests/sim/executor_ledger.h"
#include "tests/sim/weather.h"

enum { TICK_MS = 500, PATIENCE_MS = 90000, OPEN_HEIGHTS = 2000, NONCES = 1 << 24 };

static const struct sim_block *newest(const struct cluster *cluster)
{
    const struct oracle *oracle = &cluster->oracle;
    return oracle->height == 0 ? cluster->chain.genesis : oracle->committed[oracle->height];
}

static uint32_t governing(const struct cluster *cluster)
{
    uint32_t count = cluster->chain.keys->count;
    return count < LEDGER_GOVERNING ? count : LEDGER_GOVERNING;
}

static void send(struct weather *weather, Xuelian__TxKind kind, const ProtobufCMessage *item,
                 uint32_t owner, struct hash32 *id)
{
    struct cluster *cluster = weather->cluster;
    struct governance *state = &weather->governance;
    struct owned bytes = {.data = NULL};
    executor_ledger_tx(&cluster->chain, kind, item, owner, NONCES + state->nonce++, &bytes, id);
    weather_submit_bytes(weather, owned_bytes(&bytes));
    state->tx = chain_tx(&cluster->chain, owned_bytes(&bytes));
    owned_free(&bytes);
}

/* ---- Who would be in the set ---- */

/* Nodes of a set, a bit each. */
static uint32_t nodes_of(const struct cluster *cluster, const struct validator_set *set)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        nodes |= UINT32_C(1) << keys_find(cluster->chain.keys, &set->validators[i].key);
    }
    return nodes;
}

static uint32_t bits(uint32_t nodes)
{
    return (uint32_t)__builtin_popcount(nodes);
}

static bool bearable(const struct cluster *cluster, uint32_t nodes)
{
    return nodes != 0 && bits(nodes & cluster->chain.traitors) <= quorum_faulty(bits(nodes));
}

static uint64_t incarnation_in(const struct cluster *cluster, const struct validator_set *set,
                               uint32_t node)
{
    int at = validator_set_find(set, &cluster->chain.keys->owners[node].key);
    return at < 0 ? 0 : set->validators[at].incarnation;
}

/* The nodes after the changes that are under way. */
static uint32_t nodes_after(const struct weather *weather, const struct validator_set *set)
{
    const struct governance *state = &weather->governance;
    uint32_t nodes = nodes_of(weather->cluster, set);
    for (uint32_t i = 0; i < state->wish_count; i++) {
        uint32_t bit = UINT32_C(1) << state->wishes[i].node;
        nodes = state->wishes[i].remove ? nodes & ~bit : nodes | bit;
    }
    return nodes;
}

/* ---- Proposed ---- */

static void propose(struct weather *weather)
{
    struct governance *state = &weather->governance;
    struct cluster *cluster = weather->cluster;
    Xuelian__GovernProposal proposal = XUELIAN__GOVERN_PROPOSAL__INIT;
    Xuelian__Change changes[GOVERN_WISHES_MAX];
    Xuelian__Change *list[GOVERN_WISHES_MAX];
    Xuelian__ValidatorChange validators[GOVERN_WISHES_MAX];
    char reason[] = "simulated";
    for (uint32_t i = 0; i < state->wish_count; i++) {
        uint32_t node = state->wishes[i].node;
        xuelian__change__init(&changes[i]);
        xuelian__validator_change__init(&validators[i]);
        state->incarnations[i] = state->wishes[i].remove ? 0 : cluster->replicas[node].incarnation;
        validators[i].member = node + 1;
        validators[i].key = field_borrow(&cluster->chain.keys->owners[node].key, 33);
        validators[i].remove = state->wishes[i].remove;
        validators[i].incarnation = state->incarnations[i];
        changes[i].validator = &validators[i];
        list[i] = &changes[i];
    }
    proposal.changes = list;
    proposal.n_changes = state->wish_count;
    proposal.open_until = cluster->oracle.height + OPEN_HEIGHTS;
    proposal.reason = reason;
    send(weather, XUELIAN__TX_KIND__TX_KIND_GOVERN_PROPOSE, &proposal.base,
         tape_below(weather->tape, CONCERN_MEMBERS, governing(cluster)), &state->proposal);
    state->phase = GOVERN_PROPOSED;
    state->give_up_ms = cluster->now_ms + PATIENCE_MS;
}

void govern_begin(struct weather *weather, const struct govern_wish *wishes, uint32_t count)
{
    struct governance *state = &weather->governance;
    const struct cluster *cluster = weather->cluster;
    const struct validator_set *set = newest(cluster)->next_set;
    uint32_t nodes = nodes_of(cluster, set);
    if (state->phase != GOVERN_IDLE) {
        return;
    }
    state->wish_count = 0;
    for (uint32_t i = 0; i < count && state->wish_count < GOVERN_WISHES_MAX; i++) {
        uint32_t bit = UINT32_C(1) << wishes[i].node;
        bool there = (nodes & bit) != 0;
        bool again = there && !wishes[i].remove &&
                     cluster->replicas[wishes[i].node].incarnation >
                         incarnation_in(cluster, set, wishes[i].node);
        if (there == wishes[i].remove || again) {
            state->wishes[state->wish_count++] = wishes[i];
            nodes ^= again ? 0 : bit;
        }
    }
    if (state->wish_count > 0 && bearable(cluster, nodes)) {
        propose(weather);
    }
}

void govern_return(struct weather *weather, uint32_t node)
{
    CHECK(node < GOVERN_RETURNS_MAX);
    weather->governance.returning[node] = true;
}

/* ---- Approved ---- */

/* One more member votes: whoever proposed has. A vote that comes twice is refused, and in a block all the same. */
static void approve(struct weather *weather)
{
    struct governance *state = &weather->governance;
    Xuelian__ProposalRef ref = XUELIAN__PROPOSAL_REF__INIT;
    ref.proposal = field_borrow(&state->proposal, 32);
    for (uint32_t i = 0; i < governing(weather->cluster); i++) {
        send(weather, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE, &ref.base, i, NULL);
    }
    state->phase = GOVERN_APPROVING;
}

/* ---- Enacted ---- */

/* What a node's operator would get from it: false when it does not answer, or is behind. */
static bool following_of(const struct weather *weather, uint32_t node, uint64_t era,
                         struct following *out)
{
    const struct cluster *cluster = weather->cluster;
    const struct replica *replica = &cluster->replicas[node];
    const struct key_owner *owner = &cluster->chain.keys->owners[node];
    const struct sim_block *tip = newest(cluster);
    struct pbft_summary summary = {.era = era, .height = tip->header.height};
    struct hash32 hash;
    summary.header_hash = tip->hash;
    if (!replica->puppet) {
        if (!replica_live(replica)) {
            return false;
        }
        pbft_summary(replica->core, &summary);
    }
    if (summary.era != era || summary.height == 0 || summary.stopped) {
        return false;
    }
    *out = (struct following){.key = owner->key,
                              .era = era,
                              .height = summary.height,
                              .header_hash = summary.header_hash,
                              .incarnation = replica->incarnation};
    following_hash(&hash, &cluster->chain.chain_id, out);
    signer_sign(owner->signer, &hash, &out->signature);
    return true;
}

static void following_wire(Xuelian__Following *wire, const struct following *from)
{
    xuelian__following__init(wire);
    wire->key = field_borrow(&from->key, 33);
    wire->era = from->era;
    wire->height = from->height;
    wire->header_hash = field_borrow(&from->header_hash, 32);
    wire->incarnation = from->incarnation;
    wire->signature = field_borrow(&from->signature, 64);
}

/* Joins, or returns as another incarnation: without its own signature nothing is enacted. */
static bool joins(const struct weather *weather, uint32_t node)
{
    const struct governance *state = &weather->governance;
    bool found = false;
    for (uint32_t i = 0; i < state->wish_count; i++) {
        found = found || (state->wishes[i].node == node && !state->wishes[i].remove);
    }
    return found;
}

/* With the signatures that can be had now, if they are enough. */
static void enact(struct weather *weather)
{
    struct governance *state = &weather->governance;
    struct cluster *cluster = weather->cluster;
    const struct validator_set *set = newest(cluster)->next_set;
    struct following made[SIM_NODES_MAX];
    Xuelian__Following wires[SIM_NODES_MAX];
    Xuelian__Following *list[SIM_NODES_MAX];
    Xuelian__ProposalEnactment wish = XUELIAN__PROPOSAL_ENACTMENT__INIT;
    uint32_t after = nodes_after(weather, set);
    uint32_t count = 0;
    bool lacking = false;
    for (uint32_t node = 0; node < cluster->options.nodes; node++) {
        if ((after >> node & 1) == 0) {
            continue;
        }
        if (following_of(weather, node, set->era, &made[count])) {
            following_wire(&wires[count], &made[count]);
            list[count] = &wires[count];
            count++;
        } else {
            lacking = lacking || joins(weather, node);
        }
    }
    /* The set may be another than when it was proposed. */
    if (lacking || !bearable(cluster, after) || count < quorum_size(bits(after))) {
        return;
    }
    wish.proposal = field_borrow(&state->proposal, 32);
    wish.followings = list;
    wish.n_followings = count;
    send(weather, XUELIAN__TX_KIND__TX_KIND_GOVERN_ENACT, &wish.base,
         tape_below(weather->tape, CONCERN_MEMBERS, cluster->chain.keys->count), NULL);
    state->era = set->era;
    state->phase = GOVERN_ENACTING;
}

/* ---- On and on ---- */

static void next_return(struct weather *weather)
{
    struct governance *state = &weather->governance;
    for (uint32_t node = 0; node < weather->cluster->options.nodes; node++) {
        if (state->returning[node]) {
            struct govern_wish wish = {.node = node};
            state->returning[node] = false;
            govern_begin(weather, &wish, 1);
            return;
        }
    }
}

static void go_on(struct weather *weather)
{
    struct governance *state = &weather->governance;
    const struct cluster *cluster = weather->cluster;
    bool in = state->phase != GOVERN_IDLE && oracle_tx_committed(cluster, state->tx);
    switch (state->phase) {
    case GOVERN_IDLE:
        next_return(weather);
        return;
    case GOVERN_PROPOSED:
        if (in) {
            approve(weather);
        }
        break;
    case GOVERN_APPROVING:
        state->phase = in ? GOVERN_APPROVED : state->phase;
        break;
    case GOVERN_APPROVED:
        enact(weather);
        break;
    case GOVERN_ENACTING:
        if (in && newest(cluster)->next_set->era > state->era) {
            state->phase = GOVERN_IDLE;
            weather->cluster->counters.governed++;
        } else if (in) {
            state->phase = GOVERN_APPROVED; /* refused: its signatures were too old by then */
        }
        break;
    }
    if (cluster->now_ms > state->give_up_ms) {
        state->phase = GOVERN_IDLE;
    }
}

void govern_tick(void *context, uint64_t argument)
{
    struct weather *weather = context;
    (void)argument;
    if (!weather->calm) {
        go_on(weather);
        cluster_call(weather->cluster, weather->cluster->now_ms + TICK_MS, govern_tick, weather, 0);
    }
}
