/* main.c - wa-mock, a WhatsApp server for tests on this machine; docs/wa-mock.md says how it is
 * used. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "tools/mock/assembly.h"
#include "tools/mock/core/mock.h"
#include "tools/mock/server.h"
#include "tools/mock/wire/tls.h"

static volatile int stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void print_ready(const struct mock *m, const struct server *s, const char *ca)
{
    struct buf hex = buf_new(128);

    buf_hex(&hex, SPAN_ARRAY(m->root.pub));
    (void)printf("ROOT_KEY=%s\n", buf_cstr(&hex));
    if (ca)
        (void)printf("CA_FILE=%s\n", ca);
    (void)printf("LISTENING=%s://127.0.0.1:%u/ws/chat\n", ca != NULL ? "wss" : "ws",
                 server_port(s));
    (void)fflush(stdout);
    buf_free(&hex);
}

/* Makes the certificate and key files; cert and key get their paths. */
static bool make_tls(const struct mock_config *c, char *cert, char *key, size_t max)
{
    const char *tmp = getenv("TMPDIR");

    if (c->ca_path)
        (void)snprintf(cert, max, "%s", c->ca_path);
    else
        (void)snprintf(cert, max, "%s/wa-mock-%ld-ca.pem", tmp != NULL ? tmp : "/tmp",
                       (long)getpid());
    (void)snprintf(key, max, "%.*s.key", (int)max - 5, cert);
    return tls_make(cert, key) == WB_OK;
}

static int run(struct mock *m, const struct mock_config *c)
{
    char cert[512], key[512];

    if (c->tls && !make_tls(c, cert, key, sizeof cert)) {
        (void)fprintf(stderr, "wa-mock: cannot make a certificate\n");
        return 1;
    }
    struct server *s = server_start(m, c->tls ? cert : NULL, c->tls ? key : NULL);
    if (!s)
        return 1;
    print_ready(m, s, c->tls ? cert : NULL);
    server_run(s, &stop);
    server_stop(s);
    if (c->tls) {
        (void)unlink(key);
        if (!c->ca_path)
            (void)unlink(cert);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct mock_config c;
    static struct mock m; /* must not move, and is large */

    switch (config_parse(argc, argv, &c)) {
    case CONFIG_HELP:
        return 0;
    case CONFIG_BAD:
        return 2;
    case CONFIG_RUN:
        break;
    }
    struct sigaction act = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (secret_init() != WB_OK || mock_init(&m, &c, &clock_system) != WB_OK ||
        mock_populate(&m) != WB_OK) {
        (void)fprintf(stderr, "wa-mock: cannot start\n");
        return 1;
    }
    int status = run(&m, &c);
    mock_free(&m);
    return status;
}
