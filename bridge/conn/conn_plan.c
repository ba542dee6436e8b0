/* What follows when a connection is over, or a new attempt is due: the reactions of area ER
 * (errors) of the protocol checklist. */
#include <stdlib.h>
#include <string.h>

#include "bridge/conn/conn_health.h"
#include "bridge/conn/conn_private.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/platform/jobs.h"
#include "store/core/batch.h"
#include "store/core/meta.h"
#include "store/files/lock.h"

enum {
    PLAN_RESTART_APART_MS = 5000,    /* two 515 closer than that: the second one waits */
    PLAN_NORMAL_LIFE_MS = 60 * 1000, /* a connection that was logged in so long was a good one */
    PLAN_SCAN_AGAIN_MS = 1000,       /* a new set of QR codes */
    PLAN_SLOW_MS = 60 * 60 * 1000,   /* outdated and no newer version, or refused for long */
    PLAN_FAILURE_MS = 60 * 1000,     /* a <failure> without a rule of its own; doubled each time */
    PLAN_CLOCK_MS = 60 * 1000,       /* the clock may be set meanwhile */
    PLAN_STORE_MS = 5 * 1000,        /* at least, while the disk is full */
    PLAN_RATE_PENALTY = 5,           /* P-ER-12 */
    PLAN_VERSION_MS = VERSION_SOURCES * VERSION_FETCH_MS + 1000,
};

/* Warnings and errors are for an operator's first glance: a lost connection, or a problem to solve.
 * A QR that was not scanned needs no action. */
static enum log_level level_of(enum conn_reason why)
{
    switch (why) {
    case CONN_WHY_BANNED:
    case CONN_WHY_CERT:
        return LOG_ERROR;
    case CONN_WHY_NONE:
    case CONN_WHY_START:
    case CONN_WHY_REFS_OVER:
    case CONN_WHY_RESTART:
    case CONN_WHY_OPERATOR:
    case CONN_WHY_SHUTDOWN:
        return LOG_INFO;
    case CONN_WHY_NETWORK:
    case CONN_WHY_NAME:
    case CONN_WHY_UNREACHABLE:
    case CONN_WHY_SILENT:
    case CONN_WHY_REFUSED:
    case CONN_WHY_CLOSED:
    case CONN_WHY_PASSKEY:
    case CONN_WHY_TLS:
    case CONN_WHY_CLOCK:
    case CONN_WHY_PROTOCOL:
    case CONN_WHY_SERVER:
    case CONN_WHY_RATE:
    case CONN_WHY_REPLACED:
    case CONN_WHY_OUTDATED:
    case CONN_WHY_LOGGED_OUT:
    case CONN_WHY_FAILURE:
    case CONN_WHY_STORE:
    case CONN_WHY_WRONG_NUMBER:
    case CONN_WHY_COUNT:
        break;
    }
    return LOG_WARN;
}

static void wait(struct conn *c, int64_t ms)
{
    char text[HEALTH_DETAIL_MAX];

    conn_set_state(c, CONN_WAIT_BACKOFF, ms > 0 ? ms : 1);
    log_write(c->b->log, level_of(c->why), "conn", "%s; next attempt in %lld.%03lld s: %s",
              conn_reason_name(c->why), (long long)(ms / 1000), (long long)(ms % 1000),
              conn_health_detail(c->b, text));
}

static void stop(struct conn *c, const char *what_to_do)
{
    log_error(c->b->log, "conn", "%s%s%s: %s", conn_reason_name(c->why), c->detail[0] ? ": " : "",
              c->detail, what_to_do);
    conn_set_state(c, CONN_STOPPED, 0);
}

static int64_t at_least(int64_t ms, int64_t minimum)
{
    return ms > minimum ? ms : minimum;
}

/* Looks for a program of this machine that has whatsapp.db open, and so may be the one that
 * replaces us. A worker looks, because some machines have thousands of processes. */
struct look {
    struct bridge *b;
    char *path;
    struct store_holder holder;
    bool found;
};

static void look(void *ctx)
{
    struct look *l = ctx;

    l->found = store_other_process_has_open(l->path, &l->holder);
}

static void looked(void *ctx, bool ran)
{
    struct look *l = ctx;
    struct conn *c = l->b->conn;

    if (ran && l->found && c->why == CONN_WHY_REPLACED) {
        conn_detail(c, "whatsapp.db is open in process %ld (%s)", (long)l->holder.pid,
                    l->holder.command);
        log_warn(c->b->log, "conn", "%s", c->detail);
    }
    free(l->path);
    free(l);
}

