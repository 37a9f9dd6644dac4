#include "cli/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/bytes.h"
#include "proto/convert.h"

struct remote {
    char *url; /* without the key */
    bool plain;
    bool keyed; /* it must be the node with this key */
    struct pubkey33 key;
    bool pinned;
    struct hash32 pin;        /* the certificate that was endorsed */
    struct pubkey33 node_key; /* by this node; when pinned */
};

struct transfer {
    struct transfer *next;
    struct client *client;
    struct remote *remote;
    CURL *curl;
    struct curl_slist *headers;
    /* What this transfer accepts is settled when it is made: another's failure changes the remote's. */
    bool pinned;
    struct hash32 pin;
    struct hash32 seen; /* the certificate of its handshake */
    struct client_answer answer;
    char error[CURL_ERROR_SIZE];
    void (*done)(void *context, struct client_answer *answer);
    void *context;
};

struct client {
    const struct genesis *genesis;
    const struct signer *signer; /* who reads; NULL: nobody in particular */
    struct token reader;
    const char *code; /* or a consent's code */
    CURLM *multi;
    struct transfer *transfers;
    uint32_t preferred; /* the node that answered last */
    uint32_t count;
    struct remote nodes[CLIENT_NODES_MAX];
};

void client_answer_free(struct client_answer *answer)
{
    free(answer->body);
    *answer = (struct client_answer){.reached = false};
}

/* Is the host that an address begins with this machine? A name that only begins like it is not. */
static bool is_loopback(const char *address)
{
    char host[64];
    struct in_addr number;
    size_t size = address[0] == '[' ? strcspn(address, "]") + 1 : strcspn(address, ":/?#");
    if (size >= sizeof host || size > strlen(address)) {
        return false;
    }
    memcpy(host, address, size);
    host[size] = '\0';
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &number) == 1 && ntohl(number.s_addr) >> 24 == 127);
}

static bool add_node(struct client *client, const char *url, struct fault *fault)
{
    bool plain = strncmp(url, "http://", 7) == 0;
    const char *host = plain ? url + 7 : url + 8;
    if (!plain && strncmp(url, "https://", 8) != 0) {
        return fault_set(fault, EXIT_USAGE, "%s is not the address of a node: https://HOST:PORT",
                         "%s 不是节点地址：应为 https://HOST:PORT", url);
    }
    if (plain && !is_loopback(host)) {
        return fault_set(fault, EXIT_USAGE,
                         "%s would send everything in the clear; use https:// (http:// is for "
                         "this machine alone)",
                         "%s 会以明文发送；请使用 https://（http:// 仅限本机）", url);
    }
    if (client->count == CLIENT_NODES_MAX) {
        return fault_set(fault, EXIT_USAGE, "at most 64 nodes can be named", "至多 64 个节点");
    }
    size_t size = strcspn(url, "#");
    const char *key = url[size] == '#' ? url + size + 1 : NULL;
    while (size > 0 && url[size - 1] == '/') {
        size--;
    }
    struct remote *remote = &client->nodes[client->count];
    *remote = (struct remote){.url = NULL, .plain = plain, .keyed = key != NULL};
    if (key != NULL && (plain || hex_decode(remote->key.bytes, sizeof remote->key.bytes, key,
                                            strlen(key)) != ST_OK)) {
        return fault_set(fault, EXIT_USAGE,
                         "%s: behind # stands the node's key, 66 hexadecimal digits, with https://",
                         "%s：# 之后应为节点公钥，66 个十六进制数字，且使用 https://", url);
    }
    remote->url = strndup(url, size);
    client->count++;
    return remote->url != NULL || fault_set(fault, EXIT_IO, "out of memory", "内存不足");
}

bool client_open(struct client **client, const char *const *urls, uint32_t url_count,
                 const struct genesis *genesis, struct fault *fault)
{
    struct client *made = calloc(1, sizeof *made);
    bool fine = made != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
                (made->multi = curl_multi_init()) != NULL;
    if (!fine) {
        free(made);
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    made->genesis = genesis;
    for (uint32_t i = 0; fine && i < url_count; i++) {
        fine = add_node(made, urls[i], fault);
    }
    if (!fine) {
        client_close(made);
        return false;
    }
    *client = made;
    return true;
}

static void free_transfer(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers);
    client_answer_free(&transfer->answer);
    free(transfer);
}

void client_cancel_all(struct client *client)
{
    while (client->transfers != NULL) {
        struct transfer *next = client->transfers->next;
        curl_multi_remove_handle(client->multi, client->transfers->curl);
        free_transfer(client->transfers);
        client->transfers = next;
    }
}

