/* limits.h - every size and time in bridge/ that a peer or an operator controls, with its reason.
 */
#ifndef BRIDGE_LIMITS_H
#define BRIDGE_LIMITS_H

enum {
    /* Connection. */
    CONN_SOCKET_TIMEOUT_MS = 20 * 1000, /* dial and upgrade (P-WS-11) */
    /* For each of its steps: TCP to one address, TLS, the answer to the upgrade. A host may have
     * several addresses of which one is dead; the others are to be tried in the time above. With
     * the last one, TCP and TLS may take all of it. */
    CONN_STEP_TIMEOUT_MS = 5 * 1000,
    CONN_HANDSHAKE_STEP_MS = 20 * 1000, /* each handshake step (P-WS-11) */
    /* Our close handshake. SIGTERM has 5 s in all, and the next attempt begins within 2 s. */
    CONN_CLOSE_TIMEOUT_MS = 1500,
    CONN_PAIR_DEVICE_MS = 60 * 1000,       /* the refs come right after the handshake */
    CONN_STABLE_MS = 5 * 60 * 1000,        /* after <success>; then the backoff is forgotten */
    CONN_OFFLINE_PHASE_MS = 60 * 1000,     /* the offline queue counts as delivered (P-LG-19) */
    CONN_OFFLINE_SILENCE_MS = 10 * 1000,   /* it was announced and does not come (P-X2-17) */
    CONN_REPLACED_WINDOW_MS = 3600 * 1000, /* five replacements in it: the operator decides */
    CONN_REPLACED_MAX = 5,
    CONN_CALM_MS = 5 * 1000,     /* after a burst; then its memory goes back to the system */
    CONN_KEEP_BYTES = 64 * 1024, /* of the memory of a stanza, kept for the next; most are < 1 kB */

    /* An account's statement about a device is some 200 bytes: a key, two signatures, and details
     * that may be STORE_ADV_DETAILS_MAX. Its list of key indexes has one number for each device
     * (P-US-07).
     */
    ADV_STATEMENT_MAX = 768,
    ADV_LIST_MAX = 8192,
    /* What is decoded of them, and the list of a person's devices. */
    TRUST_ARENA_MAX = 256 * 1024,

    /* Pairing (P-PR-03). Six refs are usual. */
    QR_REFS_MAX = 16,
    QR_REF_BYTES_MAX = 512,
    QR_TEXT_MAX = 1024, /* with keys in base64 and the URL: some 250 characters */
    QR_FIRST_MS = 60 * 1000,
    QR_NEXT_MS = 20 * 1000,
    PAIR_CODE_MS = 160 * 1000, /* life of a link code: the QR set's (P-PR-26) */
    /* From companion_finish to pair-success: the phone answers within seconds, or its owner has
     * cancelled, of which nobody tells us. */
    PAIR_FINISH_MS = 60 * 1000,
    /* Codes in that time: each costs a worker some 50 ms when it is made and when it is used.
     * People need one or two; a server that offers pairing again and again gets no more. */
    PAIR_CODES_MAX = 10,
    PAIR_CODES_WINDOW_MS = 10 * 60 * 1000,

    /* The passkey step. Its JSON texts are some 500 bytes to 2 kB; an attestation or a long list of
     * credentials would be more. */
    MEX_JSON_MAX = 64 * 1024, /* the state of an account is 200 bytes; a newsletter's a few kB */
    WEBAUTHN_JSON_MAX = 64 * 1024,
    WEBAUTHN_ID_MAX = 1023, /* WebAuthn's own limit */
    WEBAUTHN_ALLOWED_MAX = 64,
    /* Text, challenge and ids of a request, or of an answer: twice the JSON in a few copies. */
    PASSKEY_ARENA_MAX = 1 << 20,
    PASSKEY_FETCH_MS = 60 * 1000,
    /* How long the owner has: what WhatsApp names, within these bounds. */
    PASSKEY_ASKED_MS = 5 * 60 * 1000,
    PASSKEY_ASKED_MAX_MS = 15 * 60 * 1000,
    PASSKEY_SENDING_MS = 3 * 60 * 1000, /* two requests to the server, of 75 s at most */
    PASSKEY_PHONE_MS = 3 * 60 * 1000,   /* the phone may ask its owner */
    PASSKEY_COMPARE_MS = 3 * 60 * 1000, /* the owner compares two codes */
    PASSKEY_FINISHING_MS = 2 * 60 * 1000,
    PASSKEY_HANDOFF_MS = 5 * 60 * 1000, /* P-PR-30 */
    PASSKEY_CODE_TRIES = 3,             /* then somebody else's phone may be at the other end */

