/* One honest core, and the network lies: any bytes, from anyone, at any moment. Nothing may reach a CHECK, and the oracle
 * of the simulator goes on watching the one honest node: one voice, valid blocks, what was durable is there.
 *
 * Input: a conversation (1 byte), how much of it has been heard already (1 byte, of 255 parts), then actions, see `act`.
 * The conversations are what node 1 of an honest network once heard, at its moments. Every signature but node 1's own
 * verifies, so that made-up and altered messages come through to pbft_step.
 *
 * All of it goes to an audit too (consensus/audit.h), which must take or refuse it, and judge.
 *
 * A vector of 1 byte is a conversation: its input hears all of it. Any other is an input itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/audit.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/frame.h"
#include "proto/peer.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/cluster.h"

enum {
    NODES = 6,
    VALIDATORS = 4,
    HONEST = 1,
    CONVERSATIONS = 4,
    HEARD_MAX = 4096,
    EDITS_MAX = 7,
    STARTS_MAX = 8, /* restarts in one input: each costs as much as a hundred messages */
    BEGAN_MS = 1000,
    AUDITED_MAX = 512, /* messages given to an audit */
    STATEMENTS_MAX = 600
};

struct heard {
    uint64_t due_ms;
    uint32_t from;
    uint8_t type;
    struct owned body;
};

struct conversation {
    uint32_t number;
    const struct cluster *cluster; /* while it is held */
    uint64_t generator;
    struct heard heard[HEARD_MAX];
    size_t count;
};

/* What is left of an input. */
struct input {
    const uint8_t *data;
    size_t size;
};

const uint8_t fuzz_flags_count = 4;
const uint32_t fuzz_mutations = 120;

/* What the audit was given; it borrows. */
struct audited {
    struct audit *audit;
    void *memory;
    struct owned kept[AUDITED_MAX];
    size_t count;
};

static bool lenient;
static struct audited audited;
static struct pubkey33 honest_key;

bool __real_keys_verify(struct keys *keys, const struct pubkey33 *key, const struct hash32 *hash,
                        const struct sig64 *signature);
bool __wrap_keys_verify(struct keys *keys, const struct pubkey33 *key, const struct hash32 *hash,
                        const struct sig64 *signature);
bool __real_keys_certificate_good(struct keys *keys, const struct certificate *certificate,
                                  const struct hash32 *chain_id, const struct validator_set *set);
bool __wrap_keys_certificate_good(struct keys *keys, const struct certificate *certificate,
                                  const struct hash32 *chain_id, const struct validator_set *set);

bool __wrap_keys_verify(struct keys *keys, const struct pubkey33 *key, const struct hash32 *hash,
                        const struct sig64 *signature)
{
    bool liar = lenient && pubkey33_compare(key, &honest_key) != 0;
    return liar || __real_keys_verify(keys, key, hash, signature);
}

bool __wrap_keys_certificate_good(struct keys *keys, const struct certificate *certificate,
                                  const struct hash32 *chain_id, const struct validator_set *set)
{
    return lenient || __real_keys_certificate_good(keys, certificate, chain_id, set);
}

/* ---- Conversations ------------------------------------------------------------------------------- */

static uint64_t one_ms(void *context, enum event_type type, uint32_t node)
{
    (void)context;
    (void)type;
    (void)node;
    return 1;
}

static uint32_t drawn(struct conversation *conversation, uint32_t below)
{
    conversation->generator = conversation->generator * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(conversation->generator >> 33) % below;
}

/* A message takes 1 to 20 ms; in odd conversations one in ten is lost. */
static uint32_t copies(void *context, const struct event *message, uint64_t delays[2])
{
    struct conversation *conversation = context;
    delays[0] = 1 + drawn(conversation, 20);
    if (conversation->number % 2 == 1 && drawn(conversation, 10) == 0) {
        return 0;
    }
    if (message->node == HONEST && conversation->count < HEARD_MAX) {
        struct heard *heard = &conversation->heard[conversation->count++];
        heard->due_ms = conversation->cluster->now_ms + delays[0];
        heard->from = message->from;
        heard->type = message->envelope->type;
        owned_set(&heard->body, envelope_body(message->envelope));
    }
    return 1;
}

