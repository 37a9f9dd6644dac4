/* What the executor should do next, and the headers it gave. One execution at a time; R7, R13, R28, R29. */
#include "consensus/core.h"

struct result *execute_result(struct pbft *core, const struct hash32 *hash)
{
    for (size_t i = 0; i < RESULTS_MAX; i++) {
        if (core->results[i].present && hash32_equal(&core->results[i].hash, hash)) {
            return &core->results[i];
        }
    }
    return NULL;
}

static void discard(struct pbft *core, const struct hash32 *hash)
{
    core_effect(core, PBFT_DISCARD)->discard.header_hash = *hash;
}

/* What a vote, the view or a certificate may still ask for. */
static bool result_needed(const struct pbft *core, const struct result *result)
{
    const struct own_height *own = recover_own_find(core, core->height + 1);
    const struct proposal *proposal = &core->proposals[OPEN];
    return (core_forced(core) != NULL && hash32_equal(&core->own.forced_hash, &result->hash)) ||
           (own != NULL && own->prepared && hash32_equal(&own->prepared_hash, &result->hash)) ||
           (proposal->state == PROPOSAL_EXECUTED && hash32_equal(&proposal->result, &result->hash));
}

/* A free place for a result; the oldest that nothing needs gives way. At most three are needed: what is
 * certified is committed in the step in which it is executed. */
static struct result *result_place(struct pbft *core)
{
    struct result *oldest = NULL;
    for (size_t i = 0; i < RESULTS_MAX; i++) {
        struct result *result = &core->results[i];
        if (!result->present) {
            return result;
        }
        if (!result_needed(core, result) && (oldest == NULL || result->order < oldest->order)) {
            oldest = result;
        }
    }
    CHECK(oldest != NULL);
    discard(core, &oldest->hash);
    return oldest;
}

static void result_add(struct pbft *core, const struct pbft_input *input, const struct hash32 *hash)
{
    if (execute_result(core, hash) != NULL) {
        return;
    }
    struct result *result = result_place(core);
    *result = (struct result){.present = true, .order = ++core->results_made, .hash = *hash};
    result->header = *input->executed.header;
    result->next_set = *input->executed.next_set;
    result->params = *input->executed.params;
}

/* The executor is ours: a header that does not follow from the tip is our own bug. */
static void check_header(const struct pbft *core, const struct pbft_input *input)
{
    const struct header *header = input->executed.header;
    const struct validator_set *next = input->executed.next_set;
    CHECK(header != NULL);
    CHECK(next != NULL);
    CHECK(input->executed.params != NULL);
    CHECK(header->height == core->height + 1);
    CHECK(header->time_ms > core->header.time_ms);
    CHECK(hash32_equal(&header->chain_id, &core->config.chain_id));
    CHECK(hash32_equal(&header->parent_hash, &core->hash));
    CHECK(hash32_equal(&header->validators_hash, &core->set_hash));
    struct hash32 next_hash = core->set_hash; /* within an era the set stays */
    if (next->era != core->set.era) {
        validator_set_hash(&next_hash, next);
    }
    CHECK(hash32_equal(&header->next_validators_hash, &next_hash));
    CHECK(next->era == (next->era > core->set.era ? core->height + 2 : core->set.era));
    core_check_params(input->executed.params);
}

/* R30: what is certified and what we computed differ. Nothing of that block is stored. */
static void diverged(struct pbft *core, const struct hash32 *expected, const struct hash32 *found)
{
    core->diverged = true;
    core_alarm(core, PBFT_ALARM_DIVERGED, expected, found);
}

static void missing(struct pbft *core)
{
    core->execution.state = EXECUTION_MISSING;
    if (core->execution.asked == 0) {
        core->execution.retry_ms = core->now_ms;
    }
}

/* The proposal that was executed. It is of the view that is open, and stays what it is meanwhile: a view that
 * is left cancels its execution (R13). */
