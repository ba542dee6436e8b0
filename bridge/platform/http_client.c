#include "bridge/platform/http_client.h"

#define CURL_DISABLE_TYPECHECK /* calls go through pointers */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/reader.h"

enum {
    HEADERS_MAX = 16,
    FIRST_HEADER = 5, /* argv: program, word, url, timeout, CA file, headers */
    GRACE_MS = 2000,  /* for the helper to start, and to end by its own time limit */
    READ_BYTES = 64 * 1024,
    STATUS_FIRST = 64, /* exit statuses that name an outcome; others are an accident */
};

#define HELPER_WORD "--http-get"

static const enum wb_err outcomes[] = {WB_OK,          WB_ERR_NET,       WB_ERR_TIMEOUT,
                                       WB_ERR_INVALID, WB_ERR_REFUSED,   WB_ERR_NOMEM,
                                       WB_ERR_IO,      WB_ERR_NOT_FOUND, WB_ERR_GONE};
enum { OUTCOMES = sizeof outcomes / sizeof *outcomes };

/* The causes of NET in words. The helper's exit status for a cause is its place in this table,
 * counted on from the last status of an outcome. */
static const struct {
    CURLcode code;
    const char *words;
} troubles[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "the name server knows no address of that host, or is silent"},
    {CURLE_COULDNT_CONNECT, "cannot be reached: refused, or no way there (firewall or proxy?)"},
    {CURLE_SSL_CONNECT_ERROR, "no TLS: the handshake failed"},
    {CURLE_PEER_FAILED_VERIFICATION, "its certificate is not valid for that host"},
    {CURLE_GOT_NOTHING, "the connection was closed instead of an answer"},
    {CURLE_SEND_ERROR, "the connection was reset"},
    {CURLE_RECV_ERROR, "the connection was reset"},
    {CURLE_PARTIAL_FILE, "the connection was closed in the middle of the answer"},
    {CURLE_WEIRD_SERVER_REPLY, "what answers speaks no HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, "what answers speaks no HTTP"}, /* libcurl's answer to HTTP/0.9 */
};
enum { TROUBLES = sizeof troubles / sizeof *troubles };

/* ---- the process that fetches ---- */

struct curl_api {
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*cleanup)(CURL *);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_all)(struct curl_slist *);
};

static bool load(void *library, const char *name, void *ret_function, size_t n)
{
    void *symbol = dlsym(library, name);

    memcpy(ret_function, &symbol, n);
    return symbol != NULL;
}

/* libcurl is never unloaded: the process ends soon. */
static enum wb_err load_curl(struct curl_api *c)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return WB_ERR_NOT_FOUND;
    return load(library, "curl_easy_init", &c->init, sizeof c->init) &&
                   load(library, "curl_easy_setopt", &c->setopt, sizeof c->setopt) &&
                   load(library, "curl_easy_perform", &c->perform, sizeof c->perform) &&
                   load(library, "curl_easy_getinfo", &c->getinfo, sizeof c->getinfo) &&
                   load(library, "curl_easy_cleanup", &c->cleanup, sizeof c->cleanup) &&
                   load(library, "curl_slist_append", &c->append, sizeof c->append) &&
                   load(library, "curl_slist_free_all", &c->free_all, sizeof c->free_all)
               ? WB_OK
               : WB_ERR_NOT_FOUND;
}

/* The write fails when the parent has enough and has closed the pipe; then the transfer ends. */
static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    (void)user;
    return fwrite(data, size, n, stdout) == n ? size * n : 0;
}

static enum wb_err outcome(const struct curl_api *c, CURL *curl, CURLcode code, int *ret_trouble)
{
    long status = 0;

    if (code == CURLE_OPERATION_TIMEDOUT)
        return WB_ERR_TIMEOUT;
    if (code == CURLE_URL_MALFORMAT)
        return WB_ERR_INVALID;
    if (code == CURLE_WRITE_ERROR)
        return WB_ERR_IO;
    for (int i = 0; i < TROUBLES; i++)
        if (troubles[i].code == code)
            *ret_trouble = i;
    if (code != CURLE_OK)
        return WB_ERR_NET;
    if (c->getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        return WB_ERR_REFUSED;
    if (status == 404 || status == 410)
        return WB_ERR_GONE;
    if (status != 200)
        return WB_ERR_REFUSED;
    return fflush(stdout) == 0 ? WB_OK : WB_ERR_IO;
}

/* *ret_trouble: the row of `troubles` that explains NET; untouched when none does. */
static enum wb_err fetch(int argc, char *const *argv, int *ret_trouble)
{
    struct curl_api c;
    struct curl_slist *list = NULL;
    uint64_t timeout_ms;
    CURL *curl;
    enum wb_err err;

