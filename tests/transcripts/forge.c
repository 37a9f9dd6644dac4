/* say: reads what a puppet is to say, and has it made (tests/sim/forge.h). */
#include "tests/sim/forge.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "tests/transcripts/script.h"

struct saying {
    struct script *script;
    struct forger forger;
    uint64_t view, height;
    struct forged made;
};

/* The header hash an argument names: a block, or something that nobody has made. */
static struct hash32 hash_of(const struct script *script, const char *label)
{
    const struct sim_block *block = words_block(script, label);
    struct hash32 hash;
    if (block != NULL) {
        return block->hash;
    }
    hash_plain(&hash, label == NULL ? "" : label, label == NULL ? 0 : strlen(label));
    return hash;
}

static bool say_vote(struct saying *saying, enum vote_phase phase)
{
    struct hash32 block = hash_of(saying->script, words_value(saying->script, "block"));
    forge_vote(&saying->forger, phase, saying->view, saying->height, &block, &saying->made);
    return true;
}

/* txs=a,b many=4000 parent=LABEL (the tip below) time=MS after the parent's (1). */
static bool say_pre_prepare(struct saying *saying)
{
    struct script *script = saying->script;
    struct cluster *cluster = script->cluster;
    const struct sim_block *parent = words_block(script, words_value(script, "parent"));
    static const struct sim_tx *txs[LIMIT_PROPOSAL_ENTRIES_MAX];
    uint32_t many = (uint32_t)words_number(script, "many", 0);
    uint32_t count = 0;
    const char *word = words_value(script, "txs");
    if (parent == NULL) {
        parent = saying->height - 1 <= cluster->oracle.height
                     ? cluster->oracle.committed[saying->height - 1]
                     : cluster->chain.genesis;
    }
    for (; count < many && count < LIMIT_PROPOSAL_ENTRIES_MAX; count++) {
        char text[32];
        int size = snprintf(text, sizeof text, "m%u", (unsigned)count);
        txs[count] = chain_tx(&cluster->chain, bytes_of(text, (size_t)size));
    }
    while (word != NULL && *word != '\0' && count < LIMIT_PROPOSAL_ENTRIES_MAX) {
        size_t size = strcspn(word, ",");
        txs[count] = chain_tx(&cluster->chain, bytes_of(word, size));
        if (txs[count] == NULL) {
            return script_error(script, "that is no transaction");
        }
        count++;
        word += word[size] == ',' ? size + 1 : size;
    }
    forge_pre_prepare(&saying->forger, saying->view, saying->height, &parent->hash,
                      parent->header.time_ms + words_number(script, "time", 1), txs, count,
                      &saying->made);
    return true;
}

/* committed=LABEL (the newest that anyone committed) prepared=LABEL prepared-view=V by=NODES. */
static bool say_view_change(struct saying *saying)
{
    struct script *script = saying->script;
    const struct cluster *cluster = script->cluster;
    const struct sim_block *committed = words_block(script, words_value(script, "committed"));
    const struct sim_block *prepared = words_block(script, words_value(script, "prepared"));
    struct owned certificate = {.data = NULL}, commit = {.data = NULL};
    if (committed == NULL) {
        committed = cluster->oracle.committed[cluster->oracle.height];
    }
    if (words_value(script, "prepared") != NULL && prepared == NULL) {
        return script_error(script, "no node has made that block");
    }
    if (committed->header.height > 0) {
        (void)forge_certificate(cluster, VOTE_COMMIT, words_number(script, "committed-view", 0),
                                committed, words_nodes(script, "committed-by", UINT32_MAX),
                                &commit);
    }
    if (prepared != NULL) {
        (void)forge_certificate(cluster, VOTE_PREPARE, words_number(script, "prepared-view", 0),
                                prepared, words_nodes(script, "by", UINT32_MAX), &certificate);
    }
    forge_view_change(&saying->forger, saying->view, committed, owned_bytes(&commit), prepared,
                      owned_bytes(&certificate), &saying->made);
    owned_free(&certificate);
    owned_free(&commit);
    return true;
}

