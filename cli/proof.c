#include "cli/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/names.h"
#include "ledger/tx/details.h"
#include "proto/bytes.h"
#include "proto/ledger.pb-c.h"

bool proof_check(struct proof_check *check, struct bytes genesis, struct bytes proof,
                 unsigned long long max_age_ms, struct fault *fault)
{
    return proof_check_with(check, genesis, proof, bytes_of(NULL, 0), max_age_ms, fault);
}

bool proof_check_with(struct proof_check *check, struct bytes genesis, struct bytes proof,
                      struct bytes history, unsigned long long max_age_ms, struct fault *fault)
{
    struct timespec now;
    struct verify_options options = {.max_age_ms = max_age_ms, .history = history};
    size_t size = VERIFY_SCRATCH_SIZE(genesis.size, proof.size + history.size);
    *check = (struct proof_check){.scratch = malloc(size)};
    if (check->scratch == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    if (clock_gettime(CLOCK_REALTIME, &now) == 0) {
        options.now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    }
    verify_proof(&check->result, genesis, proof, &options, check->scratch, size);
    return true;
}

void proof_check_free(struct proof_check *check)
{
    free(check->scratch);
    check->scratch = NULL;
}

static json_t *name_json(const struct verify_name *name)
{
    const struct bytes *text = lang_get() == LANG_ZH || name->en.size == 0 ? &name->zh : &name->en;
    json_t *value = json_stringn((const char *)text->data, text->size);
    return value != NULL ? value : json_string("");
}

/* Details that are shown, how many are withheld, and whether the network has them still. */
static void add_details(json_t *made, const struct verify_item *item)
{
    struct verify_detail detail;
    json_t *list = json_object();
    for (uint32_t i = 0; verify_detail(item, i, &detail); i++) {
        char number[16];
        const char *name = detail_name(detail.number);
        snprintf(number, sizeof number, "%u", detail.number);
        json_object_set_new(list, name != NULL ? name : number,
                            json_stringn((const char *)detail.value.data, detail.value.size));
    }
    if (item->details_count > 0) {
        json_object_set(made, "details", list);
        json_object_set_new(made, "details_withheld",
                            json_integer(item->details_count - item->details_shown));
    }
    if (item->details_erased) {
        json_object_set_new(made, "details_erased", json_true());
    }
    json_decref(list);
}

static json_t *items_json(const struct verify_result *result)
{
    json_t *items = json_array();
    for (uint32_t i = 0; i < result->items_shown; i++) {
        char kind[NAME_SIZE];
        char item_kind[NAME_SIZE];
        char state[NAME_SIZE];
        const struct verify_item *item = &result->items[i];
        name_format(&xuelian__item_kind__descriptor, "ITEM_KIND_", item->kind, item_kind);
        name_format(&xuelian__item_status__descriptor, "ITEM_STATUS_", item->status, state);
        json_t *made = json_pack("{s:I, s:I, s:s, s:s, s:I}", "number", (json_int_t)item->number,
                                 "version", (json_int_t)item->version, "item", item_kind, "status",
                                 state, "height", (json_int_t)item->height);
        if (made != NULL && item->dispute != 0) {
            json_object_set_new(made, "dispute", json_integer(item->dispute));
        }
        if (made != NULL && item->kind == VERIFY_ITEM_OUTCOME) {
            const struct verify_outcome *outcome = &item->outcome;
            name_format(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", outcome->kind, kind);
            json_object_update_new(
                made,
                json_pack("{s:s, s:I, s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:b, s:b}", "kind", kind,
                          "issuer", (json_int_t)outcome->issuer, "issuer_name",
                          name_json(&item->issuer_name), "course", (json_int_t)outcome->course,
                          "course_name", name_json(&item->course_name), "credits",
                          (json_int_t)outcome->credits, "hours", (json_int_t)outcome->hours,
                          "award_date", (json_int_t)outcome->award_date, "grade_band",
                          (json_int_t)outcome->grade_band, "expired", item->expired,
                          "issuer_signed", item->issuer_signature == VERIFY_ISSUER_SIGNED));
        }
        add_details(made, item);
        json_array_append_new(items, made);
    }
    return items;
}

static json_t *tx_json(const struct verify_tx *tx)
{
    char id[HEX_SIZE(32)];
    hex_encode(id, tx->id.bytes, 32);
    json_t *made = json_pack("{s:s, s:b, s:I, s:I}", "id", id, "included", tx->included, "block",
                             (json_int_t)tx->height, "block_time_ms", (json_int_t)tx->time_ms);
    if (made != NULL && tx->included) {
        json_object_update_new(
            made, json_pack("{s:I, s:I, s:s, s:I, s:I}", "index", (json_int_t)tx->index, "code",
                            (json_int_t)tx->code, "name", status_name((enum status)tx->code),
                            "items", (json_int_t)tx->items, "refused", (json_int_t)tx->refused));
    }
    return made;
}

static json_t *cells_json(const struct verify_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->cell_count; i++) {
        const struct verify_cell *cell = &result->cells[i];
        char kind[NAME_SIZE];
        name_format(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", cell->kind, kind);
        json_array_append_new(
            list,
            json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "year",
                      (json_int_t)cell->year, "region", (json_int_t)cell->region, "kind",
                      cell->kind == 0 ? "all" : kind, "level", (json_int_t)cell->level, "outcomes",
                      (json_int_t)cell->outcomes, "credits", (json_int_t)cell->credits, "hours",
                      (json_int_t)cell->hours, "learners", (json_int_t)cell->learners, "revoked",
                      (json_int_t)cell->revoked, "accounts", (json_int_t)cell->accounts, "points",
                      (json_int_t)cell->points, "conversions", (json_int_t)cell->conversions,
                      "converted_credits", (json_int_t)cell->converted_credits));
    }
    return list;
}

static json_t *offence_json(const struct verify_offence *offence)
{
    static const char *const names[] = {"none",    "proposals",    "prepares",
                                        "commits", "view_changes", "commit_forgotten"};
    char key[HEX_SIZE(33)];
    hex_encode(key, offence->key.bytes, 33);
    return json_pack("{s:s, s:I, s:s, s:I, s:I, s:I}", "signed", names[offence->what], "member",
                     (json_int_t)offence->member, "key", key, "era", (json_int_t)offence->era,
                     "height", (json_int_t)offence->height, "view", (json_int_t)offence->view);
}

static json_t *conversion_json(const struct verify_conversion_proof *of)
{
    const struct verify_conversion *said = &of->item->conversion;
    return json_pack("{s:I, s:I, s:b, s:I, s:I, s:I, s:b, s:b}", "item",
                     (json_int_t)of->item->number, "rule", (json_int_t)said->rule, "granted",
                     of->granted, "credits", (json_int_t)said->credits, "gives",
                     (json_int_t)of->gives, "decided_height", (json_int_t)of->decided_height,
                     "totals_proved", of->totals_proved, "decider_named", of->decider_named);
}

/* What is proved beyond accounts. */
static void add_others(json_t *value, const struct verify_result *result)
{
    if (result->kind == VERIFY_TRANSACTION) {
        json_object_set_new(value, "transaction", tx_json(&result->tx));
    } else if (result->kind == VERIFY_STATISTICS) {
        json_object_set_new(value, "cells", cells_json(result));
        json_object_set_new(value, "cells_total", json_integer((json_int_t)result->cell_total));
    } else if (result->kind == VERIFY_EQUIVOCATION) {
        json_object_set_new(value, "offence", offence_json(&result->offence));
    } else if (result->kind == VERIFY_CONVERSION) {
        json_object_set_new(value, "conversion", conversion_json(&result->conversion));
    } else if (result->kind == VERIFY_SET_HISTORY) {
        json_t *members = json_array();
        for (uint32_t i = 0; i < result->validator_count; i++) {
            json_array_append_new(members, json_integer(result->validators[i].member));
        }
        json_object_set_new(value, "era", json_integer((json_int_t)result->era));
        json_object_set_new(value, "next_validators", members);
        json_object_set_new(value, "set_changes", json_integer(result->set_changes));
    }
}

static void print_json(const struct verify_result *result)
{
    char hex[HEX_SIZE(32)];
    if (result->status != ST_OK) {
        json_print(json_pack(
            "{s:b, s:i, s:s, s:s, s:s}", "holds", 0, "code", (int)result->status, "status",
            status_name(result->status), "fault", verify_fault_name(result->fault), "reason",
            verify_fault_text(result->fault,
                              lang_get() == LANG_ZH ? VERIFY_CHINESE : VERIFY_ENGLISH)));
        return;
    }
    json_t *signers = json_array();
    for (uint32_t i = 0; i < result->signer_count; i++) {
        json_array_append_new(signers, json_integer((json_int_t)result->signers[i].member));
    }
    json_t *value = json_pack("{s:b, s:I, s:I, s:I, s:o}", "holds", 1, "height",
                              (json_int_t)result->height, "time_ms", (json_int_t)result->time_ms,
                              "validators", (json_int_t)result->set_size, "signers", signers);
    hex_encode(hex, result->chain_id.bytes, 32);
    json_object_set_new(value, "chain_id", json_string(hex));
    if (result->kind == VERIFY_RECORD || result->kind == VERIFY_ARCHIVE) {
        hex_encode(hex, result->learner.bytes, 32);
        json_object_set_new(value, "learner", json_string(hex));
        json_object_set_new(value, "complete", json_boolean(result->complete));
        json_object_set_new(value, "withheld", json_integer((json_int_t)result->withheld_count));
        json_object_set_new(value, "item_count", json_integer((json_int_t)result->item_count));
        json_object_set_new(value, "items", items_json(result));
    }
    add_others(value, result);
    if (result->totals_state != VERIFY_TOTALS_NONE) {
        json_object_set_new(value, "outcomes",
                            json_integer((json_int_t)result->totals[0].outcomes));
        json_object_set_new(value, "credits", json_integer((json_int_t)result->totals[0].credits));
        json_object_set_new(value, "hours", json_integer((json_int_t)result->totals[0].hours));
    }
    json_print(value);
}

void proof_print_report(const struct verify_result *result)
{
    enum verify_language language = lang_get() == LANG_ZH ? VERIFY_CHINESE : VERIFY_ENGLISH;
    if (json_wanted()) {
        print_json(result);
        return;
    }
    size_t size = verify_report(NULL, 0, result, language) + 1;
    char *text = malloc(size);
    if (text != NULL) {
        verify_report(text, size, result, language);
        fputs(text, stdout);
        if (size > 1 && text[size - 2] != '\n') {
            fputc('\n', stdout);
        }
    }
    free(text);
}
