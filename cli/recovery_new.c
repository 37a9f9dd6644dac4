/* A new recovery: the highest certified block that any survivor holds, and the set without those that are lost. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/file.h"
#include "cli/recovery.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { NEWEST_FILE_MAX = 65536, ADDRESS_MAX = 64 };

/* What one node holds: the output of xueliand newest. */
struct newest {
    const char *path;
    struct pubkey33 key;
    struct header header;
    struct hash32 hash;
    struct validator_set set;
    uint64_t journal_height;
    uint64_t incarnation;
    bool journal;
};

struct making {
    const struct recovery_values *values;
    struct genesis genesis;
    struct newest *newest;
    const struct newest *base;
    struct validator_set set;
    Xuelian__RecoveryNode nodes[RECOVERY_LIST_MAX];
    struct pubkey33 keys[RECOVERY_LIST_MAX];
    char addresses[RECOVERY_LIST_MAX][ADDRESS_MAX + 1];
    char *address_lists[RECOVERY_LIST_MAX][1];
    uint32_t node_count;
};

/* ---- What the survivors hold ---- */

static bool take_bytes(const json_t *object, const char *name, uint8_t *out, size_t room,
                       size_t *size)
{
    const char *text = json_string_value(json_object_get(object, name));
    *size = text == NULL ? 0 : strlen(text) / 2;
    return text != NULL && *size <= room && hex_decode(out, *size, text, strlen(text)) == ST_OK;
}

static bool take_newest(struct newest *out, const json_t *object, const struct genesis *genesis)
{
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t set[VALIDATOR_SET_SIZE_MAX];
    size_t header_size = 0;
    size_t set_size = 0;
    struct hash32 hash;
    if (!json_hex(object, "key", out->key.bytes, 33) ||
        !take_bytes(object, "header", header, sizeof header, &header_size) ||
        !take_bytes(object, "set", set, sizeof set, &set_size) ||
        header_decode(&out->header, bytes_of(header, header_size)) != ST_OK ||
        validator_set_decode(&out->set, bytes_of(set, set_size)) != ST_OK) {
        return false;
    }
    header_hash(&out->hash, &out->header);
    validator_set_hash(&hash, &out->set);
    out->journal_height = json_u64(object, "journal_height");
    out->incarnation = json_u64(object, "incarnation");
    out->journal = json_is_true(json_object_get(object, "journal"));
    return hash32_equal(&hash, &out->header.next_validators_hash) &&
           hash32_equal(&out->header.chain_id, &genesis->chain_id);
}

static bool read_newest(struct making *making, uint32_t index, struct fault *fault)
{
    struct newest *out = &making->newest[index];
    uint8_t *data = NULL;
    size_t size = 0;
    out->path = making->values->newest[index];
    if (!file_read(out->path, NEWEST_FILE_MAX, &data, &size, fault)) {
        return false;
    }
    json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    bool good = take_newest(out, object, &making->genesis);
    json_decref(object);
    free(data);
    return good ||
           fault_set(fault, EXIT_USAGE,
                     "%s is not what xueliand newest prints for this network; make it again on "
                     "that node",
                     "%s不是本网络中 xueliand newest 的输出；请在该节点上重新生成", out->path);
}

/* The highest; two at one height must be the same. */
static bool choose_base(struct making *making, struct fault *fault)
{
    const struct recovery_values *values = making->values;
    const struct newest *highest = &making->newest[0];
    for (uint32_t i = 1; i < values->newest_count; i++) {
        const struct newest *other = &making->newest[i];
        if (other->header.height == highest->header.height &&
            !hash32_equal(&other->hash, &highest->hash)) {
            return fault_set(fault, EXIT_REFUSED,
                             "%s and %s hold different blocks of height %" PRIu64
                             ": two were certified, so more than f validators are traitors; keep "
                             "both data directories and ask for an audit",
                             "%s与%s在高度%" PRIu64
                             "持有不同区块：作恶的验证者超过f个；请保留两者的数据目录并要求审计",
                             highest->path, other->path, highest->header.height);
        }
        highest = other->header.height > highest->header.height ? other : highest;
    }
    making->base = highest;
    for (uint32_t i = 0; i < values->newest_count && values->has_from; i++) {
        making->base =
            making->newest[i].header.height == values->from ? &making->newest[i] : making->base;
    }
    if (values->has_from && making->base->header.height != values->from) {
        return fault_set(fault, EXIT_USAGE,
                         "none of the files is of block %llu; leave --from out to go on from block "
                         "%" PRIu64,
                         "所给文件中没有区块%llu；省略 --from 即依据区块%" PRIu64, values->from,
                         highest->header.height);
    }
    return true;
}

