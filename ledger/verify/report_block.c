/* The words about a transaction. */
#include "ledger/verify/report.h"
#include "proto/status.h"

void report_transaction_head(struct report *r)
{
    if (r->result->tx.included) {
        say(r, "Proved: a transaction is in a block of this network, with this result\n",
            "已证明：某交易在本网络的区块中，并有此结果\n");
    } else {
        say(r, "Proved: a transaction is not in this block; all that is in it is listed\n",
            "已证明：某交易不在此区块中；区块内的全部交易均已列出\n");
    }
}

static void report_code(struct report *r, const struct verify_tx *tx)
{
    enum status code = (enum status)tx->code;
    text_put(&r->text, status_known(tx->code) ? status_name(code) : "");
    text_put(&r->text, " (");
    say_number(r, tx->code);
    text_put(&r->text, ")");
    if (tx->code != 0 && status_known(tx->code)) {
        say(r, ": ", "：");
        say(r, status_en(code), status_zh(code));
    }
    if (tx->items > 0) {
        say(r, "; refused ", "；被拒绝 ");
        say_number(r, tx->refused);
        say(r, " of its ", "，共 ");
        say_number(r, tx->items);
        say(r, " items", " 项");
    }
}

static void report_signed(struct report *r, const struct verify_tx *tx)
{
    say(r, "\n  Kind       ", "\n  种类    ");
    say_number(r, tx->kind);
    say(r, ", signed by ", "，签署者 ");
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        if (i > 0) {
            say(r, ", ", "、");
        }
        if (tx->signers[i].member != 0) {
            say_member(r, tx->signers[i].member, &tx->signers[i].name);
        } else {
            say(r, "a learner", "学习者");
        }
    }
}

void report_transaction(struct report *r)
{
    const struct verify_tx *tx = &r->result->tx;
    say(r, "  Transaction ", "  交易    ");
    text_hex(&r->text, tx->id.bytes, 32);
    say(r, "\n  Block      height ", "\n  区块    高度 ");
    say_number(r, tx->height);
    say(r, ", ", "，");
    text_time(&r->text, tx->time_ms);
    say(r, tx->earlier ? ", an earlier one, in the history of the certified block" : "",
        tx->earlier ? "，为较早区块，在已认证区块的历史中" : "");
    if (tx->included) {
        say(r, "\n  Place      ", "\n  位置    ");
        say_number(r, tx->index + 1);
        say(r, " of ", "/");
        say_number(r, tx->count);
        say(r, "\n  Result     ", "\n  结果    ");
        report_code(r, tx);
    } else {
        say(r, "\n  Listed     ", "\n  已列出  ");
        say_number(r, tx->count);
        say(r, " transactions, all that the block has", " 笔交易，即区块的全部交易");
    }
    if (tx->common_shown) {
        report_signed(r, tx);
    }
    text_put(&r->text, "\n");
}

void report_transaction_open(struct report *r)
{
    const struct verify_tx *tx = &r->result->tx;
    if (!tx->included) {
        say(r, "  - that it is in no other block\n", "  - 该交易不在其他任何区块中\n");
    } else {
        say(r,
            "  - what came of what it did: for the state of a record get a proof of the record\n",
            "  - 其后的变化：记录的当前状态请获取该记录的证明\n");
    }
    if (!tx->common_shown) {
        say(r, "  - what it says and who signed it, beyond its id\n",
            "  - 除编号外，交易的内容与签署者\n");
    }
}
