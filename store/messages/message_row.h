/* message_row.h - what the files that write messages.db share; private to store/. */
#ifndef STORE_MESSAGES_MESSAGE_ROW_H
#define STORE_MESSAGES_MESSAGE_ROW_H

#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/messages/messages.h"

enum { TIME_TEXT_BYTES = 40, ROW_ID_MAX = STORE_MESSAGE_ID_MAX + 2 + JID_USER_MAX };

/* Stands between an id and its sender, when the id alone is another sender's: BESIDE, or
 * BESIDE_SURELY where somebody chose `id~sender` as the id of his own message. No id that is
 * received has a blank in it (msgid_valid() of bridge/core/), so nobody can choose `id ~sender`. */
#define BESIDE        "~"
#define BESIDE_SURELY " ~"

/* A sender under both identities, as far as they are known. */
struct who {
    struct jid lid; /* bare, or JID_NONE */
    struct jid pn;
    char user[JID_USER_MAX + 1]; /* the column `sender`: PN digits, else LID digits */
};
enum wb_err who_is(struct store *s, const struct jid *sender, const struct jid *sender_alt,
                   struct who *ret) WB_MUST_CHECK;
/* The column chat_jid: bare, a 1:1 LID chat under its PN when known. */
enum wb_err chat_of(struct store *s, const struct jid *chat, struct jid *ret) WB_MUST_CHECK;

/* An existing row, as far as a change needs it. */
struct found_row {
    int64_t rowid; /* 0: there is none, id is the one to insert under */
    char id[ROW_ID_MAX + 1];
    bool beside; /* id is `id~sender` or `id ~sender`: the plain id is another sender's */
    bool waiting;
    bool revoked;
    int64_t edited_at;
};
/* Fills in ret as if there were no such row. INVALID: an id that is empty or over the limit. */
enum wb_err row_new(struct span id, struct found_row *ret) WB_MUST_CHECK;
/* The row of this id and sender. INVALID as row_new(). */
enum wb_err row_find(struct store *s, const struct jid *chat, struct span id, const struct who *who,
                     struct found_row *ret) WB_MUST_CHECK;
/* The row of this id, of any sender. NOT_FOUND. */
enum wb_err row_find_any(struct store *s, const struct jid *chat, struct span id,
                         struct found_row *ret) WB_MUST_CHECK;

/* Deletes the row. */
enum wb_err row_remove(struct store *s, int64_t rowid) WB_MUST_CHECK;

/* The time as a Go bridge on this machine writes it; false for a time that has no such form. */
bool time_text(int64_t t, char text[TIME_TEXT_BYTES]);
/* Unix seconds in the file's format; text must hold the text form until the statement ran. */
void bind_time(struct stmt *q, const struct store *s, int64_t t, char text[TIME_TEXT_BYTES]);
/* SQL: unix seconds of a time column in either format. */
#define SQL_SECONDS(column)                                                                        \
    "CASE typeof(" column ") WHEN 'text' THEN " SQL_TEXT_SECONDS(column) " ELSE " column " END"

/* Makes the chat's row; moves last_message_time forward to t (0: leaves it). */
enum wb_err chat_touch(struct store *s, const struct jid *chat, int64_t t) WB_MUST_CHECK;

/* Forgets which chat was touched last: the batch is gone, or the chat's row may be. */
void store_chats_clear(struct store *s);
/* To be called once, when a store is opened: makes what messages/ remembers of a batch follow the
 * batch. */
void messages_follow_batch(struct store *s);

#endif
