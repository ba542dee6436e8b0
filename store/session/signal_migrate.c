/* signal_migrate.c - records of a PN user move to the LID (P-DB-22; rule 4, one identity per
 * person). */
#include <stdlib.h>
#include <string.h>

#include "crypto/signal.h"
#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/session/identity_gone.h"
#include "store/session/lid_map.h"
#include "store/session/signal_move.h"
#include "store/session/signal_store.h"
#include "store/session/signal_user.h"

/* What is to be moved: device numbers, and for sender keys the groups. Gathered first, because the
 * rows change under a statement that still reads them. */
struct found {
    const char *prefix;
    size_t nprefix;
    struct item {
        struct jid group; /* JID_NONE for sessions */
        uint16_t device;
    } * items;
    size_t n;
    size_t cap;
    enum wb_err err;
};

static struct found found_of(const struct signal_user *u)
{
    return (struct found){.prefix = u->from, .nprefix = strlen(u->from)};
}

enum { FOUND_MAX = 100000 }; /* groups of one person times devices: far more than anybody has */

static void found_add(struct found *f, const struct jid *group, uint64_t device)
{
    if (f->err != WB_OK || device > UINT16_MAX)
        return;
    for (size_t i = 0; i < f->n; i++) {
        if (f->items[i].device == device && jid_eq(&f->items[i].group, group))
            return;
    }
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;
        void *p = f->n < FOUND_MAX ? realloc(f->items, cap * sizeof *f->items) : NULL;

        if (!p) {
            f->err = WB_ERR_NOMEM;
            return;
        }
        f->items = p;
        f->cap = cap;
    }
    f->items[f->n++] = (struct item){*group, (uint16_t)device};
}

/* "user:12" -> 12 when it has the prefix "user:". */
static bool device_of(const struct found *f, struct span address, uint64_t *ret)
{
    size_t n = f->nprefix;

    return address.n > n && memcmp(address.p, f->prefix, n) == 0 &&
           span_to_u64(span_skip(address, n), ret);
}

static void session_key(void *ctx, const char *key)
{
    struct found *f = ctx;
    uint64_t device = 0;

    /* A quick no: this is asked of each record in memory, for each person of a large group. */
    if (strncmp(key, f->prefix, f->nprefix) != 0)
        return;
    if (device_of(f, span_cstr(key), &device))
        found_add(f, &(struct jid){0}, device);
}

static void sender_key(void *ctx, const char *key)
{
    struct found *f = ctx;
    uint64_t device = 0;
    struct jid group;
    const char *newline = strchr(key, '\n');

    if (newline && device_of(f, span_cstr(newline + 1), &device) &&
        jid_parse(SPAN(key, (size_t)(newline - key)), &group) == WB_OK)
        found_add(f, &group, device);
}

/* Rows of (address) or (address, group) in the user's range. */
static enum wb_err find_rows(struct store *s, const char *sql, const struct signal_user *u,
                             bool groups, struct found *f)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->wa, sql));
    stmt_text(&q, s->our);
    stmt_text(&q, u->from);
    stmt_text(&q, u->to);
    while ((err = stmt_step(&q)) == WB_OK) {
        uint64_t device = 0;
        struct jid group = groups ? stmt_col_jid(&q, 1) : (struct jid){0};

        if (device_of(f, stmt_col_span(&q, 0), &device) && (!groups || !jid_is_none(&group)))
            found_add(f, &group, device);
    }
    stmt_end(&q);
    err = err == WB_ERR_NOT_FOUND ? f->err : err;
out:
    return err;
}

/* Where the number's session becomes the current one of both, the number's identity is the newer
 * one, and the LID gets it. */
static enum wb_err follow_identity(struct store *s, const struct jid *from, const struct jid *to,
                                   const struct signal_session *merged)
{
    uint8_t pn[X25519_KEY_BYTES], lid[X25519_KEY_BYTES];
    enum wb_err err;

    if (!merged->current)
        return WB_OK;
    TRY(store_identity_get(s, from, pn));
    TRY(store_identity_get(s, to, lid));
    if (memcmp(pn, merged->current->remote_identity, sizeof pn) == 0 &&
        memcmp(pn, lid, sizeof pn) != 0)
        return store_identity_put(s, to, pn);
out:
    return err == WB_ERR_NOT_FOUND || err == WB_ERR_DB_CORRUPT ? WB_OK : err;
}

