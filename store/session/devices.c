#include "store/session/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/session/limits.h"
#include "store/session/signal_user.h"

/* Text form of a list: "id:key_index[h]", comma between, e.g. "0:0,3:5,99:0h". */
static void put_list(const struct store_device_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++)
        buf_printf(out, "%s%u:%u%s", i ? "," : "", (unsigned)list->devices[i].id,
                   (unsigned)list->devices[i].key_index, list->devices[i].hosted ? "h" : "");
}

static bool get_device(const char *text, struct store_device *ret)
{
    char *end = NULL;
    unsigned long id = strtoul(text, &end, 10);

    if (end == text || *end != ':' || id > UINT16_MAX)
        return false;
    const char *second = end + 1;
    unsigned long index = strtoul(second, &end, 10);
    if (end == second || index > UINT32_MAX)
        return false;
    *ret = (struct store_device){(uint16_t)id, (uint32_t)index, *end == 'h'};
    return end[*end == 'h'] == 0;
}

/* text is changed. An unreadable list is as good as none. */
static enum wb_err get_list(char *text, struct arena *a, struct store_device_list *ret)
{
    size_t n = text[0] ? 1 : 0, i = 0;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    if (n > STORE_DEVICES_MAX)
        return WB_ERR_NOT_FOUND;
    ret->devices = arena_alloc(a, (n ? n : 1) * sizeof *ret->devices);
    if (!ret->devices)
        return WB_ERR_NOMEM;
    char *save = NULL;
    for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
        if (i == n || !get_device(t, &ret->devices[i]))
            return WB_ERR_NOT_FOUND;
        i++;
    }
    ret->n = i;
    return WB_OK;
}

enum wb_err store_devices_get(struct store *s, const struct jid *user, struct arena *a,
                              struct store_device_list *ret)
{
    struct jid bare = jid_unhosted(jid_bare(*user));
    struct store_device_list list = {0};
    struct span text = SPAN_NULL;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa,
                "SELECT devices, hash, checked_at FROM bridge_devices"
                " WHERE our_jid = ? AND user = ?",
                BINDS(BIND_TEXT(s->our), BIND_JID(&bare)),
                COLS(COL_COPY(a, &text), COL_TEXT(list.hash, sizeof list.hash),
                     COL_INT(&list.checked_at))));
    char *copy = arena_cstr(a, text);
    if (!copy)
        return WB_ERR_NOMEM;
    TRY(get_list(copy, a, &list));
    *ret = list;
out:
    return err;
}

enum wb_err store_devices_put(struct store *s, const struct jid *user,
                              const struct store_device_list *list)
{
    struct jid bare = jid_unhosted(jid_bare(*user));
    struct buf text = buf_new(STORE_DEVICES_MAX * 24);
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (list->n > STORE_DEVICES_MAX)
        return WB_ERR_TOO_LARGE;
    put_list(list, &text);
    TRY(buf_err(&text));
    err = sql_run(&s->wa,
                  "INSERT INTO bridge_devices (our_jid, user, devices, hash, checked_at)"
                  " VALUES (?, ?, ?, ?, ?)"
                  " ON CONFLICT (our_jid, user) DO UPDATE SET devices = excluded.devices,"
                  " hash = excluded.hash, checked_at = excluded.checked_at",
                  BINDS(BIND_TEXT(s->our), BIND_JID(&bare), BIND_TEXT(buf_cstr(&text)),
                        BIND_TEXT(list->hash), BIND_INT(list->checked_at)));
out:
    buf_free(&text);
    return err;
}

enum wb_err store_devices_drop(struct store *s, const struct jid *user)
{
    struct jid bare = jid_unhosted(jid_bare(*user));

    NEED_ACCOUNT(s);
    return sql_run(&s->wa, "DELETE FROM bridge_devices WHERE our_jid = ? AND user = ?",
                   BINDS(BIND_TEXT(s->our), BIND_JID(&bare)));
}

