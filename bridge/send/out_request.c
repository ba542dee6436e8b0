#include "bridge/send/out_request.h"

#include <stdio.h>

#include "base/reader.h"
#include "base/text.h"
#include "bridge/send/out_queue.h"

/* ---- a request in the outbox ---- */

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

/* ---- validation, no effects ---- */

static bool all_of(const char *s, const char *chars)
{
    return *s && s[strspn(s, chars)] == '\0';
}

/* A phone number, or the JID of a person or group (P-MC-05). INVALID. */
enum wb_err out_request_recipient(struct span text, struct jid *ret_to)
{
    struct jid j, phone;

    if (!text.n || !memchr(text.p, '@', text.n))
        return jid_from_phone(text, ret_to);
    if (jid_parse(text, &j) != WB_OK)
        return WB_ERR_INVALID;
    j = jid_bare(j); /* a device's JID, copied from a log, means the person (P-SD-02) */
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
        out_outcome_say(o, CMD_BAD_REQUEST, "too many mentions; \"all\" mentions everybody");
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
        out_outcome_say(o, CMD_BAD_REQUEST, "\"all\" can be mentioned in groups only");
        return false;
    }
    q->mentions = mentions;
    q->nmentions = r->nmentions;
    q->mention_all = r->mention_all;
    q->allow_absent = r->allow_absent_mentions;
    return true;
}

/* False: *o says why. mentions: room for r->nmentions. */
bool out_request_check(const struct send_request *r, struct jid *mentions, struct out_request *q,
                       struct out_outcome *o)
{
    bool good = false;

    *q = (struct out_request){.text = r->message, .reply_to = r->reply_to};
    if (out_request_recipient(r->recipient, &q->to) != WB_OK)
        out_outcome_say(
            o, CMD_BAD_RECIPIENT,
            "the recipient must be an international phone number, <digits>@s.whatsapp.net, "
            "<digits>@lid or <id>@g.us");
    else if (!span_is_null(r->media_path))
        out_outcome_say(o, CMD_NOT_YET, "files cannot be sent yet; send text");
    else if (r->message.n == 0)
        out_outcome_say(o, CMD_BAD_REQUEST, "the message is empty");
    else if (r->message.n > SEND_TEXT_BYTES_MAX)
        out_outcome_say(o, CMD_TOO_LARGE,
                        "the message is too long; WhatsApp takes 65536 characters");
    else if (!utf8_valid(r->message))
        out_outcome_say(o, CMD_BAD_REQUEST, "the message is not valid UTF-8");
    else if (!span_is_null(r->key) && !utf8_valid(r->key))
        out_outcome_say(o, CMD_BAD_REQUEST, "the key is not valid UTF-8");
    else if (utf8_chars(r->key) > SEND_KEY_CHARS_MAX ||
             memchr(r->key.n ? (const char *)r->key.p : "", 0, r->key.n))
        out_outcome_say(o, CMD_BAD_REQUEST, "the key must be at most 128 characters without NUL");
    else if (r->wait_s < 0 || r->expires_s < 0)
        out_outcome_say(o, CMD_BAD_REQUEST, "times cannot be negative");
    else
        good = check_mentions(r, mentions, q, o);
    return good;
}
