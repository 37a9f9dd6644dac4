/* xueliand: runs one node. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "node/ask.h"
#include "node/node.h"
#include "node/recovery.h"
#include "node/upkeep/upkeep.h"
#include "version.h"

enum { FILES_WANTED = 4096 };

const char *argp_program_version = "xueliand " XUELIAN_VERSION " (" XUELIAN_SOURCE ")";

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "configuration file (YAML)", 0},
    {"incarnation", 'i', "N", 0, "incarnation number of the vote journal, for init and new-journal",
     0},
    {"genesis", 'g', "FILE", 0,
     "genesis file, in place of --config where data directories are named", 0},
    {0},
};

enum command {
    COMMAND_RUN,
    COMMAND_INIT,
    COMMAND_NEW_JOURNAL,
    COMMAND_FOLLOWING,
    COMMAND_VERIFY_STORE,
    COMMAND_AUDIT,
    COMMAND_SNAPSHOT,
    COMMAND_RESTORE,
    COMMAND_NEWEST,
    COMMAND_RECOVER,
    COMMANDS
};
static const char *const command_names[COMMANDS] = {
    "run",   "init",     "new-journal", "following", "verify-store",
    "audit", "snapshot", "restore",     "newest",    "recover"};
/* How many data directories a command may be given. */
static const uint32_t folders_max[COMMANDS] = {[COMMAND_VERIFY_STORE] = 1,
                                               [COMMAND_AUDIT] = UPKEEP_FOLDERS_MAX,
                                               [COMMAND_SNAPSHOT] = 1,
                                               [COMMAND_RESTORE] = 1};

struct arguments {
    const char *config;
    const char *file; /* of recover */
    enum command command;
    bool has_command;
    bool has_incarnation;
    uint64_t incarnation;
    struct upkeep upkeep;
};

static void take_command(const char *word, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct upkeep *upkeep = &arguments->upkeep;
    if (arguments->has_command && upkeep->folder_count < folders_max[arguments->command]) {
        upkeep->folders[upkeep->folder_count++] = word;
        return;
    }
    for (int i = 0; i < COMMANDS && !arguments->has_command; i++) {
        if (strcmp(word, command_names[i]) == 0) {
            arguments->command = (enum command)i;
            arguments->has_command = true;
            return;
        }
    }
    if (arguments->has_command && arguments->command == COMMAND_RECOVER &&
        arguments->file == NULL) {
        arguments->file = word;
        return;
    }
    argp_error(state,
               "\"%s\" is not a command; the commands are run, init, new-journal, following, "
               "verify-store, audit, snapshot, restore, newest, recover FILE",
               word);
}

static void take_incarnation(const char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    char *end = NULL;
    errno = 0;
    arguments->incarnation = strtoull(text, &end, 10);
    arguments->has_incarnation = true;
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        argp_error(state, "--incarnation is a whole number, not \"%s\"", text);
    }
}

