/* 密钥: what a member does about its own keys at once, without anybody's approval. */
#include "ledger/tx/govern.h"
#include "proto/convert.h"

/* One signer, a member; its record on a draft. */
static enum status own_record(struct draft *draft, const struct tx *tx, Xuelian__Member **member,
                              uint32_t *code)
{
    if (tx->signer_count != 1 || tx->signers[0].role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    return draft_member_open(draft, tx->signers[0].member, member, code);
}

static void put_own(struct draft *draft, const Xuelian__Member *member)
{
    draft_put_numbered(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, member->id, &member->base);
}

/* The new key acts from the next height; the one that signed acts up to it, or on. */
TX_RULE(member_key_rotate_apply)
{
    const Xuelian__MemberKeyRotation *wish =
        (const Xuelian__MemberKeyRotation *)(const void *)tx->messages[index];
    struct draft *draft = draft_new(state, context);
    Xuelian__Member *member = NULL;
    Xuelian__MemberKey *room[LIMIT_MEMBER_KEYS_MAX];
    Xuelian__MemberKey made = XUELIAN__MEMBER_KEY__INIT;
    struct pubkey33 key = {{0}};
    enum status status = own_record(draft, tx, &member, code);
    if (status == ST_OK && *code == ST_OK &&
        (!field_copy(&key, 33, &wish->key) || !sign_key_valid(&key))) {
        *code = ST_BAD_FIELD;
    }
    if (status == ST_OK && *code == ST_OK) {
        made.key = wish->key;
        made.from_height = context->height + 1;
        status = draft_key_add(draft, member, room, &made, code);
    }
    if (status == ST_OK && *code == ST_OK && !wish->keep) {
        ProtobufCBinaryData old = field_borrow(&tx->signers[0].key, 33);
        status = draft_key_end(draft, member, &old, context->height + 1, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        put_own(draft, member);
        status = draft_write(draft);
    }
    draft_free(draft);
    return status;
}

TX_RULE(member_key_revoke_apply)
{
    const Xuelian__MemberKeyRevocation *wish =
        (const Xuelian__MemberKeyRevocation *)(const void *)tx->messages[index];
    struct draft *draft = draft_new(state, context);
    Xuelian__Member *member = NULL;
    enum status status = own_record(draft, tx, &member, code);
    if (status == ST_OK && *code == ST_OK && wish->from_height > context->height + 1) {
        *code = ST_BAD_FIELD;
    }
    if (status == ST_OK && *code == ST_OK) {
        status =
            draft_key_end(draft, member, &wish->key,
                          wish->from_height != 0 ? wish->from_height : context->height + 1, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        put_own(draft, member);
        status = govern_check_left(draft, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = draft_write(draft);
    }
    draft_free(draft);
    return status;
}
