/* app_state_apply.h - verifies a patch or a snapshot of app state, stores it, and tells its wanted
 * settings (P-AS-11..17: MACs and versions). It knows nothing of where the patch came from. */
#ifndef BRIDGE_APPSTATE_APP_STATE_APPLY_H
#define BRIDGE_APPSTATE_APP_STATE_APPLY_H

#include "crypto/appstate_crypt.h"
#include "proto/appstate_wire.h"
#include "store/session/appstate_store.h"

struct app_state_version {
    uint64_t version; /* 0: nothing yet */
    uint8_t hash[APPSTATE_LT_HASH_BYTES];
};

/* Does the setting with this index have a meaning for us? */
typedef bool app_state_wanted_fn(struct span index);
/* Told of each change of a wanted setting: an action is set or removed. An error ends the patch. */
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

/* Verifies the whole patch before it writes anything; the version and hash, the MACs and what
 * tell() stores go into the open batch. *v moves on to the patch's version. BAD_MAC: a record was
 * left out or altered, or our state was wrong; PROTOCOL: not the version that follows; NOT_FOUND: a
 * key of the phone is missing (missing_key); MALFORMED, BAD_PADDING, TRUNCATED; errors of the
 * store. On an error *v stays as it was. */
enum wb_err app_state_apply_patch(struct app_state_apply *x, const struct appstate_patch *p,
                                  struct app_state_version *v) WB_MUST_CHECK;
/* The same for a snapshot, which replaces all that was stored of the collection. */
enum wb_err app_state_apply_snapshot(struct app_state_apply *x, const struct appstate_patch *p,
                                     struct app_state_version *v) WB_MUST_CHECK;

#endif
