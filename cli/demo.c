#include "cli/demo.h"

#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"
#include "cli/file.h"
#include "cli/names.h"
#include "proto/limits.h"

enum { NAMES_MAX = 32 };

/* One table being read: a row, and where it goes. */
struct table {
    struct csv *csv;
    const char *path;
    const char *const *fields;
    struct arena *arena;
    struct fault *fault;
};

typedef bool take_row(struct table *table, void **entry);

static bool out_of_memory(struct fault *fault)
{
    return fault_set(fault, EXIT_IO, "the tables are too large for a trial network",
                     "数据表对试用网络而言过大");
}

static bool bad_row(const struct table *table, const char *column, const char *value)
{
    return fault_set(table->fault, EXIT_USAGE,
                     "%s, line %u: column %s holds '%s'; see data/README.md",
                     "%s 第 %u 行：列 %s 的值“%s”不对；见 data/README.md", table->path,
                     (unsigned)csv_line(table->csv), column, value);
}

/* The text of a column, in the arena; "" when the table has no such column. */
static char *text_of(struct table *table, const char *column)
{
    int index = csv_column_find(table->csv, column);
    const char *text = index >= 0 ? table->fields[index] : "";
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(table->arena, size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static bool number_of(struct table *table, const char *column, bool optional, uint32_t *out)
{
    unsigned long long value = 0;
    int index = csv_column_find(table->csv, column);
    const char *text = index >= 0 ? table->fields[index] : "";
    if (!(optional && text[0] == '\0') && !parse_u64(text, UINT32_MAX, &value)) {
        return bad_row(table, column, text);
    }
    *out = (uint32_t)value;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Names separated by spaces, as ascending numbers. */
static bool names_of(struct table *table, const char *column, const ProtobufCEnumDescriptor *schema,
                     const char *prefix, uint32_t numbers[NAMES_MAX], size_t *count)
{
    char *at = text_of(table, column);
    if (at == NULL) {
        return out_of_memory(table->fault);
    }
    *count = 0;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        bool more = at[size] != '\0';
        at[size] = '\0';
        if (size > 0) {
            if (*count == NAMES_MAX || !name_parse(schema, prefix, at, &numbers[*count])) {
                return bad_row(table, column, at);
            }
            (*count)++;
        }
        at += size + more;
    }
    qsort(numbers, *count, sizeof *numbers, compare_numbers);
    return true;
}

static bool take_region(struct table *table, void **entry)
{
    Xuelian__Region *region = arena_alloc(table->arena, sizeof *region);
    if (region == NULL) {
        return out_of_memory(table->fault);
    }
    xuelian__region__init(region);
    region->name_zh = text_of(table, "name");
    region->name_en = text_of(table, "name_en");
    if (region->name_zh == NULL || region->name_en == NULL) {
        return out_of_memory(table->fault);
    }
    *entry = region;
    return number_of(table, "code", false, &region->code) &&
           number_of(table, "level", false, &region->level) &&
           number_of(table, "parent", true, &region->parent);
}

static bool take_member(struct table *table, void **entry)
{
    Xuelian__Member *member = arena_alloc(table->arena, sizeof *member);
    uint32_t roles[NAMES_MAX] = {0};
    uint32_t kinds[NAMES_MAX] = {0};
    uint32_t kind = 0;
    if (member == NULL) {
        return out_of_memory(table->fault);
    }
    xuelian__member__init(member);
    member->name_zh = text_of(table, "name_zh");
    member->name_en = text_of(table, "name_en");
    const char *kind_name = text_of(table, "kind");
    if (member->name_zh == NULL || member->name_en == NULL || kind_name == NULL) {
        return out_of_memory(table->fault);
    }
    if (!name_parse(&xuelian__member_kind__descriptor, "MEMBER_KIND_", kind_name, &kind)) {
        return bad_row(table, "kind", kind_name);
    }
    member->kind = (Xuelian__MemberKind)kind;
    *entry = member;
    if (!number_of(table, "member", false, &member->id) ||
        !number_of(table, "region", false, &member->region) ||
        !names_of(table, "roles", &xuelian__member_role__descriptor, "MEMBER_ROLE_", roles,
                  &member->n_roles) ||
        !names_of(table, "deposit_kinds", &xuelian__outcome_kind__descriptor, "OUTCOME_KIND_",
                  kinds, &member->n_deposit_kinds)) {
        return false;
    }
    member->roles = arena_alloc(table->arena, (member->n_roles + 1) * sizeof *member->roles);
    member->deposit_kinds =
        arena_alloc(table->arena, (member->n_deposit_kinds + 1) * sizeof *member->deposit_kinds);
    if (member->roles == NULL || member->deposit_kinds == NULL) {
        return out_of_memory(table->fault);
    }
    for (size_t i = 0; i < member->n_roles; i++) {
        member->roles[i] = (Xuelian__MemberRole)roles[i];
    }
    for (size_t i = 0; i < member->n_deposit_kinds; i++) {
        member->deposit_kinds[i] = (Xuelian__OutcomeKind)kinds[i];
    }
    return true;
}

static bool take_course(struct table *table, void **entry)
{
    Xuelian__Course *course = arena_alloc(table->arena, sizeof *course);
    uint32_t kind = 0;
    if (course == NULL) {
        return out_of_memory(table->fault);
    }
    xuelian__course__init(course);
    course->name_zh = text_of(table, "name_zh");
    course->name_en = text_of(table, "name_en");
    const char *kind_name = text_of(table, "kind");
    if (course->name_zh == NULL || course->name_en == NULL || kind_name == NULL) {
        return out_of_memory(table->fault);
    }
    if (!name_parse(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", kind_name, &kind)) {
        return bad_row(table, "kind", kind_name);
    }
    course->kind = (Xuelian__OutcomeKind)kind;
    *entry = course;
    return number_of(table, "course", false, &course->id) &&
           number_of(table, "version", false, &course->version) &&
           number_of(table, "level", true, &course->level) &&
           number_of(table, "credits", true, &course->credits) &&
           number_of(table, "hours", true, &course->hours) &&
           number_of(table, "accredited_by", true, &course->accredited_by) &&
           number_of(table, "from_date", true, &course->from_date) &&
           number_of(table, "to_date", true, &course->to_date);
}

/* Reads a whole table. Out: entries in the arena, behind those already there. */
static bool read_table(const char *path, take_row *take, void **entries, size_t *count,
                       size_t entries_max, struct arena *arena, struct fault *fault)
{
    const struct csv_format format = {.encoding = CSV_UTF8, .delimiter = ','};
    struct table table = {.path = path, .arena = arena, .fault = fault};
    bool fine = csv_open(&table.csv, path, &format, fault);
    if (!fine) {
        return false;
    }
    for (;;) {
        enum csv_event event = csv_next(table.csv, &table.fields, fault);
        if (event == CSV_END) {
            break;
        }
        if (event == CSV_BAD_ROW) {
            struct fault why = *fault;
            fault_set(fault, EXIT_USAGE, "%s, line %u: %s%.0s", "%s 第 %u 行：%.0s%s", path,
                      (unsigned)csv_line(table.csv), why.en, why.zh);
        } else if (event == CSV_ROW && *count == entries_max) {
            fault_set(fault, EXIT_USAGE, "%s has more than %zu rows", "%s 超过 %zu 行", path,
                      entries_max);
        } else if (event == CSV_ROW && take(&table, &entries[*count])) {
            (*count)++;
            continue;
        }
        fine = false;
        break;
    }
    csv_close(table.csv);
    return fine;
}

static int compare_regions(const void *a, const void *b)
{
    return compare_numbers(&(*(const Xuelian__Region *const *)a)->code,
                           &(*(const Xuelian__Region *const *)b)->code);
}

static int compare_members(const void *a, const void *b)
{
    return compare_numbers(&(*(const Xuelian__Member *const *)a)->id,
                           &(*(const Xuelian__Member *const *)b)->id);
}

static int compare_courses(const void *a, const void *b)
{
    return compare_numbers(&(*(const Xuelian__Course *const *)a)->id,
                           &(*(const Xuelian__Course *const *)b)->id);
}

bool demo_read(Xuelian__Genesis *genesis, const struct demo_tables *tables, struct arena *arena,
               struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    void **regions = arena_alloc(arena, LIMIT_REGIONS_MAX * sizeof *regions);
    void **members = arena_alloc(arena, LIMIT_MEMBERS_GENESIS_MAX * sizeof *members);
    void **courses = arena_alloc(arena, LIMIT_COURSES_GENESIS_MAX * sizeof *courses);
    if (regions == NULL || members == NULL || courses == NULL) {
        return out_of_memory(fault);
    }
    if (!path_join(path, tables->folder, "regions.csv", fault) ||
        !read_table(path, take_region, regions, &genesis->n_regions, LIMIT_REGIONS_MAX, arena,
                    fault) ||
        !path_join(path, tables->folder, "institutions.csv", fault) ||
        !read_table(path, take_member, members, &genesis->n_members, LIMIT_MEMBERS_GENESIS_MAX,
                    arena, fault) ||
        !path_join(path, tables->folder, "courses.csv", fault) ||
        !read_table(path, take_course, courses, &genesis->n_courses, LIMIT_COURSES_GENESIS_MAX,
                    arena, fault)) {
        return false;
    }
    for (uint32_t i = 0; i < tables->course_file_count; i++) {
        if (!read_table(tables->courses[i], take_course, courses, &genesis->n_courses,
                        LIMIT_COURSES_GENESIS_MAX, arena, fault)) {
            return false;
        }
    }
    qsort(regions, genesis->n_regions, sizeof *regions, compare_regions);
    qsort(members, genesis->n_members, sizeof *members, compare_members);
    qsort(courses, genesis->n_courses, sizeof *courses, compare_courses);
    genesis->regions = (Xuelian__Region **)(void *)regions;
    genesis->members = (Xuelian__Member **)(void *)members;
    genesis->courses = (Xuelian__Course **)(void *)courses;
    return true;
}

static bool copy_key(ProtobufCBinaryData *field, const struct pubkey33 *key, struct arena *arena)
{
    field->data = arena_alloc(arena, 33);
    if (field->data == NULL) {
        return false;
    }
    memcpy(field->data, key->bytes, 33);
    field->len = 33;
    return true;
}

bool demo_give_key(Xuelian__Member *member, const struct pubkey33 *key, struct arena *arena,
                   struct fault *fault)
{
    Xuelian__MemberKey *made = arena_alloc(arena, sizeof *made);
    member->keys = arena_alloc(arena, sizeof *member->keys);
    if (made == NULL || member->keys == NULL) {
        return out_of_memory(fault);
    }
    xuelian__member_key__init(made);
    member->keys[0] = made;
    member->n_keys = 1;
    return copy_key(&made->key, key, arena) || out_of_memory(fault);
}

bool demo_give_validator(Xuelian__Member *member, const struct pubkey33 *key, const char *address,
                         struct arena *arena, struct fault *fault)
{
    Xuelian__Node *node = arena_alloc(arena, sizeof *node);
    char *copy = arena_alloc(arena, strlen(address) + 1);
    member->nodes = arena_alloc(arena, sizeof *member->nodes);
    if (node == NULL || copy == NULL || member->nodes == NULL) {
        return out_of_memory(fault);
    }
    xuelian__node__init(node);
    node->addresses = arena_alloc(arena, sizeof *node->addresses);
    if (node->addresses == NULL || !copy_key(&node->key, key, arena)) {
        return out_of_memory(fault);
    }
    memcpy(copy, address, strlen(address) + 1);
    node->addresses[0] = copy;
    node->n_addresses = 1;
    node->role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    node->incarnation = 1;
    member->nodes[0] = node;
    member->n_nodes = 1;
    return true;
}
