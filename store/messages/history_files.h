/* history_files.h - parts of the history that our phone has offered and that are not read yet
 * (P-HI-01). The offer is committed with the ratchet of the message that brought it, before the
 * phone hears that we have it; it is removed in the transaction that stores the last of what the
 * part says. So a crash anywhere in between costs a second reading, and nothing is lost. */
#ifndef STORE_MESSAGES_HISTORY_FILES_H
#define STORE_MESSAGES_HISTORY_FILES_H

#include "base/buf.h"
#include "store/core/store.h"

struct store_history_file {
    int64_t seq; /* in the order of arrival, from 1 */
    char message_id[STORE_MESSAGE_ID_MAX + 1];
    int64_t offered_at, next_at; /* unix seconds; not tried before next_at */
    uint32_t tries;
};

/* Stores the offer that this message brought: an encoded HistorySyncNotification of STORE_BLOB_MAX
 * bytes at most. An offer that is there stays as it is. TOO_LARGE, INVALID (id). */
enum wb_err store_history_file_put(struct store *s, struct span message_id,
                                   struct span notification, int64_t offered_at) WB_MUST_CHECK;
/* Of the offers that are due at `now` the one that came first; appends its notification. NOT_FOUND:
 * *ret_soonest is when one will be due, 0 where there is no offer. */
enum wb_err store_history_file_first(struct store *s, int64_t now, struct store_history_file *ret,
                                     struct buf *notification, int64_t *ret_soonest) WB_MUST_CHECK;
/* This offer's part could not be read now; it is due again at next_at. */
enum wb_err store_history_file_tried(struct store *s, int64_t seq, uint32_t tries,
                                     int64_t next_at) WB_MUST_CHECK;
/* Makes all offers due: after a login. */
enum wb_err store_history_files_due(struct store *s) WB_MUST_CHECK;
enum wb_err store_history_file_done(struct store *s, int64_t seq) WB_MUST_CHECK;
enum wb_err store_history_files_count(struct store *s, size_t *ret_n) WB_MUST_CHECK;

/* Which part of the history an offer is, also when the phone repeats it in another message, with
 * another file (P-HI-03). */
struct store_history_part {
    int32_t kind;   /* sync_type */
    uint32_t chunk; /* chunk_order */
};
/* Parts that were given up, so that the phone is asked for each once only. When was this part given
 * up (unix seconds)? NOT_FOUND: it was not. */
enum wb_err store_history_lost_at(struct store *s, const struct store_history_part *p,
                                  int64_t *ret_at) WB_MUST_CHECK;
enum wb_err store_history_lost_put(struct store *s, const struct store_history_part *p,
                                   int64_t at) WB_MUST_CHECK;
/* This part was read after all. */
enum wb_err store_history_lost_done(struct store *s,
                                    const struct store_history_part *p) WB_MUST_CHECK;
enum wb_err store_history_lost_count(struct store *s, size_t *ret_n) WB_MUST_CHECK;

#endif