void client_close(struct client *client)
{
    if (client == NULL) {
        return;
    }
    client_cancel_all(client);
    curl_multi_cleanup(client->multi);
    for (uint32_t i = 0; i < client->count; i++) {
        free(client->nodes[i].url);
    }
    free(client);
    curl_global_cleanup();
}

uint32_t client_node_count(const struct client *client)
{
    return client->count;
}

const char *client_node_url(const struct client *client, uint32_t node)
{
    return client->nodes[node].url;
}

/* Instead of asking authorities: is it the certificate that the node key endorsed? */
static int check_certificate(X509_STORE_CTX *store, void *context)
{
    struct transfer *transfer = context;
    struct hash32 digest;
    unsigned size = 0;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (certificate == NULL || X509_digest(certificate, EVP_sha256(), digest.bytes, &size) != 1 ||
        size != sizeof digest.bytes ||
        (transfer->pinned && !hash32_equal(&digest, &transfer->pin))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    transfer->seen = digest;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static CURLcode set_check(CURL *curl, void *context, void *transfer)
{
    (void)curl;
    SSL_CTX_set_cert_verify_callback(context, check_certificate, transfer);
    return CURLE_OK;
}

static size_t take_body(char *data, size_t one, size_t size, void *context)
{
    struct client_answer *answer = context;
    (void)one; /* always 1 */
    if (size > CLIENT_ANSWER_SIZE_MAX - answer->body_size) {
        return 0;
    }
    char *more = realloc(answer->body, answer->body_size + size + 1);
    if (more == NULL) {
        return 0;
    }
    memcpy(more + answer->body_size, data, size);
    answer->body = more;
    answer->body_size += size;
    more[answer->body_size] = '\0';
    return size;
}

void client_read_as(struct client *client, uint32_t member, const struct hash32 *learner,
                    const struct signer *signer)
{
    client->signer = signer;
    client->reader = (struct token){.member = member, .learner = *learner};
}

void client_read_with(struct client *client, const char *code)
{
    client->code = code;
}

static void add_reader(struct transfer *transfer)
{
    char header[TOKEN_SIZE_MAX + 32] = "";
    char text[TOKEN_SIZE_MAX];
    struct client *client = transfer->client;
    if (client->code != NULL) {
        snprintf(header, sizeof header, "Authorization: Consent %s", client->code);
    } else if (client->signer != NULL && transfer->pinned && client->genesis != NULL) {
        token_make(text, &client->reader, client->signer, &client->genesis->chain_id,
                   &transfer->remote->node_key, (uint64_t)time(NULL));
        snprintf(header, sizeof header, "Authorization: Bearer %s", text);
    }
    if (header[0] != '\0') {
        transfer->headers = curl_slist_append(transfer->headers, header);
    }
}

static bool set_request(struct transfer *transfer, const struct client_request *request)
{
    char header[128];
    CURL *curl = transfer->curl;
    snprintf(header, sizeof header, "Accept: %s",
             request->accept != NULL ? request->accept : "application/json");
    transfer->headers = curl_slist_append(transfer->headers, header);
    transfer->headers =
        curl_slist_append(transfer->headers, tr("Accept-Language: en", "Accept-Language: zh"));
    if (request->personal) {
        add_reader(transfer);
    }
    if (request->body != NULL) {
        transfer->headers =
            curl_slist_append(transfer->headers, "Content-Type: application/x-protobuf");
        transfer->headers = curl_slist_append(transfer->headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    }
    return transfer->headers != NULL &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static struct transfer *make_transfer(struct client *client, struct remote *remote,
                                      const struct client_request *request)
{
    char url[2048];
    struct transfer *transfer = calloc(1, sizeof *transfer);
    CURL *curl = curl_easy_init();
    int size = snprintf(url, sizeof url, "%s%s", remote->url, request->path);
    if (transfer == NULL || curl == NULL || size < 0 || (size_t)size >= sizeof url) {
        free(transfer);
        curl_easy_cleanup(curl);
        return NULL;
    }
    transfer->client = client;
    transfer->remote = remote;
    transfer->pinned = remote->pinned;
    transfer->pin = remote->pin;
    transfer->curl = curl;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, (void *)transfer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)&transfer->answer);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, remote->plain ? "http" : "https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CLIENT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CLIENT_CONNECT_TIMEOUT_S);
    if (!remote->plain) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
        /* A resumed session would pass without its certificate being looked at. */
        curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, set_check);
        curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, (void *)transfer);
    }
    if (!set_request(transfer, request)) {
        free_transfer(transfer);
        return NULL;
    }
    return transfer;
}

