/* The passkey step of pairing (P-PR-27..35): WhatsApp's challenge, the owner's answer from a
 * browser, and the exchange with the phone that ends in pair-success. The QR or the code came
 * before it. */
#include <ctype.h>
#include <stdio.h>

#include "base/secret.h"
#include "bridge/conn/keepalive.h"
#include "bridge/pair/pair_stanzas.h"
#include "bridge/pair/pairing.h"
#include "crypto/prim_aead.h"
#include "proto/passkey_wire.h"

enum { PASSKEY_STANZA_MAX = 512 * 1024, PASSKEY_WIRE_MAX = 4096 };

const char *passkey_phase_word(enum passkey_phase p)
{
    static const char *const words[] = {
#define X(name, word) [PASSKEY_##name] = word,
        PASSKEY_PHASE_LIST(X)
#undef X
    };

    return words[p];
}

static struct passkey *passkey_of(struct conn *c)
{
    return &c->pairing->passkey;
}

static void answer(struct passkey *p, enum cmd_result r, uint32_t server_code, const char *text)
{
    passkey_done_fn *done = p->done;

    p->done = NULL;
    if (done)
        done(p->done_ctx, r, server_code, text);
}

static void enter(struct conn *c, enum passkey_phase phase, int64_t wait_ms)
{
    struct passkey *p = passkey_of(c);

    log_info(c->b->log, "passkey", "%s -> %s", passkey_phase_word(p->phase),
             passkey_phase_word(phase));
    p->phase = phase;
    conn_set_state(c, CONN_WAIT_PASSKEY, wait_ms > 0 ? wait_ms : 1);
}

/* Wipes the keys and texts of the answer: each attempt has its own. */
static void forget_answer(struct passkey *p)
{
    p->attempt++;
    p->prologue_sent = p->revealed = p->proved = false;
    p->answer = (struct webauthn_assertion){0};
    p->wrong_codes = 0;
    arena_reset(&p->answer_arena);
    secret_wipe(&p->ephemeral, sizeof p->ephemeral);
    secret_wipe(p->nonce, sizeof p->nonce);
    secret_wipe(p->request_key, sizeof p->request_key);
    secret_wipe(p->code, sizeof p->code);
}

void passkey_reset(struct conn *c, const char *problem)
{
    struct passkey *p = passkey_of(c);

    if (p->phase == PASSKEY_NONE)
        return;
    if (problem)
        log_warn(c->b->log, "passkey", "%s -> none: %s", passkey_phase_word(p->phase), problem);
    else
        log_info(c->b->log, "passkey", "%s -> none: linked", passkey_phase_word(p->phase));
    snprintf(p->problem, sizeof p->problem, "%s", problem ? problem : "");
    p->phase = PASSKEY_NONE;
    forget_answer(p);
    p->secret_renewed = p->handoff_live = false;
    secret_wipe(p->handoff_key, sizeof p->handoff_key);
    p->request = (struct webauthn_request){0};
    arena_reset(&p->arena);
    if (problem)
        answer(p, CMD_NOT_CONNECTED, 0, p->problem);
    else
        answer(p, CMD_OK, 0, "linked");
}

static void give_up(struct conn *c, const char *problem)
{
    conn_close(c, CONN_WHY_PASSKEY, problem);
}

void passkey_on_timer(struct conn *c, const struct conn_input *in)
{
    static const char *const problems[] = {
        [PASSKEY_NONE] = "the passkey step took too long",
        [PASSKEY_FETCHING] = "WhatsApp did not give the passkey challenge in time",
        [PASSKEY_ASKED] = "the passkey challenge has expired before it was answered",
        [PASSKEY_SENDING] = "WhatsApp did not answer in time",
        [PASSKEY_PHONE] = "the phone did not continue in time",
        [PASSKEY_COMPARE] = "the code was not confirmed in time",
        [PASSKEY_FINISHING] = "the phone did not link this device in time",
    };

    (void)in;
    give_up(c, problems[passkey_of(c)->phase]);
}

/* ---- the challenge ---- */

/* Only the phone that scanned knows the ADV secret of the QR or the code. A key made from it later
 * proves to the phone that we are the device it scanned, and a new secret replaces it (P-PR-30). A
 * second request on the same connection keeps that key: a key from the new secret would prove
 * nothing to the phone. */
static void renew_secret(struct conn *c)
{
    struct passkey *p = passkey_of(c);
    uint8_t *secret = c->account->keys.adv_secret;

    if (p->secret_renewed)
        return;
    passkey_handoff_key(secret, p->handoff_key);
    p->handoff_live = true;
    p->handoff_until_ms = clock_mono_ms(c->b->clock) + PASSKEY_HANDOFF_MS;
    rng_fill(c->b->rng, secret, ADV_SECRET_BYTES);
    p->secret_renewed = true;
}

