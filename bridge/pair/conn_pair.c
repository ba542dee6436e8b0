/* Pairing by QR, and the proof of identity that ends both ways of pairing (P-PR-01..16). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/secret.h"
#include "base/text.h"
#include "bridge/core/batch.h"
#include "bridge/core/iq_pause_keep.h"
#include "bridge/core/own_name.h"
#include "bridge/core/peer_time.h"
#include "bridge/pair/pair_port.h"
#include "bridge/pair/pair_stanzas.h"
#include "bridge/pair/pairing.h"
#include "bridge/recovery/backups.h"
#include "proto/pair_wire.h"
#include "store/core/batch.h"
#include "store/open/open.h"
#include "store/session/lid_map.h"
#include "store/session/owner.h"
#include "store/session/signal_store.h"

enum {
    QR_LAST_MS = 10 * 1000, /* after the last QR the server closes within this time, else we do */
    PAIR_RESTART_MS = 15 * 1000, /* the server's 515 comes at once; if not, we reconnect */
    PAIR_REPLY_ARENA_MAX = 64 * 1024,
};
/* A web client of no particular browser (P-PR-05). */
#define QR_CLIENT_TYPE "9"
#define QR_URL         "https://wa.me/settings/linked_devices#"

static enum wb_err make(struct conn *c)
{
    c->pairing = secret_alloc(sizeof *c->pairing);
    if (!c->pairing)
        return WB_ERR_NOMEM;
    *c->pairing = (struct pairing){0};
    c->pairing->passkey.arena = arena_new(PASSKEY_ARENA_MAX);
    c->pairing->passkey.answer_arena = arena_new(PASSKEY_ARENA_MAX);
    return WB_OK;
}

static void destroy(struct conn *c)
{
    struct pairing *p = c->pairing;

    if (p) {
        timer_stop(c->b->timers, &p->drawn.timer);
        pair_code_forget(p);
        arena_free(&p->passkey.arena);
        arena_free(&p->passkey.answer_arena);
    }
    secret_free(p);
}

/* Why the passkey step ended, for the account's owner. If we closed, the detail is a sentence that
 * helps; the server's reason ("stream error 503") would tell an owner nothing. */
static const char *why_passkey_ended(const struct conn *c)
{
    bool by_us = c->why == CONN_WHY_PASSKEY || c->why == CONN_WHY_PROTOCOL ||
                 c->why == CONN_WHY_WRONG_NUMBER;

    return c->state == CONN_WAIT_CLOSE && by_us && c->detail[0]
               ? c->detail
               : "the connection to WhatsApp ended during the passkey step";
}

static void stream_over(struct conn *c)
{
    struct pairing *p = c->pairing;
    bool shown = p->at < p->nrefs;

    p->nrefs = p->at = 0;
    p->qr[0] = '\0';
    qr_show_stop(c);
    if (p->storing) { /* we had not answered the phone, so it has linked nothing */
        p->storing = false;
        backups_forget(c->b->backups);
        if (conn_fresh_keys(c) != WB_OK)
            log_error(c->b->log, "pair", "no fresh keys");
    }
    pair_code_reset(c, "the connection ended");
    passkey_reset(c, why_passkey_ended(c));
    if (shown)
        events_emit_kind(&c->b->events, BRIDGE_EV_QR);
}

static void on_early_success(struct conn *c, const struct conn_input *in)
{
    (void)in;
    log_warn(c->b->log, "pair", "<success> before pairing was done: ignored");
}

/* ---- the QR ---- */

static void qr_text(const struct conn *c, const char *ref, char out[static QR_TEXT_MAX])
{
    const struct device_keys *k = &c->account->keys;
    struct buf b = buf_new(QR_TEXT_MAX - 1);

    buf_append_cstr(&b, QR_URL);
    buf_append_cstr(&b, ref);
    buf_append_cstr(&b, ",");
    buf_b64(&b, SPAN_ARRAY(k->noise.pub));
    buf_append_cstr(&b, ",");
    buf_b64(&b, SPAN_ARRAY(k->identity.pub));
    buf_append_cstr(&b, ",");
    buf_b64(&b, SPAN_ARRAY(k->adv_secret));
    buf_append_cstr(&b, "," QR_CLIENT_TYPE);
    snprintf(out, QR_TEXT_MAX, "%s", buf_cstr(&b));
    buf_free(&b);
}

static void write_qr(struct conn *c)
{
    struct pairing *p = c->pairing;

    qr_text(c, p->refs[p->at], p->qr);
    qr_show(c);
}

