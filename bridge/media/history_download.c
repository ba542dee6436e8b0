#include "bridge/media/history_download.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "bridge/core/context.h"
#include "bridge/platform/machine.h"
#include "crypto/media_crypt.h"
#include "store/core/limits.h"

enum {
    HOSTS_MAX = 8, /* WhatsApp names two or three */
    HOST_BYTES = 256,
    PATH_BYTES = 1024, /* a direct path is some 200 characters */
    URL_BYTES = HOST_BYTES + PATH_BYTES + 256,
    DOWNLOADS_MAX = 64, /* downloads at once, 5 kB each; after a restore so many chats may be asked
                           for at once */
};

struct history_download {
    struct history_download *next; /* while it waits for the host list */
    struct bridge *b;
    http_get_fn *get;
    uint64_t key;
    struct history_fetch how;
    char request_id[STORE_MESSAGE_ID_MAX + 1];
    char path[PATH_BYTES];
    struct media_secret secret;
    bool tls;
    char hosts[HOSTS_MAX][HOST_BYTES];
    size_t nhosts;
    char *ca_file;
    struct buf packed, out;
    enum wb_err result;
};

static void download_free(struct history_download *d)
{
    if (!d)
        return;
    secret_wipe(&d->secret, sizeof d->secret);
    buf_free(&d->packed);
    buf_free(&d->out);
    free(d->ca_file);
    free(d);
}

static void finish(struct history_download *d, enum wb_err result)
{
    d->how.done(d->b, span_cstr(d->request_id), result, d->how.work ? &d->out : &d->packed);
    download_free(d);
}

/* ---- on a worker ---- */

static bool make_url(const struct history_download *d, const char *host, char out[URL_BYTES])
{
    struct buf hash = buf_new(B64_CHARS(SHA256_BYTES) + 1);

    buf_b64url(&hash, SPAN_ARRAY(d->secret.file_enc_sha256), false);
    int n = snprintf(out, URL_BYTES,
                     "%s://%s%s%chash=%s&mms-type=%s&__wa-mms=", d->tls ? "https" : "http", host,
                     d->path, strchr(d->path, '?') ? '&' : '?', buf_cstr(&hash), d->how.mms_type);
    buf_free(&hash);
    return n > 0 && n < URL_BYTES;
}

static enum wb_err fetch_from(struct history_download *d, const char *host)
{
    static const char *const headers[] = {"Origin: https://web.whatsapp.com",
                                          "Referer: https://web.whatsapp.com/", NULL};
    struct buf file = buf_new(d->how.file_max);
    char url[URL_BYTES];
    enum wb_err err;

    TRY(make_url(d, host, url) ? WB_OK : WB_ERR_TOO_LARGE);
    TRY(d->get(url, headers, d->ca_file, d->how.timeout_ms, &file, NULL));
    buf_clear(&d->packed);
    err = media_open(&d->secret, buf_span(&file), &d->packed);
out:
    buf_free(&file);
    return err;
}

static void fetch(void *ctx)
{
    struct history_download *d = ctx;
    enum wb_err otherwise = WB_OK; /* answer of a host that did not say "it is not here" */

    d->result = d->packed.n ? WB_OK : WB_ERR_NET; /* OK: the content came with the notification */
    for (size_t i = 0; i < d->nhosts && d->result != WB_OK; i++) {
        d->result = fetch_from(d, d->hosts[i]);
        if (d->result != WB_ERR_GONE)
            otherwise = d->result;
    }
    if (d->result == WB_ERR_GONE && otherwise != WB_OK)
        d->result = otherwise;
    if (d->result == WB_OK && d->how.work) {
        d->result = d->how.work(buf_span(&d->packed), &d->out);
        buf_free(&d->packed); /* frees megabytes now, not when the loop takes the result */
    }
}

static void fetched(void *ctx, bool ran)
{
    struct history_download *d = ctx;

    if (ran)
        finish(d, d->result);
    else
        download_free(d);
}

/* A full queue of jobs says nothing about the file. */
static enum wb_err run(struct history_download *d)
{
    enum wb_err err = jobs_run(d->b->jobs, fetch, fetched, d);

    return err == WB_ERR_TOO_LARGE ? WB_ERR_STATE : err;
}

/* ---- the host list ---- */

static bool is_host(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == ':'))
            return false;
    }
    return s.n > 0 && s.n < HOST_BYTES;
}

/* "ws://host:port/path" -> "host:port"; with a server other than WhatsApp's no other host is asked.
 */
static bool is_allowed(const struct bridge *b, struct span host)
{
    const char *at = strstr(b->config->server_url, "://");

    return !b->config->server_url[0] || (at && span_eq(host, SPAN(at + 3, strcspn(at + 3, "/?#"))));
}

