#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_HELP = OPTION_SHORT_END, KEY_LANG, KEY_JSON, OPTIONS_MAX = 32, COMMANDS_MAX = 16 };

static bool json_on;

static const struct argp_option common_options[] = {
    {"lang", KEY_LANG, "en|zh", 0, "language of the output|输出语言", -2},
    {"json", KEY_JSON, NULL, 0, "print one JSON value|输出一个 JSON 值", -2},
    {"help", KEY_HELP, NULL, 0, "show this help|显示本帮助", -2},
    {0},
};

struct parsing {
    const struct command_spec *spec;
    void *values;
    struct fault *fault;
    bool helped;
};

bool json_wanted(void)
{
    return json_on;
}

void json_print(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fputc('\n', stdout);
    json_decref(value);
}

/* The half of "English|中文" in the language of the output. Out: *size of it. */
static const char *half(const char *text, size_t *size)
{
    const char *bar = strchr(text, '|');
    bool chinese = bar != NULL && lang_get() == LANG_ZH;
    *size = bar == NULL ? strlen(text) : chinese ? strlen(bar + 1) : (size_t)(bar - text);
    return chinese ? bar + 1 : text;
}

static void show_half(const char *text)
{
    size_t size = 0;
    const char *start = half(text, &size);
    printf("%.*s", (int)size, start);
}

static void show_option(const struct argp_option *option)
{
    enum { TEXT_COLUMN = 26 };
    char label[80];
    snprintf(label, sizeof label, "%s%c%s --%s%s%s", "  ",
             option->key < OPTION_SHORT_END ? '-' : ' ',
             option->key < OPTION_SHORT_END ? (const char[]){(char)option->key, ',', '\0'} : "  ",
             option->name, option->arg != NULL ? "=" : "", option->arg != NULL ? option->arg : "");
    printf("%-*s ", TEXT_COLUMN, label);
    if (strlen(label) > TEXT_COLUMN) {
        printf("\n%-*s ", TEXT_COLUMN, "");
    }
    show_half(option->doc);
    putchar('\n');
}

static void show_help(const struct command_spec *spec, const char *program)
{
    const struct argp_option *const lists[] = {spec->options, common_options};
    printf("%s: %s [%s]%s%s\n\n", tr("Usage", "用法"), program, tr("OPTION...", "选项……"),
           spec->arguments != NULL ? " " : "", spec->arguments != NULL ? spec->arguments : "");
    show_half(spec->text);
    printf("\n\n");
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; lists[l] != NULL && i < OPTIONS_MAX && lists[l][i].name != NULL; i++) {
            show_option(&lists[l][i]);
        }
    }
}

/* What argp says only as "error": an option that is not there, or one without its value. */
static void say_bad_option(const struct parsing *parsing, const struct argp_state *state)
{
    const char *names[2 * OPTIONS_MAX] = {NULL};
    char word[64];
    size_t count = 0;
    const char *given = state->next > 0 && state->next <= state->argc ? state->argv[state->next - 1]
                                                                      : state->argv[0];
    const struct argp_option *const lists[] = {parsing->spec->options, common_options};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; lists[l] != NULL && i < OPTIONS_MAX && lists[l][i].name != NULL; i++) {
            names[count++] = lists[l][i].name;
        }
    }
    const char *start = given + strspn(given, "-");
    snprintf(word, sizeof word, "%.*s", (int)strcspn(start, "="), start);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], word) == 0) {
            bool valued = strchr(start, '=') != NULL;
            fault_set(parsing->fault, EXIT_USAGE,
                      valued ? "--%s takes no value; leave it out" : "--%s needs a value; give one",
                      valued ? "--%s 不带值；请去掉" : "--%s 需要一个值；请给出", word);
            return;
        }
    }
    const char *near = nearest(word, names);
    fault_set(parsing->fault, EXIT_USAGE,
              near != NULL ? "there is no option %s; did you mean --%s?"
                           : "there is no option %s; see: %s --help",
              near != NULL ? "没有选项 %s；是否想用 --%s？" : "没有选项 %s；请看：%s --help", given,
              near != NULL ? near : state->argv[0]);
}

static error_t parse_one(int key, char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    enum lang lang = LANG_EN;
    if (key == KEY_HELP) {
        parsing->helped = true;
        return ECANCELED;
    }
    if (key == KEY_LANG) {
        if (!lang_parse(text, &lang)) {
            fault_set(parsing->fault, EXIT_USAGE, "--lang is en or zh, not %s",
                      "--lang 应为 en 或 zh，而不是 %s", text);
            return EINVAL;
        }
        lang_set(lang);
        return 0;
    }
    if (key == KEY_JSON) {
        json_on = true;
        return 0;
    }
    if (key == ARGP_KEY_ERROR) {
        if (parsing->fault->en[0] == '\0' && !parsing->helped) {
            say_bad_option(parsing, state);
        }
        return 0;
    }
    if (key == ARGP_KEY_ARG || (key > 0 && key < KEY_HELP) ||
        (key >= OPTION_LONG && key < OPTION_LONG_END)) {
        return parsing->spec->set(parsing->values, key, text, parsing->fault) ? 0 : EINVAL;
    }
    return key == ARGP_KEY_NO_ARGS || key == ARGP_KEY_INIT || key == ARGP_KEY_END ||
                   key == ARGP_KEY_SUCCESS || key == ARGP_KEY_FINI
               ? 0
               : ARGP_ERR_UNKNOWN;
}

