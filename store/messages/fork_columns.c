#include "store/messages/fork_columns.h"

#include "store/core/state.h"
#include "store/db/db_schema.h"
#include "store/db/sql.h"
#include "store/messages/message_row.h"

enum wb_err fork_columns_look(struct store *s)
{
    bool quoted = false, deleted = false;
    enum wb_err err;

    TRY(db_has_column(&s->msg, "messages", "quoted_message_id", &quoted));
    TRY(db_has_column(&s->msg, "messages", "deleted_at", &deleted));
    s->fork.quoted = quoted;
    s->fork.deleted = deleted;
out:
    return err;
}

enum wb_err fork_columns_quoted(struct store *s, int64_t rowid)
{
    if (!s->fork.quoted)
        return WB_OK;
    return sql_run(&s->msg, "UPDATE messages SET quoted_message_id = quoted_id WHERE rowid = ?",
                   BINDS(BIND_INT(rowid)));
}

enum wb_err fork_columns_deleted(struct store *s, int64_t rowid, int64_t t)
{
    char text[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    if (!s->fork.deleted)
        return WB_OK;
    TRY(stmt_write(&q, &s->msg, "UPDATE messages SET deleted_at = ? WHERE rowid = ?"));
    bind_time(&q, s, t, text);
    stmt_int(&q, rowid);
    err = stmt_run(&q);
out:
    return err;
}
