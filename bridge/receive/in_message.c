/* The way of a <message>: parsed, decrypted part by part, stored, answered. Rule 1: message, then
 * ratchet, then ack; rule 4: one session per person, under the LID; docs/protocol/receiving.md. */
#include "bridge/receive/in_message.h"

#include <string.h>

#include "base/fault.h"
#include "base/fnv.h"
#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "bridge/core/peer_time.h"
#include "bridge/groups/group_info.h"
#include "bridge/people/identity.h"
#include "bridge/receive/in_message_decrypt.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/out_receipt.h"
#include "store/core/batch.h"
#include "store/messages/contacts.h"
#include "store/messages/history_gaps.h"
#include "store/messages/messages.h"
#include "store/session/retry.h"

/* Error codes of a refusing ack (P-RC-29). */
enum {
    NACK_PARSE = 487,
    NACK_UNRECOGNIZED = 488,
    NACK_PROTOBUF = 491,
    NACK_NO_SECRET = 495,
};
enum { STATUS_RETRY_MAX_S = 24 * 3600 }; /* a status lasts a day (P-RC-37) */

/* What became of one <enc>. */
struct taken {
    enum wb_err result; /* the verdict of the decryption */
    bool content;       /* it had content, which was dealt with */
    bool unreadable;    /* decrypted, but no Message */
    bool empty;         /* a Message that has neither content nor keys */
};

/* ---- what every stanza teaches ---- */

/* Push names hardly ever change: the store is asked only about names not seen lately. */
static enum wb_err learn_push_name(struct bridge *b, const struct in_message *m)
{
    struct in_message_state *st = b->in_message;
    struct jid who = jid_bare(m->sender);
    uint64_t person = fnv_text(FNV_START, who.user) + who.server;
    uint64_t mark = fnv(person, m->push_name.p, m->push_name.n) | 1;
    uint64_t *slot = &st->push_names[person % PUSH_NAME_SLOTS];
    enum wb_err err;

    if (m->push_name.n == 0 || !jid_is_person(&who) || *slot == mark)
        return WB_OK;
    TRY(store_contact_push_name(b->store, &who, m->push_name, NULL));
    if (m->from_me && m->sender.device == 0)
        TRY(own_name_learned(b, m->push_name, OWN_NAME_NOTIFY));
    *slot = mark;
out:
    return err;
}

/* Learns names and the pair of LID and number that the stanza shows (P-RC-07). */
static enum wb_err learn(struct bridge *b, const struct in_message *m)
{
    struct jid who = jid_bare(m->sender);
    enum wb_err err = WB_OK;

    if (!jid_is_none(&m->sender_alt))
        TRY(identity_learn(b, &m->sender, &m->sender_alt));
    else if (!jid_is_none(&m->chat_alt))
        TRY(identity_learn(b, &m->chat, &m->chat_alt));
    TRY(learn_push_name(b, m));
    if (m->business_name.n && jid_is_person(&who))
        TRY(store_contact_business_name(b->store, &who, m->business_name, NULL));
out:
    return err;
}

/* ---- content ---- */

/* A message of ours without recipient: its content says whom it went to (P-RC-17). */
static void take_destination(struct in_message *m, const struct content *c)
{
    struct jid chat;

    if (!m->from_me || m->group || !jid_is_none(&m->recipient) || !c->device_sent)
        return;
    if (jid_parse(c->destination, &chat) == WB_OK && chat.user[0])
        m->chat = jid_bare(jid_unhosted(chat));
}

/* A bot's answer that goes on replaces the text that the bot has sent before. */
static struct content continued(const struct in_message *m, const struct content *c)
{
    return (struct content){.kind = CONTENT_EDIT,
                            .key = {.id = m->bot_edit_target},
                            .inner = c->kind == CONTENT_EDIT && c->inner ? c->inner : c};
}

