/* xuelian network new: keys, genesis and configuration of four validators on one machine, for trials. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/demo.h"
#include "cli/file.h"
#include "cli/secret.h"
#include "ledger/genesis.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { PORTS_EACH = 3, PORT_COUNT = DEMO_VALIDATORS * PORTS_EACH, ADDRESS_SIZE = 32 };

struct network_values {
    const char *folder;
    const char *name;
    struct demo_tables tables;
    const char *rules;            /* or NULL */
    unsigned long long base_port; /* 0: any free ports */
    unsigned long long recovery_keys;
};

/* What is known of each validator while the network is made. */
struct plan {
    const struct network_values *values;
    struct arena arena;
    Xuelian__Genesis genesis;
    Xuelian__Params params;
    char name[64];
    uint16_t ports[PORT_COUNT]; /* peer, rpc, local of the first; then of the next */
    struct hash32 chain_id;
    Xuelian__RecoveryKey recovery[LIMIT_RECOVERY_KEYS_MAX];
    Xuelian__RecoveryKey *recovery_list[LIMIT_RECOVERY_KEYS_MAX];
    struct pubkey33 recovery_keys[LIMIT_RECOVERY_KEYS_MAX];
    char holders[LIMIT_RECOVERY_KEYS_MAX][32];
};

static const struct argp_option options[] = {
    {"demo", 'd', "FOLDER", 0,
     "tables of members, regions and courses (deploy/demo/data)|机构、区划与课程的数据表目录", 0},
    {"courses", 'c', "FILE", 0, "one more table of courses; may be repeated|附加的课程表，可重复",
     0},
    {"rules", 'r', "FILE", 0,
     "conversion and points rules, catalogue (deploy/demo/rules.yaml)|转换规则、积分规则与兑换目录",
     0},
    {"base-port", 'b', "N", 0, "use ports N to N+11, not any free ones|使用端口 N 至 N+11", 0},
    {"recovery-keys", 'R', "N", 0,
     "recovery keys to make, 3 by default; 0: the network has no recovery|恢复密钥个数，默认 3；0 "
     "表示网络不可恢复",
     0},
    {"name", 'n', "NAME", 0, "name of the network|网络名称", 0},
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct network_values *chosen = values;
    switch (key) {
    case 'd':
        chosen->tables.folder = text;
        return true;
    case 'c':
        if (chosen->tables.course_file_count == DEMO_COURSE_FILES_MAX) {
            return fault_set(fault, EXIT_USAGE, "at most 8 tables of courses",
                             "附加课程表至多 8 个");
        }
        chosen->tables.courses[chosen->tables.course_file_count++] = text;
        return true;
    case 'r':
        chosen->rules = text;
        return true;
    case 'b':
        return (parse_u64(text, 65535 - PORT_COUNT, &chosen->base_port) &&
                chosen->base_port >= 1024) ||
               fault_set(fault, EXIT_USAGE, "--base-port is 1024 to 65523, not %s",
                         "--base-port 应为 1024 至 65523，而不是 %s", text);
    case 'n':
        chosen->name = text;
        return true;
    case 'R':
        return parse_u64(text, LIMIT_RECOVERY_KEYS_MAX, &chosen->recovery_keys) ||
               fault_set(fault, EXIT_USAGE, "--recovery-keys is 0 to 32, not %s",
                         "--recovery-keys 应为 0 至 32，而不是 %s", text);
    default:
        if (chosen->folder != NULL) {
            return argument_unexpected(text, fault);
        }
        chosen->folder = text;
        return true;
    }
}

