/* health.h - the values that GET /health shows. */
#ifndef BRIDGE_CALLS_HEALTH_H
#define BRIDGE_CALLS_HEALTH_H

#include "base/arena.h"
#include "bridge/conn/conn_health.h"
#include "bridge/core/limits.h"
#include "proto/jid.h"

struct bridge;

struct health_group {
    const struct jid *jid;
    const char *name;          /* the operator's */
    int64_t last_message_at_s; /* 0: none yet */
    bool known;                /* the group list has been read at least once */
    bool member;               /* we are in it */
};

/* A pause between requests that the server has asked for (bridge/core/iq_pause.h). */
struct health_query_pause {
    const char *kind; /* "usync get" */
    int64_t left_s;   /* rounded up */
};

enum { HEALTH_WARNINGS_MAX = 4 }; /* kinds of them */

/* Texts live in the arena or are static; "" when unknown. */
struct health {
    enum health_status status;
    bool connected;     /* connected and logged in: HTTP 200 */
    const char *reason; /* machine word: conn_reason_name() */
    const char *detail; /* one sentence for the operator, with what to do */
    /* Parts that work, but not as they should: sentences for the operator. */
    const char *warnings[HEALTH_WARNINGS_MAX];
    size_t nwarnings;
    const char *conn_state; /* conn_state_name() */
    const char *passkey;    /* passkey_phase_word() */
    const char *role;
    const char *phone;     /* "+2782..." */
    const char *jid, *lid; /* own device JIDs */
    const char *push_name;
    const char *wa_version;          /* "2.3000.N" */
    int64_t wa_version_expires_at_s; /* unix, as WhatsApp has announced; 0: it has not */
    int64_t uptime_s;
    int64_t connected_since_s;  /* unix; 0 when not connected */
    int64_t last_message_at_s;  /* unix; 0: none yet */
    int64_t last_stanza_at_s;   /* unix; 0: none yet; a deaf bridge shows here */
    int64_t next_attempt_in_s;  /* -1: none planned */
    int64_t banned_until_s;     /* unix; 0: not banned */
    int64_t restricted_until_s; /* unix; 0: new people may be written to (time_lock.h) */
    bool restricted_guessed;    /* that end is our guess: WhatsApp has named none */
    uint64_t reconnects;        /* connections lost since start */
    uint64_t messages_stored;   /* messages of others, over all runs */
    /* Receipts, resends and changes that others had no right to ask for, since start. */
    uint64_t refused_receipts, refused_retries, refused_changes;
    uint64_t group_resends_held; /* resends beyond a group's limit, since start */
    int64_t pause_ms;            /* the longest that the loop was busy, since start */
    const char *pause_who;       /* the part that kept it busy, "" */
    /* Messages that may be missing, and are asked for (bridge/history/history_request.h). */
    int64_t gap_since_s, gap_until_s; /* unix, after a restore; 0: none */
    size_t gap_chats;                 /* chats that are being asked for */
    size_t gap_quiet;                 /* chats with no message since the gap: not asked for yet */
    uint64_t gap_filled;              /* messages that came that way */
    /* Parts of the history that the phone offered (bridge/history/history_offered.h). */
    size_t history_waiting, history_given_up;
    /* Since start: keys and devices that are not what they should be (bridge/people/trust.h). */
    uint64_t codes_changed, foreign_keys, unvouched_devices, unvouched_refused, unasked_answers;
    const char *backup_name;  /* newest set, "" */
    int64_t backup_at_s;      /* unix, of that set; 0: none yet */
    const char *backup_error; /* why the last attempt failed, "" */
    const char *repaired;     /* how damaged files were repaired at this start, "" */
    /* The restore that the session comes from, if any: the set's name ("") and both times (unix).
     */
    const char *restored_name;
    int64_t restored_at_s, restored_backup_at_s;
    const struct health_group *groups;
    size_t ngroups;
    struct health_query_pause query_pauses[IQ_PAUSES_MAX];
    size_t nquery_pauses;
};

enum wb_err bridge_health(struct bridge *b, struct arena *a, struct health *ret_h) WB_MUST_CHECK;

#endif
