#include "ledger/access.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/items.h"
#include "ledger/state/keys.h"
#include "ledger/state/registry.h"
#include "ledger/tx/rules.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_outcome.pb-c.h"

enum {
    MEMBERS = XUELIAN__COLLECTION__COLLECTION_MEMBERS,
    RULES = XUELIAN__COLLECTION__COLLECTION_RULES,
    CATALOGUE = XUELIAN__COLLECTION__COLLECTION_CATALOGUE,
    MEMBER_ENDED = 2,
    VERSION_WORDS = 1024, /* a version and its content */
    RECORD_WORDS = 1024   /* a rule, a catalogue entry */
};

/* ---- Records ---- */

/* A registry record by its number. ST_NOT_FOUND when there is none. */
static enum status record(const struct ledger_view *view, uint32_t collection, uint32_t number,
                          const ProtobufCMessageDescriptor *schema, void *memory, size_t room,
                          ProtobufCMessage **message)
{
    uint8_t key[4];
    uint8_t *value = NULL;
    size_t size = 0;
    struct arena arena;
    be32_put(key, number);
    enum status status = ledger_view_record(view, collection, bytes_of(key, 4), &value, &size);
    if (status == ST_OK) {
        arena_init(&arena, memory, room);
        status = canonical_decode(message, schema, bytes_of(value, size), &arena) == ST_OK
                     ? ST_OK
                     : ST_CORRUPT;
    }
    kv_free(value);
    return status;
}

/* What a member's record says of a reader's question. */
struct member_facts {
    bool active;
    bool key_in_force;
    bool audits;
    bool settles;
    bool counts;   /* may see statistics whole */
    uint32_t heir; /* its successor, when it has ended */
};

static enum status member_facts(const struct ledger_view *view, uint32_t member,
                                const struct pubkey33 *key, struct member_facts *facts)
{
    uint64_t height = view->header.height + 1;
    void *memory = malloc(MEMBER_MEMORY_SIZE);
    ProtobufCMessage *message = NULL;
    CHECK(memory != NULL);
    memset(facts, 0, sizeof *facts);
    enum status status = record(view, MEMBERS, member, &xuelian__member__descriptor, memory,
                                MEMBER_MEMORY_SIZE, &message);
    if (status == ST_OK) {
        const Xuelian__Member *wire = (const Xuelian__Member *)(const void *)message;
        facts->active = wire->status == 0;
        facts->heir = wire->status == MEMBER_ENDED ? wire->successor : 0;
        facts->audits = registry_may(wire, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_AUDIT);
        facts->counts = registry_may(wire, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_STATISTICS);
        facts->settles = registry_may(wire, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN) &&
                         wire->kind <= XUELIAN__MEMBER_KIND__MEMBER_KIND_CREDIT_BANK;
        for (size_t i = 0; i < wire->n_keys; i++) {
            const Xuelian__MemberKey *known = wire->keys[i];
            if (key != NULL && bytes_equal(field_bytes(&known->key), bytes_of(key, 33)) &&
                known->from_height <= height &&
                (known->to_height == 0 || height < known->to_height)) {
                facts->key_in_force = true;
            }
        }
    }
    free(memory);
    return status;
}

/* Whether a member is the one named, or in its place after its end. */
static enum status stands_for(const struct ledger_view *view, uint32_t member, uint32_t named,
                              bool *stands)
{
    struct member_facts facts;
    *stands = member == named;
    for (uint32_t step = 0; step < LIMIT_SUCCESSORS_MAX && !*stands && named != 0; step++) {
        enum status status = member_facts(view, named, NULL, &facts);
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_OK : status;
        }
        named = facts.heir;
        *stands = named != 0 && member == named;
    }
    return ST_OK;
}

