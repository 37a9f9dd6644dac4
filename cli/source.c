#include "cli/source.h"

#include <stdlib.h>
#include <string.h>

#include "cli/file.h"
#include "cli/idset.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx.pb-c.h"

enum { ROW_COLUMNS_MAX = CSV_COLUMNS_MAX * (MAPPING_JOINS_MAX + 1), REFERENCE_TEXT_MAX = 4096 };

struct source {
    const struct mapping *mapping;
    const struct map_part *part;
    const struct side_tables *tables;
    const char *folder;
    struct keyring *keyring;
    const struct genesis *genesis;
    struct csv *csv;
    uint32_t file; /* the next to open */
    struct idset *opened;
    /* The columns of a row: the file's own, then those of each join. */
    uint32_t own_count;
    uint32_t column_count;
    const char *names[ROW_COLUMNS_MAX];
    const char *row[ROW_COLUMNS_MAX];
    uint32_t join_start[MAPPING_JOINS_MAX + 1];
    int join_by[MAPPING_JOINS_MAX][MAPPING_KEY_MAX];
    int where[MAPPING_WHERES_MAX];
    int account;
    int batch[MAPPING_KEY_MAX];
    int reference[MAPPING_REFERENCE_MAX];
    struct bound_value member;
    struct bound_value region;
    struct bound_value fields[MAP_FIELD_COUNT];
    int details[LIMIT_DETAILS_MAX];
};

bool side_tables_read(struct side_tables *tables, const struct mapping *mapping, const char *folder,
                      struct fault *fault)
{
    *tables = (struct side_tables){.count = 0};
    for (uint32_t i = 0; i < mapping->table_count; i++) {
        char path[FILE_PATH_SIZE];
        if (!path_join(path, folder, mapping->tables[i].file, fault) ||
            !side_table_read(&tables->tables[i], mapping, i, path, fault)) {
            side_tables_free(tables);
            return false;
        }
        tables->count = i + 1;
    }
    return true;
}

void side_tables_free(struct side_tables *tables)
{
    for (uint32_t i = 0; i < tables->count; i++) {
        side_table_free(&tables->tables[i]);
    }
    tables->count = 0;
}

/* Finds a column among the first `count`. False with *fault naming the mapping's line. */
static bool find_column(const struct source *source, const struct doc_node *node, const char *name,
                        uint32_t count, int *column, struct fault *fault)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(source->names[i], name) == 0) {
            *column = (int)i;
            return true;
        }
    }
    return doc_fault(source->mapping->doc, node, fault, "no table has such a column",
                     "没有数据表有此列", name);
}

static bool find_columns(const struct source *source, const struct map_columns *columns,
                         const struct doc_node *node, int *found, struct fault *fault)
{
    for (uint32_t i = 0; i < columns->count; i++) {
        if (!find_column(source, node, columns->names[i], source->column_count, &found[i], fault)) {
            return false;
        }
    }
    return true;
}

static bool bind(const struct source *source, const struct map_value *map,
                 struct bound_value *value, struct fault *fault)
{
    *value = (struct bound_value){.map = map, .column = -1, .add_days = -1};
    if (map->node == NULL) {
        value->map = NULL;
        return true;
    }
    return (map->column == NULL || find_column(source, map->node, map->column, source->column_count,
                                               &value->column, fault)) &&
           (map->add_days == NULL || find_column(source, map->node, map->add_days,
                                                 source->column_count, &value->add_days, fault));
}

static const struct side_table *joined(const struct source *source, uint32_t join)
{
    return &source->tables->tables[source->part->joins[join].table];
}

static bool bind_joins(struct source *source, struct fault *fault)
{
    const struct map_part *part = source->part;
    for (uint32_t i = 0; i < part->join_count; i++) {
        const struct side_table *table = joined(source, i);
        for (uint32_t k = 0; k < part->joins[i].by.count; k++) {
            if (!find_column(source, part->joins[i].node, part->joins[i].by.names[k],
                             source->column_count, &source->join_by[i][k], fault)) {
                return false;
            }
        }
        source->join_start[i] = source->column_count;
        for (uint32_t k = 0; k < table->column_count; k++) {
            source->names[source->column_count++] = table->names[k];
        }
    }
    return true;
}

