#include "cli/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/names.h"
#include "proto/bytes.h"
#include "proto/json/json.h"

/* ---- Loaded and checked ---- */

static bool unreadable(enum status status, struct fault *fault)
{
    if (status == ST_WRONG_CHAIN) {
        return fault_set(fault, EXIT_USAGE,
                         "the evidence belongs to another network than this genesis file; use that "
                         "network's own",
                         "该证据与此创世文件不属于同一网络；请使用该网络的创世文件");
    }
    return fault_set(fault, EXIT_USAGE,
                     "this is no evidence: %s%.0s; get it from a node: xuelian evidence get ID",
                     "这不是证据文件：%.0s%s；请从节点获取：xuelian evidence get ID",
                     status_en(status), status_zh(status));
}

/* To the set of the evidence's era, by the set changes that came with it. */
static bool find_set(struct evidence_path *path, const struct evidence *evidence,
                     const struct genesis *genesis, struct fault *fault)
{
    static const struct hash32 unused = {{0}};
    bool in_era = evidence->era == 1 &&
                  (evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN ||
                   evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_NEW_VIEW);
    enum status status = evidence_path_begin(path, genesis, in_era ? NULL : &unused);
    for (size_t i = 0;
         i < evidence->set_change_count && status == ST_OK && path->set.era < evidence->era; i++) {
        const ProtobufCBinaryData *change = &evidence->set_changes[i];
        status =
            evidence_path_step(path, &genesis->chain_id, bytes_of(change->data, change->len), true);
    }
    if (status != ST_OK) {
        return fault_set(
            fault, EXIT_REFUSED, "a change of the validator set in the file does not hold: %s%.0s",
            "文件中的验证者集合变更不成立：%.0s%s", status_en(status), status_zh(status));
    }
    if (path->set.era == evidence->era) {
        return true;
    }
    return fault_set(fault, EXIT_REFUSED,
                     "the evidence is of era %" PRIu64 ", and the file does not lead from genesis "
                     "to its validators; get it again: xuelian evidence get ID",
                     "证据属于纪元 %" PRIu64 "，文件未包含由创世到该纪元验证者的变更；请重新获取："
                     "xuelian evidence get ID",
                     evidence->era);
}

static bool not_shown(enum status status, struct fault *fault)
{
    if (status == ST_MISSING) {
        return fault_set(fault, EXIT_REFUSED,
                         "whose turn it was to lead that view cannot be told offline, and nothing "
                         "else is wrong with this NEW-VIEW: only nodes of that era could judge it",
                         "离线无法判断该视图应由谁主导，而此 NEW-VIEW 别无错误：只有当时的节点"
                         "能够判定");
    }
    if (status == ST_FUTURE) {
        return fault_set(
            fault, EXIT_REFUSED,
            "this kind of evidence cannot be checked offline in the era of a recovery, "
            "whose block has no certificate: a node has it",
            "恢复所建纪元的起始区块没有证书，此类证据无法离线检查：节点可以检查");
    }
    if (status == ST_UNKNOWN_VALIDATOR) {
        return fault_set(fault, EXIT_REFUSED, "the key was no validator's in that era",
                         "该密钥在该纪元不是验证者的密钥");
    }
    return fault_set(
        fault, EXIT_REFUSED,
        "this shows nothing against the validator: %s%.0s; the file was altered, or made up",
        "这不能证明验证者作恶：%.0s%s；文件被改动或系伪造", status_en(status), status_zh(status));
}

bool evidence_file_open(struct evidence_file *file, struct bytes bytes,
                        const struct genesis *genesis, struct fault *fault)
{
    struct evidence_path path;
    struct arena arena;
    *file = (struct evidence_file){.memory = malloc(EVIDENCE_ROOM(bytes.size))};
    if (file->memory == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    arena_init(&arena, file->memory, EVIDENCE_ROOM(bytes.size));
    enum status status = evidence_read(&file->evidence, bytes, &genesis->chain_id, &arena);
    if (status != ST_OK) {
        return unreadable(status, fault);
    }
    if (!find_set(&path, &file->evidence, genesis, fault)) {
        return false;
    }
    status = evidence_check(&file->evidence, &path, &genesis->chain_id, &file->facts);
    return status == ST_OK || not_shown(status, fault);
}

void evidence_file_free(struct evidence_file *file)
{
    free(file->memory);
    file->memory = NULL;
}

/* ---- Shown ---- */

/* The member's name at genesis, or "". */
static const char *member_name(const struct genesis *genesis, uint32_t member)
{
    for (size_t i = 0; i < genesis->message->n_members; i++) {
        const Xuelian__Member *one = genesis->message->members[i];
        if (one->id == member) {
            return lang_get() == LANG_ZH || one->name_en[0] == '\0' ? one->name_zh : one->name_en;
        }
    }
    return "";
}

static void add_hash(json_t *list, const struct hash32 *hash)
{
    json_array_append_new(list, json_of_bytes(hash->bytes, 32));
}

/* All that names it whole: the words have the first digits alone. */
static json_t *hashes(const struct evidence_facts *facts)
{
    json_t *list = json_array();
    if (facts->kind <= XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VOTES) {
        add_hash(list, &facts->hashes[0]);
        add_hash(list, &facts->hashes[1]);
    } else if (facts->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN) {
        add_hash(list, &facts->hashes[0]);
        add_hash(list, &facts->changes[0].committed_hash);
    } else if (facts->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VIEW_CHANGES) {
        add_hash(list, &facts->changes[0].committed_hash);
        add_hash(list, &facts->changes[1].committed_hash);
    }
    return list;
}

static void print_json(const struct evidence_file *file, const char *id, const char *words)
{
    const struct evidence_facts *facts = &file->facts;
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(id));
    json_object_set_new(object, "kind", json_string(evidence_kind_name(facts->kind)));
    json_object_set_new(object, "era", json_of_u64(file->evidence.era));
    json_object_set_new(object, "key", json_of_bytes(file->evidence.key.bytes, 33));
    json_object_set_new(object, "member", json_integer(facts->member));
    json_object_set_new(object, "view", json_of_u64(facts->view));
    json_object_set_new(object, "block", json_of_u64(facts->height));
    json_object_set_new(object, "hashes", hashes(facts));
    json_object_set_new(object, "recordable", json_boolean(evidence_recordable(facts->kind)));
    json_object_set_new(object, "text", json_string(words));
    json_print(object);
}

