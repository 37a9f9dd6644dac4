/* Archives: every item of an account in its place, what they add up to, and whether they and the account's summary fit
 * together; and the archives of accounts that were merged into it. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"
#include "proto/merkle.h"

/* AccountSummary, as far as items say the same. */
struct summary_view {
    struct verify_total totals[VERIFY_OUTCOME_KINDS + 1];
    struct bytes learner_key;
    struct bytes guardian_key;
    struct bytes merged_into;
    uint64_t points;
    uint64_t key_item;
    uint64_t guardian_item;
    uint32_t guardian_until;
    uint32_t linked;
    uint32_t applications;
};

/* One account while it is looked at. */
struct archive {
    struct account_value account;
    struct verify_item *items; /* those shown; of a whole archive item n is items[n - 1] */
    uint32_t count;
    bool summarised;
    struct summary_view summary;
    struct bytes places; /* from the first ArchiveItem to the end of the message */
};

/* ---- items in their places ---- */

static bool counts(const struct verify_item *item)
{
    return item->status == VERIFY_ITEM_VALID || item->status == VERIFY_ITEM_CORRECTED;
}

static void total_add(struct verify_total *total, uint32_t credits, uint32_t hours)
{
    total->outcomes++;
    total->credits += credits;
    total->hours += hours;
}

/* Adds an item to the totals. With at most 100,000 items of 32 bits nothing can overflow. */
static void totals_add(struct verify_result *result, const struct verify_item *item)
{
    if (item->kind == VERIFY_ITEM_OUTCOME && counts(item)) {
        total_add(&result->totals[item->outcome.kind], item->outcome.credits, item->outcome.hours);
        total_add(&result->totals[0], item->outcome.credits, item->outcome.hours);
    } else if (item->kind == VERIFY_ITEM_RECOGNITION && counts(item)) {
        total_add(&result->recognised, item->recognition.credits, 0);
    } else if (item->kind == VERIFY_ITEM_CONVERSION && counts(item)) {
        total_add(&result->converted, item->conversion.credits, 0);
    }
}

/* One place of the archive: shown, or withheld as its version hash, never both. */
static enum verify_fault place_read(struct verifier *v, struct bytes message, struct bytes *shown,
                                    struct hash32 *withheld)
{
    struct reader reader;
    reader_init(&reader, message);
    *shown = reader_bytes(&reader, 1);
    struct bytes hash = reader_optional(&reader, 2, 32);
    if ((shown->size == 0) == (hash.size == 0)) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && hash.size > 0) {
        memcpy(withheld, hash.data, 32);
    }
    return fault;
}