/* The request's timeout is meant for a browser's dialogue; ours is longer, for a person who has to
 * carry texts to a browser and back. WhatsApp closes the connection when it does not want to wait
 * longer. */
static int64_t time_to_answer(const struct webauthn_request *r)
{
    if (r->timeout_ms > PASSKEY_ASKED_MAX_MS)
        return PASSKEY_ASKED_MAX_MS;
    return r->timeout_ms < PASSKEY_ASKED_MS ? PASSKEY_ASKED_MS : r->timeout_ms;
}

static enum wb_err take_challenge(struct conn *c, struct span options)
{
    struct passkey *p = passkey_of(c);
    int64_t ms;
    enum wb_err err;

    arena_reset(&p->arena);
    p->request = (struct webauthn_request){0};
    TRY(span_is_null(options) ? WB_ERR_MALFORMED
                              : webauthn_request_parse(options, &p->arena, &p->request));
    renew_secret(c);
    ms = time_to_answer(&p->request);
    p->asked_until_ms = clock_mono_ms(c->b->clock) + ms;
    p->problem[0] = '\0';
    enter(c, PASSKEY_ASKED, ms);
    bridge_say(c->b,
               "PASSKEY WANTED: WhatsApp links this account only with its passkey; open /pair of "
               "this bridge in a browser (or GET /api/passkey), within %lld s",
               (long long)(ms / 1000));
out:
    return err;
}

static void on_options(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);
    enum wb_err err = reply->err;

    if (key != p->attempt || p->phase != PASSKEY_FETCHING)
        return;
    if (err == WB_OK)
        err = take_challenge(
            c, node_content_bytes(node_child(reply->node, "passkey_request_options")));
    if (err == WB_OK)
        return;
    log_error(b->log, "passkey", "the challenge cannot be read: %s (%u)", wb_err_text(err),
              reply->code);
    give_up(c, "WhatsApp's passkey challenge cannot be read");
}

/* Sends a request whose child the caller has added. False: it could not be sent, and the step was
 * given up. */
static bool ask(struct conn *c, struct arena *a, struct node *iq, iq_fn *fn)
{
    enum wb_err err = iq_send(&c->b->iq, a, iq, 0, fn, passkey_of(c)->attempt);

    if (err == WB_OK)
        return true;
    log_error(c->b->log, "passkey", "cannot be sent: %s", wb_err_text(err));
    give_up(c, wb_err_text(err));
    return false;
}

/* Sends a request with one child; bytes SPAN_NULL: the child is empty. */
static void ask_one(struct conn *c, const char *type, const char *tag, struct span bytes, iq_fn *fn)
{
    struct arena a = arena_new(PASSKEY_STANZA_MAX);
    struct node *iq = iq_new(&a, type, "md", NULL);
    struct node *n = node_child_new(&a, iq, tag);

    if (!span_is_null(bytes))
        node_set_bytes(&a, n, bytes);
    (void)ask(c, &a, iq, fn);
    arena_free(&a);
}

static bool from_server(const struct node *n)
{
    struct jid from;

    return node_attr_get_jid(n, "from", &from) && from.server == JID_PN && from.user[0] == '\0';
}

static enum wb_err server_only_parse(const struct stanza *s, void **ret_parsed)
{
    *ret_parsed = NULL;
    return from_server(s->node) ? WB_OK : WB_ERR_PROTOCOL;
}

static enum wb_err challenge_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);

    (void)parsed;
    if (c->state != CONN_WAIT_PAIR_SCAN && c->state != CONN_WAIT_PASSKEY)
        return WB_ERR_STATE;
    pair_code_reset(c, "WhatsApp asks for the account's passkey: open /pair in a browser");
    answer(p, CMD_CONFLICT, 0, "WhatsApp has sent another challenge: answer that one");
    forget_answer(p);
    keepalive_start(b->keepalive); /* the owner may need minutes */
    if (take_challenge(c, node_content_bytes(node_child(s->node, "passkey_request_options"))) ==
        WB_OK) {
        events_emit_kind(&b->events, BRIDGE_EV_QR); /* the QR is no longer shown */
        return WB_OK;
    }
    enter(c, PASSKEY_FETCHING, PASSKEY_FETCH_MS);
    events_emit_kind(&b->events, BRIDGE_EV_QR);
    ask_one(c, "get", "passkey_request_options", SPAN_NULL, on_options);
    return WB_OK;
}

