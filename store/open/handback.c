#include "store/open/handback.h"

#include <string.h>

#include "base/fault.h"
#include "crypto/signal.h"
#include "store/core/batch.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/session/lid_map.h"
#include "store/session/signal_move.h"
#include "store/session/signal_store.h"

/* Rows change while we go through them, so they are read in pages of this size, each page from
 * behind the last row of the one before. */
enum { PAGE_ROWS = 128 };

struct handback_page {
    struct row {
        char chat[JID_TEXT_MAX]; /* of a sender key; "" otherwise */
        char address[JID_TEXT_MAX];
    } rows[PAGE_ROWS];
    size_t n;
};

/* Statements of one parameter more than the address give sender keys: (chat_id, sender_id). */
enum table { SESSIONS, IDENTITIES, GONE, SENDER_KEYS, TABLES };

static const char *const next_rows[TABLES] = {
    "SELECT their_id FROM whatsmeow_sessions WHERE our_jid = ? AND their_id > ?"
    " ORDER BY their_id LIMIT 128",
    "SELECT their_id FROM whatsmeow_identity_keys WHERE our_jid = ? AND their_id > ?"
    " ORDER BY their_id LIMIT 128",
    "SELECT their_id FROM bridge_identities_gone WHERE our_jid = ? AND their_id > ?"
    " ORDER BY their_id LIMIT 128",
    "SELECT sender_id, chat_id FROM whatsmeow_sender_keys WHERE our_jid = ?"
    " AND (chat_id, sender_id) > (?, ?) ORDER BY chat_id, sender_id LIMIT 128",
};

/* Replaces the page's rows with those that follow its last one. */
static enum wb_err next_page(struct store *s, enum table table, struct handback_page *p)
{
    struct row last = p->n ? p->rows[p->n - 1] : (struct row){"", ""};
    struct stmt q;
    enum wb_err err;

    p->n = 0;
    TRY(stmt_read(&q, &s->wa, next_rows[table]));
    stmt_text(&q, s->our);
    if (table == SENDER_KEYS)
        stmt_text(&q, last.chat);
    stmt_text(&q, last.address);
    while ((err = stmt_step(&q)) == WB_OK && p->n < PAGE_ROWS) {
        struct row *r = &p->rows[p->n++];

        memset(r, 0, sizeof *r);
        stmt_col_text(&q, 0, r->address, sizeof r->address);
        if (table == SENDER_KEYS)
            stmt_col_text(&q, 1, r->chat, sizeof r->chat);
    }
    stmt_end(&q);
    err = err == WB_ERR_NOT_FOUND ? WB_OK : err;
out:
    return err;
}

struct handing {
    struct store *s;
    const struct rng *rng;
    struct handback_counts *counts;
    size_t *moved;
};

typedef enum wb_err row_fn(struct handing *h, const struct row *r);

static enum wb_err each_row(struct handing *h, enum table table, row_fn *handle)
{
    struct handback_page p = {.n = 0};
    enum wb_err err;

    do {
        TRY(next_page(h->s, table, &p));
        for (size_t i = 0; i < p.n; i++)
            TRY(handle(h, &p.rows[i]));
    } while (p.n > 0);
out:
    return err;
}

/* The other form of a row's device; NOT_FOUND: the device is not of this server, or its other form
 * is not known. */
static enum wb_err other_form(struct handing *h, const struct row *r, enum jid_server server,
                              struct jid *ret_device, struct jid *ret_other)
{
    if (jid_from_signal_address(span_cstr(r->address), ret_device) != WB_OK ||
        ret_device->server != server)
        return WB_ERR_NOT_FOUND;
    enum wb_err err = store_other_form(h->s, ret_device, ret_other);
    if (err == WB_ERR_NOT_FOUND && h->counts)
        h->counts->no_number++;
    return err;
}

/* ---- to numbers ---- */

/* Files an identity under the number: the number's own stays if the session is with it, else it
 * gets that of the LID, under which we kept identities. */
