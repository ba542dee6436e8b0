#include "store/session/identity_log.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/session/other_form.h"
#include "store/session/signal_user.h"

static enum wb_err read_one(struct store *s, const struct jid *user,
                            struct store_identity_change *sum)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT changed_at, changes, phone_at FROM bridge_identity_changes"
                  " WHERE our_jid = ? AND user = ?"));
    stmt_text(&q, s->our);
    stmt_jid(&q, user);
    err = stmt_step(&q);
    if (err == WB_OK) {
        int64_t at = stmt_col_int(&q, 0), phone_at = stmt_col_int(&q, 2);
        sum->changed_at = at > sum->changed_at ? at : sum->changed_at;
        sum->phone_at = phone_at > sum->phone_at ? phone_at : sum->phone_at;
        sum->changes += (uint64_t)stmt_col_int(&q, 1);
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

enum wb_err store_identity_change_get(struct store *s, const struct jid *user,
                                      struct store_identity_change *ret)
{
    struct jid bare = jid_unhosted(jid_bare(*user)), forms[2] = {{0}};
    struct store_identity_change sum = {0};
    size_t n = 0;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(both_forms(s, &bare, forms, &n));
    for (size_t i = 0; i < n; i++)
        TRY(read_one(s, &forms[i], &sum));
    *ret = sum;
out:
    return err;
}

enum wb_err store_identity_change_add(struct store *s, const struct jid *user, int64_t at,
                                      bool phone)
{
    struct jid bare = jid_unhosted(jid_bare(*user));
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO bridge_identity_changes"
                   " (our_jid, user, changed_at, changes, phone_at) VALUES (?, ?, ?, 1, ?)"
                   " ON CONFLICT (our_jid, user) DO UPDATE SET changes = changes + 1,"
                   " changed_at = max(changed_at, excluded.changed_at),"
                   " phone_at = max(phone_at, excluded.phone_at)"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &bare);
    stmt_int(&q, at);
    stmt_int(&q, phone ? at : 0);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_identity_any(struct store *s, const struct jid *user, bool *ret)
{
    struct signal_user u = signal_user_of(user);
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT 1 FROM whatsmeow_identity_keys"
                  " WHERE our_jid = ? AND their_id >= ? AND their_id < ? LIMIT 1"));
    stmt_text(&q, s->our);
    stmt_text(&q, u.from);
    stmt_text(&q, u.to);
    err = stmt_step(&q);
    stmt_end(&q);
    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret = err == WB_OK;
        err = WB_OK;
    }
out:
    return err;
}

/* The nearest text of one table, along its key; "" when there is none. */
static enum wb_err nearest(struct store *s, const char *sql, const char *beyond,
                           char ret_jid[static JID_TEXT_MAX])
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa, sql));
    stmt_text(&q, s->our);
    stmt_text(&q, beyond);
    err = stmt_step(&q);
    ret_jid[0] = 0;
    if (err == WB_OK)
        stmt_col_text(&q, 0, ret_jid, JID_TEXT_MAX);
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

enum wb_err store_people_has(struct store *s, const struct jid *who, bool *ret)
{
    char text[JID_TEXT_MAX], a[JID_TEXT_MAX], b[JID_TEXT_MAX];
    enum wb_err err;
    NEED_ACCOUNT(s);
    jid_text(who, text);
    TRY(nearest(s, "SELECT their_jid FROM whatsmeow_contacts WHERE our_jid = ? AND their_jid = ?",
                text, a));
    TRY(nearest(s, "SELECT user FROM bridge_identity_changes WHERE our_jid = ? AND user = ?", text,
                b));
    *ret = a[0] || b[0];
out:
    return err;
}

enum wb_err store_people_next(struct store *s, const char *beyond, bool backwards,
                              char ret_jid[static JID_TEXT_MAX])
{
    char a[JID_TEXT_MAX], b[JID_TEXT_MAX];
    const char *from = backwards && !beyond[0] ? "~" : beyond; /* behind all JIDs */
    const char *pick;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (backwards) {
        TRY(nearest(s,
                    "SELECT their_jid FROM whatsmeow_contacts"
                    " WHERE our_jid = ? AND their_jid < ? ORDER BY their_jid DESC LIMIT 1",
                    from, a));
        TRY(nearest(s,
                    "SELECT user FROM bridge_identity_changes"
                    " WHERE our_jid = ? AND user < ? ORDER BY user DESC LIMIT 1",
                    from, b));
    } else {
        TRY(nearest(s,
                    "SELECT their_jid FROM whatsmeow_contacts"
                    " WHERE our_jid = ? AND their_jid > ? ORDER BY their_jid LIMIT 1",
                    from, a));
        TRY(nearest(s,
                    "SELECT user FROM bridge_identity_changes"
                    " WHERE our_jid = ? AND user > ? ORDER BY user LIMIT 1",
                    from, b));
    }
    if (!a[0] && !b[0])
        return WB_ERR_NOT_FOUND;
    pick = !a[0] ? b : !b[0] ? a : (strcmp(a, b) < 0) != backwards ? a : b;
    memcpy(ret_jid, pick, strlen(pick) + 1);
out:
    return err;
}
