#include "cli/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/tx/details.h"

/* What the functions below work on. */
struct reader {
    struct mapping *mapping;
    struct doc *doc;
    struct fault *fault;
};

enum map_type map_field_type(enum map_field field)
{
    static const enum map_type types[] = {
#define X(name, text, type, required) [MAP_FIELD_##name] = MAP_TYPE_##type,
        MAP_FIELDS(X)
#undef X
    };
    return types[field];
}

const char *map_field_name(enum map_field field)
{
    static const char *const names[] = {
#define X(name, text, type, required) [MAP_FIELD_##name] = #text,
        MAP_FIELDS(X)
#undef X
    };
    return names[field];
}

bool map_decimal(const char *text, int64_t *value)
{
    enum { DIGITS_MAX = 9 };
    bool negative = text[0] == '-';
    const char *at = text + negative;
    int64_t whole = 0;
    int64_t part = 0;
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        whole = whole * 10 + (*at++ - '0');
    }
    size_t places = 0;
    if (*at == '.') {
        places = strspn(++at, "0123456789");
        if (places == 0 || places > DIGITS_MAX) {
            return false;
        }
    }
    for (size_t i = 0; i < DIGITS_MAX; i++) {
        part = part * 10 + (i < places ? at[i] - '0' : 0);
    }
    if (at[places] != '\0') {
        return false;
    }
    whole = whole * 1000000000 + part;
    *value = negative ? -whole : whole;
    return true;
}

