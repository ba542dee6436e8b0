/* messages.h - messages.db: the Go bridge's chats and messages with more columns behind
 * (P-MC-12..23; docs/databases.md). messages/ is what others and we have said, and
 * what is missing of it; it knows nothing of sends under way and of backups. */
#ifndef STORE_MESSAGES_MESSAGES_H
#define STORE_MESSAGES_MESSAGES_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/messages/limits.h"
#include "store/session/groups.h"

/* One message to store. Spans are borrowed; SPAN_NULL is SQL NULL or '' as the Go bridge has it. */
struct store_message {
    struct span id;
    struct jid chat;       /* as in the stanza; a 1:1 LID chat is stored under its PN when known */
    struct jid sender;     /* as in the stanza */
    struct jid sender_alt; /* the other identity when the stanza names it, else JID_NONE */
    bool from_me;
    int64_t timestamp;   /* unix seconds, the server's */
    int64_t received_at; /* unix seconds, ours */
    struct span content; /* what was written, UTF-8; empty in what has no text of its own */
    struct span summary; /* the message as people read it ("[document] plan.pdf"); SPAN_NULL where
                            content says it all */
    const char *kind;    /* "text", "image", "reaction", ...: static word */
    struct span push_name;
    enum store_addressing addressing;
    struct span mentions; /* JSON array of resolved mentions, SPAN_NULL: none */
    bool mentions_me;
    struct span quoted_id;
    struct span quoted_sender;
    struct span target_id; /* what a reaction, vote, pin refers to */
    /* Media columns of the Go bridge: */
    struct span media_type; /* "image", "video", "audio", "document" */
    struct span filename;
    struct span url;
    struct span media_key;
    struct span file_sha256;
    struct span file_enc_sha256;
    int64_t file_length;
    struct span raw; /* the unpadded Message protobuf for what text alone does not hold (media,
                      * polls); SPAN_NULL for text */
};

/* What became of a message that came, perhaps once more (rule 1: the server repeats what was not
 * acknowledged). */
enum store_message_outcome {
    STORE_MSG_INSERTED,
    STORE_MSG_FILLED,    /* a placeholder of the same sender now has its content */
    STORE_MSG_DUPLICATE, /* the same sender's row was there; nothing changed */
    STORE_MSG_BESIDE,    /* the id is another sender's: stored under `id~sender` */
};

/* Stores a message, makes the chat row and moves its last_message_time forward. */
enum wb_err store_message_put(struct store *s, const struct store_message *m,
                              enum store_message_outcome *ret) WB_MUST_CHECK;
/* A row for a message that cannot be read (yet): content '' and state 'waiting'; content, kind and
 * media of m are not used. DUPLICATE when any row of this sender is there. */
enum wb_err store_message_placeholder(struct store *s, const struct store_message *m,
                                      enum store_message_outcome *ret) WB_MUST_CHECK;

/* A row that tells of something that happened, of the kind m names (and without media): nobody's
 * message, so the chat's last_message_time stays, and reads of messages pass over the row. Its id
 * has a space in it, which no id of a stanza may have (P-RC-02), so that no message, edit, revoke
 * or reaction of anybody can meet it; another id: INVALID. An existing row of that id is left
 * alone. */
#define STORE_EVENT_KIND "event"
enum wb_err store_message_event(struct store *s, const struct store_message *m) WB_MUST_CHECK;

/* Idempotent, and indifferent to order: a change that comes before its message waits in a
 * placeholder row. REFUSED: the target is not by this sender (and, for a revoke, not by_admin). */
struct store_message_change {
    struct jid chat;
    struct jid sender; /* of the edit or revoke */
    struct jid sender_alt;
    bool from_me;
    struct span target_id;
    struct jid target_sender; /* revoke by an admin: whose message it is; else JID_NONE */
    int64_t timestamp;        /* unix seconds of the change */
};
/* New content for the target; an older edit never overwrites a newer one. */
enum wb_err store_message_edit(struct store *s, const struct store_message_change *c,
                               struct span content, struct span summary, struct span mentions,
                               bool mentions_me) WB_MUST_CHECK;
