/* conn_private.h - the connection's inside, shared by the files of bridge/conn/ and bridge/pair/
 * and their tests only. */
#ifndef BRIDGE_CONN_CONN_PRIVATE_H
#define BRIDGE_CONN_CONN_PRIVATE_H

#include "bridge/conn/backoff.h"
#include "bridge/conn/conn.h"
#include "bridge/core/context.h"
#include "bridge/core/stanza.h"
#include "bridge/platform/ws_client.h"
#include "bridge/platform/ws_reach.h"
#include "crypto/noise.h"
#include "proto/frame.h"
#include "store/session/account.h"

/* X(name): what may happen. Every state has an answer to each (conn_table.c). */
#define CONN_EVENT_LIST(X)                                                                         \
    X(OPERATOR)     /* asked to connect now */                                                     \
    X(TIMER)        /* the state's time limit is over */                                           \
    X(VERSION)      /* the version fetch ended */                                                  \
    X(SOCKET_OPEN)  /* the upgrade succeeded */                                                    \
    X(HELLO)        /* a frame before the encrypted stream */                                      \
    X(PAIR_DEVICE)  /* refs for a QR */                                                            \
    X(PAIR_SUCCESS) /* the phone's account identity */                                             \
    X(SUCCESS)                                                                                     \
    X(FAILURE)                                                                                     \
    X(STREAM_ERROR)                                                                                \
    X(STREAM_END)                                                                                  \
    X(PREKEYS) /* prekeys were counted and, if needed, uploaded (or that failed) */                \
    X(ACTIVE)  /* the answer to <active/> (or none) */                                             \
    X(DROP)    /* a reason of ours to close */                                                     \
    X(ENDED)   /* the socket is gone */                                                            \
    X(SHUTDOWN)

enum conn_event {
#define X(name) CONN_EV_##name,
    CONN_EVENT_LIST(X)
#undef X
        CONN_EVENT_COUNT
};
const char *conn_event_name(enum conn_event e);

/* What an event brings; only its own field is set. */
struct conn_input {
    struct span frame;             /* HELLO */
    const void *parsed;            /* PAIR_*, SUCCESS, FAILURE, STREAM_ERROR: the parsed stanza */
    const struct stanza *stanza;   /* the same: where it came from */
    const struct ws_end_info *end; /* ENDED */
    enum conn_reason why;          /* DROP */
};

typedef void conn_handler(struct conn *c, const struct conn_input *in);

/* What a connection without an account does: pairing, given to conn_new(). */
struct pairing;
struct conn_pairing {
    /* c->pairing. NOMEM. */
    enum wb_err (*make)(struct conn *c);
    void (*destroy)(struct conn *c); /* also when it could not be made */
    /* Called when the connection is gone: no QR and no code are valid any more. */
    void (*stream_over)(struct conn *c);
    conn_handler *pair_device, *pair_success, *early_success;
    conn_handler *qr_timer, *passkey_timer;
};

/* The DeviceProps.platformType that we register with (P-HS-23): "unknown", as whatsmeow does. The
 * passkey step names it again (P-PR-31). */
enum { CONN_PLATFORM = 0 };

/* Tag, id and type of the last stanzas sent; no content. */
enum { SENT_LOG_ENTRIES = 20, SENT_LOG_TEXT = 80 };
struct sent_log {
    char text[SENT_LOG_ENTRIES][SENT_LOG_TEXT];
    unsigned next;
};

struct conn {
    struct bridge *b;
    enum conn_state state;
    enum conn_reason why;      /* why the last connection ended; decides what follows */
    char detail[WS_WORDS_MAX]; /* words of the server or the system for `why`; "" */
    char before[WS_WORDS_MAX]; /* why the attempt before this one failed; "": it succeeded */
    int64_t state_ms;          /* monotonic time at which the state began */

    struct ws_client *ws;
    struct frame_reader frames;
    struct arena arena; /* nodes of the frame under way */
    struct buf plain;   /* its plaintext */
    struct buf sealed;  /* of the stanza being sent */
    struct noise_handshake hs;
    struct noise_transport transport;
    bool hs_live, transport_live;
    bool intro_sent;

    /* Keys in guarded memory. Unpaired: fresh keys, and the JID is JID_NONE. */
    struct account *account;
    bool paired;
    bool pair_wanted; /* show a QR while unpaired */
    bool logged_in;   /* <success> has come on this connection */
    bool shutting_down;
    bool ending; /* the socket has ended; its last frames are being handled */

