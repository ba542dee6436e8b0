/* app_state_apply.h - checks a patch or a snapshot of app state, keeps it, and tells what it says
 * (P-AS-11..17). Knows nothing of where it came from. */
#ifndef BRIDGE_APPSTATE_APP_STATE_APPLY_H
#define BRIDGE_APPSTATE_APP_STATE_APPLY_H

#include "crypto/appstate_crypt.h"
#include "proto/appstate_wire.h"
#include "store/session/appstate_store.h"

struct app_state_version {
    uint64_t version; /* 0: nothing yet */
    uint8_t hash[APPSTATE_LT_HASH_BYTES];
};

/* Has what this index names a meaning for us? */
typedef bool app_state_wanted_fn(struct span index);
/* One change of that kind: an action that is set or removed. An error ends the patch. */
typedef enum wb_err app_state_fn(void *ctx, bool removed, const struct appstate_action *action);

struct app_state_apply {
    struct store *store;
    const char *name; /* of the collection */
    struct arena *arena;
    app_state_wanted_fn *wanted;
    app_state_fn *tell;
    void *ctx;
    struct span missing_key; /* set with NOT_FOUND; borrowed from the patch */
};

/* Verifies all of it before anything is written, into the open batch: version and hash, MACs, and
 * what tell() writes. *v goes on. BAD_MAC: something was left out or altered, or we were out of
 * step; PROTOCOL: not the version that follows; NOT_FOUND: a key of the phone is missing
 * (missing_key); MALFORMED, BAD_PADDING, TRUNCATED; errors of the store. On an error *v stays as it
 * was. */
enum wb_err app_state_apply_patch(struct app_state_apply *x, const struct appstate_patch *p,
                                  struct app_state_version *v) WB_MUST_CHECK;
/* The same of a snapshot, which begins anew: whatever was stored of the collection goes. */
enum wb_err app_state_apply_snapshot(struct app_state_apply *x, const struct appstate_patch *p,
                                     struct app_state_version *v) WB_MUST_CHECK;

#endif
