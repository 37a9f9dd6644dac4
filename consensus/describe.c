/* What operators and tests ask: where the core stands and whom it waits for. */
#include <stdarg.h>
#include <stdio.h>

#include "consensus/core.h"

struct pbft_position pbft_position(const struct pbft *core)
{
    return (struct pbft_position){.height = core->height,
                                  .era = core->set.era,
                                  .view = core_in_era(core) ? core->own.view : 0};
}

void pbft_summary(const struct pbft *core, struct pbft_summary *summary)
{
    *summary = (struct pbft_summary){.height = core->height,
                                     .header_hash = core->hash,
                                     .era = core->set.era,
                                     .view = core_in_era(core) ? core->own.view : 0,
                                     .target = core_in_era(core) ? core->own.target : 0,
                                     .base_height = core->own.base_height,
                                     .validators = core->set.count,
                                     .quorum = quorum_size(core->set.count),
                                     .self = core->self,
                                     .voting = core_may_vote(core),
                                     .catching_up = catch_up_behind(core),
                                     .stopped = core->stopped,
                                     .has_proposal = core->proposals[OPEN].state != PROPOSAL_NONE,
                                     .forced = core_forced(core) != NULL};
    summary->primary = core_primary(core, core->height + 1, summary->view);
    for (uint32_t i = 0; i < core->set.count; i++) {
        const struct vote *votes = core->votes[OPEN][i];
        uint64_t bit = UINT64_C(1) << i;
        bool prepared = votes[PREPARE].present && votes[PREPARE].view == summary->view;
        bool committed = votes[COMMIT].present && votes[COMMIT].view == summary->view;
        bool left =
            core->changes[i].state == JUDGED_VALID && core->changes[i].new_view >= summary->target;
        summary->prepares_from |= prepared ? bit : 0;
        summary->commits_from |= committed ? bit : 0;
        summary->view_changes_from |= left ? bit : 0;
    }
}

/* Appends; what does not fit is cut. */
struct text {
    char *out;
    size_t size;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wrote = vsnprintf(text->out + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
    CHECK(wrote >= 0); /* the formats are our own */
    size_t room = text->size - text->used - 1;
    text->used += (size_t)wrote < room ? (size_t)wrote : room;
}

/* The members whose bit is not set, by their numbers. */
static void say_missing(struct text *text, const struct pbft *core, uint64_t present,
                        const char *what)
{
    bool first = true;
    for (uint32_t i = 0; i < core->set.count; i++) {
        if ((present >> i & 1) == 0) {
            say(text, "%s%u", first ? what : ", ", core->set.validators[i].member);
            first = false;
        }
    }
    if (!first) {
        say(text, ". ");
    }
}

static void say_voting(struct text *text, const struct pbft *core,
                       const struct pbft_summary *summary)
{
    if (core->stopped) {
        say(text, "This node has stopped voting because of an alarm; see its log. ");
    } else if (core->config.follow || summary->self < 0) {
        say(text, "This node follows without voting. ");
    } else if (summary->catching_up) {
        say(text, "This node lacks blocks and is fetching them. ");
    } else if (tripwire_asking(core)) {
        say(text, "This node waits for %u other members to say which votes of its key they hold. ",
            summary->quorum - 1);
    }
}

void pbft_describe(const struct pbft *core, uint64_t now_ms, char *out, size_t size)
{
    struct pbft_summary summary;
    struct text text = {.out = out, .size = size};
    if (size == 0) {
        return;
    }
    out[0] = '\0';
    pbft_summary(core, &summary);
    uint64_t quiet_ms = now_ms > core->commit_ms ? now_ms - core->commit_ms : 0;
    say(&text, "Block %llu is the newest, %llu.%llu s ago. ", (unsigned long long)summary.height,
        (unsigned long long)(quiet_ms / 1000), (unsigned long long)(quiet_ms % 1000 / 100));
    say_voting(&text, core, &summary);
    if (summary.target > summary.view) {
        say(&text, "Members are moving from view %llu to view %llu, %u of %u must ask for it. ",
            (unsigned long long)summary.view, (unsigned long long)summary.target, summary.quorum,
            summary.validators);
        say_missing(&text, core, summary.view_changes_from, "Not yet: members ");
        return;
    }
    say(&text, "View %llu is led by member %u. ", (unsigned long long)summary.view,
        core->set.validators[summary.primary].member);
    if (summary.has_proposal || summary.forced) {
        say_missing(&text, core, summary.prepares_from, "No PREPARE yet from members ");
        say_missing(&text, core, summary.commits_from, "No COMMIT yet from members ");
    } else if (core->waiting.count > 0) {
        say(&text, "%u transactions wait for its proposal. ", core->waiting.count);
    }
}