static int bind_port(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (one >= 0 && bind(one, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(one);
        one = -1;
    }
    return one;
}

/* Ports that were free a moment ago, below those that the system gives to outgoing connections, so that a
 * validator which is down finds its own free again. Where the search begins is random: two networks made
 * at once should not meet. */
static bool free_ports(uint16_t ports[PORT_COUNT], struct fault *fault)
{
    enum { PORT_FIRST = 10240, PORT_LAST = 32000, PORT_RANGE = PORT_LAST - PORT_FIRST };
    int sockets[PORT_COUNT];
    uint16_t start = 0;
    int found = 0;
    if (RAND_bytes((uint8_t *)&start, sizeof start) != 1) {
        return fault_set(fault, EXIT_IO, "the system gives no random numbers",
                         "系统无法提供随机数");
    }
    for (uint32_t i = 0; i < PORT_RANGE && found < PORT_COUNT; i++) {
        uint32_t port = PORT_FIRST + (start + i) % PORT_RANGE;
        int one = bind_port(port);
        if (one >= 0) {
            ports[found] = (uint16_t)port;
            sockets[found++] = one;
        }
    }
    for (int i = 0; i < found; i++) {
        close(sockets[i]);
    }
    return found == PORT_COUNT ||
           fault_set(fault, EXIT_IO, "no free ports on this machine; give --base-port",
                     "本机没有空闲端口；请给出 --base-port");
}

/* DIR/node-N/...: one file of a validator. */
static bool node_path(char out[FILE_PATH_SIZE], const struct plan *plan, uint32_t node,
                      const char *name, struct fault *fault)
{
    char inner[64];
    snprintf(inner, sizeof inner, "node-%u%s%s", (unsigned)node + 1, name[0] != '\0' ? "/" : "",
             name);
    return path_join(out, plan->values->folder, inner, fault);
}

/* A key file and, beside it, its passphrase. */
static bool make_key(const char *path, const char *passphrase_path, struct pubkey33 *key,
                     struct fault *fault)
{
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX + 1];
    char error[512];
    if (!passphrase_make(passphrase, fault)) {
        return false;
    }
    enum status status = keyfile_create(path, passphrase, key, error, sizeof error);
    if (status != ST_OK) {
        return keyfile_fault(KEY_MAKE, status, path, error, fault);
    }
    size_t size = strlen(passphrase);
    passphrase[size++] = '\n';
    bool written = file_write(passphrase_path, passphrase, size, 0600, false, fault);
    wipe(passphrase, sizeof passphrase);
    return written;
}

static bool make_node_key(const struct plan *plan, uint32_t node, struct pubkey33 *key,
                          struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    char passphrase[FILE_PATH_SIZE];
    return node_path(path, plan, node, "", fault) && folder_make(path, fault) &&
           node_path(path, plan, node, "node.key", fault) &&
           node_path(passphrase, plan, node, "passphrase", fault) &&
           make_key(path, passphrase, key, fault);
}

/* DIR/recovery/holder-N.key: each is one holder's, to be taken away and kept offline. Genesis has them in the order of the
 * keys. */
static bool make_recovery_keys(struct plan *plan, struct fault *fault)
{
    uint32_t count = (uint32_t)plan->values->recovery_keys;
    char path[FILE_PATH_SIZE];
    char passphrase[FILE_PATH_SIZE];
    char name[64];
    if (count > 0 &&
        (!path_join(path, plan->values->folder, "recovery", fault) || !folder_make(path, fault))) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct pubkey33 key;
        uint32_t at = i;
        snprintf(name, sizeof name, "recovery/holder-%u.key", (unsigned)i + 1);
        bool named = path_join(path, plan->values->folder, name, fault);
        snprintf(name, sizeof name, "recovery/holder-%u.passphrase", (unsigned)i + 1);
        if (!named || !path_join(passphrase, plan->values->folder, name, fault) ||
            !make_key(path, passphrase, &key, fault)) {
            return false;
        }
        for (; at > 0 && pubkey33_compare(&key, &plan->recovery_keys[at - 1]) < 0; at--) {
            plan->recovery_keys[at] = plan->recovery_keys[at - 1];
            memcpy(plan->holders[at], plan->holders[at - 1], sizeof plan->holders[at]);
        }
        plan->recovery_keys[at] = key;
        snprintf(plan->holders[at], sizeof plan->holders[at], "holder %u 持有人", (unsigned)i + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        xuelian__recovery_key__init(&plan->recovery[i]);
        plan->recovery[i].key = field_borrow(&plan->recovery_keys[i], 33);
        plan->recovery[i].holder = plan->holders[i];
        plan->recovery_list[i] = &plan->recovery[i];
    }
    plan->genesis.n_recovery_keys = count;
    plan->genesis.recovery_keys = plan->recovery_list;
    plan->genesis.recovery_threshold = count == 0 ? 0 : count / 2 + 1;
    return true;
}

