/* Which bytes of an effect are borrowed, said once for every driver that queues effects. */
#include "consensus/core.h"

/* At most two; the checks of a VERIFY are seen as bytes. */
static void borrowed(const struct pbft_effect *effect, struct bytes fields[2])
{
    fields[0] = bytes_of(NULL, 0);
    fields[1] = bytes_of(NULL, 0);
    switch (effect->type) {
    case PBFT_PERSIST:
        fields[0] = effect->persist.record;
        fields[1] = effect->persist.new_view;
        break;
    case PBFT_SEND:
        fields[0] = effect->send.body;
        break;
    case PBFT_EXECUTE:
        fields[0] = effect->execute.proposal;
        fields[1] = effect->execute.header;
        break;
    case PBFT_FETCH_BODIES:
        fields[0] = effect->fetch_bodies.proposal;
        break;
    case PBFT_VERIFY:
        fields[0] =
            bytes_of(effect->verify.checks, effect->verify.count * sizeof *effect->verify.checks);
        break;
    case PBFT_COMMIT:
        fields[0] = effect->commit.header;
        fields[1] = effect->commit.certificate;
        break;
    case PBFT_EVIDENCE:
        fields[0] = effect->evidence.first;
        fields[1] = effect->evidence.second;
        break;
    case PBFT_CANCEL:
    case PBFT_DISCARD:
    case PBFT_FETCH_BLOCKS:
    case PBFT_ALARM:
        break;
    }
}

static void point_at(struct pbft_effect *effect, const struct bytes fields[2])
{
    switch (effect->type) {
    case PBFT_PERSIST:
        effect->persist.record = fields[0];
        effect->persist.new_view = fields[1];
        break;
    case PBFT_SEND:
        effect->send.body = fields[0];
        break;
    case PBFT_EXECUTE:
        effect->execute.proposal = fields[0];
        effect->execute.header = fields[1];
        break;
    case PBFT_FETCH_BODIES:
        effect->fetch_bodies.proposal = fields[0];
        break;
    case PBFT_VERIFY:
        effect->verify.checks = (const struct pbft_check *)(const void *)fields[0].data;
        break;
    case PBFT_COMMIT:
        effect->commit.header = fields[0];
        effect->commit.certificate = fields[1];
        break;
    case PBFT_EVIDENCE:
        effect->evidence.first = fields[0];
        effect->evidence.second = fields[1];
        break;
    case PBFT_CANCEL:
    case PBFT_DISCARD:
    case PBFT_FETCH_BLOCKS:
    case PBFT_ALARM:
        break;
    }
}

static size_t rounded(size_t size)
{
    return (size + 7) / 8 * 8;
}

size_t pbft_effect_borrowed_size(const struct pbft_effect *effect)
{
    struct bytes fields[2];
    borrowed(effect, fields);
    return rounded(fields[0].size) + rounded(fields[1].size);
}

void pbft_effect_copy(struct pbft_effect *out, uint8_t *memory, const struct pbft_effect *effect)
{
    struct bytes fields[2];
    *out = *effect;
    borrowed(effect, fields);
    for (size_t i = 0, used = 0; i < 2; i++) {
        if (fields[i].size == 0) {
            fields[i] = bytes_of(NULL, 0);
            continue;
        }
        memcpy(memory + used, fields[i].data, fields[i].size);
        memset(memory + used + fields[i].size, 0, rounded(fields[i].size) - fields[i].size);
        fields[i].data = memory + used;
        used += rounded(fields[i].size);
    }
    point_at(out, fields);
}