/* changes=NODES: their newest VIEW-CHANGEs to this view, as they were sent. */
static bool say_new_view(struct saying *saying)
{
    const struct script *script = saying->script;
    uint32_t nodes = words_nodes(script, "changes", 0);
    uint64_t of_view = words_number(script, "of-view", saying->view);
    struct bytes changes[SIM_NODES_MAX];
    size_t count = 0;
    for (uint32_t node = 0; node < script->cluster->options.nodes; node++) {
        const struct seen_change *found = NULL;
        for (size_t i = 0; i < script->change_count && (nodes >> node & 1) != 0; i++) {
            const struct seen_change *seen = &script->changes[i];
            if (seen->node == node && seen->era == saying->forger.era && seen->view == of_view) {
                found = seen;
            }
        }
        if (found != NULL) {
            changes[count++] = owned_bytes(&found->bytes);
        }
    }
    forge_new_view(&saying->forger, saying->view, changes, count, &saying->made);
    return true;
}

static bool say_certified(struct saying *saying, bool with_bodies)
{
    struct script *script = saying->script;
    const struct sim_block *block = words_block(script, words_value(script, "block"));
    const struct sim_block *bodies = words_block(script, words_value(script, "bodies"));
    struct owned certificate = {.data = NULL};
    if (block == NULL) {
        return script_error(script, "no node has made that block");
    }
    (void)forge_certificate(script->cluster, VOTE_COMMIT, saying->view, block,
                            words_nodes(script, "by", UINT32_MAX), &certificate);
    if (with_bodies) {
        forge_blocks(block, owned_bytes(&certificate), bodies == NULL ? block : bodies,
                     &saying->made);
    } else {
        forge_certified(block, owned_bytes(&certificate), &saying->made);
    }
    owned_free(&certificate);
    return true;
}

static bool make(struct saying *saying, const char *what)
{
    struct hash32 hash;
    if (strcmp(what, "PRE-PREPARE") == 0) {
        return say_pre_prepare(saying);
    }
    if (strcmp(what, "PREPARE") == 0 || strcmp(what, "COMMIT") == 0) {
        return say_vote(saying, what[0] == 'C' ? VOTE_COMMIT : VOTE_PREPARE);
    }
    if (strcmp(what, "VIEW-CHANGE") == 0) {
        return say_view_change(saying);
    }
    if (strcmp(what, "NEW-VIEW") == 0) {
        return say_new_view(saying);
    }
    if (strcmp(what, "NEWEST-REQUEST") == 0) {
        forge_newest_request(&saying->forger, &saying->made);
        return true;
    }
    if (strcmp(what, "STATUS") == 0) {
        hash = hash_of(saying->script, words_value(saying->script, "block"));
        forge_status(&saying->forger, saying->view, saying->height, &hash, &saying->made);
        return true;
    }
    if (strcmp(what, "CERTIFIED") == 0 || strcmp(what, "BLOCKS") == 0) {
        return say_certified(saying, what[0] == 'B');
    }
    return script_error(saying->script, "'%s' is not a message that can be said", what);
}

/* The set whose era is asked for; the newest when none is. */
static const struct validator_set *set_of_era(const struct cluster *cluster, uint64_t era)
{
    for (size_t i = 0; i < cluster->chain.set_count; i++) {
        if (cluster->chain.sets[i]->era == era) {
            return cluster->chain.sets[i];
        }
    }
    return cluster->oracle.committed[cluster->oracle.height]->next_set;
}

bool forge_say(struct script *script)
{
    struct saying saying = {.script = script};
    struct cluster *cluster = script->cluster;
    char text[SIM_LINE_SIZE];
    uint32_t node;
    if (!words_node(script, 1, &node) || script->word_count < 3) {
        return script_error(script, "say NODE MESSAGE ...");
    }
    if (!cluster->replicas[node].puppet) {
        return script_error(script, "node %u is no puppet", (unsigned)node);
    }
    const struct validator_set *set = set_of_era(cluster, words_number(script, "era", 0));
    uint32_t as = (uint32_t)words_number(script, "as", node);
    saying.forger = forger_of(cluster, as < cluster->options.nodes ? as : node, set);
    saying.forger.node = node;
    saying.forger.era = words_number(script, "era", set->era);
    saying.view = words_number(script, "view", 0);
    saying.height = words_number(script, "height", cluster->oracle.height + 1);
    if (!make(&saying, script->words[2])) {
        return false;
    }
    script_print(script, "%u says %s", (unsigned)node,
                 show_message(cluster, saying.made.type, owned_bytes(&saying.made.body), text));
    forged_send(&saying.forger, &saying.made, words_nodes(script, "to", UINT32_MAX));
    forged_free(&saying.made);
    script_quiet(script);
    return true;
}
