/* platform_fixture.c - see platform_fixture.h. */
#include "tests/unit/bridge/platform_fixture.h"

#include "bridge/platform/limits.h"

/* ---- time ---- */

int64_t now_ms;
int64_t wall_jump_ms;
static int64_t mono(void *ctx)
{
    (void)ctx;
    return now_ms;
}

int64_t wall(void *ctx)
{
    (void)ctx;
    return START_S * INT64_C(1000) + now_ms + wall_jump_ms;
}

const struct clock hand_clock = {mono, wall, NULL};

/* ---- the loop, the workers and the web page ---- */

struct loop the_loop;

static const struct jobs_ops hand_jobs_ops;
struct hand_jobs the_jobs;
bool jobs_held;
const char *web_page;
const char *web_document;
unsigned page_visits;

static enum wb_err hand_jobs_new(struct loop *l, unsigned max_threads, struct jobs **ret_jobs)
{
    (void)l;
    (void)max_threads;
    the_jobs = (struct hand_jobs){.jobs.ops = &hand_jobs_ops};
    *ret_jobs = &the_jobs.jobs;
    return WB_OK;
}

struct hand_jobs hand_jobs_take(void)
{
    struct hand_jobs taken = the_jobs;

    the_jobs = (struct hand_jobs){.jobs.ops = &hand_jobs_ops};
    return taken;
}

static void hand_jobs_free(struct jobs *j)
{
    struct hand_jobs left = hand_jobs_take();

    (void)j;
    if (left.work)
        left.done(left.ctx, false);
}

static enum wb_err hand_jobs_run(struct jobs *j, job_work_fn *work, job_done_fn *done, void *ctx)
{
    assert_null(the_jobs.work);
    the_jobs = (struct hand_jobs){*j, work, done, ctx};
    return WB_OK;
}

static const struct jobs_ops hand_jobs_ops = {hand_jobs_run, hand_jobs_free};

static enum wb_err hand_get(const char *url, const char *const *headers, const char *ca_file,
                            long timeout_ms, struct buf *out, const char **ret_why)
{
    (void)ret_why;
    (void)ca_file;
    (void)timeout_ms;
    const bool worker = strcmp(url, "https://web.whatsapp.com/sw.js") == 0;
    const char *page = worker ? web_page : web_document;

    if (!worker)
        assert_string_equal(url, "https://web.whatsapp.com/");
    assert_non_null(headers[0]);
    page_visits += worker;
    if (!page)
        return WB_ERR_NET;
    buf_append_cstr(out, page);
    return buf_err(out);
}

/* ---- the socket ---- */

struct ws_client the_ws;
bool server_dead;
unsigned dials;
char dialled[128];

enum wb_err ws_client_new(struct loop *l, struct jobs *jobs, const struct ws_callbacks *cb,
                          struct ws_client **ret_c)
{
    (void)l;
    (void)jobs;
    the_ws = (struct ws_client){.cb = *cb, .out = buf_new(32 << 20)};
    *ret_c = &the_ws;
    return WB_OK;
}

void ws_client_free(struct ws_client *c)
{
    if (c)
        buf_free(&c->out);
}

bool ws_url_valid(const char *url)
{
    return url[0] != '\0';
}

enum wb_err ws_client_open(struct ws_client *c, const struct ws_target *target)
{
    assert_false(c->active);
    c->active = true;
    c->established = c->closing = c->aborted = false;
    server_dead = false;
    buf_clear(&c->out);
    dials++;
    snprintf(dialled, sizeof dialled, "%s", target->url);
    return WB_OK;
}

enum wb_err ws_client_send(struct ws_client *c, struct span bytes)
{
    if (!c->established || c->closing)
        return WB_ERR_STATE;
    buf_append(&c->out, bytes);
    return buf_err(&c->out);
}

enum wb_err ws_client_would_send(const struct ws_client *c, size_t n)
{
    if (!c->established || c->closing)
        return WB_ERR_STATE;
    return c->waiting + n > WS_SEND_QUEUE_BYTES_MAX ? WB_ERR_TOO_LARGE : WB_OK;
}

uint64_t ws_client_taken(const struct ws_client *c)
{
    (void)c;
    return 0;
}

size_t ws_client_waiting(const struct ws_client *c)
{
    return c->waiting;
}

struct tcp_uplink ws_client_uplink(const struct ws_client *c)
{
    return c->uplink;
}

void ws_client_read(struct ws_client *c, bool on)
{
    c->reading_off = !on;
}

void ws_client_close(struct ws_client *c)
{
    if (c->active)
        c->closing = true;
}

void ws_client_abort(struct ws_client *c)
{
    c->closing = c->aborted = c->active;
}

bool ws_client_active(const struct ws_client *c)
{
    return c->active;
}

bool ws_client_readable(const struct ws_client *c)
{
    (void)c;
    return false;
}

const struct machine hand_machine = {.jobs_new = hand_jobs_new, .http_get = hand_get};

void platform_forget(void)
{
    loop_turn_init(&the_loop, &hand_clock);

    dials = 0;
}
