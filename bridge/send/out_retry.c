#include "bridge/send/out_retry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/conn/own_keys.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/peer_time.h"
#include "bridge/groups/group_limits.h"
#include "bridge/people/identity.h"
#include "bridge/people/recipient.h"
#include "bridge/send/out_retry_gone.h"
#include "bridge/send/out_retry_state.h"
#include "bridge/send/out_seal.h"
#include "bridge/sessions/pairwise.h"
#include "crypto/signal.h"
#include "proto/content_encode.h"
#include "proto/content_text.h"
#include "proto/limits.h"
#include "store/outbox/sealed.h"
#include "store/session/devices.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"

/* A request as it was read; it outlives the frame while prekeys are fetched. */
struct out_retry_pending {
    struct out_retry_pending *next;
    uint64_t key;
    char id[STORE_MESSAGE_ID_MAX + 1];
    char receipt_id[STORE_MESSAGE_ID_MAX + 1]; /* of the request itself, for its ack */
    struct jid from, participant, recipient;   /* repeated in the answer; JID_NONE: absent */
    struct jid device;                         /* who asks */
    struct jid chat;                           /* the chat under which the plaintext is kept */
    int64_t t;
    uint32_t count;
    char edit[8];
    bool member; /* in a group: the person is a member now */
    bool renew;  /* a new session is fetched to replace the present one */
    bool paused; /* waits to ask again after the server's pause (iq_pause.h) */
    bool has_keys;
    struct signal_bundle keys; /* the keys that came with the request */
    struct prekey_kept_statement statement;
};

/* Whether a request is to be answered. */
enum verdict {
    VERDICT_NO,
    VERDICT_YES,
    VERDICT_IF_LISTED, /* the person may have the message; is the device theirs? */
};

/* ---- the request ---- */

