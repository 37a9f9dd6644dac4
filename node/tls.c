#include "node/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "proto/hash.h"

enum { CERTIFICATE_SECONDS = 20 * 365 * 24 * 3600, FORCED_MAX = 65536 };

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    uint8_t serial[8];
    if (certificate == NULL || RAND_bytes(serial, sizeof serial) != 1) {
        X509_free(certificate);
        return NULL;
    }
    X509_NAME *name = X509_get_subject_name(certificate);
    static const unsigned char common_name[] = "xuelian";
    int64_t number;
    memcpy(&number, serial, sizeof number);
    if (X509_set_version(certificate, 2) != 1 ||
        ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), number & INT64_MAX) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_SECONDS) == NULL ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) != 1 ||
        X509_set_issuer_name(certificate, name) != 1 || X509_set_pubkey(certificate, key) != 1 ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* Lists of protocols in wire form: a size, then the name, each. */
struct protocols {
    const char *names; /* as tls_context_new takes them */
    const unsigned char *wire;
    unsigned size;
};
static const struct protocols protocols[] = {
    {"xuelian/peer", (const unsigned char *)"\x0cxuelian/peer", 13},
    {"http/1.1", (const unsigned char *)"\x08http/1.1", 9},
    {"h2,http/1.1", (const unsigned char *)"\x02h2\x08http/1.1", 12},
};

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                       const unsigned char *in, unsigned int in_size, void *argument)
{
    const struct protocols *wanted = argument;
    (void)ssl;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_size, wanted->wire,
                                 wanted->size, in, in_size) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

static void set_alpn(SSL_CTX *context, const char *alpn)
{
    const struct protocols *wanted = protocols;
    while (strcmp(wanted->names, alpn) != 0) {
        wanted++;
        CHECK(wanted < protocols + sizeof protocols / sizeof protocols[0]);
    }
    SSL_CTX_set_alpn_protos(context, wanted->wire, wanted->size);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, (void *)(uintptr_t)wanted);
}

enum status tls_context_new(SSL_CTX **context, const char *alpn)
{
    SSL_CTX *made = SSL_CTX_new(TLS_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? make_certificate(key) : NULL;
    enum status status = ST_NO_MEMORY;
    if (made != NULL && certificate != NULL &&
        SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION) == 1 &&
        SSL_CTX_use_certificate(made, certificate) == 1 && SSL_CTX_use_PrivateKey(made, key) == 1) {
        SSL_CTX_set_verify(made, SSL_VERIFY_NONE, accept_any);
        SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(made, 0);
        SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION);
        if (alpn != NULL) {
            set_alpn(made, alpn);
        }
        *context = made;
        status = ST_OK;
    } else {
        SSL_CTX_free(made);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

enum status tls_context_certificate(SSL_CTX *context, char **pem, struct hash32 *digest)
{
    X509 *certificate = SSL_CTX_get0_certificate(context);
    BIO *text = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    char *data = NULL;
    enum status status = ST_NO_MEMORY;
    int size = i2d_X509(certificate, &der);
    if (text != NULL && size > 0 && PEM_write_bio_X509(text, certificate) == 1) {
        long length = BIO_get_mem_data(text, &data);
        *pem = malloc((size_t)length + 1);
        if (*pem != NULL) {
            memcpy(*pem, data, (size_t)length);
            (*pem)[length] = '\0';
            status = ST_OK;
        }
        hash_plain(digest, der, (size_t)size);
    }
    OPENSSL_free(der);
    BIO_free(text);
    return status;
}

enum status tls_open(struct tls *tls, SSL_CTX *context, bool client)
{
    tls->ssl = SSL_new(context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL) {
        SSL_free(tls->ssl);
        BIO_free(tls->in);
        BIO_free(tls->out);
        *tls = (struct tls){.ssl = NULL};
        return ST_NO_MEMORY;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    if (client) {
        SSL_set_connect_state(tls->ssl);
    } else {
        SSL_set_accept_state(tls->ssl);
    }
    return ST_OK;
}

void tls_close(struct tls *tls)
{
    SSL_free(tls->ssl); /* and both BIOs */
    *tls = (struct tls){.ssl = NULL};
}

enum status tls_feed(struct tls *tls, const uint8_t *data, size_t size)
{
    return BIO_write(tls->in, data, (int)size) == (int)size ? ST_OK : ST_NO_MEMORY;
}

enum status tls_handshake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        return ST_OK;
    }
    int error = SSL_get_error(tls->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? ST_FUTURE
                                                                         : ST_BAD_ENCODING;
}

bool tls_speaks(const struct tls *tls, const char *protocol)
{
    const unsigned char *name = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls->ssl, &name, &size);
    return size == strlen(protocol) && memcmp(name, protocol, size) == 0;
}

int tls_read(struct tls *tls, uint8_t *data, size_t size)
{
    ERR_clear_error();
    int got = SSL_read(tls->ssl, data, (int)size);
    if (got > 0) {
        return got;
    }
    return SSL_get_error(tls->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

enum status tls_write(struct tls *tls, const uint8_t *data, size_t size)
{
    ERR_clear_error();
    return size == 0 || SSL_write(tls->ssl, data, (int)size) == (int)size ? ST_OK : ST_BAD_ENCODING;
}

size_t tls_take(struct tls *tls, uint8_t *data, size_t size)
{
    int got = BIO_read(tls->out, data, (int)size);
    return got > 0 ? (size_t)got : 0;
}

size_t tls_pending(struct tls *tls)
{
    return BIO_ctrl_pending(tls->out);
}

bool tls_forced(struct tls *tls, bool counted, size_t before)
{
    size_t now = tls_pending(tls);
    if (!counted) {
        tls->forced = 0;
    } else if (now > before) {
        tls->forced += now - before;
    }
    return tls->forced <= FORCED_MAX;
}

enum status tls_exporter(struct tls *tls, struct hash32 *out)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    return SSL_export_keying_material(tls->ssl, out->bytes, 32, label, sizeof label - 1, NULL, 0,
                                      0) == 1
               ? ST_OK
               : ST_BAD_ENCODING;
}
