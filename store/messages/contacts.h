/* contacts.h - names of people, settings of chats, secrets of messages (P-DB-19, P-DB-20). */
#ifndef STORE_MESSAGES_CONTACTS_H
#define STORE_MESSAGES_CONTACTS_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/core/store.h"

struct store_contact {
    struct jid jid;
    char first_name[STORE_NAME_MAX + 1]; /* "" when not known */
    char full_name[STORE_NAME_MAX + 1];
    char push_name[STORE_NAME_MAX + 1];
    char business_name[STORE_NAME_MAX + 1];
    char redacted_phone[64];
};

/* Each sets its own column and leaves the others; names over the limit are cut at a character.
 * *ret_changed (may be NULL). */
enum wb_err store_contact_push_name(struct store *s, const struct jid *who, struct span name,
                                    bool *ret_changed) WB_MUST_CHECK;
enum wb_err store_contact_business_name(struct store *s, const struct jid *who, struct span name,
                                        bool *ret_changed) WB_MUST_CHECK;
enum wb_err store_contact_redacted_phone(struct store *s, const struct jid *who,
                                         struct span text) WB_MUST_CHECK;
/* The row of this JID; fields empty there are taken from the person's other identity (lid_map).
 * NOT_FOUND when neither has a row. */
enum wb_err store_contact_get(struct store *s, const struct jid *who,
                              struct store_contact *ret) WB_MUST_CHECK;

/* Disappearing messages of a 1:1 chat (P-SD-43), under the person's canonical form; groups have
 * theirs in store/session/groups.h. A setting older than the stored one changes nothing, unless the
 * stored one lies in the future: older bridges believed such times. set_at: not after now
 * (bridge/core/peer_time.h). */
enum wb_err store_chat_timer_put(struct store *s, const struct jid *person, uint32_t expiration_s,
                                 int64_t set_at, int64_t now) WB_MUST_CHECK;
/* NOT_FOUND: nobody has told us a setting. *ret_expiration_s 0: switched off. */
enum wb_err store_chat_timer_get(struct store *s, const struct jid *person,
                                 uint32_t *ret_expiration_s, int64_t *ret_set_at) WB_MUST_CHECK;

/* 32-byte secrets for votes, edits and reporting; insert-or-ignore. Looked up under the PN and the
 * LID form of chat and sender. NOT_FOUND. */
enum { MESSAGE_SECRET_BYTES = 32 };
enum wb_err
store_message_secret_put(struct store *s, const struct jid *chat, const struct jid *sender,
                         struct span id,
                         const uint8_t secret[static MESSAGE_SECRET_BYTES]) WB_MUST_CHECK;
enum wb_err store_message_secret_get(struct store *s, const struct jid *chat,
                                     const struct jid *sender, struct span id,
                                     uint8_t ret[static MESSAGE_SECRET_BYTES]) WB_MUST_CHECK;
/* Removes secrets that are older than the newest STORE_SECRETS_MAX of the file, STORE_PRUNE_ROWS at
 * most; *ret_more: there may be more. */
enum wb_err store_message_secret_prune(struct store *s, bool *ret_more) WB_MUST_CHECK;

#endif
