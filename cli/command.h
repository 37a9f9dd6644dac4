/* What every command shares: its table entry, options and help, and output as JSON. One thread. */
#ifndef XUELIAN_CLI_COMMAND_H
#define XUELIAN_CLI_COMMAND_H

#include <argp.h>
#include <jansson.h>

#include "cli/text.h"

/* run gets argv[0] = "xuelian NAME" and returns the exit code. */
struct command {
    const char *name;
    const char *en;
    const char *zh;
    int (*run)(int argc, char **argv);
};

/* The commands, ended by a NULL name. */
extern const struct command commands[];

int command_key(int argc, char **argv);
int command_network(int argc, char **argv);
int command_genesis(int argc, char **argv);
int command_status(int argc, char **argv);
int command_import(int argc, char **argv);
int command_archive(int argc, char **argv);
int command_token(int argc, char **argv);
int command_evidence(int argc, char **argv);
int command_gov(int argc, char **argv);
int command_recovery(int argc, char **argv);
int command_prove(int argc, char **argv);
int command_tx(int argc, char **argv);
int tx_kinds(int argc, char **argv); /* of xuelian tx */
int tx_fields(int argc, char **argv);
int command_verify(int argc, char **argv);

/* Keys of options: a letter below the end of the short ones, or of its own from OPTION_LONG on without a letter. What
 * lies between is common to all commands. */
enum { OPTION_SHORT_END = 0x1000, OPTION_LONG = 0x2000, OPTION_LONG_END = 0x3000 };

/* How a command is called. Texts shown in help are "English|中文". */
struct command_spec {
    const struct argp_option *options; /* as argp's; --lang, --json and --help are added */
    const char *arguments;             /* as argp's args_doc */
    const char *text;                  /* what the command does */
    /* Takes one option, or with key ARGP_KEY_ARG one argument. False with *fault: the text is wrong. */
    bool (*set)(void *values, int key, const char *text, struct fault *fault);
};

enum { COMMAND_GOES_ON = -1 };

/* Parses a command line.
 * Returns  COMMAND_GOES_ON, or the exit code to end with: help was shown, or an error was printed. */
int command_parse(const struct command_spec *spec, void *values, int argc, char **argv);

/* Runs the entry of a table of sub-commands that argv[1] names, behind --lang and --json; an unknown one is
 * told its neighbour, and none the table. */
int command_dispatch(const struct command *table, const char *text, int argc, char **argv);

/* True when --json was given. */
bool json_wanted(void);
/* Prints a JSON value on standard output and releases it. */
void json_print(json_t *value);

/* For set: one more argument than the command takes. */
bool argument_unexpected(const char *text, struct fault *fault);

#endif