/* Fills the answer from what curl says of the end. */
static void conclude(struct transfer *transfer, CURLcode code)
{
    struct client_answer *answer = &transfer->answer;
    answer->reached = code == CURLE_OK;
    if (code == CURLE_OK) {
        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer->http_status);
        if (answer->body == NULL) {
            answer->body = calloc(1, 1);
        }
        return;
    }
    /* Whatever went wrong, the node may come back with another certificate. */
    transfer->remote->pinned = false;
    snprintf(answer->failure, sizeof answer->failure, "%s",
             transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
}

/* Is the key the one that was given with the address, or else one that genesis gives a node? */
static bool is_node_key(const struct genesis *genesis, const struct remote *remote,
                        const struct pubkey33 *key)
{
    if (remote->keyed) {
        return pubkey33_compare(&remote->key, key) == 0;
    }
    for (size_t i = 0; i < genesis->message->n_members; i++) {
        const Xuelian__Member *member = genesis->message->members[i];
        for (size_t k = 0; k < member->n_nodes; k++) {
            struct pubkey33 known;
            if (field_copy(&known, 33, &member->nodes[k]->key) &&
                pubkey33_compare(&known, key) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool check_endorsement(const struct client *client, const struct transfer *transfer,
                              char why[CLIENT_FAILURE_SIZE])
{
    const struct client_answer *answer = &transfer->answer;
    struct pubkey33 key = {{0}};
    struct sig64 signature;
    struct hash32 hash;
    json_t *said = json_loadb(answer->body, answer->body_size, JSON_REJECT_DUPLICATES, NULL);
    bool read = answer->http_status == 200 && json_hex(said, "node_key", key.bytes, 33) &&
                json_hex(said, "signature", signature.bytes, 64);
    json_decref(said);
    hash_tagged(&hash, TAG_SIGN_TLS, transfer->seen.bytes, sizeof transfer->seen.bytes);
    if (!read) {
        snprintf(why, CLIENT_FAILURE_SIZE, "%s",
                 tr("it does not say which node it is; is this the RPC port of a node?",
                    "对方没有说明自己是哪个节点；这是节点的 RPC 端口吗？"));
        return false;
    }
    if (!is_node_key(client->genesis, transfer->remote, &key)) {
        snprintf(why, CLIENT_FAILURE_SIZE, "%s",
                 transfer->remote->keyed
                     ? tr("its node key is not the one behind # in its address",
                          "其节点密钥与地址中 # 之后的公钥不符")
                     : tr("its node key is not in the genesis file; it belongs to another network, "
                          "or joined later: then give its key behind its address, URL#KEY",
                          "其节点密钥不在创世文件中；它属于另一个网络，或是后来加入的：后者请在地址"
                          "后写明其公钥，URL#KEY"));
        return false;
    }
    if (!sign_verify(&key, &hash, &signature)) {
        snprintf(why, CLIENT_FAILURE_SIZE, "%s",
                 tr("its certificate is not the one that the node key endorsed; someone may sit "
                    "in between",
                    "其证书未经节点密钥背书；可能有人居中拦截"));
        return false;
    }
    transfer->remote->node_key = key;
    return true;
}

/* Makes sure that the node's certificate is known. Blocks for one request when it is not. */
static bool pin(struct client *client, struct remote *remote, bool *distrusted,
                char why[CLIENT_FAILURE_SIZE])
{
    const struct client_request request = {.path = "/v1/network/tls"};
    *distrusted = false;
    if (remote->plain || remote->pinned || (client->genesis == NULL && !remote->keyed)) {
        return true;
    }
    struct transfer *transfer = make_transfer(client, remote, &request);
    if (transfer == NULL) {
        snprintf(why, CLIENT_FAILURE_SIZE, "%s", tr("out of memory", "内存不足"));
        return false;
    }
    transfer->pinned = false; /* it is this certificate that is to be endorsed */
    curl_easy_setopt(transfer->curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(transfer->curl, CURLOPT_TIMEOUT, (long)CLIENT_CONNECT_TIMEOUT_S);
    conclude(transfer, curl_easy_perform(transfer->curl));
    bool fine = transfer->answer.reached;
    if (!fine) {
        snprintf(why, CLIENT_FAILURE_SIZE, "%s", transfer->answer.failure);
    }
    *distrusted = fine && !check_endorsement(client, transfer, why);
    fine = fine && !*distrusted;
    if (fine) {
        remote->pin = transfer->seen;
        remote->pinned = true;
    }
    free_transfer(transfer);
    return fine;
}

bool client_token(struct client *client, uint32_t node, char text[TOKEN_SIZE_MAX],
                  struct token *token, char why[CLIENT_FAILURE_SIZE])
{
    struct remote *remote = &client->nodes[node];
    bool distrusted;
    if (remote->plain) {
        snprintf(why, CLIENT_FAILURE_SIZE, "%s",
                 tr("tokens are for https:// addresses", "令牌仅用于 https:// 地址"));
        return false;
    }
    if (!pin(client, remote, &distrusted, why)) {
        return false;
    }
    *token = client->reader;
    token_make(text, token, client->signer, &client->genesis->chain_id, &remote->node_key,
               (uint64_t)time(NULL));
    return true;
}

void client_ask(struct client *client, uint32_t node, const struct client_request *request,
                struct client_answer *answer)
{
    struct remote *remote = &client->nodes[node];
    *answer = (struct client_answer){.reached = false};
    if (!pin(client, remote, &answer->distrusted, answer->failure)) {
        return;
    }
    struct transfer *transfer = make_transfer(client, remote, request);
    if (transfer == NULL) {
        snprintf(answer->failure, sizeof answer->failure, "%s", tr("out of memory", "内存不足"));
        return;
    }
    conclude(transfer, curl_easy_perform(transfer->curl));
    *answer = transfer->answer;
    transfer->answer = (struct client_answer){.reached = false};
    free_transfer(transfer);
}

bool client_ask_any(struct client *client, const struct client_request *request,
                    struct client_answer *answer, struct fault *fault)
{
    char why[400] = "";
    size_t used = 0;
    bool distrusted = false;
    for (uint32_t i = 0; i < client->count; i++) {
        uint32_t node = (client->preferred + i) % client->count;
        client_ask(client, node, request, answer);
        if (answer->reached && answer->http_status != 429 && answer->http_status != 503) {
            client->preferred = node;
            return true;
        }
        if (answer->reached) {
            snprintf(answer->failure, sizeof answer->failure, "HTTP %ld", answer->http_status);
        }
        int size = snprintf(why + used, sizeof why - used, "%s%s: %s", used > 0 ? "; " : "",
                            client->nodes[node].url, answer->failure);
        used = size > 0 && (size_t)size < sizeof why - used ? used + (size_t)size : sizeof why - 1;
        distrusted = distrusted || answer->distrusted;
        client_answer_free(answer);
    }
    if (distrusted) {
        return fault_set(fault, EXIT_REFUSED,
                         "no node can be asked (%s); check the addresses and the genesis file",
                         "没有可询问的节点（%s）；请核对地址与创世文件", why);
    }
    return fault_set(fault, EXIT_NETWORK, "no node answered (%s); are they running?",
                     "没有节点应答（%s）；节点是否在运行？", why);
}

bool client_start(struct client *client, uint32_t node, const struct client_request *request,
                  void (*done)(void *context, struct client_answer *answer), void *context,
                  char why[CLIENT_FAILURE_SIZE])
{
    struct remote *remote = &client->nodes[node];
    bool distrusted = false;
    if (!pin(client, remote, &distrusted, why)) {
        return false;
    }
    struct transfer *transfer = make_transfer(client, remote, request);
    if (transfer == NULL || curl_multi_add_handle(client->multi, transfer->curl) != CURLM_OK) {
        if (transfer != NULL) {
            free_transfer(transfer);
        }
        snprintf(why, CLIENT_FAILURE_SIZE, "%s", tr("out of memory", "内存不足"));
        return false;
    }
    transfer->done = done;
    transfer->context = context;
    transfer->next = client->transfers;
    client->transfers = transfer;
    return true;
}

static void unlink_transfer(struct client *client, struct transfer *transfer)
{
    struct transfer **at = &client->transfers;
    while (*at != transfer) {
        at = &(*at)->next;
    }
    *at = transfer->next;
}

void client_run(struct client *client, int timeout_ms)
{
    int running = 0;
    int left = 0;
    const CURLMsg *message = NULL;
    curl_multi_perform(client->multi, &running);
    message = curl_multi_info_read(client->multi, &left);
    if (message == NULL) {
        curl_multi_poll(client->multi, NULL, 0, timeout_ms, NULL);
        curl_multi_perform(client->multi, &running);
        message = curl_multi_info_read(client->multi, &left);
    }
    for (; message != NULL; message = curl_multi_info_read(client->multi, &left)) {
        char *private = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct transfer *transfer = (struct transfer *)(void *)private;
        conclude(transfer, code);
        curl_multi_remove_handle(client->multi, transfer->curl);
        unlink_transfer(client, transfer);
        struct client_answer answer = transfer->answer;
        transfer->answer = (struct client_answer){.reached = false};
        void (*done)(void *, struct client_answer *) = transfer->done;
        void *context = transfer->context;
        free_transfer(transfer);
        done(context, &answer);
    }
}
