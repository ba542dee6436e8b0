#include "store/session/lid_map.h"

#include <string.h>

#include "base/fnv.h"
#include "store/core/state.h"
#include "store/db/sql.h"

static uint64_t hash_text(const char *text)
{
    const uint64_t h = fnv_text(FNV_START, text);

    return h ^ (h >> 29);
}

static struct lid_slot *slot_of(struct lid_slot *table, const char *user)
{
    return &table[hash_text(user) % LID_CACHE_SLOTS];
}

void store_lids_clear(struct store *s)
{
    memset(s->lids, 0, sizeof *s->lids);
}

bool store_lids_migrated(struct store *s, const char *pn_user)
{
    uint64_t h = hash_text(pn_user) | 1;
    uint64_t *slot = &s->lids->migrated[(h >> 1) % MIGRATED_SLOTS];
    bool was = *slot == h;

    *slot = h;
    return was;
}

static void remember(struct store *s, const char *lid, const char *pn)
{
    struct lid_slot pair;

    memset(&pair, 0, sizeof pair);
    memcpy(pair.lid, lid, strlen(lid) + 1);
    memcpy(pair.pn, pn, strlen(pn) + 1);
    *slot_of(s->lids->by_lid, lid) = pair;
    *slot_of(s->lids->by_pn, pn) = pair;
}

static void forget(struct store *s, const char *lid, const char *pn)
{
    struct lid_slot *l = slot_of(s->lids->by_lid, lid);
    struct lid_slot *p = slot_of(s->lids->by_pn, pn);

    if (strcmp(l->lid, lid) == 0)
        memset(l, 0, sizeof *l);
    if (strcmp(p->pn, pn) == 0)
        memset(p, 0, sizeof *p);
}

static enum wb_err look_up(struct store *s, const char *sql, const char *user,
                           char ret[JID_USER_MAX + 1])
{
    return sql_row(&s->wa, sql, BINDS(BIND_TEXT(user)), COLS(COL_TEXT(ret, JID_USER_MAX + 1)));
}

static const char pn_by_lid[] = "SELECT pn FROM whatsmeow_lid_map WHERE lid = ?";
static const char lid_by_pn[] = "SELECT lid FROM whatsmeow_lid_map WHERE pn = ?";

static enum wb_err pn_user_of(struct store *s, const char *lid, char ret[JID_USER_MAX + 1])
{
    struct lid_slot *slot = slot_of(s->lids->by_lid, lid);

    if (strcmp(slot->lid, lid) == 0) {
        memcpy(ret, slot->pn, sizeof slot->pn);
        return WB_OK;
    }
    char pn[JID_USER_MAX + 1] = "";
    enum wb_err err = look_up(s, pn_by_lid, lid, pn);
    if (err == WB_OK) {
        remember(s, lid, pn);
        memcpy(ret, pn, sizeof pn);
    }
    return err;
}

static enum wb_err lid_user_of(struct store *s, const char *pn, char ret[JID_USER_MAX + 1])
{
    struct lid_slot *slot = slot_of(s->lids->by_pn, pn);

    if (strcmp(slot->pn, pn) == 0) {
        memcpy(ret, slot->lid, sizeof slot->lid);
        return WB_OK;
    }
    char lid[JID_USER_MAX + 1] = "";
    enum wb_err err = look_up(s, lid_by_pn, pn, lid);
    if (err == WB_OK) {
        remember(s, lid, pn);
        memcpy(ret, lid, sizeof lid);
    }
    return err;
}

/* Writes the pair, and removes rows that contradict it. */
static enum wb_err write_pair(struct store *s, const char *lid, const char *pn)
{
    enum wb_err err;

    TRY(sql_run(&s->wa, "DELETE FROM whatsmeow_lid_map WHERE pn = ? AND lid <> ?",
                BINDS(BIND_TEXT(pn), BIND_TEXT(lid))));
    err = sql_run(&s->wa,
                  "INSERT INTO whatsmeow_lid_map (lid, pn) VALUES (?, ?)"
                  " ON CONFLICT (lid) DO UPDATE SET pn = excluded.pn",
                  BINDS(BIND_TEXT(lid), BIND_TEXT(pn)));
out:
    return err;
}

enum wb_err store_lid_put(struct store *s, const struct jid *lid_in, const struct jid *pn_in,
                          bool *ret_changed)
{
    struct jid lid = jid_unhosted(*lid_in), pn = jid_unhosted(*pn_in);
    char old_pn[JID_USER_MAX + 1] = "", old_lid[JID_USER_MAX + 1] = "";
    enum wb_err err;

    if (lid.server == JID_PN && pn.server == JID_LID) {
        struct jid other = lid;

        lid = pn;
        pn = other;
    }
    if (lid.server != JID_LID || pn.server != JID_PN || !lid.user[0] || !pn.user[0])
        return WB_ERR_INVALID;
    err = pn_user_of(s, lid.user, old_pn);
    if (err == WB_OK && strcmp(old_pn, pn.user) == 0) {
        if (ret_changed)
            *ret_changed = false;
        return WB_OK;
    }
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    err = lid_user_of(s, pn.user, old_lid);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(write_pair(s, lid.user, pn.user));
    if (old_pn[0])
        forget(s, lid.user, old_pn);
    if (old_lid[0])
        forget(s, old_lid, pn.user);
    remember(s, lid.user, pn.user);
    if (ret_changed)
        *ret_changed = true;
out:
    return err;
}

enum wb_err store_lid_of_pn(struct store *s, const struct jid *pn, struct jid *ret_lid)
{
    char user[JID_USER_MAX + 1];
    struct jid j = jid_unhosted(*pn);

    if (j.server != JID_PN || !j.user[0])
        return WB_ERR_NOT_FOUND;
    enum wb_err err = lid_user_of(s, j.user, user);
    if (err == WB_OK)
        err = jid_make(span_cstr(user), JID_LID, pn->device, ret_lid);
    return err;
}

enum wb_err store_pn_of_lid(struct store *s, const struct jid *lid, struct jid *ret_pn)
{
    char user[JID_USER_MAX + 1];
    struct jid j = jid_unhosted(*lid);

    if (j.server != JID_LID || !j.user[0])
        return WB_ERR_NOT_FOUND;
    enum wb_err err = pn_user_of(s, j.user, user);
    if (err == WB_OK)
        err = jid_make(span_cstr(user), JID_PN, lid->device, ret_pn);
    return err;
}

enum wb_err store_other_form(struct store *s, const struct jid *who, struct jid *ret_other)
{
    return jid_unhosted(*who).server == JID_LID ? store_pn_of_lid(s, who, ret_other)
                                                : store_lid_of_pn(s, who, ret_other);
}

enum wb_err store_canonical(struct store *s, const struct jid *device, struct jid *ret)
{
    struct jid j = jid_unhosted(*device);
    struct jid lid;

    if (j.server == JID_PN) {
        enum wb_err err = store_lid_of_pn(s, &j, &lid);

        if (err == WB_OK)
            j = lid;
        else if (err != WB_ERR_NOT_FOUND)
            return err;
    }
    *ret = j;
    return WB_OK;
}