const struct stanza_handler in_notification_passkey_handler = {
    "passkey_prologue_request", STANZA_ACK_ALWAYS, server_only_parse, challenge_apply};

/* ---- the owner's answer ---- */

/* WhatsApp has not accepted the answer; the challenge is still valid. */
static void back_to_asked(struct conn *c, enum cmd_result r, uint32_t server_code, const char *text)
{
    struct passkey *p = passkey_of(c);
    int64_t left = p->asked_until_ms - clock_mono_ms(c->b->clock);

    forget_answer(p);
    snprintf(p->problem, sizeof p->problem, "%s", text);
    enter(c, PASSKEY_ASKED, left);
    answer(p, r, server_code, text);
}

static void answer_taken(struct passkey *p)
{
    answer(p, CMD_OK, 0, "WhatsApp has taken the answer; the phone goes on");
}

static void on_prologue(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);

    if (key != p->attempt || p->phase < PASSKEY_SENDING)
        return;
    if ((reply->err == WB_ERR_REFUSED || reply->err == WB_ERR_RATE_LIMITED) &&
        p->phase == PASSKEY_SENDING) {
        log_warn(b->log, "passkey", "WhatsApp refuses the answer (%u)", reply->code);
        back_to_asked(c, CMD_REFUSED, reply->code,
                      "WhatsApp refuses this passkey answer: try again with the account's passkey");
        return;
    }
    if (reply->err != WB_OK) {
        give_up(c, "WhatsApp did not take the passkey answer");
        return;
    }
    p->handoff_live = false;
    secret_wipe(p->handoff_key, sizeof p->handoff_key);
    if (p->phase == PASSKEY_SENDING) /* in a later phase already: the phone was faster */
        enter(c, PASSKEY_PHONE, PASSKEY_PHONE_MS);
    if (p->proved || p->phase < PASSKEY_COMPARE) /* else the caller with the code waits */
        answer_taken(p);
}

static enum wb_err make_prologue(struct conn *c, struct buf *payload)
{
    struct passkey *p = passkey_of(c);
    struct buf identity = buf_new(PASSKEY_WIRE_MAX);
    uint8_t commitment[PASSKEY_HASH_BYTES];
    enum wb_err err;

    x25519_generate(c->b->rng, &p->ephemeral);
    rng_fill(c->b->rng, p->nonce, sizeof p->nonce);
    TRY(passkey_identity_encode(p->ephemeral.pub, CONN_PLATFORM, p->ref, &identity));
    passkey_commitment(buf_span(&identity), p->nonce, commitment);
    TRY(passkey_prologue_encode(buf_span(&identity), commitment, payload));
out:
    buf_free(&identity);
    return err;
}

static bool may_prove(struct conn *c)
{
    const struct passkey *p = passkey_of(c);

    return p->handoff_live && !p->compare_code && clock_mono_ms(c->b->clock) < p->handoff_until_ms;
}

static void send_prologue(struct conn *c)
{
    struct passkey *p = passkey_of(c);
    struct arena a = arena_new(PASSKEY_STANZA_MAX);
    struct buf payload = buf_new(PASSKEY_WIRE_MAX);
    struct node *iq = iq_new(&a, "set", "md", NULL);
    struct node *n = node_child_new(&a, iq, "passkey_prologue");
    uint8_t proof[PASSKEY_HASH_BYTES];

    if (make_prologue(c, &payload) != WB_OK) {
        give_up(c, "no memory");
        goto out;
    }
    pairing_add(&a, n, "credential_id", p->answer.id);
    pairing_add(&a, n, "webauthn_assertion", p->answer.json);
    pairing_add(&a, n, "prologue_payload", buf_span(&payload));
    p->proved = may_prove(c);
    if (p->proved) {
        passkey_handoff_proof(p->handoff_key, buf_span(&payload), proof);
        pairing_add(&a, n, "pairing_handoff_proof", SPAN_ARRAY(proof));
    }
    p->prologue_sent = ask(c, &a, iq, on_prologue);
out:
    buf_free(&payload);
    arena_free(&a);
}

/* Is the ref usable as a key's salt and as a C string? */
static bool ref_usable(struct span ref)
{
    if (ref.n == 0 || ref.n > PASSKEY_REF_MAX)
        return false;
    for (size_t i = 0; i < ref.n; i++)
        if (ref.p[i] < ' ' || ref.p[i] > '~')
            return false;
    return true;
}

