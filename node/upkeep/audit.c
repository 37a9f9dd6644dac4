/* audit: the blocks of one or several data directories, executed again from genesis on. Where two have different
 * certified blocks at one height, whoever signed both sides is named (consensus/audit.h). */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/audit.h"
#include "ledger/whole/replay.h"
#include "node/upkeep/upkeep.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

/* Exit codes: 1 is for what could not be done. */
enum { EXIT_WRONG = 2, EXIT_CONFLICT = 3, STATEMENTS_MAX = 200000, OPEN_FOLDERS_MAX = 16 };

struct auditing {
    const struct upkeep *upkeep;
    struct upkeep_genesis genesis;
    struct upkeep_store stores[UPKEEP_FOLDERS_MAX];
    uint64_t tips[UPKEEP_FOLDERS_MAX];
    uint32_t count;
    char folder[UPKEEP_PATH_SIZE]; /* of the state that is made, removed after */
    struct kv *state;
    struct replay replay;
    struct whole_report report;
    struct upkeep_progress progress;
};

/* ---- Opening and closing ---- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static bool make_state(struct auditing *auditing)
{
    const char *top = getenv("TMPDIR");
    char error[2 * UPKEEP_PATH_SIZE];
    char path[UPKEEP_PATH_SIZE + 16];
    struct kv_options options = {
        .cache_size = 128u << 20, .write_buffer_size = 32u << 20, .bloom_bits = 10, .create = true};
    snprintf(auditing->folder, sizeof auditing->folder, "%s/xuelian-audit-XXXXXX",
             top != NULL && top[0] != '\0' ? top : "/tmp");
    if (mkdtemp(auditing->folder) == NULL) {
        snprintf(error, sizeof error,
                 upkeep_say("no folder can be made for the state (%s); set TMPDIR",
                            "无法为状态创建文件夹（%s）；请设置TMPDIR"),
                 strerror(errno));
        auditing->folder[0] = '\0';
        return upkeep_refuse(error) == 0;
    }
    snprintf(path, sizeof path, "%s/state", auditing->folder);
    enum status status = kv_open_leveldb(&auditing->state, path, &options, error, sizeof error);
    if (status == ST_OK) {
        status = replay_open(&auditing->replay, &auditing->genesis.genesis, auditing->state,
                             &auditing->report, error, sizeof error);
    }
    return status == ST_OK || upkeep_refuse(error) == 0;
}

static bool open_all(struct auditing *auditing)
{
    const struct upkeep *upkeep = auditing->upkeep;
    if (!upkeep_genesis_read(&auditing->genesis, upkeep->genesis)) {
        return false;
    }
    for (uint32_t i = 0; i < upkeep->folder_count; i++) {
        struct block_tip tip;
        if (!upkeep_store_open(&auditing->stores[i], upkeep->folders[i], &auditing->genesis.genesis,
                               UPKEEP_LOG)) {
            return false;
        }
        auditing->count++;
        if (block_log_tip(auditing->stores[i].log, &tip) != ST_OK) {
            return upkeep_refuse(upkeep_say("a block log's newest block cannot be read",
                                            "区块日志的最新区块无法读取")) == 0;
        }
        auditing->tips[i] = tip.height;
    }
    return make_state(auditing);
}

static void close_all(struct auditing *auditing)
{
    replay_close(&auditing->replay);
    if (auditing->state != NULL) {
        kv_close(auditing->state);
    }
    for (uint32_t i = 0; i < auditing->count; i++) {
        upkeep_store_close(&auditing->stores[i]);
    }
    if (auditing->folder[0] != '\0') {
        (void)nftw(auditing->folder, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
    }
    upkeep_genesis_free(&auditing->genesis);
}

/* ---- Who is guilty ---- */

static bool verify(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                   const struct sig64 *signature)
{
    (void)context;
    return sign_verify(key, hash, signature);
}

/* Everything that was read for the audit lives until it is over. */
struct kept {
    uint8_t **list;
    size_t count;
};

static void keep(struct kept *kept, uint8_t *bytes)
{
    kept->list = realloc(kept->list, (kept->count + 1) * sizeof *kept->list);
    CHECK(kept->list != NULL);
    kept->list[kept->count++] = bytes;
}

static void give_certificate(struct audit *audit, struct block_log *log, uint64_t height,
                             struct kept *kept)
{
    uint64_t memory[4096];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t *certified = NULL;
    size_t size = 0;
    if (block_log_get_certified(log, height, &certified, &size) != ST_OK) {
        return;
    }
    keep(kept, certified);
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__certified__descriptor, bytes_of(certified, size),
                         &arena) == ST_OK) {
        const Xuelian__Certified *wire = (const Xuelian__Certified *)(void *)message;
        (void)audit_certificate(audit, field_bytes(&wire->header), field_bytes(&wire->certificate));
    }
}