/* Messages that HONEST sends go nowhere: who it speaks to are liars. */
static uint32_t no_copies(void *context, const struct event *message, uint64_t delays[2])
{
    (void)context;
    (void)message;
    (void)delays;
    return 0;
}

static const struct cluster_options network = {
    .nodes = NODES,
    .validators = VALIDATORS,
    .executor = &executor_toy,
    .params = {.t0_ms = 2000,
               .timeout_cap_ms = 8000,
               .batch_delay_ms = 10,
               .batch_count = 3,
               .heartbeat_ms = 5000,
               .max_drift_ms = 3000,
               .max_lag_ms = 30000,
               .request_timeout_ms = 10000,
               .rotation_blocks = 5},
};

static void submit(struct cluster *cluster, uint32_t node, const char *word)
{
    const struct sim_tx *tx = chain_tx(&cluster->chain, bytes_of(word, strlen(word)));
    CHECK(tx != NULL);
    cluster_submit(cluster, node, tx);
}

/* Blocks; a primary that dies, so views change; a set change; half of the time a node that lost power; a new era. */
static void converse(struct conversation *conversation)
{
    static const char *const words[] = {"a", "b",      "c", "set:+4-0", "d",          "set:-2+5",
                                        "e", "set:+2", "f", "g",        "set:-3+3*2", "h"};
    struct schedule schedule = {.context = conversation, .delay_ms = one_ms, .copies = copies};
    struct disk_arrived nothing = {.blocks = 0};
    struct cluster *cluster = sim_new(sizeof *cluster);
    conversation->cluster = cluster;
    cluster_init(cluster, &network, &schedule);
    for (uint32_t i = 0; i < NODES; i++) {
        CHECK(replica_start(&cluster->replicas[i]));
    }
    cluster_run(cluster, BEGAN_MS + 500);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint32_t victim = (uint32_t)((i + conversation->number) % NODES);
        submit(cluster, (uint32_t)(i % NODES), words[i]);
        cluster_run(cluster, cluster->now_ms + 40 + drawn(conversation, 60));
        if (i % 3 == conversation->number % 3 && victim != HONEST) {
            replica_crash(&cluster->replicas[victim], &nothing);
            cluster_run(cluster, cluster->now_ms + 5000);
            CHECK(replica_start(&cluster->replicas[victim]));
        }
        cluster_run(cluster, cluster->now_ms + 1000);
    }
    conversation->cluster = NULL;
    CHECK(!cluster->oracle.failed && cluster->oracle.height > 6);
    cluster_free(cluster);
    free(cluster);
}

static bool earlier(const struct heard *a, const struct heard *b)
{
    return a->due_ms < b->due_ms;
}

static const struct conversation *conversation_get(uint32_t number)
{
    static struct conversation *known[CONVERSATIONS];
    if (known[number] == NULL) {
        struct conversation *made = sim_new(sizeof *made);
        made->number = number;
        made->generator = number + 1;
        converse(made);
        for (size_t i = 1; i < made->count; i++) {
            struct heard one = made->heard[i];
            size_t at = i;
            for (; at > 0 && earlier(&one, &made->heard[at - 1]); at--) {
                made->heard[at] = made->heard[at - 1];
            }
            made->heard[at] = one;
        }
        known[number] = made;
    }
    return known[number];
}

/* ---- Actions ------------------------------------------------------------------------------------- */

static uint32_t take(struct input *input, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = 0;
        if (input->size > 0) {
            byte = *input->data++;
            input->size--;
        }
        value = value << 8 | byte;
    }
    return value;
}

static bool audit_verify(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                         const struct sig64 *signature)
{
    return keys_verify(context, key, hash, signature);
}

