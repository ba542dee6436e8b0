#include "bridge/conn/keepalive.h"

#include <stdlib.h>

#include "bridge/conn/conn.h"
#include "bridge/core/context.h"

struct keepalive {
    struct bridge *b;
    struct timer ping;    /* the next one */
    struct timer silence; /* runs from a send until something is heard */
    int64_t planned_ms;   /* when the ping timer should fire */
    unsigned failures;    /* pings without an answer, in a row */
    bool running;
    bool probing;  /* a ping was sent because of the silence */
    bool behind;   /* when the ping was sent, or checked last, other bytes still waited before it */
    uint64_t seen; /* how many bytes were confirmed at that time (conn_uplink_busy()) */
};

static void on_ping_timer(void *ctx);

enum wb_err keepalive_new(struct bridge *b, struct keepalive **ret_k)
{
    struct keepalive *k = calloc(1, sizeof *k);

    if (!k)
        return WB_ERR_NOMEM;
    k->b = b;
    *ret_k = k;
    return WB_OK;
}

void keepalive_free(struct keepalive *k)
{
    keepalive_stop(k);
    free(k);
}

static void plan_ping(struct keepalive *k)
{
    int64_t wait = PING_MIN_MS + (int64_t)rng_below(k->b->rng, PING_MAX_MS - PING_MIN_MS);

    k->planned_ms = clock_mono_ms(k->b->clock) + wait;
    timer_start(k->b->timers, &k->ping, wait, on_ping_timer, k);
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct keepalive *k = b->keepalive;
    uint64_t seen = 0;
    bool moved;

    (void)key;
    if (!k || !k->running)
        return;
    /* Any answer, even a refusal, proves life. */
    if (reply->err == WB_OK || reply->err == WB_ERR_REFUSED || reply->err == WB_ERR_PROTOCOL) {
        k->failures = 0;
        return;
    }
    if (reply->err != WB_ERR_TIMEOUT)
        return;
    if (conn_uplink_busy(b->conn, &seen, &moved)) {
        log_debug(b->log, "keepalive", "a ping waits behind what is being sent");
        return;
    }
    k->failures++;
    log_warn(b->log, "keepalive", "no answer to a ping (%u in a row)", k->failures);
}

static void send_ping(struct keepalive *k)
{
    struct arena a = arena_new(16 * 1024);
    struct bridge *b = k->b;
    struct node *n = iq_new(&a, "get", "w:p", NULL);

    if (iq_send(&b->iq, &a, n, PING_ANSWER_MS, on_answer, 0) != WB_OK)
        log_warn(b->log, "keepalive", "a ping could not be sent");
    arena_free(&a);
}

static void on_ping_timer(void *ctx)
{
    struct keepalive *k = ctx;
    int64_t late = clock_mono_ms(k->b->clock) - k->planned_ms;

    if (late > PING_SUSPEND_GAP_MS)
        log_info(k->b->log, "keepalive", "this machine slept for %lld s", (long long)(late / 1000));
    plan_ping(k);
    send_ping(k);
}

/* A slow line may need a minute for one stanza to a large group, and the ping waits behind it:
 * while the other end's system confirms more and more bytes the connection is alive. When all has
 * left, the ping's answer still has its full time. */
static bool still_sending(struct keepalive *k)
{
    bool was_behind = k->behind, moved;

    k->behind = conn_uplink_busy(k->b->conn, &k->seen, &moved);
    return was_behind && moved;
}

/* Many stanzas that we send have no answer (acks): after a silence a ping is sent, and only if that
 * stays unanswered the socket counts as dead. As every ping is a send, a dead socket is noticed
 * within a minute, long before the three of P-LG-21. */
static void on_silence(void *ctx)
{
    struct keepalive *k = ctx;

    if (k->probing && still_sending(k)) {
        timer_start(k->b->timers, &k->silence, PING_ANSWER_MS, on_silence, k);
        return;
    }
    if (!k->probing) {
        k->probing = true;
        k->behind = true;
        (void)still_sending(k);
        send_ping(k);
        timer_start(k->b->timers, &k->silence, PING_ANSWER_MS, on_silence, k);
        return;
    }
    log_warn(k->b->log, "keepalive", "the socket is dead: nothing came for %d s",
             (PING_SILENCE_MS + PING_ANSWER_MS) / 1000);
    conn_drop(k->b->conn, CONN_WHY_NETWORK);
}

void keepalive_start(struct keepalive *k)
{
    if (!k)
        return;
    k->running = true;
    k->probing = false;
    k->failures = 0;
    plan_ping(k);
}

void keepalive_stop(struct keepalive *k)
{
    if (!k)
        return;
    k->running = false;
    timer_stop(k->b->timers, &k->ping);
    timer_stop(k->b->timers, &k->silence);
}

void keepalive_sent(struct keepalive *k)
{
    if (k && k->running && !k->silence.armed)
        timer_start(k->b->timers, &k->silence, PING_SILENCE_MS, on_silence, k);
}

void keepalive_heard(struct keepalive *k)
{
    if (!k)
        return;
    timer_stop(k->b->timers, &k->silence);
    k->probing = false;
}