void pairing_redraw_qr(struct conn *c)
{
    const struct pairing *p = c->pairing;

    if (c->state != CONN_WAIT_PAIR_SCAN || p->at >= p->nrefs)
        return;
    write_qr(c);
    events_emit_kind(&c->b->events, BRIDGE_EV_QR);
}

static void show_qr(struct conn *c)
{
    struct pairing *p = c->pairing;

    if (p->at >= p->nrefs) {
        p->qr[0] = '\0';
        log_info(c->b->log, "pair", "no QR of this set was scanned");
        conn_set_state(c, CONN_WAIT_PAIR_SCAN, QR_LAST_MS);
    } else {
        pair_refresh_owed(c);
        log_info(c->b->log, "pair", "QR %zu of %zu can be scanned", p->at + 1, p->nrefs);
        write_qr(c); /* after the log line, which would push the picture up */
        if (!isatty(STDOUT_FILENO) && p->at == 0 && !c->b->config->pair_code)
            bridge_say(
                c->b, "NOT LINKED YET: open /pair of the API in a browser, or get /api/qr.svg, and "
                      "scan the QR; or start with --pair-code. (A QR is drawn on terminals only)");
        conn_set_state(c, CONN_WAIT_PAIR_SCAN, p->at == 0 ? QR_FIRST_MS : QR_NEXT_MS);
    }
    events_emit_kind(&c->b->events, BRIDGE_EV_QR);
}

static void on_qr_timer(struct conn *c, const struct conn_input *in)
{
    (void)in;
    if (c->pairing->at >= c->pairing->nrefs) {
        conn_close(c, CONN_WHY_REFS_OVER, "");
        return;
    }
    c->pairing->at++;
    show_qr(c);
}

/* ---- <pair-device> ---- */

static enum wb_err pair_device_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    conn_event(b->conn, CONN_EV_PAIR_DEVICE, &(struct conn_input){.stanza = s, .parsed = parsed});
    return WB_OK;
}

static bool printable(struct span ref)
{
    if (ref.n == 0 || ref.n > QR_REF_BYTES_MAX)
        return false;
    for (size_t i = 0; i < ref.n; i++)
        if (ref.p[i] <= ' ' || ref.p[i] > '~' || ref.p[i] == ',')
            return false;
    return true;
}

static struct node *iq_reply(struct arena *a, struct span id, const char *type)
{
    struct jid server = jid_server_only(JID_PN);
    struct node *n = node_new(a, "iq");

    if (!n)
        return NULL;
    node_attr_jid(a, n, "to", &server);
    node_attr_span(a, n, "id", id);
    node_attr_text(a, n, "type", type);
    return n;
}

static void on_pair_device(struct conn *c, const struct conn_input *in)
{
    const struct stanza *s = in->stanza;
    struct pairing *p = c->pairing;
    const struct node *refs = s->node->first;
    struct span id = node_attr_str(s->node, "id", s->arena);
    enum wb_err err = outgoing_send(c->b, iq_reply(s->arena, id, "result"));

    if (err != WB_OK) {
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err));
        return;
    }
    if (c->state == CONN_WAIT_PASSKEY || c->state == CONN_WAIT_PAIR_STORE) {
        log_info(c->b->log, "pair", "a new set of QR refs is not shown: a phone is linking us");
        return;
    }
    p->nrefs = p->at = 0;
    for (const struct node *r = node_child(refs, "ref"); r && p->nrefs < QR_REFS_MAX;
         r = node_next(r, "ref")) {
        struct span text = node_content_bytes(r);

        if (!printable(text))
            continue;
        memcpy(p->refs[p->nrefs], text.p, text.n);
        p->refs[p->nrefs++][text.n] = '\0';
    }
    if (p->nrefs == 0) {
        conn_close(c, CONN_WHY_PROTOCOL, "pairing was offered without a ref");
        return;
    }
    c->refs_shown = true;
    show_qr(c);
    if (p->code_wanted || c->b->config->pair_code)
        pair_code_ask(c);
}

const struct stanza_handler in_iq_pair_device_handler = {"pair-device", STANZA_ACK_NEVER, NULL,
                                                         pair_device_apply};

/* ---- <pair-success> ---- */

struct pair_success {
    struct jid jid, lid;
    struct span identity; /* ADVSignedDeviceIdentityHMAC; SPAN_NULL: none */
    struct span platform, business;
    enum store_private_by private_by;
};

/* Does the phone address people by LID or by number? When its word is absent or unreadable, the
 * first message that the server refuses will tell. */
static enum store_private_by read_props(const struct node *props, struct arena *a)
{
    bool migrated = false;