/* --lang decides the language of errors and help wherever it stands. */
static void find_lang(int argc, char **argv)
{
    enum lang lang = LANG_EN;
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        const char *value = NULL;
        if (strncmp(argv[i], "--lang=", 7) == 0) {
            value = argv[i] + 7;
        } else if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc) {
            value = argv[i + 1];
        }
        if (value != NULL && lang_parse(value, &lang)) {
            lang_set(lang);
        }
    }
}

int command_parse(const struct command_spec *spec, void *values, int argc, char **argv)
{
    struct fault fault = {.code = EXIT_OK};
    struct parsing parsing = {.spec = spec, .values = values, .fault = &fault};
    struct argp_option options[OPTIONS_MAX + 4] = {{0}};
    size_t count = 0;
    for (; spec->options != NULL && spec->options[count].name != NULL; count++) {
        options[count] = spec->options[count];
    }
    memcpy(options + count, common_options, sizeof common_options);
    const struct argp argp = {.options = options, .parser = parse_one, .args_doc = spec->arguments};
    find_lang(argc, argv);
    error_t error =
        argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parsing);
    if (parsing.helped) {
        show_help(spec, argv[0]);
        return EXIT_OK;
    }
    if (error != 0) {
        return fault_print(&fault);
    }
    return COMMAND_GOES_ON;
}

static void show_table(const struct command *table, const char *text, const char *program)
{
    printf("%s: %s %s\n\n", tr("Usage", "用法"), program, tr("COMMAND ...", "命令 ……"));
    show_half(text);
    printf("\n\n");
    for (size_t i = 0; table[i].name != NULL; i++) {
        printf("  %-10s %s\n", table[i].name, tr(table[i].en, table[i].zh));
    }
    printf("\n%s: %s %s --help\n", tr("More", "详情"), program, tr("COMMAND", "命令"));
    printf("%s\n", tr("Every command takes --lang en|zh and --json.",
                      "每个命令都接受 --lang en|zh 与 --json。"));
    printf("%s\n",
           tr("Exit codes: 0 done; 1 refused, or a negative answer; 2 the command line or a "
              "file it names;\n3 no node answered; 4 a file, a key or the disk.",
              "退出码：0 完成；1 被拒或否定答复；2 命令行或所指文件有误；3 没有节点应答；"
              "4 文件、密钥或磁盘。"));
}

/* --lang and --json may stand before the command too. Returns how many words they take. */
static int skip_common(int argc, char **argv)
{
    int at = 1;
    while (at < argc) {
        if (strcmp(argv[at], "--json") == 0) {
            json_on = true;
            at++;
        } else if (strncmp(argv[at], "--lang=", 7) == 0) {
            at++;
        } else if (strcmp(argv[at], "--lang") == 0 && at + 1 < argc) {
            at += 2;
        } else {
            break;
        }
    }
    return at - 1;
}

static int unknown_command(const struct command *table, const char *word, const char *program)
{
    static const char *const options[] = {"help", "version", "lang", "json", NULL};
    const char *names[COMMANDS_MAX + 1] = {NULL};
    struct fault fault;
    for (size_t i = 0; i < COMMANDS_MAX && table[i].name != NULL; i++) {
        names[i] = table[i].name;
    }
    bool is_option = word[0] == '-';
    const char *near = nearest(word + strspn(word, "-"), is_option ? options : names);
    if (is_option) {
        fault_set(&fault, EXIT_USAGE,
                  near != NULL ? "there is no option %s; did you mean --%s?"
                               : "there is no option %s; see: %s --help",
                  near != NULL ? "没有选项 %s；是否想用 --%s？" : "没有选项 %s；请看：%s --help",
                  word, near != NULL ? near : program);
    } else {
        fault_set(&fault, EXIT_USAGE,
                  near != NULL ? "there is no command %s; did you mean %s?"
                               : "there is no command %s; see: %s --help",
                  near != NULL ? "没有命令 %s；是否想用 %s？" : "没有命令 %s；请看：%s --help",
                  word, near != NULL ? near : program);
    }
    return fault_print(&fault);
}

int command_dispatch(const struct command *table, const char *text, int argc, char **argv)
{
    char program[128];
    struct fault fault;
    find_lang(argc, argv);
    int skipped = skip_common(argc, argv);
    argv[skipped] = argv[0];
    argc -= skipped;
    argv += skipped;
    if (argc < 2) {
        fault_set(&fault, EXIT_USAGE, "which command? See: %s --help", "哪个命令？请看：%s --help",
                  argv[0]);
        show_table(table, text, argv[0]);
        return fault_print(&fault);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        show_table(table, text, argv[0]);
        return EXIT_OK;
    }
    for (size_t i = 0; i < COMMANDS_MAX && table[i].name != NULL; i++) {
        if (strcmp(argv[1], table[i].name) == 0) {
            snprintf(program, sizeof program, "%s %s", argv[0], argv[1]);
            argv[1] = program;
            return table[i].run(argc - 1, argv + 1);
        }
    }
    return unknown_command(table, argv[1], argv[0]);
}

bool argument_unexpected(const char *text, struct fault *fault)
{
    return fault_set(fault, EXIT_USAGE, "'%s' is one argument too many; leave it out",
                     "参数“%s”多余；请去掉", text);
}
