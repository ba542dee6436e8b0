/* Stores the keys of app state collections that our phone shares (app_state.h). */
#include <string.h>

#include "base/secret.h"
#include "bridge/appstate/app_state.h"
#include "bridge/core/context.h"
#include "bridge/core/own_message.h"
#include "bridge/core/peer_time.h"
#include "proto/peer_wire.h"
#include "store/session/appstate_store.h"

/* A key without data says that the phone has lost it. */
static enum wb_err keys_apply(struct bridge *b, const struct own_message *o)
{
    struct app_state_keys keys;
    struct store_appstate_key k;
    size_t stored = 0;
    enum wb_err err;

    TRY(app_state_keys_decode(o->payload, o->arena, &keys));
    for (size_t i = 0; i < keys.n; i++) {
        const struct app_state_key *from = &keys.keys[i];

        if (from->key_id.n == 0 || from->key_id.n > APPSTATE_KEY_ID_MAX ||
            from->key_data.n != APPSTATE_KEY_BYTES)
            continue;
        k = (struct store_appstate_key){.id_n = from->key_id.n,
                                        .timestamp_ms = peer_time_ms(b, from->timestamp)};
        memcpy(k.id, from->key_id.p, from->key_id.n);
        memcpy(k.data, from->key_data.p, APPSTATE_KEY_BYTES);
        err = store_appstate_key_put(b->store, &k, from->fingerprint);
        secret_wipe(&k, sizeof k);
        TRY(err);
        stored++;
    }
    log_info(b->log, "message", "app state keys from our own phone: %zu", stored);
    if (stored)
        TRY(app_state_keys_came(b));
out:
    return err;
}

const struct own_message_row own_message_app_state_keys = {PROTOCOL_APP_STATE_KEY_SHARE,
                                                           keys_apply};
