/* Edits, votes, reactions, comments and answers that are sealed with the secret of the message that
 * they are about (P-RC-52, P-RC-53, P-X2-19). Since 2026 phones seal edits in this way. */
#include <string.h>

#include "base/secret.h"
#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/receive/in_message_private.h"
#include "crypto/msg_secret.h"
#include "crypto/prim_hash.h"
#include "proto/content_text.h"
#include "proto/limits.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/messages/secret_waits.h"
#include "store/session/lid_map.h"

static const char no_original[] = "cannot be read: what it is about is not here";
static const char no_fit[] = "cannot be read: it does not fit what it is about";
static const char no_way[] = "cannot be read: sealed in an unknown way";

/* ---- by whom ---- */

enum { FORMS_MAX = 2, AUTHORS_MAX = 2 };

/* One person's known addresses. */
struct person {
    struct jid form[FORMS_MAX];
    size_t n;
};

static void add_form(struct person *p, const struct jid *form)
{
    const struct jid bare = jid_bare(jid_unhosted(*form));

    if (jid_is_none(&bare) || !bare.user[0] || p->n == FORMS_MAX)
        return;
    for (size_t i = 0; i < p->n; i++)
        if (jid_eq(&p->form[i], &bare))
            return;
    p->form[p->n++] = bare;
}

static enum wb_err person_of(struct bridge *b, const struct jid *jid, const struct jid *alt,
                             struct person *ret)
{
    const struct jid bare = jid_bare(jid_unhosted(*jid));
    struct jid other = {0};
    enum wb_err err = WB_ERR_NOT_FOUND;

    *ret = (struct person){.n = 0};
    add_form(ret, &bare);
    if (alt)
        add_form(ret, alt);
    if (bridge_is_self(b, &bare)) {
        add_form(ret, &b->own_pn);
        add_form(ret, &b->own_lid);
    } else {
        err = store_other_form(b->store, &bare, &other);
    }
    if (err == WB_OK)
        add_form(ret, &other);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* Must its sender be the original's author? Only the author may edit; anybody may add an option to
 * a poll. */
static bool is_authors_own(const struct content *c)
{
    return c->kind == CONTENT_SECRET_EDIT && c->sealed_type != SEALED_POLL_ADD_OPTION;
}

/* Who may have written the original, the most likely person first. The key is written from its
 * sender's point of view: from_me means the sender; otherwise, in a private chat, the author is the
 * other person, whatever addresses the key names. */
static enum wb_err authors_of(struct bridge *b, const struct in_message *m, const struct content *c,
                              struct person ret[static AUTHORS_MAX], size_t *ret_n)
{
    struct person sender;
    struct jid named;
    size_t n = 0;
    enum wb_err err;

