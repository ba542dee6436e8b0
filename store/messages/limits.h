/* limits.h - sizes in store/messages/ that a peer, a foreign file or a disk controls, with their
 * reasons. */
#ifndef STORE_MESSAGES_LIMITS_H
#define STORE_MESSAGES_LIMITS_H

enum {
    /* Deletions that wait for a group's list of members: the list is asked for at once,
     * so only the deletions of some seconds wait. A deletion over the limit is shown as a message
     * of its own. */
    STORE_REVOKES_CHAT_MAX = 100,
    STORE_REVOKES_MAX = 1000,
    /* Edits, votes and the like that wait for the message whose secret opens them. The phone is
     * asked for that message at once, so only the edits of some seconds wait; votes for one poll
     * may be as many as its group has members online. Anybody may name messages that never come: of
     * one sender in one chat the newest wait, so that he pushes out his own and nobody else's; over
     * the limit of all, which takes fifty such people, the oldest is pushed out. */
    STORE_SECRET_WAITS_SENDER_MAX = 20,
    STORE_SECRET_WAITS_TARGET_MAX = 100,
    STORE_SECRET_WAITS_MAX = 1000,
    /* Secrets of messages, some 250 bytes each: edits, votes and answers no longer open for a
     * message that is followed by so many others (edits end after 20 minutes and are kept for a
     * phone that is off for 30 days). 2,000 messages a day for three months; 50 MB. */
    STORE_SECRETS_MAX = 200000,
    /* A stored Message protobuf, sealed stanza or text: as the wire limit of a stanza. */
    STORE_BLOB_MAX = 16 << 20,
    /* Rows of another program that are put into the form of the file at once: some 5 ms. */
    STORE_TIDY_ROWS = 256,
    /* Rows of an older version that are looked at at once. */
    STORE_SUMMARY_ROWS = 512,
};

#endif