/* e NULL: the content was not encrypted in a session. */
static enum wb_err take_content(struct bridge *b, const struct stanza *s, struct in_message *m,
                                const struct in_enc *e, const struct content *c, struct taken *r)
{
    uint8_t hash[STORE_EVENT_HASH_BYTES];
    bool row = false;
    enum wb_err err;

    take_destination(m, c);
    TRY(in_message_keys(b, m, c));
    if (c->kind == CONTENT_PROTOCOL || m->peer) {
        /* Protocol messages count only from our own devices (P-RC-50). */
        if (m->from_me && c->kind == CONTENT_PROTOCOL)
            TRY(in_message_peer(b, s, m, c));
    } else {
        TRY(in_message_store(b, m, c, &row));
    }
    if (!m->peer)
        TRY(in_message_sealed_secret(b, m, c->secret));
    r->content = c->kind != CONTENT_NONE;
    r->empty = !r->content && !c->carries && !m->peer && !(e && e->hide_fail);
    /* No row of messages.db has this id: the ciphertext's hash is remembered, so that a second
     * delivery is not taken for a loss (P-RC-20, 21). If there is a skmsg beside e, that one speaks
     * for the stanza. */
    if (!row && e && (r->content || m->nenc == 1)) {
        in_message_decrypt_enc_hash(m, e, hash);
        TRY(store_event_put(b->store, hash, SPAN_NULL, m->t, bridge_server_now_ms(b)));
    }
    if (r->content)
        TRY(retry_owed_done(b, m));
out:
    return err;
}

static enum wb_err take_plain(struct bridge *b, const struct stanza *s, struct in_message *m,
                              const struct in_enc *e, struct span plain, struct taken *r)
{
    struct content c;
    struct content edit;
    enum wb_err err = content_decode(plain, s->arena, &c);

    if (err == WB_OK && !e && c.kind != CONTENT_NONE && in_message_bot_edits(m)) {
        edit = continued(m, &c);
        return take_content(b, s, m, e, &edit, r);
    }
    if (err == WB_OK)
        return take_content(b, s, m, e, &c, r);
    if (wb_err_class(err) != WB_CLASS_PEER)
        return err;
    log_warn(b->log, "message", "%.*s cannot be parsed: %s", (int)m->id.n, (const char *)m->id.p,
             wb_err_text(err));
    r->unreadable = true;
    return m->peer ? WB_OK : in_message_store_unreadable(b, m, plain);
}

/* The message's key is used, but perhaps nobody has handled its content: the Go bridge stores a
 * plaintext until it is handled (P-RC-21). */
static enum wb_err take_buffered(struct bridge *b, const struct stanza *s, struct in_message *m,
                                 const struct in_enc *e, struct taken *r)
{
    uint8_t hash[STORE_EVENT_HASH_BYTES];
    struct span plain;
    enum wb_err err = in_message_decrypt_buffered(b, s->arena, m, e, hash, &plain);

    if (err == WB_ERR_NOT_FOUND || (err == WB_OK && span_is_null(plain)))
        return WB_OK;
    TRY(err);
    log_info(b->log, "message", "%.*s was decrypted before by another program, and not handled",
             (int)m->id.n, (const char *)m->id.p);
    r->result = WB_OK;
    TRY(take_plain(b, s, m, e, plain, r));
    err = store_event_clear(b->store, hash);
out:
    return err;
}

/* The message's key was used before. */
static bool is_used_up(enum wb_err e)
{
    return e == WB_ERR_OLD_COUNTER || e == WB_ERR_BASE_KEY_USED;
}

static enum wb_err take_enc(struct bridge *b, const struct stanza *s, struct in_message *m,
                            const struct in_enc *e, struct taken *r)
{
    struct in_message_state *st = b->in_message;
    struct span plain;
    enum wb_err err;

    TRY(in_message_decrypt(b, m, e, &st->plain, &plain, &r->result));
    if (r->result == WB_OK)
        TRY(take_plain(b, s, m, e, plain, r));
    else if (is_used_up(r->result))
        TRY(take_buffered(b, s, m, e, r));
out:
    buf_clear(&st->plain);
    buf_clear(&st->text);
    return err;
}

/* ---- answers ---- */

enum wb_err in_message_answer(struct in_message *m, const struct node *n)
{
    if (!n)
        return WB_ERR_NOMEM;
    if (m->nanswers == IN_ANSWERS_MAX)
        return WB_ERR_BUG;
    m->answers[m->nanswers++] = n;
    return WB_OK;
}

static enum wb_err answer_ack(const struct stanza *s, struct in_message *m, unsigned error)
{
    return in_message_answer(m, outgoing_ack_node(s->arena, s->node, error));
}

static enum wb_err answer_receipt(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    enum wb_err err;

    /* A bot that writes in a chat of people gets no receipt; the server wants an ack. */
    if (m->bot && m->chat.server != JID_BOT)
        return answer_ack(s, m, 0);
    err = in_message_answer(m, out_receipt_delivery(b, s->arena, m));
    /* A <status> wants an ack of its own class, whatever other answers it gets (P-X2-21). */
    if (err == WB_OK && node_is(s->node, "status"))
        err = answer_ack(s, m, 0);
    return err;
}

bool in_message_is_own_copy(const struct in_message *m)
{
    return m->from_me && !m->peer && !jid_is_none(&m->recipient);
}