/* Gives the row of m, which could not be opened when it came, the content of m as if it had been
 * opened at once: this is no edit. Sender, times and chat stay as they are. NOT_FOUND. */
enum wb_err store_message_opened(struct store *s, const struct store_message *m) WB_MUST_CHECK;
/* Marks revoked_at and revoked_by. The stored content stays readable. */
enum wb_err store_message_revoke(struct store *s, const struct store_message_change *c,
                                 bool by_admin) WB_MUST_CHECK;
/* One reaction per person and message (table reactions); empty text takes it away; the newest
 * timestamp wins. */
enum wb_err store_message_react(struct store *s, const struct store_message_change *c,
                                struct span emoji) WB_MUST_CHECK;

/* A stored row, read back. */
struct store_message_row {
    struct span id; /* in the arena */
    struct jid chat;
    char sender[JID_TEXT_MAX]; /* the column `sender` */
    struct jid sender_lid;     /* JID_NONE when unknown */
    struct jid sender_pn;
    bool from_me;
    bool waiting;
    int64_t timestamp; /* unix seconds, whatever the file's format */
    struct span content;
    struct span summary; /* SPAN_NULL: content says it all */
    struct span kind;
    struct span media_type;
    struct span filename;
    struct span url;
    struct span media_key;
    struct span file_sha256;
    struct span file_enc_sha256;
    int64_t file_length;
    struct span raw;
    int64_t edited_at; /* 0: never */
    int64_t revoked_at;
    int64_t change_seq;
};
/* sender NULL: a row of any sender. The chat may be given in either form. NOT_FOUND. */
enum wb_err store_message_get(struct store *s, const struct jid *chat, struct span id,
                              const struct jid *sender, struct arena *a,
                              struct store_message_row *ret) WB_MUST_CHECK;
/* Is a row of this sender there? *ret_waiting (may be NULL): as a placeholder. */
enum wb_err store_message_known(struct store *s, const struct jid *chat, struct span id,
                                const struct jid *sender, const struct jid *sender_alt,
                                bool *ret_known, bool *ret_waiting) WB_MUST_CHECK;
/* A row's text for people: what was written, else the summary. */
struct span store_message_text(const struct store_message_row *r);
/* Unix seconds of the newest row, 0 when there is none. */
enum wb_err store_message_last_time(struct store *s, int64_t *ret) WB_MUST_CHECK;

/* ---- chats ---- */

/* Makes the chat's row or gives it a name. An existing name that is more than the number is kept
 * unless replace (P-MC-19); an empty name changes nothing. 1:1 chats get their names by themselves
 * (chat_names.h). */
enum wb_err store_chat_name(struct store *s, const struct jid *chat, struct span name,
                            bool replace) WB_MUST_CHECK;
/* A 1:1 chat kept under a LID moves to its phone number, rows and reactions with it; every
 * moved row gets a new change_seq. Also fills sender_pn/sender of rows in group chats that have
 * only the LID. Both bare. *ret_moved (may be NULL): messages changed. */
enum wb_err store_chat_rekey(struct store *s, const struct jid *lid, const struct jid *pn,
                             size_t *ret_moved) WB_MUST_CHECK;
/* The same for all pairs that are known: another program, or a backup, may have had the rows under
 * the LID while the pair became known. *ret_moved (may be NULL): messages changed. */
enum wb_err store_chats_rekey_known(struct store *s, size_t *ret_moved) WB_MUST_CHECK;

struct store_chat {
    struct jid jid;
    char name[STORE_NAME_MAX + 1];
    int64_t last_message_time; /* unix seconds, 0 when none */
};
enum wb_err store_chat_get(struct store *s, const struct jid *chat,
                           struct store_chat *ret) WB_MUST_CHECK;

#endif