/* One field of an outcome. A field not given stays as it is. */
static enum value_result take_field(const struct bound_value *value, enum map_field field,
                                    const char *const *row, uint32_t *out, struct fault *fault)
{
    if (value->map == NULL) {
        return VALUE_ABSENT;
    }
    switch (map_field_type(field)) {
    case MAP_TYPE_NUMBER:
        return value_number(value, row, out, fault);
    case MAP_TYPE_DATE:
        return value_date(value, row, out, fault);
    case MAP_TYPE_NAME:
        break;
    }
    if (field == MAP_FIELD_KIND) {
        return value_name(value, row, &xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", out,
                          fault);
    }
    if (field == MAP_FIELD_MODE) {
        return value_name(value, row, &xuelian__outcome_mode__descriptor, "OUTCOME_MODE_", out,
                          fault);
    }
    return value_name(value, row, &xuelian__outcome_source__descriptor, "OUTCOME_SOURCE_", out,
                      fault);
}

/* A constant that does not fit would refuse every row. */
static bool check_constants(const struct source *source, struct fault *fault)
{
    uint32_t ignored = 0;
    const struct bound_value *const numbers[] = {&source->member, &source->region};
    const struct map_value *wrong = NULL;
    for (uint32_t i = 0; i < 2 && wrong == NULL; i++) {
        if (numbers[i]->map != NULL && numbers[i]->column < 0 &&
            value_number(numbers[i], source->row, &ignored, fault) == VALUE_REFUSED) {
            wrong = numbers[i]->map;
        }
    }
    for (uint32_t i = 0; i < MAP_FIELD_COUNT && wrong == NULL; i++) {
        const struct bound_value *value = &source->fields[i];
        if (value->map != NULL && value->column < 0 &&
            take_field(value, (enum map_field)i, source->row, &ignored, fault) == VALUE_REFUSED) {
            wrong = value->map;
        }
    }
    if (wrong != NULL) {
        struct fault why = *fault;
        return doc_fault(source->mapping->doc, wrong->node, fault, why.en, why.zh, NULL);
    }
    return true;
}

static bool bind_all(struct source *source, struct fault *fault)
{
    const struct map_part *part = source->part;
    bool fine = bind_joins(source, fault);
    for (uint32_t i = 0; i < part->where_count && fine; i++) {
        fine = find_column(source, part->wheres[i].node, part->wheres[i].column,
                           source->column_count, &source->where[i], fault);
    }
    for (uint32_t i = 0; i < MAP_FIELD_COUNT && fine; i++) {
        fine = bind(source, &part->fields[i], &source->fields[i], fault);
    }
    for (uint32_t i = 0; i < part->detail_count && fine; i++) {
        fine = find_column(source, part->details[i].node, part->details[i].column,
                           source->column_count, &source->details[i], fault);
    }
    return fine &&
           find_column(source, part->account, part->account_column, source->column_count,
                       &source->account, fault) &&
           find_columns(source, &part->batch, part->node, source->batch, fault) &&
           find_columns(source, &part->reference, part->node, source->reference, fault) &&
           bind(source, &part->member, &source->member, fault) &&
           bind(source, &part->region, &source->region, fault) && check_constants(source, fault);
}

/* Opens the next file; all have the header of the first. */
static bool open_file(struct source *source, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    const char *name = source->part->files[source->file];
    if (!path_join(path, source->folder, name, fault)) {
        return false;
    }
    struct csv *next = NULL;
    if (!csv_open(&next, path, &source->part->format, fault)) {
        return false;
    }
    bool first = source->file == 0;
    bool same = first || csv_column_count(next) == source->own_count;
    for (uint32_t i = 0; same && !first && i < source->own_count; i++) {
        same = strcmp(csv_column_name(next, i), csv_column_name(source->csv, i)) == 0;
    }
    if (!same) {
        csv_close(next);
        return fault_set(fault, EXIT_USAGE, "%s has another header than the first file of %s",
                         "%s 的表头与 %s 的第一个文件不同", path, source->part->name);
    }
    csv_close(source->csv);
    source->csv = next;
    source->file++;
    source->own_count = csv_column_count(next);
    for (uint32_t i = 0; i < source->own_count; i++) {
        source->names[i] = csv_column_name(next, i);
    }
    if (first) {
        source->column_count = source->own_count;
    }
    return true;
}

bool source_open(struct source **source, const struct mapping *mapping, uint32_t part,
                 const struct side_tables *tables, const char *folder, struct keyring *keyring,
                 const struct genesis *genesis, struct fault *fault)
{
    struct source *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    made->mapping = mapping;
    made->part = &mapping->parts[part];
    made->tables = tables;
    made->folder = folder;
    made->keyring = keyring;
    made->genesis = genesis;
    made->opened = idset_new();
    if (!open_file(made, fault) || !bind_all(made, fault)) {
        source_close(made);
        return false;
    }
    *source = made;
    return true;
}

