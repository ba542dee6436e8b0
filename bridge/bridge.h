/* bridge.h - the life of a bridge: puts its parts together, starts them, ends them. Included by
 * main.c and by tests only. */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "bridge/core/context.h"

struct bridge_deps {
    struct config *config;
    struct log *log;
    const struct clock *clock;
    const struct rng *rng;
    struct loop *loop;
    const struct machine *machine;
    struct store *store;
    const char *repaired; /* what was done to damaged files at start; NULL or "": nothing */
    bool checked;         /* that start checked all of them in full and found nothing */
};

/* Puts the parts together; nothing is connected yet. */
enum wb_err bridge_new(const struct bridge_deps *d, struct bridge **ret_b) WB_MUST_CHECK;
void bridge_free(struct bridge *b); /* NULL-safe */
void bridge_start(struct bridge *b);
/* The settings were read again (config_reload()): takes over what is not looked up at each use. */
void bridge_settings_changed(struct bridge *b);
/* Level, format and role of the log, also before there is a bridge. */
void bridge_log_settings(struct log *l, const struct config *c);
/* Asked to stop: sends under way get a moment, who waits is answered, then bridge_shutdown(). */
void bridge_finish(struct bridge *b);
/* Commits what is in hand, closes, stops the loop; within CONN_CLOSE_TIMEOUT_MS. */
void bridge_shutdown(struct bridge *b);
/* After the loop has ended: is a new run to begin, with a full check of the files? Why, for people;
 * NULL: no, it was asked to stop. *ret_damaged: a file was found damaged. */
const char *bridge_begin_anew(const struct bridge *b, bool *ret_damaged);

#endif