    /* Requests (P-LG-25). */
    IQ_TIMEOUT_MS = 75 * 1000,
    IQ_ID_MAX = 40,
    IQ_PENDING_MAX = 512, /* a group send asks in batches, so this many in flight is a bug */

    /* Pauses between requests that the server asks for (P-X2-05). Without a time of its own 10 s,
     * doubled with each refusal up to an hour; what it names is believed up to a day, or one wrong
     * number would end all sending. We have a dozen kinds of requests. */
    IQ_PAUSE_FIRST_S = 10,
    IQ_PAUSE_GROWN_S = 3600,
    IQ_BACKOFF_MAX_S = 24 * 3600,
    IQ_PROBE_MS = 1000, /* until the next look while the first request after a pause is under way */
    IQ_PAUSES_MAX = 16,
    IQ_KIND_MAX = 64,
    /* Between two sends that have waited for the same pause: sixty of them take a quarter of a
     * minute, and do not bring on the next one. */
    SEND_AFTER_PAUSE_MS = 250,

    /* Keepalive (P-LG-21, P-LG-22). */
    PING_MIN_MS = 20 * 1000,
    PING_MAX_MS = 30 * 1000,
    PING_ANSWER_MS = 10 * 1000,
    PING_SILENCE_MS = 20 * 1000,    /* sent something, heard nothing: the socket is dead */
    PING_SUSPEND_GAP_MS = 5 * 1000, /* a timer this late means that the host slept */

    /* Prekeys (P-LG-05..08). Ids are 24 bits on the wire. */
    PREKEY_MIN = 5,
    PREKEY_BATCH = 50,
    PREKEY_FIRST_BATCH = 812,
    PREKEY_RECENT_MS = 10 * 60 * 1000,
    PREKEY_RETRY_MAX_S = 610,

    /* One batch: bounds the delay of acks and of everything else the loop does. */
    BATCH_STANZAS_MAX = 256,
    BATCH_MS_MAX = 50,
    STORE_PROBE_MS = 5 * 1000, /* while a disk is full: freed space is noticed within seconds */
    /* Pauses of the loop that the log tells of: at debug, and as a warning. */
    PAUSE_TOLD_MS = 100,
    PAUSE_WARNED_MS = 1000,

    /* Acks and receipts that wait for their batch, and messages that are sent again: the batch is
     * ended when so much waits. */
    OUTGOING_QUEUE_BYTES_FULL = 1 << 20,
    /* What may wait behind that: all that one stanza leads to (256 texts to devices that waited for
     * the same prekeys); less than the socket takes. */
    OUTGOING_QUEUE_BYTES_MAX = 24 << 20,
    /* One outgoing stanza: a group send with keys for 1024 members of some devices each. */
    OUTGOING_STANZA_BYTES_MAX = 8 << 20,
    /* Bytes waiting for a slow socket: room for each of the classes below, one stanza of the
     * largest size, and requests to the server. More is refused before it is encrypted; the
     * connection goes on. */
    WS_SEND_QUEUE_BYTES_MAX = 32 << 20,
    /* Messages leave the outbox while less than that waits. It keeps a fast line busy from one
     * turn of the loop to the next; at 100 kB/s a ping or an ack behind it waits for 3 s. A stanza
     * that is larger goes, too, once it is its turn. */
    SEND_ROOM_BYTES = 256 * 1024,
    /* Acks, receipts and messages that were asked for again leave while less than that waits: ahead
     * of the outbox, so that no amount of sends holds them up. */
    ANSWER_ROOM_BYTES = 1 << 20,
    /* With so many bytes of answers before the socket, or so many in its queue, nothing more is
     * read: it would only bring more to answer. */
    READ_ANSWERS_BYTES_MAX = 4 << 20,
    READ_QUEUE_BYTES_MAX = 16 << 20,
    /* What the system may take from us before it can send it. Its own limit grows to megabytes,
     * behind which a ping would wait. */
    TCP_UPLINK_UNSENT_BYTES = 128 * 1024,

