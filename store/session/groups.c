#include "store/session/groups.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/session/limits.h"

#define COLUMNS                                                                                    \
    "jid, subject, addressing, ephemeral_s, announce, left, version, updated_at, kind, parent"

static enum wb_err read_group(struct stmt *q, void *ret)
{
    struct store_group *g = ret;
    int64_t kind = stmt_col_int(q, 8);

    memset(g, 0, sizeof *g);
    g->jid = stmt_col_jid(q, 0);
    stmt_col_text(q, 1, g->subject, sizeof g->subject);
    g->addressing = stmt_col_int(q, 2) ? STORE_ADDRESSING_LID : STORE_ADDRESSING_PN;
    g->ephemeral_s = (uint32_t)stmt_col_int(q, 3);
    g->announce = stmt_col_int(q, 4) != 0;
    g->left = stmt_col_int(q, 5) != 0;
    stmt_col_text(q, 6, g->version, sizeof g->version);
    g->updated_at = stmt_col_int(q, 7);
    g->kind = kind == STORE_GROUP_COMMUNITY      ? STORE_GROUP_COMMUNITY
              : kind == STORE_GROUP_ANNOUNCEMENT ? STORE_GROUP_ANNOUNCEMENT
                                                 : STORE_GROUP_ORDINARY;
    g->parent = stmt_col_jid(q, 9);
    return WB_OK;
}

static enum wb_err read_member(struct stmt *q, void *ret)
{
    struct store_group_member *m = ret;
    int64_t rank = stmt_col_int(q, 2);

    m->lid = stmt_col_jid(q, 0);
    m->pn = stmt_col_jid(q, 1);
    m->rank = rank == STORE_SUPERADMIN ? STORE_SUPERADMIN
              : rank == STORE_ADMIN    ? STORE_ADMIN
                                       : STORE_MEMBER;
    return WB_OK;
}

static enum wb_err count_members(struct store *s, const struct jid *group, size_t *ret)
{
    return sql_row(&s->wa,
                   "SELECT count(*) FROM bridge_group_members WHERE our_jid = ? AND group_jid = ?",
                   BINDS(BIND_TEXT(s->our), BIND_JID(group)), COLS(COL_SIZE(ret)));
}

static enum wb_err get_info(struct store *s, const struct jid *group, struct store_group *ret)
{
    return sql_row_by(&s->wa, "SELECT " COLUMNS " FROM bridge_groups WHERE our_jid = ? AND jid = ?",
                      BINDS(BIND_TEXT(s->our), BIND_JID(group)), read_group, ret);
}

enum wb_err store_group_get_info(struct store *s, const struct jid *group, struct store_group *ret)
{
    NEED_ACCOUNT(s);
    return get_info(s, group, ret);
}

enum wb_err store_group_get(struct store *s, const struct jid *group, struct arena *a,
                            struct store_group *ret)
{
    struct store_group g;
    size_t n = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(get_info(s, group, &g));
    TRY(count_members(s, group, &n));
    if (n > STORE_GROUP_MEMBERS_MAX)
        return WB_ERR_TOO_LARGE;
    g.members = arena_alloc(a, (n ? n : 1) * sizeof *g.members);
    if (!g.members)
        return WB_ERR_NOMEM;
    TRY(sql_rows(&s->wa,
                 "SELECT lid, pn, rank FROM bridge_group_members"
                 " WHERE our_jid = ? AND group_jid = ? ORDER BY member",
                 BINDS(BIND_TEXT(s->our), BIND_JID(group)), read_member, g.members,
                 sizeof *g.members, n, &g.nmembers));
    *ret = g;
out:
    return err;
}

