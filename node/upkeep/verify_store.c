/* verify-store: log, then state; the first damage, and what makes the part whole again. */
#include <stdio.h>

#include "ledger/whole/check.h"
#include "ledger/whole/check_log.h"
#include "node/upkeep/upkeep.h"

/* The command that repairs, after what is wrong. */
static int damaged(const struct upkeep_store *store, const struct whole_report *report)
{
    struct merkle_frontier before;
    uint64_t base = 0;
    if (report->part == WHOLE_STATE && block_log_base(store->log, &base, &before) == ST_OK &&
        base > 0) {
        char words[WHOLE_TEXT_SIZE + 6 * UPKEEP_PATH_SIZE];
        snprintf(
            words, sizeof words,
            upkeep_say(
                "damaged: %s. The blocks here begin with a snapshot's: move both away "
                "(mv %s/state %s/state.damaged; mv %s/log %s/log.damaged) and restore a "
                "snapshot (xueliand restore). Leave the vote journal where it is",
                "已损坏：%s。此处的区块始于快照：请将两者移走（mv %s/state %s/state.damaged; mv "
                "%s/log %s/log.damaged）并恢复快照（xueliand restore）。请勿移动投票日志"),
            upkeep_say(report->en, report->zh), store->folder, store->folder, store->folder,
            store->folder);
        return upkeep_refuse(words);
    }
    char sentence[WHOLE_TEXT_SIZE + 6 * UPKEEP_PATH_SIZE];
    const char *part = report->part == WHOLE_LOG ? "log" : "state";
    snprintf(
        sentence, sizeof sentence,
        upkeep_say("damaged: %s. Move the part away (mv %s/%s %s/%s.damaged) and start the node: "
                   "%s",
                   "已损坏：%s。请移走该部分（mv %s/%s %s/%s.damaged）并启动节点：%s"),
        upkeep_say(report->en, report->zh), store->folder, part, store->folder, part,
        report->part == WHOLE_LOG
            ? upkeep_say(
                  "the blocks are fetched from the other nodes. Leave the vote journal where "
                  "it is",
                  "区块将从其他节点取回。请勿移动投票日志")
            : upkeep_say("the state is rebuilt from the block log", "状态将由区块日志重建"));
    return upkeep_refuse(sentence);
}

static void whole(const struct whole_report *report, const struct ledger_view *view, double seconds)
{
    double megabytes = (double)report->bytes / 1e6;
    printf(upkeep_say("The store is whole: %llu blocks with %llu transactions; the state at block "
                      "%llu with %llu accounts, %llu items in %llu versions, %llu other records. "
                      "%.1f MB read in %.1f s, %.1f MB/s.\n",
                      "存储完整：%llu个区块、%llu笔交易；状态位于区块%llu，有%llu个账户、%"
                      "llu个条目共%llu个版本、%"
                      "llu条其他记录。读取%.1f MB，用时%.1f秒，%.1f MB/s。\n"),
           (unsigned long long)report->blocks, (unsigned long long)report->transactions,
           (unsigned long long)view->header.height, (unsigned long long)report->accounts,
           (unsigned long long)report->items, (unsigned long long)report->versions,
           (unsigned long long)report->records, megabytes, seconds,
           seconds > 0 ? megabytes / seconds : 0);
}

static enum status check_all(const struct upkeep_store *store, const struct genesis *genesis,
                             const struct ledger_view *view, struct whole_report *report)
{
    struct log_check log = {.log = store->log, .genesis = genesis, .state = view, .report = report};
    enum status status = whole_check_log(&log);
    if (status == ST_OK) {
        status = whole_check_state(view, genesis, log_check_date, &log, report);
    }
    log_check_free(&log);
    return status;
}

int upkeep_verify_store(const struct upkeep *upkeep)
{
    struct upkeep_genesis genesis;
    struct upkeep_store store;
    struct upkeep_progress progress;
    struct ledger_view view;
    struct whole_report report = {.progress = upkeep_progress_note, .context = &progress};
    if (!upkeep_genesis_read(&genesis, upkeep->genesis)) {
        return 1;
    }
    if (!upkeep_store_open(&store, upkeep->folders[0], &genesis.genesis,
                           UPKEEP_LOG | UPKEEP_STATE)) {
        upkeep_genesis_free(&genesis);
        return 1;
    }
    int code = 1;
    upkeep_progress_start(&progress, "verify-store");
    enum status status = ledger_view_open(&view, store.state);
    if (status != ST_OK) {
        (void)whole_unread(&report, WHOLE_STATE, status, "the newest block's header in the state",
                           "状态库中最新区块的区块头");
    } else {
        status = check_all(&store, &genesis.genesis, &view, &report);
        ledger_view_close(&view);
    }
    upkeep_progress_end(&progress);
    if (report.part != WHOLE_NOTHING) {
        code = damaged(&store, &report);
    } else if (status != ST_OK) {
        code = upkeep_refuse(upkeep_say(status_en(status), status_zh(status)));
    } else {
        whole(&report, &view, upkeep_seconds(&progress));
        code = 0;
    }
    upkeep_store_close(&store);
    upkeep_genesis_free(&genesis);
    return code;
}