static enum status check_member(const struct ledger_view *view, const struct reader *reader,
                                struct member_facts *facts)
{
    enum status status = member_facts(view, reader->member, &reader->key, facts);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_UNKNOWN_MEMBER : status;
    }
    if (!facts->key_in_force) {
        return ST_WRONG_KEY;
    }
    return facts->active ? ST_OK : ST_MEMBER_INACTIVE;
}

enum status access_existence(const struct ledger_view *view, const struct reader *reader)
{
    struct member_facts facts;
    switch (reader->kind) {
    case READER_OPERATOR:
        return ST_OK;
    case READER_MEMBER:
        return check_member(view, reader, &facts);
    case READER_LEARNER:
    case READER_CODE:
        return ST_NOT_GRANTED;
    case READER_STRANGER:
        break;
    }
    return ST_TOKEN_NEEDED;
}

enum status access_statistics(const struct ledger_view *view, const struct reader *reader)
{
    struct member_facts facts;
    if (reader->kind != READER_MEMBER) {
        return reader->kind == READER_OPERATOR ? ST_OK : ST_NOT_GRANTED;
    }
    enum status status = check_member(view, reader, &facts);
    return status == ST_OK && !facts.counts && !facts.audits ? ST_NOT_GRANTED : status;
}

/* ---- Consents ---- */

static uint32_t today(const struct ledger_view *view)
{
    return date_of_time(view->header.time_ms);
}

static bool key_is(const struct account_key *key, const struct pubkey33 *other)
{
    return key->there && pubkey33_compare(&key->key, other) == 0;
}

static void add_grant(struct access *access, const Xuelian__Consent *consent)
{
    if (consent->n_kinds == 0 && consent->n_items == 0) {
        access->whole = true;
        return;
    }
    struct access_grant *grant = &access->grants[access->grant_count++];
    memset(grant, 0, sizeof *grant);
    for (size_t i = 0; i < consent->n_kinds; i++) {
        grant->kinds |= 1u << consent->kinds[i];
    }
    grant->kinds = consent->n_kinds == 0 ? UINT32_MAX : grant->kinds;
    grant->item_count = (uint32_t)consent->n_items;
    for (size_t i = 0; i < consent->n_items; i++) {
        grant->items[i] = consent->items[i];
    }
}

static bool fits_code(const struct account *account, const struct reader *reader,
                      const Xuelian__Consent *consent)
{
    uint8_t data[32 + sizeof reader->code];
    struct hash32 hash;
    memcpy(data, account->learner.bytes, 32);
    memcpy(data + 32, reader->code, sizeof reader->code);
    hash_tagged(&hash, TAG_CONSENT_CODE, data, sizeof data);
    return bytes_equal(field_bytes(&consent->code_hash), bytes_of(&hash, 32));
}

/* Takes what one consent gives, when it stands. */
static enum status take_consent(const struct ledger_view *view, const struct account *account,
                                const struct reader *reader, uint64_t number, struct access *access)
{
    uint64_t memory[VERSION_WORDS];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *content = NULL;
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = ledger_view_item(view, account->position, number, &value, &size);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    arena_init(&arena, memory, sizeof memory);
    status = canonical_decode(&message, &xuelian__item_version__descriptor, bytes_of(value, size),
                              &arena);
    const Xuelian__ItemVersion *version = (const Xuelian__ItemVersion *)(const void *)message;
    if (status == ST_OK) {
        status = canonical_decode(&content, &xuelian__consent__descriptor,
                                  field_bytes(&version->content), &arena);
    }
    if (status == ST_OK) {
        const Xuelian__Consent *consent = (const Xuelian__Consent *)(const void *)content;
        if (version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID &&
            consent->until_date >= today(view) && consent->n_items <= LIMIT_CONSENT_ITEMS_MAX &&
            (reader->kind != READER_CODE || fits_code(account, reader, consent))) {
            add_grant(access, consent);
        }
    }
    kv_free(value);
    return status == ST_OK ? ST_OK : ST_CORRUPT;
}

