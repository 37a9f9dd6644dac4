/* What this node is to the network: validator or not, and why; whom it meets; that it follows. */
#include <stdarg.h>
#include <stdio.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"

void driver_standing(const struct driver *driver, const struct pbft_summary *summary, char *text,
                     size_t size)
{
    const struct node *node = driver->node;
    text[0] = '\0';
    if (driver->recovery_told == driver->tip_height + 1) {
        snprintf(
            text, size,
            "Other nodes went on from block %llu by a recovery, which this node takes from its "
            "operator alone (xueliand recover): see its log. ",
            (unsigned long long)driver->tip_height);
        return;
    }
    if (node->recovery != NULL && node->recovery->recovery.height > driver->tip_height) {
        snprintf(
            text, size,
            "This node has been given a recovery that goes on from block %llu: it does not vote "
            "before it has come there. ",
            (unsigned long long)node->recovery->recovery.height);
        return;
    }
    if (node->journal == NULL) {
        snprintf(text, size,
                 "This node's vote journal is lost: it follows, and votes again only with a new "
                 "journal whose incarnation the chain names; see the operations guide. ");
        return;
    }
    unsigned long long incarnation = vote_journal_incarnation(node->journal);
    if (summary->self >= 0) {
        unsigned long long named = pbft_set(driver->core)->validators[summary->self].incarnation;
        if (named != incarnation) {
            snprintf(text, size,
                     "The chain names incarnation %llu of this node's key, and its vote journal is "
                     "of incarnation %llu: it follows, and votes once a set change names %llu. ",
                     named, incarnation, incarnation);
        }
    } else if (!driver->recorded) {
        char key[HEX_SIZE(33)];
        hex_encode(key, signer_key(node->signer)->bytes, 33);
        snprintf(text, size,
                 "No member record up to block %llu names this node's key %s: other nodes refuse "
                 "it until one does. ",
                 (unsigned long long)driver->tip_height, key);
    }
}

bool driver_level(const struct driver *driver, const struct pbft_summary *summary)
{
    uint64_t recent_ms = driver->params.heartbeat_ms + driver->params.t0_ms;
    return !summary->catching_up || driver_clock_ms() <= driver->tip_time_ms + recent_ms;
}

void driver_note_era(struct driver *driver, const struct pbft_summary *summary)
{
    char text[512];
    driver_standing(driver, summary, text, sizeof text);
    if (text[0] == '\0') {
        snprintf(text, sizeof text, "%s",
                 summary->self >= 0 ? "This node is one of them" : "This node is none of them");
    }
    log_event(LOG_INFO, "era", "era %llu: %u validators, %u make a quorum. %s",
              (unsigned long long)summary->era, summary->validators, summary->quorum, text);
}

void driver_use_membership(struct driver *driver, const struct membership *membership)
{
    driver->recorded = membership->recorded;
    peers_update(driver->node->peers, membership->role, membership->known, membership->count);
    log_event(LOG_INFO, "nodes", "the member records list %u nodes that may connect",
              (unsigned)membership->count);
    if (membership->left_out > 0) {
        log_event(LOG_WARN, "nodes",
                  "%u nodes of the member records are left out: a node meets at most %u",
                  (unsigned)membership->left_out, (unsigned)PEERS_MAX);
    }
}

/* ---- FOLLOWING ---- */

__attribute__((format(printf, 3, 4))) static void refuse_following(struct node_following *request,
                                                                   enum status status,
                                                                   const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(request->why, sizeof request->why, why, arguments);
    va_end(arguments);
    request->status = status;
}

void driver_following(struct driver *driver, struct node_following *request)
{
    struct node *node = driver->node;
    struct pbft_summary summary;
    struct hash32 hash;
    pbft_summary(driver->core, &summary);
    if (driver->stopping) {
        refuse_following(request, ST_BUSY, "this node is stopping");
    } else if (node->journal == NULL) {
        refuse_following(request, ST_JOURNAL_LOST,
                         "this node has no vote journal, and a validator needs one; make a new one "
                         "with: xueliand new-journal");
    } else if (summary.stopped) {
        refuse_following(request, ST_CONFLICT,
                         "this node has stopped because of an alarm; see its log");
    } else if (!driver_level(driver, &summary) || summary.height == 0) {
        refuse_following(request, ST_BUSY,
                         "this node is at block %llu and lacks blocks that others have; ask again "
                         "when it has caught up",
                         (unsigned long long)summary.height);
    } else {
        struct following *made = &request->following;
        made->key = *signer_key(node->signer);
        made->era = summary.era;
        made->height = summary.height;
        made->header_hash = summary.header_hash;
        made->incarnation = vote_journal_incarnation(node->journal);
        following_hash(&hash, &node->genesis.chain_id, made);
        signer_sign(node->signer, &hash, &made->signature);
        request->status = ST_OK;
        log_event(LOG_INFO, "following",
                  "signed for the operator that this node follows: block %llu, incarnation %llu",
                  (unsigned long long)made->height, (unsigned long long)made->incarnation);
    }
    inbox_post(request->reply_to, &request->task);
}
