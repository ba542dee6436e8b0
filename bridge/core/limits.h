/* limits.h - the sizes and times of bridge/core/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_CORE_LIMITS_H
#define BRIDGE_CORE_LIMITS_H

enum {
    /* Requests to the server (P-LG-25: how long we wait for their answers). */
    IQ_TIMEOUT_MS = 75 * 1000,
    IQ_ID_MAX = 40,
    IQ_PENDING_MAX = 512, /* a group send asks in batches, so this many in flight is a bug */

    /* Pauses between requests that the server asks for (P-X2-05: a refusal names a pause). A
     * refusal without a time means 10 s, doubled with each refusal up to an hour; a time that it
     * names is believed up to a day, or one wrong number would end all sending. We have a dozen
     * kinds of requests. */
    IQ_PAUSE_FIRST_S = 10,
    IQ_PAUSE_GROWN_S = 3600,
    IQ_BACKOFF_MAX_S = 24 * 3600,
    IQ_PROBE_MS = 1000, /* until the next look while the first request after a pause is under way */
    IQ_PAUSES_MAX = 16,
    IQ_KIND_MAX = 64,

    /* One batch: bounds the delay of acks and of everything else the loop does. */
    BATCH_STANZAS_MAX = 256,
    BATCH_MS_MAX = 50,
    STORE_PROBE_MS = 5 * 1000, /* while a disk is full: freed space is noticed within seconds */

    /* Bytes of acks and receipts that wait for their batch, and of messages that are sent again:
     * the batch is ended when so much waits. */
    OUTGOING_QUEUE_BYTES_FULL = 1 << 20,
    /* The most that may wait: room for all that one stanza can lead to (256 texts to devices that
     * waited for the same prekeys); less than the socket takes. */
    OUTGOING_QUEUE_BYTES_MAX = 24 << 20,
    /* One outgoing stanza: a group send with keys for 1024 members of some devices each. */
    OUTGOING_STANZA_BYTES_MAX = 8 << 20,
    /* Acks, receipts and messages that were asked for again leave while fewer bytes than this wait
     * in the socket: ahead of the outbox, so that no amount of sends holds them up. */
    ANSWER_ROOM_BYTES = 1 << 20,

    /* A stored time that lies further in the future than this was written with a wrong clock. A
     * smaller difference is rounding: the server tells whole seconds at each login. */
    CLOCK_SLACK_S = 60,

    /* How far a peer's time may lie in the future (peer_time.h). Our idea of WhatsApp's clock is as
     * old as the login: in a connection of months it may be off by minutes. */
    PEER_TIME_SLACK_S = 3600,
    /* WhatsApp offers 24 hours, 7 days and 90 days. */
    PEER_EXPIRATION_MAX_S = 90 * 24 * 3600,
    PEER_BAN_MAX_S = 400 * 24 * 3600, /* temporary bans last hours to weeks */
};

#endif