/* Ends the delivery of a message that is not read, when nothing more can be done about it. */
static enum wb_err answer_end(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    return in_message_is_own_copy(m) ? answer_receipt(b, s, m) : answer_ack(s, m, 0);
}

static bool is_old_status(const struct bridge *b, const struct in_message *m)
{
    return in_message_is_status(m) && m->t < bridge_server_now_s(b) - STATUS_RETRY_MAX_S;
}

/* Somebody speaks in the name of our own phone (trust.h). A resend from the same sender would be no
 * better, and there is nobody else to ask: a placeholder tells of the message, the ack ends its
 * delivery. */
static enum wb_err take_forged(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    enum wb_err err;

    if (!m->peer)
        TRY(in_message_store_placeholder(b, m));
    err = answer_end(b, s, m);
out:
    return err;
}

/* Decryption failed: a placeholder, a retry receipt, the ack (P-RC-32); but a message that is
 * stored already is not asked for. */
static enum wb_err take_failure(struct bridge *b, const struct stanza *s, struct in_message *m,
                                const struct in_enc *e, enum wb_err why)
{
    bool known = false, waiting = false;
    enum wb_err err;

    TRY(store_message_known(b->store, &m->chat, m->id, &m->sender, &m->sender_alt, &known,
                            &waiting));
    if (known && !waiting && !m->peer)
        return answer_receipt(b, s, m);
    log_info(b->log, "message", "%.*s cannot be decrypted: %s", (int)m->id.n, (const char *)m->id.p,
             wb_err_text(why));
    if (!m->peer && !e->hide_fail && !is_old_status(b, m))
        TRY(in_message_store_placeholder(b, m));
    if (!m->bot && !is_old_status(b, m))
        TRY(retry_owed_add(b, s->arena, m, e, why));
    /* While the sender is asked to resend it, the server keeps this copy: if the resent one is
     * lost, this one comes again. */
    TRY(m->retried ? answer_ack(s, m, 0) : answer_end(b, s, m));
out:
    return err;
}

/* Is m stored, or asked for already? A placeholder alone proves neither: an edit may have made
 * it. */
static enum wb_err is_known(struct bridge *b, const struct in_message *m, bool *ret_known)
{
    bool known = false, waiting = false;
    struct store_retry_owed o;
    enum wb_err err;

    TRY(store_message_known(b->store, &m->chat, m->id, &m->sender, &m->sender_alt, &known,
                            &waiting));
    if (waiting) {
        err = store_retry_owed_get(b->store, &m->chat, &m->sender, m->id, &o);
        known = err == WB_OK;
        if (err == WB_ERR_NOT_FOUND)
            err = WB_OK;
    }
    if (err == WB_OK)
        *ret_known = known;
out:
    return err;
}

static enum wb_err note_gap(struct bridge *b, const struct in_message *m)
{
    enum wb_err err = store_history_gap_open(b->store, &m->chat, m->t, m->t, STORE_GAP_OLD_COUNTER);

    if (err == WB_OK)
        events_emit_kind(&b->events, BRIDGE_EV_GAP);
    return err;
}

/* The key of this message was used before. If we have the message, this is a copy, which is merely
 * receipted. If not, only the phone still knows the content (rule 1). */
static enum wb_err take_old_counter(struct bridge *b, const struct stanza *s, struct in_message *m,
                                    const struct in_enc *e, enum wb_err why)
{
    uint8_t hash[STORE_EVENT_HASH_BYTES];
    struct span ignored;
    bool known = false;
    enum wb_err err;

    TRY(is_known(b, m, &known));
    if (!known) {
        err = in_message_decrypt_buffered(b, s->arena, m, e, hash, &ignored);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
        known = err == WB_OK;
    }
    /* From our own device, in a session that we do not have: the device repeats it when asked. */
    if (!known && m->peer && why == WB_ERR_BASE_KEY_USED)
        return take_failure(b, s, m, e, why);
    if (!known && !m->peer) {
        log_warn(b->log, "message", "%.*s was lost: its key is used, its content unknown",
                 (int)m->id.n, (const char *)m->id.p);
        if (!e->hide_fail)
            TRY(in_message_store_placeholder(b, m));
        /* If the sender still uses a session that we do not have, the retry receipt brings it new
         * keys. */
        TRY(retry_owed_add(b, s->arena, m, why == WB_ERR_BASE_KEY_USED ? e : NULL, why));
        /* If the phone does not answer that, a request for the history around the message can. */
        if (!e->hide_fail)
            TRY(note_gap(b, m));
    }
    TRY(answer_receipt(b, s, m));
out:
    return err;
}

