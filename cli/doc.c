#include "cli/doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cli/file.h"

struct block {
    struct block *next;
    struct doc_node node;
    char text[];
};

struct doc {
    char *path;
    struct block *blocks;
    struct doc_node *root;
    uint32_t count;
};

/* Where the reader is: open lists and maps, and the key that waits for its value. */
struct reading {
    struct doc *doc;
    struct doc_node *open[DOC_DEPTH_MAX];
    const char *keys[DOC_DEPTH_MAX];
    uint32_t depth;
    uint32_t documents;
    bool ended;
};

const struct doc_node *doc_root(const struct doc *doc)
{
    return doc->root;
}

const char *doc_path(const struct doc *doc)
{
    return doc->path;
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key)
{
    for (const struct doc_node *at = map->first; at != NULL; at = at->next) {
        if (at->key != NULL && strcmp(at->key, key) == 0) {
            return at;
        }
    }
    return NULL;
}

static bool fault_line(const struct doc *doc, size_t line, struct fault *fault, const char *en,
                       const char *zh, const char *name)
{
    char name_en[128] = "";
    char name_zh[128] = "";
    if (name != NULL) {
        snprintf(name_en, sizeof name_en, ": '%s'", name);
        snprintf(name_zh, sizeof name_zh, "：“%s”", name);
    }
    return fault_set(fault, EXIT_USAGE, "%s, line %zu: %s%s%.0s%.0s", "%s 第 %zu 行：%.0s%.0s%s%s",
                     doc->path, line, en, name_en, zh, name_zh);
}

bool doc_fault(const struct doc *doc, const struct doc_node *node, struct fault *fault,
               const char *en, const char *zh, const char *name)
{
    return fault_line(doc, node->line, fault, en, zh, name);
}

static struct doc_node *new_node(struct doc *doc, enum doc_kind kind, const yaml_mark_t *mark,
                                 const char *text, size_t size)
{
    struct block *block = doc->count < DOC_NODES_MAX ? calloc(1, sizeof *block + size + 1) : NULL;
    if (block == NULL) {
        return NULL;
    }
    if (size > 0) {
        memcpy(block->text, text, size);
    }
    block->node.kind = kind;
    block->node.line = (uint32_t)mark->line + 1;
    block->node.text = block->text;
    block->next = doc->blocks;
    doc->blocks = block;
    doc->count++;
    return &block->node;
}

static bool attach(struct reading *reading, struct doc_node *node, struct fault *fault)
{
    struct doc_node *parent = reading->depth > 0 ? reading->open[reading->depth - 1] : NULL;
    if (parent == NULL) {
        reading->doc->root = node;
        return true;
    }
    if (parent->kind == DOC_MAP) {
        const char *key = reading->keys[reading->depth - 1];
        if (key == NULL) {
            if (node->kind != DOC_SCALAR) {
                return doc_fault(reading->doc, node, fault, "a key must be text", "键必须是文本",
                                 NULL);
            }
            if (doc_get(parent, node->text) != NULL) {
                return doc_fault(reading->doc, node, fault, "this key is given twice", "此键重复",
                                 node->text);
            }
            reading->keys[reading->depth - 1] = node->text;
            return true;
        }
        node->key = key;
        reading->keys[reading->depth - 1] = NULL;
    }
    if (parent->last != NULL) {
        parent->last->next = node;
    } else {
        parent->first = node;
    }
    parent->last = node;
    parent->count++;
    return true;
}

static bool add(struct reading *reading, enum doc_kind kind, const yaml_event_t *event,
                const char *text, size_t size, struct fault *fault)
{
    if (size > 0 && memchr(text, 0, size) != NULL) {
        return fault_line(reading->doc, event->start_mark.line + 1, fault,
                          "a text with a zero byte in it", "文本含有零字节", NULL);
    }
    struct doc_node *node = new_node(reading->doc, kind, &event->start_mark, text, size);
    if (node == NULL) {
        return fault_line(reading->doc, event->start_mark.line + 1, fault,
                          "the file has too many entries", "文件条目过多", NULL);
    }
    if (!attach(reading, node, fault)) {
        return false;
    }
    if (kind != DOC_SCALAR) {
        if (reading->depth == DOC_DEPTH_MAX) {
            return doc_fault(reading->doc, node, fault, "nested too deep", "嵌套过深", NULL);
        }
        reading->keys[reading->depth] = NULL;
        reading->open[reading->depth++] = node;
    }
    return true;
}