void evidence_print(const struct evidence_file *file, const struct genesis *genesis)
{
    const struct evidence_facts *facts = &file->facts;
    char words[EVIDENCE_WORDS_SIZE];
    char key[HEX_SIZE(33)];
    char when[NAME_SIZE];
    char id[64];
    size_t i = 0;
    json_t *entry = NULL;
    evidence_words(words, facts, lang_get() == LANG_ZH);
    snprintf(id, sizeof id, "%" PRIu64 "-%u-%d", file->evidence.era, (unsigned)facts->index,
             (int)facts->kind);
    if (json_wanted()) {
        print_json(file, id, words);
        return;
    }
    hex_encode(key, file->evidence.key.bytes, 33);
    printf(tr("evidence %s holds: with the genesis file alone, every signature in it verifies\n",
              "证据 %s 成立：仅凭创世文件，其中每个签名均已验证\n"),
           id);
    printf(tr("  who   member %u %s, place %u of era %" PRIu64 ", validator %s\n",
              "  何人  机构 %u %s，第 %u 位（纪元 %" PRIu64 "），验证者 %s\n"),
           (unsigned)facts->member, member_name(genesis, facts->member), (unsigned)facts->index,
           file->evidence.era, key);
    printf(tr("  what  it %s\n", "  何事  它%s\n"), words);
    json_t *list = hashes(facts);
    json_array_foreach(list, i, entry)
    {
        printf(tr("        %s hash %s\n", "        %s哈希 %s\n"),
               i == 0 ? tr("first ", "第一个") : tr("second", "第二个"), json_string_value(entry));
    }
    json_decref(list);
    if (file->evidence.seen_ms != 0) {
        printf(tr("  when  first seen %s, by the node that kept it\n",
                  "  何时  保存它的节点首次见到：%s\n"),
               time_format(file->evidence.seen_ms, when));
    }
    printf("%s\n",
           evidence_recordable(facts->kind)
               ? tr("Anyone may put it on the chain: xuelian evidence record",
                    "任何人都可将其上链：xuelian evidence record")
               : tr("It is too large for the chain; give this file to the governing members.",
                    "它超出链上大小限制；请将此文件交给治理成员。"));
}

void evidence_print_list(const json_t *said, const char *indent)
{
    size_t i = 0;
    const json_t *piece = NULL;
    json_array_foreach(json_field(said, "evidence"), i, piece)
    {
        char when[NAME_SIZE];
        const char *id = json_string_value(json_field(piece, "id"));
        const char *text = json_string_value(json_field(piece, "text"));
        const char *name = json_string_value(json_field(piece, tr("name_en", "name_zh")));
        const char *recorded = json_string_value(json_field(piece, "recorded"));
        bool recordable = json_is_true(json_field(piece, "recordable"));
        printf(tr("%s%-8s member %" PRIu64 " %s %s\n", "%s%-8s 机构 %" PRIu64 " %s%s\n"), indent,
               id != NULL ? id : "?", json_u64(piece, "member"), name != NULL ? name : "",
               text != NULL ? text : "?");
        printf(tr("%s         first seen %s; ", "%s         首次见到：%s；"), indent,
               time_format(json_u64(piece, "seen_ms"), when));
        if (recorded != NULL) {
            printf(tr("recorded on the chain: %s\n", "已上链：%s\n"), recorded);
        } else {
            printf("%s\n", recordable ? tr("not on the chain yet", "尚未上链")
                                      : tr("too large for the chain", "超出链上大小限制"));
        }
    }
}
