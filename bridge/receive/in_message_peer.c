/* What our own devices tell us in protocol messages; none of it is a chat message. */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "bridge/appstate/app_state.h"
#include "bridge/core/context.h"
#include "bridge/core/peer_time.h"
#include "bridge/history/history_offered.h"
#include "bridge/history/history_request.h"
#include "bridge/people/identity.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/out_receipt.h"
#include "proto/history_wire.h"
#include "proto/peer_wire.h"
#include "store/session/account.h"
#include "store/session/appstate_store.h"

enum { LID_MAPPINGS_MAX = 100000, USER_DIGITS = 24 };

/* P-AS-02. A key without data says that the phone has lost it. */
static enum wb_err take_app_state_keys(struct bridge *b, struct arena *a, struct span payload)
{
    struct app_state_keys keys;
    struct store_appstate_key k;
    size_t stored = 0;
    enum wb_err err;

    TRY(app_state_keys_decode(payload, a, &keys));
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

static enum wb_err number_jid(uint64_t number, enum jid_server server, struct jid *ret)
{
    char digits[USER_DIGITS];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);

    return jid_make(SPAN(digits, (size_t)n), server, 0, ret);
}

/* P-RC-54 */
static enum wb_err take_lid_mappings(struct bridge *b, struct arena *a, const struct in_message *m,
                                     struct span payload)
{
    struct lid_mappings maps;
    struct jid pn, lid;
    enum wb_err err;

    TRY(lid_mappings_decode(payload, a, &maps));
    for (size_t i = 0; i < maps.n && i < LID_MAPPINGS_MAX; i++) {
        const struct lid_mapping *p = &maps.pairs[i];

        if (p->pn == 0 || p->assigned_lid == 0)
            continue;
        TRY(number_jid(p->pn, JID_PN, &pn));
        TRY(number_jid(p->latest_lid ? p->latest_lid : p->assigned_lid, JID_LID, &lid));
        TRY(identity_learn(b, &lid, &pn));
    }
    if (maps.chat_db_timestamp > 0)
        TRY(store_account_lid_migration(b->store, peer_time_s(b, maps.chat_db_timestamp, m->t)));
    log_info(b->log, "message", "LID mappings from our own phone: %zu", maps.n);
out:
    return err;
}

/* Messages are stored of what was asked for only. Of what the phone offers by itself, at pairing,
 * it is read what sending needs (history_offered.h). */
static enum wb_err take_history(struct bridge *b, struct arena *a, const struct in_message *m,
                                struct span payload, bool *ret_taken)
{
    struct history_notification n;
    enum wb_err err;

    *ret_taken = true;
    TRY(history_notification_decode(payload, a, &n));
    if (n.sync_type == HISTORY_ON_DEMAND)
        err = history_request_answer(b, &n);
    else
        err = history_offered(b, m->stanza_id, &n, payload, ret_taken);
out:
    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(b->log, "history", "a part of our phone's history cannot be used: %s",
                 wb_err_text(err));
        err = WB_OK;
    }
    return err;
}

/* The phone alone has keys, pairs and history of the account, and its key is known for certain
 * (trust.h). What other linked devices may do is what a person may: write, edit, take back. */
static enum wb_err take_payload(struct bridge *b, const struct stanza *s, struct in_message *m,
                                const struct content *c)
{
    bool taken = true;
    enum wb_err err;

    if (m->sender.device != 0) {
        log_info(b->log, "message",
                 "protocol message %d of our own device %u: only the phone's "
                 "would count",
                 (int)c->protocol_type, (unsigned)m->sender.device);
        return WB_OK;
    }
    switch (c->protocol_type) {
    case PROTOCOL_APP_STATE_KEY_SHARE:
        return take_app_state_keys(b, s->arena, c->protocol_payload);
    case PROTOCOL_LID_MIGRATION:
        return take_lid_mappings(b, s->arena, m, c->protocol_payload);
    case PROTOCOL_HISTORY_SYNC_NOTIFICATION:
        TRY(take_history(b, s->arena, m, c->protocol_payload, &taken));
        /* Without this receipt the phone sends it again. */
        return !taken
                   ? WB_OK
                   : in_message_answer(m, out_receipt_own(b, s->arena, m->stanza_id, "hist_sync"));
    case PROTOCOL_PEER_RESPONSE:
        return in_message_resent(b, s, m, c->protocol_payload);
    default:
        log_debug(b->log, "message", "protocol message %d of our own phone", (int)c->protocol_type);
        return WB_OK;
    }
out:
    return err;
}

enum wb_err in_message_peer(struct bridge *b, const struct stanza *s, struct in_message *m,
                            const struct content *c)
{
    enum wb_err err = take_payload(b, s, m, c);

    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(b->log, "message", "protocol message %d of our own device: %s",
                 (int)c->protocol_type, wb_err_text(err));
        err = WB_OK;
    }
    TRY(err);
    if (m->peer)
        TRY(in_message_answer(m, out_receipt_own(b, s->arena, m->stanza_id, "peer_msg")));
out:
    return err;
}