static bool write_config(const struct plan *plan, uint32_t node, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    char text[1024];
    const uint16_t *ports = plan->ports + node * PORTS_EACH;
    int size =
        snprintf(text, sizeof text,
                 "# Validator %u of a trial network. Paths are relative to this file.\n"
                 "data_dir: data\n"
                 "genesis: ../network.genesis\n"
                 "key_file: node.key\n"
                 "passphrase_file: passphrase\n"
                 "peer_listen: 127.0.0.1:%u\n"
                 "rpc_listen: 127.0.0.1:%u\n"
                 "local_listen: 127.0.0.1:%u\n"
                 "log_level: info\n",
                 (unsigned)node + 1, (unsigned)ports[0], (unsigned)ports[1], (unsigned)ports[2]);
    return node_path(path, plan, node, "node.yaml", fault) &&
           file_write(path, text, (size_t)size, 0600, false, fault);
}

static bool make_validators(struct plan *plan, struct fault *fault)
{
    char addresses[DEMO_VALIDATORS * ADDRESS_SIZE] = "";
    char path[FILE_PATH_SIZE];
    size_t used = 0;
    if (plan->genesis.n_members < DEMO_VALIDATORS) {
        return fault_set(
            fault, EXIT_USAGE, "institutions.csv has %zu members; a network for trials needs 4",
            "institutions.csv 只有 %zu 个机构；试用网络需要 4 个", plan->genesis.n_members);
    }
    for (uint32_t i = 0; i < DEMO_VALIDATORS; i++) {
        struct pubkey33 key;
        char address[ADDRESS_SIZE];
        const uint16_t *ports = plan->ports + i * PORTS_EACH;
        snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)ports[0]);
        if (!make_node_key(plan, i, &key, fault) || !write_config(plan, i, fault) ||
            !demo_give_validator(plan->genesis.members[i], &key, address, &plan->arena, fault)) {
            return false;
        }
        used += (size_t)snprintf(addresses + used, sizeof addresses - used,
                                 "https://127.0.0.1:%u\n", (unsigned)ports[1]);
    }
    return path_join(path, plan->values->folder, "nodes", fault) &&
           file_write(path, addresses, used, 0644, false, fault);
}

static bool make_member_keys(struct plan *plan, struct fault *fault)
{
    char folder[FILE_PATH_SIZE];
    if (!path_join(folder, plan->values->folder, "keys", fault) || !folder_make(folder, fault) ||
        !keyring_make_identity(folder, fault)) {
        return false;
    }
    for (size_t i = 0; i < plan->genesis.n_members; i++) {
        struct pubkey33 key;
        if (!keyring_make_member(folder, plan->genesis.members[i]->id, &key, fault) ||
            !demo_give_key(plan->genesis.members[i], &key, &plan->arena, fault)) {
            return false;
        }
    }
    return true;
}

/* Encodes, checks what was made as a node would, and writes it. */
static bool write_genesis(struct plan *plan, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    char error[GENESIS_ERROR_SIZE];
    struct genesis parsed;
    snprintf(plan->name, sizeof plan->name, "%s", plan->values->name);
    params_defaults(&plan->params);
    plan->genesis.version = 1;
    plan->genesis.suite = 1;
    plan->genesis.network = plan->name;
    plan->genesis.time_ms = (uint64_t)time(NULL) * 1000;
    plan->genesis.params = &plan->params;
    size_t size = canonical_size(&plan->genesis.base);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    canonical_encode(bytes, &plan->genesis.base);
    bool fine = genesis_parse(&parsed, bytes_of(bytes, size), error) == ST_OK ||
                fault_set(fault, EXIT_USAGE, "the tables do not make a network: %s",
                          "数据表不能组成网络：%s", error);
    if (fine) {
        plan->chain_id = parsed.chain_id;
        genesis_free(&parsed);
        fine = path_join(path, plan->values->folder, "network.genesis", fault) &&
               file_write(path, bytes, size, 0644, false, fault);
    }
    free(bytes);
    return fine;
}

static bool make_network(struct plan *plan, struct fault *fault)
{
    for (uint32_t i = 0; i < PORT_COUNT && plan->values->base_port != 0; i++) {
        plan->ports[i] = (uint16_t)(plan->values->base_port + i);
    }
    xuelian__genesis__init(&plan->genesis);
    /* All that can be wrong with the tables is found before anything is written. */
    if ((plan->values->base_port == 0 && !free_ports(plan->ports, fault)) ||
        !demo_read(&plan->genesis, &plan->values->tables, &plan->arena, fault) ||
        (plan->values->rules != NULL &&
         !demo_read_rules(&plan->genesis, plan->values->rules, &plan->arena, fault)) ||
        !folder_make(plan->values->folder, fault)) {
        return false;
    }
    if (make_member_keys(plan, fault) && make_validators(plan, fault) &&
        make_recovery_keys(plan, fault) && write_genesis(plan, fault)) {
        return true;
    }
    struct fault why = *fault;
    return fault_set(fault, why.code, "%s%.0s; %s is not complete, remove it before another try",
                     "%.0s%s；%s 不完整，请先删除再重试", why.en, why.zh, plan->values->folder);
}

