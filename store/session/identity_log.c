#include "store/session/identity_log.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/session/other_form.h"
#include "store/session/signal_user.h"

static enum wb_err read_one(struct store *s, const struct jid *user,
                            struct store_identity_change *sum)
{
    int64_t at = 0, changes = 0, phone_at = 0;
    enum wb_err err = sql_row(&s->wa,
                              "SELECT changed_at, changes, phone_at FROM bridge_identity_changes"
                              " WHERE our_jid = ? AND user = ?",
                              BINDS(BIND_TEXT(s->our), BIND_JID(user)),
                              COLS(COL_INT(&at), COL_INT(&changes), COL_INT(&phone_at)));

    sum->changed_at = at > sum->changed_at ? at : sum->changed_at;
    sum->phone_at = phone_at > sum->phone_at ? phone_at : sum->phone_at;
    sum->changes += (uint64_t)changes;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
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

/* Of two times the later one, whichever comes first. */
#define CHANGED_LATER "changed_at = " SQL_GREATER("c.changed_at", "excluded.changed_at")
#define PHONE_LATER   "phone_at = " SQL_GREATER("c.phone_at", "excluded.phone_at")

enum wb_err store_identity_change_add(struct store *s, const struct jid *user, int64_t at,
                                      bool phone)
{
    struct jid bare = jid_unhosted(jid_bare(*user));

    NEED_ACCOUNT(s);
    return sql_run(
        &s->wa,
        "INSERT INTO bridge_identity_changes AS c"
        " (our_jid, user, changed_at, changes, phone_at) VALUES (?, ?, ?, 1, ?)"
        " ON CONFLICT (our_jid, user) DO UPDATE SET changes = c.changes + 1,"
        " " CHANGED_LATER ", " PHONE_LATER,
        BINDS(BIND_TEXT(s->our), BIND_JID(&bare), BIND_INT(at), BIND_INT(phone ? at : 0)));
}

enum wb_err store_identity_any(struct store *s, const struct jid *user, bool *ret)
{
    struct signal_user u = signal_user_of(user);

    NEED_ACCOUNT(s);
    return sql_exists(&s->wa,
                      "SELECT 1 FROM whatsmeow_identity_keys"
                      " WHERE our_jid = ? AND their_id >= ? AND their_id < ? LIMIT 1",
                      BINDS(BIND_TEXT(s->our), BIND_TEXT(u.from), BIND_TEXT(u.to)), ret);
}

/* The nearest text of one table, along its key; "" when there is none. */
static enum wb_err nearest(struct store *s, const char *sql, const char *beyond,
                           char ret_jid[static JID_TEXT_MAX])
{
    ret_jid[0] = 0;
    const enum wb_err err = sql_row(&s->wa, sql, BINDS(BIND_TEXT(s->our), BIND_TEXT(beyond)),
                                    COLS(COL_TEXT(ret_jid, JID_TEXT_MAX)));
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
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
