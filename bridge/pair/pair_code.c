/* Pairing by an 8-character code that is typed on the phone (P-PR-17..26). */
#include <stdio.h>

#include "base/secret.h"
#include "bridge/pair/pair_hash.h"
#include "bridge/pair/pair_stanzas.h"
#include "bridge/pair/pairing.h"

/* The server takes only known browsers and systems here (P-PR-17). */
#define CODE_PLATFORM_ID   "1" /* Chrome (P-PR-05) */
#define CODE_PLATFORM_NAME "Chrome (Linux)"

enum { CODE_ARENA_MAX = 64 * 1024, LINK_BUNDLE_MAX = 1024 };

void pair_code_format(const char *code, char out[static 10])
{
    snprintf(out, 10, "%.4s-%.4s", code, code + 4);
}

static void answer(struct pairing *p, enum cmd_result r, const char *code, const char *text)
{
    pair_code_fn *done = p->done;

    p->done = NULL;
    if (done)
        done(p->done_ctx, r, code, text);
}

void pair_code_forget(struct pairing *p)
{
    answer(p, CMD_NOT_CONNECTED, NULL, "the bridge stops");
}

void pair_code_reset(struct conn *c, const char *why)
{
    struct pairing *p = c->pairing;
    bool shown = p->code[0] != '\0';

    p->attempt++;
    p->code_asked = false;
    p->finishing_until_ms = 0;
    secret_wipe(p->code, sizeof p->code);
    secret_wipe(&p->ephemeral, sizeof p->ephemeral);
    p->nref = 0;
    answer(p, CMD_NOT_CONNECTED, NULL, why);
    if (shown)
        events_emit_kind(&c->b->events, BRIDGE_EV_PAIR_CODE);
}

/* The typed code has not led to a link. */
static void finish_is_over(struct conn *c)
{
    c->pairing->finishing_until_ms = 0;
    if (c->state == CONN_WAIT_PAIR_SCAN && pair_refresh_owed(c))
        pairing_redraw_qr(c);
}

/* ---- companion_hello ---- */

static void on_hello_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct conn *c = b->conn;
    struct pairing *p = c->pairing;
    struct span ref;
    char shown[10];

    if (key != p->attempt || !p->code_asked)
        return;
    p->code_asked = false;
    ref = reply->node
              ? node_content_bytes(node_child(node_child(reply->node, "link_code_companion_reg"),
                                              "link_code_pairing_ref"))
              : SPAN_NULL;
    if (reply->err != WB_OK || ref.n == 0 || ref.n > PAIR_REF_MAX) {
        log_error(b->log, "pair", "no pairing code: %s (%u)", wb_err_text(reply->err), reply->code);
        secret_wipe(p->code, sizeof p->code);
        answer(p, reply->code == 429 ? CMD_RATE_LIMITED : CMD_REFUSED, NULL,
               "WhatsApp gives no pairing code for this number now; try again later, or scan the "
               "QR");
        return;
    }
    memcpy(p->ref, ref.p, ref.n);
    p->nref = ref.n;
    p->code_until_ms = clock_mono_ms(b->clock) + PAIR_CODE_MS;
    pair_code_format(p->code, shown);
    bridge_say(b, "PAIRING CODE: %s", shown);
    answer(p, CMD_OK, shown, "");
    events_emit_kind(&b->events, BRIDGE_EV_PAIR_CODE);
}

static struct node *companion_reg(struct arena *a, struct node *iq, const struct jid *phone,
                                  const char *stage)
{
    struct node *reg = node_child_new(a, iq, "link_code_companion_reg");

    node_attr_jid(a, reg, "jid", phone);
    node_attr_text(a, reg, "stage", stage);
    return reg;
}