static enum wb_err write_info(struct store *s, const struct store_group *g, const char *sql)
{
    return sql_run(&s->wa, sql,
                   BINDS(BIND_TEXT(s->our), BIND_JID(&g->jid), BIND_TEXT(g->subject),
                         BIND_INT(g->addressing == STORE_ADDRESSING_LID), BIND_INT(g->ephemeral_s),
                         BIND_INT(g->announce), BIND_INT(g->left), BIND_TEXT(g->version),
                         BIND_INT(g->updated_at), BIND_INT(g->kind), BIND_JID(&g->parent)));
}

enum wb_err store_group_put_info(struct store *s, const struct store_group *g)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(write_info(s, g,
                   "UPDATE bridge_groups SET subject = ?3, addressing = ?4, ephemeral_s = ?5,"
                   " announce = ?6, left = ?7, version = ?8, updated_at = ?9, kind = ?10,"
                   " parent = ?11"
                   " WHERE our_jid = ?1 AND jid = ?2"));
    if (stmt_changes(&s->wa) == 0)
        err = WB_ERR_NOT_FOUND;
out:
    return err;
}

static enum wb_err run_member(struct store *s, const char *sql, const struct jid *group,
                              const struct jid *lid, const struct jid *pn)
{
    return sql_run(&s->wa, sql,
                   BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_JID(lid), BIND_JID(pn)));
}

/* The key `member` is the LID where known; both forms are kept bare. */
static enum wb_err insert_member(struct store *s, const struct jid *group, const struct jid *lid,
                                 const struct jid *pn, enum store_group_rank rank)
{
    return sql_run(&s->wa,
                   "INSERT INTO bridge_group_members"
                   " (our_jid, group_jid, member, lid, pn, rank) VALUES (?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, group_jid, member) DO UPDATE SET"
                   " lid = excluded.lid, pn = excluded.pn, rank = excluded.rank",
                   BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_JID(jid_is_none(lid) ? pn : lid),
                         BIND_JID(lid), BIND_JID(pn), BIND_INT(rank)));
}

static enum wb_err member_forms(const struct store_group_member *m, struct jid *lid, struct jid *pn)
{
    *lid = jid_unhosted(jid_bare(m->lid));
    *pn = jid_unhosted(jid_bare(m->pn));
    return jid_is_none(lid) && jid_is_none(pn) ? WB_ERR_INVALID : WB_OK;
}

enum wb_err store_group_put(struct store *s, const struct store_group *g)
{
    const struct jid none = {0};
    struct jid lid, pn;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (g->nmembers > STORE_GROUP_MEMBERS_MAX)
        return WB_ERR_TOO_LARGE;
    for (size_t i = 0; i < g->nmembers; i++)
        TRY(member_forms(&g->members[i], &lid, &pn));
    TRY(write_info(s, g,
                   "INSERT INTO bridge_groups (our_jid, " COLUMNS ")"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, jid) DO UPDATE SET subject = excluded.subject,"
                   " addressing = excluded.addressing, ephemeral_s = excluded.ephemeral_s,"
                   " announce = excluded.announce, left = excluded.left,"
                   " version = excluded.version, updated_at = excluded.updated_at,"
                   " kind = excluded.kind, parent = excluded.parent"));
    TRY(run_member(s,
                   "DELETE FROM bridge_group_members WHERE our_jid = ?1 AND group_jid = ?2"
                   " AND ?3 IS NULL AND ?4 IS NULL",
                   &g->jid, &none, &none));
    for (size_t i = 0; i < g->nmembers; i++) {
        TRY(member_forms(&g->members[i], &lid, &pn));
        TRY(insert_member(s, &g->jid, &lid, &pn, g->members[i].rank));
    }
out:
    return err;
}

/* Removes the rows of a member under either form. One statement for each: SQLite would answer an OR
 * by reading the whole group, and a notification may name as many people as a group has. */
static enum wb_err remove_member(struct store *s, const struct jid *group, const struct jid *lid,
                                 const struct jid *pn)
{
    enum wb_err err;

    TRY(run_member(s,
                   "DELETE FROM bridge_group_members WHERE our_jid = ?1 AND group_jid = ?2"
                   " AND member = coalesce(?3, ?4)",
                   group, lid, pn));
    err = run_member(s,
                     "DELETE FROM bridge_group_members WHERE +our_jid = ?1 AND group_jid = ?2"
                     " AND pn = coalesce(?4, ?3)",
                     group, lid, pn);
out:
    return err;
}