static struct proposal *executed_proposal(struct pbft *core, const struct want *want)
{
    struct proposal *proposal = &core->proposals[OPEN];
    CHECK(proposal->state == PROPOSAL_HELD);
    CHECK(proposal->place.view == core->own.view);
    CHECK(hash32_equal(&proposal->digest, &want->hash));
    return proposal;
}

static void answer_invalid(struct pbft *core)
{
    struct want want = core->execution.want;
    core->execution.state = EXECUTION_IDLE;
    if (want.purpose == PURPOSE_CHECK) {
        /* R7: an honest primary never proposes it; the pool has learnt which one it was. */
        core->batch.size = 0;
        core->propose_after_ms = sum_ms(core->now_ms, core->params.batch_delay_ms + 1);
    } else if (want.purpose == PURPOSE_PROPOSAL) {
        struct proposal *proposal = executed_proposal(core, &want);
        proposal->state = PROPOSAL_INVALID;
        core->primary_faulty = true;
        evidence_bad_proposal(core, proposal);
    } else if (want.purpose == PURPOSE_HASH) {
        missing(core); /* the peer that sent it lied; members have executed the real one */
    } else {           /* FORCED, ADOPT: a certificate is for it */
        struct hash32 none = {{0}};
        diverged(core, &want.hash, &none);
    }
}

static void answer_ok(struct pbft *core, const struct pbft_input *input)
{
    struct want want = core->execution.want;
    struct hash32 hash;
    core->execution.state = EXECUTION_IDLE;
    if (want.purpose == PURPOSE_CHECK) {
        /* It is of the open view: one that is left cancels this too. An alarm may have come meanwhile. */
        if (core_may_vote_open(core)) {
            normal_propose(core);
        }
        core->batch.size = 0;
        return;
    }
    check_header(core, input);
    header_hash(&hash, input->executed.header);
    if (want.purpose != PURPOSE_PROPOSAL && !hash32_equal(&hash, &want.hash)) {
        if (want.purpose == PURPOSE_HASH) {
            if (execute_result(core, &hash) == NULL) {
                discard(core, &hash); /* a liar sent another proposal under that name */
            }
            missing(core);
        } else {
            diverged(core, &want.hash, &hash);
        }
        return;
    }
    result_add(core, input, &hash);
    if (want.purpose == PURPOSE_PROPOSAL) {
        struct proposal *proposal = executed_proposal(core, &want);
        CHECK(input->executed.header->time_ms == proposal->time_ms);
        proposal->state = PROPOSAL_EXECUTED;
        proposal->result = hash;
    }
}

enum status execute_answer(struct pbft *core, const struct pbft_input *input)
{
    if (core->execution.state != EXECUTION_RUNNING ||
        core->execution.token != input->executed.token) {
        return ST_OLD;
    }
    switch (input->executed.outcome) {
    case PBFT_EXECUTED_OK:
        answer_ok(core, input);
        break;
    case PBFT_EXECUTED_INVALID:
        answer_invalid(core);
        break;
    case PBFT_EXECUTED_MISSING:
        missing(core);
        break;
    }
    return ST_OK;
}

/* ---- What is wanted ------------------------------------------------------------------------------ */

static bool proposal_executable(const struct pbft *core)
{
    const struct proposal *proposal = &core->proposals[OPEN];
    return proposal->state == PROPOSAL_HELD && proposal->place.view == core->own.view &&
           core_installed(core);
}

static struct want want_of(enum purpose purpose, const struct hash32 *hash)
{
    return (struct want){.purpose = purpose, .hash = *hash};
}

/* A header that members vote for: most likely the proposal at hand gives it. */
static struct want want_voted(const struct pbft *core, const struct hash32 *hash)
{
    if (proposal_executable(core)) {
        return want_of(PURPOSE_PROPOSAL, &core->proposals[OPEN].digest);
    }
    return want_of(PURPOSE_HASH, hash);
}