/* A merge, a closure or a death ends what was granted. */
static enum status take_consents(const struct ledger_view *view, const struct account *account,
                                 const struct reader *reader, struct access *access)
{
    uint8_t *list = NULL;
    size_t size = 0;
    if (account->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN &&
        account->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN) {
        return ST_OK;
    }
    struct state_key key =
        key_consents(account->position, reader->kind == READER_MEMBER ? reader->member : 0);
    enum status status = kv_get(view->kv, view->snapshot, key_bytes(&key), &list, &size);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (size % 8 != 0 || size / 8 > LIMIT_CONSENTS_MAX) {
        status = ST_CORRUPT;
    }
    for (size_t at = 0; at < size && status == ST_OK; at += 8) {
        status = take_consent(view, account, reader, be64_get(list + at), access);
    }
    kv_free(list);
    return status;
}

/* ---- An account ---- */

static enum status of_learner(const struct ledger_view *view, const struct account *account,
                              const struct reader *reader, struct access *access)
{
    if (!hash32_equal(&reader->learner, &account->learner)) {
        return ST_OK;
    }
    bool guarded = account->guardian_key.there && today(view) <= account->guardian_until;
    if (!key_is(&account->learner_key, &reader->key) &&
        !(guarded && key_is(&account->guardian_key, &reader->key))) {
        return ST_OK; /* nothing; whether there is such an account is not told */
    }
    access->whole = true;
    return ST_OK;
}

static enum status of_member(const struct ledger_view *view, const struct account *account,
                             const struct reader *reader, struct access *access)
{
    struct member_facts facts;
    bool custodian = false;
    enum status status = check_member(view, reader, &facts);
    if (status != ST_OK) {
        return status;
    }
    bool guarded = account->guardian_key.there && today(view) <= account->guardian_until;
    if (!account->learner_key.there && !guarded && !account->merged) {
        status = stands_for(view, reader->member, account->custodian, &custodian);
    }
    access->member = reader->member;
    access->settles = facts.settles;
    access->whole = facts.audits || custodian;
    return status == ST_OK && !access->whole ? take_consents(view, account, reader, access)
                                             : status;
}

static enum status of_account(const struct ledger_view *view, const struct account *account,
                              const struct reader *reader, struct access *access)
{
    switch (reader->kind) {
    case READER_OPERATOR:
        access->whole = true;
        return ST_OK;
    case READER_LEARNER:
        return of_learner(view, account, reader, access);
    case READER_MEMBER:
        return of_member(view, account, reader, access);
    case READER_CODE:
        return take_consents(view, account, reader, access);
    case READER_STRANGER:
        break;
    }
    return ST_TOKEN_NEEDED;
}

