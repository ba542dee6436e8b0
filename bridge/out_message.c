#include "base/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/reader.h"
#include "base/text.h"
#include "bridge/batch.h"
#include "bridge/bridge.h"
#include "bridge/conn_private.h"
#include "bridge/msgid.h"
#include "bridge/out_message_content.h"
#include "bridge/out_message_prepare.h"
#include "bridge/out_message_wait.h"
#include "bridge/out_retry_state.h"
#include "crypto/prim_hash.h"
#include "store/devices.h"
#include "store/lid_map.h"
#include "store/messages.h"
#include "store/retry.h"

static bool online(struct bridge *b)
{
    return b->conn && conn_online(b->conn);
}

/* Nothing connects by itself any more: waiting would be in vain. */
static bool logged_out(const struct bridge *b)
{
    return b->conn && b->conn->why == CONN_WHY_LOGGED_OUT;
}

const struct out_ports out_ports_bridge = {
    .online = online,
    .send_packed = outgoing_send_packed,
    .lids = lid_lookup,
    .group = group_info_get,
    .devices = device_sync_get,
    .sessions = prekey_fetch,
};

/* ---- a request in the outbox ---------------------------------------------------------------- */

enum { REQUEST_VERSION = 1, FLAG_ALL = 1, FLAG_ABSENT = 2, FLAG_REPLY = 4 };

static void put(struct buf *out, struct span s)
{
    buf_u32be(out, (uint32_t)s.n);
    buf_append(out, s);
}

enum wb_err out_request_encode(const struct out_request *r, struct buf *out)
{
    char text[JID_TEXT_MAX];

    buf_u8(out, REQUEST_VERSION);
    buf_u8(out, (uint8_t)((r->mention_all ? FLAG_ALL : 0) | (r->allow_absent ? FLAG_ABSENT : 0) |
                          (r->reply_to.p ? FLAG_REPLY : 0)));
    put(out, span_cstr(jid_text(&r->to, text)));
    put(out, r->text);
    put(out, r->reply_to);
    buf_u32be(out, (uint32_t)r->nmentions);
    for (size_t i = 0; i < r->nmentions; i++)
        put(out, span_cstr(jid_text(&r->mentions[i], text)));
    return buf_err(out);
}

static struct span get(struct reader *in)
{
    return reader_bytes(in, reader_u32be(in));
}

enum wb_err out_request_decode(struct span bytes, struct arena *a, struct out_request *ret)
{
    struct reader in = reader_new(bytes);
    struct out_request r = {0};
    struct jid *mentions;
    uint8_t version = reader_u8(&in), flags = reader_u8(&in);
    enum wb_err err;

    if (version != REQUEST_VERSION)
        return WB_ERR_MALFORMED;
    TRY(jid_parse(get(&in), &r.to));
    r.text = get(&in);
    r.reply_to = get(&in);
    if (!(flags & FLAG_REPLY))
        r.reply_to = SPAN_NULL;
    r.mention_all = flags & FLAG_ALL;
    r.allow_absent = flags & FLAG_ABSENT;
    r.nmentions = reader_u32be(&in);
    TRY(reader_err(&in));
    if (r.nmentions > SEND_MENTIONS_MAX)
        return WB_ERR_MALFORMED;
    mentions = arena_alloc(a, (r.nmentions + 1) * sizeof *mentions);
    if (!mentions)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < r.nmentions; i++)
        TRY(jid_parse(get(&in), &mentions[i]));
    r.mentions = mentions;
    TRY(reader_err(&in));
    *ret = r;
out:
    return err;
}

/* ---- validation, no effects ----------------------------------------------------------------- */

static void say(struct out_outcome *o, enum cmd_result result, const char *text)
{
    *o = (struct out_outcome){.result = result};
    snprintf(o->text, sizeof o->text, "%s", text);
}

static bool all_of(const char *s, const char *chars)
{
    return *s && s[strspn(s, chars)] == '\0';
}

/* A phone number, or the JID of a person or group (P-MC-05). INVALID. */
static enum wb_err parse_recipient(struct span text, struct jid *ret_to)
{
    struct jid j, phone;