static void look_for_other(struct conn *c)
{
    struct look *l = calloc(1, sizeof *l);

    if (!l)
        return;
    l->b = c->b;
    l->path = strdup(c->b->config->whatsapp_db_path);
    if (l->path && jobs_run(c->b->jobs, look, looked, l) == WB_OK)
        return;
    free(l->path);
    free(l);
}

static void plan_replaced(struct conn *c)
{
    int64_t pause = replaced_pause_ms(&c->replaced, clock_mono_ms(c->b->clock));

    look_for_other(c);
    if (pause < 0)
        stop(c, "another program keeps using this device; stop it, then POST /api/reconnect");
    else
        wait(c, pause);
}

static void plan_banned(struct conn *c)
{
    int64_t now = clock_unix_s(c->b->clock);
    int64_t left = c->banned_until_s - now;

    /* The clock was set back since then: that must not make the ban longer. */
    if (c->banned_for_s > 0 && left > c->banned_for_s) {
        left = c->banned_for_s;
        c->banned_until_s = now + left;
        conn_store_ban(c); /* stored, or each restart would begin the ban anew */
    }
    if (left <= 0) {
        c->banned_until_s = 0;
        conn_connect(c);
        return;
    }
    wait(c, left * 1000);
}

static void stay_outdated(struct conn *c, const char *what_to_do)
{
    log_error(c->b->log, "conn", "WhatsApp refuses web version 2.3000.%u: %s", c->version_used,
              what_to_do);
    c->version_retried = false; /* the attempt after the wait may be followed by one more again */
    wait(c, PLAN_SLOW_MS);
}

static void plan_outdated(struct conn *c)
{
    if (c->b->config->wa_version) {
        stay_outdated(c, "set a newer --wa-version, or leave it out");
        return;
    }
    conn_set_state(c, CONN_WAIT_VERSION, PLAN_VERSION_MS);
    version_fetch_start(c->b->version);
}

void conn_plan_version(struct conn *c)
{
    uint32_t now = version_current(c->b->version);

    /* Never the same version again at once, never an older one (P-HS-19), and only one retry with a
     * newer one: a page that names another version at every look is not followed for ever
     * (P-ER-06). */
    if (c->version_retried) {
        stay_outdated(c, "the one before is refused, too; update this program or set --wa-version");
        return;
    }
    if (now <= c->version_used) {
        stay_outdated(c, "no newer one could be found; update this program or set --wa-version");
        return;
    }
    log_info(c->b->log, "conn", "trying web version 2.3000.%u", now);
    c->version_retried = true;
    conn_connect(c);
}

/* A <failure> that does not say that we are unlinked, and that nobody has explained yet (400, 409,
 * 415, 418, new ones): the refusal may pass, and nobody may be there to help. So we try again after
 * 1, 2, 4 ... 60 minutes, with a tenth of jitter, until a login succeeds (P-X2-24). A newer version
 * may be the cure. */
static void plan_failure(struct conn *c)
{
    int64_t ms = PLAN_FAILURE_MS;

    for (unsigned i = 0; i < c->login_failures && ms < PLAN_SLOW_MS; i++)
        ms *= 2;
    c->login_failures++;
    if (ms > PLAN_SLOW_MS)
        ms = PLAN_SLOW_MS;
    log_error(c->b->log, "conn", "WhatsApp refuses the login: %s; it is tried again, slowly",
              c->detail);
    version_fetch_if_old(c->b->version);
    wait(c, ms - ms / 10 + (int64_t)rng_below(c->b->rng, (uint32_t)(ms / 5) + 1));
}

/* After a 515 we reconnect at once, but not again and again to a server that answers nothing
 * else. */
static void plan_restart(struct conn *c)
{
    int64_t now = clock_mono_ms(c->b->clock);
    bool again = c->restarted_ms > 0 && now - c->restarted_ms < PLAN_RESTART_APART_MS;

    c->restarted_ms = now;
    if (again)
        wait(c, backoff_next_ms(&c->backoff, c->b->rng));
    else
        conn_connect(c);
}

/* That the server closes the connection every few minutes, in whatever way, is normal:
 * after a minute online the delays begin anew. Shorter connections count as failures (P-ER-17), so
 * a server that lets us in for a moment only is not hammered; a server that lets us in for a minute
 * each time is called about once a minute. After "rate limited" the delays do not begin anew
 * (P-ER-12). */
static void forgive(struct conn *c)
{
    if (c->lasted_ms >= PLAN_NORMAL_LIFE_MS && c->why != CONN_WHY_RATE)
        backoff_reset(&c->backoff);
}

