/* Archive proofs: an account with all its items, and the accounts that were merged into it. */
#include <stdlib.h>
#include <string.h>

#include "ledger/proof_build.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/ledger.pb-c.h"

/* One account, and the link that names it: height 0 for the first. */
struct linked_account {
    struct hash32 learner;
    uint64_t link_height;
};

/* The accounts of one archive: the first, then each after the one with its link. */
struct accounts {
    struct linked_account list[1 + LIMIT_LINKS_MAX];
    uint32_t count;
};

static bool any_withheld(const bool *withhold, size_t count)
{
    for (size_t i = 0; withhold != NULL && i < count; i++) {
        if (withhold[i]) {
            return true;
        }
    }
    return false;
}

/* Notes the account that a link names. */
static void note_link(struct accounts *accounts, struct bytes version)
{
    uint64_t memory[512];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (accounts->count > LIMIT_LINKS_MAX ||
        canonical_decode(&message, &xuelian__item_version__descriptor, version, &arena) != ST_OK) {
        return;
    }
    const Xuelian__ItemVersion *item = (const Xuelian__ItemVersion *)(const void *)message;
    if (item->kind != XUELIAN__ITEM_KIND__ITEM_KIND_LINK ||
        canonical_decode(&message, &xuelian__link__descriptor, field_bytes(&item->content),
                         &arena) != ST_OK) {
        return;
    }
    struct linked_account *made = &accounts->list[accounts->count];
    if (field_copy(&made->learner, 32, &((const Xuelian__Link *)(const void *)message)->other)) {
        made->link_height = item->height;
        accounts->count++;
    }
}

/* Fills an archive of one account; withhold as in proof_archive. NULL: nothing, and its links are noted. */
static enum status fill(struct builder *builder, const struct linked_account *of,
                        const bool *withhold, struct accounts *accounts,
                        Xuelian__ArchiveProof *archive)
{
    struct account account;
    struct merkle_leaf leaf;
    struct build_items items;
    enum status status = ledger_view_account(builder->view, &of->learner, &account);
    if (status != ST_OK) {
        return status;
    }
    size_t count = (size_t)account.items.size;
    Xuelian__LeafPath *path = build_zeroed(builder, 1, sizeof *path);
    Xuelian__ArchiveItem *wires = build_zeroed(builder, count, sizeof *wires);
    Xuelian__ArchiveItem **pointers = build_zeroed(builder, count, sizeof(Xuelian__ArchiveItem *));
    uint8_t *summary = build_zeroed(builder, 1, ACCOUNT_SUMMARY_SIZE_MAX);
    xuelian__leaf_path__init(path);
    status = build_leaf_path(builder, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS, account.position,
                             path, &leaf);
    if (status == ST_OK) {
        status = build_items(builder, &account, &items);
    }
    if (status != ST_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        xuelian__archive_item__init(&wires[i]);
        if (withhold != NULL && withhold[i]) {
            wires[i].version_hash = field_borrow(&items.hashes[i], 32);
        } else {
            wires[i].item =
                build_item(builder, account.position, items.versions[i], of->link_height);
            note_link(accounts, items.versions[i]);
        }
        pointers[i] = &wires[i];
    }
    archive->learner = field_borrow(&of->learner, 32);
    archive->leaf = path;
    archive->account_value = build_account_value(builder, &account);
    if (!any_withheld(withhold, count)) {
        archive->summary = field_borrow(summary, account_summary_encode(summary, &account));
    }
    archive->items = pointers;
    archive->n_items = count;
    return ST_OK;
}

/* Archives of the accounts merged into it, with what tells how they stood then. */
static enum status fill_linked(struct builder *builder, struct accounts *accounts,
                               Xuelian__ArchiveProof *archive)
{
    Xuelian__LinkedArchive **pointers =
        build_zeroed(builder, LIMIT_LINKS_MAX, sizeof(Xuelian__LinkedArchive *));
    for (uint32_t i = 1; i < accounts->count; i++) {
        Xuelian__ArchiveProof one = XUELIAN__ARCHIVE_PROOF__INIT;
        enum status status = fill(builder, &accounts->list[i], NULL, accounts, &one);
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_CORRUPT : status;
        }
        Xuelian__LinkedArchive *linked = build_zeroed(builder, 1, sizeof *linked);
        xuelian__linked_archive__init(linked);
        linked->learner = one.learner;
        linked->leaf = one.leaf;
        linked->account_value = one.account_value;
        linked->summary = one.summary;
        linked->items = one.items;
        linked->n_items = one.n_items;
        pointers[archive->n_linked++] = linked;
    }
    archive->linked = pointers;
    return ST_OK;
}

enum status build_archive(struct builder *builder, const struct hash32 *learner,
                          const bool *withhold, Xuelian__ArchiveProof *archive)
{
    struct accounts *accounts = build_zeroed(builder, 1, sizeof *accounts);
    accounts->list[0].learner = *learner;
    accounts->count = 1;
    enum status status = fill(builder, &accounts->list[0], withhold, accounts, archive);
    return status == ST_OK && withhold == NULL ? fill_linked(builder, accounts, archive) : status;
}

enum status proof_archive(const struct ledger_view *view, const struct proof_anchor *anchor,
                          const struct proof_source *source, const struct hash32 *learner,
                          const bool *withhold, uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view, .source = source};
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__ArchiveProof archive = XUELIAN__ARCHIVE_PROOF__INIT;
    enum status status = build_archive(&builder, learner, withhold, &archive);
    if (status == ST_OK) {
        wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_ARCHIVE;
        wire.archive = &archive;
        status = build_pack(&builder, anchor, &wire, proof, size);
    }
    build_release(&builder);
    return status;
}