    if (!text.n || !memchr(text.p, '@', text.n))
        return jid_from_phone(text, ret_to);
    if (jid_parse(text, &j) != WB_OK)
        return WB_ERR_INVALID;
    j = jid_bare(j); /* a device's JID out of a log means the person (P-SD-02) */
    if (j.server == JID_PN &&
        (!all_of(j.user, "0123456789") || jid_from_phone(span_cstr(j.user), &phone) != WB_OK))
        return WB_ERR_INVALID;
    if (j.server == JID_LID && !all_of(j.user, "0123456789"))
        return WB_ERR_INVALID;
    if (j.server == JID_GROUP && !all_of(j.user, "0123456789-"))
        return WB_ERR_INVALID;
    if (j.server != JID_PN && j.server != JID_LID && j.server != JID_GROUP)
        return WB_ERR_INVALID;
    *ret_to = j;
    return WB_OK;
}

static bool check_mentions(const struct send_request *r, struct jid *mentions,
                           struct out_request *q, struct out_outcome *o)
{
    if (r->nmentions > SEND_MENTIONS_MAX) {
        say(o, CMD_BAD_REQUEST, "too many mentions; \"all\" mentions everybody");
        return false;
    }
    for (size_t i = 0; i < r->nmentions; i++)
        if (mention_parse(r->mentions[i], &mentions[i]) != WB_OK) {
            struct span shown = utf8_valid(r->mentions[i]) ? utf8_first(r->mentions[i], 60)
                                                           : SPAN_LIT("(not UTF-8)");
            *o = (struct out_outcome){.result = CMD_BAD_REQUEST};
            snprintf(o->text, sizeof o->text,
                     "cannot mention '%.*s': give a phone number, <digits>@s.whatsapp.net or "
                     "<digits>@lid",
                     (int)shown.n, shown.p ? (const char *)shown.p : "");
            return false;
        }
    if (r->mention_all && q->to.server != JID_GROUP) {
        say(o, CMD_BAD_REQUEST, "\"all\" can be mentioned in groups only");
        return false;
    }
    q->mentions = mentions;
    q->nmentions = r->nmentions;
    q->mention_all = r->mention_all;
    q->allow_absent = r->allow_absent_mentions;
    return true;
}

/* False: *o says why. mentions: room for r->nmentions. */
static bool check_request(const struct send_request *r, struct jid *mentions, struct out_request *q,
                          struct out_outcome *o)
{
    bool good = false;

    *q = (struct out_request){.text = r->message, .reply_to = r->reply_to};
    if (parse_recipient(r->recipient, &q->to) != WB_OK)
        say(o, CMD_BAD_RECIPIENT,
            "the recipient must be an international phone number, <digits>@s.whatsapp.net, "
            "<digits>@lid or <id>@g.us");
    else if (!span_is_null(r->media_path))
        say(o, CMD_NOT_YET, "files cannot be sent yet; send text");
    else if (r->message.n == 0)
        say(o, CMD_BAD_REQUEST, "the message is empty");
    else if (r->message.n > SEND_TEXT_BYTES_MAX)
        say(o, CMD_TOO_LARGE, "the message is too long; WhatsApp takes 65536 characters");
    else if (!utf8_valid(r->message))
        say(o, CMD_BAD_REQUEST, "the message is not valid UTF-8");
    else if (!span_is_null(r->key) && !utf8_valid(r->key))
        say(o, CMD_BAD_REQUEST, "the key is not valid UTF-8");
    else if (utf8_chars(r->key) > SEND_KEY_CHARS_MAX ||
             memchr(r->key.n ? (const char *)r->key.p : "", 0, r->key.n))
        say(o, CMD_BAD_REQUEST, "the key must be at most 128 characters without NUL");
    else if (r->wait_s < 0 || r->expires_s < 0)
        say(o, CMD_BAD_REQUEST, "times cannot be negative");
    else
        good = check_mentions(r, mentions, q, o);
    return good;
}

/* ---- a new send ----------------------------------------------------------------------------- */

/* One call of ops.send. */
struct call {
    struct bridge *b;
    const struct send_request *r;
    struct out_request q;
    struct arena a;
    struct buf encoded;
    uint8_t hash[OUTBOX_BODY_HASH_BYTES];
    char key[STORE_KEY_MAX + 1];
    send_done_fn *done;
    void *ctx;
    uint64_t ticket;
};

static void tell(struct call *c, const char *id, const struct out_outcome *o)
{
    out_wait_tell(c->done, c->ctx, id, jid_is_none(&c->q.to) ? NULL : &c->q.to, o);
}

