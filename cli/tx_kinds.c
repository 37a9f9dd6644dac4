/* xuelian tx kinds, xuelian tx fields: what can be sent, from the table of kinds and the schemas. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/payload.h"
#include "proto/json/json.h"

struct kinds_values {
    const char *name;
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct kinds_values *chosen = values;
    (void)key;
    if (chosen->name != NULL) {
        return argument_unexpected(text, fault);
    }
    chosen->name = text;
    return true;
}

int tx_kinds(int argc, char **argv)
{
    const struct command_spec spec = {.text = "Lists the kinds of transactions.|列出所有交易类型。",
                                      .set = set};
    struct kinds_values values = {.name = NULL};
    int code = command_parse(&spec, &values, argc, argv);
    json_t *list = json_array();
    for (uint32_t i = 0; code == COMMAND_GOES_ON && tx_kind_at(i) != NULL; i++) {
        const struct tx_kind *kind = tx_kind_at(i);
        if (!json_wanted()) {
            printf("%4d  %-24s %s%s\n", (int)kind->kind, kind->name, kind->item->short_name,
                   kind->bulk ? "[]" : "");
        }
        json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:b}", "number", (int)kind->kind,
                                              "name", kind->name, "payload", kind->item->short_name,
                                              "bulk", (int)kind->bulk));
    }
    if (code == COMMAND_GOES_ON && json_wanted()) {
        json_print(json_incref(list));
    }
    json_decref(list);
    return code == COMMAND_GOES_ON ? EXIT_OK : code;
}

static const char *type_word(const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        return ((const ProtobufCEnumDescriptor *)field->descriptor)->short_name;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return ((const ProtobufCMessageDescriptor *)field->descriptor)->short_name;
    }
    return field->type == PROTOBUF_C_TYPE_BYTES    ? tr("hex", "十六进制")
           : field->type == PROTOBUF_C_TYPE_STRING ? tr("text", "文本")
           : field->type == PROTOBUF_C_TYPE_BOOL   ? "true|false"
                                                   : tr("number", "数值");
}

/* One enum's names in a line. */
static void print_names(const ProtobufCEnumDescriptor *schema)
{
    printf("  %s:", schema->short_name);
    for (unsigned i = 0; i < schema->n_values; i++) {
        char name[64];
        if (schema->values[i].value != 0) {
            json_enum_name(schema, schema->values[i].name, name);
            printf(" %s", name);
        }
    }
    putchar('\n');
}

/* A message, then those inside it, each once. */
static void print_schema(const ProtobufCMessageDescriptor *top)
{
    enum { SCHEMAS_MAX = 32 };
    const ProtobufCMessageDescriptor *list[SCHEMAS_MAX] = {top};
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", list[i]->short_name);
        for (unsigned f = 0; f < list[i]->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &list[i]->fields[f];
            printf("  %-22s %s%s\n", field->name, type_word(field),
                   field->label == PROTOBUF_C_LABEL_REPEATED ? "[]" : "");
            bool known = field->type != PROTOBUF_C_TYPE_MESSAGE;
            for (size_t k = 0; k < count && !known; k++) {
                known = list[k] == field->descriptor;
            }
            if (!known && count < SCHEMAS_MAX) {
                list[count++] = field->descriptor;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (unsigned f = 0; f < list[i]->n_fields; f++) {
            if (list[i]->fields[f].type == PROTOBUF_C_TYPE_ENUM) {
                print_names(list[i]->fields[f].descriptor);
            }
        }
    }
}

int tx_fields(int argc, char **argv)
{
    const struct command_spec spec = {
        .arguments = "KIND",
        .text = "Shows the fields of a kind's payload.|显示某类交易载荷的字段。",
        .set = set};
    struct kinds_values values = {.name = NULL};
    const struct tx_kind *kind = NULL;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.name == NULL) {
        fault_set(&fault, EXIT_USAGE, "which kind? One of: xuelian tx kinds",
                  "哪类交易？请看：xuelian tx kinds");
        return fault_print(&fault);
    }
    if (!payload_kind(values.name, &kind, &fault)) {
        return fault_print(&fault);
    }
    print_schema(kind->item);
    return EXIT_OK;
}
