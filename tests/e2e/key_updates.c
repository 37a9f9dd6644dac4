/* A TLS client that asks for new keys for ever and never reads the answers.
 *
 * key_updates PORT COUNT: prints how many were sent before the server ended it, or COUNT. */
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **values)
{
    if (count != 3) {
        fprintf(stderr, "key_updates PORT COUNT\n");
        return 1;
    }
    long wanted = strtol(values[2], NULL, 10);
    long sent = 0;
    int room = 4096;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(values[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(stream, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (ssl == NULL || connect(stream, (struct sockaddr *)&address, sizeof address) != 0 ||
        SSL_set_fd(ssl, stream) != 1 || SSL_connect(ssl) != 1) {
        fprintf(stderr, "key_updates: no connection\n");
        return 1;
    }
    while (sent < wanted && SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
           SSL_do_handshake(ssl) == 1) {
        sent++;
    }
    printf("%ld\n", sent);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(stream);
    return 0;
}