    TRY(person_of(b, &m->sender, &m->sender_alt, &sender));
    if (is_authors_own(c) || c->key.from_me)
        ret[n++] = sender;
    else if (jid_parse(c->key.participant, &named) == WB_OK && jid_is_person(&named))
        TRY(person_of(b, &named, NULL, &ret[n++]));
    else if (jid_is_person(&m->chat))
        TRY(person_of(b, m->from_me ? &m->chat : &b->own_pn, m->from_me ? &m->chat_alt : NULL,
                      &ret[n++]));
    if (!is_authors_own(c) && !c->key.from_me)
        ret[n++] = sender; /* some writers leave from_me out */
    *ret_n = n;
out:
    return err;
}

/* ---- opening ---- */

/* The uses that c may have been sealed for; clients differ about the new option of a poll. */
static size_t uses_of(const struct content *c, enum msg_secret_use ret[static 2])
{
    static const enum msg_secret_use of_type[] = {[SEALED_EVENT_EDIT] = MSG_SECRET_EVENT_EDIT,
                                                  [SEALED_MESSAGE_EDIT] = MSG_SECRET_MESSAGE_EDIT,
                                                  [SEALED_POLL_EDIT] = MSG_SECRET_POLL_EDIT};

    ret[0] = c->kind == CONTENT_POLL_VOTE            ? MSG_SECRET_POLL_VOTE
             : c->kind == CONTENT_ENC_REACTION       ? MSG_SECRET_REACTION
             : c->kind == CONTENT_ENC_COMMENT        ? MSG_SECRET_COMMENT
             : c->kind == CONTENT_ENC_EVENT_RESPONSE ? MSG_SECRET_EVENT_RESPONSE
                                                     : MSG_SECRET_USES;
    if (ret[0] != MSG_SECRET_USES)
        return 1;
    switch (c->sealed_type) {
    case SEALED_EVENT_EDIT:
    case SEALED_MESSAGE_EDIT:
    case SEALED_POLL_EDIT:
        ret[0] = of_type[c->sealed_type];
        return 1;
    case SEALED_POLL_ADD_OPTION:
        ret[0] = MSG_SECRET_POLL_ADD_OPTION;
        ret[1] = MSG_SECRET_POLL_EDIT;
        return 2;
    default:
        return 0;
    }
}

/* Opens c with this secret, trying all addresses of author and sender. BAD_MAC: none fits. */
static enum wb_err try_open(const struct content *c, const uint8_t *secret,
                            const struct person *author, const struct person *sender,
                            struct buf *out)
{
    char author_text[JID_TEXT_MAX], sender_text[JID_TEXT_MAX];
    enum msg_secret_use use[2];
    const size_t nuses = uses_of(c, use);
    enum wb_err err = WB_ERR_BAD_MAC;

    for (size_t i = 0; i < nuses * author->n * sender->n; i++) {
        const size_t forms = author->n * sender->n, at = i % forms;
        const struct msg_secret m = {
            .use = use[i / forms],
            .secret = secret,
            .id = c->key.id,
            .author = span_cstr(jid_text(&author->form[at / sender->n], author_text)),
            .sender = span_cstr(jid_text(&sender->form[at % sender->n], sender_text))};

        buf_clear(out);
        err = msg_secret_open(&m, c->sealed_iv, c->sealed, out);
        if (err != WB_ERR_BAD_MAC)
            return err;
    }
    return err;
}

/* NOT_FOUND: no secret is known; other errors of class PEER: c does not open. */
static enum wb_err unseal(struct bridge *b, const struct in_message *m, const struct content *c,
                          struct buf *out)
{
    struct person authors[AUTHORS_MAX], sender;
    uint8_t secret[MESSAGE_SECRET_BYTES];
    size_t n = 0;
    enum wb_err err, result = WB_ERR_NOT_FOUND;

    TRY(person_of(b, &m->sender, &m->sender_alt, &sender));
    TRY(authors_of(b, m, c, authors, &n));
    for (size_t i = 0; i < n; i++) {
        err = store_message_secret_get(b->store, &m->chat, &authors[i].form[0], c->key.id, secret);
        if (err == WB_ERR_NOT_FOUND)
            continue;
        TRY(err);
        result = try_open(c, secret, &authors[i], &sender, out);
        if (result == WB_OK)
            break;
    }
    err = result;
out:
    secret_wipe(secret, sizeof secret);
    return err;
}

/* ---- votes ---- */

static struct span name_of_hash(const struct content *poll, struct span hash)
{
    for (size_t i = 0; i < poll->noptions; i++) {
        uint8_t sum[SHA256_BYTES];

        sha256(poll->options[i], sum);
        if (span_eq(hash, SPAN_ARRAY(sum)))
            return poll->options[i];
    }
    return SPAN_LIT("an option that is not known");
}

/* A vote names what was chosen by hashes; the poll's row has the names. */
static enum wb_err name_options(struct bridge *b, const struct in_message *m,
                                struct in_message_opened *o)
{
    struct store_message_row row;
    struct content poll = {.kind = CONTENT_NONE};
    struct span *names;
    enum wb_err err;

