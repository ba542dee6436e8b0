/* people_fixture.h - a bridge without a connection: a real store, a clock and timers of the test's
 * own, and a list of all stanzas that the bridge sends. Stanzas are written as XML with single
 * quotes. */
#ifndef TESTS_PEOPLE_FIXTURE_H
#define TESTS_PEOPLE_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include <ctype.h>

#include "base/secret.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/groups/group_info.h"
#include "bridge/groups/group_list.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/lid_lookup.h"
#include "bridge/people/lid_refresh.h"
#include "bridge/people/tctoken.h"
#include "bridge/platform/loop_turn.h"
#include "bridge/sessions/prekey_fetch.h"
#include "store/core/batch.h"
#include "store/open/open.h"
#include "store/session/account.h"

enum { SENT_MAX = 16 };

struct desk {
    struct bridge b;
    struct config config;
    struct log log;
    struct loop loop; /* only its timers run */
    struct clock clock;
    struct rng_seeded seed;
    struct rng rng;
    struct account account;
    int64_t now_ms;
    int64_t jumped_ms; /* how far the wall clock is ahead of now_ms */
    bool connected;
    char dir[64];
    struct arena arena;
    struct node *sent[SENT_MAX]; /* in order; taken by desk_sent() */
    size_t nsent, ntaken;
};

/* For cmocka: a paired bridge on an empty store, connected. */
int desk_setup(void **state);

/* For cmocka: ends the bridge and removes its files. */
int desk_teardown(void **state);

/* ---- stanzas as text ---- */

/* The stanza that a text says, in the desk's arena. */
struct node *xml(struct desk *d, const char *text);

/* An element with bytes inside. */
struct node *bytes_node(struct desk *d, const char *tag, const void *p, size_t n);

/* A stanza as text, in the desk's arena. */
const char *print(struct desk *d, const struct node *n);

/* ---- the server's part ---- */

/* The oldest stanza that was sent and that the test has not looked at yet. */
struct node *desk_sent(struct desk *d);

/* The test must have looked at every stanza that was sent. */
void assert_none_sent(struct desk *d);

/* The answer to a request, with its children (NULL: none). */
void desk_reply(struct desk *d, const struct node *request, const char *type, struct node *child);

/* The server refuses a request with this code. */
void desk_error(struct desk *d, const struct node *request, const char *code);

/* A <notification> comes in. */
enum wb_err desk_notify(struct desk *d, const char *text);

/* Time passes; timers that have fallen due run. */
void desk_later(struct desk *d, int64_t ms);

#endif
