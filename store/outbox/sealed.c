/* Lists of devices as text, one person a line: "222000011@lid:0,3\n". */
#include "store/outbox/sealed.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/prim_hash.h"
#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/outbox/limits.h"
#include "store/session/other_form.h"

/* A list in use gets a new time once a day only: writing it means writing its pages. */
enum { TOUCH_S = 24 * 3600 };

#define LIST_OF                                                                                    \
    "SELECT l.devices FROM bridge_sealed AS m JOIN bridge_sealed_lists AS l"                       \
    " ON l.list = m.list WHERE m.our_jid = ? AND m.message_id = ?"

/* ---- the text ---- */

static enum wb_err write_list(const struct jid *devices, size_t n, struct buf *out)
{
    char text[JID_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        struct jid plain = jid_unhosted(devices[i]), user = jid_bare(plain), before;
        bool same = false;

        if (i > 0) {
            before = jid_unhosted(devices[i - 1]);
            same = jid_same_user(&plain, &before);
        }
        if (same)
            buf_printf(out, ",%u", (unsigned)plain.device);
        else
            buf_printf(out, "%s%s:%u", i ? "\n" : "", jid_text(&user, text),
                       (unsigned)plain.device);
    }
    if (n)
        buf_u8(out, '\n');
    return buf_err(out);
}

/* Is this number among "0,3,12"? */
static bool has_number(struct span numbers, unsigned wanted)
{
    while (numbers.n) {
        const uint8_t *comma = memchr(numbers.p, ',', numbers.n);
        size_t n = comma ? (size_t)(comma - numbers.p) : numbers.n;
        uint64_t number;

        if (span_to_u64(span_first(numbers, n), &number) && number == wanted)
            return true;
        numbers = span_skip(numbers, comma ? n + 1 : n);
    }
    return false;
}

/* Is this the line of that person? Then *ret_devices is the rest of it. */
static bool is_line_of(struct span line, const char *user, struct span *ret_devices)
{
    size_t n = strlen(user);

    if (line.n <= n || line.p[n] != ':' || memcmp(line.p, user, n) != 0)
        return false;
    *ret_devices = span_skip(line, n + 1);
    return true;
}

/* A person may stand in it twice, when devices of two forms were listed: the first line names them,
 * whichever form is asked for, so that they are one person to whoever counts. */
static void look_through(struct span list, const struct jid *forms, size_t nforms, unsigned device,
                         struct store_sealed_match *m)
{
    char users[2][JID_TEXT_MAX];

    for (size_t i = 0; i < nforms; i++)
        jid_text(&forms[i], users[i]);
    while (list.n) {
        const uint8_t *end = memchr(list.p, '\n', list.n);
        size_t n = end ? (size_t)(end - list.p) : list.n;

        for (size_t i = 0; i < nforms; i++) {
            struct span devices;

            if (!is_line_of(span_first(list, n), users[i], &devices))
                continue;
            if (!m->person)
                m->as = forms[i];
            m->person = true;
            m->device |= has_number(devices, device);
        }
        list = span_skip(list, end ? n + 1 : n);
    }
}

/* ---- rows ---- */

static enum wb_err find_list(struct store *s, struct span hash, int64_t *ret_list, int64_t *ret_at)
{
    return sql_row(
        &s->wa, "SELECT list, used_at FROM bridge_sealed_lists WHERE our_jid = ? AND hash = ?",
        BINDS(BIND_TEXT(s->our), BIND_BLOB(hash)), COLS(COL_INT(ret_list), COL_INT(ret_at)));
}

static enum wb_err add_list(struct store *s, struct span hash, struct span text, int64_t now,
                            int64_t *ret_list)
{
    enum wb_err err;

    TRY(sql_run(&s->wa,
                "INSERT INTO bridge_sealed_lists (our_jid, hash, used_at, devices)"
                " VALUES (?, ?, ?, ?)",
                BINDS(BIND_TEXT(s->our), BIND_BLOB(hash), BIND_INT(now), BIND_OR_EMPTY(text))));
    *ret_list = stmt_inserted(&s->wa);
out:
    return err;
}

static enum wb_err touch_list(struct store *s, int64_t list, int64_t now)
{
    return sql_run(&s->wa, "UPDATE bridge_sealed_lists SET used_at = ? WHERE list = ?",
                   BINDS(BIND_INT(now), BIND_INT(list)));
}