enum status access_account(const struct ledger_view *view, const struct account *account,
                           const struct reader *reader, struct access *access)
{
    memset(access, 0, sizeof *access);
    enum status status = of_account(view, account, reader, access);
    struct account into = *account;
    /* Who may read the whole of an account may read what was merged into it. */
    for (uint32_t step = 0; step < LIMIT_LINKS_MAX && status == ST_OK && !access->whole; step++) {
        struct access through;
        if (!into.merged) {
            break;
        }
        struct hash32 next = into.merged_into;
        memset(&through, 0, sizeof through);
        status = ledger_view_account(view, &next, &into);
        if (status == ST_OK) {
            status = of_account(view, &into, reader, &through);
        }
        access->whole = status == ST_OK && through.whole;
    }
    if (status == ST_OK && !access->whole && access->grant_count == 0 && access->member == 0) {
        return ST_NOT_GRANTED;
    }
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

/* ---- An item ---- */

/* The member that answers for an item: it may have to correct, decide or answer. 0: none. */
static enum status answers_for(const struct ledger_view *view, const Xuelian__ItemVersion *version,
                               struct arena *arena, uint32_t *member)
{
    static const ProtobufCMessageDescriptor *const schemas[] = {
        [XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME] = &xuelian__outcome__descriptor,
        [XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION] = &xuelian__recognition__descriptor,
        [XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION] = &xuelian__conversion__descriptor,
        [XUELIAN__ITEM_KIND__ITEM_KIND_POINTS] = &xuelian__points_entry__descriptor,
        [XUELIAN__ITEM_KIND__ITEM_KIND_CONSENT] = &xuelian__consent__descriptor,
        [XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE] = &xuelian__dispute__descriptor,
    };
    uint64_t memory[RECORD_WORDS];
    ProtobufCMessage *content = NULL;
    ProtobufCMessage *found = NULL;
    uint32_t rule = 0;
    uint32_t entry = 0;
    *member = 0;
    if ((uint32_t)version->kind >= sizeof schemas / sizeof schemas[0] ||
        schemas[version->kind] == NULL) {
        return ST_OK;
    }
    if (canonical_decode(&content, schemas[version->kind], field_bytes(&version->content), arena) !=
        ST_OK) {
        return ST_CORRUPT;
    }
    const void *wire = content;
    switch (version->kind) {
    case XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME:
        *member = ((const Xuelian__Outcome *)wire)->issuer;
        break;
    case XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION:
        *member = ((const Xuelian__Recognition *)wire)->recogniser;
        break;
    case XUELIAN__ITEM_KIND__ITEM_KIND_CONSENT:
        *member = ((const Xuelian__Consent *)wire)->grantee;
        break;
    case XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE:
        *member = ((const Xuelian__Dispute *)wire)->respondent;
        break;
    case XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION:
        rule = ((const Xuelian__Conversion *)wire)->rule;
        break;
    case XUELIAN__ITEM_KIND__ITEM_KIND_POINTS:
        rule = ((const Xuelian__PointsEntry *)wire)->rule;
        entry = ((const Xuelian__PointsEntry *)wire)->entry;
        break;
    case XUELIAN__ITEM_KIND__ITEM_KIND_UNSPECIFIED:
    case XUELIAN__ITEM_KIND__ITEM_KIND_KEY:
    case XUELIAN__ITEM_KIND__ITEM_KIND_LINK:
    case _XUELIAN__ITEM_KIND_IS_INT_SIZE:
        break;
    }
    enum status status = ST_OK;
    if (rule != 0) {
        status =
            record(view, RULES, rule, &xuelian__rule__descriptor, memory, sizeof memory, &found);
        *member = status == ST_OK ? ((const Xuelian__Rule *)(const void *)found)->owner : 0;
    } else if (entry != 0) {
        status = record(view, CATALOGUE, entry, &xuelian__catalogue_entry__descriptor, memory,
                        sizeof memory, &found);
        *member =
            status == ST_OK ? ((const Xuelian__CatalogueEntry *)(const void *)found)->provider : 0;
    }
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

static bool granted(const struct access *access, const Xuelian__ItemVersion *version)
{
    for (uint32_t i = 0; i < access->grant_count; i++) {
        const struct access_grant *grant = &access->grants[i];
        bool named = grant->item_count == 0;
        for (uint32_t k = 0; k < grant->item_count && !named; k++) {
            named = grant->items[k] == version->item;
        }
        if (named && (grant->kinds >> version->kind & 1u) != 0) {
            return true;
        }
    }
    return false;
}

enum status access_item(const struct ledger_view *view, const struct access *access,
                        struct bytes bytes, bool *shown)
{
    uint64_t memory[VERSION_WORDS];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint32_t member = 0;
    *shown = access->whole;
    if (*shown) {
        return ST_OK;
    }
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    const Xuelian__ItemVersion *version = (const Xuelian__ItemVersion *)(const void *)message;
    *shown = granted(access, version) ||
             (access->settles &&
              (version->dispute != 0 || version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE));
    if (*shown || access->member == 0) {
        return ST_OK;
    }
    enum status status = answers_for(view, version, &arena, &member);
    return status == ST_OK ? stands_for(view, access->member, member, shown) : status;
}
