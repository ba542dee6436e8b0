/* limits.h - the sizes and times of bridge/send/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_SEND_LIMITS_H
#define BRIDGE_SEND_LIMITS_H

enum {
    /* One send under way: request, members and devices of the largest group, the stanza. */
    SEND_ARENA_MAX = 256 << 20,
    /* Between two sends that have waited for the same pause: sixty of them take a quarter of a
     * minute, and do not bring on the next one. */
    SEND_AFTER_PAUSE_MS = 250,
    /* Messages leave the outbox while less than this waits in the socket. It keeps a fast line busy
     * from one turn of the loop to the next; at 100 kB/s a ping or an ack behind so much waits for
     * 3 s. A larger stanza is sent, too, once its turn comes. */
    SEND_ROOM_BYTES = 256 * 1024,
    /* So many private messages may wait at once while we ask which devices lack them; messages
     * beyond that are not sent to those devices. */
    OUT_MISSING_MAX = 64,
    /* The person of a phone number is kept for a month, though the server is asked again after
     * NUMBER_AGE_S (people/limits.h): so the chat of a person who is seldom written to is found
     * before the server's answer. */
    NUMBER_KEEP_S = 30 * 24 * 3600,
    /* Devices that a group message has missed and is sent to afterwards. If more are missing, we
     * know nothing of the group: those devices get the next message. */
    GROUP_MISSED_MAX = 256,
    /* An edit, a vote or an answer may wait so long for the message that opens it: its sender or
     * our phone is asked for that message, and nobody keeps messages for longer (P-RC-45: asking
     * the phone for a message that we cannot read). */
    SECRET_WAIT_S = 14 * 24 * 3600,

    /* Sending. A caller's text is at most 65,536 characters (api/route/limits.h) of up to four
     * bytes; the
     * "@digits" put in front are some 17 bytes each for 1024 people. */
    SEND_TEXT_BYTES_MAX = 4 * 65536,
    MENTION_TEXT_BYTES_MAX = SEND_TEXT_BYTES_MAX + 64 * 1024,
    /* Sends that have not ended: a bridge that was cut off for a night, with a busy caller. */
    SEND_OPEN_MAX = 4096,
    /* Chats whose next message is being prepared at the same time. */
    SEND_PREPARING_MAX = 64,
    SEND_ACK_MS = 75 * 1000, /* P-SD-21: without an ack by then the same bytes go again */
    /* How long the next message to a group waits for the ack of the one that gives our sender key:
     * a round trip and a slow server. Giving it twice costs a stanza as large as the first. */
    SEND_KEYS_ACK_MS = 10 * 1000,
    SEND_LEAVING_MS = 5 * 1000, /* between looks whether a message has left the socket; only then
                                 * the wait for its ack counts */
    /* How often the same bytes go out on one connection that stays up but does not ack them. */
    SEND_WIRE_TRIES = 3,
    /* So many people may be written to for the first time at once; first messages to others are
     * spaced out by --first-contact-interval (P-SD-26: first contacts are slow): a team's list
     * should go at once, a campaign should not. */
    FIRST_CONTACT_BURST = 30,
    SEND_RETRY_FIRST_MS = 2 * 1000,
    SEND_RETRY_MAX_MS = 60 * 1000,
    /* The same where the server does answer, but badly: that does not get better within a minute.
     */
    SEND_REFUSED_MAX_MS = 3600 * 1000,
    /* A caller that did not say how long it waits hears after this time that there is no
     * connection: long enough for a reconnect that works at once, short of the time limits of HTTP
     * clients. */
    SEND_OFFLINE_WAIT_S = 5,
    SEND_EXPIRES_S = 24 * 3600, /* of a queued send whose caller named no time */
    /* Sealed bytes that were never acked are sent again for so long; the server recognises their
     * id. */
    SEND_RESEND_S = 24 * 3600,
    SEND_KEEP_S = 7 * 24 * 3600,        /* ended sends, for callers that repeat their key */
    SEND_PRUNE_MS = 3600 * 1000,        /* between looks for outbox rows to remove */
    SEND_PRUNE_MORE_MS = 100,           /* the same while there are many, so that other work gets
                                         * its turn */
    RETRY_SENT_KEEP_S = 14 * 24 * 3600, /* plaintexts: peers ask days later */

    /* Peers that ask again for a message (P-RC-40: retry receipts): refused from the tenth time on.
     */
    RETRY_REQUESTS_MAX = 9,
    RETRY_REBUILD_S =
        3600, /* P-RC-41: between two sessions that a device gets because it asked again */
    RETRY_PENDING_MAX = 256, /* resends that wait for prekeys */
};

#endif