    err = store_message_get(b->store, &m->chat, o->c.key.id, NULL, &o->a, &row);
    if (err != WB_ERR_NOT_FOUND)
        TRY(err);
    if (err == WB_OK && row.raw.n)
        err = content_decode(row.raw, &o->a, &poll);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND && wb_err_class(err) != WB_CLASS_PEER)
        return err;
    names = arena_alloc(&o->a, (o->c.noptions + 1) * sizeof *names);
    if (!names)
        return WB_ERR_TOO_LARGE;
    for (size_t i = 0; i < o->c.noptions; i++)
        names[i] = name_of_hash(&poll, o->c.options[i]);
    o->c.options = names;
    err = WB_OK;
out:
    return err;
}

/* ---- waiting for a secret ---- */

/* The message whose secret is missing, with its most likely author as sender. NOT_FOUND: c names no
 * author. */
static enum wb_err original_of(struct bridge *b, const struct in_message *m,
                               const struct content *c, struct in_message *ret)
{
    struct person authors[AUTHORS_MAX];
    size_t n = 0;
    enum wb_err err;

    TRY(authors_of(b, m, c, authors, &n));
    if (n == 0 || authors[0].n == 0)
        return WB_ERR_NOT_FOUND;
    *ret = (struct in_message){.id = c->key.id,
                               .stanza_id = c->key.id,
                               .t = m->t,
                               .chat = m->chat,
                               .group = m->group,
                               .sender = authors[0].form[0],
                               .from_me = bridge_is_self(b, &authors[0].form[0])};
out:
    return err;
}

/* Is that message here, so that no further copy of it will come? */
static enum wb_err is_here(struct bridge *b, const struct jid *chat, const struct jid *sender,
                           struct span id, bool *ret_here)
{
    bool known = false, waiting = false;
    enum wb_err err;

    TRY(store_message_known(b->store, chat, id, sender, NULL, &known, &waiting));
    *ret_here = known && !waiting;
out:
    return err;
}

static void copy_id(char out[static STORE_MESSAGE_ID_MAX + 1], struct span id)
{
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
}

/* Remembers that m waits for a secret. *ret_ask: our phone may be asked for the original. */
static enum wb_err wait_for_secret(struct bridge *b, const struct in_message *m,
                                   const struct content *c, bool *ret_ask)
{
    struct store_secret_wait w = {.chat = m->chat,
                                  .sender = m->sender,
                                  .sender_alt = m->sender_alt,
                                  .from_me = m->from_me,
                                  .lid_addressing = m->lid_addressing,
                                  .timestamp = m->t,
                                  .noted_at = bridge_server_now_s(b)};
    enum store_secret_wait_outcome outcome;
    enum wb_err err;

    copy_id(w.id, m->id);
    copy_id(w.target_id, c->key.id);
    TRY(store_secret_wait_put(b->store, &w, &outcome));
    if (outcome == STORE_WAIT_REFUSED)
        log_warn(b->log, "message", "%s: too many wait for the message that it is about", w.id);
    else
        b->in_message->secret_waits = WAITS_SOME;
    /* When too much of this sender's waits already, our phone is asked for nothing more. */
    *ret_ask = outcome == STORE_WAIT_KEPT;
out:
    return err;
}

/* ---- as it arrives ---- */

static const char *why(const struct content *c, enum wb_err err)
{
    enum msg_secret_use use[2];

    if (uses_of(c, use) == 0)
        return no_way;
    return err == WB_ERR_NOT_FOUND ? no_original : no_fit;
}

static enum wb_err open_content(struct bridge *b, const struct in_message *m,
                                const struct content *c, struct in_message_opened *o)
{
    enum msg_secret_use use[2];
    enum wb_err err = msgid_valid(c->key.id) && uses_of(c, use) ? WB_OK : WB_ERR_MALFORMED;

    TRY(err);
    TRY(unseal(b, m, c, &o->plain));
    TRY(content_open(c, buf_span(&o->plain), &o->a, &o->c));
    if (o->c.kind == CONTENT_POLL_VOTE)
        err = name_options(b, m, o);
out:
    return err;
}

static void begin(struct in_message_opened *o)
{
    memset(o, 0, sizeof *o);
    o->a = arena_new(CONTENT_ARENA_MAX);
    o->plain = buf_new(MESSAGE_PLAINTEXT_MAX);
}

