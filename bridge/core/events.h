/* events.h - news inside the process. Upward news (to api/) and sideways news (between the parts of
 * bridge/) travel by events, so that no lower part calls an upper one. Delivered at once, on the
 * loop. */
#ifndef BRIDGE_CORE_EVENTS_H
#define BRIDGE_CORE_EVENTS_H

#include "proto/jid.h"

enum bridge_event_kind {
    BRIDGE_EV_STATE,        /* status word may have changed: look at bridge_health() */
    BRIDGE_EV_QR,           /* a new QR is shown, or none any more */
    BRIDGE_EV_PAIR_CODE,    /* a new link code, or none any more */
    BRIDGE_EV_PAIRED,       /* the account was stored */
    BRIDGE_EV_LOGGED_IN,    /* <success>; own JIDs are known */
    BRIDGE_EV_ACTIVE,       /* active, and nothing sent yet: ONLINE follows */
    BRIDGE_EV_ONLINE,       /* active: queued sends start */
    BRIDGE_EV_OFFLINE_DONE, /* the server has delivered the offline queue */
    BRIDGE_EV_ROOM,         /* the socket has taken something: there may be room for more */
    BRIDGE_EV_OFFLINE,      /* the connection went away; pending requests have been failed */
    BRIDGE_EV_BATCH_ENDS,   /* about to be committed: counters are written into it now */
    BRIDGE_EV_BATCH_DONE,   /* committed: what was stored is durable */
    BRIDGE_EV_BATCH_FAILED, /* rolled back: drop decoded caches */
    BRIDGE_EV_MESSAGE,      /* a message was stored durably: chat and id */
    BRIDGE_EV_IDENTITY,     /* a person's security code changed, durably: chat is that person's */
    BRIDGE_EV_TIME_LOCK,    /* WhatsApp has restricted the account, or does so no longer */
    BRIDGE_EV_LOGGED_OUT,   /* by the server or by us; the account is set aside */
    BRIDGE_EV_GAP,          /* in the open batch: a chat lacks something (history_gaps.h) */
    BRIDGE_EV_PHONE_READY,  /* there is a session with our phone now: it can be asked */
    BRIDGE_EV_SETTINGS,     /* re-read by SIGHUP */
    BRIDGE_EV_BEGIN_ANEW,   /* the open databases can be used no longer: this run must end */
    BRIDGE_EV_STALL,        /* work begins on the loop that may take minutes */
    BRIDGE_EV_COUNT,
};

struct bridge_event {
    enum bridge_event_kind kind;
    const struct jid *chat; /* MESSAGE and IDENTITY only */
    const char *id;         /* MESSAGE only */
};

typedef void event_fn(void *ctx, const struct bridge_event *e);

struct event_listener;
struct events {
    struct event_listener *first;
};

void events_init(struct events *es);
void events_free(struct events *es);
/* Subscribes fn for the life of es; subscribers are called in the order of subscription. NOMEM. */
enum wb_err events_on(struct events *es, enum bridge_event_kind kind, event_fn *fn,
                      void *ctx) WB_MUST_CHECK;
void events_emit(struct events *es, const struct bridge_event *e);
void events_emit_kind(struct events *es, enum bridge_event_kind kind);

#endif