void source_close(struct source *source)
{
    if (source != NULL) {
        csv_close(source->csv);
        idset_free(source->opened);
        free(source);
    }
}

static bool run_joins(struct source *source, struct fault *fault)
{
    for (uint32_t i = 0; i < source->part->join_count; i++) {
        const struct map_join *join = &source->part->joins[i];
        const struct side_table *table = joined(source, i);
        const char *by[MAPPING_KEY_MAX];
        for (uint32_t k = 0; k < join->by.count; k++) {
            by[k] = source->row[source->join_by[i][k]];
        }
        const char *const *found = side_table_find(table, by);
        if (found == NULL && !join->optional) {
            return fault_set(fault, EXIT_REFUSED, "table %s has no row for %s '%.64s'",
                             "表 %s 没有 %s 为“%.64s”的行",
                             source->mapping->tables[join->table].name, join->by.names[0], by[0]);
        }
        for (uint32_t k = 0; k < table->column_count; k++) {
            source->row[source->join_start[i] + k] = found != NULL ? found[k] : "";
        }
    }
    return true;
}

static bool stays(const struct source *source)
{
    for (uint32_t i = 0; i < source->part->where_count; i++) {
        const struct map_where *where = &source->part->wheres[i];
        const char *text = source->row[source->where[i]];
        int64_t number = 0;
        bool holds = false;
        bool listed = false;
        const struct doc_node *at = where->list->first;
        for (; at != NULL; at = at->next) {
            listed = listed || strcmp(at->text, text) == 0;
        }
        switch (where->test) {
        case MAP_IN:
            holds = listed;
            break;
        case MAP_NOT_IN:
            holds = !listed;
            break;
        case MAP_AT_LEAST:
            holds = map_decimal(text, &number) && number >= where->bound;
            break;
        case MAP_AT_MOST:
            holds = map_decimal(text, &number) && number <= where->bound;
            break;
        }
        if (!holds) {
            return false;
        }
    }
    return true;
}

