/* An audit judged: who is named, and whether it is enough. R31, R32. */
#include "consensus/audit_store.h"

static const struct bytes nothing = {.data = NULL, .size = 0};

/* ---- Proofs -------------------------------------------------------------------------------------- */

/* A statement as the message that was signed. */
static struct bytes message_of(struct audit *audit, const struct statement *said, uint8_t *room,
                               uint8_t *type)
{
    struct vote vote = {.view = said->view, .hash = said->hash, .signature = said->signature};
    if (said->kind == SAID_PREPARE || said->kind == SAID_COMMIT) {
        *type = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
        return bytes_of(room,
                        vote_message(room, said->kind == SAID_COMMIT ? COMMIT : PREPARE,
                                     audit->config.set->era, said->height, said->member, &vote));
    }
    *type = said->kind == SAID_CHANGE ? XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE
                                      : XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE;
    return said->message;
}

/* A new proof, or NULL: of that kind one is enough. */
static struct audit_guilt *name(struct audit *audit, struct audit_report *report,
                                enum pbft_evidence kind, uint32_t member)
{
    for (uint32_t i = 0; i < audit->guilts_count; i++) {
        if (audit->guilts[i].member == member && audit->guilts[i].kind == kind) {
            return NULL;
        }
    }
    report->named += !report->guilty[member];
    report->guilty[member] = true;
    struct audit_guilt *guilt = &audit->guilts[audit->guilts_count++];
    *guilt = (struct audit_guilt){.kind = kind, .member = member, .second = nothing};
    return guilt;
}

static void name_pair(struct audit *audit, struct audit_report *report, enum pbft_evidence kind,
                      const struct statement *first, const struct statement *second)
{
    struct audit_guilt *guilt = name(audit, report, kind, first->member);
    if (guilt != NULL) {
        uint8_t(*room)[VOTE_SIZE_MAX] = audit->votes[guilt - audit->guilts];
        guilt->first = message_of(audit, first, room[0], &guilt->first_type);
        guilt->second = message_of(audit, second, room[1], &guilt->second_type);
    }
}

/* Two of one place. */
static void judge_pairs(struct audit *audit, struct audit_report *report)
{
    static const enum pbft_evidence kinds[] = {
        [SAID_PROPOSAL] = PBFT_EVIDENCE_TWO_PROPOSALS,
        [SAID_PREPARE] = PBFT_EVIDENCE_TWO_VOTES,
        [SAID_COMMIT] = PBFT_EVIDENCE_TWO_VOTES,
        [SAID_CHANGE] = PBFT_EVIDENCE_TWO_VIEW_CHANGES,
    };
    for (uint32_t i = 0; i < audit->count; i++) {
        const struct statement *second = &audit->statements[i];
        for (uint32_t at = second->next; at != AUDIT_NONE; at = audit->statements[at].next) {
            const struct statement *first = &audit->statements[at];
            if (audit_same_place(first, second)) {
                name_pair(audit, report, kinds[second->kind], first, second);
            }
        }
    }
}

/* A COMMIT of view v, and a VIEW-CHANGE for a later one that says: below that height, and nothing prepared there in v
 * or above; or in v itself another header, which nobody who COMMITs keeps. */
static bool hides(const struct statement *change, const struct statement *commit)
{
    if (change->view <= commit->view || change->height >= commit->height) {
        return false;
    }
    if (!change->prepared || change->height + 1 != commit->height ||
        change->prepared_view < commit->view) {
        return true;
    }
    return change->prepared_view == commit->view &&
           !hash32_equal(&change->prepared_hash, &commit->hash);
}

static void judge_hiding(struct audit *audit, struct audit_report *report)
{
    for (uint32_t i = 0; i < audit->count; i++) {
        const struct statement *change = &audit->statements[i];
        if (change->kind != SAID_CHANGE || !change->valid) {
            continue;
        }
        for (uint32_t k = 0; k < audit->count; k++) {
            const struct statement *commit = &audit->statements[k];
            if (commit->kind == SAID_COMMIT && commit->member == change->member &&
                hides(change, commit)) {
                name_pair(audit, report, PBFT_EVIDENCE_COMMIT_FORGOTTEN, commit, change);
            }
        }
    }
}

static void judge_new_views(struct audit *audit, struct audit_report *report)
{
    for (uint32_t member = 0; member < audit->config.set->count; member++) {
        if (audit->bad_new_views[member].size > 0) {
            struct audit_guilt *guilt = name(audit, report, PBFT_EVIDENCE_BAD_NEW_VIEW, member);
            CHECK(guilt != NULL); /* one a member is kept */
            guilt->first_type = XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW;
            guilt->first = audit->bad_new_views[member];
            guilt->reason = audit->bad_reasons[member];
        }
    }
}

/* ---- Conflicts ----------------------------------------------------------------------------------- */

/* The lowest height with two headers; of it the certificate of the lowest view, and of the others the lowest. */
static void find_conflict(const struct audit *audit, struct audit_report *report)
{
    for (uint32_t i = 0; i < audit->certified_count; i++) {
        const struct certified *one = &audit->certified[i];
        for (uint32_t k = 0; k < audit->certified_count; k++) {
            const struct certified *other = &audit->certified[k];
            if (one->height != other->height || hash32_equal(&one->hash, &other->hash) ||
                one->view > other->view) {
                continue;
            }
            if (!report->conflict || one->height < report->height ||
                (one->height == report->height &&
                 (one->view < report->views[0] ||
                  (one->view == report->views[0] && other->view < report->views[1])))) {
                report->conflict = true;
                report->height = one->height;
                report->views[0] = one->view;
                report->views[1] = other->view;
                report->hashes[0] = one->hash;
                report->hashes[1] = other->hash;
            }
        }
    }
}

/* The lowest view whose certificate made a NEW-VIEW of `view` force the second header; `view` if there is none. One that
 * lets it through unforced holds VIEW-CHANGEs of f+1 who hid what they had COMMITted: then it is enough already. */
static uint64_t forced_from(const struct audit *audit, const struct audit_report *report,
                            uint64_t view)
{
    uint64_t lowest = view;
    for (uint32_t i = 0; i < audit->openings_count; i++) {
        const struct audit_opening *opening = &audit->openings[i];
        if (opening->view == view && opening->base_height + 1 == report->height &&
            opening->forced && hash32_equal(&opening->forced_hash, &report->hashes[1]) &&
            opening->forced_view < lowest) {
            lowest = opening->forced_view;
        }
    }
    return lowest;
}

/* From the later certificate's view down: which NEW-VIEW is wanting? */
static uint64_t wanting(const struct audit *audit, const struct audit_report *report)
{
    uint64_t view = report->views[1];
    uint64_t below = forced_from(audit, report, view);
    while (below < view) {
        view = below;
        below = forced_from(audit, report, view);
    }
    return view;
}

void audit_judge(struct audit *audit, struct audit_report *report)
{
    *report = (struct audit_report){.list = audit->guilts};
    audit->guilts_count = 0;
    judge_pairs(audit, report);
    judge_hiding(audit, report);
    judge_new_views(audit, report);
    report->proofs = audit->guilts_count;
    find_conflict(audit, report);
    report->enough = !report->conflict || report->named >= quorum_weak(audit->config.set->count);
    if (!report->enough) {
        report->missing_view = wanting(audit, report);
    }
}