/* A vote journal can know of a certified block that no log has. */
static bool check_journals(const struct making *making, struct fault *fault)
{
    for (uint32_t i = 0; i < making->values->newest_count; i++) {
        const struct newest *one = &making->newest[i];
        if (one->journal_height > making->base->header.height && !making->values->has_from) {
            return fault_set(
                fault, EXIT_REFUSED,
                "%s: its vote journal shows that block %" PRIu64
                " was certified, above block %" PRIu64
                "; look for that block on the other nodes. Only if nobody has it, say so with "
                "--from %" PRIu64,
                "%s：其投票日志表明区块%" PRIu64 "已被认证，高于区块%" PRIu64
                "；请在其他节点上寻找。确认无人持有时，才用 --from %" PRIu64 " 明示",
                one->path, one->journal_height, making->base->header.height,
                making->base->header.height);
        }
    }
    return true;
}

/* ---- The new set ---- */

static bool is_lost(const struct recovery_values *values, uint32_t member)
{
    for (uint32_t i = 0; i < values->lost_count; i++) {
        if (values->lost[i] == member) {
            return true;
        }
    }
    return false;
}

static const struct newest *newest_of(const struct making *making, const struct pubkey33 *key)
{
    for (uint32_t i = 0; i < making->values->newest_count; i++) {
        if (pubkey33_compare(&making->newest[i].key, key) == 0) {
            return &making->newest[i];
        }
    }
    return NULL;
}

static bool keep_survivors(struct making *making, struct fault *fault)
{
    const struct recovery_values *values = making->values;
    const struct validator_set *old = &making->base->set;
    uint32_t lost = 0;
    making->set.era = making->base->header.height + 2;
    for (uint32_t i = 0; i < old->count; i++) {
        const struct validator *one = &old->validators[i];
        const struct newest *held = newest_of(making, &one->key);
        if (is_lost(values, one->member)) {
            lost++;
            continue;
        }
        if (held != NULL && (!held->journal || held->incarnation != one->incarnation)) {
            return fault_set(
                fault, EXIT_REFUSED,
                "the validator of member %u is named with incarnation %" PRIu64
                ", and its vote journal is not of that one: it could not vote. Say --lost %u "
                "--add %u:KEY:INCARNATION with that of its new journal",
                "机构%u的验证者任期为%" PRIu64
                "，与其投票日志不符，无法投票。请用 --lost %u --add %u:密钥:任期，写明新日志的任期",
                (unsigned)one->member, one->incarnation, (unsigned)one->member,
                (unsigned)one->member);
        }
        making->set.validators[making->set.count++] = *one;
    }
    return lost == values->lost_count ||
           fault_set(
               fault, EXIT_USAGE,
               "not every member named by --lost has a validator in the set of block %" PRIu64,
               "--lost 所列机构并非都在区块%" PRIu64 "的验证者集合中", making->base->header.height);
}

/* MEMBER:KEY:INCARNATION[:HOST:PORT] */
static bool read_add(const char *text, struct validator *out, const char **address)
{
    char part[3][80];
    const char *at = text;
    unsigned long long member = 0;
    unsigned long long incarnation = 0;
    for (int i = 0; i < 3; i++) {
        size_t size = strcspn(at, ":");
        if (size >= sizeof part[i] || (i < 2 && at[size] != ':')) {
            return false;
        }
        memcpy(part[i], at, size);
        part[i][size] = '\0';
        at += size + (at[size] == ':');
    }
    *address = *at != '\0' ? at : NULL;
    if (!parse_u64(part[0], UINT32_MAX, &member) || member == 0 ||
        !parse_u64(part[2], UINT64_MAX, &incarnation) ||
        hex_decode(out->key.bytes, 33, part[1], strlen(part[1])) != ST_OK ||
        !sign_key_valid(&out->key) || (*address != NULL && strlen(*address) > ADDRESS_MAX)) {
        return false;
    }
    out->member = (uint32_t)member;
    out->incarnation = incarnation;
    return true;
}

static void set_insert(struct validator_set *set, const struct validator *one)
{
    uint32_t at = set->count++;
    for (; at > 0; at--) {
        const struct validator *before = &set->validators[at - 1];
        if (before->joined < one->joined ||
            (before->joined == one->joined && pubkey33_compare(&before->key, &one->key) < 0)) {
            break;
        }
        set->validators[at] = *before;
    }
    set->validators[at] = *one;
}

/* Nodes stand in the order of their keys. */
static void add_address(struct making *making, const struct pubkey33 *key, const char *address)
{
    uint32_t at = making->node_count++;
    for (; at > 0 && pubkey33_compare(key, &making->keys[at - 1]) < 0; at--) {
        making->keys[at] = making->keys[at - 1];
        memcpy(making->addresses[at], making->addresses[at - 1], sizeof making->addresses[at]);
    }
    making->keys[at] = *key;
    snprintf(making->addresses[at], sizeof making->addresses[at], "%s", address);
}