/* The list of these devices, behind the text of another one. */
static enum wb_err list_for(struct store *s, struct span before, const struct jid *devices,
                            size_t n, int64_t now, int64_t *ret_list)
{
    uint8_t hash[SHA256_BYTES];
    struct buf text = buf_new(STORE_SEALED_LIST_MAX);
    int64_t at = 0;
    enum wb_err err;

    buf_append(&text, before);
    TRY(write_list(devices, n, &text));
    sha256(buf_span(&text), hash);
    err = find_list(s, SPAN_ARRAY(hash), ret_list, &at);
    if (err == WB_ERR_NOT_FOUND)
        err = add_list(s, SPAN_ARRAY(hash), buf_span(&text), now, ret_list);
    else if (err == WB_OK && (at < now - TOUCH_S || at > now))
        err = touch_list(s, *ret_list, now);
out:
    buf_free(&text);
    return err;
}

static enum wb_err put(struct store *s, struct span id, struct span before,
                       const struct jid *devices, size_t n, int64_t now)
{
    int64_t list = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (!id.n || id.n > STORE_MESSAGE_ID_MAX)
        return WB_ERR_INVALID;
    TRY(list_for(s, before, devices, n, now, &list));
    err = sql_run(&s->wa,
                  "INSERT INTO bridge_sealed (our_jid, message_id, list, sealed_at)"
                  " VALUES (?, ?, ?, ?)"
                  " ON CONFLICT (our_jid, message_id) DO UPDATE SET list = excluded.list,"
                  " sealed_at = excluded.sealed_at",
                  BINDS(BIND_TEXT(s->our), BIND_SPAN(id), BIND_INT(list), BIND_INT(now)));
out:
    return err;
}

enum wb_err store_sealed_put(struct store *s, struct span id, const struct jid *devices, size_t n,
                             int64_t now)
{
    return put(s, id, SPAN_NULL, devices, n, now);
}

enum wb_err store_sealed_add(struct store *s, struct span id, const struct jid *devices, size_t n,
                             int64_t now)
{
    struct arena a = arena_new(STORE_SEALED_LIST_MAX * 2U);
    struct span before = SPAN_NULL;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa, LIST_OF, BINDS(BIND_TEXT(s->our), BIND_SPAN(id)),
                COLS(COL_COPY(&a, &before))));
    err = put(s, id, before, devices, n, now);
out:
    arena_free(&a);
    return err;
}

enum wb_err store_sealed_find(struct store *s, struct span id, const struct jid *device,
                              struct store_sealed_match *ret)
{
    struct store_sealed_match m;
    struct jid forms[2];
    size_t n = 0;
    struct stmt q;
    enum wb_err err;

    memset(&m, 0, sizeof m);
    NEED_ACCOUNT(s);
    TRY(both_forms(s, device, forms, &n));
    TRY(stmt_read(&q, &s->wa, LIST_OF));
    stmt_text(&q, s->our);
    stmt_text_span(&q, id);
    err = stmt_step(&q);
    if (err == WB_OK)
        look_through(stmt_col_span(&q, 0), forms, n, device->device, &m);
    stmt_end(&q);
    if (err == WB_OK)
        *ret = m;
out:
    return err;
}

/* ---- many of one message ---- */

struct sealed_line {
    struct span user, devices;
};

struct store_sealed_list {
    struct store *s;
    struct arena text;
    struct sealed_line *lines; /* sorted by user; the same user may have several */
    size_t n;
};

static int compare_lines(const void *a, const void *b)
{
    const struct span x = ((const struct sealed_line *)a)->user;
    const struct span y = ((const struct sealed_line *)b)->user;
    const int c = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

    return c ? c : (x.n > y.n) - (x.n < y.n);
}

static enum wb_err cut_lines(struct store_sealed_list *l, struct span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    l->lines = calloc(n + 1, sizeof *l->lines);
    if (!l->lines)
        return WB_ERR_NOMEM;
    while (l->n < n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        const struct span line = span_first(text, (size_t)(end - text.p));
        const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;

        if (!colon)
            return WB_ERR_DB_CORRUPT;
        const size_t user = (size_t)(colon - line.p);
        l->lines[l->n++] = (struct sealed_line){span_first(line, user), span_skip(line, user + 1)};
        text = span_skip(text, line.n + 1);
    }
    qsort(l->lines, l->n, sizeof *l->lines, compare_lines);
    return WB_OK;
}