static void tell_text(struct call *c, enum cmd_result result, const char *text)
{
    struct out_outcome o;

    say(&o, result, text);
    tell(c, NULL, &o);
}

/* It is on its way: wait for it, or not. */
static void join(struct call *c, struct out_item *it)
{
    if (c->r->wait_s == 0) {
        struct out_outcome o = {.result = CMD_ACCEPTED, .text = "queued"};

        tell(c, it->id, &o);
    } else if (out_wait_add(it, c->key[0] != '\0', c->r->wait_s, c->done, c->ctx, c->ticket) !=
               WB_OK) {
        tell_text(c, CMD_INTERNAL, "out of memory; the message is queued if it has a key");
        if (!it->durable)
            out_queue_fail(it, CMD_INTERNAL, 0, "out of memory");
    }
}

/* The same key again: the same answer, or wait for it (interfaces.md). */
static void repeated(struct call *c, const struct store_outbox_row *row)
{
    struct out_item *it = out_queue_find(c->b, span_cstr(row->message_id));
    struct out_outcome o;

    if (memcmp(row->body_hash, c->hash, sizeof c->hash) != 0) {
        tell_text(c, CMD_KEY_REUSED, "this key was used for another message; take a new one");
    } else if (it) {
        join(c, it);
    } else {
        out_outcome_of_row(row, &o);
        tell(c, row->message_id, &o);
    }
}

static bool stored_reply(struct call *c)
{
    struct store_message_row row;

    return span_is_null(c->q.reply_to) ||
           store_message_get(c->b->store, &c->q.to, c->q.reply_to, NULL, &c->a, &row) == WB_OK;
}

static int64_t expiry_of(const struct call *c, bool durable, int64_t now)
{
    if (!durable) /* should the process end meanwhile, its caller is gone: a restart drops it */
        return now;
    return now + (c->r->expires_s ? c->r->expires_s : SEND_EXPIRES_S);
}

static void fresh(struct call *c)
{
    struct bridge *b = c->b;
    const bool durable = c->key[0] || c->r->wait_s == 0;
    const int64_t now = clock_unix_s(b->clock);
    struct store_outbox_row row = {.chat = c->q.to,
                                   .request = buf_span(&c->encoded),
                                   .created_at = now,
                                   .expires_at = expiry_of(c, durable, now)};
    char id[MSGID_BYTES];
    struct out_item *it;
    enum wb_err err;

    msgid_new(bridge_server_now_s(b), &b->own_pn, b->rng, id);
    memcpy(row.message_id, id, sizeof id);
    memcpy(row.key, c->key, sizeof row.key);
    memcpy(row.body_hash, c->hash, sizeof row.body_hash);
    TRY(store_outbox_add(b->store, &row, &row.seq));
    FAULT_POINT("outbox.row");
    TRY(batch_commit(b));
    FAULT_POINT("outbox.queued");
    /* From here on the row is there, and goes out at the latest after a restart. */
    err = out_queue_add(b, &row, durable, &it);
    if (err == WB_OK)
        join(c, it);
out:
    if (err != WB_OK)
        tell_text(c, CMD_INTERNAL, "the message cannot be stored now; see the log");
}

static void accept_request(struct call *c)
{
    struct store_outbox_row row;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (jid_is_none(&c->b->own_pn) || out_queue_load(c->b) != WB_OK) {
        tell_text(c, CMD_NOT_CONNECTED,
                  "this bridge is not linked to a phone yet; see /health and /api/qr");
        return;
    }
    if (c->key[0])
        err = store_outbox_by_key(c->b->store, c->key, &c->a, &row);
    if (err == WB_OK)
        repeated(c, &row);
    else if (err != WB_ERR_NOT_FOUND)
        tell_text(c, CMD_INTERNAL, "the outbox cannot be read now; see the log");
    else if (logged_out(c->b))
        tell_text(c, CMD_NOT_CONNECTED,
                  "WhatsApp has unlinked this bridge; POST /api/pair and scan the QR");
    else if (!stored_reply(c))
        tell_text(c, CMD_NOT_FOUND, "'reply_to' names no message of this chat");
    else if (c->b->out_message->nopen >= SEND_OPEN_MAX)
        tell_text(c, CMD_RATE_LIMITED, "too many messages are queued; wait until some are sent");
    else
        fresh(c);
}