static enum verify_fault archive_item_check(struct verifier *v, struct bytes message,
                                            uint64_t number, struct archive *archive,
                                            struct hash32 *hash)
{
    struct bytes shown;
    enum verify_fault fault = place_read(v, message, &shown, hash);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (shown.size == 0) {
        v->result->withheld_count++;
        return VERIFY_FAULT_NONE;
    }
    struct verify_item *item = scratch_take(v, sizeof *item, _Alignof(struct verify_item));
    if (item == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    fault = item_check(v, shown, number, item, hash);
    if (fault == VERIFY_FAULT_NONE) {
        archive->items = archive->count == 0 ? item : archive->items;
        archive->count++;
        totals_add(v->result, item);
    }
    return fault;
}

/* All items in order, under the root that the account commits to. */
static enum verify_fault archive_items_check(struct verifier *v, struct reader *reader,
                                             struct archive *archive)
{
    struct merkle_frontier frontier;
    struct bytes message;
    struct hash32 hash;
    struct hash32 root;
    merkle_frontier_init(&frontier);
    while (reader_next(reader, 5, &message)) {
        uint64_t number = frontier.size + 1;
        if (number > archive->account.item_count || number > LIMIT_ACCOUNT_ITEMS_MAX) {
            return VERIFY_FAULT_ITEM_COUNT;
        }
        enum verify_fault fault = archive_item_check(v, message, number, archive, &hash);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        item_leaf(&hash, number, &hash);
        merkle_frontier_append(&frontier, &hash);
    }
    if (frontier.size != archive->account.item_count) {
        return VERIFY_FAULT_ITEM_COUNT;
    }
    merkle_frontier_root(&frontier, &root);
    return hash32_equal(&root, &archive->account.item_root) ? VERIFY_FAULT_NONE
                                                            : VERIFY_FAULT_ITEM_ROOT;
}

/* ---- what items of a whole archive say of each other ---- */

static struct verify_item *item_of(const struct archive *archive, uint64_t number,
                                   enum verify_item_kind kind)
{
    return number == 0 || number > archive->count || archive->items[number - 1].kind != kind
               ? NULL
               : &archive->items[number - 1];
}

/* What an item rests on is an outcome, and one that stands as long as the item does. */
static enum verify_fault rests_check(struct verifier *v, const struct archive *archive,
                                     const struct verify_item *item, uint64_t on)
{
    const struct verify_item *outcome = item_of(archive, on, VERIFY_ITEM_OUTCOME);
    if (outcome == NULL) {
        return fault_at(v, VERIFY_FAULT_ITEM_REFERENCE, item->number);
    }
    return !counts(item) || counts(outcome) ? VERIFY_FAULT_NONE
                                            : fault_at(v, VERIFY_FAULT_ITEM_RESTS, item->number);
}

static enum verify_fault sources_check(struct verifier *v, const struct archive *archive,
                                       const struct verify_item *item)
{
    struct conversion_source source;
    struct reader reader;
    reader_init(&reader, item->conversion.sources);
    while (conversion_source_next(&reader, &source)) {
        enum verify_fault fault = rests_check(v, archive, item, source.item);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    return VERIFY_FAULT_NONE;
}

/* A redemption that stands took its parts from lots. */
static enum verify_fault parts_check(struct verifier *v, const struct archive *archive,
                                     const struct verify_item *item)
{
    struct reader reader;
    uint64_t number = 0;
    uint32_t points = 0;
    reader_init(&reader, item->points.parts);
    while (points_part_next(&reader, &number, &points)) {
        struct verify_item *lot = item_of(archive, number, VERIFY_ITEM_POINTS);
        if (lot == NULL || lot->points.type == VERIFY_POINTS_REDEMPTION) {
            return fault_at(v, VERIFY_FAULT_ITEM_REFERENCE, item->number);
        }
        if (item->status != VERIFY_ITEM_APPLIED && item->status != VERIFY_ITEM_ENDED) {
            continue;
        }
        if (points > lot->points.points - lot->points.spent) {
            return fault_at(v, VERIFY_FAULT_POINTS, number);
        }
        lot->points.spent += points;
    }
    return VERIFY_FAULT_NONE;
}

/* A dispute that is open and the item that it is about name each other. */
static enum verify_fault dispute_check(struct verifier *v, const struct archive *archive,
                                       const struct verify_item *item)
{
    bool fits = true;
    if (item->dispute != 0) {
        const struct verify_item *dispute = item_of(archive, item->dispute, VERIFY_ITEM_DISPUTE);
        fits = dispute != NULL && dispute->status != VERIFY_ITEM_ENDED &&
               dispute->dispute_said.item == item->number;
    }
    if (fits && item->kind == VERIFY_ITEM_DISPUTE) {
        uint64_t number = item->dispute_said.item;
        fits = number <= archive->count && (item->status == VERIFY_ITEM_ENDED ||
                                            archive->items[number - 1].dispute == item->number);
    }
    return fits ? VERIFY_FAULT_NONE : fault_at(v, VERIFY_FAULT_ITEM_REFERENCE, item->number);
}

static enum verify_fault references_check(struct verifier *v, const struct archive *archive,
                                          const struct verify_item *item)
{
    enum verify_fault fault = dispute_check(v, archive, item);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    switch (item->kind) {
    case VERIFY_ITEM_RECOGNITION:
        return rests_check(v, archive, item, item->recognition.outcome);
    case VERIFY_ITEM_CONVERSION:
        return sources_check(v, archive, item);
    case VERIFY_ITEM_POINTS:
        if (item->points.type == VERIFY_POINTS_EARNED) {
            return rests_check(v, archive, item, item->points.source_item);
        }
        return parts_check(v, archive, item);
    case VERIFY_ITEM_KEY:
        return item->key.replaces == 0 ||
                       item_of(archive, item->key.replaces, VERIFY_ITEM_KEY) != NULL
                   ? VERIFY_FAULT_NONE
                   : fault_at(v, VERIFY_FAULT_ITEM_REFERENCE, item->number);
    case VERIFY_ITEM_OUTCOME:
    case VERIFY_ITEM_CONSENT:
    case VERIFY_ITEM_DISPUTE:
    case VERIFY_ITEM_LINK:
        break;
    }
    return VERIFY_FAULT_NONE;
}

/* Lots add up, and what remains of them is the balance. */
static enum verify_fault lots_check(struct verifier *v, const struct archive *archive)
{
    for (uint32_t i = 0; i < archive->count; i++) {
        const struct verify_item *item = &archive->items[i];
        const struct verify_points *lot = &item->points;
        if (item->kind != VERIFY_ITEM_POINTS || lot->type == VERIFY_POINTS_REDEMPTION) {
            continue;
        }
        if ((uint64_t)lot->remaining + lot->reversed + lot->moved + lot->spent != lot->points) {
            return fault_at(v, VERIFY_FAULT_POINTS, item->number);
        }
        v->result->points_held += lot->remaining;
        v->result->points +=
            item->status == VERIFY_ITEM_VALID && !item->expired ? lot->remaining : 0;
    }
    v->result->points_known = true;
    return VERIFY_FAULT_NONE;
}

static enum verify_fault whole_check(struct verifier *v, const struct archive *archive)
{
    for (uint32_t i = 0; i < archive->count; i++) {
        enum verify_fault fault = references_check(v, archive, &archive->items[i]);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    return lots_check(v, archive);
}

/* ---- the summary ---- */

static enum verify_fault summary_read(struct verifier *v, struct bytes summary,
                                      struct summary_view *out)
{
    struct reader reader;
    struct reader inner;
    struct bytes message;
    uint32_t before = 0;
    reader_init(&reader, summary);
    (void)reader_optional(&reader, 1, 32);
    out->learner_key = reader_optional(&reader, 2, 33);
    (void)reader_u32(&reader, 3);
    (void)reader_u32(&reader, 4);
    (void)reader_u64(&reader, 5);
    (void)reader_optional(&reader, 6, 32);
    out->points = reader_u64(&reader, 7);
    while (reader_next(&reader, 8, &message)) {
        reader_init(&inner, message);
        uint32_t kind = reader_enum(&inner, 1, VERIFY_OUTCOME_KINDS);
        out->totals[kind].outcomes = reader_u64(&inner, 2);
        out->totals[kind].credits = reader_u64(&inner, 3);
        out->totals[kind].hours = reader_u64(&inner, 4);
        if (!reader_end(&inner) || kind <= before) {
            reader_refuse(&reader);
        }
        before = kind;
    }
    out->key_item = reader_u64(&reader, 9);
    out->guardian_key = reader_optional(&reader, 10, 33);
    out->guardian_until = reader_u32(&reader, 11);
    out->guardian_item = reader_u64(&reader, 12);
    (void)reader_u32(&reader, 13);
    out->linked = reader_u32(&reader, 14);
    out->merged_into = reader_optional(&reader, 15, 32);
    out->applications = reader_u32(&reader, 16);
    return proof_end(v, &reader);
}

/* The key of a holder in the summary is that of its item, the only one that is valid. */
static bool key_fits(const struct archive *archive, uint32_t holder, uint64_t number,
                     struct bytes key, uint32_t until_date)
{
    uint64_t valid = 0;
    for (uint32_t i = 0; i < archive->count; i++) {
        const struct verify_item *item = &archive->items[i];
        if (item->kind == VERIFY_ITEM_KEY && item->key.holder == holder &&
            item->status == VERIFY_ITEM_VALID) {
            if (item->number != number || !bytes_equal(item->key.new_key, key) ||
                item->key.until_date != until_date) {
                return false;
            }
            valid++;
        }
    }
    return valid == (number != 0);
}

/* Applications, links and keys. */
static bool summary_items_fit(const struct archive *archive, enum verify_account_status status)
{
    const struct summary_view *summary = &archive->summary;
    uint64_t links = 0;
    uint64_t applied = 0;
    for (uint32_t i = 0; i < archive->count; i++) {
        links += archive->items[i].kind == VERIFY_ITEM_LINK;
        applied += archive->items[i].status == VERIFY_ITEM_APPLIED;
    }
    return applied == summary->applications && links <= summary->linked &&
           (links > 0) == (summary->linked > 0) &&
           (status == VERIFY_ACCOUNT_MERGED) == (summary->merged_into.size > 0) &&
           key_fits(archive, 1, summary->key_item, summary->learner_key, 0) &&
           key_fits(archive, 2, summary->guardian_item, summary->guardian_key,
                    summary->guardian_until);
}

/* The summary is the account's, and says what the items add up to. */
static enum verify_fault summary_check(struct verifier *v, struct bytes summary,
                                       struct archive *archive)
{
    struct verify_result *result = v->result;
    struct hash32 hash;
    hash_tagged(&hash, TAG_SUMMARY, summary.data, summary.size);
    if (!hash32_equal(&hash, &archive->account.summary_hash)) {
        return VERIFY_FAULT_SUMMARY;
    }
    enum verify_fault fault = summary_read(v, summary, &archive->summary);
    archive->summarised = fault == VERIFY_FAULT_NONE;
    if (fault != VERIFY_FAULT_NONE || !result->complete) {
        return fault;
    }
    for (uint32_t kind = 1; kind <= VERIFY_OUTCOME_KINDS; kind++) {
        const struct verify_total *computed = &result->totals[kind];
        const struct verify_total *said = &archive->summary.totals[kind];
        if (said->outcomes != computed->outcomes || said->credits != computed->credits ||
            said->hours != computed->hours) {
            return VERIFY_FAULT_TOTALS;
        }
    }
    if (archive->summary.points != result->points_held) {
        return VERIFY_FAULT_TOTALS;
    }
    if (!summary_items_fit(archive, result->account_status)) {
        return VERIFY_FAULT_SUMMARY_ITEMS;
    }
    result->totals_state = VERIFY_TOTALS_EQUAL;
    return VERIFY_FAULT_NONE;
}

/* ---- one account ---- */

/* Fields 1 to 5. The reader stands at what follows. */
static enum verify_fault account_archive_check(struct verifier *v, struct reader *reader,
                                               struct archive *archive)
{
    struct hash32 learner;
    struct verify_result *result = v->result;
    reader_fixed(reader, 1, &learner, 32);
    struct bytes leaf = reader_bytes(reader, 2);
    struct bytes value = reader_bytes(reader, 3);
    struct bytes summary = reader_bytes(reader, 4);
    archive->places = (struct bytes){reader->at, (size_t)(reader->end - reader->at)};
    /* The form of the whole message first: items and linked accounts are entered later. */
    struct reader ahead = *reader;
    struct bytes skipped;
    while (reader_next(&ahead, 5, &skipped) || (v->outer && reader_next(&ahead, 6, &skipped))) {
    }
    enum verify_fault fault = proof_end(v, &ahead);
    if (fault == VERIFY_FAULT_NONE) {
        fault = account_check(v, &learner, leaf, value, &archive->account);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = archive_items_check(v, reader, archive);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    result->items = archive->items;
    result->items_shown = archive->count;
    result->complete = result->withheld_count == 0;
    result->totals_state = result->complete ? VERIFY_TOTALS_COMPUTED : VERIFY_TOTALS_NONE;
    if (result->complete) {
        fault = whole_check(v, archive);
    } else {
        memset(result->totals, 0, sizeof result->totals);
        memset(&result->recognised, 0, sizeof result->recognised);
        memset(&result->converted, 0, sizeof result->converted);
    }
    return fault == VERIFY_FAULT_NONE && summary.size > 0 ? summary_check(v, summary, archive)
                                                          : fault;
}

/* ---- accounts that were merged into it ---- */

/* The version of an item that stood when a link was made: the newest one shown from before it, or made with it. Returns
 * whether no other can have been. */
static bool version_then(struct verifier *v, struct bytes shown, const struct verify_item *link,
                         struct hash32 *hash)
{
    struct reader reader;
    struct version_view view;
    struct verify_item version;
    reader_init(&reader, shown);
    struct bytes bytes = reader_bytes(&reader, 1);
    bool sure = true;
    do {
        if (version_read(v, bytes, &version, &view) != VERIFY_FAULT_NONE) {
            return false;
        }
        hash_tagged(hash, TAG_VERSION, bytes.data, bytes.size);
        bool with_it = hash32_equal(&version.tx_id, &link->tx_id);
        if (version.height < link->height || with_it) {
            return sure;
        }
        /* Of the same block, and not of the link's transaction: before or after it, the versions do not say. */
        sure = sure && version.height > link->height;
    } while (reader_next(&reader, 2, &bytes));
    return false;
}

/* Whether the other account held then what the link says. */
static enum verify_fault link_root_check(struct verifier *v, const struct archive *other,
                                         const struct verify_item *link_item,
                                         enum verify_link_state *state)
{
    struct merkle_frontier frontier;
    struct reader reader;
    struct bytes message;
    struct bytes shown;
    struct hash32 hash;
    struct hash32 root;
    bool sure = true;
    merkle_frontier_init(&frontier);
    reader_init(&reader, other->places);
    while (reader_next(&reader, 5, &message)) {
        enum verify_fault fault = place_read(v, message, &shown, &hash);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        bool known = shown.size > 0 && version_then(v, shown, link_item, &hash);
        sure = sure && known;
        item_leaf(&hash, frontier.size + 1, &hash);
        merkle_frontier_append(&frontier, &hash);
    }
    merkle_frontier_root(&frontier, &root);
    if (memcmp(root.bytes, link_item->link.item_root.data, sizeof root) == 0) {
        *state = VERIFY_LINK_EQUAL;
    } else {
        *state = VERIFY_LINK_SHOWN;
    }
    return *state == VERIFY_LINK_SHOWN && sure ? VERIFY_FAULT_LINK : VERIFY_FAULT_NONE;
}

/* The link to this account in an archive that stands before it, not yet taken. */
static struct verify_item *link_find(const struct archive *archives, uint32_t count,
                                     const struct hash32 *learner, uint32_t *holder)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < archives[i].count; k++) {
            struct verify_item *item = &archives[i].items[k];
            if (item->kind == VERIFY_ITEM_LINK && item->link.state == VERIFY_LINK_NOT_SHOWN &&
                memcmp(item->link.other.data, learner->bytes, 32) == 0) {
                *holder = i;
                return item;
            }
        }
    }
    return NULL;
}

/* archives[index] is the account just read; those below it stand before it, the outer one first. */
static enum verify_fault link_check(struct verifier *v, const struct archive *archives,
                                    const struct verify_result *outer, uint32_t index)
{
    const struct archive *archive = &archives[index];
    const struct verify_result *result = v->result;
    uint32_t holder = 0;
    struct verify_item *link = link_find(archives, index, &result->learner, &holder);
    if (link == NULL) {
        return fault_at(v, VERIFY_FAULT_LINK, 0);
    }
    const struct hash32 *into = holder == 0 ? &outer->learner : &outer->linked[holder - 1].learner;
    if (result->account_status != VERIFY_ACCOUNT_MERGED ||
        archive->account.item_count != link->link.item_count ||
        (archive->summarised &&
         !bytes_equal(archive->summary.merged_into, (struct bytes){into->bytes, 32}))) {
        return fault_at(v, VERIFY_FAULT_LINK, link->number);
    }
    uint64_t holder_height = holder == 0 ? 0 : outer->linked[holder - 1].link_height;
    v->result->link_height = link->height > holder_height ? link->height : holder_height;
    enum verify_fault fault = link_root_check(v, archive, link, &link->link.state);
    return fault == VERIFY_FAULT_NONE ? fault : fault_at(v, fault, link->number);
}

static enum verify_fault linked_check(struct verifier *v, struct bytes message,
                                      struct archive *archives, const struct verify_result *outer,
                                      uint32_t index)
{
    struct reader reader;
    reader_init(&reader, message);
    enum verify_fault fault = account_archive_check(v, &reader, &archives[index]);
    return fault == VERIFY_FAULT_NONE ? link_check(v, archives, outer, index) : fault;
}

static uint32_t linked_count(struct reader reader)
{
    struct bytes message;
    uint32_t count = 0;
    while (reader_next(&reader, 6, &message)) {
        count++;
    }
    return count;
}

enum verify_fault archive_check(struct verifier *v, struct bytes message)
{
    struct archive archives[1 + LIMIT_LINKS_MAX];
    struct verify_result *outer = v->result;
    struct reader reader;
    memset(archives, 0, sizeof archives);
    v->outer = true;
    reader_init(&reader, message);
    enum verify_fault fault = account_archive_check(v, &reader, &archives[0]);
    v->outer = false;
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    uint32_t count = linked_count(reader);
    if (count > LIMIT_LINKS_MAX) {
        return VERIFY_FAULT_LINK;
    }
    struct verify_result *linked =
        scratch_take_high(v, count * sizeof *linked, _Alignof(struct verify_result));
    if (linked == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    memset(linked, 0, count * sizeof *linked);
    outer->linked = linked;
    for (uint32_t i = 0; i < count && fault == VERIFY_FAULT_NONE; i++) {
        (void)reader_next(&reader, 6, &message);
        v->result = &linked[i];
        v->result->kind = VERIFY_ARCHIVE;
        fault = linked_check(v, message, archives, outer, i + 1);
        outer->fault_number = linked[i].fault_number;
        outer->linked_count++;
    }
    v->result = outer;
    return fault;
}
