#include "store/session/identity_gone.h"

#include <stdio.h>

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/session/limits.h"
#include "store/session/signal_store.h"

enum wb_err store_identity_is_gone(struct store *s, const struct jid *device,
                                   const uint8_t identity[static X25519_KEY_BYTES], bool *ret_gone)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT 1 FROM bridge_identities_gone AS g"
                  " WHERE our_jid = ? AND their_id = ? AND identity = ? AND NOT EXISTS"
                  " (SELECT 1 FROM whatsmeow_identity_keys AS i WHERE i.our_jid = g.our_jid"
                  " AND i.their_id = g.their_id AND i.identity = g.identity)"));
    stmt_text(&q, s->our);
    stmt_address(&q, device);
    stmt_blob(&q, SPAN(identity, X25519_KEY_BYTES));
    err = stmt_step(&q);
    stmt_end(&q);
    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret_gone = err == WB_OK;
        err = WB_OK;
    }
out:
    return err;
}

/* The newest STORE_IDENTITIES_GONE_MAX of an address stay. */
static enum wb_err drop_oldest(struct store *s, const char *from, const char *to)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_identities_gone AS g"
                   " WHERE our_jid = ? AND their_id >= ? AND their_id < ?"
                   " AND nr <= (SELECT max(nr) FROM bridge_identities_gone AS n"
                   " WHERE n.our_jid = g.our_jid AND n.their_id = g.their_id) - ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, from);
    stmt_text(&q, to);
    stmt_int(&q, STORE_IDENTITIES_GONE_MAX);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err identity_gone_add_range(struct store *s, const char *from, const char *to)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO bridge_identities_gone (our_jid, their_id, identity, nr)"
                   " SELECT our_jid, their_id, identity, 1 + (SELECT coalesce(max(nr), 0)"
                   " FROM bridge_identities_gone AS g"
                   " WHERE g.our_jid = i.our_jid AND g.their_id = i.their_id)"
                   " FROM whatsmeow_identity_keys AS i"
                   " WHERE our_jid = ? AND their_id >= ? AND their_id < ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, from);
    stmt_text(&q, to);
    TRY(stmt_run(&q));
    err = drop_oldest(s, from, to);
out:
    return err;
}

enum wb_err identity_gone_add(struct store *s, const struct jid *device,
                              const uint8_t identity[static X25519_KEY_BYTES])
{
    char address[JID_TEXT_MAX], behind[JID_TEXT_MAX + 1];
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    jid_signal_address(device, address);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO bridge_identities_gone (our_jid, their_id, identity, nr)"
                   " VALUES (?1, ?2, ?3, 1 + (SELECT coalesce(max(nr), 0)"
                   " FROM bridge_identities_gone WHERE our_jid = ?1 AND their_id = ?2))"));
    stmt_text(&q, s->our);
    stmt_text(&q, address);
    stmt_blob(&q, SPAN(identity, X25519_KEY_BYTES));
    TRY(stmt_run(&q));
    /* The range of this one text: the next one has one more character. */
    snprintf(behind, sizeof behind, "%s ", address);
    err = drop_oldest(s, address, behind);
out:
    return err;
}

enum wb_err identity_gone_remove(struct store *s, const struct jid *device,
                                 const uint8_t identity[static X25519_KEY_BYTES])
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_identities_gone"
                   " WHERE our_jid = ? AND their_id = ? AND identity = ?"));
    stmt_text(&q, s->our);
    stmt_address(&q, device);
    stmt_blob(&q, SPAN(identity, X25519_KEY_BYTES));
    err = stmt_run(&q);
out:
    return err;
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
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "UPDATE OR REPLACE bridge_identities_gone SET their_id = ?"
                   " WHERE our_jid = ? AND their_id = ?"));
    stmt_address(&q, to);
    stmt_text(&q, s->our);
    stmt_address(&q, from);
    err = stmt_run(&q);
out:
    return err;
}