    if (!props || client_props_decode(node_content_bytes(props), a, &migrated) != WB_OK)
        return STORE_PRIVATE_UNKNOWN;
    return migrated ? STORE_PRIVATE_BY_LID : STORE_PRIVATE_BY_NUMBER;
}

static enum wb_err pair_success_parse(const struct stanza *s, void **ret_parsed)
{
    struct pair_success *p = ARENA_NEW(s->arena, struct pair_success);
    const struct node *n = s->node->first;
    const struct node *device = node_child(n, "device");

    if (!p)
        return WB_ERR_NOMEM;
    p->identity = node_content_bytes(node_child(n, "device-identity"));
    p->platform = p->business = SPAN_LIT("");
    p->private_by = read_props(node_child(n, "client-props"), s->arena);
    if (device) {
        if (!node_attr_get_jid(device, "jid", &p->jid))
            p->jid = (struct jid){0};
        if (!node_attr_get_jid(device, "lid", &p->lid))
            p->lid = (struct jid){0};
    }
    if (node_child(n, "platform") && node_has_attr(node_child(n, "platform"), "name"))
        p->platform = node_attr_str(node_child(n, "platform"), "name", s->arena);
    if (node_child(n, "biz") && node_has_attr(node_child(n, "biz"), "name"))
        p->business = node_attr_str(node_child(n, "biz"), "name", s->arena);
    *ret_parsed = p;
    return WB_OK;
}

static enum wb_err pair_success_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    conn_event(b->conn, CONN_EV_PAIR_SUCCESS, &(struct conn_input){.stanza = s, .parsed = parsed});
    return WB_OK;
}

const struct stanza_handler in_iq_pair_success_handler = {"pair-success", STANZA_ACK_NEVER,
                                                          pair_success_parse, pair_success_apply};

/* Why we refuse a pair-success (P-PR-08..14): the code for the server, and a text. */
struct pair_refusal {
    unsigned code;
    const char *text;
};
static const struct pair_refusal refuse_hmac = {401, "hmac-mismatch"};
static const struct pair_refusal refuse_signature = {401, "signature-mismatch"};
static const struct pair_refusal refuse_internal = {500, "internal-error"};
static const struct pair_refusal refuse_number = {401, "not-authorized"};

/* The account's statement, checked: HMAC, then the account's signature over our identity. NULL:
 * good; *ret_id and *ret_inner are filled. */
static const struct pair_refusal *check_identity(struct conn *c, struct span bytes, struct arena *a,
                                                 struct adv_signed_identity *ret_id,
                                                 struct adv_identity *ret_inner)
{
    struct device_keys *k = &c->account->keys;
    struct adv_signed_hmac outer;

    if (bytes.n == 0 || adv_signed_hmac_decode(bytes, a, &outer) != WB_OK)
        return &refuse_internal;
    if (adv_check_hmac(k->adv_secret, outer.details, outer.hosted, SPAN_ARRAY(outer.hmac)) != WB_OK)
        return &refuse_hmac;
    if (adv_signed_identity_decode(outer.details, a, ret_id) != WB_OK ||
        adv_identity_decode(ret_id->details, a, ret_inner) != WB_OK)
        return &refuse_internal;
    if (ret_id->account_key.n != ADV_KEY_BYTES || ret_id->account_signature.n != ADV_SIG_BYTES ||
        adv_check_account_signature(ret_id->account_key.p, ret_id->details,
                                    ret_inner->device_type == ADV_HOSTED, k->identity.pub,
                                    ret_id->account_signature) != WB_OK)
        return &refuse_signature;
    if (ret_id->details.n > STORE_ADV_DETAILS_MAX)
        return &refuse_internal;
    return NULL;
}

static void copy_text(char *out, size_t n, struct span text)
{
    text = utf8_first(utf8_valid(text) ? text : SPAN_LIT(""), n - 1);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
}

static enum wb_err fill_account(struct conn *c, const struct pair_success *p,
                                const struct adv_signed_identity *id)
{
    struct account *a = c->account;
    enum wb_err err;

    TRY(adv_make_device_signature(&a->keys.identity, id->details, id->account_key.p, c->b->rng,
                                  a->adv_device_sig));
    a->jid = p->jid;
    a->lid = p->lid;
    memcpy(a->adv_details, id->details.p, id->details.n);
    a->adv_details_n = id->details.n;
    memcpy(a->adv_account_sig, id->account_signature.p, ADV_SIG_BYTES);
    memcpy(a->adv_account_sig_key, id->account_key.p, ADV_KEY_BYTES);
    copy_text(a->platform, sizeof a->platform, p->platform);
    copy_text(a->business_name, sizeof a->business_name, p->business);
out:
    return err;
}