/* Only the row of m stands until the original or our phone brings the secret. A message that our
 * phone has handed on without a secret is not asked for again; if it is here, nothing waits for
 * it. */
static enum wb_err wait_and_ask(struct bridge *b, struct in_message *m, const struct content *c)
{
    struct in_message original;
    bool named, none = false, here = false, ask = false;
    enum wb_err err = original_of(b, m, c, &original);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    named = err == WB_OK;
    if (named)
        TRY(store_secret_none_known(b->store, &original.chat, &original.sender, original.id,
                                    &none));
    if (none)
        TRY(is_here(b, &original.chat, &original.sender, original.id, &here));
    if (here)
        return WB_OK;
    TRY(wait_for_secret(b, m, c, &ask));
    if (ask && named && !none && m->arena) /* without an arena our phone itself handed m on */
        err = retry_owed_for_secret(b, m, &original);
out:
    return err;
}

enum wb_err in_message_sealed_open(struct bridge *b, struct in_message *m, const struct content *c,
                                   struct in_message_opened *ret)
{
    enum wb_err err;

    begin(ret);
    err = open_content(b, m, c, ret);
    if (err == WB_OK)
        return WB_OK;
    if (err != WB_ERR_NOT_FOUND && wb_err_class(err) != WB_CLASS_PEER)
        return err;
    ret->c = *c;
    ret->c.unopened = why(c, err);
    log_info(b->log, "message", "%s %.*s cannot be opened: %s", content_kind_word(c->kind),
             (int)m->id.n, (const char *)m->id.p, wb_err_text(err));
    return err == WB_ERR_NOT_FOUND ? wait_and_ask(b, m, c) : WB_OK;
}

void in_message_sealed_free(struct in_message_opened *o)
{
    arena_free(&o->a);
    buf_free(&o->plain);
}

/* ---- when the original comes ---- */

/* The row that stood for the sealed content gets its text, or the change is made. */
static enum wb_err apply_opened(struct bridge *b, struct in_message *m, const struct content *c)
{
    bool row;
    enum wb_err err;

    TRY(in_message_store_opened(b, m, c, &row));
    err = in_message_store_fill_opened(b, m, c);
out:
    return err;
}

/* Reads the sealed bytes from the row of the waiting message. NOT_FOUND: that row is gone. */
static enum wb_err read_waiting(struct bridge *b, const struct store_secret_wait *w,
                                struct arena *a, struct in_message *ret_m, struct content *ret_c)
{
    struct store_message_row row;
    enum wb_err err;

    *ret_m = (struct in_message){.id = span_cstr(w->id),
                                 .t = w->timestamp,
                                 .chat = w->chat,
                                 .sender = w->sender,
                                 .sender_alt = w->sender_alt,
                                 .group = !jid_is_person(&w->chat),
                                 .from_me = w->from_me,
                                 .lid_addressing = w->lid_addressing};
    TRY(store_message_get(b->store, &w->chat, ret_m->id, &w->sender, a, &row));
    TRY(content_decode(row.raw, a, ret_c));
    err = content_is_sealed(ret_c) ? WB_OK : WB_ERR_NOT_FOUND;
out:
    return err;
}

/* NOT_FOUND: as in read_waiting(), or the secret has still not come. */
static enum wb_err open_waiting(struct bridge *b, const struct store_secret_wait *w)
{
    struct in_message m;
    struct in_message_opened o;
    struct content c;
    enum wb_err err;

    begin(&o);
    TRY(read_waiting(b, w, &o.a, &m, &c));
    TRY(open_content(b, &m, &c, &o));
    TRY(apply_opened(b, &m, &o.c));
    log_info(b->log, "message", "%s: what it is about has come", w->id);
out:
    in_message_sealed_free(&o);
    return err;
}

static enum wb_err open_all_waiting(struct bridge *b, const struct in_message *m)
{
    struct store_secret_wait w = {.seq = 0};
    enum wb_err err;

