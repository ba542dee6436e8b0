/* limits.h - the sizes and times of bridge/people/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_PEOPLE_LIMITS_H
#define BRIDGE_PEOPLE_LIMITS_H

enum {
    /* An account's statement about a device is some 200 bytes: a key, two signatures, and details
     * that may be STORE_ADV_DETAILS_MAX. Its list of key indexes has one number for each device
     * (P-US-07: signed statements about devices).
     */
    ADV_STATEMENT_MAX = 768,
    ADV_LIST_MAX = 8192,
    /* Memory for a decoded statement and a person's list of devices. */
    TRUST_ARENA_MAX = 256 * 1024,

    /* Answers to GraphQL questions come in JSON. */
    MEX_JSON_MAX = 64 * 1024, /* the state of an account is 200 bytes; a newsletter's a few kB */

    /* Questions about people and groups. A user of a usync answer takes some 200 to 500 bytes, one
     * with keys some 250: answers stay near 100 kB, and one that fails costs little. */
    USYNC_USERS_MAX = 256,
    /* Acks of private messages whose hash is not ours make us ask for the devices of each person
     * once in that time, and for so many people: a server may go on naming such hashes. */
    PERSON_REFRESH_S = 3600,
    PERSON_LIMIT_SLOTS = 256,
    /* A LID that is out of date is asked for once in that time: the acks go on saying it until the
     * answer is here, and to so many people at once. */
    LID_REFRESH_MS = 10 * 60 * 1000,
    LID_REFRESH_SLOTS = 32,
    /* What the server says of a number is believed for a day: numbers get other owners, and people
     * get LIDs. Within that each number is asked for once. */
    NUMBER_AGE_S = 24 * 3600,
    /* More than was asked for is odd, but a server may name both forms of a person. */
    USYNC_ANSWER_USERS_MAX = 4 * USYNC_USERS_MAX,
    /* The wire has one byte for a device number (P-BN-14: JIDs in binary). */
    DEVICE_NUMBER_MAX = 255,
    /* One caller's users: the largest group (store/session/limits.h), and ourselves. */
    DEVICE_SYNC_USERS_MAX = 20000 + 1,
    /* A device list older than this is asked for again, although notifications keep it right:
     * bounds the effect of one that was lost. */
    DEVICE_LIST_AGE_S = 24 * 3600,

    /* A restriction without a named end (time_lock.h): first the guess that WhatsApp Web makes,
     * then twice as long after each guess of the last day that was too short. */
    TIME_LOCK_GUESS_S = 60,
    TIME_LOCK_GUESS_MAX_S = 3600,
    TIME_LOCK_GUESSES_MS = 24 * 3600 * 1000,
    TIME_LOCK_MAX_S = 366 * 24 * 3600, /* a later end is no time that anybody waits for */
    TIME_LOCK_LOOK_S = 60,             /* between looks at the clock while it lasts */
    TCTOKEN_PENDING_MAX = 64,          /* privacy tokens being issued */
};

#endif
