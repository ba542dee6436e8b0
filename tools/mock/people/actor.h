/* actor.h - a device that the mock plays: the phone of every account, and all devices of scripted
 * contacts. It keeps Signal sessions of its own, under the LID address of each device. */
#ifndef MOCK_PEOPLE_ACTOR_H
#define MOCK_PEOPLE_ACTOR_H

#include "crypto/signal.h"
#include "tools/mock/core/mock.h"

/* A sent message, kept for devices that ask for it again. */
struct sent_message {
    struct jid chat;
    uint64_t t;
    size_t n;
    uint8_t content[]; /* Message protobuf without padding */
};

struct actor {
    struct device *device;
    struct signal_local local;
    struct x25519_pair skey;
    struct map prekeys; /* "id" -> struct x25519_pair */
    uint32_t next_prekey;
    struct map sessions;    /* LID address -> struct signal_session */
    struct map sender_keys; /* "group|address" -> struct sender_key_record */
    struct map given;       /* "group|address" -> non-NULL: this device has our sender key */
    struct map sent;        /* id -> struct sent_message */
};

/* Starts to play the device. identity NULL: a fresh one is made (of a companion, signed by its
 * account). False: no memory. */
bool actor_attach(struct mock *m, struct device *d, const struct x25519_pair *identity);
void actor_detach(struct device *d);
/* Makes a fresh one-time prekey. False when the script says that the account has run out of
 * them. */
bool actor_next_prekey(struct mock *m, struct device *d, struct prekey *ret_k);

/* Reads a stanza for the device: message, receipt or notification. */
void actor_receive(struct mock *m, struct device *d, const struct node *n);
/* Answers a receipt with type=retry for something that the device sent (actor_send.c). */
void actor_resend(struct mock *m, struct device *d, const struct node *receipt);

/* Adds <keys> to a retry receipt: a fresh bundle of the device (P-RC-34). */
void actor_put_keys(struct mock *m, struct device *d, struct node *receipt);
/* The session with another device; a new empty one if there was none. NULL: no memory. */
struct signal_session *actor_session(struct actor *a, const struct device *with);
struct sender_key_record *actor_sender_key(struct actor *a, const struct jid *group,
                                           const struct device *sender);
/* "group|address" */
enum { ACTOR_GROUP_ADDRESS_MAX = 2 * JID_TEXT_MAX };
const char *actor_group_address(const struct jid *group, const struct device *d,
                                char text[static ACTOR_GROUP_ADDRESS_MAX]);

/* Composes a message to a person or group, encrypted for every device. content: a Message protobuf.
 * id: NULL for a fresh one. type: of the stanza, "text". Returns the stanza in the arena, NULL on
 * failure. */
struct node *actor_compose(struct mock *m, struct device *from, const struct jid *to,
                           const char *id, const char *type, struct span content);
/* Drops the sessions with the account: the next message to it begins new ones. */
void actor_forget_sessions(struct device *from, const struct mock_account *with);
/* Composes a message and routes it (message_route()). Returns the id in the arena, NULL on
 * failure. */
const char *actor_send(struct mock *m, struct device *from, const struct jid *to, const char *id,
                       const char *type, struct span content);
/* Sends a control message of the phone (or of another device) to one companion (P-RC-51). */
void actor_send_peer(struct mock *m, struct device *from, struct device *to, struct span content);
/* Sends a <receipt> for a received stanza. type NULL: delivered. */
void actor_receipt(struct mock *m, struct device *d, const struct node *message, const char *type);

#endif