static void audit_begin(struct cluster *cluster)
{
    const struct sim_block *genesis = cluster->chain.genesis;
    struct audit_config config = {.chain_id = cluster->chain.chain_id,
                                  .set = genesis->next_set,
                                  .era_base_hash = genesis->hash,
                                  .rotation_blocks = network.params.rotation_blocks,
                                  .statements_max = STATEMENTS_MAX,
                                  .verify = audit_verify,
                                  .verify_context = &cluster->keys};
    audited.memory = malloc(audit_footprint(&config));
    CHECK(audited.memory != NULL);
    audited.audit = audit_init(audited.memory, &config);
    audited.count = 0;
}

static void audit_give(uint8_t type, struct bytes body)
{
    if (audited.count < AUDITED_MAX) {
        struct owned *kept = &audited.kept[audited.count++];
        *kept = (struct owned){.data = NULL};
        owned_set(kept, body);
        (void)audit_message(audited.audit, type, owned_bytes(kept));
        (void)audit_record(audited.audit, owned_bytes(kept));
    }
}

/* Whoever is named has two messages, or one, to be named for. */
static void audit_end(void)
{
    struct audit_report report;
    audit_judge(audited.audit, &report);
    for (uint32_t i = 0; i < report.proofs; i++) {
        CHECK(report.list[i].first.size > 0);
        CHECK(report.list[i].member < VALIDATORS);
    }
    CHECK(report.enough || report.missing_view > 0);
    for (size_t i = 0; i < audited.count; i++) {
        owned_free(&audited.kept[i]);
    }
    free(audited.memory);
}

static void receive(struct cluster *cluster, uint32_t from, uint8_t type, struct bytes body)
{
    struct replica *replica = &cluster->replicas[HONEST];
    /* The session drops what is longer. */
    if (replica_live(replica) && body.size <= frame_body_size_max(type) &&
        !cluster->oracle.failed) {
        struct envelope *envelope = envelope_new(type, body);
        frame_receive(replica, from == HONEST ? 0 : from, envelope);
        envelope_let_go(envelope);
    }
    audit_give(type, body);
}

/* Hears the conversation on, as it was. */
static void hear(struct cluster *cluster, const struct conversation *conversation, size_t *next,
                 size_t count)
{
    for (; count > 0 && *next < conversation->count; count--) {
        const struct heard *heard = &conversation->heard[(*next)++];
        cluster_run(cluster, heard->due_ms);
        receive(cluster, heard->from, heard->type, owned_bytes(&heard->body));
    }
}

/* A message of the conversation, with bytes altered, left out or put in. */
static void alter(struct cluster *cluster, const struct conversation *conversation,
                  struct input *input, size_t next)
{
    uint32_t back = take(input, 2);
    /* Near what comes next most of the time. */
    size_t at = (next + back % 64 + (back >> 6) * 17) % conversation->count;
    const struct heard *heard = &conversation->heard[at];
    uint32_t edits = take(input, 1) % (EDITS_MAX + 1);
    uint8_t *body = sim_new(heard->body.size + EDITS_MAX);
    size_t size = heard->body.size;
    memcpy(body, heard->body.data, size);
    for (uint32_t i = 0; i < edits && size > 0; i++) {
        size_t place = take(input, 2) % size;
        uint32_t kind = take(input, 1) % 4;
        uint8_t byte = (uint8_t)take(input, 1);
        if (kind == 0) {
            memmove(body + place, body + place + 1, --size - place);
        } else if (kind == 1) {
            memmove(body + place + 1, body + place, size++ - place);
            body[place] = byte;
        } else {
            body[place] = kind == 2 ? byte : (uint8_t)(body[place] ^ byte);
        }
    }
    receive(cluster, heard->from, heard->type, bytes_of(body, size));
    free(body);
}

static void raw(struct cluster *cluster, struct input *input)
{
    uint8_t type = (uint8_t)take(input, 1);
    uint32_t from = take(input, 1) % NODES;
    size_t size = take(input, 2);
    size = size < input->size ? size : input->size;
    uint8_t *body = sim_copy(bytes_of(input->data, size));
    input->data += size;
    input->size -= size;
    receive(cluster, from, type, bytes_of(body, size));
    free(body);
}