static bool take_text(const struct node *n, const char *key, struct arena *a, char *out, size_t max)
{
    struct span s = node_attr_str(n, key, a);

    if (s.n >= max || (s.n && memchr(s.p, 0, s.n)))
        return false;
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

static enum wb_err parse(struct bridge *b, const struct stanza *s, struct out_retry_pending *r)
{
    const struct node *retry = node_child(s->node, "retry");
    uint64_t n = 0;

    if (!retry || !node_attr_get_jid(s->node, "from", &r->from) ||
        !take_text(retry, "id", s->arena, r->id, sizeof r->id) || !r->id[0] ||
        !take_text(s->node, "id", s->arena, r->receipt_id, sizeof r->receipt_id) ||
        !take_text(s->node, "edit", s->arena, r->edit, sizeof r->edit))
        return WB_ERR_MALFORMED;
    if (node_attr_get_u64(retry, "t", &n))
        r->t = peer_time_s(b, n, 0);
    r->count = node_attr_get_u64(retry, "count", &n) && n > 0 && n < UINT32_MAX ? (uint32_t)n : 1;
    if (!node_attr_get_jid(s->node, "participant", &r->participant))
        r->participant = (struct jid){0};
    if (!node_attr_get_jid(s->node, "recipient", &r->recipient))
        r->recipient = (struct jid){0};
    if (!jid_is_person(&r->from)) { /* a group: the asker is one of its members */
        r->chat = r->from;
        r->device = r->participant;
    } else {
        struct jid plain = jid_unhosted(r->from);

        r->device = r->from;
        r->chat = bridge_is_self(b, &plain) && !jid_is_none(&r->recipient) ? jid_bare(r->recipient)
                                                                           : jid_bare(plain);
    }
    return jid_is_person(&r->device) ? WB_OK : WB_ERR_MALFORMED;
}

/* ---- the answer ---- */

/* Besides the message our own devices need its chat, and group members our sender key (P-RC-43).
 * The key is still doubted: the next message must not depend on this one's success (P-RC-44). */
static enum wb_err add_context(struct bridge *b, const struct out_retry_pending *r,
                               const struct jid *address, struct span message, struct buf *out)
{
    const struct jid owner = out_seal_key_owner(b), plain = jid_unhosted(r->device);
    struct sender_key_record *record = NULL;
    struct buf skdm = buf_new(4096);
    char text[JID_TEXT_MAX];
    enum wb_err err = WB_OK;

    if (jid_is_person(&r->chat) && bridge_is_self(b, &plain))
        return content_encode_device_sent(span_cstr(jid_text(&r->chat, text)), message, out);
    buf_append(out, message);
    TRY(buf_err(out));
    if (r->chat.server != JID_GROUP || !r->member) /* a member who has left must not read on */
        goto out;
    err = store_sender_key_load(b->store, &r->chat, &owner, &record);
    if (err == WB_OK) {
        TRY(sender_key_distribution(record, &skdm));
        TRY(content_encode_skdm(span_cstr(jid_text(&r->chat, text)), buf_span(&skdm), out));
        TRY(store_skdm_doubt_device(b->store, &r->chat, record->states[0]->key_id, address));
    }
    if (err == WB_ERR_NOT_FOUND || err == WB_ERR_NO_SENDER_KEY)
        err = WB_OK;
out:
    sender_key_record_free(record);
    buf_free(&skdm);
    return err;
}

static struct node *answer_node(struct bridge *b, struct arena *a,
                                const struct out_retry_pending *r, const struct content *c,
                                struct node *enc, bool pkmsg)
{
    struct node *n = node_new(a, "message"), *meta;

    node_attr_jid(a, n, "to", &r->from);
    node_attr_text(a, n, "type", content_stanza_type(c));
    node_attr_text(a, n, "id", r->id);
    if (r->t > 0)
        node_attr_u64(a, n, "t", (uint64_t)r->t);
    if (r->chat.server != JID_GROUP)
        node_attr_text(a, n, "device_fanout", "false");
    if (!jid_is_none(&r->participant))
        node_attr_jid(a, n, "participant", &r->participant);
    if (!jid_is_none(&r->recipient))
        node_attr_jid(a, n, "recipient", &r->recipient);
    node_attr_text(a, n, "edit", r->edit);
    node_attr_text(a, enc, "mediatype", content_enc_mediatype(c));
    node_attr_u64(a, enc, "count", r->count);
    node_add(n, enc);
    if (pkmsg)
        node_add(n, own_device_identity_node(a, b->account));
    if (content_poll_type(c)[0]) {
        meta = node_child_new(a, n, "meta");
        node_attr_text(a, meta, "polltype", content_poll_type(c));
    }
    return n;
}

/* Encrypts for the one device in the present session; the stanza leaves after the commit. */
static enum wb_err resend(struct bridge *b, const struct out_retry_pending *r)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct buf whole = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct jid address;
    struct span message;
    struct content c;
    struct node *enc = NULL, *n;
    bool pkmsg = false;
    enum wb_err err;

    TRY(store_retry_sent_get(b->store, &r->chat, span_cstr(r->id), &a, &message));
    TRY(content_decode(message, &a, &c));
    TRY(identity_session_address(b, &r->device, &address));
    TRY(add_context(b, r, &address, message, &whole));
    TRY(pairwise_encrypt(b, &a, &address, buf_span(&whole), &enc, &pkmsg));
    n = answer_node(b, &a, r, &c, enc, pkmsg);
    TRY(n ? outgoing_after_commit(b, n) : WB_ERR_NOMEM);
    log_info(b->log, "send", "%s is sent again, a device asked for it (%" PRIu32 ")", r->id,
             r->count);
out:
    buf_free(&whole);
    arena_free(&a);
    return err;
}

static void note_refusal(struct bridge *b, const char *id, const char *why)
{
    b->refused.retries++;
    log_info(b->log, "send", "%s is not sent again: %s", id, why);
}

/* ---- sessions ---- */

