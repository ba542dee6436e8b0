#include "store/session/identity_gone.h"

#include <stdio.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/session/limits.h"
#include "store/session/signal_store.h"

enum wb_err store_identity_is_gone(struct store *s, const struct jid *device,
                                   const uint8_t identity[static X25519_KEY_BYTES], bool *ret_gone)
{
    NEED_ACCOUNT(s);
    return sql_exists(
        &s->wa,
        "SELECT 1 FROM bridge_identities_gone AS g"
        " WHERE our_jid = ? AND their_id = ? AND identity = ? AND NOT EXISTS"
        " (SELECT 1 FROM whatsmeow_identity_keys AS i WHERE i.our_jid = g.our_jid"
        " AND i.their_id = g.their_id AND i.identity = g.identity)",
        BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device), BIND_BLOB(SPAN(identity, X25519_KEY_BYTES))),
        ret_gone);
}

/* The newest STORE_IDENTITIES_GONE_MAX of an address stay. */
static enum wb_err drop_oldest(struct store *s, const char *from, const char *to)
{
    return sql_run(&s->wa,
                   "DELETE FROM bridge_identities_gone AS g"
                   " WHERE our_jid = ? AND their_id >= ? AND their_id < ?"
                   " AND nr <= (SELECT max(nr) FROM bridge_identities_gone AS n"
                   " WHERE n.our_jid = g.our_jid AND n.their_id = g.their_id) - ?",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(from), BIND_TEXT(to),
                         BIND_INT(STORE_IDENTITIES_GONE_MAX)));
}

enum wb_err identity_gone_add_range(struct store *s, const char *from, const char *to)
{
    enum wb_err err;

    TRY(sql_run(&s->wa,
                "INSERT INTO bridge_identities_gone (our_jid, their_id, identity, nr)"
                " SELECT our_jid, their_id, identity, 1 + (SELECT coalesce(max(nr), 0)"
                " FROM bridge_identities_gone AS g"
                " WHERE g.our_jid = i.our_jid AND g.their_id = i.their_id)"
                " FROM whatsmeow_identity_keys AS i"
                " WHERE our_jid = ? AND their_id >= ? AND their_id < ?"
                " ON CONFLICT (our_jid, their_id, identity) DO UPDATE SET"
                " nr = excluded.nr",
                BINDS(BIND_TEXT(s->our), BIND_TEXT(from), BIND_TEXT(to))));
    err = drop_oldest(s, from, to);
out:
    return err;
}

enum wb_err identity_gone_add(struct store *s, const struct jid *device,
                              const uint8_t identity[static X25519_KEY_BYTES])
{
    char address[JID_TEXT_MAX], behind[JID_TEXT_MAX + 1];
    enum wb_err err;

    NEED_ACCOUNT(s);
    jid_signal_address(device, address);
    TRY(sql_run(
        &s->wa,
        "INSERT INTO bridge_identities_gone (our_jid, their_id, identity, nr)"
        " VALUES (?1, ?2, ?3, 1 + (SELECT coalesce(max(nr), 0)"
        " FROM bridge_identities_gone WHERE our_jid = ?1 AND their_id = ?2))"
        " ON CONFLICT (our_jid, their_id, identity) DO UPDATE SET"
        " nr = excluded.nr",
        BINDS(BIND_TEXT(s->our), BIND_TEXT(address), BIND_BLOB(SPAN(identity, X25519_KEY_BYTES)))));
    /* This makes a range of this one text: the smallest text behind it has one more character. */
    snprintf(behind, sizeof behind, "%s ", address);
    err = drop_oldest(s, address, behind);
out:
    return err;
}

enum wb_err identity_gone_remove(struct store *s, const struct jid *device,
                                 const uint8_t identity[static X25519_KEY_BYTES])
{
    return sql_run(&s->wa,
                   "DELETE FROM bridge_identities_gone"
                   " WHERE our_jid = ? AND their_id = ? AND identity = ?",
                   BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device),
                         BIND_BLOB(SPAN(identity, X25519_KEY_BYTES))));
}

enum wb_err identity_gone_remove_present(struct store *s, const struct jid *device)
{
    uint8_t present[X25519_KEY_BYTES];
    enum wb_err err = store_identity_get(s, device, present);

    if (err == WB_OK)
        return identity_gone_remove(s, device, present);
    return err == WB_ERR_NOT_FOUND || err == WB_ERR_DB_CORRUPT ? WB_OK : err;
}

enum wb_err identity_gone_move(struct store *s, const struct jid *from, const struct jid *to)
{
    return sql_run(&s->wa,
                   "UPDATE OR REPLACE bridge_identities_gone SET their_id = ?"
                   " WHERE our_jid = ? AND their_id = ?",
                   BINDS(BIND_ADDRESS(to), BIND_TEXT(s->our), BIND_ADDRESS(from)));
}