/* One answer for all parts. If there is a group part, it speaks for the stanza: the pairwise part
 * beside it brings only its key. */
static enum wb_err conclude(struct bridge *b, const struct stanza *s, struct in_message *m,
                            const struct taken *taken)
{
    bool content = false, unreadable = false;
    size_t main = 0;
    enum wb_err err;

    for (size_t i = 0; i < m->nenc; i++) {
        content |= taken[i].content;
        unreadable |= taken[i].unreadable;
        if (m->enc[i].type == IN_ENC_SKMSG || m->enc[main].type != IN_ENC_SKMSG)
            main = i;
    }
    if (content || (unreadable && in_message_is_own_copy(m)))
        return answer_receipt(b, s, m);
    if (unreadable)
        return answer_ack(s, m, NACK_PROTOBUF);
    if (taken[main].result == WB_OK && taken[main].empty) {
        err = in_message_store_empty(b, m);
        if (err == WB_OK)
            err = retry_owed_done(b, m);
        if (err != WB_OK)
            return err;
    }
    if (taken[main].result == WB_OK)
        return answer_receipt(b, s, m);
    if (is_used_up(taken[main].result))
        return take_old_counter(b, s, m, &m->enc[main], taken[main].result);
    if (taken[main].result == WB_ERR_FOREIGN_IDENTITY)
        return take_forged(b, s, m);
    return take_failure(b, s, m, &m->enc[main], taken[main].result);
}

/* ---- kinds of stanzas ---- */

static enum wb_err take_encrypted(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    struct taken taken[IN_ENC_MAX];
    enum wb_err err;

    memset(taken, 0, sizeof taken);
    TRY(identity_session_address(b, &m->sender, &m->address));
    /* Pairwise parts first: they bring the sender key that the group part needs (P-RC-13). */
    for (size_t i = 0; i < m->nenc; i++)
        if (m->enc[i].type != IN_ENC_SKMSG)
            TRY(take_enc(b, s, m, &m->enc[i], &taken[i]));
    for (size_t i = 0; i < m->nenc; i++)
        if (m->enc[i].type == IN_ENC_SKMSG)
            TRY(take_enc(b, s, m, &m->enc[i], &taken[i]));
    TRY(conclude(b, s, m, taken));
out:
    return err;
}

static bool begins_with(struct span s, const char *word)
{
    return span_eq_cstr(span_first(s, strlen(word)), word);
}

/* The stanza has no content for us: the server says so (P-RC-19: <unavailable>), or there is no
 * <enc> at all, as in chats that begin with an advertisement (P-X2-09). Our phone has the
 * content. */
static enum wb_err take_unavailable(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    bool known = false, waiting = false;
    enum wb_err err = WB_OK;

    if (m->peer)
        return answer_ack(s, m, 0);
    TRY(in_message_store_placeholder(b, m));
    TRY(store_message_known(b->store, &m->chat, m->id, &m->sender, &m->sender_alt, &known,
                            &waiting));
    if (waiting && !begins_with(m->unavailable_type, "view_once") &&
        !begins_with(m->unavailable_type, "hosted") && !begins_with(m->unavailable_type, "bot"))
        TRY(retry_owed_add(b, s->arena, m, NULL, WB_ERR_NOT_FOUND));
    TRY(answer_end(b, s, m));
out:
    return err;
}

static enum wb_err take_newsletter(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    struct taken r = {.result = WB_OK};
    enum wb_err err = WB_OK;

    if (m->plaintext.n)
        TRY(take_plain(b, s, m, NULL, m->plaintext, &r));
    TRY(answer_ack(s, m, 0));
out:
    return err;
}

/* A bot's answer to a message whose secret we do not have: in a group our phone gives the secret to
 * the bot alone, so it never comes. One row says that there is an answer, in however many bits the
 * answer comes. */
static enum wb_err take_unopened(struct bridge *b, const struct stanza *s, struct in_message *m,
                                 enum wb_err why)
{
    const struct content c = {.kind = CONTENT_PLACEHOLDER,
                              .unopened = "a bot's answer to a message that is not here"};
    bool row;
    enum wb_err err = WB_OK;

    log_info(b->log, "message", "%.*s of a bot cannot be opened: %s", (int)m->id.n,
             (const char *)m->id.p, wb_err_text(why));
    if (in_message_bot_edits(m))
        m->id = m->bot_edit_target;
    if (!m->peer)
        TRY(in_message_store(b, m, &c, &row));
    err = answer_ack(s, m, NACK_NO_SECRET);
out:
    return err;
}