/* Before the new account is stored, a store with an earlier session is moved aside whole (rule 6:
 * credentials are never deleted). */
static enum wb_err set_earlier_aside(struct conn *c)
{
    char path[STORE_PATH_MAX];
    size_t n;
    enum wb_err err;

    TRY(store_account_list(c->b->store, NULL, 0, &n));
    if (n == 0)
        return WB_OK;
    TRY(batch_commit(c->b));
    TRY(store_set_aside_session(c->b->store, "re-paired", path));
    log_info(c->b->log, "pair", "the earlier session was set aside as %s", path);
    if (c->b->iq.pauses.n) /* the pauses belong to the account, which is the same: write them into
                              the new file, too */
        iq_pauses_keep(c->b);
out:
    return err;
}

/* The account must be durable before we answer (P-PR-14). */
static enum wb_err store_account(struct conn *c)
{
    struct bridge *b = c->b;
    const struct account *a = c->account;
    struct jid pn = jid_bare(a->jid);
    struct jid phone = jid_is_none(&a->lid) ? pn : jid_bare(a->lid);
    char other[JID_USER_MAX + 1]; /* not used: another number would have ended the start */
    enum wb_err err;

    TRY(set_earlier_aside(c));
    TRY(store_messages_owner(b->store, pn.user, other));
    TRY(store_account_save(b->store, a));
    TRY(store_private_by_phone(b->store, c->pairing->private_by, bridge_server_now_s(b)));
    if (!jid_is_none(&a->lid))
        TRY(store_lid_put(b->store, &phone, &pn, NULL));
    TRY(store_identity_put(b->store, &phone, a->adv_account_sig_key));
    TRY(own_name_learned(b, span_cstr(a->business_name), OWN_NAME_BUSINESS));
    FAULT_POINT("pair.store");
    TRY(store_commit(b->store));
    FAULT_POINT("pair.stored");
    return WB_OK;
out:
    store_rollback(b->store);
    log_error(b->log, "pair", "the new session could not be stored: %s",
              store_error_why(b->store, err));
    return err;
}

static enum wb_err send_signed(struct conn *c)
{
    const struct account *k = c->account;
    const struct adv_signed_identity id = {
        .details = SPAN(k->adv_details, k->adv_details_n),
        .account_signature = SPAN_ARRAY(k->adv_account_sig),
        .device_signature = SPAN_ARRAY(k->adv_device_sig),
    };
    struct arena a = arena_new(PAIR_REPLY_ARENA_MAX);
    struct buf bytes = buf_new(PAIR_REPLY_ARENA_MAX);
    struct node *iq = iq_reply(&a, span_cstr(c->pairing->success_id), "result");
    struct node *n;
    enum wb_err err;

    TRY(adv_signed_identity_encode(&id, false, &bytes));
    n = node_child_new(&a, node_child_new(&a, iq, "pair-device-sign"), "device-identity");
    node_attr_u64(&a, n, "key-index", c->pairing->key_index);
    node_set_bytes(&a, n, buf_span(&bytes));
    TRY(iq ? outgoing_send(c->b, iq) : WB_ERR_NOMEM);
out:
    buf_free(&bytes);
    arena_free(&a);
    return err;
}

static void refuse(struct conn *c, const struct pair_refusal *why)
{
    struct arena a = arena_new(PAIR_REPLY_ARENA_MAX);
    struct node *iq = iq_reply(&a, span_cstr(c->pairing->success_id), "error");
    struct node *e = node_child_new(&a, iq, "error");

    node_attr_u64(&a, e, "code", why->code);
    node_attr_text(&a, e, "text", why->text);
    if (!iq || outgoing_send(c->b, iq) != WB_OK)
        log_warn(c->b->log, "pair", "the refusal could not be sent");
    log_error(c->b->log, "pair", "pairing refused: %s", why->text);
    arena_free(&a);
    /* Fresh keys for the next connection: the present ones may be half filled in. */
    if (conn_fresh_keys(c) != WB_OK)
        log_error(c->b->log, "pair", "no fresh keys");
    conn_close(c, why == &refuse_number ? CONN_WHY_WRONG_NUMBER : CONN_WHY_PROTOCOL, why->text);
}

/* The earlier session, if any, is backed up. go_on false: the bridge is stopping, and the phone
 * gets no answer. */