static void take_hosts(struct history_download *d, const struct iq_reply *reply)
{
    const struct node *list = node_child(reply->node, "media_conn");

    for (const struct node *n = node_child(list, "host"); n && d->nhosts < HOSTS_MAX;
         n = node_next(n, "host")) {
        struct span host = node_attr_str(n, "hostname", reply->arena);

        if (!is_host(host) || !is_allowed(d->b, host))
            continue;
        memcpy(d->hosts[d->nhosts], host.p, host.n);
        d->hosts[d->nhosts++][host.n] = 0;
    }
}

static struct history_download *take_off(struct bridge *b, uint64_t key)
{
    for (struct history_download **at = &b->history_downloads; *at; at = &(*at)->next) {
        struct history_download *d = *at;

        if (d->key == key) {
            *at = d->next;
            return d;
        }
    }
    return NULL;
}

static void on_hosts(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct history_download *d = take_off(b, key);
    enum wb_err err = reply->err;

    if (!d)
        return;
    if (err == WB_ERR_CANCELLED) { /* shutting down */
        download_free(d);
        return;
    }
    if (err == WB_OK) {
        take_hosts(d, reply);
        err = d->nhosts ? run(d) : WB_ERR_PROTOCOL;
    }
    if (err != WB_OK)
        finish(d, err);
}

static enum wb_err ask_hosts(struct bridge *b, uint64_t key)
{
    struct arena a = arena_new(16 << 10);
    struct node *iq = iq_new(&a, "set", "w:m", NULL);
    enum wb_err err;

    (void)!node_child_new(&a, iq, "media_conn");
    err = iq_send(&b->iq, &a, iq, 0, on_hosts, key);
    arena_free(&a);
    return err;
}

/* ---- a request ---- */

/* Starts with '/', and nothing in it ends the request line or the host. */
static bool is_path(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    return s.n > 0 && s.n < PATH_BYTES && s.p[0] == '/';
}

static enum wb_err fill(struct history_download *d, const struct history_notification *n)
{
    struct media_secret *s = &d->secret;

    if (!is_path(n->direct_path) || n->media_key.n != sizeof s->key ||
        n->file_sha256.n != sizeof s->file_sha256 ||
        n->file_enc_sha256.n != sizeof s->file_enc_sha256)
        return WB_ERR_MALFORMED;
    if (n->file_length > d->how.file_max)
        return WB_ERR_TOO_LARGE;
    memcpy(d->path, n->direct_path.p, n->direct_path.n);
    s->info = d->how.info;
    memcpy(s->key, n->media_key.p, sizeof s->key);
    memcpy(s->file_sha256, n->file_sha256.p, sizeof s->file_sha256);
    memcpy(s->file_enc_sha256, n->file_enc_sha256.p, sizeof s->file_enc_sha256);
    return WB_OK;
}

/* Asks for the list of hosts, or starts the work at once if the content is here. */
static enum wb_err begin(struct bridge *b, struct history_download *d,
                         const struct history_notification *n)
{
    enum wb_err err;

    if (d->how.work && n->inline_payload.n) {
        buf_append(&d->packed, n->inline_payload);
        TRY(buf_err(&d->packed));
        return run(d);
    }
    TRY(fill(d, n));
    TRY(ask_hosts(b, d->key));
    d->next = b->history_downloads;
    b->history_downloads = d;
out:
    return err;
}

enum wb_err history_download_start(struct bridge *b, const struct history_notification *n,
                                   struct span request_id, const struct history_fetch *how)
{
    struct history_download *d = NULL;
    size_t waiting = 0;
    enum wb_err err = WB_ERR_NOMEM;

    for (struct history_download *at = b->history_downloads; at; at = at->next)
        waiting++;
    if (waiting >= DOWNLOADS_MAX)
        return WB_ERR_STATE;
    d = calloc(1, sizeof *d);
    if (!d)
        return WB_ERR_NOMEM;
    d->b = b;
    d->get = b->machine->http_get;
    d->how = *how;
    d->key = ++b->last_ticket;
    d->packed = buf_new(how->file_max);
    d->out = buf_new(how->out_max);
    d->tls = strncmp(b->config->server_url, "ws://", 5) != 0;
    d->ca_file = strdup(b->config->ca_file);
    TRY(d->ca_file && request_id.n < sizeof d->request_id ? WB_OK : WB_ERR_NOMEM);
    memcpy(d->request_id, request_id.p, request_id.n);
    TRY(begin(b, d, n));
    d = NULL;
out:
    download_free(d);
    return err;
}
