/* conn_private.h - the connection's inside, shared by bridge/conn*.c (and its tests) only. */
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
    X(TIMER)        /* the time that the state may last is over */                                 \
    X(VERSION)      /* the version fetch ended */                                                  \
    X(SOCKET_OPEN)  /* the upgrade succeeded */                                                    \
    X(HELLO)        /* a frame before the encrypted stream */                                      \
    X(PAIR_DEVICE)  /* refs for a QR */                                                            \
    X(PAIR_SUCCESS) /* the phone's account identity */                                             \
    X(SUCCESS)                                                                                     \
    X(FAILURE)                                                                                     \
    X(STREAM_ERROR)                                                                                \
    X(STREAM_END)                                                                                  \
    X(PREKEYS) /* counted and, if needed, uploaded (or it failed) */                               \
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
    /* The connection is gone: no QR and no code are valid any more. */
    void (*stream_over)(struct conn *c);
    conn_handler *pair_device, *pair_success, *early_success;
    conn_handler *qr_timer, *passkey_timer;
};

/* DeviceProps.platformType that we register with (P-HS-23): "unknown", as whatsmeow. The passkey
 * step names it again (P-PR-31). */
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
    enum conn_reason why;      /* of the last end; decides what follows */
    char detail[WS_WORDS_MAX]; /* words of the server or the system for it; "" */
    char before[WS_WORDS_MAX]; /* why the attempt before this one failed; "": it did not */
    int64_t state_ms;          /* monotonic time since when the state lasts */

    struct ws_client *ws;
    struct frame_reader frames;
    struct arena arena; /* of the frame under way */
    struct buf plain;   /* its plaintext */
    struct buf sealed;  /* of the stanza being sent */
    struct noise_handshake hs;
    struct noise_transport transport;
    bool hs_live, transport_live;
    bool intro_sent;

    /* Keys in guarded memory. Unpaired: fresh keys, jid is none. */
    struct account *account;
    bool paired;
    bool pair_wanted; /* show a QR while unpaired */
    bool logged_in;   /* <success> on this connection */
    bool shutting_down;
    bool ending; /* the socket has ended; the last of what it brought is looked at */

    struct timer step_timer;    /* how long the state may last, or the backoff */
    struct timer stable_timer;  /* forgets the backoff */
    struct timer offline_timer; /* the offline phase is over */
    struct timer active_timer;  /* <active/> is sent again after a pause that the server wants */
    unsigned active_refusals;   /* on this connection */
    struct timer silence_timer; /* nothing of what was announced comes (conn_offline.c) */
    struct timer calm_timer;    /* the memory of a burst goes back to the system */
    bool offline_phase;         /* the server is delivering what waited */
    bool offline_over;          /* on this stream it has said that it is done with that */
    bool offline_waits;         /* announced, and not delivered yet */
    bool offline_asked;         /* asked for, and nothing has come since */
    unsigned offline_pulled;    /* of the part that was asked for have come; 0 also: none was */
    int64_t offline_heard_ms;   /* monotonic time of the last of it */
    struct backoff backoff;
    struct replaced replaced;
    int64_t banned_until_s;  /* server's word, our clock; 0: no */
    int64_t banned_for_s;    /* server's word: how long; 0: not known */
    int64_t connected_at_ms; /* wall clock of <success>; 0: not connected */
    int64_t logged_in_ms;    /* the same on the monotonic clock */
    /* Of the connection that has ended, until the next attempt: `logged_in` is false by then. */
    bool was_logged_in;
    int64_t lasted_ms;       /* how long it was logged in; 0: never */
    int64_t closing_ms;      /* monotonic time of its end, or of our decision to end it */
    int64_t restarted_ms;    /* monotonic time of the last 515; 0: never */
    uint32_t version_used;   /* N of 2.3000.N sent last */
    unsigned login_failures; /* that have no rule of their own, since a login succeeded */
    bool version_retried;    /* 405 was followed by one attempt with a newer version */
    bool refs_shown;         /* this connection offered a QR */
    const struct conn_pairing *how_to_pair;
    struct pairing *pairing;
    struct loop_deferred more;   /* frames that were read wait for the loop's next turn */
    struct loop_deferred broken; /* the stream cannot be sent on: closes it */
    struct sent_log sent;        /* what was sent last, for the server's complaints (P-ER-13) */
};

/* The handler of a pair; never NULL. */
conn_handler *conn_table_find(enum conn_state s, enum conn_event e);
/* Runs it. */
void conn_event(struct conn *c, enum conn_event e, const struct conn_input *in);
/* The only place where the state changes: logs old -> new. wait_ms > 0 arms the state's timer. */
void conn_set_state(struct conn *c, enum conn_state s, int64_t wait_ms);
/* Notes why, closes the socket and waits for it to be gone. */
void conn_close(struct conn *c, enum conn_reason why, const char *detail);
void conn_detail(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* conn_read.c */
/* Nothing that still comes counts. */
bool conn_closing(const struct conn *c);
/* Bytes from the socket. False: nothing more is wanted. */
bool conn_on_receive(void *ctx, struct span bytes);
/* What has been read, up to one batch; the rest in the loop's next turn. */
void conn_take_frames(void *ctx);
/* A burst is over, or a large stanza: what they used goes back to the system soon. */
void conn_calm_soon(struct conn *c);
/* A buffer that a large stanza has made large is given back. */
void conn_trim(struct conn *c, struct buf *b);

/* conn.c */
void conn_connect(struct conn *c);
enum wb_err conn_send_frame(struct conn *c, struct span payload) WB_MUST_CHECK;
/* The account of the store into c->account; NOT_FOUND: unpaired. */
enum wb_err conn_load_account(struct conn *c) WB_MUST_CHECK;
void conn_account_changed(struct conn *c);
/* Fresh keys for a device that is to be paired. */
enum wb_err conn_fresh_keys(struct conn *c) WB_MUST_CHECK;
/* Writes down until when; a failure is logged. */
void conn_store_ban(struct conn *c);
/* There is none (any more), whatever the store remembers; part of the open batch. */
enum wb_err conn_ban_over(struct conn *c) WB_MUST_CHECK;

/* conn_uplink.c */
/* The socket has taken something: what waited for room goes on. */
void conn_on_drained(void *ctx);
/* OK: a stanza of so many packed bytes can be encrypted and queued now. STATE, TOO_LARGE. */
enum wb_err conn_would_send(const struct conn *c, size_t packed) WB_MUST_CHECK;

/* conn_plan.c: the socket is gone (or was never there): what now. */
void conn_plan_next(struct conn *c);
/* The version fetch that WAIT_VERSION waits for ended, or took too long. */
void conn_plan_version(struct conn *c);

/* conn_handshake.c */
conn_handler conn_on_socket_open, conn_on_hello;

/* conn_login.c */
conn_handler conn_on_success, conn_on_failure, conn_on_stream_error, conn_on_stream_end,
    conn_on_prekeys, conn_on_active;

/* conn_offline.c */
/* One of those that were announced has come, while offline_waits. */
void conn_offline_heard(struct conn *c);

/* conn_table.c: pairing's handlers, as rows of the table. */
conn_handler conn_on_pair_device, conn_on_pair_success, conn_on_qr_timer, conn_on_early_success,
    conn_on_passkey_timer;

#endif