static void check_arguments(struct argp_state *state)
{
    const struct arguments *arguments = state->input;
    bool takes = arguments->command == COMMAND_INIT || arguments->command == COMMAND_NEW_JOURNAL;
    const struct upkeep *upkeep = &arguments->upkeep;
    bool snapshot = arguments->command == COMMAND_SNAPSHOT || arguments->command == COMMAND_RESTORE;
    if (snapshot && (upkeep->folder_count != 1 || arguments->config == NULL)) {
        argp_error(state, "%s takes --config FILE and the folder of a snapshot",
                   command_names[arguments->command]);
    } else if (upkeep->genesis != NULL && (snapshot || folders_max[arguments->command] == 0)) {
        argp_error(state, "--genesis is for verify-store and audit");
    } else if (!snapshot && (upkeep->genesis != NULL) != (upkeep->folder_count > 0)) {
        argp_error(state, "--genesis FILE and a data directory go together");
    } else if (upkeep->genesis != NULL && arguments->config != NULL) {
        argp_error(state, "either --config or --genesis, not both");
    } else if (arguments->config == NULL && upkeep->genesis == NULL) {
        argp_error(state, "--config FILE is needed; xuelian network new makes one for trials");
    } else if (arguments->command == COMMAND_NEW_JOURNAL && !arguments->has_incarnation) {
        argp_error(state,
                   "new-journal needs --incarnation N, above every number that this key had");
    } else if (arguments->command == COMMAND_RECOVER && arguments->file == NULL) {
        argp_error(state, "recover needs the file of the recovery record: recover FILE");
    } else if (arguments->has_incarnation && !takes) {
        argp_error(state, "--incarnation is for init and new-journal");
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        arguments->config = value;
        return 0;
    case 'i':
        take_incarnation(value, state);
        return 0;
    case 'g':
        ((struct arguments *)state->input)->upkeep.genesis = value;
        return 0;
    case ARGP_KEY_ARG:
        take_command(value, state);
        return 0;
    case ARGP_KEY_END:
        check_arguments(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "[run|init|new-journal|following|verify-store [DIR]|audit [DIR...]|"
                "snapshot DIR|restore DIR|newest|recover FILE]",
    .doc =
        "Run a node of a Xuelian (学链) network.\v"
        "init makes the data directory and the vote journal of a new node, once. "
        "new-journal puts a lost or damaged vote journal aside and makes one of a new incarnation, "
        "with which the node follows until a set change names that number. "
        "following asks the running node for its signature that it follows, for a set change. "
        "newest, on a stopped node, prints the newest block that it holds, for xuelian recovery "
        "new. recover FILE gives a stopped node the record of a recovery, signed by the holders of "
        "the recovery keys. "
        "verify-store reads all of a stopped node's blocks and state, and says what is damaged. "
        "audit executes all blocks of data directories again, and compares them. "
        "snapshot writes the state of a stopped node into a new folder, restore makes a node of "
        "it. "
        "run (the default) runs the node until SIGTERM or SIGINT; SIGHUP reads log_level again."};

static struct node *node;
static struct arguments arguments;
static uv_signal_t signals[3];
static uv_timer_t watchdog;

static void stop(uv_signal_t *handle, int number)
{
    (void)handle;
    sd_notify(0, "STOPPING=1");
    log_event(LOG_INFO, "stop", "signal %d: stopping", number);
    for (int i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&signals[i], NULL);
    }
    uv_close((uv_handle_t *)&watchdog, NULL);
    node_stop(node);
}

static void reload(uv_signal_t *handle, int number)
{
    struct node_config config;
    char error[NODE_ERROR_SIZE];
    (void)handle;
    (void)number;
    if (config_read(&config, arguments.config, error, sizeof error) != ST_OK) {
        log_event(LOG_ERROR, "reload", "kept as it was: %s", error);
        return;
    }
    log_set_level(config.log_level);
    log_event(LOG_INFO, "reload", "log_level is read again");
}

static void alive(uv_timer_t *timer)
{
    (void)timer;
    sd_notify(0, "WATCHDOG=1");
}

static void watch(uv_loop_t *loop)
{
    static const int numbers[3] = {SIGTERM, SIGINT, SIGHUP};
    uint64_t interval_us = 0;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        uv_signal_init(loop, &signals[i]);
        uv_signal_start(&signals[i], numbers[i] == SIGHUP ? reload : stop, numbers[i]);
    }
    uv_timer_init(loop, &watchdog);
    if (sd_watchdog_enabled(0, &interval_us) > 0) {
        uv_timer_start(&watchdog, alive, 0, interval_us / 2000);
    }
}

static int refuse(const char *error)
{
    fprintf(stderr, "xueliand: %s\n", error);
    return 1;
}

