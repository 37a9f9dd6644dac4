/* Messages on their way: chosen by from=, to=, view=, height= and type. */
#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/peer.pb-c.h"
#include "tests/transcripts/script.h"

struct filter {
    uint32_t from, to; /* a bit for each node */
    bool any_view, any_height;
    uint64_t view, height;
    const char *types[WORDS_MAX]; /* none: any */
    size_t type_count;
    const char *not_types[WORDS_MAX];
    size_t not_count;
    uint64_t at_most;
};

/* Words without '=' are types; with a '-' before them, types to leave out. */
static bool read_filter(struct script *script, struct filter *filter)
{
    *filter = (struct filter){.from = words_nodes(script, "from", UINT32_MAX),
                              .to = words_nodes(script, "to", UINT32_MAX),
                              .any_view = words_value(script, "view") == NULL,
                              .any_height = words_value(script, "height") == NULL,
                              .view = words_number(script, "view", 0),
                              .height = words_number(script, "height", 0),
                              .at_most = words_number(script, "count", UINT64_MAX)};
    for (size_t i = 1; i < script->word_count; i++) {
        const char *word = script->words[i];
        if (strchr(word, '=') != NULL) {
            continue;
        }
        if (word[0] == '-') {
            filter->not_types[filter->not_count++] = word + 1;
            continue;
        }
        if (word[0] < 'A' || word[0] > 'Z') {
            return script_error(script, "'%s' is no type of message", word);
        }
        filter->types[filter->type_count++] = word;
    }
    return true;
}

/* PREPARE and COMMIT are both votes on the wire. */
static const char *type_of(struct script *script, const struct event *message, uint64_t *view,
                           uint64_t *height)
{
    const struct pbft_message *parsed;
    struct envelope *envelope = message->envelope;
    *view = 0;
    *height = 0;
    if (!pbft_takes(envelope->type) ||
        envelope_read(envelope, &script->cluster->chain, &parsed) != ST_OK) {
        return show_peer_type(envelope->type);
    }
    *view = parsed->has_signer ? parsed->view : 0;
    *height = parsed->has_signer ? parsed->height : 0;
    if (envelope->type != XUELIAN__PEER_TYPE__PEER_TYPE_VOTE) {
        return show_peer_type(envelope->type);
    }
    return parsed->vote.phase == VOTE_COMMIT ? "COMMIT" : "PREPARE";
}

static bool matches(struct script *script, const struct filter *filter, const struct event *event)
{
    uint64_t view, height;
    if (event->type != EVENT_MESSAGE || (filter->from >> event->from & 1) == 0 ||
        (filter->to >> event->node & 1) == 0) {
        return false;
    }
    const char *type = type_of(script, event, &view, &height);
    bool good = filter->type_count == 0;
    for (size_t i = 0; i < filter->type_count; i++) {
        good = good || strcmp(filter->types[i], type) == 0;
    }
    for (size_t i = 0; i < filter->not_count; i++) {
        good = good && strcmp(filter->not_types[i], type) != 0;
    }
    return good && (filter->any_view || filter->view == view) &&
           (filter->any_height || filter->height == height);
}

/* The matching message that has been on its way longest, sent before `before`. */
static struct event *first(struct script *script, const struct filter *filter, uint64_t before)
{
    struct cluster *cluster = script->cluster;
    for (size_t i = 0; i < cluster->held_count; i++) {
        if (cluster->held[i]->order < before && matches(script, filter, cluster->held[i])) {
            return cluster->held[i];
        }
    }
    return NULL;
}

static uint64_t deliver(struct script *script, const struct filter *filter)
{
    uint64_t before = script->cluster->next_order;
    uint64_t count = 0;
    struct event *event;
    while (count < filter->at_most && !script->cluster->oracle.failed &&
           (event = first(script, filter, before)) != NULL) {
        cluster_release(script->cluster, event);
        script_quiet(script);
        count++;
    }
    return count;
}

bool flight_deliver(struct script *script)
{
    struct filter filter;
    if (!read_filter(script, &filter)) {
        return false;
    }
    if (deliver(script, &filter) == 0) {
        script_print(script, "nothing of that kind is on its way");
    }
    return true;
}

bool flight_settle(struct script *script)
{
    enum { ROUNDS_MAX = 200 };
    struct filter filter;
    if (!read_filter(script, &filter)) {
        return false;
    }
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (deliver(script, &filter) == 0) {
            return true;
        }
    }
    return script_error(script, "messages beget messages without end");
}

bool flight_drop(struct script *script)
{
    struct filter filter;
    struct event *event;
    uint64_t count = 0;
    if (!read_filter(script, &filter)) {
        return false;
    }
    while (count < filter.at_most && (event = first(script, &filter, UINT64_MAX)) != NULL) {
        cluster_forget(script->cluster, event);
        count++;
    }
    if (count == 0) {
        script_print(script, "nothing of that kind is on its way");
    }
    return true;
}

/* Doubles what matches: a network that delivers twice, or a traitor that keeps what it heard. */
bool flight_copy(struct script *script)
{
    struct filter filter;
    uint64_t before = script->cluster->next_order;
    size_t held = script->cluster->held_count;
    if (!read_filter(script, &filter)) {
        return false;
    }
    for (size_t i = 0; i < held; i++) {
        const struct event *event = script->cluster->held[i];
        if (event->order < before && matches(script, &filter, event)) {
            cluster_send(script->cluster, event->from, event->node, event->envelope);
        }
    }
    return true;
}

bool flight_list(struct script *script)
{
    struct cluster *cluster = script->cluster;
    struct filter filter;
    char text[SIM_LINE_SIZE];
    if (!read_filter(script, &filter)) {
        return false;
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        const struct event *event = cluster->held[i];
        if (matches(script, &filter, event) &&
            (filter.type_count > 0 || show_worth_a_line(event->envelope->type))) {
            script_print(
                script, "%u to %u: %s", (unsigned)event->from, (unsigned)event->node,
                show_message(cluster, event->envelope->type, envelope_body(event->envelope), text));
        }
    }
    return true;
}

void flight_note(struct script *script, const struct event *message)
{
    const struct pbft_message *parsed;
    struct bytes body = envelope_body(message->envelope);
    if (message->envelope->type != XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE ||
        script->change_count == CHANGES_MAX ||
        envelope_read(message->envelope, &script->cluster->chain, &parsed) != ST_OK) {
        return;
    }
    struct seen_change *seen = &script->changes[script->change_count];
    *seen = (struct seen_change){.node = message->from, .era = parsed->era, .view = parsed->view};
    for (size_t i = 0; i < script->change_count; i++) {
        const struct seen_change *known = &script->changes[i];
        if (known->node == seen->node && bytes_equal(owned_bytes(&known->bytes), body)) {
            return;
        }
    }
    owned_set(&seen->bytes, body);
    script->change_count++;
}
