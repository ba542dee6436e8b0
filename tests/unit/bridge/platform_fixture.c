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

struct hand_ws the_ws;
static const struct ws_ops hand_ws_ops;
bool server_dead;
unsigned dials;
char dialled[128];

static enum wb_err hand_ws_new(struct loop *l, struct jobs *jobs, const struct ws_callbacks *cb,
                               struct ws_client **ret_c)
{
    (void)l;
    (void)jobs;
    the_ws = (struct hand_ws){.client.ops = &hand_ws_ops, .cb = *cb, .out = buf_new(32 << 20)};
    *ret_c = &the_ws.client;
    return WB_OK;
}

static void hand_free(struct ws_client *c)
{
    (void)c;
    buf_free(&the_ws.out);
}

static enum wb_err hand_open(struct ws_client *c, const struct ws_target *target)
{
    (void)c;
    assert_false(the_ws.active);
    the_ws.active = true;
    the_ws.established = the_ws.closing = the_ws.aborted = false;
    server_dead = false;
    buf_clear(&the_ws.out);
    dials++;
    snprintf(dialled, sizeof dialled, "%s", target->url);
    return WB_OK;
}

static enum wb_err hand_send(struct ws_client *c, struct span bytes)
{
    (void)c;
    if (!the_ws.established || the_ws.closing)
        return WB_ERR_STATE;
    buf_append(&the_ws.out, bytes);
    return buf_err(&the_ws.out);
}

static enum wb_err hand_would_send(const struct ws_client *c, size_t n)
{
    (void)c;
    if (!the_ws.established || the_ws.closing)
        return WB_ERR_STATE;
    return the_ws.waiting + n > WS_SEND_QUEUE_BYTES_MAX ? WB_ERR_TOO_LARGE : WB_OK;
}

static uint64_t hand_taken(const struct ws_client *c)
{
    (void)c;
    return 0;
}

static size_t hand_waiting(const struct ws_client *c)
{
    (void)c;
    return the_ws.waiting;
}

static struct tcp_uplink hand_uplink(const struct ws_client *c)
{
    (void)c;
    return the_ws.uplink;
}

static void hand_read(struct ws_client *c, bool on)
{
    (void)c;
    the_ws.reading_off = !on;
}

static void hand_close(struct ws_client *c)
{
    (void)c;
    if (the_ws.active)
        the_ws.closing = true;
}

static void hand_abort(struct ws_client *c)
{
    (void)c;
    the_ws.closing = the_ws.aborted = the_ws.active;
}

static bool hand_active(const struct ws_client *c)
{
    (void)c;
    return the_ws.active;
}

static bool hand_readable(const struct ws_client *c)
{
    (void)c;
    return false;
}

static const struct ws_ops hand_ws_ops = {
    .free = hand_free,
    .open = hand_open,
    .send = hand_send,
    .would_send = hand_would_send,
    .taken = hand_taken,
    .waiting = hand_waiting,
    .uplink = hand_uplink,
    .read = hand_read,
    .close = hand_close,
    .abort = hand_abort,
    .active = hand_active,
    .readable = hand_readable,
};

const struct machine hand_machine = {
    .jobs_new = hand_jobs_new,
    .ws_client_new = hand_ws_new,
    .http_get = hand_get,
};

void platform_forget(void)
{
    loop_turn_init(&the_loop, &hand_clock);

    dials = 0;
}
