/* Who has confirmed what we sent: one row per message and person, so that a phone and its
 * companions count once, and a group's message moves when the last of its people has it. */
#include "store/core/state.h"
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
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT seq, state, recipients FROM bridge_outbox"
                  " WHERE our_jid = ? AND message_id = ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, message_id);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = (struct sealed_row){
            stmt_col_int(&q, 0), (enum store_outbox_state)stmt_col_int(&q, 1), stmt_col_int(&q, 2)};
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_outbox_chat(struct store *s, const char *message_id, struct jid *ret_chat)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT chat_jid FROM bridge_outbox WHERE our_jid = ? AND message_id = ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, message_id);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret_chat = stmt_col_jid(&q, 0);
    stmt_end(&q);
out:
    return err;
}

static enum wb_err note(struct store *s, int64_t seq, const struct jid *person,
                        enum store_outbox_state state)
{
    char text[JID_TEXT_MAX];
    struct jid one = jid_bare(jid_unhosted(*person));
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO bridge_outbox_receipts (seq, person, state) VALUES (?, ?, ?)"
                   " ON CONFLICT DO UPDATE SET state = max(state, excluded.state)"));
    stmt_int(&q, seq);
    stmt_text(&q, jid_text(&one, text));
    stmt_int(&q, state);
    err = stmt_run(&q);
out:
    return err;
}

static enum wb_err count(struct store *s, int64_t seq, enum store_outbox_state state, int64_t *ret)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT count(*) FROM bridge_outbox_receipts WHERE seq = ? AND state >= ?"));
    stmt_int(&q, seq);
    stmt_int(&q, state);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = stmt_col_int(&q, 0);
    stmt_end(&q);
out:
    return err;
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
    struct stmt q;
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
    TRY(stmt_write(&q, &s->wa, "UPDATE bridge_outbox SET state = ? WHERE seq = ?"));
    stmt_int(&q, now);
    stmt_int(&q, row.seq);
    err = stmt_run(&q);
out:
    return err;
}