static struct want want_next(struct pbft *core)
{
    uint64_t view;
    struct hash32 hash;
    const struct own_height *own = recover_own_find(core, core->height + 1);
    const struct want none = {.purpose = PURPOSE_NONE};
    if (core->adoptions[0].state == JUDGED_VALID) {
        return want_of(PURPOSE_ADOPT, &core->adoptions[0].hash);
    }
    if (normal_quorum(core, COMMIT, NULL, &view, &hash)) { /* not executed, or it were committed */
        return want_voted(core, &hash);
    }
    if (!core_in_era(core) || !core_installed(core) || core->height < core->own.base_height) {
        return none;
    }
    if (core_forced(core) != NULL && execute_result(core, &core->own.forced_hash) == NULL) {
        return want_of(PURPOSE_FORCED, &core->own.forced_hash);
    }
    if (normal_quorum(core, PREPARE, &core->own.view, &view, &hash) &&
        execute_result(core, &hash) == NULL) {
        return want_voted(core, &hash);
    }
    if (own != NULL && own->votes[PREPARE].present && own->votes[PREPARE].view == core->own.view &&
        execute_result(core, &own->votes[PREPARE].hash) == NULL) {
        return want_voted(core, &own->votes[PREPARE].hash); /* after a restart */
    }
    if (proposal_executable(core) && normal_timely(core, &core->proposals[OPEN])) {
        return want_of(PURPOSE_PROPOSAL, &core->proposals[OPEN].digest);
    }
    if (core->batch.size > 0) {
        proposal_digest(&hash, blob_bytes(&core->batch));
        return want_of(PURPOSE_CHECK, &hash);
    }
    return none;
}

/* ---- Starting, fetching, stopping ------------------------------------------------------------------ */

static void start(struct pbft *core, const struct want *want)
{
    struct execution *execution = &core->execution;
    struct pbft_effect *effect = core_effect(core, PBFT_EXECUTE);
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    execution->state = EXECUTION_RUNNING;
    execution->want = *want;
    execution->view = core->own.view;
    execution->token = core_token(core);
    effect->execute.token = execution->token;
    effect->execute.kind = PBFT_EXECUTE_HEADER;
    effect->execute.height = core->height + 1;
    effect->execute.view = core->own.view;
    effect->execute.header_hash = want->hash;
    switch (want->purpose) {
    case PURPOSE_CHECK:
        effect->execute.kind = PBFT_EXECUTE_CHECK;
        effect->execute.proposal = core_keep(core, blob_bytes(&core->batch));
        break;
    case PURPOSE_PROPOSAL:
        effect->execute.kind = PBFT_EXECUTE_PROPOSAL;
        effect->execute.proposal = core_keep(core, proposal_bytes(&core->proposals[OPEN]));
        break;
    case PURPOSE_FORCED:
        effect->execute.header =
            core_keep(core, bytes_of(header, header_encode(header, &core->own.forced)));
        break;
    case PURPOSE_ADOPT:
        effect->execute.header =
            core_keep(core, bytes_of(header, header_encode(header, &core->adoptions[0].header)));
        break;
    case PURPOSE_HASH:
    case PURPOSE_NONE:
        break;
    }
    if (effect->execute.kind != PBFT_EXECUTE_HEADER) {
        memset(&effect->execute.header_hash, 0, sizeof effect->execute.header_hash);
    }
}

/* The k-th peer to ask: who proposed, then who voted (they hold the bodies), then the others. */
static bool fetch_peer(const struct pbft *core, uint32_t k, struct pubkey33 *peer)
{
    uint32_t n = core->set.count, count = 0;
    uint8_t order[LIMIT_VALIDATORS_MAX];
    bool taken[LIMIT_VALIDATORS_MAX] = {false};
    uint32_t primary = core_primary(core, core->height + 1, core->own.view);
    if (core->self >= 0) {
        taken[core->self] = true;
    }
    if (!taken[primary]) {
        order[count++] = (uint8_t)primary;
        taken[primary] = true;
    }
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < n; i++) {
            bool votes =
                core->votes[OPEN][i][PREPARE].present || core->votes[OPEN][i][COMMIT].present;
            if (!taken[i] && (pass == 1 || votes)) {
                order[count++] = (uint8_t)i;
                taken[i] = true;
            }
        }
    }
    if (count == 0) {
        return false;
    }
    *peer = core->set.validators[order[k % count]].key;
    return true;
}