/* The delay counts from the end of the last attempt: the time that a server took to answer our
 * close frame is part of it. */
static void wait_usual(struct conn *c)
{
    int64_t closing = clock_mono_ms(c->b->clock) - c->closing_ms;
    int64_t ms = backoff_next_ms(&c->backoff, c->b->rng);

    wait(c, c->was_logged_in ? at_least(ms - closing, 0) : ms);
}

static void plan_shutdown(struct conn *c)
{
    conn_set_state(c, CONN_STOPPED, 0);
    loop_stop(c->b->loop);
}

void conn_plan_next(struct conn *c)
{
    struct bridge *b = c->b;

    if (c->shutting_down)
        c->why = CONN_WHY_SHUTDOWN;
    forgive(c);
    switch (c->why) {
    case CONN_WHY_SHUTDOWN:
        plan_shutdown(c);
        return;
    case CONN_WHY_RESTART:
        plan_restart(c);
        return;
    case CONN_WHY_OPERATOR:
        conn_connect(c);
        return;
    case CONN_WHY_REPLACED:
        plan_replaced(c);
        return;
    case CONN_WHY_BANNED:
        plan_banned(c);
        return;
    case CONN_WHY_OUTDATED:
        plan_outdated(c);
        return;
    case CONN_WHY_LOGGED_OUT:
        stop(c, "the session is kept; pair again with POST /api/pair");
        return;
    case CONN_WHY_FAILURE:
        plan_failure(c);
        return;
    case CONN_WHY_REFS_OVER:
    case CONN_WHY_PASSKEY:
    case CONN_WHY_WRONG_NUMBER:
        wait(c, PLAN_SCAN_AGAIN_MS);
        return;
    case CONN_WHY_CLOCK:
        wait(c, at_least(backoff_next_ms(&c->backoff, b->rng), PLAN_CLOCK_MS));
        return;
    case CONN_WHY_STORE:
        wait(c, at_least(backoff_next_ms(&c->backoff, b->rng), PLAN_STORE_MS));
        return;
    case CONN_WHY_RATE:
        backoff_penalty(&c->backoff, PLAN_RATE_PENALTY);
        break;
    case CONN_WHY_NONE:
    case CONN_WHY_START:
    case CONN_WHY_NETWORK:
    case CONN_WHY_NAME:
    case CONN_WHY_UNREACHABLE:
    case CONN_WHY_SILENT:
    case CONN_WHY_REFUSED:
    case CONN_WHY_CLOSED:
    case CONN_WHY_TLS:
    case CONN_WHY_CERT:
    case CONN_WHY_PROTOCOL:
    case CONN_WHY_SERVER:
    case CONN_WHY_COUNT:
        break;
    }
    wait_usual(c);
}

/* ---- the first attempt ---- */

/* Does a note of an earlier run hold us back? After a logout there is no new attempt (P-ER-22), and
 * a ban is waited for. */
static bool held_back(struct conn *c)
{
    char reason[STORE_REASON_MAX + 1], text[CLOCK_TEXT_MAX];
    int64_t at;

    if (store_logged_out_get(c->b->store, reason, &at) == WB_OK) {
        c->why = CONN_WHY_LOGGED_OUT;
        conn_detail(c, "%s", reason);
        return true;
    }
    if (store_meta_get_int(c->b->store, STORE_META_BANNED_UNTIL, &at) == WB_OK &&
        at > clock_unix_s(c->b->clock)) {
        c->why = CONN_WHY_BANNED;
        c->banned_until_s = at;
        conn_detail(c, "temporary ban until %s", clock_text(at, text));
        if (store_meta_get_int(c->b->store, STORE_META_BANNED_FOR, &at) == WB_OK)
            c->banned_for_s = at;
        return true;
    }
    return false;
}

void conn_start(struct conn *c)
{
    enum wb_err err = conn_load_account(c);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND) {
        c->why = CONN_WHY_STORE;
        conn_detail(c, "the account cannot be read: %s", wb_err_text(err));
        stop(c, "restore a backup of whatsapp.db");
        return;
    }
    if (c->paired && held_back(c)) {
        conn_plan_next(c);
        return;
    }
    c->pair_wanted = !c->paired;
    if (!c->paired && conn_fresh_keys(c) != WB_OK) {
        conn_detail(c, "no keys could be made");
        c->why = CONN_WHY_STORE;
        stop(c, "restart the bridge");
        return;
    }
    version_fetch_if_old(c->b->version);
    conn_connect(c);
}
