/* history_gaps.h - stretches of time of which messages.db may lack messages, and how far they have
 * been filled from the phone (bridge/history/history_request.h). A chat has one gap at most. */
#ifndef STORE_MESSAGES_HISTORY_GAPS_H
#define STORE_MESSAGES_HISTORY_GAPS_H

#include "proto/jid.h"
#include "store/core/store.h"

struct store_history_gap {
    struct jid chat;
    int64_t since;                             /* unix seconds: what is missing is not older */
    int64_t until;                             /* and not newer */
    char reason[STORE_REASON_MAX + 1];         /* a word: "restored", "old_counter" */
    char anchor_id[STORE_MESSAGE_ID_MAX + 1];  /* last asked: what is older than it; "": nothing */
    char request_id[STORE_MESSAGE_ID_MAX + 1]; /* our question that is not answered yet, or "" */
    int64_t asked_at;                          /* unix seconds of the last question, 0: none yet */
    uint32_t pages;                            /* questions asked */
    uint64_t filled;                           /* rows that came */
    bool closed;                               /* filled, or given up */
};

/* After a restore, before the bridge runs: any chat may lack what came from since (the copy) until
 * until (the restore). Needs no selected account. An older stretch that is still open is joined. */
enum wb_err store_history_gap_all(struct store *s, int64_t since, int64_t until) WB_MUST_CHECK;

/* Ends store_history_gap_all(): what is not filled by now will not be, and chats without a row have
 * no gap any more. */
enum wb_err store_history_gap_all_end(struct store *s) WB_MUST_CHECK;

/* The chat's gap. A chat without a row of its own has that of store_history_gap_all(), if any,
 * unless a newer row is closed. NOT_FOUND: none, or only a closed one. */
enum wb_err store_history_gap_get(struct store *s, const struct jid *chat,
                                  struct store_history_gap *ret) WB_MUST_CHECK;
/* Replaces the chat's row. INVALID: no chat, or since after until. */
enum wb_err store_history_gap_put(struct store *s, const struct store_history_gap *g) WB_MUST_CHECK;
/* A reason: a message was lost whose key is used up, and its sender cannot send it again. */
#define STORE_GAP_OLD_COUNTER "old_counter"
/* The chat lacks something from since until until: a new row, or the open one made wider and asked
 * for from the start. */
enum wb_err store_history_gap_open(struct store *s, const struct jid *chat, int64_t since,
                                   int64_t until, const char *reason) WB_MUST_CHECK;
/* The gap that this question was for. NOT_FOUND. */
enum wb_err store_history_gap_of_request(struct store *s, struct span request_id,
                                         struct store_history_gap *ret) WB_MUST_CHECK;
/* Open rows in order of their chats: *cursor is "" at first. NOT_FOUND: no more. A row under the
 * LID of a chat whose number is known by now joins the one of the number. */
enum wb_err store_history_gap_next(struct store *s, char cursor[JID_TEXT_MAX],
                                   struct store_history_gap *ret) WB_MUST_CHECK;

struct store_history_gaps {
    size_t open;          /* chats with an open row */
    bool all;             /* store_history_gap_all() was called: since and until hold */
    int64_t since, until; /* of that stretch */
    /* Chats of messages.db in which nothing is newer than until: the phone can only be asked for
     * what is before a message that it and we know, so nothing can be asked in these chats yet. */
    size_t quiet;
    uint64_t filled; /* rows that came, for all gaps ever */
};
enum wb_err store_history_gaps_sum(struct store *s, struct store_history_gaps *ret) WB_MUST_CHECK;

/* Questions asked at or after `since` (unix seconds) that are not answered. */
enum wb_err store_history_asked(struct store *s, int64_t since, size_t *ret_n) WB_MUST_CHECK;

/* Is a message of this stretch still a placeholder? */
enum wb_err store_history_waiting(struct store *s, const struct store_history_gap *g,
                                  bool *ret_waiting) WB_MUST_CHECK;

/* The oldest message of the chat at or after `from` (unix seconds) that the server gave us: where
 * asking for what is older begins. NOT_FOUND. */
struct store_history_anchor {
    char id[STORE_MESSAGE_ID_MAX + 1];
    bool from_me;
    int64_t timestamp;
};
enum wb_err store_history_anchor(struct store *s, const struct jid *chat, int64_t from,
                                 struct store_history_anchor *ret) WB_MUST_CHECK;

#endif