    struct timer step_timer;    /* the state's time limit, or the backoff's end */
    struct timer stable_timer;  /* resets the backoff after a stable time */
    struct timer offline_timer; /* the offline phase is over */
    struct timer active_timer;  /* <active/> is sent again after a pause that the server wants */
    unsigned active_refusals;   /* of <active/> on this connection */
    struct timer silence_timer; /* announced stanzas do not come (conn_offline.c) */
    struct timer calm_timer;    /* then memory that a burst has used goes back to the system */
    bool offline_phase;         /* the server is delivering the offline queue */
    bool offline_over;  /* on this stream the server has said that the offline queue is delivered */
    bool offline_waits; /* stanzas are announced and not delivered yet */
    bool offline_asked; /* we asked for them, and none has come since */
    unsigned offline_pulled;  /* 1 + stanzas of the part we asked for; 0: we did not ask */
    int64_t offline_heard_ms; /* monotonic time of the last of these stanzas */
    struct backoff backoff;
    struct replaced replaced;
    int64_t banned_until_s;  /* unix seconds, by the server's word and our clock; 0: no ban */
    int64_t banned_for_s;    /* the ban's length by the server's word, seconds; 0: not known */
    int64_t connected_at_ms; /* wall clock of <success>; 0: not connected */
    int64_t logged_in_ms;    /* the same moment on the monotonic clock */
    /* Of the connection that has ended, until the next attempt: `logged_in` is false by then. */
    bool was_logged_in;
    int64_t lasted_ms;    /* how long it was logged in; 0: never */
    int64_t closing_ms;   /* monotonic time of the connection's end, or of our decision to end it */
    int64_t restarted_ms; /* monotonic time of the last 515; 0: never */
    uint32_t version_used;   /* N of 2.3000.N sent last */
    unsigned login_failures; /* <failure>s without a rule of their own, since a login succeeded */
    bool version_retried;    /* after 405 one attempt with a newer version was made */
    bool refs_shown;         /* this connection offered a QR */
    const struct conn_pairing *how_to_pair;
    struct pairing *pairing;
    struct loop_deferred more;   /* frames that were read wait for the loop's next turn */
    struct loop_deferred broken; /* sending on the stream has failed: closes it */
    struct sent_log sent;        /* the last stanzas sent, if the server complains (P-ER-13) */
};

/* The handler of an event in a state; never NULL. */
conn_handler *conn_table_find(enum conn_state s, enum conn_event e);
/* Runs the handler of the event in the present state. */
void conn_event(struct conn *c, enum conn_event e, const struct conn_input *in);
/* The only place where the state changes: logs old -> new. wait_ms > 0 arms the state's timer. */
void conn_set_state(struct conn *c, enum conn_state s, int64_t wait_ms);
/* Notes why, closes the socket and waits for it to be gone. */
void conn_close(struct conn *c, enum conn_reason why, const char *detail);
void conn_detail(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* conn_read.c */
/* Is the connection closing, so that stanzas which still come are ignored? */
bool conn_closing(const struct conn *c);
/* Takes bytes from the socket. Returns false to stop reading. */
bool conn_on_receive(void *ctx, struct span bytes);
/* Handles the frames that have been read, up to one batch; the rest follow in the loop's next
 * turn. */
void conn_take_frames(void *ctx);
/* A burst or a large stanza is over: the memory that it used goes back to the system soon. */
void conn_calm_soon(struct conn *c);
/* Frees a buffer that a large stanza has made large. */
void conn_trim(struct conn *c, struct buf *b);

/* conn.c */
void conn_connect(struct conn *c);
enum wb_err conn_send_frame(struct conn *c, struct span payload) WB_MUST_CHECK;
/* Seals one packed stanza and sends it: the link's (core/link.h). */
enum wb_err conn_send_plain(struct conn *c, struct span packed) WB_MUST_CHECK;
/* Reads the store's account into c->account; NOT_FOUND: unpaired. */
enum wb_err conn_load_account(struct conn *c) WB_MUST_CHECK;
void conn_account_changed(struct conn *c);
/* Fresh keys for a device that is to be paired. */
enum wb_err conn_fresh_keys(struct conn *c) WB_MUST_CHECK;
/* Stores the ban's end; a failure is logged. */
void conn_store_ban(struct conn *c);
/* Removes the ban from memory and store; part of the open batch. */
enum wb_err conn_ban_over(struct conn *c) WB_MUST_CHECK;

/* conn_uplink.c */
/* The socket has taken bytes: sends that waited for room go on. */
void conn_on_drained(void *ctx);
/* OK: a stanza of so many packed bytes can be encrypted and queued now. Errors as
 * conn_send_plain(): STATE, TOO_LARGE. */
enum wb_err conn_would_send(const struct conn *c, size_t packed) WB_MUST_CHECK;

/* conn_plan.c: the socket is gone (or was never there): decides what comes next. */
void conn_plan_next(struct conn *c);
/* The version fetch that WAIT_VERSION waits for ended, or took too long. */
void conn_plan_version(struct conn *c);

/* conn_handshake.c */
conn_handler conn_on_socket_open, conn_on_hello;

/* conn_login.c */
conn_handler conn_on_success, conn_on_failure, conn_on_stream_error, conn_on_stream_end,
    conn_on_prekeys, conn_on_active;

/* conn_offline.c */
/* An announced stanza has come; called while offline_waits. */
void conn_offline_heard(struct conn *c);

/* conn_table.c: pairing's handlers, as rows of the table. */
conn_handler conn_on_pair_device, conn_on_pair_success, conn_on_qr_timer, conn_on_early_success,
    conn_on_passkey_timer;

#endif