static void op_send(struct bridge *b, const struct send_request *r, send_done_fn *done, void *ctx,
                    uint64_t ticket)
{
    struct call c = {.b = b,
                     .r = r,
                     .a = arena_new(SEND_ARENA_MAX),
                     .encoded = buf_new(STORE_BLOB_MAX),
                     .done = done,
                     .ctx = ctx,
                     .ticket = ticket};
    size_t n = r->nmentions < SEND_MENTIONS_MAX ? r->nmentions : SEND_MENTIONS_MAX;
    struct jid *mentions = arena_alloc(&c.a, (n + 1) * sizeof *mentions);
    struct out_outcome o;

    if (!mentions) {
        tell_text(&c, CMD_INTERNAL, "out of memory");
    } else if (!check_request(r, mentions, &c.q, &o)) {
        c.q.to = (struct jid){0};
        tell(&c, NULL, &o);
    } else if (out_request_encode(&c.q, &c.encoded) != WB_OK) {
        tell_text(&c, CMD_INTERNAL, "out of memory");
    } else {
        sha256(buf_span(&c.encoded), c.hash);
        if (r->key.n)
            memcpy(c.key, r->key.p, r->key.n);
        accept_request(&c);
    }
    buf_free(&c.encoded);
    arena_free(&c.a);
}

static void op_abandon(struct bridge *b, uint64_t ticket)
{
    if (b->out_message)
        out_wait_abandon(b, ticket);
}

/* ---- acks ----------------------------------------------------------------------------------- */

static struct jid lid_of(struct bridge *b, const struct jid *chat)
{
    struct jid lid;

    if (chat->server == JID_PN && store_lid_of_pn(b->store, chat, &lid) == WB_OK)
        return lid;
    return *chat;
}

/* Whom it was made for is not whom the server knows: look again before the next message. */
static enum wb_err forget_recipients(struct bridge *b, const struct jid *chat)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct jid users[2] = {lid_of(b, chat), jid_is_none(&b->own_lid) ? b->own_pn : b->own_lid};
    struct jid *members = NULL;
    struct store_group g;
    enum wb_err err;

    if (chat->server != JID_GROUP)
        return device_sync_drop(b, users, 2);
    TRY(group_info_stale(b, chat));
    TRY(store_skdm_forget_group(b->store, chat));
    err = store_group_get(b->store, chat, &a, &g);
    if (err == WB_OK) {
        members = arena_alloc(&a, (g.nmembers + 1) * sizeof *members);
        if (!members) {
            err = WB_ERR_NOMEM;
            goto out;
        }
        for (size_t i = 0; i < g.nmembers; i++)
            members[i] = jid_is_none(&g.members[i].lid) ? g.members[i].pn : g.members[i].lid;
        err = device_sync_drop(b, members, g.nmembers);
    }
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    arena_free(&a);
    return err;
}

static const char *refusal_text(uint32_t code)
{
    switch (code) {
    case 463:
        return "WhatsApp does not let this number write to people who do not know it (463); let "
               "them write first, or try again later";
    case 479:
    case 400:
        return "WhatsApp did not accept the message's addressing; what was known of the recipient "
               "was dropped, try again";
    case 429:
        return "WhatsApp says that this number sends too fast; slow down";
    default:
        return code >= 500 ? "WhatsApp has trouble of its own; try again later"
                           : "WhatsApp refused the message";
    }
}

static enum wb_err refused(struct bridge *b, struct out_item *it, uint32_t code)
{
    const struct jid to = lid_of(b, &it->chat);
    enum wb_err err;

    it->outcome = (struct out_outcome){.result = CMD_REFUSED, .server_code = code};
    snprintf(it->outcome.text, sizeof it->outcome.text, "%s", refusal_text(code));
    log_warn(b->log, "send", "%s was refused by WhatsApp: %" PRIu32, it->id, code);
    TRY(out_outcome_store(b, it->id, &it->outcome));
    if (code == 479 || code == 400)
        TRY(forget_recipients(b, &it->chat));
    if (code == 463) /* for the next message; this one is not repeated (P-SD-31) */
        tctoken_issue(b, &b->out_message->tokens, &to);
out:
    return err;
}

static enum wb_err accepted(struct bridge *b, struct out_item *it, const struct out_ack *ack)
{
    const int64_t t = ack->t > 0 ? ack->t : bridge_server_now_s(b);
    const struct jid to = lid_of(b, &it->chat);
    enum wb_err err;

