#include "bridge/send/out_retry_gone.h"

#include <string.h>

#include "bridge/core/context.h"
#include "bridge/people/identity.h"
#include "bridge/send/limits.h"
#include "bridge/sessions/prekey_fetch.h"
#include "crypto/signal.h"
#include "store/session/devices.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"

enum wb_err out_retry_gone_doubt(struct bridge *b, const struct jid *group,
                                 const struct jid *device)
{
    struct jid address;
    enum wb_err err;

    TRY(identity_session_address(b, device, &address));
    err = store_skdm_doubt_given(b->store, group, &address);
out:
    return err;
}

static bool is_due(int64_t rebuilt, int64_t now)
{
    return now - rebuilt > RETRY_REBUILD_S || rebuilt > now + CLOCK_SLACK_S;
}

enum wb_err out_retry_gone_renew_later(struct bridge *b, const struct jid *device)
{
    const int64_t now = bridge_server_now_s(b);
    struct signal_session *session = NULL, *moved;
    uint8_t base_key[32] = {0};
    struct jid address;
    int64_t rebuilt = 0;
    enum wb_err err;

    TRY(identity_session_address(b, device, &address));
    TRY(store_retry_rebuild_get(b->store, &address, &rebuilt, base_key));
    if (!is_due(rebuilt, now))
        goto out;
    err = store_session_for_sending(b->store, &address, &session);
    if (err == WB_ERR_NO_SESSION) { /* the next message starts one anyhow */
        err = WB_OK;
        goto out;
    }
    TRY(err);
    signal_session_archive_current(session);
    moved = session;
    session = NULL;
    TRY(store_session_save(b->store, &address, moved));
    memset(base_key, 0, sizeof base_key);
    err = store_retry_rebuild_put(b->store, &address, now, base_key);
out:
    signal_session_free(session);
    return err;
}

/* May these keys be taken, though their sender may never have been sent the message? */
static enum wb_err is_credible(struct bridge *b, const struct jid *address,
                               const struct signal_bundle *keys, bool *ret_is)
{
    const int64_t now = bridge_server_now_s(b);
    uint8_t known[X25519_KEY_BYTES], base_key[32];
    int64_t rebuilt = 0;
    bool has = false;
    enum wb_err err;

    *ret_is = false;
    TRY(store_session_has(b->store, address, &has));
    if (!has)
        return WB_OK;
    err = store_identity_get(b->store, address, known);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(store_retry_rebuild_get(b->store, address, &rebuilt, base_key));
    *ret_is = memcmp(known, keys->identity, sizeof known) == 0 && is_due(rebuilt, now);
out:
    return err;
}

static enum wb_err may_replace(struct bridge *b, struct span id, const struct jid *device,
                               const struct jid *address, const struct signal_bundle *keys,
                               bool recipient, bool *ret_may)
{
    const struct jid plain = jid_unhosted(*device);
    uint32_t count = 0;
    enum wb_err err;

    if (!recipient)
        return is_credible(b, address, keys, ret_may);
    TRY(store_retry_peer_count(b->store, &plain, id, bridge_server_now_s(b), &count));
    *ret_may = count <= RETRY_REQUESTS_MAX;
out:
    return err;
}

enum wb_err out_retry_gone(struct bridge *b, const struct node *receipt, struct span id,
                           const struct jid *device, bool recipient)
{
    const uint8_t no_base_key[32] = {0};
    struct signal_bundle keys;
    struct jid address;
    bool may = false;
    enum wb_err err;

    if (!node_child(receipt, "keys"))
        return WB_OK;
    TRY(prekey_bundle_parse(receipt, &keys));
    TRY(identity_session_address(b, device, &address));
    TRY(may_replace(b, id, device, &address, &keys, recipient, &may));
    if (!may) {
        log_info(b->log, "send", "the keys of that request are not taken");
        return WB_OK;
    }
    TRY(prekey_start_session(b, device, &keys, prekey_statement(receipt)));
    TRY(store_retry_rebuild_put(b->store, &address, bridge_server_now_s(b), no_base_key));
    log_info(b->log, "send", "the keys of that request are for the next message to its device");
out:
    /* An unreadable bundle is the peer's fault, and does not get better the next time. */
    if (err == WB_OK || wb_err_is_ours(err))
        return err;
    log_warn(b->log, "send", "the keys of that request are of no use: %s", wb_err_text(err));
    return WB_OK;
}