enum wb_err store_sealed_load(struct store *s, struct span id, struct store_sealed_list **ret)
{
    struct store_sealed_list *l = calloc(1, sizeof *l);
    struct span text = SPAN_NULL;
    enum wb_err err = l ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    l->s = s;
    l->text = arena_new(STORE_SEALED_LIST_MAX * 2U);
    if (!s->our[0]) {
        err = WB_ERR_STATE;
        goto out;
    }
    TRY(sql_row(&s->wa, LIST_OF, BINDS(BIND_TEXT(s->our), BIND_SPAN(id)),
                COLS(COL_COPY(&l->text, &text))));
    TRY(cut_lines(l, text));
    *ret = l;
    l = NULL;
out:
    store_sealed_free(l);
    return err;
}

void store_sealed_free(struct store_sealed_list *list)
{
    if (!list)
        return;
    arena_free(&list->text);
    free(list->lines);
    free(list);
}

static void look_at(const struct store_sealed_list *list, const struct jid *user, unsigned device,
                    bool *person, bool *exactly)
{
    char text[JID_TEXT_MAX];
    const struct sealed_line wanted = {.user = span_cstr(jid_text(user, text))};
    const struct sealed_line *end = list->lines + list->n;
    const struct sealed_line *at =
        bsearch(&wanted, list->lines, list->n, sizeof wanted, compare_lines);

    while (at && at > list->lines && compare_lines(at - 1, &wanted) == 0)
        at--;
    for (; at && at < end && compare_lines(at, &wanted) == 0; at++) {
        *person = true;
        *exactly |= has_number(at->devices, device);
    }
}

enum wb_err store_sealed_has(struct store_sealed_list *list, const struct jid *device,
                             bool *ret_person, bool *ret_device)
{
    const struct jid user = jid_unhosted(jid_bare(*device));
    struct jid forms[2];
    bool person = false, exactly = false;
    size_t n = 0;
    enum wb_err err = WB_OK;

    look_at(list, &user, device->device, &person, &exactly);
    if (!exactly) { /* asking for the other form costs more than the rest */
        TRY(both_forms(list->s, device, forms, &n));
        for (size_t i = 1; i < n; i++)
            look_at(list, &forms[i], device->device, &person, &exactly);
    }
    *ret_person = person;
    *ret_device = exactly;
out:
    return err;
}

/* ---- forgetting ---- */

/* A statement with the account, a time and, unless 0, a limit. */
static enum wb_err run_aged(struct store *s, const char *sql, int64_t t, int64_t limit,
                            size_t *ret_changed)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_write(&q, &s->wa, sql));
    stmt_text(&q, s->our);
    stmt_int(&q, t);
    if (limit > 0)
        stmt_int(&q, limit);
    TRY(stmt_run(&q));
    *ret_changed = stmt_changes(&s->wa);
out:
    return err;
}

enum wb_err store_sealed_prune(struct store *s, int64_t now, int64_t keep_s, bool *ret_more)
{
    size_t messages = 0, lists = 0, changed;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(run_aged(s, "UPDATE bridge_sealed SET sealed_at = ?2 WHERE our_jid = ?1 AND sealed_at > ?2",
                 now, 0, &changed));
    TRY(run_aged(s,
                 "UPDATE bridge_sealed_lists SET used_at = ?2 WHERE our_jid = ?1 AND used_at > ?2",
                 now, 0, &changed));
    TRY(run_aged(s,
                 "DELETE FROM bridge_sealed WHERE seq IN (SELECT seq FROM bridge_sealed"
                 " WHERE our_jid = ?1 AND sealed_at < ?2 ORDER BY sealed_at LIMIT ?3)",
                 now - keep_s, STORE_PRUNE_ROWS, &messages));
    /* A list is as old as its last message, up to a day. */
    TRY(run_aged(s,
                 "DELETE FROM bridge_sealed_lists WHERE list IN (SELECT list FROM"
                 " bridge_sealed_lists WHERE our_jid = ?1 AND used_at < ?2 ORDER BY used_at"
                 " LIMIT ?3)",
                 now - keep_s - 2 * TOUCH_S, STORE_PRUNE_ROWS, &lists));
    *ret_more = messages == STORE_PRUNE_ROWS || lists == STORE_PRUNE_ROWS;
out:
    return err;
}