/* ---- sender key memory ---- */

/* This mark stands behind the address in bridge_skdm.device: the device has the key, but is to be
 * given it again. A device has one row in each group, with the mark or without. A row of the same
 * text in bridge_skdm_carriers says by which message of ours the device was given the key, while
 * the server has not accepted that message yet. That is a table of its own because older programs,
 * to which the file may go back, write all columns of the first. */
#define IN_DOUBT "?"
#define PUT_IN_DOUBT                                                                               \
    "UPDATE OR REPLACE bridge_skdm SET device = rtrim(device, '" IN_DOUBT "') || '" IN_DOUBT "'"
#define NOT_IN_DOUBT " AND substr(device, -1) <> '" IN_DOUBT "'"

struct skdm_device {
    char address[JID_TEXT_MAX + 1]; /* one more: the mark behind it */
    size_t place;                   /* in the caller's array */
};

static int compare_address(const void *a, const void *b)
{
    return strcmp(((const struct skdm_device *)a)->address,
                  ((const struct skdm_device *)b)->address);
}

/* Takes off the mark; false when there is none. */
static bool take_doubt(char *address)
{
    size_t n = strlen(address);

    if (n == 0 || address[n - 1] != IN_DOUBT[0])
        return false;
    address[n - 1] = '\0';
    return true;
}

/* Marks devices[] that are among those given the key, and counts the others: one statement for all,
 * a large group has thousands. Those in doubt are neither. has may be NULL. */
static enum wb_err skdm_given(struct store *s, const struct jid *group, uint32_t key_id,
                              const struct jid *devices, size_t n, bool *has, size_t *ret_others)
{
    struct skdm_device *all = calloc(n ? n : 1, sizeof *all), row, *found;
    struct stmt q;
    size_t others = 0;
    enum wb_err err = all ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    for (size_t i = 0; i < n; i++) {
        jid_signal_address(&devices[i], all[i].address);
        all[i].place = i;
    }
    qsort(all, n, sizeof *all, compare_address);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT device FROM bridge_skdm"
                  " WHERE our_jid = ? AND group_jid = ? AND key_id = ?"));
    stmt_text(&q, s->our);
    stmt_jid(&q, group);
    stmt_int(&q, key_id);
    while ((err = stmt_step(&q)) == WB_OK) {
        stmt_col_text(&q, 0, row.address, sizeof row.address);
        const bool doubted = take_doubt(row.address);
        found = bsearch(&row, all, n, sizeof *all, compare_address);
        others += !found;
        /* Two that were listed may share an address. */
        while (found && found > all && compare_address(found - 1, &row) == 0)
            found--;
        for (; has && !doubted && found && found < all + n && compare_address(found, &row) == 0;
             found++)
            has[found->place] = true;
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND) {
        *ret_others = others;
        err = WB_OK;
    }
out:
    free(all);
    return err;
}

enum wb_err store_skdm_missing(struct store *s, const struct jid *group, uint32_t key_id,
                               const struct jid *devices, size_t n, bool *ret_missing)
{
    size_t others;
    enum wb_err err;

    NEED_ACCOUNT(s);
    memset(ret_missing, 0, n * sizeof *ret_missing);
    TRY(skdm_given(s, group, key_id, devices, n, ret_missing, &others));
    for (size_t i = 0; i < n; i++)
        ret_missing[i] = !ret_missing[i];
out:
    return err;
}

enum wb_err store_skdm_others(struct store *s, const struct jid *group, uint32_t key_id,
                              const struct jid *devices, size_t n, size_t *ret_others)
{
    NEED_ACCOUNT(s);
    return skdm_given(s, group, key_id, devices, n, NULL, ret_others);
}

