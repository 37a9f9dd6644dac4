/* The words about a validator that signed twice. */
#include "ledger/verify/report.h"

static void report_what(struct report *r, const struct verify_offence *offence)
{
    switch (offence->what) {
    case VERIFY_OFFENCE_NONE:
        break;
    case VERIFY_OFFENCE_PROPOSALS:
        say(r, "two proposals", "两个提议（PRE-PREPARE）");
        break;
    case VERIFY_OFFENCE_PREPARES:
        say(r, "two PREPARE votes for different blocks", "对不同区块的两张预备票（PREPARE）");
        break;
    case VERIFY_OFFENCE_COMMITS:
        say(r, "two COMMIT votes for different blocks", "对不同区块的两张提交票（COMMIT）");
        break;
    case VERIFY_OFFENCE_VIEW_CHANGES:
        say(r, "two view changes that contradict each other, to view ",
            "相互矛盾的两个视图变更，视图 ");
        say_number(r, offence->view);
        return;
    case VERIFY_OFFENCE_COMMIT_FORGOTTEN:
        say(r, "a COMMIT vote, and a later view change that hides it",
            "一张提交票（COMMIT），以及隐瞒它的后续视图变更");
        break;
    }
    say(r, ", at height ", "，高度 ");
    say_number(r, offence->height);
    say(r, ", view ", "，视图 ");
    say_number(r, offence->view);
}

void report_equivocation(struct report *r)
{
    const struct verify_offence *offence = &r->result->offence;
    bool two = offence->what == VERIFY_OFFENCE_PROPOSALS ||
               offence->what == VERIFY_OFFENCE_PREPARES || offence->what == VERIFY_OFFENCE_COMMITS;
    say(r, "  Validator  ", "  验证者  ");
    say_member(r, offence->member, &offence->name);
    say(r, ", key ", "，密钥 ");
    text_hex(&r->text, offence->key.bytes, 33);
    say(r, ", in the set since height ", "，所在集合始于高度 ");
    say_number(r, offence->era);
    say(r, "\n  Signed     ", "\n  签署了  ");
    report_what(r, offence);
    text_put(&r->text, "\n");
    for (uint32_t i = 0; two && i < 2; i++) {
        say(r, i == 0 ? "  First      " : "  Second     ", i == 0 ? "  其一    " : "  其二    ");
        text_hex(&r->text, offence->hashes[i].bytes, 32);
        text_put(&r->text, "\n");
    }
}

void report_equivocation_open(struct report *r)
{
    say(r,
        "  - who held the key: it signed both, and the institution answers for it\n"
        "  - that a block was lost or changed by it: with at most f traitors none can be\n",
        "  - 当时由谁掌握密钥：两者均由该密钥签署，由该机构负责\n"
        "  - 因此有区块丢失或被改动：作恶者不超过 f 个时不会发生\n");
}