    /* History that was asked for: 50 messages, some with thumbnails, are 10 kB to 1 MB. */
    HISTORY_FILE_MAX = 16 << 20,
    HISTORY_INFLATED_MAX = 32 << 20, /* twice the file: pictures do not deflate */
    HISTORY_PAGE_MAX = 5000, /* messages of one answer; what is behind them is asked for again */
    HISTORY_ARENA_MAX = 16 << 20, /* lists of spans into an answer of messages of some bytes each */
    HISTORY_FETCH_MS = 60 * 1000,
    /* History that the phone offers at pairing comes in parts of some MB; one that is larger than
     * that is cut by phones themselves. A part is in memory twice while it is decrypted, one part
     * at a time. */
    HISTORY_OFFERED_FILE_MAX = 48 << 20,
    HISTORY_OFFERED_FETCH_MS = 180 * 1000,
    /* Inflated it is never in memory. This bounds the work: two seconds of a worker. */
    HISTORY_OFFERED_INFLATED_MAX = 1 << 30,
    /* What is taken out of one part: 150 bytes for each of 100,000 people, with room. */
    HISTORY_FACTS_BYTES_MAX = 24 << 20,
    /* Parts that wait to be read: a phone with a history of years offers some dozens. */
    HISTORY_OFFERED_MAX = 256,
    /* Parts that were given up: all of a history, and no phone can make the table grow. */
    HISTORY_LOST_MAX = 256,
    /* What the loop does of a part before others have their turn. */
    HISTORY_SLICE_FACTS = 500,
    HISTORY_SLICE_MS = 20,

    /* App state. The collections that are read hold some settings, and what was starred and muted:
     * tens to hundreds of records of 200 bytes. Each costs some 10 us: so many are no pause. */
    APP_STATE_RECORDS_MAX = 4096,
    APP_STATE_FILE_MAX = 4 << 20, /* so many records, four times over */
    APP_STATE_VALUE_MAX = 64 * 1024,
    APP_STATE_ARENA_MAX = 8 << 20,
    APP_STATE_AGAIN_MS = 60 * 1000, /* after a failure; doubled, up to */
    APP_STATE_AGAIN_MAX_MS = 3600 * 1000,
    APP_STATE_KEY_AGAIN_MS = 24 * 3600 * 1000, /* a missing key is asked for once a day (P-AS-18) */

    /* The web page that names the current version is some 500 kB. */
    VERSION_PAGE_BYTES_MAX = 8 << 20,
    VERSION_FETCH_MS = 15 * 1000,

    /* Settings. */
    CONFIG_FILE_BYTES_MAX = 1 << 20,
    CONFIG_GROUPS_MAX = 4096,
    /* CAs in PEM: the system's are some 220 kB. */
    CONFIG_CA_BYTES_MAX = 16 << 20,

    JOBS_PENDING_MAX = 256,

