/* outbox_row.h - a row of bridge_outbox as statements read it; private to store/. */
#ifndef STORE_OUTBOX_OUTBOX_ROW_H
#define STORE_OUTBOX_OUTBOX_ROW_H

#include "store/db/sql.h"
#include "store/outbox/outbox.h"

/* Columns in the order in which outbox_read_row() takes them; blobs: three columns, NULLs where
 * they are not wanted. People have a row of their own once they confirmed. */
#define OUTBOX_COLUMNS(blobs)                                                                      \
    "SELECT seq, message_id, key, body_hash, chat_jid, state, reason, " blobs                      \
    ", answer, created_at, sealed_at, acked_at, expires_at, server_time, recipients,"              \
    " (SELECT count(*) FROM bridge_outbox_receipts r WHERE r.seq = bridge_outbox.seq),"            \
    " (SELECT count(*) FROM bridge_outbox_receipts r WHERE r.seq = bridge_outbox.seq"              \
    " AND r.state = 4)"

/* DB_CORRUPT, NOMEM. */
enum wb_err outbox_read_row(struct stmt *q, struct arena *a,
                            struct store_outbox_row *ret) WB_MUST_CHECK;

#endif