static void power_cut(struct cluster *cluster, struct input *input, uint32_t *starts)
{
    struct replica *replica = &cluster->replicas[HONEST];
    uint32_t what = take(input, 1);
    struct disk_arrived arrived = {
        .record = (what & 1) != 0, .proposal = (what & 2) != 0, .new_view = (what & 4) != 0};
    size_t unsynced = replica->disk.written - replica->disk.synced;
    arrived.blocks = (what & 8) != 0 ? unsynced : 0;
    if (replica_live(replica) && (*starts)++ < STARTS_MAX && !cluster->oracle.failed) {
        replica_crash(replica, &arrived);
        (void)replica_start(replica);
    }
}

static void act(struct cluster *cluster, const struct conversation *conversation,
                struct input *input, size_t *next, uint32_t *starts)
{
    char word[] = "x?";
    struct event *event;
    switch (take(input, 1) % 7) {
    case 0:
        raw(cluster, input);
        break;
    case 1:
    case 2:
        alter(cluster, conversation, input, *next);
        break;
    case 3:
        hear(cluster, conversation, next, take(input, 1));
        break;
    case 4:
        cluster_run(cluster, cluster->now_ms + take(input, 1) * UINT64_C(25));
        break;
    case 5:
        power_cut(cluster, input, starts);
        break;
    default:
        word[1] = (char)('a' + take(input, 1) % 26);
        submit(cluster, HONEST, word);
        event = cluster_event(cluster, EVENT_CONNECTED, HONEST);
        event->from = 2;
        cluster_post(cluster, event);
        break;
    }
}

/* ---- Target -------------------------------------------------------------------------------------- */

size_t fuzz_input(uint8_t *out, uint8_t flags, struct bytes genesis, struct bytes body)
{
    size_t size = 0;
    (void)genesis;
    CHECK(body.size > 0 && body.size <= FUZZ_INPUT_SIZE_MAX);
    if (body.size > 1) {
        memcpy(out, body.data, body.size);
        return body.size;
    }
    out[size++] = body.data[0];
    out[size++] = (uint8_t)(flags * 60);
    for (uint8_t i = 0; i < 24; i++) {
        out[size++] = 3; /* some more of it, */
        out[size++] = 25;
        out[size++] = i % 3 == 0 ? 4 : 1; /* time, or a message as it was */
        out[size++] = i;
        out[size++] = i;
        out[size++] = 0;
    }
    return size;
}

static void liars_begin(struct cluster *cluster)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (i != HONEST) {
            cluster->replicas[i].puppet = true;
            cluster->replicas[i].up = true;
            cluster->oracle.nodes[i].traitor = true;
        }
    }
    honest_key = cluster->keys.owners[HONEST].key;
    CHECK(replica_start(&cluster->replicas[HONEST]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.data = data, .size = size};
    struct schedule schedule = {.delay_ms = one_ms, .copies = no_copies};
    size_t next = 0;
    uint32_t starts = 0;
    if (size < 2) {
        return 0;
    }
    lenient = false;
    const struct conversation *conversation = conversation_get(take(&input, 1) % CONVERSATIONS);
    struct cluster *cluster = sim_new(sizeof *cluster);
    cluster_init(cluster, &network, &schedule);
    liars_begin(cluster);
    audit_begin(cluster);
    lenient = true;
    hear(cluster, conversation, &next, conversation->count * take(&input, 1) / 255);
    while (input.size > 0 && !cluster->oracle.failed) {
        act(cluster, conversation, &input, &next, &starts);
    }
    cluster_run(cluster, cluster->now_ms + 5000);
    if (cluster->oracle.failed) {
        fprintf(stderr, "%s\n", cluster->oracle.text);
        abort();
    }
    audit_end();
    cluster_free(cluster);
    free(cluster);
    return 0;
}