static void fetch_adopted(struct pbft *core, uint32_t k)
{
    struct pubkey33 peer = core->adoptions[0].from;
    bool from_self = pubkey33_compare(&peer, &core->config.key) == 0;
    if ((k > 0 || from_self) && !fetch_peer(core, k, &peer)) {
        return;
    }
    struct pbft_effect *effect = core_effect(core, PBFT_FETCH_BLOCKS);
    effect->fetch_blocks.from_height = core->height + 1;
    effect->fetch_blocks.count = 1;
    effect->fetch_blocks.peer = peer;
}

static void fetch(struct pbft *core)
{
    struct execution *execution = &core->execution;
    struct pubkey33 peer;
    uint32_t k = execution->asked++;
    execution->retry_ms = sum_ms(core->now_ms, core->params.t0_ms / 8 + 1);
    if (execution->want.purpose == PURPOSE_ADOPT) {
        fetch_adopted(core, k);
        return;
    }
    if (!fetch_peer(core, k, &peer)) {
        return;
    }
    struct pbft_effect *effect = core_effect(core, PBFT_FETCH_BODIES);
    effect->fetch_bodies.token = execution->token;
    effect->fetch_bodies.height = core->height + 1;
    effect->fetch_bodies.peer = peer;
    if (execution->want.purpose == PURPOSE_PROPOSAL) {
        effect->fetch_bodies.proposal = core_keep(core, proposal_bytes(&core->proposals[OPEN]));
    } else if (execution->want.purpose == PURPOSE_CHECK) {
        effect->fetch_bodies.proposal = core_keep(core, blob_bytes(&core->batch));
    } else {
        effect->fetch_bodies.header_hash = execution->want.hash;
    }
}

bool execute_schedule(struct pbft *core)
{
    struct execution *execution = &core->execution;
    if (execution->state == EXECUTION_RUNNING) {
        return false;
    }
    struct want want = want_next(core);
    bool same =
        want.purpose == execution->want.purpose && hash32_equal(&want.hash, &execution->want.hash);
    if (execution->state == EXECUTION_MISSING && same) {
        if (core->now_ms < execution->retry_ms) {
            return false;
        }
        fetch(core);
        return true;
    }
    execution->state = EXECUTION_IDLE;
    if (want.purpose == PURPOSE_NONE) {
        return false;
    }
    execution->asked = 0;
    start(core, &want);
    return true;
}

void execute_fetched(struct pbft *core)
{
    if (core->execution.state == EXECUTION_MISSING) {
        /* The same as at the end of the last step, or nothing, because of the clock. */
        struct want want = want_next(core);
        if (want.purpose != PURPOSE_NONE) {
            start(core, &want);
        }
    }
}

static void cancel(struct pbft *core)
{
    if (core->execution.state == EXECUTION_RUNNING) {
        core_effect(core, PBFT_CANCEL)->cancel.token = core->execution.token;
    }
    core->execution.state = EXECUTION_IDLE;
    core->execution.want.purpose = PURPOSE_NONE;
}

/* R13: what the view wanted is given up; a certified block is still wanted. */
void execute_leave_view(struct pbft *core)
{
    core->batch.size = 0;
    if (core->execution.want.purpose != PURPOSE_ADOPT) {
        cancel(core);
    }
}

void execute_reset(struct pbft *core)
{
    cancel(core);
    core->batch.size = 0;
    for (size_t i = 0; i < RESULTS_MAX; i++) {
        core->results[i].present = false;
    }
}
