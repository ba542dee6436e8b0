/* messages_tidy.h - what another program, or an older version, wrote in messages.db, in the form
 * that the file keeps.
 *
 * The Go bridge writes times as text, whatever the file has, and readers that compare a number with
 * a text get every row or none. The work is done a little at a time, so that the loop is
 * never held; rows that are done are not found again, so that a crash in between costs nothing.
 *
 * A 1:1 chat that has no name, or a number for one, gets the name that is known by now.
 *
 * Version 1 of our own file had the readable text of what has no words of its own ("[document]
 * plan.pdf") in `content`; it moves to `summary` where the row is ours and the text surely is not
 * somebody's words (messages_summary.h). */
#ifndef STORE_MESSAGES_MESSAGES_TIDY_H
#define STORE_MESSAGES_MESSAGES_TIDY_H

#include "store/core/store.h"

/* How far the work is, and what it has done so far. {0} begins. */
struct store_tidy {
    enum { STORE_TIDY_TIMES, STORE_TIDY_CHATS, STORE_TIDY_SUMMARIES, STORE_TIDY_DONE } step;
    int64_t rowid; /* of this step: seen up to here */
    char text[64]; /* of the times that are text: up to this one, and that row of it */
    size_t text_n;
    size_t times;     /* messages whose time has the file's form now */
    size_t chats;     /* chats, the same */
    size_t summaries; /* messages whose readable text has moved */
};

/* One slice: STORE_TIDY_ROWS rows at most. It needs store_commit(), as any write. Rows get a new
 * change_seq, since their readers see another value. A text that is no time stays as it is.
 * *ret_more: call again. */
enum wb_err store_messages_tidy(struct store *s, struct store_tidy *t,
                                bool *ret_more) WB_MUST_CHECK;

/* Has another program written in messages.db since the last call? (The first one says no.) */
enum wb_err store_messages_written(struct store *s, bool *ret_written) WB_MUST_CHECK;

#endif
