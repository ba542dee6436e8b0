#include "bridge/receive/in_message_revoke.h"

#include <stdio.h>
#include <string.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/groups/group_info.h"
#include "bridge/groups/limits.h"
#include "bridge/people/recipient.h"
#include "bridge/receive/limits.h"
#include "store/messages/messages.h"
#include "store/messages/revokes.h"

/* What our own list of the group's members says of the sender. */
enum authority { NO_ADMIN, ADMIN, ADMIN_UNKNOWN };

/* A list that may be out of date can still say who is an admin, but not who is none: somebody may
 * have become an admin since. */
static bool is_reliable(const struct bridge *b, const struct store_group *g)
{
    const int64_t now = bridge_server_now_s(b);

    return g->left || (g->updated_at >= now - GROUP_AGE_S && g->updated_at <= now + CLOCK_SLACK_S);
}

static enum wb_err authority_of(struct bridge *b, const struct jid *chat, const struct jid *sender,
                                const struct jid *sender_alt, enum authority *ret)
{
    enum store_group_rank rank = STORE_MEMBER;
    struct store_group g;
    enum wb_err err;

    *ret = NO_ADMIN;
    if (chat->server != JID_GROUP)
        return WB_OK;
    err = store_group_get_info(b->store, chat, &g);
    if (err == WB_ERR_NOT_FOUND) {
        *ret = ADMIN_UNKNOWN;
        return WB_OK;
    }
    TRY(err);
    err = recipient_rank(b, chat, sender, sender_alt, &rank);
    if (err == WB_OK && rank >= STORE_ADMIN)
        *ret = ADMIN;
    else if (!is_reliable(b, &g))
        *ret = ADMIN_UNKNOWN;
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

/* The key may name the sender by the form that the stanza does not have. */
static enum wb_err is_sender(struct bridge *b, const struct jid *author, const struct jid *sender,
                             const struct jid *sender_alt, bool *ret_is)
{
    bool is = false;
    enum wb_err err;

    TRY(in_message_resent_same(b, author, sender, &is, NULL));
    if (!is && !jid_is_none(sender_alt))
        TRY(in_message_resent_same(b, author, sender_alt, &is, NULL));
    *ret_is = is;
out:
    return err;
}

/* The author of the message to be deleted: the key names one only when an admin deletes another
 * person's message (JID_NONE: none named). */
static enum wb_err author_of(struct bridge *b, const struct in_message *m, const struct content *c,
                             struct jid *ret)
{
    struct jid author;
    bool own;
    enum wb_err err;

    *ret = (struct jid){0};
    if (c->key.from_me || !m->group || jid_parse(c->key.participant, &author) != WB_OK)
        return WB_OK;
    author = jid_bare(jid_unhosted(author));
    TRY(is_sender(b, &author, &m->sender, &m->sender_alt, &own));
    if (!own)
        *ret = author;
out:
    return err;
}

/* ---- deletions that wait ---- */

static void on_list(struct bridge *b, uint64_t key, const struct group_info_result *r)
{
    (void)key;
    if (r->err != WB_OK)
        log_debug(b->log, "message", "a group's admins are still unknown: %s", wb_err_text(r->err));
}

static void copy_id(char out[static STORE_MESSAGE_ID_MAX + 1], struct span id)
{
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
}

static enum wb_err wait_for_list(struct bridge *b, const struct in_message *m,
                                 const struct content *c, const struct jid *author)
{
    struct store_revoke r = {.chat = m->chat,
                             .sender = m->sender,
                             .sender_alt = m->sender_alt,
                             .author = *author,
                             .from_me = m->from_me,
                             .lid_addressing = m->lid_addressing,
                             .timestamp = m->t,
                             .noted_at = bridge_server_now_s(b)};
    bool kept = false;
    enum wb_err err;

    copy_id(r.id, m->id);
    copy_id(r.target_id, c->key.id);
    TRY(store_revoke_put(b->store, &r, &kept));
    if (!kept)
        return WB_ERR_REFUSED;
    log_info(b->log, "message", "%s: whether its sender is an admin of the group is asked for",
             r.id);
    if (b->groups) {
        err = group_info_get(b, &m->chat, GROUP_INFO_FRESH, on_list, 0);
        if (err == WB_ERR_NOMEM)
            return err;
        err = WB_OK; /* if it cannot be asked now, it is asked at the next login */
    }
out:
    return err;
}

enum wb_err in_message_revoke(struct bridge *b, const struct in_message *m, const struct content *c)
{
    struct store_message_change change = {.chat = m->chat,
                                          .sender = m->sender,
                                          .sender_alt = m->sender_alt,
                                          .from_me = m->from_me,
                                          .target_id = c->key.id,
                                          .timestamp = m->t};
    enum authority authority;
    enum wb_err err;

    TRY(author_of(b, m, c, &change.target_sender));
    if (jid_is_none(&change.target_sender))
        return store_message_revoke(b->store, &change, false);
    TRY(authority_of(b, &m->chat, &m->sender, &m->sender_alt, &authority));
    if (authority == ADMIN_UNKNOWN)
        return wait_for_list(b, m, c, &change.target_sender);
    err = authority == ADMIN ? store_message_revoke(b->store, &change, true) : WB_ERR_REFUSED;
out:
    return err;
}

/* ---- decided ---- */

static enum wb_err apply(struct bridge *b, const struct store_revoke *r)
{
    const struct store_message_change change = {.chat = r->chat,
                                                .sender = r->sender,
                                                .sender_alt = r->sender_alt,
                                                .from_me = r->from_me,
                                                .target_id = span_cstr(r->target_id),
                                                .target_sender = r->author,
                                                .timestamp = r->timestamp};

    return store_message_revoke(b->store, &change, true);
}

/* The refused deletion becomes a row that says what its sender wanted. */
static enum wb_err refuse(struct bridge *b, const struct store_revoke *r)
{
    struct in_message m = {.id = span_cstr(r->id),
                           .t = r->timestamp,
                           .chat = r->chat,
                           .sender = r->sender,
                           .sender_alt = r->sender_alt,
                           .group = true,
                           .from_me = r->from_me,
                           .lid_addressing = r->lid_addressing};
    const struct content c = {.kind = CONTENT_REVOKE, .key = {.id = span_cstr(r->target_id)}};
    enum wb_err err;

    TRY(in_message_store_refused(b, &m, &c));
    if (m.stored)
        err = in_message_state_news_add(b, &m, clock_unix_ms(b->clock));
out:
    return err;
}

static bool too_old(const struct bridge *b, const struct store_revoke *r)
{
    return r->noted_at < bridge_server_now_s(b) - REVOKE_WAIT_S;
}

/* A deletion that cannot be dealt with is dropped: it would fail the next time too, stay the first
 * of its group for ever, and make each answer about the group fail. */
static enum wb_err settle(struct bridge *b, const struct store_revoke *r, bool may)
{
    enum wb_err err = may ? apply(b, r) : WB_ERR_REFUSED;

    if (err == WB_ERR_REFUSED)
        err = refuse(b, r);
    if (err != WB_OK && !wb_err_stops_us(err)) {
        log_error(b->log, "message", "%s: what it deletes stays as it is: %s", r->id,
                  wb_err_text(err));
        err = WB_OK;
    }
    TRY(err == WB_ERR_LOCKED ? WB_ERR_DB : err);
    TRY(store_revoke_done(b->store, r->seq));
out:
    return err;
}

/* no_list: there is no list and will be none. Only here, at a login and when a list comes, is it
 * checked how long a deletion has waited: in between nothing could be decided, and one more row
 * costs nothing. */
static enum wb_err decide(struct bridge *b, const struct jid *group, bool no_list)
{
    struct store_revoke r = {0};
    enum wb_err err;

    while ((err = store_revoke_next(b->store, group, r.seq, &r)) == WB_OK) {
        enum authority authority = NO_ADMIN;
        bool own; /* the two forms are known by now, perhaps from the list */

        TRY(is_sender(b, &r.author, &r.sender, &r.sender_alt, &own));
        if (!no_list && !own)
            TRY(authority_of(b, group, &r.sender, &r.sender_alt, &authority));
        if (authority == ADMIN_UNKNOWN && !too_old(b, &r))
            continue;
        TRY(settle(b, &r, own || authority == ADMIN));
    }
out:
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum wb_err in_message_group_list(struct bridge *b, const struct jid *group, bool none)
{
    return b->in_message ? decide(b, group, none) : WB_OK;
}

/* ---- at a login ---- */

static void on_resumed(struct bridge *b, uint64_t key, const struct group_info_result *r);

/* Groups are asked for one at a time: there may be many, and the answers are long. */
static void ask_next(struct bridge *b)
{
    struct jid *at = &b->in_message->revokes_at;
    enum wb_err err = store_revoke_next_chat(b->store, at, at);

    if (err == WB_ERR_NOT_FOUND)
        return;
    if (err == WB_OK)
        err = decide(b, at, false); /* drops deletions that have waited for too long */
    if (err != WB_OK)
        batch_fail(b, err);
    else if (group_info_get(b, at, GROUP_INFO_FRESH, on_resumed, 0) != WB_OK)
        log_debug(b->log, "message", "%s is not asked for its admins now", at->user);
}

static void on_resumed(struct bridge *b, uint64_t key, const struct group_info_result *r)
{
    (void)key;
    if (r->err != WB_ERR_STATE && r->err != WB_ERR_NET && r->err != WB_ERR_TIMEOUT &&
        r->err != WB_ERR_CANCELLED && b->in_message)
        ask_next(b);
}

void in_message_revokes_resume(struct bridge *b)
{
    if (!b->groups || jid_is_none(&b->own_pn))
        return;
    b->in_message->revokes_at = (struct jid){0};
    ask_next(b);
}