static void on_backed_up(void *ctx, bool go_on)
{
    struct conn *c = ctx;
    char phone[LOG_PHONE_BYTES];

    if (!go_on)
        return;
    c->pairing->storing = false;
    if (store_account(c) != WB_OK) {
        refuse(c, &refuse_internal);
        return;
    }
    c->paired = true;
    c->pair_wanted = false;
    conn_account_changed(c);
    bridge_say(c->b, "Successfully paired %s", log_phone(phone, c->account->jid.user));
    if (send_signed(c) != WB_OK)
        log_warn(c->b->log, "pair", "the signed identity could not be sent");
    FAULT_POINT("pair.signed");
    passkey_reset(c, NULL);
    stream_over(c);
    conn_set_state(c, CONN_WAIT_PAIR_RESTART, PAIR_RESTART_MS);
    events_emit_kind(&c->b->events, BRIDGE_EV_PAIRED);
}

static void store_after_backup(struct conn *c)
{
    size_t n = 0;
    enum wb_err err = store_account_list(c->b->store, NULL, 0, &n);

    if (err == WB_OK && n > 0)
        err = batch_commit(c->b);
    if (err != WB_OK) {
        refuse(c, &refuse_internal);
        return;
    }
    c->pairing->storing = true;
    conn_set_state(c, CONN_WAIT_PAIR_STORE, 0); /* the backup has its own time limit */
    if (n > 0)
        backups_before_unlink(c->b->backups, on_backed_up, c);
    else
        on_backed_up(c, true);
}

static bool wrong_number(const struct conn *c, const struct jid *paired)
{
    const struct jid *asked = &c->b->config->phone;

    return !jid_is_none(asked) && !jid_same_user(asked, paired);
}

static void on_pair_success(struct conn *c, const struct conn_input *in)
{
    const struct pair_success *p = in->parsed;
    struct adv_signed_identity id;
    struct adv_identity inner;
    const struct pair_refusal *why;
    char phone[LOG_PHONE_BYTES];
    int64_t now;
    uint64_t t;

    if (node_attr_get_u64(in->stanza->node, "t", &t) && peer_time_server(t, &now) == WB_OK)
        bridge_server_time(c->b, now);
    copy_text(c->pairing->success_id, sizeof c->pairing->success_id,
              node_attr_str(in->stanza->node, "id", in->stanza->arena));
    why = check_identity(c, p->identity, in->stanza->arena, &id, &inner);
    if (!why && (p->jid.server != JID_PN || p->jid.device == 0))
        why = &refuse_internal;
    if (!why && wrong_number(c, &p->jid)) {
        why = &refuse_number;
        log_error(c->b->log, "pair",
                  "a phone with another number (%s) scanned; this bridge is for %s",
                  log_phone(phone, p->jid.user), c->b->config->phone.user);
    }
    if (!why && fill_account(c, p, &id) != WB_OK)
        why = &refuse_internal;
    if (why) {
        refuse(c, why);
        return;
    }
    c->pairing->key_index = inner.key_index;
    c->pairing->private_by = p->private_by;
    store_after_backup(c);
}

const struct conn_pairing pairing_of_conn = {
    .make = make,
    .destroy = destroy,
    .stream_over = stream_over,
    .pair_device = on_pair_device,
    .pair_success = on_pair_success,
    .early_success = on_early_success,
    .qr_timer = on_qr_timer,
    .passkey_timer = passkey_on_timer,
};

/* ---- what api/ sees ---- */

bool bridge_qr(struct bridge *b, struct qr_current *ret_qr)
{
    const struct conn *c = b->conn;

    if (!c || !c->pairing->qr[0] || c->state != CONN_WAIT_PAIR_SCAN)
        return false;
    ret_qr->code = c->pairing->qr;
    ret_qr->expires_in_s = timer_left_ms(b->timers, &c->step_timer) / 1000;
    return true;
}

/* Why this device cannot be linked now, by QR or by code; NULL: it can. */
static const char *why_not_linking(struct bridge *b)
{
    const struct conn *c = b->conn;

    if (c->why == CONN_WHY_LOGGED_OUT)
        return "WhatsApp has unlinked this device: POST /api/pair shows a QR again";
    if (c->paired)
        return "this bridge is paired already";
    if (!c->pair_wanted)
        return "nobody asked for pairing: POST /api/pair";
    if (c->state == CONN_WAIT_PASSKEY)
        return "WhatsApp asks for the account's passkey: open /pair in a browser, or GET "
               "/api/passkey";
    return NULL;
}

const char *bridge_no_qr_reason(struct bridge *b)
{
    const char *why = why_not_linking(b);

    return why ? why : "the next QR is not here yet: ask again in a few seconds";
}

const char *bridge_no_code_reason(struct bridge *b)
{
    const char *why = why_not_linking(b);

    return why ? why : "There is no pairing code now; POST /api/pair-code asks for one";
}
