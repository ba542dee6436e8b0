/* Learns the pairs of number and LID that our phone sends when it moves the account's chats to LIDs
 * (P-RC-54). */
#include <stdio.h>

#include "bridge/core/context.h"
#include "bridge/core/own_message.h"
#include "bridge/core/peer_time.h"
#include "bridge/people/identity.h"
#include "bridge/people/in_people_notification.h"
#include "proto/peer_wire.h"
#include "store/session/account.h"

enum { LID_MAPPINGS_MAX = 100000, USER_DIGITS = 24 };

static enum wb_err number_jid(uint64_t number, enum jid_server server, struct jid *ret)
{
    char digits[USER_DIGITS];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);

    return jid_make(SPAN(digits, (size_t)n), server, 0, ret);
}

static enum wb_err mappings_apply(struct bridge *b, const struct own_message *o)
{
    struct lid_mappings maps;
    struct jid pn, lid;
    enum wb_err err;

    TRY(lid_mappings_decode(o->payload, o->arena, &maps));
    for (size_t i = 0; i < maps.n && i < LID_MAPPINGS_MAX; i++) {
        const struct lid_mapping *p = &maps.pairs[i];

        if (p->pn == 0 || p->assigned_lid == 0)
            continue;
        TRY(number_jid(p->pn, JID_PN, &pn));
        TRY(number_jid(p->latest_lid ? p->latest_lid : p->assigned_lid, JID_LID, &lid));
        TRY(identity_learn(b, &lid, &pn));
    }
    if (maps.chat_db_timestamp > 0)
        TRY(store_account_lid_migration(b->store, peer_time_s(b, maps.chat_db_timestamp, o->t)));
    log_info(b->log, "message", "LID mappings from our own phone: %zu", maps.n);
out:
    return err;
}

const struct own_message_row own_message_lid_mappings = {PROTOCOL_LID_MIGRATION, mappings_apply};