/* Builds the ack that outgoing_ack_node() would make; the stanza itself is gone by now. */
static enum wb_err ack_late(struct bridge *b, const struct out_retry_pending *r)
{
    struct arena a = arena_new(16 * 1024);
    struct node *n = node_new(&a, "ack");
    enum wb_err err;

    node_attr_text(&a, n, "class", "receipt");
    node_attr_text(&a, n, "id", r->receipt_id);
    node_attr_jid(&a, n, "to", &r->from);
    if (!jid_is_none(&r->participant))
        node_attr_jid(&a, n, "participant", &r->participant);
    if (!jid_is_none(&r->recipient))
        node_attr_jid(&a, n, "recipient", &r->recipient);
    node_attr_text(&a, n, "type", "retry");
    err = n ? outgoing_after_commit(b, n) : WB_ERR_NOMEM;
    arena_free(&a);
    return err;
}

/* Notes a new session once it is made: one that a broken connection prevented is due at once.
 */
static enum wb_err note_rebuilt(struct bridge *b, const struct out_retry_pending *r)
{
    const uint8_t no_base_key[32] = {0};
    struct jid address;
    enum wb_err err;

    TRY(identity_session_address(b, &r->device, &address));
    err = store_retry_rebuild_put(b->store, &address, bridge_server_now_s(b), no_base_key);
out:
    return err;
}

/* Takes a waiting request out of the list; NULL when it is gone. The caller frees it. */
static struct out_retry_pending *take_waiting(struct bridge *b, uint64_t key)
{
    struct out_retry_pending **at = b->out_message ? &b->out_message->retries : NULL, *r;

    while (at && *at && (*at)->key != key)
        at = &(*at)->next;
    if (!at || !*at)
        return NULL;
    r = *at;
    *at = r->next;
    r->next = NULL;
    b->out_message->nretries--;
    return r;
}

/* Keeps a waiting request. NULL: no room or memory; the next connection brings it again.
 */
static struct out_retry_pending *park(struct bridge *b, const struct out_retry_pending *r)
{
    struct out_message_state *s = b->out_message;
    struct out_retry_pending *kept;

    if (s->nretries >= RETRY_PENDING_MAX) {
        log_warn(b->log, "send", "%s is not sent again now: too many devices ask at once", r->id);
        return NULL;
    }
    kept = malloc(sizeof *kept);
    if (!kept)
        return NULL;
    *kept = *r;
    kept->key = ++s->last_asked;
    kept->next = s->retries;
    s->retries = kept;
    s->nretries++;
    return kept;
}

/* The end of a request that waited. Without an ack the server delivers the request once more: so
 * the ack leaves only now, with the answer or the refusal. */
static void conclude_late(struct bridge *b, const struct out_retry_pending *r, enum wb_err err)
{
    enum wb_err acked = wb_err_is_ours(err) ? err : ack_late(b, r);

    if (wb_err_is_ours(acked)) /* the connection closes, and the request is delivered again */
        batch_fail(b, acked);
    if (err != WB_OK)
        log_warn(b->log, "send", "%s is not sent again now: %s", r->id, wb_err_text(err));
}

static void on_sessions(struct bridge *b, uint64_t key, const struct prekey_fetch_result *p);

/* Fetches for one waiting request after the other, like chats that waited for the same pause. */
static void on_pause_over(void *ctx)
{
    struct bridge *b = ctx;
    struct out_message_state *s = b->out_message;
    struct out_retry_pending *r = s->retries;

    while (r && !r->paused)
        r = r->next;
    if (!r)
        return;
    r->paused = false;
    r->key = ++s->last_asked;
    if (s->ports->sessions(b, &r->device, 1, r->renew, on_sessions, r->key) != WB_OK)
        free(take_waiting(b, r->key)); /* the next connection brings the request again */
    timer_start(b->timers, &s->retry_pause, SEND_AFTER_PAUSE_MS, on_pause_over, b);
}

