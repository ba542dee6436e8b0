#include "bridge/conn/version_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/conn/conn_private.h"
#include "bridge/core/context.h"
#include "bridge/platform/machine.h"
#include "store/core/meta.h"

enum {
    VERSION_BUILT_IN = 1045649367, /* the newest seen when this was built (P-HS-18) */
    VERSION_OLD_S = 24 * 3600,
    URL_MAX = 1024,
};

#define DATES_END_S    INT64_C(253402300799) /* the end of the year 9999 */
#define VERSION_PREFIX "2.3000."

struct version_fetch {
    struct bridge *b;
    uint32_t newest; /* the newest of: built in, remembered, found */
    bool busy;
    uint32_t expiring;    /* the N whose end WhatsApp has announced; 0: none */
    int64_t expires_at_s; /* that end */
    struct timer daily;
};

static void version_fetch_expiry_plan(struct version_fetch *v);
static void load_expiry(struct version_fetch *v);

/* WhatsApp serves these pages to browsers only, so each request has the headers of clients for
 * which it works (P-X2-18). The service worker's script comes first; the page is for when the
 * script fails. */
static const char *const worker_headers[] = {
    "Sec-Fetch-Site: none",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36",
    NULL,
};
static const char *const document_headers[] = {
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/148.0.0.0 Safari/537.36",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: none",
    "Sec-Fetch-User: ?1",
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    "Accept-Language: en-US,en;q=0.9",
    NULL,
};
static const struct {
    const char *path;
    const char *const *headers;
} sources[VERSION_SOURCES] = {{"/sw.js", worker_headers}, {"/", document_headers}};

/* A job has copies of all it needs. */
struct fetch_job {
    struct bridge *b;
    http_get_fn *get;
    char urls[VERSION_SOURCES][URL_MAX];
    char *ca_file;
    enum wb_err errs[VERSION_SOURCES]; /* of each source */
    const char *whys[VERSION_SOURCES]; /* NULL: what errs says */
    size_t tried; /* how many sources were tried; the last one's result counts */
    uint32_t n;
};

bool version_find(struct span page, uint32_t *ret_n)
{
    static const char name[] = "client_revision";
    const uint8_t *at;
    struct span rest = page;

    while (rest.n > 0 && (at = memmem(rest.p, rest.n, name, sizeof name - 1)) != NULL) {
        size_t digits = 0;
        uint64_t v;

        rest = span_skip(page, (size_t)(at - page.p) + sizeof name - 1);
        at = rest.p;
        while (rest.n > 0 && memchr("\\\": ", rest.p[0], 4))
            rest = span_skip(rest, 1);
        while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9')
            digits++;
        if (rest.p != at && digits > 0 && span_to_u64(span_first(rest, digits), &v) &&
            v <= UINT32_MAX) {
            *ret_n = (uint32_t)v;
            return true;
        }
    }
    return false;
}

bool version_page_url(const char *server_url, size_t source, char *out, size_t n)
{
    bool tls = strncmp(server_url, "wss://", 6) == 0;
    const char *host = server_url + (tls ? 6 : 5), *path = sources[source].path;
    int written;

    if (!server_url[0])
        written = snprintf(out, n, "https://web.whatsapp.com%s", path);
    else
        written = snprintf(out, n, "%s://%.*s%s", tls ? "https" : "http", (int)strcspn(host, "/?#"),
                           host, path);
    return written > 0 && (size_t)written < n;
}

/* N of the last login that succeeded; 0: none. */
static uint32_t remembered(const struct version_fetch *v)
{
    const struct span prefix = SPAN_LIT(VERSION_PREFIX);
    struct buf text = buf_new(STORE_META_MAX);
    uint32_t good = 0;
    uint64_t n;

    if (store_meta_get(v->b->store, STORE_META_WA_VERSION, &text) == WB_OK && text.n > prefix.n &&
        span_eq(span_first(buf_span(&text), prefix.n), prefix) &&
        span_to_u64(span_skip(buf_span(&text), prefix.n), &n) && n <= UINT32_MAX)
        good = (uint32_t)n;
    buf_free(&text);
    return good;
}

static void load(struct version_fetch *v)
{
    uint32_t good = remembered(v);

    v->newest = good > VERSION_BUILT_IN ? good : VERSION_BUILT_IN;
}

