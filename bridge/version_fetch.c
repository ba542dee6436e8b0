#include "bridge/version_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/bridge.h"
#include "bridge/conn_private.h"
#include "bridge/http_client.h"
#include "bridge/jobs.h"
#include "store/meta.h"

enum {
    VERSION_BUILT_IN = 1045649367, /* the newest seen when this was built (P-HS-18) */
    VERSION_OLD_S = 24 * 3600,
    URL_MAX = 1024,
};

#define META_LOOKED_AT "wa_version_at"
#define VERSION_PREFIX "2.3000."

struct version_fetch {
    struct bridge *b;
    uint32_t newest; /* of built in, remembered, found */
    bool busy;
};

/* A job owns all it needs. */
struct fetch_job {
    struct bridge *b;
    char url[URL_MAX];
    char *ca_file;
    enum wb_err err;
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

bool version_page_url(const char *server_url, char *out, size_t n)
{
    bool tls = strncmp(server_url, "wss://", 6) == 0;
    const char *host = server_url + (tls ? 6 : 5);
    int written;

    if (!server_url[0])
        written = snprintf(out, n, "https://web.whatsapp.com/sw.js");
    else
        written = snprintf(out, n, "%s://%.*s/sw.js", tls ? "https" : "http",
                           (int)strcspn(host, "/?#"), host);
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
    *ret_v = v;
    return WB_OK;
}

void version_fetch_free(struct version_fetch *v)
{
    free(v);
}

uint32_t version_current(const struct version_fetch *v)
{
    return v->b->config->wa_version ? v->b->config->wa_version : v->newest;
}

/* Part of the open batch; a lost value is found again. */
static void remember(struct version_fetch *v, uint32_t n)
{
    char text[32];
    int len = snprintf(text, sizeof text, VERSION_PREFIX "%u", n);

    if (store_meta_put(v->b->store, STORE_META_WA_VERSION, SPAN(text, (size_t)len)) != WB_OK)
        log_warn(v->b->log, "version", "the web version was not kept");
}

void version_good(struct version_fetch *v, uint32_t n)
{
    /* An older one that --wa-version asks for is not where a later start should begin. */
    if (n > remembered(v))
        remember(v, n);
}

/* The page is served to browsers only. */
static const char user_agent[] =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36";

static void fetch(void *ctx)
{
    static const char *const headers[] = {
        "Sec-Fetch-Dest: serviceworker",
        "Sec-Fetch-Mode: same-origin",
        "Sec-Fetch-Site: same-origin",
        user_agent,
        "Accept: */*",
        "Accept-Language: en-US,en;q=0.9",
        NULL,
    };
    struct fetch_job *j = ctx;
    struct buf page = buf_new(VERSION_PAGE_BYTES_MAX);

    j->err = http_get(j->url, headers, j->ca_file, VERSION_FETCH_MS, &page);
    if (j->err == WB_OK && !version_find(buf_span(&page), &j->n))
        j->err = WB_ERR_NOT_FOUND;
    buf_free(&page);
}

static void fetched(void *ctx, bool ran)
{
    struct fetch_job *j = ctx;
    struct bridge *b = j->b;

    if (ran && b->version) {
        struct version_fetch *v = b->version;

        v->busy = false;
        if (j->err != WB_OK)
            log_warn(b->log, "version", "no web version at %s: %s", j->url, wb_err_text(j->err));
        else
            log_info(b->log, "version", "the web version is " VERSION_PREFIX "%u", j->n);
        if (j->err == WB_OK && j->n > v->newest)
            v->newest = j->n; /* kept once a login with it succeeded */
        if (j->err == WB_OK &&
            store_meta_put_int(b->store, META_LOOKED_AT, clock_unix_s(b->clock)) != WB_OK)
            log_warn(b->log, "version", "the time of the look was not kept");
        conn_event(b->conn, CONN_EV_VERSION, NULL);
    }
    free(j->ca_file);
    free(j);
}

void version_fetch_start(struct version_fetch *v)
{
    struct fetch_job *j;

    if (v->busy)
        return;
    j = calloc(1, sizeof *j);
    if (!j)
        return;
    j->b = v->b;
    j->ca_file = strdup(v->b->config->ca_file);
    if (!j->ca_file || !version_page_url(v->b->config->server_url, j->url, sizeof j->url) ||
        jobs_run(v->b->jobs, fetch, fetched, j) != WB_OK) {
        free(j->ca_file);
        free(j);
        return;
    }
    v->busy = true;
}

void version_fetch_if_old(struct version_fetch *v)
{
    int64_t at;

    if (v->b->config->wa_version)
        return;
    if (store_meta_get_int(v->b->store, META_LOOKED_AT, &at) == WB_OK &&
        clock_unix_s(v->b->clock) - at < VERSION_OLD_S && at <= clock_unix_s(v->b->clock))
        return;
    version_fetch_start(v);
}