/* Puts r back: without a session the device would have nothing until the next login. */
static void wait_for_pause(struct bridge *b, struct out_retry_pending *r)
{
    struct out_message_state *s = b->out_message;
    const int64_t left = iq_pause_left_ms(&b->iq, IQ_KIND_PREKEYS);

    r->paused = true;
    r->next = s->retries;
    s->retries = r;
    s->nretries++;
    log_info(b->log, "send", "%s is sent again after a pause that WhatsApp wants", r->id);
    timer_start(b->timers, &s->retry_pause, left > 0 ? left : SEND_AFTER_PAUSE_MS, on_pause_over,
                b);
}

void out_retry_offline(struct out_message_state *s)
{
    struct out_retry_pending **at = &s->retries;

    while (*at) {
        struct out_retry_pending *r = *at;

        if (!r->paused) {
            at = &r->next; /* the end of its question also ends the request */
            continue;
        }
        *at = r->next;
        s->nretries--;
        free(r);
    }
}

static void on_sessions(struct bridge *b, uint64_t key, const struct prekey_fetch_result *p)
{
    struct out_retry_pending *r = take_waiting(b, key);
    enum wb_err err = p->err;

    if (!r)
        return;
    /* If need be with the old session: a device that cannot read that either asks again. */
    if (err == WB_OK || err == WB_ERR_REFUSED || err == WB_ERR_PROTOCOL) {
        err = err == WB_OK ? note_rebuilt(b, r) : WB_OK;
        if (err == WB_OK)
            err = resend(b, r);
        conclude_late(b, r, err);
    } else if (err == WB_ERR_RATE_LIMITED) {
        wait_for_pause(b, r);
        return;
    } else {
        log_warn(b->log, "send", "%s is not sent again now: %s", r->id, wb_err_text(err));
    }
    free(r);
}

void out_retry_clear(struct out_message_state *s)
{
    while (s->retries) {
        struct out_retry_pending *r = s->retries;

        s->retries = r->next;
        free(r);
    }
    s->nretries = 0;
    memset(s->retry_asked, 0, sizeof s->retry_asked);
}

/* From here on on_sessions() owes the ack; if park() fails, the next connection asks again. */
static enum wb_err fetch_then_resend(struct bridge *b, const struct out_retry_pending *r,
                                     bool renew)
{
    struct out_retry_pending *kept = park(b, r);
    enum wb_err err;

    if (!kept)
        return WB_OK;
    kept->renew = renew;
    err = b->out_message->ports->sessions(b, &r->device, 1, renew, on_sessions, kept->key);
    if (err != WB_OK)
        free(take_waiting(b, kept->key));
    return err;
}

/* P-RC-41: without keys in the request a new session is due when there is none, or when the present
 * one evidently does not work, or when many devices of the group ask, so that each needs no second
 * answer. But it is made at most once an hour: one-time keys are precious. */
static enum wb_err judge_session(struct bridge *b, const struct out_retry_pending *r,
                                 bool *ret_fetch, bool *ret_renew)
{
    const int64_t now = bridge_server_now_s(b);
    uint8_t base_key[32] = {0};
    struct jid address;
    int64_t rebuilt = 0;
    bool has = false, lost = r->count >= 2;
    enum wb_err err;

    TRY(identity_session_address(b, &r->device, &address));
    TRY(store_session_has(b->store, &address, &has));
    TRY(store_retry_rebuild_get(b->store, &address, &rebuilt, base_key));
    if (!lost && !r->has_keys && r->chat.server == JID_GROUP)
        TRY(group_limit_scarce(b, &r->chat, &lost));
    *ret_renew = has && lost && (now - rebuilt > RETRY_REBUILD_S || rebuilt > now + CLOCK_SLACK_S);
    *ret_fetch = !has || *ret_renew;
out:
    return err;
}