enum wb_err store_skdm_mark(struct store *s, const struct jid *group, uint32_t key_id,
                            const struct jid *devices, size_t n)
{
    char group_text[JID_TEXT_MAX];
    enum wb_err err = WB_OK;

    NEED_ACCOUNT(s);
    jid_text(group, group_text);
    for (size_t i = 0; err == WB_OK && i < n; i++)
        err = sql_run(&s->wa,
                      "INSERT INTO bridge_skdm (our_jid, group_jid, device, key_id)"
                      " VALUES (?, ?, ?, ?)"
                      " ON CONFLICT (our_jid, group_jid, device) DO UPDATE SET"
                      " key_id = excluded.key_id",
                      BINDS(BIND_TEXT(s->our), BIND_TEXT(group_text), BIND_ADDRESS(&devices[i]),
                            BIND_INT(key_id)));
    return err;
}

/* Rows about the group's former keys are of no use any more. */
static enum wb_err forget_other_keys(struct store *s, const struct jid *group, uint32_t key_id)
{
    enum wb_err err;

    TRY(sql_run(&s->wa,
                "DELETE FROM bridge_skdm WHERE our_jid = ? AND group_jid = ? AND key_id <> ?",
                BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_INT(key_id))));
    err = sql_run(&s->wa,
                  "DELETE FROM bridge_skdm_carriers"
                  " WHERE our_jid = ? AND group_jid = ? AND key_id <> ?",
                  BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_INT(key_id)));
out:
    return err;
}

enum wb_err store_skdm_carry(struct store *s, const struct jid *group, uint32_t key_id,
                             const struct jid *devices, size_t n, const char *carrier)
{
    char group_text[JID_TEXT_MAX];
    enum wb_err err;

    NEED_ACCOUNT(s);
    jid_text(group, group_text);
    TRY(forget_other_keys(s, group, key_id));
    for (size_t i = 0; i < n; i++) {
        TRY(sql_run(&s->wa,
                    "INSERT INTO bridge_skdm (our_jid, group_jid, device, key_id)"
                    " VALUES (?, ?, ? || '" IN_DOUBT "', ?)"
                    " ON CONFLICT (our_jid, group_jid, device) DO UPDATE SET"
                    " key_id = excluded.key_id",
                    BINDS(BIND_TEXT(s->our), BIND_TEXT(group_text), BIND_ADDRESS(&devices[i]),
                          BIND_INT(key_id))));
        TRY(sql_run(&s->wa,
                    "INSERT INTO bridge_skdm_carriers"
                    " (our_jid, group_jid, device, key_id, carrier)"
                    " VALUES (?, ?, ? || '" IN_DOUBT "', ?, ?)"
                    " ON CONFLICT (our_jid, group_jid, device) DO UPDATE SET"
                    " key_id = excluded.key_id, carrier = excluded.carrier",
                    BINDS(BIND_TEXT(s->our), BIND_TEXT(group_text), BIND_ADDRESS(&devices[i]),
                          BIND_INT(key_id), BIND_TEXT(carrier))));
    }
out:
    return err;
}

enum wb_err store_skdm_refused(struct store *s, const struct jid *group, const char *carrier)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "DELETE FROM bridge_skdm_carriers"
                   " WHERE our_jid = ? AND group_jid = ? AND carrier = ?",
                   BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_TEXT(carrier)));
}

enum wb_err store_skdm_carried(struct store *s, const struct jid *group, const char *carrier)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa,
                "UPDATE OR REPLACE bridge_skdm SET device = rtrim(device, '" IN_DOUBT "')"
                " WHERE our_jid = ?1 AND group_jid = ?2 AND (device, key_id) IN"
                " (SELECT c.device, c.key_id FROM bridge_skdm_carriers AS c"
                " WHERE c.our_jid = ?1 AND c.group_jid = ?2 AND c.carrier = ?3)",
                BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_TEXT(carrier))));
    err = store_skdm_refused(s, group, carrier); /* nothing waits for its ack any more */
out:
    return err;
}

/* From now on the ack of the message that gave this device the key says nothing about the device.
 */