static void on_ref(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);
    struct span ref;

    if (key != p->attempt || p->phase != PASSKEY_SENDING)
        return;
    ref = node_content_bytes(node_child(reply->node, "ref"));
    if (reply->err != WB_OK || !ref_usable(ref)) {
        log_error(b->log, "passkey", "no ref: %s (%u)", wb_err_text(reply->err), reply->code);
        back_to_asked(c, CMD_REFUSED, reply->code,
                      "WhatsApp does not go on with the passkey now: try again");
        return;
    }
    memcpy(p->ref, ref.p, ref.n);
    p->ref[ref.n] = '\0';
    send_prologue(c);
}

static const char *not_asked_reason(struct conn *c)
{
    switch (passkey_of(c)->phase) {
    case PASSKEY_NONE:
        return c->paired ? "this bridge is paired already"
                         : "WhatsApp asks for no passkey now: scan the QR, or type the code, first";
    case PASSKEY_FETCHING:
        return "the challenge is not here yet: ask again in a few seconds";
    case PASSKEY_ASKED:
        return "the challenge waits for POST /api/passkey/response";
    case PASSKEY_SENDING:
    case PASSKEY_PHONE:
    case PASSKEY_FINISHING:
        return "an answer is under way";
    case PASSKEY_COMPARE:
        return "the code waits for POST /api/passkey/confirm";
    }
    return "";
}

void bridge_passkey_response(struct bridge *b, struct span credential, bool compare_code,
                             passkey_done_fn *done, void *ctx)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);
    const char *problem = "out of memory";
    enum wb_err err;

    if (p->phase != PASSKEY_ASKED) {
        done(ctx, CMD_CONFLICT, 0, not_asked_reason(c));
        return;
    }
    forget_answer(p);
    err = webauthn_assertion_parse(credential, &p->request, &p->answer_arena, &p->answer, &problem);
    if (err != WB_OK) {
        log_warn(b->log, "passkey", "an answer was not used: %s", problem);
        done(ctx,
             err == WB_ERR_REFUSED ? CMD_BAD_PASSKEY
             : err == WB_ERR_NOMEM ? CMD_INTERNAL
                                   : CMD_BAD_REQUEST,
             0, problem);
        return;
    }
    p->done = done;
    p->done_ctx = ctx;
    p->compare_code = compare_code;
    enter(c, PASSKEY_SENDING, PASSKEY_SENDING_MS);
    ask_one(c, "get", "ref", SPAN_NULL, on_ref);
}

/* ---- the phone ---- */

static void on_request(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);

    if (key != p->attempt || p->phase != PASSKEY_FINISHING)
        return;
    if (reply->err == WB_OK) {
        answer(p, CMD_OK, 0, "confirmed; the phone links this device");
        return;
    }
    log_error(b->log, "passkey", "the pairing request was not taken: %s (%u)",
              wb_err_text(reply->err), reply->code);
    if (reply->err == WB_ERR_REFUSED || reply->err == WB_ERR_RATE_LIMITED)
        answer(p, CMD_REFUSED, reply->code, "WhatsApp refuses to go on; pairing starts anew");
    give_up(c, "WhatsApp did not take the pairing request");
}

/* Encrypts our public keys and the new ADV secret for the phone alone (P-PR-35). */
static enum wb_err seal_request(struct conn *c, struct buf *out)
{
    const struct device_keys *k = &c->account->keys;
    struct buf plain = buf_new(PASSKEY_WIRE_MAX), sealed = buf_new(PASSKEY_WIRE_MAX);
    uint8_t iv[GCM_IV_BYTES];
    enum wb_err err;

    rng_fill(c->b->rng, iv, sizeof iv);
    TRY(passkey_request_encode(k->noise.pub, k->identity.pub, k->adv_secret, &plain));
    TRY(aes_gcm_seal(passkey_of(c)->request_key, iv, SPAN_NULL, buf_span(&plain), &sealed));
    TRY(passkey_sealed_encode(buf_span(&sealed), SPAN_ARRAY(iv), out));
out:
    buf_free(&plain);
    buf_free(&sealed);
    return err;
}

static void send_request(struct conn *c)
{
    struct buf request = buf_new(PASSKEY_WIRE_MAX);

    if (seal_request(c, &request) != WB_OK) {
        give_up(c, "the pairing request could not be made");
    } else {
        enter(c, PASSKEY_FINISHING, PASSKEY_FINISHING_MS);
        ask_one(c, "set", "encrypted_pairing_request", buf_span(&request), on_request);
    }
    buf_free(&request);
}

