/* in_message.h - a received <message>: what its stanza says (parse, no effects), what is in it
 * (decrypted part by part), what becomes of it (rows, keys, answers). The room receive/ knows
 * nothing of how messages are sent and of the HTTP API. docs/protocol/receiving.md tells the whole
 * way. */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_H
#define BRIDGE_RECEIVE_IN_MESSAGE_H

#include "bridge/core/own_message.h"
#include "bridge/core/stanza.h"
#include "proto/content.h"
#include "proto/node.h"

struct bridge;
struct in_message_state;

enum {
    IN_ENC_MAX = 8,     /* a pairwise and a group part are usual */
    IN_ANSWERS_MAX = 8, /* receipts, retry, ack, a request to the phone */
};

enum in_enc_type { IN_ENC_MSG, IN_ENC_PKMSG, IN_ENC_SKMSG, IN_ENC_MSMSG, IN_ENC_OTHER };

/* One <enc>: one encrypted part of the stanza (P-RC-11: its kinds and attributes). */
struct in_enc {
    enum in_enc_type type;
    struct span bytes;
    uint64_t version; /* 2 when the stanza names none */
    uint32_t count;   /* how often the sender has resent it; 0: first time */
    bool hide_fail;   /* decrypt-fail=hide: no placeholder when it cannot be read */
};

/* A <message> stanza as read. Its spans borrow from the frame. */
struct in_message {
    struct span stanza_id; /* as written: what answers repeat */
    struct span id;        /* names the row: stanza_id, or its hash when that is unusable */
    struct span type, push_name, edit;
    struct span business_name; /* of <verified_name> */
    int64_t t; /* unix seconds, the server's (P-RC-57); not negative. As parsed it may
                * be any number, 0 for none; message_apply() brings it into range */

    /* As written: what answers repeat. JID_NONE when absent. */
    struct jid from, participant, recipient;
    /* As meant (P-RC-03..06: who wrote and where): hosted JIDs in their plain form; sender and
     * sender_alt with device number. */
    struct jid chat, sender;
    struct jid sender_alt; /* the other identity of the sender, if the stanza names it */
    struct jid chat_alt;   /* from us: the other identity of the person we wrote to */
    bool group;            /* groups and broadcasts: a chat of more than two */
    bool newsletter, bot;
    bool from_me;
    bool peer; /* category=peer: between our own devices, never shown (P-RC-08) */
    bool lid_addressing;
    bool offline; /* it waited on the server */

    struct in_enc enc[IN_ENC_MAX];
    size_t nenc;
    bool unknown_enc; /* an <enc> that cannot be used at all */
    size_t children;  /* of the stanza */
    bool unavailable;
    struct span unavailable_type;
    struct span plaintext; /* newsletters; SPAN_NULL: none */
    /* <meta> and <bot> of a bot's message: which message asked it, and what it continues. */
    struct span target_id, bot_edit, bot_edit_target;
    struct jid target_sender, target_chat;
    struct span statement; /* <device-identity>: what the account says of its device (adv.h) */

    /* Filled in while it is applied. */
    struct arena *arena;                        /* of the stanza, for answers; NULL: no stanza */
    struct jid address;                         /* Signal address of the sender (P-RC-12) */
    const struct node *answers[IN_ANSWERS_MAX]; /* leave after the commit, in this order */
    size_t nanswers;
    bool retried; /* one of the answers is a retry receipt, which asks the sender again */
    bool stored;  /* a row was made or filled: there is news */
};

/* Reads the stanza; own JIDs tell what is from us. No effects. MALFORMED: id, from, t or
 * participant is missing or unusable (P-RC-02): to be refused with 487. An id that is there but
 * cannot be stored as it is (msgid_valid()) is no reason: peers make the ids. */
enum wb_err in_message_parse(const struct node *n, struct arena *a, const struct jid *own_pn,
                             const struct jid *own_lid, struct in_message *ret_m) WB_MUST_CHECK;

/* Adds n to the answers that leave after the commit; n NULL (out of memory): NOMEM. */
enum wb_err in_message_answer(struct in_message *m, const struct node *n) WB_MUST_CHECK;

/* Is it a status? Statuses come as <message> and as <status> (P-X2-21). */
bool in_message_is_status(const struct in_message *m);

/* Can it be asked for again? Not when m->id is a hash of ours: nobody else knows that id. */
bool in_message_can_ask(const struct in_message *m);

/* Reads one WebMessageInfo that our phone sent; no effects. fallback_t: the message's time (unix
 * seconds) when it names none. Of ret->m, chat, sender, id and time are filled in. Errors of class
 * PEER: the message is of no use. */
struct in_message_web {
    struct in_message m;
    struct content c;
    struct span secret; /* message secret beside the content; SPAN_NULL: none */
};
enum wb_err in_message_read_web(struct bridge *b, struct arena *a, struct span in,
                                int64_t fallback_t, struct in_message_web *ret) WB_MUST_CHECK;
/* Stores a message that we asked our phone for: makes a row where there is none, fills in a
 * placeholder, or makes the change that the message asks for. A complete row stays as it is.
 * w->m.stored: a row was made or filled. */
enum wb_err in_message_take_web(struct bridge *b, struct in_message_web *w) WB_MUST_CHECK;
/* Are both JIDs one chat or person, under whatever form (devices are ignored)? *ret_maybe (may be
 * NULL): they are the same, or one is a number and the other a LID and the pair is not known, so
 * that nobody can tell. */
enum wb_err in_message_resent_same(struct bridge *b, const struct jid *one, const struct jid *other,
                                   bool *ret_same, bool *ret_maybe) WB_MUST_CHECK;

/* Listens to the bridge's events; call it when the bridge's store and timers exist. */
enum wb_err in_message_new(struct bridge *b, struct in_message_state **ret_s) WB_MUST_CHECK;
/* The server has acked the message `id` of ours, which may be a request to our phone. */
enum wb_err in_message_acked(struct bridge *b, struct span id) WB_MUST_CHECK;
/* The list of this group's members was stored: deletions that waited for it (in_message_revoke.h)
 * are made or refused. none: the list will not come, because we are not in the group; then nobody
 * counts as an admin. In the open batch. */
enum wb_err in_message_group_list(struct bridge *b, const struct jid *group,
                                  bool none) WB_MUST_CHECK;
/* Another part of the bridge wrote push names: forgets which names the store has, so that the next
 * messages are compared with it again. */
void in_message_state_names_changed(struct bridge *b);
void in_message_free(struct in_message_state *s); /* NULL-safe */

/* Rows of dispatch.c's table of stanza tags. */
extern const struct stanza_handler in_message_handler;
extern const struct stanza_handler in_appdata_handler;
extern const struct stanza_handler in_status_handler;

/* Messages that our phone sends again (in_message_resent.c): a row of own_messages.c. */
extern const struct own_message_row own_message_resent;

#endif