static enum wb_err send_hello(struct conn *c,
                              const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES])
{
    static const uint8_t nonce[] = {0};
    struct pairing *p = c->pairing;
    struct arena a = arena_new(CODE_ARENA_MAX);
    struct node *iq, *reg;
    enum wb_err err;

    iq = iq_new(&a, "set", "md", NULL);
    reg = companion_reg(&a, iq, &p->code_phone, "companion_hello");
    node_attr_text(&a, reg, "should_show_push_notification", "true");
    pairing_add(&a, reg, "link_code_pairing_wrapped_companion_ephemeral_pub",
                SPAN(wrapped, LINK_CODE_WRAPPED_KEY_BYTES));
    pairing_add(&a, reg, "companion_server_auth_key_pub", SPAN_ARRAY(c->account->keys.noise.pub));
    node_set_text(&a, node_child_new(&a, reg, "companion_platform_id"), CODE_PLATFORM_ID);
    node_set_text(&a, node_child_new(&a, reg, "companion_platform_display"), CODE_PLATFORM_NAME);
    pairing_add(&a, reg, "link_code_pairing_nonce", SPAN_ARRAY(nonce));
    err = iq_send(&c->b->iq, &a, iq, 0, on_hello_answer, p->attempt);
    arena_free(&a);
    return err;
}

static void no_code(struct conn *c, enum wb_err err)
{
    struct pairing *p = c->pairing;

    p->code_asked = false;
    secret_wipe(p->code, sizeof p->code);
    log_error(c->b->log, "pair", "no pairing code: %s", wb_err_text(err));
    answer(p, err == WB_ERR_RATE_LIMITED ? CMD_RATE_LIMITED : CMD_INTERNAL, NULL, wb_err_text(err));
}

static void on_wrapped(struct bridge *b, uint64_t attempt, enum wb_err err,
                       const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES])
{
    struct conn *c = b->conn;

    if (attempt != c->pairing->attempt || !c->pairing->code_asked)
        return;
    if (err == WB_OK)
        err = send_hello(c, wrapped);
    if (err != WB_OK)
        no_code(c, err);
}

static bool one_code_more(struct conn *c)
{
    struct pairing *p = c->pairing;
    int64_t now = clock_mono_ms(c->b->clock);

    if (p->codes == 0 || now - p->codes_since_ms >= PAIR_CODES_WINDOW_MS) {
        p->codes_since_ms = now;
        p->codes = 0;
    }
    return p->codes++ < PAIR_CODES_MAX;
}

void pair_code_ask(struct conn *c)
{
    struct pairing *p = c->pairing;
    uint8_t random[LINK_CODE_RANDOM_BYTES];
    enum wb_err err;

    p->code_wanted = false;
    if (jid_is_none(&p->code_phone))
        p->code_phone = c->b->config->phone;
    if (jid_is_none(&p->code_phone)) {
        log_error(c->b->log, "pair", "a pairing code needs the phone number: set --phone");
        answer(p, CMD_BAD_REQUEST, NULL, "the phone number is not known: give it");
        return;
    }
    if (!one_code_more(c)) {
        log_warn(c->b->log, "pair", "no pairing code: %d were made within the last ten minutes",
                 PAIR_CODES_MAX);
        answer(p, CMD_RATE_LIMITED, NULL,
               "Too many pairing codes were asked for; try again in some minutes, or scan the QR");
        return;
    }
    p->attempt++;
    p->code_asked = true;
    finish_is_over(c);
    p->nref = 0; /* the ref belongs to the code before */
    rng_fill(c->b->rng, random, sizeof random);
    link_code_text(random, p->code);
    secret_wipe(random, sizeof random);
    x25519_generate(c->b->rng, &p->ephemeral);
    err = pair_hash_wrap(c->b, p->attempt, p->code, p->ephemeral.pub, on_wrapped);
    if (err != WB_OK)
        no_code(c, err);
}

/* ---- companion_finish ---- */

struct link_code_answer {
    bool refresh; /* WhatsApp wants another code in place of the shown one (P-X2-16); false: the
                     code was typed */
    struct span ref, wrapped, identity;
};

static enum wb_err link_code_parse(const struct stanza *s, void **ret_parsed)
{
    struct link_code_answer *l = ARENA_NEW(s->arena, struct link_code_answer);
    const struct node *n = node_child(s->node, "link_code_companion_reg");