static enum wb_err file_identity(struct handing *h, const struct jid *lid, const struct jid *pn,
                                 const struct signal_session *session)
{
    uint8_t of_lid[X25519_KEY_BYTES], of_pn[X25519_KEY_BYTES];
    enum wb_err err;

    TRY(store_identity_get(h->s, lid, of_lid));
    err = store_identity_get(h->s, pn, of_pn);
    if (err == WB_OK && session && session->current &&
        memcmp(session->current->remote_identity, of_pn, sizeof of_pn) == 0)
        return WB_OK;
    if (err != WB_OK && err != WB_ERR_NOT_FOUND && err != WB_ERR_DB_CORRUPT)
        return err;
    TRY(store_identity_put(h->s, pn, of_lid));
    h->counts->identities++;
out:
    return err == WB_ERR_NOT_FOUND || err == WB_ERR_DB_CORRUPT ? WB_OK : err;
}

/* Leaves a copy that only reads under the LID. */
static enum wb_err leave_copy(struct handing *h, const struct jid *lid,
                              const struct signal_session *session)
{
    struct signal_session *copy = signal_session_clone(session);

    if (!copy)
        return WB_ERR_NOMEM;
    signal_session_spend(copy, h->rng);
    return store_session_save(h->s, lid, copy);
}

static enum wb_err hand_session(struct handing *h, const struct row *r)
{
    struct signal_session *of_lid = NULL, *of_pn = NULL;
    struct jid lid, pn;
    bool unreadable = false;
    enum wb_err err = other_form(h, r, JID_LID, &lid, &pn);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    err = store_session_load(h->s, &lid, &of_lid, &unreadable);
    if (err == WB_ERR_NOT_FOUND) {
        h->counts->unreadable += unreadable;
        return WB_OK;
    }
    TRY(err);
    err = store_session_load(h->s, &pn, &of_pn, NULL);
    if (err == WB_OK)
        signal_session_merge(of_lid, of_pn);
    else if (err != WB_ERR_NOT_FOUND)
        goto out;
    err = WB_OK;
    /* A copy whose original is gone: a new session under the number is better than one that nobody
     * can read. */
    if (!signal_session_can_send(of_lid))
        goto out;
    TRY(file_identity(h, &lid, &pn, of_lid));
    TRY(leave_copy(h, &lid, of_lid));
    err = store_session_save(h->s, &pn, of_lid);
    of_lid = NULL;
    h->counts->sessions++;
out:
    signal_session_free(of_lid);
    signal_session_free(of_pn);
    return err;
}

/* Files identities of devices without a session. */
static enum wb_err hand_identity(struct handing *h, const struct row *r)
{
    uint8_t there[X25519_KEY_BYTES];
    struct jid lid, pn;
    enum wb_err err;

    if (jid_from_signal_address(span_cstr(r->address), &lid) != WB_OK || lid.server != JID_LID)
        return WB_OK;
    err = store_pn_of_lid(h->s, &lid, &pn);
    if (err == WB_OK)
        err = store_identity_get(h->s, &pn, there);
    else if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    return err == WB_ERR_NOT_FOUND ? file_identity(h, &lid, &pn, NULL) : err;
}

/* Our own sender key moves: whoever has it knows how far it is. Those of others are only read. */
static enum wb_err hand_sender_key(struct handing *h, const struct row *r)
{
    struct sender_key_record *of_lid = NULL, *of_pn = NULL, *copy = NULL;
    struct jid lid, pn, group;
    enum wb_err err = other_form(h, r, JID_LID, &lid, &pn);

