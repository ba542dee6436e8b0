/* chat_names.h - names of 1:1 chats, as readers of the Go bridge expect them (P-MC-19); private to
 * store/. */
#ifndef STORE_MESSAGES_CHAT_NAMES_H
#define STORE_MESSAGES_CHAT_NAMES_H

#include "proto/jid.h"
#include "store/core/store.h"

/* Names the chat with this person, under either address, if it is there and has no name or one that
 * is only a number: the contact's full name, else the name that the person or the business goes by,
 * else the number. Any other chat, and any other name, stays. */
enum wb_err chat_name_follow(struct store *s, const struct jid *who) WB_MUST_CHECK;

#endif