enum wb_err version_fetch_new(struct bridge *b, struct version_fetch **ret_v)
{
    struct version_fetch *v = calloc(1, sizeof *v);

    if (!v)
        return WB_ERR_NOMEM;
    v->b = b;
    load(v);
    load_expiry(v);
    *ret_v = v;
    return WB_OK;
}

void version_fetch_free(struct version_fetch *v)
{
    if (v)
        timer_stop(v->b->timers, &v->daily);
    free(v);
}

uint32_t version_current(const struct version_fetch *v)
{
    return v->b->config->wa_version ? v->b->config->wa_version : v->newest;
}

/* Stores N in the open batch; a lost value is found on the web again. */
static void remember(struct version_fetch *v, uint32_t n)
{
    char text[32];
    int len = snprintf(text, sizeof text, VERSION_PREFIX "%u", n);

    if (store_meta_put(v->b->store, STORE_META_WA_VERSION, SPAN(text, (size_t)len)) != WB_OK)
        log_warn(v->b->log, "version", "the web version was not kept");
}

void version_good(struct version_fetch *v, uint32_t n)
{
    /* An older version, set with --wa-version, must not be where a later start begins. */
    if (n > remembered(v))
        remember(v, n);
}

static enum wb_err fetch_from(struct fetch_job *j, size_t source)
{
    struct buf page = buf_new(VERSION_PAGE_BYTES_MAX);
    enum wb_err err = j->get(j->urls[source], sources[source].headers, j->ca_file, VERSION_FETCH_MS,
                             &page, &j->whys[source]);

    if (err == WB_OK && !version_find(buf_span(&page), &j->n)) {
        err = WB_ERR_NOT_FOUND;
        j->whys[source] = "the page names none";
    }
    buf_free(&page);
    return err;
}

static void fetch(void *ctx)
{
    struct fetch_job *j = ctx;
    enum wb_err err = WB_ERR_NET;

    while (j->tried < VERSION_SOURCES && err != WB_OK) {
        err = fetch_from(j, j->tried);
        j->errs[j->tried++] = err;
    }
}

/* Servers other than WhatsApp's have no such pages: that is no error and needs no action. */
static bool no_pages(const struct fetch_job *j)
{
    for (size_t i = 0; i < j->tried; i++)
        if (j->errs[i] != WB_ERR_REFUSED && j->errs[i] != WB_ERR_GONE)
            return false;
    return j->tried > 0;
}

/* Takes over the result of a look on the web. */
static void take(struct version_fetch *v, const struct fetch_job *j)
{
    struct bridge *b = v->b;

    if (no_pages(j)) {
        log_info(b->log, "version",
                 "the server does not give out the pages that name the web version (%s is the "
                 "first of them): " VERSION_PREFIX "%u stays in use",
                 j->urls[0], version_current(v));
        return;
    }
    for (size_t i = 0; i < j->tried; i++)
        if (j->errs[i] != WB_OK)
            log_warn(b->log, "version", "no web version at %s: %s", j->urls[i],
                     j->whys[i] ? j->whys[i] : wb_err_text(j->errs[i]));
    if (j->tried == 0 || j->errs[j->tried - 1] != WB_OK)
        return;
    log_info(b->log, "version", "the web version is " VERSION_PREFIX "%u", j->n);
    if (j->n > v->newest)
        v->newest = j->n; /* stored once a login with it succeeds */
    if (store_meta_put_int(b->store, STORE_META_VERSION_LOOKED_AT, clock_unix_s(b->clock)) != WB_OK)
        log_warn(b->log, "version", "the time of the look was not kept");
}

static void fetched(void *ctx, bool ran)
{
    struct fetch_job *j = ctx;
    struct bridge *b = j->b;

    if (ran && b->version) {
        struct version_fetch *v = b->version;

        v->busy = false;
        take(v, j);
        version_fetch_expiry_plan(v);
        conn_event(b->conn, CONN_EV_VERSION, NULL);
    }
    free(j->ca_file);
    free(j);
}