    if (argc < FIRST_HEADER || !span_to_u64(span_cstr(argv[3]), &timeout_ms))
        return WB_ERR_INVALID;
    TRY(load_curl(&c));
    curl = c.init();
    if (!curl)
        return WB_ERR_NOMEM;
    for (int i = FIRST_HEADER; i < argc; i++) {
        struct curl_slist *longer = c.append(list, argv[i]);

        if (!longer)
            break;
        list = longer;
    }
    c.setopt(curl, CURLOPT_URL, argv[2]);
    c.setopt(curl, CURLOPT_HTTPHEADER, list);
    c.setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    c.setopt(curl, CURLOPT_PROXY, ""); /* "" also switches off the proxies of the environment */
    c.setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    c.setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    c.setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    c.setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    c.setopt(curl, CURLOPT_NOSIGNAL, 1L);
    c.setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    c.setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    c.setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    if (argv[4][0])
        c.setopt(curl, CURLOPT_CAINFO, argv[4]);
    err = outcome(&c, curl, c.perform(curl), ret_trouble);
    c.free_all(list);
    c.cleanup(curl);
out:
    return err;
}

int http_client_main(int argc, char *const *argv)
{
    int trouble = -1;
    enum wb_err err;

    if (argc < 2 || strcmp(argv[1], HELPER_WORD) != 0)
        return -1;
    err = fetch(argc, argv, &trouble);
    if (trouble >= 0)
        return STATUS_FIRST + OUTCOMES + trouble;
    for (int i = 0; i < OUTCOMES; i++)
        if (outcomes[i] == err)
            return STATUS_FIRST + i;
    return EXIT_FAILURE;
}

/* ---- the process that asks ---- */

/* The helper inherits no file of ours but the pipe: a lock that it held after our end would keep
 * the store from being opened. */
static enum wb_err start(char *const *argv, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    if (posix_spawn_file_actions_init(&files) != 0)
        return WB_ERR_NOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return WB_ERR_NOMEM;
    }
    sigemptyset(&none);
    sigfillset(&all);
    rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(&attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawn(ret_pid, "/proc/self/exe", &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc == 0 ? WB_OK : rc == ENOMEM ? WB_ERR_NOMEM : WB_ERR_IO;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Appends all that the helper writes, until it closes the pipe or until_ms. */
static enum wb_err read_all(int in, int64_t until_ms, struct buf *out)
{
    uint8_t *bytes = malloc(READ_BYTES);
    enum wb_err err = bytes ? WB_OK : WB_ERR_NOMEM;
    ssize_t n = 1;

    while (err == WB_OK && n != 0) {
        struct pollfd p = {.fd = in, .events = POLLIN};
        int64_t left = until_ms - now_ms();

        if (left <= 0 || (poll(&p, 1, (int)left) == 0)) {
            err = WB_ERR_TIMEOUT;
            break;
        }
        n = read(in, bytes, READ_BYTES);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            err = WB_ERR_IO;
        if (n > 0) {
            buf_append(out, SPAN(bytes, (size_t)n));
            err = buf_err(out);
        }
    }
    free(bytes);
    return err;
}

static enum wb_err wait_end(pid_t pid, const char **ret_why)
{
    int status = 0, n;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return WB_ERR_IO;
    n = WIFEXITED(status) ? WEXITSTATUS(status) - STATUS_FIRST : -1;
    if (n < 0 || n >= OUTCOMES + TROUBLES)
        return WB_ERR_IO;
    if (n < OUTCOMES)
        return outcomes[n];
    if (ret_why)
        *ret_why = troubles[n - OUTCOMES].words;
    return WB_ERR_NET;
}

enum wb_err http_get(const char *url, const char *const *headers, const char *ca_file,
                     long timeout_ms, struct buf *out, const char **ret_why)
{
    char timeout[24], *argv[FIRST_HEADER + HEADERS_MAX + 1] = {NULL};
    const char *words[] = {"whatsapp-bridge", HELPER_WORD, url, timeout, ca_file ? ca_file : ""};
    size_t n = 0;
    int ends[2];
    pid_t pid;
    enum wb_err err;

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return WB_ERR_INVALID;
    snprintf(timeout, sizeof timeout, "%ld", timeout_ms);
    for (; n < FIRST_HEADER; n++) /* exec wants char *, but does not change the texts */
        memcpy(&argv[n], &words[n], sizeof argv[n]);
    for (size_t i = 0; headers && headers[i]; i++, n++) {
        if (i == HEADERS_MAX)
            return WB_ERR_INVALID;
        memcpy(&argv[n], &headers[i], sizeof argv[n]);
    }
    if (pipe2(ends, O_CLOEXEC) != 0)
        return WB_ERR_IO;
    err = start(argv, ends[1], &pid);
    close(ends[1]);
    if (err == WB_OK) {
        enum wb_err ended;

        err = read_all(ends[0], now_ms() + timeout_ms + GRACE_MS, out);
        if (err != WB_OK)
            kill(pid, SIGKILL);
        ended = wait_end(pid, ret_why);
        if (err == WB_OK)
            err = ended;
    }
    close(ends[0]);
    return err;
}