/* All NEW-VIEWs of the era, and the certificates of the height and those beside it. */
static void give_store(struct auditing *auditing, struct audit *audit, uint32_t at, uint64_t height,
                       struct kept *kept)
{
    enum { BESIDE = 2 };
    struct block_log *log = auditing->stores[at].log;
    uint64_t era = auditing->replay.chain.set.era;
    uint8_t from[9] = {'V'};
    be64_put(from + 1, era);
    uint64_t first = height > era + BESIDE ? height - BESIDE : era;
    for (uint64_t i = first; i <= height + BESIDE && i <= auditing->tips[at]; i++) {
        give_certificate(audit, log, i, kept);
    }
    struct kv_iterator *iterator =
        kv_iterator_new(block_log_kv(log), NULL, bytes_of(from, sizeof from));
    for (; kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        struct bytes key = kv_iterator_key(iterator);
        struct bytes value = kv_iterator_value(iterator);
        if (key.size != 17 || memcmp(key.data, from, sizeof from) != 0) {
            break;
        }
        uint8_t *copy = malloc(value.size + 1);
        CHECK(copy != NULL);
        memcpy(copy, value.data, value.size);
        keep(kept, copy);
        (void)audit_message(audit, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW,
                            bytes_of(copy, value.size));
    }
    kv_iterator_free(iterator);
}

static const char *name_of(const struct auditing *auditing, uint32_t member)
{
    const Xuelian__Genesis *genesis = auditing->genesis.genesis.message;
    for (size_t i = 0; i < genesis->n_members; i++) {
        if (genesis->members[i]->id == member) {
            const Xuelian__Member *one = genesis->members[i];
            return upkeep_say(one->name_en[0] != '\0' ? one->name_en : one->name_zh, one->name_zh);
        }
    }
    return "";
}

static void print_guilty(const struct auditing *auditing, const struct audit_report *found)
{
    static const char *const proofs[][2] = {
        [PBFT_EVIDENCE_TWO_PROPOSALS] = {"two proposals for one slot", "同一位置的两个提案"},
        [PBFT_EVIDENCE_TWO_VOTES] = {"two votes in one slot", "同一位置的两张选票"},
        [PBFT_EVIDENCE_TWO_VIEW_CHANGES] = {"two view changes for one view",
                                            "同一视图的两个视图变更"},
        [PBFT_EVIDENCE_COMMIT_FORGOTTEN] = {"a view change that hides its own commit",
                                            "隐瞒自己提交票的视图变更"},
        [PBFT_EVIDENCE_BAD_NEW_VIEW] = {"a new view that does not hold", "不成立的新视图"},
        [PBFT_EVIDENCE_BAD_PROPOSAL] = {"an invalid proposal", "无效的提案"}};
    const struct validator_set *set = &auditing->replay.chain.set;
    for (uint32_t i = 0; i < found->proofs; i++) {
        const struct audit_guilt *guilt = &found->list[i];
        const struct validator *who = &set->validators[guilt->member];
        char key[HEX_SIZE(33)];
        hex_encode(key, who->key.bytes, 33);
        printf(
            upkeep_say("  guilty: member %u %s, key %s: %s\n", "  有过错：机构%u %s，密钥%s：%s\n"),
            who->member, name_of(auditing, who->member), key,
            upkeep_say(proofs[guilt->kind][0], proofs[guilt->kind][1]));
    }
    if (!found->enough && found->missing_view != 0) {
        printf(
            upkeep_say("  more are guilty than could be named: give the data directory of a node "
                       "that has the new view of view %llu\n",
                       "尚有未能指明者：请提供保存有视图%llu之新视图的节点的数据目录\n"),
            (unsigned long long)found->missing_view);
    }
}

static void name_guilty(struct auditing *auditing, uint64_t height)
{
    const struct replay *replay = &auditing->replay;
    struct audit_config config = {.chain_id = auditing->genesis.genesis.chain_id,
                                  .set = &replay->chain.set,
                                  .previous_set =
                                      replay->previous_set.count > 0 ? &replay->previous_set : NULL,
                                  .era_base_hash = replay->era_base_hash,
                                  .rotation_blocks = replay->rotation_blocks,
                                  .statements_max = STATEMENTS_MAX,
                                  .verify = verify};
    struct kept kept = {.list = NULL};
    struct audit_report found;
    void *memory = aligned_alloc(64, (audit_footprint(&config) + 63) / 64 * 64);
    CHECK(memory != NULL);
    struct audit *audit = audit_init(memory, &config);
    for (uint32_t i = 0; i < auditing->count; i++) {
        give_store(auditing, audit, i, height, &kept);
    }
    audit_judge(audit, &found);
    print_guilty(auditing, &found);
    free(memory);
    for (size_t i = 0; i < kept.count; i++) {
        free(kept.list[i]);
    }
    free(kept.list);
}

/* ---- Block by block ---- */

static int unread(const struct auditing *auditing, uint32_t at, uint64_t height, enum status status)
{
    char sentence[2 * UPKEEP_PATH_SIZE];
    snprintf(sentence, sizeof sentence,
             upkeep_say("%s: block %llu cannot be read (%s); xueliand verify-store says more",
                        "%s：区块%llu无法读取（%s）；详见xueliand verify-store"),
             auditing->stores[at].folder, (unsigned long long)height,
             upkeep_say(status_en(status), status_zh(status)));
    return upkeep_refuse(sentence);
}