/* Clients and peers may hold 1,500 connections; the databases must still find descriptors. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_WANTED) {
        limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < FILES_WANTED) {
            log_event(LOG_WARN, "files", "only %llu files may be open; allow %d (ulimit -n)",
                      (unsigned long long)limit.rlim_cur, FILES_WANTED);
        }
    }
}

static int run(const struct node_config *config)
{
    static char error[NODE_ERROR_SIZE];
    raise_file_limit();
    uv_loop_t *loop = uv_default_loop();
    node = calloc(1, sizeof *node);
    if (node == NULL) {
        return refuse("out of memory");
    }
    if (node_start(node, config, loop, error) != ST_OK) {
        /* Nothing was promised yet: the process ends and the system closes what is open. */
        fflush(stderr);
        _exit(refuse(error));
    }
    watch(loop);
    log_event(LOG_INFO, "start", "xueliand %s listens for peers on %s and for clients on %s",
              XUELIAN_VERSION, config->peer_listen, config->rpc_listen);
    sd_notify(0, "READY=1");
    uv_run(loop, UV_RUN_DEFAULT);
    node_free(node);
    free(node);
    uv_loop_close(loop);
    return 0;
}

/* Commands on stores, of a configuration or of directories named. -1: another command. */
static int upkeep(const struct upkeep *upkeep)
{
    switch (arguments.command) {
    case COMMAND_VERIFY_STORE:
        return upkeep_verify_store(upkeep);
    case COMMAND_AUDIT:
        return upkeep_audit(upkeep);
    case COMMAND_SNAPSHOT:
        return upkeep_snapshot(upkeep);
    case COMMAND_RESTORE:
        return upkeep_restore(upkeep);
    case COMMAND_RUN:
    case COMMAND_INIT:
    case COMMAND_NEW_JOURNAL:
    case COMMAND_FOLLOWING:
    case COMMAND_NEWEST:
    case COMMAND_RECOVER:
    case COMMANDS:
        break;
    }
    return -1;
}

/* Says on standard output what a command did, or on standard error why not. */
static int command(const struct node_config *config)
{
    static char text[16 * NODE_ERROR_SIZE];
    const uint64_t *incarnation = arguments.has_incarnation ? &arguments.incarnation : NULL;
    enum status status = ST_OK;
    switch (arguments.command) {
    case COMMAND_RUN:
        return run(config);
    case COMMAND_INIT:
        status = node_init(config, incarnation, text);
        break;
    case COMMAND_NEW_JOURNAL:
        status = node_new_journal(config, arguments.incarnation, text);
        break;
    case COMMAND_FOLLOWING:
        status = ask_following(config, text, sizeof text);
        break;
    case COMMAND_NEWEST:
        status = node_newest(config, text, sizeof text);
        break;
    case COMMAND_RECOVER:
        status = node_recover(config, arguments.file, text);
        break;
    case COMMAND_VERIFY_STORE:
    case COMMAND_AUDIT:
    case COMMAND_SNAPSHOT:
    case COMMAND_RESTORE:
    case COMMANDS:
        break;
    }
    if (status != ST_OK) {
        return refuse(text);
    }
    if (arguments.command == COMMAND_FOLLOWING || arguments.command == COMMAND_NEWEST ||
        arguments.command == COMMAND_RECOVER) {
        printf("%s\n", text);
    } else if (arguments.command == COMMAND_INIT) {
        printf("The data directory %s is ready; start the node with: xueliand --config %s\n",
               config->data_dir, arguments.config);
    } else {
        printf("A new vote journal of incarnation %llu is in %s. The node follows with it, and "
               "votes once a set change names that number for its key.\n",
               (unsigned long long)arguments.incarnation, config->data_dir);
    }
    return 0;
}

int main(int count, char **values)
{
    static struct node_config config;
    char error[NODE_ERROR_SIZE] = "";
    argp_parse(&parser, count, values, 0, NULL, &arguments);
    if (arguments.upkeep.genesis != NULL) {
        return upkeep(&arguments.upkeep);
    }
    if (config_read(&config, arguments.config, error, sizeof error) != ST_OK) {
        return refuse(error);
    }
    log_set_level(config.log_level);
    arguments.upkeep.genesis = config.genesis;
    arguments.upkeep.folders[1] = arguments.upkeep.folders[0];
    arguments.upkeep.folders[0] = config.data_dir;
    arguments.upkeep.folder_count = 1;
    int code = upkeep(&arguments.upkeep);
    return code >= 0 ? code : command(&config);
}
