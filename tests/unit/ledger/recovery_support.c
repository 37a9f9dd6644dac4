#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/recovery_support.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { KEYS = 3, SECRET = 201 };

/* Their secrets, in the order of the keys. */
static void ordered(uint8_t secrets[KEYS])
{
    for (uint8_t i = 0; i < KEYS; i++) {
        uint8_t at = i;
        for (; at > 0 && memcmp(governed_key((uint8_t)(SECRET + i)).data,
                                governed_key(secrets[at - 1]).data, 33) < 0;
             at--) {
            secrets[at] = secrets[at - 1];
        }
        secrets[at] = (uint8_t)(SECRET + i);
    }
}

void recovery_genesis(Xuelian__Genesis *genesis)
{
    static Xuelian__RecoveryKey keys[KEYS];
    static Xuelian__RecoveryKey *list[KEYS];
    static char holder[] = "省教育厅";
    uint8_t secrets[KEYS];
    ordered(secrets);
    for (uint32_t i = 0; i < KEYS; i++) {
        xuelian__recovery_key__init(&keys[i]);
        keys[i].key = governed_key(secrets[i]);
        keys[i].holder = holder;
        list[i] = &keys[i];
    }
    genesis->recovery_keys = list;
    genesis->n_recovery_keys = KEYS;
    genesis->recovery_threshold = 2;
}

void recovery_begin(struct made_recovery *made, struct governed *network)
{
    made->set = *ledger_set(network->ledger);
    made->height = ledger_tip(network->ledger)->height;
    made->set.era = made->height + 2;
    made->header_hash = *ledger_tip_hash(network->ledger);
    made->chain_id = network->genesis.chain_id;
    made->reason = "机房火灾 fire in the machine room";
    made->address = NULL;
    made->signers[0] = 1;
    made->signers[1] = 3;
    made->signers[2] = 0;
    made->spoil_signature = false;
}

static struct pubkey33 key_of(uint8_t secret)
{
    struct pubkey33 key;
    ProtobufCBinaryData field = governed_key(secret);
    memcpy(key.bytes, field.data, 33);
    return key;
}

void recovery_drop(struct made_recovery *made, uint8_t secret)
{
    struct pubkey33 key = key_of(secret);
    int at = validator_set_find(&made->set, &key);
    assert_true(at >= 0);
    made->set.count--;
    for (uint32_t i = (uint32_t)at; i < made->set.count; i++) {
        made->set.validators[i] = made->set.validators[i + 1];
    }
}

void recovery_seat(struct made_recovery *made, uint32_t member, uint8_t secret,
                   uint64_t incarnation)
{
    struct validator seated = {.key = key_of(secret),
                               .member = member,
                               .joined = made->set.era,
                               .incarnation = incarnation};
    uint32_t at = made->set.count++;
    for (; at > 0 && made->set.validators[at - 1].joined == seated.joined &&
           pubkey33_compare(&seated.key, &made->set.validators[at - 1].key) < 0;
         at--) {
        made->set.validators[at] = made->set.validators[at - 1];
    }
    made->set.validators[at] = seated;
}

static size_t encode_body(const struct made_recovery *made, uint8_t *out)
{
    static uint8_t set[VALIDATOR_SET_SIZE_MAX];
    Xuelian__Recovery wire = XUELIAN__RECOVERY__INIT;
    Xuelian__RecoveryNode node = XUELIAN__RECOVERY_NODE__INIT;
    Xuelian__RecoveryNode *nodes[1] = {&node};
    char reason[2048];
    char address[128];
    char *addresses[1] = {address};
    snprintf(reason, sizeof reason, "%s", made->reason);
    wire.chain_id = field_borrow(&made->chain_id, 32);
    wire.height = made->height;
    wire.header_hash = field_borrow(&made->header_hash, 32);
    wire.next_set = field_borrow(set, validator_set_encode(set, &made->set));
    wire.reason = reason;
    if (made->address != NULL) {
        snprintf(address, sizeof address, "%s", made->address);
        node.key = field_borrow(&made->set.validators[0].key, 33);
        node.n_addresses = 1;
        node.addresses = addresses;
        wire.nodes = nodes;
        wire.n_nodes = 1;
    }
    return canonical_encode(out, &wire.base);
}

enum status recovery_make(struct made_recovery *made)
{
    static uint8_t body[8192];
    Xuelian__SignedRecovery wire = XUELIAN__SIGNED_RECOVERY__INIT;
    Xuelian__RecoverySignature signatures[4];
    Xuelian__RecoverySignature *list[4];
    struct sig64 bytes[4];
    struct hash32 hash;
    struct arena arena;
    uint8_t secrets[KEYS];
    size_t size = encode_body(made, body);
    ordered(secrets);
    hash_tagged(&hash, TAG_SIGN_RECOVERY, body, size);
    for (uint32_t i = 0; i < 4 && made->signers[i] != 0; i++) {
        uint32_t place = made->signers[i];
        struct signer *signer = support_signer(place <= KEYS ? secrets[place - 1] : 250);
        signer_sign(signer, &hash, &bytes[i]);
        signer_free(signer);
        bytes[i].bytes[5] ^= made->spoil_signature;
        xuelian__recovery_signature__init(&signatures[i]);
        signatures[i].key = place;
        signatures[i].signature = field_borrow(&bytes[i], 64);
        list[wire.n_signatures++] = &signatures[i];
    }
    wire.signatures = list;
    wire.recovery = field_borrow(body, size);
    made->size = canonical_encode(made->bytes, &wire.base);
    arena_init(&arena, made->memory, sizeof made->memory);
    return recovery_decode(&made->recovery, bytes_of(made->bytes, made->size), false, &arena);
}