static bool refuse(const struct reading *reading, const yaml_event_t *event, struct fault *fault)
{
    return fault_line(reading->doc, event->start_mark.line + 1, fault,
                      "anchors, aliases, tags and second documents are not allowed here",
                      "此处不允许锚点、别名、标签和第二个文档", NULL);
}

static bool take(struct reading *reading, const yaml_event_t *event, struct fault *fault)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL) {
            return refuse(reading, event, fault);
        }
        return add(reading, DOC_SCALAR, event, (const char *)event->data.scalar.value,
                   event->data.scalar.length, fault);
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL
                   ? refuse(reading, event, fault)
                   : add(reading, DOC_LIST, event, NULL, 0, fault);
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL
                   ? refuse(reading, event, fault)
                   : add(reading, DOC_MAP, event, NULL, 0, fault);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reading->depth--;
        return true;
    case YAML_ALIAS_EVENT:
        return refuse(reading, event, fault);
    case YAML_DOCUMENT_START_EVENT:
        return ++reading->documents == 1 || refuse(reading, event, fault);
    case YAML_STREAM_END_EVENT:
    case YAML_NO_EVENT:
        reading->ended = true;
        return true;
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

static bool parse(struct doc *doc, const uint8_t *data, size_t size, struct fault *fault)
{
    yaml_parser_t parser;
    yaml_event_t event;
    struct reading reading = {.doc = doc};
    bool fine = true;
    if (yaml_parser_initialize(&parser) == 0) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    yaml_parser_set_input_string(&parser, data, size);
    while (fine && !reading.ended) {
        if (yaml_parser_parse(&parser, &event) == 0) {
            fine = fault_line(doc, parser.problem_mark.line + 1, fault, "not correct YAML",
                              "不是正确的 YAML", parser.problem);
            break;
        }
        fine = take(&reading, &event, fault);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (fine && (doc->root == NULL || doc->root->kind == DOC_SCALAR)) {
        fine = fault_line(doc, 1, fault, "keys and values are expected", "应为键和值", NULL);
    }
    return fine;
}

bool doc_open(struct doc **doc, const char *path, struct fault *fault)
{
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file_read(path, DOC_SIZE_MAX, &data, &size, fault)) {
        return false;
    }
    struct doc *made = calloc(1, sizeof *made);
    bool fine = made != NULL && (made->path = strdup(path)) != NULL;
    fine = fine ? parse(made, data, size, fault)
                : fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    free(data);
    if (!fine) {
        doc_close(made);
        return false;
    }
    *doc = made;
    return true;
}

void doc_close(struct doc *doc)
{
    if (doc == NULL) {
        return;
    }
    while (doc->blocks != NULL) {
        struct block *next = doc->blocks->next;
        free(doc->blocks);
        doc->blocks = next;
    }
    free(doc->path);
    free(doc);
}

bool doc_check_keys(const struct doc *doc, const struct doc_node *map, const char *const *allowed,
                    struct fault *fault)
{
    for (const struct doc_node *at = map->first; at != NULL; at = at->next) {
        size_t i = 0;
        while (allowed[i] != NULL && strcmp(allowed[i], at->key) != 0) {
            i++;
        }
        if (allowed[i] != NULL) {
            continue;
        }
        const char *near = nearest(at->key, allowed);
        return near != NULL
                   ? fault_set(fault, EXIT_USAGE,
                               "%s, line %u: there is no key '%s' here; did you mean '%s'?",
                               "%s 第 %u 行：此处没有键“%s”；是否想用“%s”？", doc->path,
                               (unsigned)at->line, at->key, near)
                   : fault_set(fault, EXIT_USAGE, "%s, line %u: there is no key '%s' here",
                               "%s 第 %u 行：此处没有键“%s”", doc->path, (unsigned)at->line,
                               at->key);
    }
    return true;
}

bool doc_check_kind(const struct doc *doc, const struct doc_node *node, enum doc_kind kind,
                    const char *name, struct fault *fault)
{
    static const char *const en[] = {"a text is expected here", "a list is expected here",
                                     "keys and values are expected here"};
    static const char *const zh[] = {"此处应为文本", "此处应为列表", "此处应为键和值"};
    return node->kind == kind || doc_fault(doc, node, fault, en[kind], zh[kind], name);
}