static bool add_new(struct making *making, struct fault *fault)
{
    const struct validator_set *old = &making->base->set;
    for (uint32_t i = 0; i < making->values->add_count; i++) {
        const char *text = making->values->add[i];
        struct validator one = {.joined = making->set.era};
        const char *address = NULL;
        if (!read_add(text, &one, &address)) {
            return fault_set(fault, EXIT_USAGE,
                             "--add is MEMBER:KEY:INCARNATION or MEMBER:KEY:INCARNATION:HOST:PORT, "
                             "not %s",
                             "--add 应为 机构:密钥:任期 或 机构:密钥:任期:主机:端口，而不是 %s",
                             text);
        }
        int was = validator_set_find(old, &one.key);
        one.joined = was < 0 ? one.joined : old->validators[was].joined;
        if (making->set.count == LIMIT_VALIDATORS_MAX) {
            return fault_set(fault, EXIT_USAGE, "a set has at most 64 validators",
                             "验证者集合至多 64 个");
        }
        set_insert(&making->set, &one);
        if (address != NULL) {
            add_address(making, &one.key, address);
        }
    }
    return making->set.count > 0 ||
           fault_set(fault, EXIT_USAGE, "nobody is left: name new validators with --add",
                     "没有剩余的验证者：请用 --add 指明新的验证者");
}

/* ---- The record ---- */

static bool write_record(struct making *making, struct fault *fault)
{
    Xuelian__Recovery wire = XUELIAN__RECOVERY__INIT;
    Xuelian__RecoveryNode *nodes[RECOVERY_LIST_MAX];
    uint8_t set[VALIDATOR_SET_SIZE_MAX];
    char reason[LIMIT_RECOVERY_REASON_MAX + 1];
    struct recovery *made = calloc(1, sizeof *made);
    uint8_t *body = malloc(LIMIT_RECOVERY_SIZE_MAX);
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    struct arena arena;
    bool good = made != NULL && body != NULL && memory != NULL;
    snprintf(reason, sizeof reason, "%s", making->values->reason);
    wire.chain_id = field_borrow(&making->genesis.chain_id, 32);
    wire.height = making->base->header.height;
    wire.header_hash = field_borrow(&making->base->hash, 32);
    wire.next_set = field_borrow(set, validator_set_encode(set, &making->set));
    wire.reason = reason;
    for (uint32_t i = 0; i < making->node_count; i++) {
        xuelian__recovery_node__init(&making->nodes[i]);
        making->nodes[i].key = field_borrow(&making->keys[i], 33);
        making->address_lists[i][0] = making->addresses[i];
        making->nodes[i].n_addresses = 1;
        making->nodes[i].addresses = making->address_lists[i];
        nodes[i] = &making->nodes[i];
    }
    wire.n_nodes = making->node_count;
    wire.nodes = nodes;
    if (!good) {
        fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    } else {
        arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
        size_t size = canonical_encode(body, &wire.base);
        enum status status = recovery_decode(made, bytes_of(body, size), true, &arena);
        good = status == ST_OK ||
               fault_set(fault, EXIT_USAGE,
                         "the new set is none: %s%.0s; is a member or a key there twice?",
                         "新的验证者集合无效：%.0s%s；是否有重复的机构或密钥？", status_en(status),
                         status_zh(status));
        good = good && recovery_file_write(making->values->output, made, false, fault);
    }
    free(memory);
    free(body);
    free(made);
    return good;
}

bool recovery_new(const struct recovery_values *values, struct fault *fault)
{
    struct making *making = calloc(1, sizeof *making);
    if (making == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    making->values = values;
    making->newest = calloc(values->newest_count + 1u, sizeof *making->newest);
    bool good = making->newest != NULL &&
                recovery_genesis_read(&making->genesis, values->genesis_path, fault);
    bool opened = good;
    if (good && making->genesis.recovery.threshold == 0) {
        good = fault_set(fault, EXIT_REFUSED, "%s%.0s", "%.0s%s", status_en(ST_NO_RECOVERY),
                         status_zh(ST_NO_RECOVERY));
    }
    for (uint32_t i = 0; i < values->newest_count && good; i++) {
        good = read_newest(making, i, fault);
    }
    good = good && choose_base(making, fault) && check_journals(making, fault) &&
           keep_survivors(making, fault) && add_new(making, fault) && write_record(making, fault);
    if (opened) {
        genesis_free(&making->genesis);
    }
    free(making->newest);
    free(making);
    return good;
}
