/* platform_fixture.h - what the machine gives a bridge, without a machine: a clock that a test
 * moves, a loop that it turns, workers, a web page, and a socket that ends in this process. */
#ifndef TESTS_PLATFORM_FIXTURE_H
#define TESTS_PLATFORM_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include "base/buf.h"
#include "bridge/platform/loop_turn.h"
#include "bridge/platform/machine.h"
#include "bridge/platform/timers.h"

enum { START_S = 1790000000 };

/* ---- time ---- */

/* The monotonic clock; the wall clock starts at START_S. */
extern int64_t now_ms;
/* How far a test has moved the wall clock. */
extern int64_t wall_jump_ms;
/* The wall clock in milliseconds. */
int64_t wall(void *ctx);
/* Both clocks in one struct, as the bridge reads them. */
extern const struct clock hand_clock;

/* ---- the loop, the workers and the web page ---- */

/* The loop of the bridge; a test turns it. */
extern struct loop the_loop;

struct hand_jobs {
    struct jobs jobs;
    job_work_fn *work;
    job_done_fn *done;
    void *ctx;
};
/* The work that was given to the workers: one piece at most waits. */
extern struct hand_jobs the_jobs;
/* Takes it, as a worker does. */
struct hand_jobs hand_jobs_take(void);
/* The workers are slow: nothing is done yet. */
extern bool jobs_held;
/* The text of the web page; NULL: the page cannot be had. */
extern const char *web_page;
/* The text of the second page that names the version. */
extern const char *web_document;
/* How often the page was asked for. */
extern unsigned page_visits;

/* ---- the socket ---- */

struct hand_ws {
    struct ws_client client;
    struct ws_callbacks cb;
    bool active, established, closing, aborted, reading_off;
    size_t waiting; /* bytes that it was given and that wait for the network */
    struct tcp_uplink uplink;
    struct buf out; /* sent by the bridge, not yet looked at by the server */
};
/* The socket of the bridge. */
extern struct hand_ws the_ws;
/* The server does not answer a close frame. */
extern bool server_dead;
/* How often the bridge has opened its socket. */
extern unsigned dials;
/* The address that the bridge opened last. */
extern char dialled[128];

/* All of it, for a bridge. */
extern const struct machine hand_machine;

/* A new loop without work, as at the start of a process. */
void platform_forget(void);

#endif