    if (!l)
        return WB_ERR_NOMEM;
    l->ref = node_content_bytes(node_child(n, "link_code_pairing_ref"));
    l->refresh = n && node_attr_is(n, "stage", "refresh_code");
    *ret_parsed = l;
    if (l->refresh)
        return l->ref.n ? WB_OK : WB_ERR_MALFORMED;
    l->wrapped =
        node_content_bytes(node_child(n, "link_code_pairing_wrapped_primary_ephemeral_pub"));
    l->identity = node_content_bytes(node_child(n, "primary_identity_pub"));
    if (l->wrapped.n < LINK_CODE_WRAPPED_KEY_BYTES || l->identity.n != X25519_KEY_BYTES)
        return WB_ERR_MALFORMED;
    l->wrapped = span_first(l->wrapped, LINK_CODE_WRAPPED_KEY_BYTES);
    return WB_OK;
}

static void on_finish_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct pairing *p = b->conn->pairing;

    if (reply->err != WB_OK && key == p->attempt)
        finish_is_over(b->conn);
    if (reply->err != WB_OK && reply->err != WB_ERR_NET)
        log_error(b->log, "pair",
                  "the code was not accepted: %s (%u). It cannot be used again: ask for a new one",
                  wb_err_text(reply->err), reply->code);
}

static enum wb_err send_finish(struct conn *c,
                               const uint8_t phone_ephemeral[static X25519_KEY_BYTES],
                               const uint8_t phone_identity[static X25519_KEY_BYTES])
{
    struct pairing *p = c->pairing;
    struct device_keys *k = &c->account->keys;
    struct arena a = arena_new(CODE_ARENA_MAX);
    uint8_t adv_secret[ADV_SECRET_BYTES];
    struct buf bundle = buf_new(LINK_BUNDLE_MAX);
    struct node *iq, *reg;
    enum wb_err err;

    TRY(link_code_finish_companion(&p->ephemeral, &k->identity, phone_ephemeral, phone_identity,
                                   c->b->rng, &bundle, adv_secret));
    /* pair-success will be checked with the new ADV secret (P-PR-23: made from the phone's
     * bundle). */
    memcpy(k->adv_secret, adv_secret, sizeof adv_secret);
    iq = iq_new(&a, "set", "md", NULL);
    reg = companion_reg(&a, iq, &p->code_phone, "companion_finish");
    pairing_add(&a, reg, "link_code_pairing_wrapped_key_bundle", buf_span(&bundle));
    pairing_add(&a, reg, "companion_identity_public", SPAN_ARRAY(k->identity.pub));
    pairing_add(&a, reg, "link_code_pairing_ref", SPAN(p->ref, p->nref));
    TRY(iq_send(&c->b->iq, &a, iq, 0, on_finish_answer, p->attempt));
    p->finishing_until_ms = clock_mono_ms(c->b->clock) + PAIR_FINISH_MS;
    p->refresh_owed = false; /* the debt concerned the secret before this one */
    pairing_redraw_qr(c);
out:
    secret_wipe(adv_secret, sizeof adv_secret);
    secret_wipe(&p->ephemeral, sizeof p->ephemeral);
    buf_free(&bundle);
    arena_free(&a);
    return err;
}

static void on_unwrapped(struct bridge *b, uint64_t attempt, enum wb_err err,
                         const uint8_t pub[static X25519_KEY_BYTES],
                         const uint8_t identity[static X25519_KEY_BYTES])
{
    struct conn *c = b->conn;

    /* A new code was asked for meanwhile, or the connection has ended. */
    if (attempt != c->pairing->attempt || c->state != CONN_WAIT_PAIR_SCAN)
        return;
    if (err == WB_OK)
        err = send_finish(c, pub, identity);
    if (err != WB_OK)
        log_error(b->log, "pair", "the code cannot be finished: %s", wb_err_text(err));
}

/* The code is used up: a person who has seen it must not be able to use it a second time. */
static void code_is_over(struct bridge *b)
{
    secret_wipe(b->conn->pairing->code, sizeof b->conn->pairing->code);
    events_emit_kind(&b->events, BRIDGE_EV_PAIR_CODE);
}

