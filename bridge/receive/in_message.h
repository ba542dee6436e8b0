/* in_message.h - a received <message>: what its stanza says (parse, no effects), what is in it
 * (decrypted part by part), what becomes of it (rows, keys, answers). docs/protocol/receiving.md
 * tells the whole way. */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_H
#define BRIDGE_RECEIVE_IN_MESSAGE_H

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

/* One <enc> (P-RC-11). */
struct in_enc {
    enum in_enc_type type;
    struct span bytes;
    uint64_t version; /* 2 when not said */
    uint32_t count;   /* of a resend; 0: first time */
    bool hide_fail;   /* decrypt-fail=hide: no placeholder when it cannot be read */
};

/* A stanza as it reads. Spans are the frame's. */
struct in_message {
    struct span stanza_id; /* as written: what answers repeat */
    struct span id;        /* what the row is found by: the same, unless that is no usable id */
    struct span type, push_name, edit;
    struct span business_name; /* of <verified_name> */
    int64_t t; /* unix seconds, the server's (P-RC-57); not negative. As parsed it may
                * be any number, 0 for none; message_apply() brings it into range */

    /* As written: what answers repeat. JID_NONE when absent. */
    struct jid from, participant, recipient;
    /* As meant (P-RC-03..06): hosted forms are plain, sender and its other form are devices. */
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
    bool retried; /* one of them asks its sender once more */
    bool stored;  /* a row was made or filled: there is news */
};

/* Reads the stanza; own JIDs tell what is from us. No effects. MALFORMED: id, from, t or
 * participant is missing or unusable (P-RC-02): to be refused with 487. An id that is there but
 * cannot be stored as it is (msgid_valid()) is no reason: peers make the ids. */
enum wb_err in_message_parse(const struct node *n, struct arena *a, const struct jid *own_pn,
                             const struct jid *own_lid, struct in_message *ret_m) WB_MUST_CHECK;

/* One more answer; NULL: NOMEM. */
enum wb_err in_message_answer(struct in_message *m, const struct node *n) WB_MUST_CHECK;

/* A status, under whichever name its stanza came (P-X2-21). */
bool in_message_is_status(const struct in_message *m);

/* Can it be asked for again? Nobody would know it by an id that we made. */
bool in_message_can_ask(const struct in_message *m);

/* One WebMessageInfo of our phone, read: no effects. fallback_t: its time when it names none. m
 * tells chat, sender, id and time. Errors of class PEER: it is of no use. */
struct in_message_web {
    struct in_message m;
    struct content c;
    struct span secret; /* that the phone names beside the content; SPAN_NULL: none */
};
enum wb_err in_message_read_web(struct bridge *b, struct arena *a, struct span in,
                                int64_t fallback_t, struct in_message_web *ret) WB_MUST_CHECK;
/* It was asked for: a row where nothing is, a placeholder filled in, a change made; a row that is
 * there stays as it is. w->m.stored: a row was made or filled. */
enum wb_err in_message_take_web(struct bridge *b, struct in_message_web *w) WB_MUST_CHECK;
/* Are both JIDs one chat or person, under whatever form (devices are ignored)? *ret_maybe (may be
 * NULL): they are, or one is a number and the other a LID and the pair is not known, so that nobody
 * can tell. */
enum wb_err in_message_resent_same(struct bridge *b, const struct jid *one, const struct jid *other,
                                   bool *ret_same, bool *ret_maybe) WB_MUST_CHECK;

/* Listens to the bridge's events; after its store and timers are there. */
enum wb_err in_message_new(struct bridge *b, struct in_message_state **ret_s) WB_MUST_CHECK;
/* The server's <ack> of a message of ours: perhaps of a request to our phone. */
enum wb_err in_message_acked(struct bridge *b, struct span id) WB_MUST_CHECK;
/* The list of this group's members was stored: messages that wait to be deleted by an admin of it
 * (in_message_revoke.h) are deleted, or not. none: it will not come, for we are not in the group,
 * so nobody is known as an admin of it. In the open batch. */
enum wb_err in_message_group_list(struct bridge *b, const struct jid *group,
                                  bool none) WB_MUST_CHECK;
/* Push names were written by others: what a message says is compared with the store again. */
void in_message_state_names_changed(struct bridge *b);
void in_message_free(struct in_message_state *s); /* NULL-safe */

/* The rows of the table by tag (dispatch.c). */
extern const struct stanza_handler in_message_handler;
extern const struct stanza_handler in_appdata_handler;
extern const struct stanza_handler in_status_handler;

#endif