static enum wb_err take_bots(struct bridge *b, const struct stanza *s, struct in_message *m,
                             const struct in_enc *e)
{
    struct in_message_state *st = b->in_message;
    struct taken r = {.result = WB_OK};
    enum wb_err err = in_message_bot_open(b, m, e, &st->plain);

    if (err == WB_ERR_NOT_FOUND || (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER)) {
        err = take_unopened(b, s, m, err);
        goto out;
    }
    TRY(err);
    TRY(take_plain(b, s, m, NULL, buf_span(&st->plain), &r));
    err = r.unreadable ? answer_ack(s, m, NACK_PROTOBUF) : answer_receipt(b, s, m);
out:
    buf_clear(&st->plain);
    buf_clear(&st->text);
    return err;
}

/* Every <enc> is of a kind that this program does not know. */
static enum wb_err take_unknown(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    enum wb_err err = WB_OK;

    if (!m->peer)
        TRY(in_message_store_placeholder(b, m));
    log_warn(b->log, "message", "%.*s: unknown kind of encryption", (int)m->id.n,
             (const char *)m->id.p);
    TRY(answer_receipt(b, s, m));
out:
    return err;
}

static enum wb_err handle(struct bridge *b, const struct stanza *s, struct in_message *m)
{
    struct in_enc of_bot = {.type = IN_ENC_OTHER};
    size_t n = 0;
    enum wb_err err;

    TRY(learn(b, m));
    TRY(group_info_shown(b, &m->chat, s->node, m->t));
    for (size_t i = 0; i < m->nenc; i++) {
        if (m->enc[i].type == IN_ENC_MSMSG)
            of_bot = m->enc[i];
        else
            m->enc[n++] = m->enc[i];
    }
    m->nenc = n;
    if (m->newsletter)
        return take_newsletter(b, s, m);
    if (node_is(s->node, "status") && !in_message_is_status(m)) /* a kind we do not follow */
        return answer_ack(s, m, 0);
    if (n)
        return take_encrypted(b, s, m);
    if (of_bot.type == IN_ENC_MSMSG)
        return take_bots(b, s, m, &of_bot);
    if (m->unknown_enc)
        return take_unknown(b, s, m);
    if (m->unavailable || !node_is(s->node, "appdata"))
        return take_unavailable(b, s, m);
    return answer_ack(s, m, NACK_UNRECOGNIZED);
out:
    return err;
}

/* ---- the stanza as a whole ---- */

static enum wb_err release(struct bridge *b, const struct stanza *s, const struct in_message *m)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < m->nanswers; i++)
        TRY(outgoing_after_commit(b, m->answers[i]));
    if (m->stored)
        TRY(in_message_state_news_add(b, m, s->received_ms));
out:
    return err;
}

static enum wb_err message_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct in_message m;
    enum wb_err err, why;
    uint64_t requests;

    (void)parsed;
    if (!b->in_message || !b->account)
        return WB_ERR_BUG;
    err = in_message_parse(s->node, s->arena, &b->own_pn, &b->own_lid, &m);
    if (err != WB_OK) {
        log_warn(b->log, "message", "a message stanza without the parts it needs is refused");
        return outgoing_ack(b, s, NACK_PARSE);
    }
    m.t = peer_time_stanza_s(b, (uint64_t)m.t);
    requests = retry_owed_mark(b);
    TRY(store_mark(b->store));
    err = handle(b, s, &m);
    FAULT_POINT("message.handled");
    if (err == WB_OK) {
        TRY(store_mark_keep(b->store));
        return release(b, s, &m);
    }
    if (wb_err_stops_us(err))
        return err == WB_ERR_LOCKED ? WB_ERR_DB : err;
    /* One sender's bad message must not fail the batch with the messages of others. */
    log_error(b->log, "message", "%.*s: %s", (int)m.id.n, (const char *)m.id.p, wb_err_text(err));
    why = err;
    retry_owed_undo(b, requests);
    TRY(store_mark_undo(b->store));
    TRY(in_message_refuse(b, s, &m, why));
    err = release(b, s, &m);
out:
    return err;
}

const struct stanza_handler in_message_handler = {"message", STANZA_ACK_HANDLER, NULL,
                                                  message_apply};
const struct stanza_handler in_appdata_handler = {"appdata", STANZA_ACK_HANDLER, NULL,
                                                  message_apply};
const struct stanza_handler in_status_handler = {"status", STANZA_ACK_HANDLER, NULL, message_apply};