static bool is_name(const char *text, bool underline)
{
    size_t size = strspn(text, underline ? "abcdefghijklmnopqrstuvwxyz0123456789_-"
                                         : "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size > 0 && size < MAPPING_NAME_SIZE && text[size] == '\0';
}

/* A child that must be there, of a kind. */
static const struct doc_node *need(struct reader *reader, const struct doc_node *map,
                                   const char *key, enum doc_kind kind)
{
    const struct doc_node *node = doc_get(map, key);
    if (node == NULL) {
        doc_fault(reader->doc, map, reader->fault, "a key is missing here", "此处缺少键", key);
        return NULL;
    }
    return doc_check_kind(reader->doc, node, kind, key, reader->fault) ? node : NULL;
}

/* A child that may be there. Returns false only when it is of another kind. */
static bool may_have(struct reader *reader, const struct doc_node *map, const char *key,
                     enum doc_kind kind, const struct doc_node **node)
{
    *node = doc_get(map, key);
    return *node == NULL || doc_check_kind(reader->doc, *node, kind, key, reader->fault);
}

static bool read_name(struct reader *reader, const struct doc_node *map, const char *key,
                      bool underline, const char **name)
{
    const struct doc_node *node = need(reader, map, key, DOC_SCALAR);
    if (node == NULL) {
        return false;
    }
    *name = node->text;
    return is_name(node->text, underline) ||
           doc_fault(reader->doc, node, reader->fault,
                     "a name is 1 to 32 letters a to z, digits and hyphens",
                     "名称为 1 至 32 个小写字母、数字或连字符", node->text);
}

static bool read_format(struct reader *reader, const struct doc_node *map,
                        struct csv_format *format)
{
    const struct doc_node *encoding = NULL;
    const struct doc_node *delimiter = NULL;
    *format = (struct csv_format){.encoding = CSV_UTF8, .delimiter = ','};
    if (!may_have(reader, map, "encoding", DOC_SCALAR, &encoding) ||
        !may_have(reader, map, "delimiter", DOC_SCALAR, &delimiter)) {
        return false;
    }
    if (encoding != NULL) {
        if (strcmp(encoding->text, "utf-8") != 0 && strcmp(encoding->text, "gb18030") != 0) {
            return doc_fault(reader->doc, encoding, reader->fault, "encoding is utf-8 or gb18030",
                             "encoding 应为 utf-8 或 gb18030", encoding->text);
        }
        format->encoding = encoding->text[0] == 'u' ? CSV_UTF8 : CSV_GB18030;
    }
    if (delimiter != NULL) {
        if (strlen(delimiter->text) != 1 || strchr(",;\t|", delimiter->text[0]) == NULL) {
            return doc_fault(reader->doc, delimiter, reader->fault,
                             "delimiter is a comma, a semicolon, a tab or a bar",
                             "delimiter 应为逗号、分号、制表符或竖线", delimiter->text);
        }
        format->delimiter = delimiter->text[0];
    }
    return true;
}

/* A list of 1 to max texts. */
static bool read_texts(struct reader *reader, const struct doc_node *node, uint32_t max,
                       const char **texts, uint32_t *count)
{
    *count = 0;
    if (!doc_check_kind(reader->doc, node, DOC_LIST, node->key, reader->fault)) {
        return false;
    }
    if (node->count == 0 || node->count > max) {
        return doc_fault(reader->doc, node, reader->fault, "the list is empty or too long",
                         "列表为空或过长", node->key);
    }
    for (const struct doc_node *at = node->first; at != NULL; at = at->next) {
        if (!doc_check_kind(reader->doc, at, DOC_SCALAR, NULL, reader->fault)) {
            return false;
        }
        texts[(*count)++] = at->text;
    }
    return true;
}

static bool read_columns(struct reader *reader, const struct doc_node *map, const char *key,
                         bool required, uint32_t max, struct map_columns *columns)
{
    const struct doc_node *node = doc_get(map, key);
    columns->count = 0;
    if (node == NULL) {
        return !required || need(reader, map, key, DOC_LIST) != NULL;
    }
    return read_texts(reader, node, max, columns->names, &columns->count);
}

static bool read_tables(struct reader *reader, const struct doc_node *root)
{
    static const char *const keys[] = {"file", "key", "encoding", "delimiter", NULL};
    struct mapping *mapping = reader->mapping;
    const struct doc_node *tables = NULL;
    if (!may_have(reader, root, "tables", DOC_MAP, &tables) || tables == NULL) {
        return tables == NULL && reader->fault->en[0] == '\0';
    }
    for (const struct doc_node *at = tables->first; at != NULL; at = at->next) {
        struct map_table *table = &mapping->tables[mapping->table_count];
        if (mapping->table_count == MAPPING_TABLES_MAX) {
            return doc_fault(reader->doc, at, reader->fault, "at most 16 tables", "至多 16 个表",
                             NULL);
        }
        if (!doc_check_kind(reader->doc, at, DOC_MAP, at->key, reader->fault) ||
            !doc_check_keys(reader->doc, at, keys, reader->fault)) {
            return false;
        }
        const struct doc_node *file = need(reader, at, "file", DOC_SCALAR);
        if (file == NULL || !read_format(reader, at, &table->format) ||
            !read_columns(reader, at, "key", true, MAPPING_KEY_MAX, &table->key)) {
            return false;
        }
        if (!is_name(at->key, true)) {
            return doc_fault(reader->doc, at, reader->fault,
                             "a name is 1 to 32 letters a to z, digits, underlines and hyphens",
                             "名称为 1 至 32 个小写字母、数字、下划线或连字符", at->key);
        }
        table->node = at;
        table->name = at->key;
        table->file = file->text;
        mapping->table_count++;
    }
    return true;
}

static bool read_bool(struct reader *reader, const struct doc_node *map, const char *key,
                      bool *value)
{
    const struct doc_node *node = NULL;
    *value = false;
    if (!may_have(reader, map, key, DOC_SCALAR, &node)) {
        return false;
    }
    if (node != NULL && strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0) {
        return doc_fault(reader->doc, node, reader->fault, "true or false is expected here",
                         "此处应为 true 或 false", node->text);
    }
    *value = node != NULL && node->text[0] == 't';
    return true;
}

static bool read_join(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    static const char *const keys[] = {"table", "by", "optional", NULL};
    const struct mapping *mapping = reader->mapping;
    struct map_join *join = &part->joins[part->join_count];
    if (!doc_check_kind(reader->doc, node, DOC_MAP, "joins", reader->fault) ||
        !doc_check_keys(reader->doc, node, keys, reader->fault)) {
        return false;
    }
    const struct doc_node *table = need(reader, node, "table", DOC_SCALAR);
    if (table == NULL || !read_columns(reader, node, "by", true, MAPPING_KEY_MAX, &join->by) ||
        !read_bool(reader, node, "optional", &join->optional)) {
        return false;
    }
    for (join->table = 0; join->table < mapping->table_count; join->table++) {
        if (strcmp(mapping->tables[join->table].name, table->text) == 0) {
            break;
        }
    }
    if (join->table == mapping->table_count) {
        return doc_fault(reader->doc, table, reader->fault, "there is no such table under tables",
                         "tables 下没有此表", table->text);
    }
    if (mapping->tables[join->table].key.count != join->by.count) {
        return doc_fault(reader->doc, node, reader->fault,
                         "by needs as many columns as the table's key has",
                         "by 的列数须与该表 key 的列数相同", table->text);
    }
    for (uint32_t i = 0; i < part->join_count; i++) {
        if (part->joins[i].table == join->table) {
            return doc_fault(reader->doc, node, reader->fault, "a table is joined once in a part",
                             "同一部分内每个表只能连接一次", table->text);
        }
    }
    join->node = node;
    part->join_count++;
    return true;
}

static bool read_where(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    static const char *const keys[] = {"column", "in", "not_in", "at_least", "at_most", NULL};
    struct map_where *where = &part->wheres[part->where_count];
    const char *texts[MAPPING_VALUES_MAX];
    uint32_t count = 0;
    if (!doc_check_kind(reader->doc, node, DOC_MAP, "where", reader->fault) ||
        !doc_check_keys(reader->doc, node, keys, reader->fault)) {
        return false;
    }
    const struct doc_node *column = need(reader, node, "column", DOC_SCALAR);
    if (column == NULL) {
        return false;
    }
    uint32_t tests = 0;
    for (uint32_t i = MAP_IN; i <= MAP_AT_MOST; i++) {
        const struct doc_node *test = doc_get(node, keys[i + 1]);
        if (test == NULL) {
            continue;
        }
        tests++;
        where->test = (enum map_test)i;
        where->list = test;
        if (i == MAP_IN || i == MAP_NOT_IN) {
            if (!read_texts(reader, test, MAPPING_VALUES_MAX, texts, &count)) {
                return false;
            }
        } else if (!doc_check_kind(reader->doc, test, DOC_SCALAR, test->key, reader->fault)) {
            return false;
        } else if (!map_decimal(test->text, &where->bound)) {
            return doc_fault(reader->doc, test, reader->fault, "a decimal number is expected here",
                             "此处应为十进制数", test->text);
        }
    }
    where->node = node;
    where->column = column->text;
    part->where_count++;
    return tests == 1 ||
           doc_fault(reader->doc, node, reader->fault, "give one of in, not_in, at_least, at_most",
                     "请给出 in、not_in、at_least、at_most 之一", NULL);
}

static bool read_options(struct reader *reader, const struct doc_node *node, enum map_type type,
                         struct map_value *value)
{
    const struct doc_node *scale = NULL;
    const struct doc_node *format = NULL;
    const struct doc_node *otherwise = NULL;
    const struct doc_node *days = NULL;
    if (!may_have(reader, node, "values", DOC_MAP, &value->values) ||
        !may_have(reader, node, "otherwise", DOC_SCALAR, &otherwise) ||
        !may_have(reader, node, "scale", DOC_SCALAR, &scale) ||
        !may_have(reader, node, "format", DOC_SCALAR, &format) ||
        !may_have(reader, node, "add_days", DOC_SCALAR, &days) ||
        !read_bool(reader, node, "optional", &value->optional)) {
        return false;
    }
    if (value->values != NULL && value->values->count > MAPPING_VALUES_MAX) {
        return doc_fault(reader->doc, value->values, reader->fault, "at most 256 values",
                         "至多 256 个值", NULL);
    }
    const struct doc_node *at = value->values != NULL ? value->values->first : NULL;
    for (; at != NULL; at = at->next) {
        if (!doc_check_kind(reader->doc, at, DOC_SCALAR, at->key, reader->fault)) {
            return false;
        }
    }
    if (otherwise != NULL && value->values == NULL) {
        return doc_fault(reader->doc, otherwise, reader->fault, "otherwise stands beside values",
                         "otherwise 须与 values 并用", NULL);
    }
    if ((scale != NULL && type != MAP_TYPE_NUMBER) ||
        ((format != NULL || days != NULL) && type != MAP_TYPE_DATE)) {
        return doc_fault(reader->doc, node, reader->fault,
                         "scale belongs to numbers, format and add_days to dates",
                         "scale 用于数字，format 与 add_days 用于日期", node->key);
    }
    value->otherwise = otherwise != NULL ? otherwise->text : NULL;
    value->add_days = days != NULL ? days->text : NULL;
    static const char *const scales[] = {"1", "10", "100", "1000"};
    for (uint32_t i = 0, number = 1; scale != NULL && i < 4; i++, number *= 10) {
        value->scale = strcmp(scale->text, scales[i]) == 0 ? number : value->scale;
    }
    static const char *const formats[] = {"yyyymmdd", "yyyy-mm-dd", "yyyy/mm/dd"};
    bool known = format == NULL;
    for (uint32_t i = 0; format != NULL && i < 3; i++) {
        if (strcmp(format->text, formats[i]) == 0) {
            value->date = (enum map_date)i;
            known = true;
        }
    }
    if ((scale != NULL && value->scale == 0) || !known) {
        return doc_fault(
            reader->doc, known ? scale : format, reader->fault,
            "scale is 1, 10, 100 or 1000; format yyyymmdd, yyyy-mm-dd or yyyy/mm/dd",
            "scale 为 1、10、100 或 1000；format 为 yyyymmdd、yyyy-mm-dd 或 yyyy/mm/dd",
            known ? scale->text : format->text);
    }
    value->scale = scale == NULL ? 1 : value->scale;
    return true;
}

static bool read_value(struct reader *reader, const struct doc_node *node, enum map_type type,
                       struct map_value *value)
{
    static const char *const keys[] = {"constant", "column",   "values",   "otherwise", "scale",
                                       "format",   "add_days", "optional", NULL};
    const struct doc_node *constant = NULL;
    const struct doc_node *column = NULL;
    if (!doc_check_kind(reader->doc, node, DOC_MAP, node->key, reader->fault) ||
        !doc_check_keys(reader->doc, node, keys, reader->fault) ||
        !may_have(reader, node, "constant", DOC_SCALAR, &constant) ||
        !may_have(reader, node, "column", DOC_SCALAR, &column)) {
        return false;
    }
    if ((constant == NULL) == (column == NULL) || (constant != NULL && node->count != 1)) {
        return doc_fault(reader->doc, node, reader->fault,
                         "a value is a constant alone, or a column",
                         "值须为单独的 constant，或 column", node->key);
    }
    value->node = node;
    value->constant = constant != NULL ? constant->text : NULL;
    value->column = column != NULL ? column->text : NULL;
    value->scale = 1;
    if (constant != NULL) {
        return true;
    }
    value->scale = 0;
    return read_options(reader, node, type, value);
}

static bool read_account(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    static const char *const keys[] = {"namespace", "column", NULL};
    if (!doc_check_keys(reader->doc, node, keys, reader->fault) ||
        !read_name(reader, node, "namespace", false, &part->name_space)) {
        return false;
    }
    const struct doc_node *column = need(reader, node, "column", DOC_SCALAR);
    part->account = node;
    part->account_column = column != NULL ? column->text : NULL;
    return column != NULL;
}

static bool read_fields(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    const char *names[MAP_FIELD_COUNT + 1] = {NULL};
    static const bool required[] = {
#define X(name, text, type, needed) [MAP_FIELD_##name] = (needed),
        MAP_FIELDS(X)
#undef X
    };
    for (uint32_t i = 0; i < MAP_FIELD_COUNT; i++) {
        names[i] = map_field_name((enum map_field)i);
    }
    if (!doc_check_keys(reader->doc, node, names, reader->fault)) {
        return false;
    }
    for (uint32_t i = 0; i < MAP_FIELD_COUNT; i++) {
        const struct doc_node *field = doc_get(node, names[i]);
        if (field == NULL && required[i]) {
            return need(reader, node, names[i], DOC_MAP) != NULL;
        }
        if (field != NULL &&
            !read_value(reader, field, map_field_type((enum map_field)i), &part->fields[i])) {
            return false;
        }
    }
    return true;
}

/* Names of details and the columns that have them. */
static bool read_details(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    const struct doc_node *at = node != NULL ? node->first : NULL;
    for (; at != NULL; at = at->next) {
        uint32_t number = detail_number(at->key);
        if (number == 0) {
            return doc_fault(reader->doc, at, reader->fault,
                             "a detail is title, score, certificate_number, holder, evidence, "
                             "description, teacher, class or a number from 1 to 999",
                             "明细为 title、score、certificate_number、holder、evidence、"
                             "description、teacher、class 或 1 至 999 的编号",
                             at->key);
        }
        if (!doc_check_kind(reader->doc, at, DOC_SCALAR, at->key, reader->fault)) {
            return false;
        }
        if (part->detail_count == LIMIT_DETAILS_MAX) {
            return doc_fault(reader->doc, at, reader->fault, "at most 16 details", "至多 16 个明细",
                             NULL);
        }
        uint32_t place = part->detail_count++;
        while (place > 0 && part->details[place - 1].number > number) {
            part->details[place] = part->details[place - 1];
            place--;
        }
        if (place > 0 && part->details[place - 1].number == number) {
            return doc_fault(reader->doc, at, reader->fault, "this detail is given twice",
                             "该明细给出了两次", at->key);
        }
        part->details[place] =
            (struct map_detail){.node = at, .number = number, .column = at->text};
    }
    return true;
}

static bool read_lists(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    const struct doc_node *joins = NULL;
    const struct doc_node *wheres = NULL;
    if (!may_have(reader, node, "joins", DOC_LIST, &joins) ||
        !may_have(reader, node, "where", DOC_LIST, &wheres)) {
        return false;
    }
    if ((joins != NULL && joins->count > MAPPING_JOINS_MAX) ||
        (wheres != NULL && wheres->count > MAPPING_WHERES_MAX)) {
        return doc_fault(reader->doc, node, reader->fault, "at most 8 joins and 8 filters",
                         "joins 与 where 各至多 8 项", NULL);
    }
    const struct doc_node *at = joins != NULL ? joins->first : NULL;
    for (; at != NULL; at = at->next) {
        if (!read_join(reader, at, part)) {
            return false;
        }
    }
    at = wheres != NULL ? wheres->first : NULL;
    for (; at != NULL; at = at->next) {
        if (!read_where(reader, at, part)) {
            return false;
        }
    }
    return true;
}

static bool read_part(struct reader *reader, const struct doc_node *node, struct map_part *part)
{
    static const char *const account_keys[] = {"name",  "files",   "encoding", "delimiter", "where",
                                               "joins", "account", "opener",   "region",    NULL};
    static const char *const outcome_keys[] = {
        "name",   "files", "encoding",  "delimiter", "where",   "joins", "account",
        "issuer", "batch", "reference", "fields",    "details", NULL};
    const struct mapping *mapping = reader->mapping;
    if (!doc_check_kind(reader->doc, node, DOC_MAP, NULL, reader->fault) ||
        !doc_check_keys(reader->doc, node, part->accounts ? account_keys : outcome_keys,
                        reader->fault) ||
        !read_name(reader, node, "name", true, &part->name) ||
        !read_format(reader, node, &part->format) || !read_lists(reader, node, part)) {
        return false;
    }
    for (uint32_t i = 0; i < mapping->part_count; i++) {
        if (strcmp(mapping->parts[i].name, part->name) == 0) {
            return doc_fault(reader->doc, node, reader->fault, "two parts have this name",
                             "两个部分重名", part->name);
        }
    }
    part->node = node;
    const struct doc_node *files = need(reader, node, "files", DOC_LIST);
    const struct doc_node *account = need(reader, node, "account", DOC_MAP);
    const struct doc_node *member =
        need(reader, node, part->accounts ? "opener" : "issuer", DOC_MAP);
    if (files == NULL || account == NULL || member == NULL ||
        !read_texts(reader, files, MAPPING_FILES_MAX, part->files, &part->file_count) ||
        !read_account(reader, account, part) ||
        !read_value(reader, member, MAP_TYPE_NUMBER, &part->member)) {
        return false;
    }
    if (part->accounts) {
        const struct doc_node *region = doc_get(node, "region");
        return region == NULL || read_value(reader, region, MAP_TYPE_NUMBER, &part->region);
    }
    const struct doc_node *fields = need(reader, node, "fields", DOC_MAP);
    const struct doc_node *details = NULL;
    return fields != NULL && read_fields(reader, fields, part) &&
           may_have(reader, node, "details", DOC_MAP, &details) &&
           read_details(reader, details, part) &&
           read_columns(reader, node, "batch", false, MAPPING_KEY_MAX, &part->batch) &&
           read_columns(reader, node, "reference", false, MAPPING_REFERENCE_MAX, &part->reference);
}

static bool read_parts(struct reader *reader, const struct doc_node *root, const char *key,
                       bool accounts)
{
    struct mapping *mapping = reader->mapping;
    const struct doc_node *list = NULL;
    if (!may_have(reader, root, key, DOC_LIST, &list)) {
        return false;
    }
    const struct doc_node *at = list != NULL ? list->first : NULL;
    for (; at != NULL; at = at->next) {
        if (mapping->part_count == MAPPING_PARTS_MAX) {
            return doc_fault(reader->doc, at, reader->fault, "at most 16 parts", "至多 16 个部分",
                             NULL);
        }
        struct map_part *part = &mapping->parts[mapping->part_count];
        part->accounts = accounts;
        if (!read_part(reader, at, part)) {
            return false;
        }
        mapping->part_count++;
    }
    return true;
}

static bool read_root(struct reader *reader)
{
    static const char *const keys[] = {"mapping", "name", "tables", "accounts", "outcomes", NULL};
    const struct doc_node *root = doc_root(reader->doc);
    if (!doc_check_keys(reader->doc, root, keys, reader->fault)) {
        return false;
    }
    const struct doc_node *version = need(reader, root, "mapping", DOC_SCALAR);
    if (version == NULL) {
        return false;
    }
    if (strcmp(version->text, "1") != 0) {
        return doc_fault(reader->doc, version, reader->fault,
                         "this program knows mapping files of version 1",
                         "本程序只认识第 1 版映射文件", version->text);
    }
    if (!read_name(reader, root, "name", false, &reader->mapping->name) ||
        !read_tables(reader, root) || !read_parts(reader, root, "accounts", true) ||
        !read_parts(reader, root, "outcomes", false)) {
        return false;
    }
    return reader->mapping->part_count > 0 ||
           doc_fault(reader->doc, root, reader->fault, "give accounts, outcomes or both",
                     "请给出 accounts、outcomes 或两者", NULL);
}

bool mapping_open(struct mapping **mapping, const char *path, struct fault *fault)
{
    struct mapping *made = calloc(1, sizeof *made);
    *fault = (struct fault){.code = EXIT_OK};
    if (made == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    struct reader reader = {.mapping = made, .fault = fault};
    bool fine = doc_open(&made->doc, path, fault) &&
                doc_check_kind(made->doc, doc_root(made->doc), DOC_MAP, NULL, fault);
    reader.doc = made->doc;
    if (!fine || !read_root(&reader)) {
        mapping_close(made);
        return false;
    }
    *mapping = made;
    return true;
}

void mapping_close(struct mapping *mapping)
{
    if (mapping != NULL) {
        doc_close(mapping->doc);
        free(mapping);
    }
}
