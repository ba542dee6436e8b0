/* Who has confirmed what we sent: one row per message and person, so that a phone and its
 * companions count once, and a group's message moves when the last of its people has it. */
#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/outbox/outbox.h"
#include "store/outbox/outbox_row.h"

_Static_assert(OUTBOX_READ == 4, "OUTBOX_COLUMNS counts it");

struct sealed_row {
    int64_t seq;
    enum store_outbox_state state;
    int64_t recipients;
};

static enum wb_err find(struct store *s, const char *message_id, struct sealed_row *ret)
{
    int64_t state = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa,
                "SELECT seq, state, recipients FROM bridge_outbox"
                " WHERE our_jid = ? AND message_id = ?",
                BINDS(BIND_TEXT(s->our), BIND_TEXT(message_id)),
                COLS(COL_INT(&ret->seq), COL_INT(&state), COL_INT(&ret->recipients))));
    ret->state = (enum store_outbox_state)state;
out:
    return err;
}

enum wb_err store_outbox_chat(struct store *s, const char *message_id, struct jid *ret_chat)
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa,
                   "SELECT chat_jid FROM bridge_outbox WHERE our_jid = ? AND message_id = ?",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(message_id)), COLS(COL_JID(ret_chat)));
}

static enum wb_err note(struct store *s, int64_t seq, const struct jid *person,
                        enum store_outbox_state state)
{
    char text[JID_TEXT_MAX];
    struct jid one = jid_bare(jid_unhosted(*person));

    return sql_run(&s->wa,
                   "INSERT INTO bridge_outbox_receipts AS r (seq, person, state) VALUES (?, ?, ?)"
                   " ON CONFLICT (seq, person) DO UPDATE"
                   " SET state = " SQL_GREATER("r.state", "excluded.state"),
                   BINDS(BIND_INT(seq), BIND_TEXT(jid_text(&one, text)), BIND_INT(state)));
}

static enum wb_err count(struct store *s, int64_t seq, enum store_outbox_state state, int64_t *ret)
{
    return sql_int(&s->wa,
                   "SELECT count(*) FROM bridge_outbox_receipts WHERE seq = ? AND state >= ?",
                   BINDS(BIND_INT(seq), BIND_INT(state)), ret);
}

/* The farthest state up to that of the receipt which all have reached. */
static enum wb_err reached(struct store *s, const struct sealed_row *row,
                           enum store_outbox_state receipt, enum store_outbox_state *ret)
{
    int64_t n = 0;
    enum wb_err err = WB_OK;

    *ret = row->state;
    for (int state = OUTBOX_DELIVERED; state <= (int)receipt; state++) {
        if ((int)row->state >= state)
            continue;
        TRY(count(s, row->seq, (enum store_outbox_state)state, &n));
        if (n > 0 && n >= row->recipients)
            *ret = (enum store_outbox_state)state;
    }
out:
    return err;
}

enum wb_err store_outbox_receipt(struct store *s, const char *message_id, const struct jid *person,
                                 enum store_outbox_state state)
{
    struct sealed_row row = {0};
    enum store_outbox_state now;
    enum wb_err err;

    if (!jid_is_person(person) || (state != OUTBOX_DELIVERED && state != OUTBOX_READ))
        return WB_ERR_INVALID;
    TRY(find(s, message_id, &row));
    if (row.state == OUTBOX_QUEUED || row.state == OUTBOX_FAILED)
        return WB_OK;
    TRY(note(s, row.seq, person, state));
    TRY(reached(s, &row, state, &now));
    if (now == row.state)
        return WB_OK;
    err = sql_run(&s->wa, "UPDATE bridge_outbox SET state = ? WHERE seq = ?",
                  BINDS(BIND_INT(now), BIND_INT(row.seq)));
out:
    return err;
}