/* What another directory has at the height: the same block, or one that is certified too. -1: go on. */
static int compare_with(struct auditing *auditing, uint32_t at, const struct stored_block *block)
{
    struct stored_block other;
    struct chain_fault why;
    uint64_t height = block->header.height;
    const struct replay *replay = &auditing->replay;
    enum status status = block_log_get(auditing->stores[at].log, height, &other);
    if (status != ST_OK) {
        return unread(auditing, at, height, status);
    }
    int code = -1;
    if (!hash32_equal(&other.hash, &block->hash)) {
        if (chain_certified(&auditing->genesis.genesis.chain_id, &replay->chain.set, &other.header,
                            other.certificate, &why) == ST_OK) {
            printf(upkeep_say("Conflict: block %llu of %s and of %s differ, and both are "
                              "certified.\n",
                              "冲突：区块%llu在%s与%s中不同，且均有证书。\n"),
                   (unsigned long long)height, auditing->stores[0].folder,
                   auditing->stores[at].folder);
            name_guilty(auditing, height);
            code = EXIT_CONFLICT;
        } else {
            char sentence[2 * UPKEEP_PATH_SIZE];
            snprintf(sentence, sizeof sentence, "%s: %s %llu: %s", auditing->stores[at].folder,
                     upkeep_say("block", "区块"), (unsigned long long)height,
                     upkeep_say(why.en, why.zh));
            upkeep_refuse(sentence);
            code = EXIT_WRONG;
        }
    }
    stored_block_free(&other);
    return code;
}

/* The directory that leads at a height: the first that goes so far. */
static uint32_t leader(const struct auditing *auditing, uint64_t height)
{
    uint32_t at = 0;
    while (at < auditing->count && auditing->tips[at] < height) {
        at++;
    }
    return at;
}

static int audit_height(struct auditing *auditing, uint64_t height, uint32_t first)
{
    struct stored_block block;
    uint8_t *change = NULL;
    size_t size = 0;
    int code = -1;
    struct block_log *log = auditing->stores[first].log;
    enum status status = block_log_get(log, height, &block);
    if (status != ST_OK) {
        return unread(auditing, first, height, status);
    }
    for (uint32_t i = first + 1; i < auditing->count && code < 0; i++) {
        code = auditing->tips[i] < height ? -1 : compare_with(auditing, i, &block);
    }
    if (code < 0 && block_log_get_set_change(log, height, &change, &size) != ST_OK) {
        size = 0;
    }
    status = code < 0 ? replay_block(&auditing->replay, &block, bytes_of(change, size)) : ST_OK;
    kv_free(change);
    stored_block_free(&block);
    if (auditing->report.part != WHOLE_NOTHING) {
        char sentence[WHOLE_TEXT_SIZE + UPKEEP_PATH_SIZE];
        snprintf(sentence, sizeof sentence, "%s: %s", auditing->stores[first].folder,
                 upkeep_say(auditing->report.en, auditing->report.zh));
        upkeep_refuse(sentence);
        return EXIT_WRONG;
    }
    return status == ST_OK ? code : unread(auditing, first, height, status);
}

static int audit_all(struct auditing *auditing)
{
    uint64_t top = 0;
    int code = -1;
    for (uint32_t i = 0; i < auditing->count; i++) {
        top = auditing->tips[i] > top ? auditing->tips[i] : top;
    }
    for (uint64_t height = 1; height <= top && code < 0; height++) {
        code = audit_height(auditing, height, leader(auditing, height));
        whole_progress(&auditing->report, "blocks", "区块", height, top);
    }
    upkeep_progress_end(&auditing->progress);
    if (code >= 0) {
        return code;
    }
    double seconds = upkeep_seconds(&auditing->progress);
    printf(upkeep_say(
               "Audited: %llu blocks with %llu transactions executed again, every root is the "
               "certified one; %.1f s.\n",
               "审计通过：重新执行%llu个区块、%llu笔交易，各根均与证书所载一致；用时%.1f秒。\n"),
           (unsigned long long)auditing->report.blocks,
           (unsigned long long)auditing->report.transactions, seconds);
    for (uint32_t i = 0; i < auditing->count; i++) {
        printf(upkeep_say("  %s: the same blocks up to %llu\n", "  %s：至区块%llu均相同\n"),
               auditing->stores[i].folder, (unsigned long long)auditing->tips[i]);
    }
    return 0;
}

int upkeep_audit(const struct upkeep *upkeep)
{
    struct auditing *auditing = calloc(1, sizeof *auditing);
    CHECK(auditing != NULL);
    auditing->upkeep = upkeep;
    auditing->report.progress = upkeep_progress_note;
    auditing->report.context = &auditing->progress;
    upkeep_progress_start(&auditing->progress, "audit");
    int code = open_all(auditing) ? audit_all(auditing) : 1;
    close_all(auditing);
    free(auditing);
    return code;
}
