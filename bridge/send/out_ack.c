#include "bridge/send/out_ack.h"

#include <inttypes.h>
#include <stdio.h>

#include "bridge/core/context.h"
#include "bridge/core/peer_time.h"
#include "bridge/people/person_limits.h"
#include "bridge/people/tctoken.h"
#include "bridge/people/time_lock.h"
#include "bridge/send/out_content.h"
#include "bridge/send/out_missing.h"
#include "bridge/send/out_reopen.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"

/* ---- acks ---- */

static struct jid lid_of(struct bridge *b, const struct jid *chat)
{
    struct jid lid;

    if (chat->server == JID_PN && store_lid_of_pn(b->store, chat, &lid) == WB_OK)
        return lid;
    return *chat;
}

/* The devices for which it was sealed are not those that the server knows: drop our lists, so that
 * they are asked for before the next message. */
static enum wb_err forget_recipients(struct bridge *b, const struct jid *chat)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct jid users[2] = {lid_of(b, chat), jid_is_none(&b->own_lid) ? b->own_pn : b->own_lid};
    struct jid *members = NULL;
    struct store_group g;
    enum wb_err err;

    if (chat->server != JID_GROUP)
        return device_sync_drop(b, users, 2);
    TRY(group_info_stale(b, chat));
    TRY(store_skdm_doubt_group(b->store, chat));
    err = store_group_get(b->store, chat, &a, &g);
    if (err == WB_OK) {
        members = arena_alloc(&a, (g.nmembers + 1) * sizeof *members);
        if (!members) {
            err = WB_ERR_NOMEM;
            goto out;
        }
        for (size_t i = 0; i < g.nmembers; i++)
            members[i] = jid_is_none(&g.members[i].lid) ? g.members[i].pn : g.members[i].lid;
        err = device_sync_drop(b, members, g.nmembers);
    }
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    arena_free(&a);
    return err;
}

static const char *refusal_text(uint32_t code)
{
    switch (code) {
    case 463:
        return "WhatsApp does not let this number write to people who do not know it (463); let "
               "them write first, or try again after the end of the restriction that /health tells";
    case 479:
    case 400:
        return "WhatsApp did not accept the message's addressing; what was known of the recipient "
               "was dropped, try again";
    case 421:
        return "WhatsApp says that the addressing of the group has changed, and did not accept the "
               "message in its present form either; try again";
    case 429:
        return "WhatsApp says that this number sends too fast; slow down";
    default:
        return code >= 500 ? "WhatsApp has trouble of its own; try again later"
                           : "WhatsApp refused the message";
    }
}

static enum wb_err refused(struct bridge *b, struct out_item *it, uint32_t code)
{
    const struct jid to = lid_of(b, &it->chat);
    enum wb_err err;

    it->outcome = (struct out_outcome){.result = CMD_REFUSED, .server_code = code};
    snprintf(it->outcome.text, sizeof it->outcome.text, "%s", refusal_text(code));
    log_warn(b->log, "send", "%s was refused by WhatsApp: %" PRIu32, it->id, code);
    TRY(out_outcome_store(b, it->id, &it->outcome));
    if (code == 479 || code == 400)
        TRY(forget_recipients(b, &it->chat));
    if (code == 463) { /* 463 holds back the next messages; this one is not repeated (P-SD-31) */
        TRY(time_lock_refused(b->time_lock));
        tctoken_issue(b->tokens, &to);
    }
out:
    return err;
}

/* After a restart we have no hash of ours for what was sealed before. In a group the server names
 * its hash only when it differs from ours, in private chats always. */
static bool other_devices(const struct out_item *it, struct span hash)
{
    const bool group = it->chat.server == JID_GROUP;

    if (!hash.n || (!it->phash[0] && !group) || span_eq_cstr(hash, it->phash))
        return false;
    return group || !span_eq_cstr(hash, it->phash_others);
}

/* A device of the person, or of ours, has missed this private message. */
static enum wb_err look_for_devices(struct out_item *it)
{
    struct bridge *b = it->b;
    const struct jid users[2] = {lid_of(b, &it->chat),
                                 jid_is_none(&b->own_lid) ? b->own_pn : b->own_lid};
    bool look = false;
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < 2; i++) {
        bool compare = false;

        if (person_limit_ask(b->person_limits, &users[i], it->sealed_at, &compare)) {
            log_info(b->log, "send",
                     "%s: WhatsApp knows other devices of this chat; %s are asked for again",
                     it->id, i ? "our own" : "the person's");
            TRY(device_sync_drop(b, &users[i], 1));
            compare = true;
        }
        look |= compare;
    }
    if (look)
        TRY(out_missing_start(it));
out:
    return err;
}

static enum wb_err accepted(struct bridge *b, struct out_item *it, const struct out_ack *ack)
{
    /* Time of the ack, or of the receipt that overtook it (0: not said). */
    const int64_t t = peer_time_stanza_s(b, ack->t > 0 ? (uint64_t)ack->t : 0);
    const struct jid to = lid_of(b, &it->chat);
    enum wb_err err;

    it->outcome = (struct out_outcome){.result = CMD_OK, .timestamp_s = t};
    TRY(store_outbox_acked(b->store, it->id, t, bridge_server_now_s(b)));
    if (it->carries)
        TRY(store_skdm_carried(b->store, &it->chat, it->id));
    TRY(out_content_store(b, &it->chat, it->id, t, &it->said));
    if (other_devices(it, ack->phash)) {
        if (it->chat.server == JID_GROUP) {
            TRY(out_missed_look(b, &it->chat, it->id, ack->phash));
        } else {
            TRY(look_for_devices(it));
        }
    }
    if (it->chat.server != JID_GROUP)
        tctoken_issue(b->tokens, &to);
out:
    return err;
}

enum wb_err out_ack_take(struct bridge *b, const struct out_ack *ack)
{
    struct out_item *it = b->out_message ? out_queue_find(b, ack->id) : NULL;
    bool again = false;
    enum wb_err err = WB_OK;

    if (it && it->old_copies && ack->error && ack->error == it->old_code) {
        it->old_copies--;
        log_debug(b->log, "send", "%s: a copy of its old form is refused as well", it->id);
        return WB_OK;
    }
    if (!it || (it->step != OUT_ON_WIRE && it->step != OUT_SEALED)) {
        log_debug(b->log, "send", "an ack that no send of ours waits for");
        return WB_OK;
    }
    if (ack->error)
        TRY(out_reopen(it, ack->error, &again));
    if (!again)
        TRY(ack->error ? refused(b, it, ack->error) : accepted(b, it, ack));
    timer_stop(b->timers, &it->timer);
    if (!again)
        it->step = OUT_SETTLED;
out:
    return err;
}

enum wb_err out_ack_delivered(struct bridge *b, struct span id, int64_t t)
{
    const struct out_ack ack = {.id = id, .t = t};
    struct out_item *it;
    enum wb_err err = WB_OK;

    if (!b->out_message || jid_is_none(&b->own_pn))
        return WB_OK;
    TRY(out_queue_load(b)); /* this ack may be the first stanza after a restart */
    it = out_queue_find(b, id);
    if (it && (it->step == OUT_ON_WIRE || it->step == OUT_SEALED))
        err = out_ack_take(b, &ack);
out:
    return err;
}