/* Rows of one deposit: same signer and same batch columns. */
static uint64_t batch_of(const struct source *source, uint32_t member)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ member;
    for (uint32_t i = 0; i < source->part->batch.count; i++) {
        const char *text = source->row[source->batch[i]];
        size_t size = strlen(text) + 1;
        for (size_t k = 0; k < size; k++) {
            hash = (hash ^ (uint8_t)text[k]) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

static enum source_event make_opening(struct source *source, const struct hash32 *identity,
                                      const char *number, struct source_item *item,
                                      struct fault *fault)
{
    struct hash32 learner;
    struct hash32 commitment;
    Xuelian__AccountOpening opening;
    xuelian__account_opening__init(&opening);
    learner_id(&learner, identity, source->part->name_space, number);
    if (source->region.map != NULL &&
        value_number(&source->region, source->row, &opening.region, fault) == VALUE_REFUSED) {
        return SOURCE_REFUSED;
    }
    bool added = false;
    if (!idset_add(source->opened, &learner, &added)) {
        fault_set(fault, EXIT_IO, "out of memory", "内存不足");
        return SOURCE_FAILED;
    }
    if (!added) {
        return SOURCE_REPEATED;
    }
    learner_commitment(&commitment, identity, source->part->name_space, number);
    opening.learner = field_borrow(learner.bytes, 32);
    opening.identity_commitment = field_borrow(commitment.bytes, 32);
    item->size = canonical_encode(item->bytes, &opening.base);
    return SOURCE_ITEM;
}

/* First 16 bytes of the keyed hash of the reference columns. */
static enum source_event make_reference(struct source *source, uint32_t member, struct id16 *tag,
                                        struct fault *fault)
{
    char text[REFERENCE_TEXT_MAX];
    size_t used = 0;
    struct hash32 hash;
    const struct hash32 *secret = NULL;
    for (uint32_t i = 0; i < source->part->reference.count; i++) {
        const char *value = source->row[source->reference[i]];
        const size_t size = strlen(value);
        if (size == 0 || strchr(value, '|') != NULL || size + 1 > sizeof text - used) {
            fault_set(fault, EXIT_REFUSED,
                      "column %s, of the reference, is empty, too long or holds a bar",
                      "参考号的列 %s 为空、过长或含有竖线", source->part->reference.names[i]);
            return SOURCE_REFUSED;
        }
        if (i > 0) {
            text[used++] = '|';
        }
        for (size_t k = 0; k < size; k++) {
            text[used++] = value[k];
        }
    }
    if (!keyring_reference(source->keyring, member, &secret, fault)) {
        return SOURCE_FAILED;
    }
    hash_hmac(&hash, bytes_of(secret->bytes, 32), bytes_of(text, used));
    memcpy(tag->bytes, hash.bytes, sizeof tag->bytes);
    return SOURCE_ITEM;
}

/* Nobody without the issuer's secret can find a salt, and the same row has the same again: a second import makes the
 * same deposit. */
static void make_salt(struct hash32 *salt, const struct hash32 *secret, const struct detail *detail,
                      const struct source_item *item)
{
    static const char purpose[] = "details salt";
    uint8_t text[sizeof purpose + 8 + LIMIT_DETAIL_SIZE_MAX + SOURCE_ITEM_SIZE_MAX];
    size_t used = sizeof purpose;
    memcpy(text, purpose, sizeof purpose);
    be32_put(text + used, detail->number);
    be32_put(text + used + 4, (uint32_t)detail->value.size);
    used += 8;
    memcpy(text + used, detail->value.data, detail->value.size);
    used += detail->value.size;
    memcpy(text + used, item->bytes, item->size);
    hash_hmac(salt, bytes_of(secret->bytes, 32), bytes_of(text, used + item->size));
}

/* The details of a row whose outcome, without them, is encoded in item. Empty columns are left out. */
static enum source_event make_details(struct source *source, struct source_item *item,
                                      struct hash32 *root, struct fault *fault)
{
    struct details details = {.count = 0};
    const struct hash32 *secret = NULL;
    item->details_size = 0;
    for (uint32_t i = 0; i < source->part->detail_count; i++) {
        const char *text = source->row[source->details[i]];
        size_t size = strlen(text);
        if (size > LIMIT_DETAIL_SIZE_MAX) {
            fault_set(fault, EXIT_REFUSED, "column %s, a detail, has more than %u bytes",
                      "明细列 %s 超过 %u 字节", source->part->details[i].column,
                      (unsigned)LIMIT_DETAIL_SIZE_MAX);
            return SOURCE_REFUSED;
        }
        if (size > 0) {
            details.fields[details.count++] = (struct detail){
                .number = source->part->details[i].number, .value = bytes_of(text, size)};
        }
    }
    if (details.count == 0) {
        return SOURCE_ITEM;
    }
    if (!keyring_reference(source->keyring, item->member, &secret, fault)) {
        return SOURCE_FAILED;
    }
    for (uint32_t i = 0; i < details.count; i++) {
        make_salt(&details.fields[i].salt, secret, &details.fields[i], item);
    }
    item->details_size = details_write(item->details, &details);
    if (item->details_size == 0) {
        fault_set(fault, EXIT_REFUSED, "the details of the row have more than %u bytes together",
                  "该行的明细合计超过 %u 字节", (unsigned)LIMIT_DETAILS_SIZE_MAX);
        return SOURCE_REFUSED;
    }
    details_root(root, &details);
    return SOURCE_ITEM;
}

static void put_fields(Xuelian__Outcome *outcome, const uint32_t numbers[MAP_FIELD_COUNT])
{
    outcome->kind = (Xuelian__OutcomeKind)numbers[MAP_FIELD_KIND];
    outcome->course = numbers[MAP_FIELD_COURSE];
    outcome->course_version = numbers[MAP_FIELD_COURSE_VERSION];
    outcome->framework = numbers[MAP_FIELD_FRAMEWORK];
    outcome->level = numbers[MAP_FIELD_LEVEL];
    outcome->credits = numbers[MAP_FIELD_CREDITS];
    outcome->hours = numbers[MAP_FIELD_HOURS];
    outcome->start_date = numbers[MAP_FIELD_START_DATE];
    outcome->expiry_date = numbers[MAP_FIELD_EXPIRY_DATE];
    outcome->award_date = numbers[MAP_FIELD_AWARD_DATE];
    outcome->grade_band = numbers[MAP_FIELD_GRADE_BAND];
    outcome->mode = (Xuelian__OutcomeMode)numbers[MAP_FIELD_MODE];
    outcome->source = (Xuelian__OutcomeSource)numbers[MAP_FIELD_SOURCE];
    outcome->recognising = numbers[MAP_FIELD_RECOGNISING];
    outcome->region = numbers[MAP_FIELD_REGION];
    outcome->site = numbers[MAP_FIELD_SITE];
}

static enum source_event make_outcome(struct source *source, const struct hash32 *identity,
                                      const char *number, struct source_item *item,
                                      struct fault *fault)
{
    struct hash32 learner;
    struct hash32 root;
    struct id16 tag;
    uint32_t numbers[MAP_FIELD_COUNT] = {0};
    Xuelian__Outcome outcome;
    for (uint32_t i = 0; i < MAP_FIELD_COUNT; i++) {
        if (take_field(&source->fields[i], (enum map_field)i, source->row, &numbers[i], fault) ==
            VALUE_REFUSED) {
            return SOURCE_REFUSED;
        }
    }
    xuelian__outcome__init(&outcome);
    put_fields(&outcome, numbers);
    outcome.issuer = item->member;
    learner_id(&learner, identity, source->part->name_space, number);
    outcome.account = field_borrow(learner.bytes, 32);
    if (source->part->reference.count > 0) {
        enum source_event event = make_reference(source, item->member, &tag, fault);
        if (event != SOURCE_ITEM) {
            return event;
        }
        outcome.reference = field_borrow(tag.bytes, 16);
    }
    CHECK(canonical_size(&outcome.base) + 35 <= sizeof item->bytes);
    item->size = canonical_encode(item->bytes, &outcome.base);
    enum source_event event = make_details(source, item, &root, fault);
    if (event == SOURCE_ITEM && item->details_size > 0) {
        outcome.details_root = field_borrow(&root, 32);
        item->size = canonical_encode(item->bytes, &outcome.base);
    }
    return event;
}

static bool is_member(const struct genesis *genesis, uint32_t member)
{
    for (size_t i = 0; i < genesis->message->n_members; i++) {
        if (genesis->message->members[i]->id == member) {
            return true;
        }
    }
    return false;
}

static enum source_event make_item(struct source *source, struct source_item *item,
                                   struct fault *fault)
{
    const struct hash32 *identity = NULL;
    if (!run_joins(source, fault)) {
        return SOURCE_REFUSED;
    }
    if (!stays(source)) {
        return SOURCE_SKIPPED;
    }
    const char *number = source->row[source->account];
    if (number[0] == '\0' || strlen(number) > 1024) {
        fault_set(fault, EXIT_REFUSED, "column %s, the learner, is empty or too long",
                  "学习者列 %s 为空或过长", source->part->account_column);
        return SOURCE_REFUSED;
    }
    enum value_result result = value_number(&source->member, source->row, &item->member, fault);
    if (result == VALUE_ABSENT) {
        fault_set(fault, EXIT_REFUSED, "the row names no institution", "该行没有机构");
    }
    if (result != VALUE_GIVEN) {
        return SOURCE_REFUSED;
    }
    if (!is_member(source->genesis, item->member)) {
        fault_set(fault, EXIT_REFUSED,
                  "institution %u is not a member of this network; check the number",
                  "机构 %u 不是本网络的成员；请核对编号", (unsigned)item->member);
        return SOURCE_REFUSED;
    }
    if (!keyring_identity(source->keyring, &identity, fault)) {
        return SOURCE_FAILED;
    }
    item->batch = batch_of(source, item->member);
    return source->part->accounts ? make_opening(source, identity, number, item, fault)
                                  : make_outcome(source, identity, number, item, fault);
}

enum source_event source_next(struct source *source, struct source_item *item, struct fault *fault)
{
    const char *const *fields = NULL;
    enum csv_event event = csv_next(source->csv, &fields, fault);
    while (event == CSV_END && source->file < source->part->file_count) {
        if (!open_file(source, fault)) {
            return SOURCE_FAILED;
        }
        event = csv_next(source->csv, &fields, fault);
    }
    item->file = source->part->files[source->file - 1];
    item->line = csv_line(source->csv);
    switch (event) {
    case CSV_END:
        return SOURCE_END;
    case CSV_FAILED:
        return SOURCE_FAILED;
    case CSV_BAD_ROW:
        return SOURCE_REFUSED;
    case CSV_ROW:
        break;
    }
    memcpy((void *)source->row, (const void *)fields, source->own_count * sizeof *source->row);
    return make_item(source, item, fault);
}

uint32_t source_progress(const struct source *source)
{
    return ((source->file - 1) * 1000 + csv_progress(source->csv)) / source->part->file_count;
}