/* *ret_later: the request is not answered yet, and not to be acked yet. */
static enum wb_err with_session(struct bridge *b, const struct out_retry_pending *r,
                                bool *ret_later)
{
    bool fetch = false, renew = false;
    enum wb_err err;

    if (r->has_keys) {
        err =
            prekey_start_session(b, &r->device, &r->keys, SPAN(r->statement.bytes, r->statement.n));
        /* The keys are of a former identity: of a phone that is gone, or that is in use again after
         * all. If the device goes on asking, the server is asked for its present identity. */
        if (err == WB_ERR_UNTRUSTED_IDENTITY)
            err = judge_session(b, r, &fetch, &renew);
        TRY(err);
    } else {
        TRY(judge_session(b, r, &fetch, &renew));
    }
    err = fetch ? fetch_then_resend(b, r, renew) : resend(b, r);
    *ret_later = fetch && err == WB_OK;
out:
    return err;
}

/* ---- who may have it ---- */

/* There is no such message in that chat: the message is too old, or belongs to another chat, whose
 * people alone may have it. In either case the device cannot read what we write. */
static enum wb_err not_kept(struct bridge *b, const struct stanza *s,
                            const struct out_retry_pending *r)
{
    struct store_sealed_match m = {.person = false};
    enum wb_err err = store_sealed_find(b->store, span_cstr(r->id), &r->device, &m);

    if (err == WB_OK && !m.person) {
        note_refusal(b, r->id, "somebody to whom it was not sent asks for it");
        return WB_OK;
    }
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    log_info(b->log, "send", "a device asks for %s, which is not kept (any more)", r->id);
    return out_retry_gone(b, s->node, span_cstr(r->id), &r->device, m.device);
}

/* The server alone tells us who asks, and our own notes alone tell whether the message went to
 * them. A stranger learns nothing, not even whether there is such a message: the ack is the same in
 * any case, and the server is not asked about the stranger. */
static enum wb_err may_have(struct bridge *b, const struct stanza *s, struct out_retry_pending *r,
                            enum verdict *ret)
{
    struct recipient who;
    struct span message;
    enum wb_err err;

    *ret = VERDICT_NO;
    err = store_retry_sent_get(b->store, &r->chat, span_cstr(r->id), s->arena, &message);
    if (err == WB_ERR_NOT_FOUND)
        return not_kept(b, s, r);
    TRY(err);
    TRY(recipient_look(b, &r->chat, span_cstr(r->id), &r->device, &who));
    if (r->chat.server == JID_GROUP)
        TRY(recipient_member(b, &r->chat, &r->device, &r->member));
    if (who.device)
        *ret = VERDICT_YES;
    else if (who.person || r->member)
        *ret = VERDICT_IF_LISTED;
    else
        note_refusal(b, r->id, "somebody to whom it was not sent asks for it");
out:
    return err;
}

/* P-X2-07 (resends to a group are limited): too much was sent to the group again. If the device may
 * read on, it gets the sender key with the next message: in the session that its keys start, or in
 * a new session when it sent no keys, since the device may have lost the present one. */
static enum wb_err give_key_later(struct bridge *b, const struct out_retry_pending *r)
{
    const struct jid owner = out_seal_key_owner(b);
    struct sender_key_record *record = NULL;
    struct jid address;
    bool renew = !r->has_keys;
    enum wb_err err = WB_OK;

    if (r->has_keys) {
        err =
            prekey_start_session(b, &r->device, &r->keys, SPAN(r->statement.bytes, r->statement.n));
        if (err == WB_OK)
            err = note_rebuilt(b, r);
        renew = err == WB_ERR_UNTRUSTED_IDENTITY && r->count >= 2; /* see with_session() */
    }
    if (wb_err_is_ours(err))
        goto out;
    err = WB_OK;
    if (!r->member)
        goto out;
    if (renew)
        TRY(out_retry_gone_renew_later(b, &r->device));
    TRY(identity_session_address(b, &r->device, &address));
    err = store_sender_key_load(b->store, &r->chat, &owner, &record);
    if (err == WB_OK && record->nstates > 0)
        err = store_skdm_doubt_device(b->store, &r->chat, record->states[0]->key_id, &address);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    sender_key_record_free(record);
    return err;
}