static enum wb_err not_carried(struct store *s, const struct jid *group, const struct jid *device)
{
    return sql_run(&s->wa,
                   "DELETE FROM bridge_skdm_carriers"
                   " WHERE our_jid = ? AND group_jid = ? AND device = ? || '" IN_DOUBT "'",
                   BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_ADDRESS(device)));
}

/* The same in all groups. */
enum wb_err store_skdm_not_carried(struct store *s, const struct jid *device)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "DELETE FROM bridge_skdm_carriers WHERE our_jid = ?1"
                   " AND device = ?2 || '" IN_DOUBT "' AND group_jid IN (SELECT k.group_jid"
                   " FROM bridge_skdm AS k WHERE k.our_jid = ?1"
                   " AND k.device = ?2 || '" IN_DOUBT "')",
                   BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device)));
}

enum wb_err store_skdm_doubt_given(struct store *s, const struct jid *group,
                                   const struct jid *device)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(not_carried(s, group, device));
    err = sql_run(
        &s->wa,
        PUT_IN_DOUBT " WHERE our_jid = ? AND group_jid = ?"
                     " AND device IN (?, ? || '" IN_DOUBT "')",
        BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_ADDRESS(device), BIND_ADDRESS(device)));
out:
    return err;
}

enum wb_err store_skdm_doubt_device(struct store *s, const struct jid *group, uint32_t key_id,
                                    const struct jid *device)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(not_carried(s, group, device));
    TRY(store_skdm_mark(s, group, key_id, device, 1));
    err = sql_run(&s->wa, PUT_IN_DOUBT " WHERE our_jid = ? AND group_jid = ? AND device = ?",
                  BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_ADDRESS(device)));
out:
    return err;
}

/* Without statistics SQLite 3.46 would read all of our rows. */
#define SKDM_BY_DEVICE "bridge_skdm" SQL_BY_INDEX("bridge_skdm_device")

/* The row gets a text that is no device's address, so that store_skdm_others() counts it for ever.
 */
enum wb_err store_skdm_retire_device(struct store *s, const struct jid *device)
{
    enum wb_err err;

    TRY(store_skdm_not_carried(s, device));
    err = sql_run(&s->wa,
                  "UPDATE OR REPLACE " SKDM_BY_DEVICE " SET device = device || '!'"
                  " WHERE our_jid = ? AND device IN (?, ? || '" IN_DOUBT "')",
                  BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device), BIND_ADDRESS(device)));
out:
    return err;
}

enum wb_err store_skdm_doubt_user(struct store *s, const struct jid *user)
{
    struct signal_user u = signal_user_of(user);
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa,
                "DELETE FROM bridge_skdm_carriers WHERE our_jid = ?1 AND (group_jid, device) IN"
                " (SELECT k.group_jid, k.device FROM bridge_skdm AS k WHERE k.our_jid = ?1"
                " AND k.device >= ?2 AND k.device < ?3)",
                BINDS(BIND_TEXT(s->our), BIND_TEXT(u.from), BIND_TEXT(u.to))));
    err = sql_run(&s->wa,
                  PUT_IN_DOUBT " WHERE our_jid = ? AND device >= ? AND device < ?" NOT_IN_DOUBT,
                  BINDS(BIND_TEXT(s->our), BIND_TEXT(u.from), BIND_TEXT(u.to)));
out:
    return err;
}

enum wb_err store_skdm_doubt_group(struct store *s, const struct jid *group)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa, "DELETE FROM bridge_skdm_carriers WHERE our_jid = ? AND group_jid = ?",
                BINDS(BIND_TEXT(s->our), BIND_JID(group))));
    err = sql_run(&s->wa, PUT_IN_DOUBT " WHERE our_jid = ? AND group_jid = ?" NOT_IN_DOUBT,
                  BINDS(BIND_TEXT(s->our), BIND_JID(group)));
out:
    return err;
}