static enum wb_err move_session(struct store *s, const struct jid *from, const struct jid *to,
                                size_t *moved)
{
    struct signal_session *pn = NULL, *lid = NULL;
    bool unreadable = false;
    enum wb_err err = store_session_load(s, from, &pn, &unreadable);

    if (err == WB_ERR_NOT_FOUND) /* an unreadable one is left where it is */
        return WB_OK;
    TRY(err);
    err = store_session_load(s, to, &lid, NULL);
    if (err == WB_OK) {
        signal_session_merge(lid, pn);
        signal_session_free(pn);
        pn = lid;
        lid = NULL;
        TRY(follow_identity(s, from, to, pn));
    } else if (err != WB_ERR_NOT_FOUND) {
        goto out;
    }
    err = store_session_save(s, to, pn);
    pn = NULL;
    TRY(err);
    TRY(store_session_delete(s, from));
    ++*moved;
out:
    signal_session_free(pn);
    signal_session_free(lid);
    return err;
}

enum wb_err signal_move_sender_key(struct store *s, const struct jid *group, const struct jid *from,
                                   const struct jid *to, size_t *moved)
{
    struct sender_key_record *pn = NULL, *lid = NULL;
    enum wb_err err = store_sender_key_load(s, group, from, &pn);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    err = store_sender_key_load(s, group, to, &lid);
    if (err == WB_OK) {
        sender_key_record_merge(lid, pn);
        sender_key_record_free(pn);
        pn = lid;
        lid = NULL;
    } else if (err != WB_ERR_NOT_FOUND) {
        goto out;
    }
    err = store_sender_key_save(s, group, to, pn);
    pn = NULL;
    TRY(err);
    TRY(store_sender_key_delete(s, group, from));
    ++*moved;
out:
    sender_key_record_free(pn);
    sender_key_record_free(lid);
    return err;
}

static enum wb_err move_sessions(struct store *s, const struct jid *pn, const struct jid *lid,
                                 size_t *moved)
{
    struct signal_user u = signal_user_of(pn);
    struct found f = found_of(&u);
    enum wb_err err;

    record_cache_each_key(s->sessions, session_key, &f);
    TRY(find_rows(s,
                  "SELECT their_id FROM whatsmeow_sessions"
                  " WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
                  &u, false, &f));
    if (s->receive_rows)
        TRY(find_rows(s,
                      "SELECT their_id FROM bridge_sessions_receive"
                      " WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
                      &u, false, &f));
    for (size_t i = 0; i < f.n; i++) {
        struct jid from = jid_with_device(*pn, f.items[i].device);
        struct jid to = jid_with_device(*lid, f.items[i].device);

        TRY(move_session(s, &from, &to, moved));
    }
out:
    free(f.items);
    return err;
}

/* Most files have no PN sender keys at all; looking for one user's takes a scan, so the question is
 * asked once. */
static enum wb_err any_pn_sender_keys(struct store *s)
{
    bool any = false;

    if (s->pn_sender_keys != PN_KEYS_UNKNOWN)
        return WB_OK;
    enum wb_err err = sql_exists(&s->wa,
                                 "SELECT 1 FROM whatsmeow_sender_keys"
                                 " WHERE our_jid = ? AND instr(sender_id, '_') = 0 LIMIT 1",
                                 BINDS(BIND_TEXT(s->our)), &any);
    if (err == WB_OK)
        s->pn_sender_keys = any ? PN_KEYS_SOME : PN_KEYS_NONE;
    return err;
}

static enum wb_err move_sender_keys(struct store *s, const struct jid *pn, const struct jid *lid,
                                    size_t *moved)
{
    struct signal_user u = signal_user_of(pn);
    struct found f = found_of(&u);
    enum wb_err err;

    TRY(any_pn_sender_keys(s));
    if (s->pn_sender_keys == PN_KEYS_NONE)
        return WB_OK;
    record_cache_each_key(s->sender_keys, sender_key, &f);
    TRY(find_rows(s,
                  "SELECT sender_id, chat_id FROM whatsmeow_sender_keys"
                  " WHERE our_jid = ? AND sender_id >= ? AND sender_id < ?",
                  &u, true, &f));
    for (size_t i = 0; i < f.n; i++) {
        struct jid from = jid_with_device(*pn, f.items[i].device);
        struct jid to = jid_with_device(*lid, f.items[i].device);

        TRY(signal_move_sender_key(s, &f.items[i].group, &from, &to, moved));
    }
out:
    free(f.items);
    return err;
}