    if (err == WB_ERR_NOT_FOUND || jid_parse_cstr(r->chat, &group) != WB_OK)
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    TRY(err);
    err = store_sender_key_load(h->s, &group, &lid, &of_lid);
    if (err == WB_ERR_NOT_FOUND) {
        h->counts->unreadable++;
        return WB_OK;
    }
    TRY(err);
    err = store_sender_key_load(h->s, &group, &pn, &of_pn);
    if (err == WB_OK)
        sender_key_record_merge(of_lid, of_pn);
    else if (err != WB_ERR_NOT_FOUND)
        goto out;
    if (jid_eq(&lid, &h->s->our_lid)) {
        TRY(store_sender_key_delete(h->s, &group, &lid));
    } else {
        copy = sender_key_record_clone(of_lid);
        err = copy ? store_sender_key_save(h->s, &group, &lid, copy) : WB_ERR_NOMEM;
        if (err != WB_OK)
            goto out;
    }
    err = store_sender_key_save(h->s, &group, &pn, of_lid);
    of_lid = NULL;
    h->counts->sender_keys++;
out:
    sender_key_record_free(of_lid);
    sender_key_record_free(of_pn);
    return err;
}

static enum wb_err count_receive_only(struct store *s, size_t *ret)
{
    return sql_row(&s->wa, "SELECT count(*) FROM bridge_sessions_receive WHERE our_jid = ?",
                   BINDS(BIND_TEXT(s->our)), COLS(COL_SIZE(ret)));
}

enum wb_err store_handback(struct store *s, const struct rng *rng, struct handback_counts *ret)
{
    struct handback_counts counts = {0};
    struct handing h = {.s = s, .rng = rng, .counts = &counts};
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(each_row(&h, SESSIONS, hand_session));
    TRY(each_row(&h, IDENTITIES, hand_identity));
    TRY(each_row(&h, SENDER_KEYS, hand_sender_key));
    TRY(count_receive_only(s, &counts.receive_only));
    TRY(record_cache_flush(s->sessions)); /* another account may be next in the same batch */
    TRY(record_cache_flush(s->sender_keys));
    TRY(store_meta_put_int(s, STORE_META_HANDED_BACK, clock_unix_s(s->clock)));
    s->pn_sender_keys = PN_KEYS_UNKNOWN;
    store_lids_clear(s); /* nobody's records count as moved to the LID any more */
    *ret = counts;
out:
    return err;
}

/* ---- and back ---- */

enum wb_err store_handed_back(struct store *s, bool *ret)
{
    int64_t at = 0;
    enum wb_err err = store_meta_get_int(s, STORE_META_HANDED_BACK, &at);

    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret = err == WB_OK;
        err = WB_OK;
    }
    return err;
}

static enum wb_err take_sender_key(struct handing *h, const struct row *r)
{
    struct jid lid, pn, group;
    enum wb_err err = other_form(h, r, JID_PN, &pn, &lid);

    if (err == WB_ERR_NOT_FOUND || jid_parse_cstr(r->chat, &group) != WB_OK)
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    TRY(err);
    err = signal_move_sender_key(h->s, &group, &pn, &lid, h->moved);
out:
    return err;
}

/* All devices of the person, identities with the sessions. */
static enum wb_err take_person(struct handing *h, const struct row *r)
{
    struct jid lid, pn;
    size_t moved = 0;
    enum wb_err err = other_form(h, r, JID_PN, &pn, &lid);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(store_signal_migrate(h->s, &pn, &lid, &moved));
    *h->moved += moved;
out:
    return err;
}

enum wb_err store_take_again(struct store *s, size_t *ret_moved)
{
    size_t moved = 0;
    struct handing h = {.s = s, .moved = &moved};
    enum wb_err err;

    NEED_ACCOUNT(s);
    /* Sender keys first: where none is left under a number, nobody's need to be looked for. */
    TRY(each_row(&h, SENDER_KEYS, take_sender_key));
    TRY(store_commit(s));
    TRY(FAULT_ERROR("handback.again"));
    s->pn_sender_keys = PN_KEYS_UNKNOWN;
    TRY(each_row(&h, SESSIONS, take_person));
    TRY(store_commit(s));
    TRY(each_row(&h, IDENTITIES, take_person));
    TRY(each_row(&h, GONE, take_person));
    TRY(store_meta_put(s, STORE_META_HANDED_BACK, SPAN_NULL));
    TRY(store_commit(s));
    *ret_moved = moved;
out:
    return err;
}