/* Answers the request, now or later, unless the device has asked for the message too often
 * (P-RC-39, P-RC-40). */
static enum wb_err answer(struct bridge *b, const struct out_retry_pending *r, bool *ret_later)
{
    const struct jid plain = jid_unhosted(r->device);
    uint32_t count = 0;
    bool may = true;
    enum wb_err err;

    TRY(store_retry_peer_count(b->store, &plain, span_cstr(r->id), bridge_server_now_s(b), &count));
    if (count > RETRY_REQUESTS_MAX) {
        log_warn(b->log, "send", "%s is not sent again: a device asked %" PRIu32 " times", r->id,
                 count);
        return WB_OK;
    }
    if (r->chat.server == JID_GROUP)
        TRY(group_limit_resend(b, &r->chat, &plain, &may));
    err = may ? with_session(b, r, ret_later) : give_key_later(b, r);
out:
    return err;
}

/* The server has told which devices the person has. */
static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *d)
{
    struct out_retry_pending *r = take_waiting(b, key);
    bool listed = false, later = false;
    enum wb_err err = WB_OK;

    if (!r)
        return;
    out_retry_devices_answered(b, &r->device, d, &listed);
    if (d->err != WB_OK) { /* not acked: the server delivers the request again */
        log_info(b->log, "send", "%s is not sent again now: %s", r->id, wb_err_text(d->err));
    } else {
        if (listed)
            err = answer(b, r, &later);
        else
            note_refusal(b, r->id, "a device asks for it that its person does not have");
        if (!later)
            conclude_late(b, r, err);
    }
    free(r);
}

/* *ret_later as in with_session(). */
static enum wb_err answer_if_listed(struct bridge *b, const struct out_retry_pending *r,
                                    bool *ret_later)
{
    enum out_retry_devices_how how = RETRY_DEVICES_TOO_MANY;
    struct out_retry_pending *kept = park(b, r);
    enum wb_err err;

    *ret_later = true;
    if (!kept)
        return WB_OK;
    err = out_retry_devices_ask(b, &r->device, on_devices, kept->key, &how);
    if (err == WB_OK && how == RETRY_DEVICES_ASKED)
        return WB_OK;
    free(take_waiting(b, kept->key));
    *ret_later = false;
    if (err == WB_OK)
        note_refusal(b, r->id, "too many devices of one person ask, none of them known");
    return err;
}

enum wb_err out_retry_request(struct bridge *b, const struct stanza *s)
{
    struct out_retry_pending r = {0};
    enum verdict verdict = VERDICT_NO;
    bool later = false;
    enum wb_err err;

    if (!b->out_message)
        return WB_ERR_BUG;
    TRY(parse(b, s, &r));
    if (r.chat.server == JID_GROUP) /* P-X2-11: doubted in any case */
        TRY(out_retry_gone_doubt(b, &r.chat, &r.device));
    TRY(may_have(b, s, &r, &verdict));
    if (verdict != VERDICT_NO && node_child(s->node, "keys")) {
        err = prekey_bundle_parse(s->node, &r.keys);
        r.has_keys = err == WB_OK;
        prekey_keep_statement(&r.statement, prekey_statement(s->node));
    }
    if (err == WB_OK && verdict == VERDICT_YES)
        err = answer(b, &r, &later);
    else if (err == WB_OK && verdict == VERDICT_IF_LISTED)
        err = answer_if_listed(b, &r, &later);
    /* A request that is the asker's fault does not get better by being delivered again. */
    if (err != WB_OK && !wb_err_is_ours(err)) {
        log_warn(b->log, "send", "%s is not sent again: %s", r.id, wb_err_text(err));
        err = WB_OK;
    }
    TRY(err);
    if (!later)
        err = outgoing_ack(b, s, 0);
out:
    return err;
}
