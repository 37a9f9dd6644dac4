#include "tests/sim/envelope.h"

#include "proto/bytes.h"

struct envelope *envelope_new(uint8_t type, struct bytes body)
{
    struct envelope *envelope = malloc(sizeof *envelope + body.size);
    CHECK(envelope != NULL);
    *envelope = (struct envelope){.holders = 1, .type = type, .size = body.size};
    if (body.size > 0) {
        memcpy(envelope->data, body.data, body.size);
    }
    return envelope;
}

struct envelope *envelope_hold(struct envelope *envelope)
{
    envelope->holders++;
    return envelope;
}

void envelope_let_go(struct envelope *envelope)
{
    if (envelope != NULL && --envelope->holders == 0) {
        free(envelope);
    }
}

struct bytes envelope_body(const struct envelope *envelope)
{
    return bytes_of(envelope->size == 0 ? NULL : envelope->data, envelope->size);
}

enum status envelope_read(struct envelope *envelope, struct chain *chain,
                          const struct pbft_message **message)
{
    if (!envelope->read) {
        struct arena arena = chain_scratch(chain);
        envelope->read = true;
        envelope->status = pbft_message_parse(&envelope->message, envelope->type,
                                              envelope_body(envelope), &chain->chain_id, &arena);
    }
    *message = &envelope->message;
    return envelope->status;
}

bool envelope_signed_by(struct envelope *envelope, struct keys *keys, const struct pubkey33 *key)
{
    CHECK(envelope->read && envelope->status == ST_OK);
    if (!envelope->checked || pubkey33_compare(&envelope->key, key) != 0) {
        envelope->checked = true;
        envelope->key = *key;
        envelope->good =
            keys_verify(keys, key, &envelope->message.hash, &envelope->message.signature);
    }
    return envelope->good;
}