void version_fetch_start(struct version_fetch *v)
{
    struct fetch_job *j;
    bool fits = true;

    if (v->busy)
        return;
    j = calloc(1, sizeof *j);
    if (!j)
        return;
    j->b = v->b;
    j->get = v->b->machine->http_get;
    j->ca_file = strdup(v->b->config->ca_file);
    for (size_t i = 0; i < VERSION_SOURCES; i++)
        fits = fits && version_page_url(v->b->config->server_url, i, j->urls[i], URL_MAX);
    if (!j->ca_file || !fits || jobs_run(v->b->jobs, fetch, fetched, j) != WB_OK) {
        free(j->ca_file);
        free(j);
        return;
    }
    v->busy = true;
}

/* How long, in ms, the result of the last successful look is still fresh; 0: it is not. */
static int64_t fresh_ms(const struct version_fetch *v)
{
    const int64_t now = clock_unix_s(v->b->clock);
    int64_t at;

    if (store_meta_get_int(v->b->store, STORE_META_VERSION_LOOKED_AT, &at) != WB_OK || at > now ||
        now - at >= VERSION_OLD_S)
        return 0;
    return (VERSION_OLD_S - (now - at)) * 1000;
}

void version_fetch_if_old(struct version_fetch *v)
{
    if (!v->b->config->wa_version && fresh_ms(v) == 0)
        version_fetch_start(v);
    version_fetch_expiry_plan(v);
}

/* ---- a version whose end is announced ---- */

int64_t version_expires_at(const struct version_fetch *v)
{
    return v->expiring == version_current(v) ? v->expires_at_s : 0;
}

static void on_daily(void *ctx)
{
    struct version_fetch *v = ctx;

    version_fetch_start(v);
    version_fetch_expiry_plan(v);
}

/* Plans a look once a day, by the monotonic clock, until there is a newer version: the one in use
 * may end before the next start, and after its end only a 405 would tell. */
static void version_fetch_expiry_plan(struct version_fetch *v)
{
    const int64_t fresh = fresh_ms(v);

    if (v->expiring == 0 || v->newest > v->expiring || v->b->config->wa_version)
        timer_stop(v->b->timers, &v->daily);
    else if (!v->daily.armed || timer_left_ms(v->b->timers, &v->daily) > fresh)
        timer_start(v->b->timers, &v->daily, fresh > 0 ? fresh : VERSION_OLD_S * INT64_C(1000),
                    on_daily, v);
}

static void keep_expiry(struct version_fetch *v)
{
    if (store_meta_put_int(v->b->store, STORE_META_VERSION_EXPIRING, v->expiring) != WB_OK ||
        store_meta_put_int(v->b->store, STORE_META_VERSION_EXPIRES, v->expires_at_s) != WB_OK)
        log_warn(v->b->log, "version", "the announced end of the web version was not kept");
}

static void load_expiry(struct version_fetch *v)
{
    int64_t n, at;

    if (store_meta_get_int(v->b->store, STORE_META_VERSION_EXPIRING, &n) == WB_OK && n > 0 &&
        n <= UINT32_MAX &&
        store_meta_get_int(v->b->store, STORE_META_VERSION_EXPIRES, &at) == WB_OK) {
        v->expiring = (uint32_t)n;
        v->expires_at_s = at;
    }
}

void version_expiry_announced(struct version_fetch *v, uint32_t n, uint64_t at_s)
{
    char day[16] = "";
    struct tm tm;
    time_t t;

    if (at_s == 0 || at_s > DATES_END_S || n == 0)
        return;
    if (v->expiring == n && (int64_t)at_s >= v->expires_at_s)
        return; /* an end of this version is known, and this one is no earlier */
    t = (time_t)at_s;
    if (gmtime_r(&t, &tm))
        (void)strftime(day, sizeof day, "%Y-%m-%d", &tm);
    log_warn(v->b->log, "version",
             "WhatsApp will refuse web version " VERSION_PREFIX "%u from %s on: %s", n, day,
             v->b->config->wa_version ? "set a newer --wa-version, or leave it out"
                                      : "a newer one is looked for every day");
    v->expiring = n;
    v->expires_at_s = (int64_t)at_s;
    keep_expiry(v);
    version_fetch_if_old(v);
}

void version_expiry_withdrawn(struct version_fetch *v)
{
    if (v->expiring == 0)
        return;
    log_info(v->b->log, "version", "WhatsApp goes on with web version " VERSION_PREFIX "%u",
             v->expiring);
    v->expiring = 0;
    v->expires_at_s = 0;
    keep_expiry(v);
    timer_stop(v->b->timers, &v->daily);
}