    it->outcome = (struct out_outcome){.result = CMD_OK, .timestamp_s = t};
    TRY(store_outbox_acked(b->store, it->id, t, clock_unix_s(b->clock)));
    TRY(out_content_store(b, &it->chat, it->id, t));
    if (ack->phash.n && !span_eq_cstr(ack->phash, it->phash)) {
        log_info(b->log, "send",
                 "%s: WhatsApp knows other devices of this chat; they are asked for again", it->id);
        TRY(forget_recipients(b, &it->chat));
    }
    if (it->chat.server != JID_GROUP)
        tctoken_issue(b, &b->out_message->tokens, &to);
out:
    return err;
}

enum wb_err out_message_acked(struct bridge *b, const struct out_ack *ack)
{
    struct out_item *it = b->out_message ? out_queue_find(b, ack->id) : NULL;
    enum wb_err err;

    if (!it || (it->step != OUT_ON_WIRE && it->step != OUT_SEALED)) {
        log_debug(b->log, "send", "an ack that no send of ours waits for");
        return WB_OK;
    }
    TRY(ack->error ? refused(b, it, ack->error) : accepted(b, it, ack));
    timer_stop(b->timers, &it->timer);
    it->step = OUT_SETTLED;
out:
    return err;
}

enum wb_err out_message_delivered(struct bridge *b, struct span id, int64_t t)
{
    const struct out_ack ack = {.id = id, .t = t};
    struct out_item *it;
    enum wb_err err = WB_OK;

    if (!b->out_message || jid_is_none(&b->own_pn))
        return WB_OK;
    TRY(out_queue_load(b)); /* it may be the first that comes after a restart */
    it = out_queue_find(b, id);
    if (it && (it->step == OUT_ON_WIRE || it->step == OUT_SEALED))
        err = out_message_acked(b, &ack);
out:
    return err;
}

/* ---- events --------------------------------------------------------------------------------- */

static enum wb_err prune(struct bridge *b)
{
    int64_t now = clock_unix_s(b->clock);
    enum wb_err err;

    TRY(store_outbox_prune(b->store, now - SEND_KEEP_S));
    TRY(store_retry_sent_prune(b->store, (now - RETRY_SENT_KEEP_S) * 1000));
    err = store_retry_peer_prune(b->store, now - RETRY_SENT_KEEP_S);
out:
    return err;
}

static void on_event(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;
    enum wb_err err = WB_OK;

    if (!b->out_message)
        return;
    if (e->kind == BRIDGE_EV_ONLINE) {
        err = out_queue_load(b);
        out_queue_online(b);
        if (err == WB_OK)
            err = prune(b);
    } else if (e->kind == BRIDGE_EV_OFFLINE) {
        out_queue_offline(b);
    } else if (e->kind == BRIDGE_EV_BATCH_DONE) {
        out_queue_committed(b);
    } else if (e->kind == BRIDGE_EV_BATCH_FAILED) {
        out_queue_uncommitted(b);
    } else if (e->kind == BRIDGE_EV_LOGGED_OUT) {
        out_queue_clear(b, true);
    }
    if (err != WB_OK)
        log_error(b->log, "send", "the outbox cannot be read: %s", wb_err_text(err));
}

enum wb_err out_message_new(struct bridge *b, const struct out_ports *ports,
                            struct out_message_state **ret_s)
{
    static const enum bridge_event_kind kinds[] = {BRIDGE_EV_ONLINE, BRIDGE_EV_OFFLINE,
                                                   BRIDGE_EV_BATCH_DONE, BRIDGE_EV_BATCH_FAILED,
                                                   BRIDGE_EV_LOGGED_OUT};
    struct out_message_state *s = calloc(1, sizeof *s);
    enum wb_err err = s ? WB_OK : WB_ERR_NOMEM;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && err == WB_OK; i++)
        err = events_on(&b->events, kinds[i], on_event, b);
    if (err != WB_OK) {
        free(s);
        return err;
    }
    s->ports = ports;
    b->ops.send = op_send;
    b->ops.send_abandon = op_abandon;
    *ret_s = s;
    return WB_OK;
}

void out_message_free(struct bridge *b, struct out_message_state *s)
{
    if (!s)
        return;
    out_queue_clear(b, false);
    out_retry_clear(s);
    timer_stop(b->timers, &s->kick);
    timer_stop(b->timers, &s->expiry);
    b->out_message = NULL;
    free(s);
}