    while ((err = store_secret_wait_next(b->store, m->id, w.seq, &w)) == WB_OK) {
        bool same = false;

        TRY(in_message_resent_same(b, &w.chat, &m->chat, &same, NULL));
        if (!same)
            continue;
        err = open_waiting(b, &w);
        if (err == WB_ERR_NOT_FOUND)
            continue; /* w is about another person's message with this id */
        if (err != WB_OK && wb_err_class(err) != WB_CLASS_PEER)
            return err;
        if (err != WB_OK)
            log_info(b->log, "message", "%s does not open: %s", w.id, wb_err_text(err));
        TRY(store_secret_wait_done(b->store, w.seq));
    }
out:
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* The store is asked once and the answer kept: nearly always nothing waits. */
static enum wb_err anything_waits(struct bridge *b, bool *ret_some)
{
    struct in_message_state *st = b->in_message;
    bool any = false;
    enum wb_err err = WB_OK;

    if (st->secret_waits == WAITS_UNKNOWN) {
        TRY(store_secret_wait_any(b->store, &any));
        st->secret_waits = any ? WAITS_SOME : WAITS_NONE;
    }
    *ret_some = st->secret_waits == WAITS_SOME;
out:
    return err;
}

enum wb_err in_message_sealed_secret(struct bridge *b, const struct in_message *m,
                                     struct span secret)
{
    struct jid sender = jid_bare(m->sender);
    bool some = false;
    enum wb_err err;

    if (secret.n != MESSAGE_SECRET_BYTES)
        return WB_OK;
    TRY(store_message_secret_put(b->store, &m->chat, &sender, m->id, secret.p));
    TRY(anything_waits(b, &some));
    if (!some)
        return WB_OK;
    TRY(open_all_waiting(b, m));
    b->in_message->secret_waits = WAITS_UNKNOWN; /* perhaps that was the last one */
out:
    return err;
}

/* ---- when nobody has the secret ---- */

/* Does w wait for this sender's message, and not for another one with the same id? */
static enum wb_err waits_for(struct bridge *b, const struct store_secret_wait *w,
                             const struct jid *chat, const struct jid *sender, bool *ret_waits)
{
    struct arena a = arena_new(CONTENT_ARENA_MAX);
    struct in_message m, original;
    struct content c;
    bool same = false;
    enum wb_err err;

    TRY(in_message_resent_same(b, &w->chat, chat, &same, NULL));
    if (same) {
        TRY(read_waiting(b, w, &a, &m, &c));
        TRY(original_of(b, &m, &c, &original));
        TRY(in_message_resent_same(b, &original.sender, sender, &same, NULL));
    }
    *ret_waits = same;
out:
    arena_free(&a);
    return err;
}

static enum wb_err drop_waiting(struct bridge *b, const struct jid *chat, const struct jid *sender,
                                struct span id)
{
    struct store_secret_wait w = {.seq = 0};
    enum wb_err err;

    while ((err = store_secret_wait_next(b->store, id, w.seq, &w)) == WB_OK) {
        bool waits = false;

        err = waits_for(b, &w, chat, sender, &waits);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND && wb_err_class(err) != WB_CLASS_PEER)
            return err;
        if (waits)
            TRY(store_secret_wait_done(b->store, w.seq));
    }
out:
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum wb_err in_message_sealed_phone_answered(struct bridge *b, const struct jid *chat,
                                             const struct jid *sender, struct span id)
{
    const struct in_message m = {.id = id, .chat = *chat, .sender = *sender};
    uint8_t secret[MESSAGE_SECRET_BYTES];
    bool only = false, here = false;
    enum wb_err err = store_message_secret_get(b->store, chat, sender, id, secret);

    secret_wipe(secret, sizeof secret);
    if (err != WB_ERR_NOT_FOUND)
        return err;
    TRY(store_secret_none_put(b->store, chat, sender, id, bridge_server_now_s(b)));
    TRY(retry_owed_is_for_secret(b, chat, sender, id, &only));
    if (only)
        TRY(retry_owed_done(b, &m));
    TRY(is_here(b, chat, sender, id, &here));
    if (here)
        err = drop_waiting(b, chat, sender, id);
out:
    return err;
}