/* Where the LID has another identity, that of the PN counts as gone. */
static enum wb_err note_replaced(struct store *s, const struct jid *from, const struct jid *to)
{
    uint8_t pn[X25519_KEY_BYTES], lid[X25519_KEY_BYTES];
    enum wb_err err;

    TRY(store_identity_get(s, to, lid));
    TRY(store_identity_get(s, from, pn));
    if (memcmp(pn, lid, sizeof pn) != 0)
        err = identity_gone_add(s, to, pn);
out:
    return err == WB_ERR_NOT_FOUND || err == WB_ERR_DB_CORRUPT ? WB_OK : err;
}

/* Moves the former identities of each device, without the one that it has now under the LID. */
static enum wb_err move_gone(struct store *s, const struct jid *pn, const struct jid *lid)
{
    struct signal_user u = signal_user_of(pn);
    struct found f = found_of(&u);
    enum wb_err err;

    TRY(find_rows(s,
                  "SELECT their_id FROM bridge_identities_gone"
                  " WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
                  &u, false, &f));
    for (size_t i = 0; i < f.n; i++) {
        struct jid from = jid_with_device(*pn, f.items[i].device);
        struct jid to = jid_with_device(*lid, f.items[i].device);

        TRY(identity_gone_move(s, &from, &to));
        TRY(identity_gone_remove_present(s, &to));
    }
out:
    free(f.items);
    return err;
}

/* Moves the identities. One that the LID has already stays: the LID's session is the current one.
 */
static enum wb_err move_identities(struct store *s, const struct jid *pn, const struct jid *lid,
                                   size_t *moved)
{
    struct signal_user u = signal_user_of(pn);
    struct found f = found_of(&u);
    enum wb_err err;

    TRY(find_rows(s,
                  "SELECT their_id FROM whatsmeow_identity_keys"
                  " WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
                  &u, false, &f));
    for (size_t i = 0; i < f.n; i++) {
        struct jid from = jid_with_device(*pn, f.items[i].device);
        struct jid to = jid_with_device(*lid, f.items[i].device);

        TRY(note_replaced(s, &from, &to));
        TRY(sql_run(&s->wa,
                    "INSERT INTO whatsmeow_identity_keys (our_jid, their_id, identity)"
                    " SELECT our_jid, ?, identity FROM whatsmeow_identity_keys"
                    " WHERE our_jid = ? AND their_id = ?"
                    " ON CONFLICT DO NOTHING",
                    BINDS(BIND_ADDRESS(&to), BIND_TEXT(s->our), BIND_ADDRESS(&from))));
        TRY(sql_run(&s->wa,
                    "DELETE FROM whatsmeow_identity_keys WHERE our_jid = ? AND their_id = ?",
                    BINDS(BIND_TEXT(s->our), BIND_ADDRESS(&from))));
        TRY(identity_gone_remove_present(s, &to));
        ++*moved;
    }
out:
    free(f.items);
    return err;
}

enum wb_err store_signal_migrate(struct store *s, const struct jid *pn_in, const struct jid *lid_in,
                                 size_t *ret_moved)
{
    struct jid pn = jid_unhosted(jid_bare(*pn_in)), lid = jid_unhosted(jid_bare(*lid_in));
    size_t moved = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (pn.server != JID_PN || lid.server != JID_LID || !pn.user[0] || !lid.user[0])
        return WB_ERR_INVALID;
    if (!store_lids_migrated(s, pn.user)) {
        TRY(move_sessions(s, &pn, &lid, &moved));
        TRY(move_gone(s, &pn, &lid));
        TRY(move_identities(s, &pn, &lid, &moved));
        TRY(move_sender_keys(s, &pn, &lid, &moved));
    }
    if (ret_moved)
        *ret_moved = moved;
    return WB_OK;
out:
    store_lids_clear(s); /* not done: to be tried again */
    return err;
}