/* WhatsApp takes the code back before it was typed: a new one replaces it. A code that was typed is
 * being finished, and stays. */
static enum wb_err refresh_code(struct conn *c)
{
    if (!c->pairing->code[0]) {
        log_info(c->b->log, "pair",
                 "WhatsApp wants another pairing code, but none is on show: the last one was typed "
                 "or is too old");
        return WB_OK;
    }
    log_info(c->b->log, "pair", "WhatsApp wants another pairing code");
    code_is_over(c->b);
    pair_code_ask(c);
    return WB_OK;
}

static enum wb_err link_code_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    const struct link_code_answer *l = parsed;
    struct conn *c = b->conn;
    struct pairing *p = c->pairing;
    enum wb_err err;

    (void)s;
    if (c->state != CONN_WAIT_PAIR_SCAN || p->nref == 0 || p->code_asked) {
        log_info(b->log, "pair", "WhatsApp speaks of a pairing code, but none waits for a phone");
        return WB_OK;
    }
    if (!span_eq(l->ref, SPAN(p->ref, p->nref)))
        return WB_ERR_PROTOCOL;
    if (l->refresh)
        return refresh_code(c);
    if (!p->code[0] || clock_mono_ms(b->clock) >= p->code_until_ms) {
        log_warn(b->log, "pair", "a code was typed that %s: ask for a new one",
                 p->code[0] ? "is too old" : "has been used");
        if (p->code[0])
            code_is_over(b);
        return WB_OK;
    }
    log_info(b->log, "pair", "the code was typed on the phone");
    err = pair_hash_unwrap(b, p->attempt, p->code, l->wrapped.p, l->identity.p, on_unwrapped);
    code_is_over(b);
    if (err != WB_OK)
        log_error(b->log, "pair", "the code cannot be finished: %s", wb_err_text(err));
    return WB_OK;
}

const struct stanza_handler in_notification_link_code_handler = {
    "link_code_companion_reg", STANZA_ACK_ALWAYS, link_code_parse, link_code_apply};

/* ---- what api/ sees ---- */

bool bridge_pair_code(struct bridge *b, char out[static 10])
{
    const struct pairing *p = b->conn->pairing;

    if (!p->code[0] || p->code_asked || clock_mono_ms(b->clock) >= p->code_until_ms)
        return false;
    pair_code_format(p->code, out);
    return true;
}

int64_t bridge_pair_code_expires_in_s(const struct bridge *b)
{
    return (b->conn->pairing->code_until_ms - clock_mono_ms(b->clock)) / 1000;
}

void bridge_pair_code_request(struct bridge *b, struct span phone, pair_code_fn *done, void *ctx)
{
    struct conn *c = b->conn;
    struct pairing *p = c->pairing;
    struct jid number = b->config->phone;

    if (phone.n > 0 && jid_from_phone(phone, &number) != WB_OK) {
        done(ctx, CMD_BAD_REQUEST, NULL, "this is not an international phone number");
        return;
    }
    if (!jid_is_none(&b->config->phone) && !jid_same_user(&number, &b->config->phone)) {
        done(ctx, CMD_BAD_REQUEST, NULL, "this bridge is for another number (see --phone)");
        return;
    }
    if (jid_is_none(&number)) {
        done(ctx, CMD_BAD_REQUEST, NULL, "give the phone number: none is configured");
        return;
    }
    if (c->paired || !c->pair_wanted || c->state == CONN_WAIT_PASSKEY) {
        done(ctx, CMD_CONFLICT, NULL, bridge_no_qr_reason(b));
        return;
    }
    if (p->done || p->code_asked) {
        done(ctx, CMD_CONFLICT, NULL, "a code is being asked for already");
        return;
    }
    p->code_phone = number;
    p->done = done;
    p->done_ctx = ctx;
    if (c->state == CONN_WAIT_PAIR_SCAN)
        pair_code_ask(c);
    else
        p->code_wanted = true;
}