    /* Questions about people and groups. A user of a usync answer takes some 200 to 500 bytes, one
     * with keys some 250: answers stay near 100 kB, and one that fails costs little. */
    USYNC_USERS_MAX = 256,
    /* So many private messages wait at once for who lacks them; those beyond it are not completed.
     */
    OUT_MISSING_MAX = 64,
    /* Acks of private messages whose hash is not ours make us ask for the devices of each person
     * once in that time, and of so many people: a server may go on naming such hashes. */
    PERSON_REFRESH_S = 3600,
    PERSON_LIMIT_SLOTS = 256,
    /* A LID that is out of date is asked for once in that time: the acks go on saying it until the
     * answer is here, and to so many people at once. */
    LID_REFRESH_MS = 10 * 60 * 1000,
    LID_REFRESH_SLOTS = 32,
    /* What the server says of a number is believed for a day: numbers get other owners, and people
     * LIDs. Within that each number is asked for once. */
    NUMBER_AGE_S = 24 * 3600,
    /* And kept for a month, so that the chat of who is written to now and then is found before it
     * is asked for again. */
    NUMBER_KEEP_S = 30 * 24 * 3600,
    PREKEY_FETCH_USERS_MAX = 256,
    /* Devices that the server does not know (P-X2-12): some are usual after people have unlinked a
     * computer, hundreds in a large group; more than that within an hour is a server's trouble. */
    PREKEY_STALE_MAX = 1024,
    /* Requests that one question of 256 devices may take: five that are gone need 40 at most. */
    PREKEY_QUESTION_REQUESTS = 64,
    /* Halves of questions that were cut short: one question leaves nine at most. */
    PREKEY_KEPT_PARTS = 32,
    PREKEY_STALE_MS = 3600 * 1000,
    /* More than was asked for is odd, but a server may name both forms of a person. */
    USYNC_ANSWER_USERS_MAX = 4 * USYNC_USERS_MAX,
    /* The wire has one byte for it (P-BN-14). */
    DEVICE_NUMBER_MAX = 255,
    /* One caller's users: the largest group (store/limits.h), and ourselves. */
    DEVICE_SYNC_USERS_MAX = 20000 + 1,
    /* Ten devices for each of them would be far more than there are. */
    PREKEY_FETCH_DEVICES_MAX = 200 * 1000,
    /* A device list older than this is asked for again, although notifications keep it right:
     * bounds the effect of one that was lost. */
    DEVICE_LIST_AGE_S = 24 * 3600,
    /* What was noted for later than that from now was noted by a wrong clock. Less is rounding: the
     * server tells whole seconds at each login. */
    CLOCK_SLACK_S = 60,
    /* The list of all groups at login: not at each of many reconnects. */
    GROUP_LIST_AGE_S = 3600,
    GROUP_LIST_RETRY_MS = 60 * 1000,
    /* After failures in a row: what the server sends in vain is some megabytes each time. */
    GROUP_LIST_RETRY_MAX_MS = 3600 * 1000,
    /* One group is asked for again after this time, whatever notifications said. */
    GROUP_AGE_S = 24 * 3600,
    /* What a group shows us by the way (another addressing, another hash of its devices) makes us
     * ask about it not more often than that: it may go on showing it. */
    GROUP_REFRESH_S = 3600,
    /* Devices that one message has missed and is sent to all the same. More are a group that we
     * know nothing of: they get the next message. */
    GROUP_MISSED_MAX = 256,
    /* One group with its members, of 170 bytes each. */
    GROUP_ARENA_MAX = 16 << 20,
    /* An account is in some hundred groups; communities may bring thousands. */
    GROUP_LIST_MAX = 16384,

    /* Times of others (peer_time.h). Our idea of WhatsApp's clock is as old as the login: in a
     * connection of months it may be off by minutes. */
    PEER_TIME_SLACK_S = 3600,
    /* WhatsApp offers 24 hours, 7 days and 90 days. */
    PEER_EXPIRATION_MAX_S = 90 * 24 * 3600,
    PEER_BAN_MAX_S = 400 * 24 * 3600, /* temporary bans last hours to weeks */
    /* A deletion waits for a group's list of members for so long (in_message_revoke.h): at each
     * login the list is asked for. */
    REVOKE_WAIT_S = 14 * 24 * 3600,
    /* So long the message may take that opens an edit, a vote or an answer: its sender or our phone
     * is asked for it, and nobody keeps it for longer (P-RC-45). */
    SECRET_WAIT_S = 14 * 24 * 3600,