static void on_revealed(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);
    char shown[10];

    if (key != p->attempt || !p->revealed || p->phase > PASSKEY_PHONE)
        return;
    if (reply->err != WB_OK) {
        log_error(b->log, "passkey", "the nonce was not taken: %s (%u)", wb_err_text(reply->err),
                  reply->code);
        give_up(c, "WhatsApp did not go on with the passkey step");
        return;
    }
    if (p->proved) {
        send_request(c);
        return;
    }
    answer_taken(p); /* the phone was faster than WhatsApp's answer to our request */
    enter(c, PASSKEY_COMPARE, PASSKEY_COMPARE_MS);
    pair_code_format(p->code, shown);
    bridge_say(b,
               "PASSKEY CODE: %s; confirm at /pair (or POST /api/passkey/confirm) that the phone "
               "shows the same",
               shown);
}

static enum wb_err take_phone(struct conn *c, struct span bytes, struct arena *a)
{
    struct passkey *p = passkey_of(c);
    struct passkey_phone_identity phone;
    enum wb_err err;

    TRY(passkey_phone_identity_decode(span_is_null(bytes) ? SPAN_LIT("") : bytes, a, &phone));
    TRY(passkey_request_key(&p->ephemeral, phone.pub, CONN_PLATFORM, p->ref, p->request_key));
    passkey_code(p->nonce, phone.pub, phone.nonce, p->code);
out:
    return err;
}

static enum wb_err phone_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);
    enum wb_err err;

    (void)parsed;
    if (!p->prologue_sent || p->revealed)
        return WB_ERR_STATE;
    err = take_phone(c, node_content_bytes(node_child(s->node, "primary_ephemeral_identity")),
                     s->arena);
    if (err != WB_OK) {
        log_error(b->log, "passkey", "what the phone sent makes no sense: %s", wb_err_text(err));
        give_up(c, "what the phone sent makes no sense");
        return WB_OK;
    }
    log_info(b->log, "passkey", "the phone goes on");
    p->revealed = true;
    ask_one(c, "set", "companion_nonce", SPAN_ARRAY(p->nonce), on_revealed);
    return WB_OK;
}

const struct stanza_handler in_notification_passkey_phone_handler = {
    "crsc_continuation", STANZA_ACK_ALWAYS, server_only_parse, phone_apply};

/* ---- the code ---- */

/* The code without dash and spaces, in capitals; false when it has not eight characters. */
static bool clean_code(struct span text, char out[static LINK_CODE_CHARS + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '-' || text.p[i] == ' ')
            continue;
        if (n == LINK_CODE_CHARS || !isalnum(text.p[i]))
            return false;
        out[n++] = (char)toupper(text.p[i]);
    }
    out[n] = '\0';
    return n == LINK_CODE_CHARS;
}

void bridge_passkey_confirm(struct bridge *b, struct span code, passkey_done_fn *done, void *ctx)
{
    struct conn *c = b->conn;
    struct passkey *p = passkey_of(c);
    char clean[LINK_CODE_CHARS + 1];

    if (p->phase != PASSKEY_COMPARE) {
        done(ctx, CMD_CONFLICT, 0, not_asked_reason(c));
        return;
    }
    if (!clean_code(code, clean)) {
        done(ctx, CMD_BAD_REQUEST, 0, "a code has eight characters, as in ABCD-EFGH");
        return;
    }
    if (!secret_eq(clean, p->code, LINK_CODE_CHARS)) {
        bool over = ++p->wrong_codes >= PASSKEY_CODE_TRIES;

        log_warn(b->log, "passkey", "a wrong code (%u of %d)", p->wrong_codes, PASSKEY_CODE_TRIES);
        done(ctx, CMD_WRONG_CODE, 0,
             over ? "the codes differ: pairing starts anew"
                  : "the codes differ: compare again; if they do, do not confirm");
        if (over)
            give_up(c, "the codes of phone and bridge differ");
        return;
    }
    p->done = done;
    p->done_ctx = ctx;
    send_request(c);
}

/* ---- what api/ sees ---- */

void bridge_passkey(struct bridge *b, struct passkey_view *ret_v)
{
    struct conn *c = b->conn;
    const struct passkey *p = passkey_of(c);
    struct passkey_view v = {.phase = p->phase, .problem = p->problem};

    if (p->phase != PASSKEY_NONE)
        v.expires_in_s = timer_left_ms(b->timers, &c->step_timer) / 1000;
    if (p->phase == PASSKEY_ASKED)
        v.options = p->request.json;
    if (p->phase == PASSKEY_COMPARE)
        pair_code_format(p->code, v.code);
    *ret_v = v;
}
