/* mock.h - the server as one value, and what every part of it needs: an arena for the operation in
 * hand, ids, time, flags, trace, timers. One thread; nothing blocks. This room has the world that
 * the server keeps, and arithmetic; it knows nothing of connections, of stanzas' meaning, of
 * sockets. */
#ifndef MOCK_CORE_MOCK_H
#define MOCK_CORE_MOCK_H

#include <stdio.h>

#include "base/clock.h"
#include "base/rng.h"
#include "proto/limits.h"
#include "proto/node.h"
#include "tools/mock/core/config.h"
#include "tools/mock/core/cut.h"
#include "tools/mock/core/rate.h"
#include "tools/mock/core/trouble.h"
#include "tools/mock/core/world.h"

struct flag {
    struct flag *next;
    uint64_t id;
    int64_t t_ms;
    char client[JID_TEXT_MAX];
    char what[40];
    char detail[256];
    char *stanza; /* XML, may be NULL */
    bool note;    /* WhatsApp tolerates it; clients in use do it */
};

struct mock_timer {
    struct mock_timer *next;
    int64_t at_ms;
    uint64_t seq; /* equal times fire in order of creation */
    void (*fire)(struct mock *m, void *arg);
    void *arg;
    void (*drop)(void *arg); /* frees arg if the timer never fires; may be NULL */
};

struct inbox_item {
    struct inbox_item *next;
    struct device *to;
    size_t n;
    uint8_t packed[];
};

/* A private message that left devices out (devices/address.c). */
enum { MOCK_MISSING_MAX = 16 };
struct mock_missing {
    const struct device *from; /* NULL: free */
    char id[MOCK_ID_MAX];
    struct device *devices[2 * MOCK_DEVICES_MAX]; /* compared, never followed */
    size_t n;
};

/* How the server refuses a prekey query for a device that is gone. */
enum gone_refusal {
    GONE_NOT_FOUND, /* <error code=404> in its <user> */
    GONE_ONE,       /* <error code=406> in its <user> */
    GONE_BATCH,     /* the whole query with 406 */
};

struct mock {
    struct mock_missing missing[MOCK_MISSING_MAX];
    size_t missing_at;
    struct mock_config cfg;
    const struct clock *clock;
    struct rng rng;
    struct rng_seeded seeded;
    struct x25519_pair root, intermediate, noise_static;
    struct world world;
    struct trouble trouble;
    struct rates rates;
    enum gone_refusal gone_refused;
    bool no_worker_script; /* /sw.js is missing */
    bool offline_pull;     /* queued stanzas are delivered when the client asks */
    struct client *clients;
    uint64_t next_client, next_id, next_flag, next_timer, next_mark;
    struct flag *flags, *last_flag;
    size_t nflags;
    struct mock_timer *timers;             /* soonest first */
    struct inbox_item *inbox, *inbox_last; /* stanzas for devices that the mock plays */
    bool inbox_timer;                      /* a timer will read the inbox soon */
    struct map used_keys;                  /* strict.c: message keys seen on the wire */
    struct map media;                      /* media.c */
    unsigned media_gone;                   /* the next so many files are not found, */
    unsigned media_gone_status;            /* or answered with this status */
    struct map pair_codes;                 /* pair_code.c: ref -> waiting companion */
    struct map named;                      /* names.c: push name -> account */
    uint64_t next_named, next_picture;
    struct arena a; /* of the operation in hand */
    unsigned depth;
    FILE *trace;
    char base_url[96]; /* http://127.0.0.1:port, set by server.c */
    /* How connections reach their sockets; set by server.c (or by a unit test). */
    void (*want_write)(void *socket);
    void (*close_socket)(void *socket);
    void (*cut_socket)(void *socket, enum socket_cut how);
};

/* Brackets around everything that comes in from outside. On the last leave the arena is emptied;
 * stanzas for played devices are read by a timer, soon. */
void mock_enter(struct mock *m);
void mock_leave(struct mock *m);

uint64_t mock_now_s(const struct mock *m);
/* A fresh stanza id, allocated in the arena. */
const char *mock_id(struct mock *m);

/* Calls fire(arg) after delay_ms, from the loop. If the mock ends first, drop(arg) runs instead,
 * unless drop is NULL. False: no memory (drop has run). */
bool mock_timer(struct mock *m, int64_t delay_ms, void (*fire)(struct mock *, void *), void *arg,
                void (*drop)(void *));
/* Milliseconds until the next timer, -1 without one. */
int64_t mock_timer_wait(const struct mock *m);
void mock_timers_run(struct mock *m);
/* Cancels the timers of that arg; the drop(arg) of each runs. */
void mock_timer_cancel(struct mock *m, const void *arg);

/* Records that a client did something that WhatsApp would not like. client: its label; node may be
 * NULL. */
void mock_flag(struct mock *m, const char *client, const char *what, const struct node *node,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void mock_flags_clear(struct mock *m);
void mock_say(const struct mock *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes a stanza to the trace file. dir: "in" (from the client) or "out". */
void mock_trace(struct mock *m, const char *dir, const char *client, const struct node *n);

/* Short forms of the node functions, on the arena of the operation in hand. */
struct node *mock_node(struct mock *m, const char *tag);
/* Text of an attribute as a C string in the arena; "" when absent. */
const char *mock_attr(struct mock *m, const struct node *n, const char *key);

#endif