    /* Sending. A caller's text is at most 65,536 characters (api/limits.h) of up to four bytes; the
     * "@digits" put in front are some 17 bytes each for 1024 people. */
    SEND_TEXT_BYTES_MAX = 4 * 65536,
    MENTION_TEXT_BYTES_MAX = SEND_TEXT_BYTES_MAX + 64 * 1024,
    /* Sends that are not over: a bridge that was cut off for a night, with a busy caller. */
    SEND_OPEN_MAX = 4096,
    /* Chats whose next message is being prepared at the same time. */
    SEND_PREPARING_MAX = 64,
    SEND_ACK_MS = 75 * 1000, /* P-SD-21 */
    /* How long the next message to a group waits for the ack of the one that gives our sender key:
     * a round trip and a slow server. Giving it twice costs a stanza as large as the first. */
    SEND_KEYS_ACK_MS = 10 * 1000,
    SEND_LEAVING_MS = 5 * 1000, /* between looks whether a message has left, before that counts */
    /* A restriction without an end (time_lock.h): as WhatsApp Web takes one that is not named, then
     * twice as long after each guess of the last day that was too short. */
    TIME_LOCK_GUESS_S = 60,
    TIME_LOCK_GUESS_MAX_S = 3600,
    TIME_LOCK_GUESSES_MS = 24 * 3600 * 1000,
    TIME_LOCK_MAX_S = 366 * 24 * 3600, /* a later end is no time that anybody waits for */
    TIME_LOCK_LOOK_S = 60,             /* between looks at the clock while it lasts */
    /* How often the same bytes go out on one connection that stays up but does not ack them. */
    SEND_WIRE_TRIES = 3,
    /* People who are written to for the first time, before the others of them are spaced out by
     * --first-contact-interval (P-SD-26): a team's list should go at once, a campaign should not.
     */
    FIRST_CONTACT_BURST = 30,
    FIRST_CONTACT_S_MAX = 24 * 3600,
    SEND_RETRY_FIRST_MS = 2 * 1000,
    SEND_RETRY_MAX_MS = 60 * 1000,
    /* The same where the server does answer, but badly: that does not get better within a minute.
     */
    SEND_REFUSED_MAX_MS = 3600 * 1000,
    /* A caller that did not say how long it waits is told so soon that there is no connection: long
     * enough for a reconnect that works at once, short of the time limits that HTTP clients have.
     */
    SEND_OFFLINE_WAIT_S = 5,
    SEND_EXPIRES_S = 24 * 3600, /* of a queued send whose caller named no time */
    /* Sealed bytes that were never acked are sent again for so long; the server knows their id. */
    SEND_RESEND_S = 24 * 3600,
    SEND_KEEP_S = 7 * 24 * 3600,        /* final rows, for callers that repeat their key */
    SEND_PRUNE_MS = 3600 * 1000,        /* between looks for rows that are older */
    SEND_PRUNE_MORE_MS = 100,           /* while there are many: others have their turn */
    RETRY_SENT_KEEP_S = 14 * 24 * 3600, /* plaintexts: peers ask days later (P-SD-56) */
    /* One send under way: request, members and devices of the largest group, the stanza. */
    SEND_ARENA_MAX = 256 << 20,
    TCTOKEN_PENDING_MAX = 64, /* privacy tokens being issued */

    /* Peers that ask again (P-RC-40): refused from the tenth time on. */
    RETRY_REQUESTS_MAX = 9,
    RETRY_REBUILD_S = 3600, /* P-RC-41 */
    /* Requests to our phone for a message whose secret is missing: any member of a group causes
     * one by naming a message that is not here. A lively poll from before the link needs one. */
    PHONE_SECRETS_BURST = 20,
    PHONE_SECRETS_EACH_MS = 6 * 1000,
    RETRY_PENDING_MAX = 256, /* resends that wait for prekeys */
    /* Resends to one group, all of its devices and messages together: so many at once, then one
     * each so many seconds. WhatsApp locks accounts that send more again (P-X2-07); a healthy group
     * needs a few a day. */
    GROUP_RESEND_BURST = 20,
    GROUP_RESEND_S = 6,
    /* Of that one person of the group gets half at most, with all devices: whoever asks for more
     * leaves the others something. */
    GROUP_RESEND_SHARE = GROUP_RESEND_BURST / 2,
    GROUP_RESEND_SHARE_S = 2 * GROUP_RESEND_S,
    GROUP_RESEND_SHARES = 64, /* people who are remembered, all groups together */
    /* The first so many of a full bucket leave in the session that there is, as one device's first
     * request asks for. When more ask, a session that may be lost is not worth a resend. */
    GROUP_RESEND_TRUSTING = 5,
};

#endif