static void print_made(const struct plan *plan)
{
    char chain[HEX_SIZE(32)];
    const char *folder = plan->values->folder;
    hex_encode(chain, plan->chain_id.bytes, 32);
    if (json_wanted()) {
        json_t *nodes = json_array();
        for (uint32_t i = 0; i < DEMO_VALIDATORS; i++) {
            char url[64];
            snprintf(url, sizeof url, "https://127.0.0.1:%u",
                     (unsigned)plan->ports[i * PORTS_EACH + 1]);
            json_array_append_new(nodes, json_string(url));
        }
        json_print(json_pack("{s:s, s:s, s:I, s:o}", "folder", folder, "chain_id", chain, "members",
                             (json_int_t)plan->genesis.n_members, "nodes", nodes));
        return;
    }
    printf(tr("network %s: chain %s, %zu members, %zu courses, %zu regions\n\n",
              "网络 %s：链 %s，%zu 个机构，%zu 门课程，%zu 个区划\n\n"),
           folder, chain, plan->genesis.n_members, plan->genesis.n_courses,
           plan->genesis.n_regions);
    printf("%s\n", tr("Next, each validator in a terminal of its own:",
                      "接下来，每个验证者各用一个终端："));
    for (uint32_t i = 0; i < DEMO_VALIDATORS; i++) {
        printf("  xueliand init --config %s/node-%u/node.yaml && xueliand --config "
               "%s/node-%u/node.yaml\n",
               folder, (unsigned)i + 1, folder, (unsigned)i + 1);
    }
    printf("%s\n  xuelian status --network %s\n  xuelian import --network %s --mapping "
           "deploy/demo/star.yaml\n",
           tr("Then:", "然后："), folder, folder);
    if (plan->genesis.n_recovery_keys > 0) {
        printf(
            tr("%u recovery keys, of which %u must sign, are in %s/recovery: in earnest each is "
               "its holder's alone, and offline.\n",
               "%u 个恢复密钥（需 %u 个签署）在 %s/recovery：正式网络中应各由持有人离线保管。\n"),
            (unsigned)plan->genesis.n_recovery_keys, (unsigned)plan->genesis.recovery_threshold,
            folder);
    } else {
        printf("%s\n", tr("No recovery keys: if more validators are lost than the network bears, "
                          "it cannot go on.",
                          "没有恢复密钥：丢失的验证者超过限度时，网络无法继续。"));
    }
    printf("%s\n", tr("All keys and passphrases are in this folder: for trials only.",
                      "全部密钥与口令都在此目录中：仅供试用。"));
}

static int network_new(int argc, char **argv)
{
    struct network_values values = {.name = "xuelian-demo", .recovery_keys = 3};
    const struct command_spec spec = {
        .options = options,
        .arguments = "DIR",
        .text = "Makes a network of four validators on this machine: keys, genesis, "
                "configuration.|在本机创建四个验证者的网络：密钥、创世文件与配置。",
        .set = set};
    struct fault fault;
    struct plan plan = {.values = &values};
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.folder == NULL || values.tables.folder == NULL) {
        fault_set(&fault, EXIT_USAGE, "say where, and from which tables: %s DIR --demo FOLDER",
                  "请指明目录与数据表：%s DIR --demo FOLDER", argv[0]);
        return fault_print(&fault);
    }
    void *memory = calloc(1, DEMO_ARENA_SIZE);
    if (memory == NULL) {
        fault_set(&fault, EXIT_IO, "out of memory", "内存不足");
        return fault_print(&fault);
    }
    arena_init(&plan.arena, memory, DEMO_ARENA_SIZE);
    bool made = make_network(&plan, &fault);
    if (made) {
        print_made(&plan);
    }
    free(memory);
    return made ? EXIT_OK : fault_print(&fault);
}

int command_network(int argc, char **argv)
{
    static const struct command table[] = {
        {"new", "make keys, genesis and configuration for trials", "创建试用的密钥、创世文件与配置",
         network_new},
        {NULL, NULL, NULL, NULL},
    };
    return command_dispatch(table, "Networks for trials.|试用网络。", argc, argv);
}
