/* msg_secret.h - content that is sealed with the secret of another message (P-RC-52, P-X2-19):
 * edits, votes, reactions, comments, answers to events, messages of bots. Every message may bring
 * 32 random bytes along (messageContextInfo.messageSecret); whoever has them can read, and write,
 * such content about that message. */
#ifndef CRYPTO_MSG_SECRET_H
#define CRYPTO_MSG_SECRET_H

#include "base/buf.h"

enum { MSG_SECRET_BYTES = 32 };

/* The kind of sealed content: each has a key of its own. */
enum msg_secret_use {
    MSG_SECRET_MESSAGE_EDIT,
    MSG_SECRET_EVENT_EDIT,
    MSG_SECRET_POLL_EDIT,
    MSG_SECRET_POLL_ADD_OPTION,
    MSG_SECRET_REACTION,
    MSG_SECRET_COMMENT,
    MSG_SECRET_POLL_VOTE,
    MSG_SECRET_EVENT_RESPONSE,
    MSG_SECRET_BOT_MESSAGE,
    MSG_SECRET_USES
};

struct msg_secret {
    enum msg_secret_use use;
    const uint8_t *secret; /* MSG_SECRET_BYTES, of the message that the content is about */
    struct span id;        /* of that message; BOT_MESSAGE: of the bot's own */
    struct span author;    /* who wrote that message: JID text without a device */
    struct span sender;    /* who seals: JID text without a device */
};

/* Key: HKDF-SHA256(secret, no salt, id | author | sender | use), for bots twice; AES-256-GCM; id 00
 * sender are authenticated with votes, answers to events and bots. Appends the plaintext to out
 * (sealed.n - GCM_TAG_BYTES bytes). MALFORMED: iv is not GCM_IV_BYTES long; TRUNCATED; BAD_MAC:
 * sealed with another secret or for another use; TOO_LARGE: more than out's maximum. */
enum wb_err msg_secret_open(const struct msg_secret *m, struct span iv, struct span sealed,
                            struct buf *out) WB_MUST_CHECK;
/* The reverse, for tests and for wa-mock's people. iv: GCM_IV_BYTES. */
enum wb_err msg_secret_seal(const struct msg_secret *m, struct span iv, struct span plain,
                            struct buf *out) WB_MUST_CHECK;

#endif