/* Columns of the members whose LID is ?3 or whose phone number is ?4, each found by an index; '+'
 * makes SQLite use the index on the phone numbers. */
#define MEMBER_OF(columns)                                                                         \
    "SELECT " columns " FROM bridge_group_members WHERE our_jid = ?1 AND group_jid = ?2"           \
    " AND member = ?3 UNION ALL SELECT " columns " FROM bridge_group_members"                      \
    " WHERE +our_jid = ?1 AND group_jid = ?2 AND pn = ?4"

struct forms {
    struct jid *lid, *pn;
};

static enum wb_err fill_forms(struct stmt *q, void *ctx)
{
    const struct forms *f = ctx;

    if (jid_is_none(f->lid))
        *f->lid = stmt_col_jid(q, 0);
    if (jid_is_none(f->pn))
        *f->pn = stmt_col_jid(q, 1);
    return WB_OK;
}

/* Fills in the forms that the row of this member has and the caller has not; removes that row. */
static enum wb_err take_member(struct store *s, const struct jid *group, struct jid *lid,
                               struct jid *pn)
{
    struct forms f = {lid, pn};
    enum wb_err err;

    TRY(sql_each(&s->wa, MEMBER_OF("lid, pn"),
                 BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_JID(lid), BIND_JID(pn)), fill_forms,
                 &f));
    err = remove_member(s, group, lid, pn);
out:
    return err;
}

enum wb_err store_group_member_put(struct store *s, const struct jid *group,
                                   const struct store_group_member *m)
{
    struct store_group g;
    struct jid lid, pn;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(member_forms(m, &lid, &pn));
    TRY(get_info(s, group, &g));
    TRY(take_member(s, group, &lid, &pn));
    err = insert_member(s, group, &lid, &pn, m->rank);
out:
    return err;
}

enum wb_err store_group_member_get(struct store *s, const struct jid *group, const struct jid *user,
                                   struct store_group_member *ret)
{
    struct jid bare = jid_unhosted(jid_bare(*user));

    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa, MEMBER_OF("lid, pn, rank"),
                      BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_JID(&bare), BIND_JID(&bare)),
                      read_member, ret);
}

enum wb_err store_group_member_remove(struct store *s, const struct jid *group,
                                      const struct jid *user)
{
    struct jid bare = jid_unhosted(jid_bare(*user));

    NEED_ACCOUNT(s);
    return remove_member(s, group, &bare, &bare);
}

static enum wb_err read_listed(struct stmt *q, void *ret)
{
    struct store_group *g = ret;
    enum wb_err err = read_group(q, g);

    g->nmembers = (size_t)stmt_col_int(q, 10);
    return err;
}

enum wb_err store_groups_list(struct store *s, struct arena *a, struct store_group **ret,
                              size_t *ret_n)
{
    struct store_group *groups;
    int64_t max = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(db_query_int(&s->wa, "SELECT count(*) FROM bridge_groups", &max));
    groups = arena_alloc(a, (size_t)(max + 1) * sizeof *groups);
    if (!groups)
        return WB_ERR_NOMEM;
    TRY(sql_rows(&s->wa,
                 "SELECT " COLUMNS ", (SELECT count(*) FROM bridge_group_members AS m"
                 " WHERE m.our_jid = g.our_jid AND m.group_jid = g.jid) FROM bridge_groups AS g"
                 " WHERE our_jid = ? ORDER BY subject COLLATE NOCASE, jid",
                 BINDS(BIND_TEXT(s->our)), read_listed, groups, sizeof *groups, (size_t)max,
                 ret_n));
    *ret = groups;
out:
    return err;
}
