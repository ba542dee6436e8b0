#include "bridge/send/out_missed.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/conn/own_keys.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/groups/group_limits.h"
#include "bridge/people/identity.h"
#include "bridge/send/out_prepare.h"
#include "bridge/send/out_seal.h"
#include "bridge/sessions/pairwise.h"
#include "crypto/signal.h"
#include "proto/content_encode.h"
#include "proto/content_text.h"
#include "store/core/batch.h"
#include "store/outbox/sealed.h"
#include "store/session/devices.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"

/* ---- slots ---- */

static void end(struct out_missed *m)
{
    if (m->b)
        timer_stop(m->b->timers, &m->timer);
    free(m->devices);
    *m = (struct out_missed){.key = 0};
}

void out_missed_clear(struct out_message_state *s)
{
    for (size_t i = 0; i < OUT_MISSED_SLOTS; i++)
        end(&s->missed[i]);
}

/* The slot with this key; key 0: a free slot. NULL: none. */
static struct out_missed *find(struct bridge *b, uint64_t key)
{
    struct out_message_state *s = b->out_message;

    for (size_t i = 0; s && i < OUT_MISSED_SLOTS; i++)
        if (s->missed[i].key == key)
            return &s->missed[i];
    return NULL;
}

static uint64_t new_key(struct bridge *b, struct out_missed *m)
{
    m->key = ++b->out_message->last_asked;
    return m->key;
}

/* Ends a look without an answer: the next message to the group asks again. */
static void end_untold(struct bridge *b, struct out_missed *m, enum wb_err why)
{
    enum wb_err err = group_info_stale(b, &m->group);

    log_info(b->log, "send", "%s: the devices that missed it are not known: %s", m->id,
             wb_err_text(why));
    if (wb_err_is_ours(err)) /* otherwise the account has gone meanwhile */
        batch_fail(b, err);
    end(m);
}

static void look_again(void *ctx);

/* The look has failed for now: it is repeated later, since trouble passes and the message must not
 * stay lost to those people because of it. */
static void give_up(struct bridge *b, struct out_missed *m, enum wb_err why, const char *kind)
{
    const int64_t pause = why == WB_ERR_RATE_LIMITED ? iq_pause_left_ms(&b->iq, kind) : 0;
    int64_t ms = SEND_RETRY_FIRST_MS;

    if (why == WB_ERR_NOT_FOUND || why == WB_ERR_CANCELLED || m->tries >= OUT_MISSED_TRIES) {
        end_untold(b, m, why);
        return;
    }
    for (unsigned i = 0; i < m->tries && ms < SEND_RETRY_MAX_MS; i++)
        ms *= 2;
    if (pause == 0)
        m->tries++;
    else
        ms = pause + SEND_AFTER_PAUSE_MS;
    free(m->devices);
    m->devices = NULL;
    m->ndevices = 0;
    log_info(b->log, "send", "%s: which devices missed it is asked again later: %s", m->id,
             wb_err_text(why));
    timer_start(b->timers, &m->timer, ms < SEND_RETRY_MAX_MS || pause ? ms : SEND_RETRY_MAX_MS,
                look_again, m);
}

/* Ends a look after a step of our own in the open batch: err says how that went. */
static void conclude(struct bridge *b, struct out_missed *m, enum wb_err err)
{
    if (err == WB_OK)
        return;
    if (wb_err_is_ours(err))
        batch_fail(b, err);
    log_warn(b->log, "send", "%s: the devices that missed it do not get it now: %s", m->id,
             wb_err_text(err));
    end(m);
}

/* ---- the message for these devices ---- */

/* The message's plaintext, with our sender key for the messages that follow. As the server may
 * refuse the stanza, the devices are given the key once more with the next message (P-X2-10: only
 * an accepted stanza counts). */
static enum wb_err make_plain(const struct out_missed *m, struct span message,
                              const struct sender_key_record *record, struct buf *out)
{
    struct buf skdm = buf_new(4096);
    char text[JID_TEXT_MAX];
    enum wb_err err;

    buf_append(out, message);
    TRY(buf_err(out));
    TRY(sender_key_distribution(record, &skdm));
    err = content_encode_skdm(span_cstr(jid_text(&m->group, text)), buf_span(&skdm), out);
out:
    buf_free(&skdm);
    return err;
}

static enum wb_err seal_for(struct bridge *b, struct out_missed *m, struct arena *a,
                            struct span plain, uint32_t key_id, struct node *participants,
                            bool *ret_pkmsg)
{
    size_t got = 0;
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < m->ndevices; i++) {
        struct jid address;
        struct node *enc = NULL, *to;
        bool pkmsg = false;

        TRY(identity_session_address(b, &m->devices[i], &address));
        err = pairwise_encrypt(b, a, &address, plain, &enc, &pkmsg);
        if (err != WB_OK && !wb_err_is_ours(err))
            continue; /* no session (P-SD-10): the device gets the key with the next message */
        TRY(err);
        to = node_child_new(a, participants, "to");
        node_attr_jid(a, to, "jid", &m->devices[i]);
        node_add(to, enc);
        TRY(store_skdm_doubt_device(b->store, &m->group, key_id, &address));
        *ret_pkmsg |= pkmsg;
        m->devices[got++] = m->devices[i];
    }
    m->ndevices = got;
    err = WB_OK;
out:
    return err;
}

/* Encrypts pairwise for each device, with the same message id (P-X2-13); the stanza leaves after
 * the commit of the ratchets. */
static enum wb_err make_stanza(struct bridge *b, struct out_missed *m, struct arena *a,
                               struct node **ret)
{
    const struct jid owner = out_seal_key_owner(b);
    struct buf plain = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct sender_key_record *record = NULL;
    struct node *n = node_new(a, "message"), *participants;
    struct content c;
    struct span message;
    bool pkmsg = false;
    enum wb_err err;

    TRY(store_retry_sent_get(b->store, &m->group, span_cstr(m->id), a, &message));
    TRY(content_decode(message, a, &c));
    TRY(store_sender_key_load(b->store, &m->group, &owner, &record));
    TRY(make_plain(m, message, record, &plain));
    node_attr_text(a, n, "id", m->id);
    node_attr_text(a, n, "type", content_stanza_type(&c));
    node_attr_jid(a, n, "to", &m->group);
    if (m->lid)
        node_attr_text(a, n, "addressing_mode", "lid");
    participants = node_child_new(a, n, "participants");
    TRY(seal_for(b, m, a, buf_span(&plain), record->states[0]->key_id, participants, &pkmsg));
    if (pkmsg)
        node_add(n, own_device_identity_node(a, b->account));
    *ret = n;
out:
    sender_key_record_free(record);
    buf_free(&plain);
    return err;
}

static enum wb_err send_to_missed(struct bridge *b, struct out_missed *m)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct node *n = NULL;
    enum wb_err err;

    TRY(make_stanza(b, m, &a, &n));
    if (m->ndevices == 0)
        goto out;
    TRY(store_sealed_add(b->store, span_cstr(m->id), m->devices, m->ndevices,
                         bridge_server_now_s(b)));
    TRY(n ? outgoing_after_commit(b, n) : WB_ERR_NOMEM);
    log_info(b->log, "send", "%s is sent to %zu devices that it had missed", m->id, m->ndevices);
out:
    arena_free(&a);
    return err;
}

/* Sends to all devices or changes nothing: half a message must not move any ratchet. */
static enum wb_err send_whole(struct bridge *b, struct out_missed *m)
{
    enum wb_err err = store_mark(b->store);

    if (err != WB_OK)
        return err;
    err = send_to_missed(b, m);
    if (err == WB_OK)
        return store_mark_keep(b->store);
    if (store_mark_undo(b->store) != WB_OK)
        batch_fail(b, err);
    return err;
}

static void on_sessions(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r)
{
    struct out_missed *m = key ? find(b, key) : NULL;

    if (!m)
        return;
    if (r->err != WB_OK && r->err != WB_ERR_REFUSED && r->err != WB_ERR_PROTOCOL) {
        give_up(b, m, r->err, IQ_KIND_PREKEYS);
        return;
    }
    conclude(b, m, send_whole(b, m));
    if (m->key)
        end(m);
}

/* ---- who they are ---- */

/* Hosted devices (run by Meta) get no group keys (P-SD-34). */
static bool gets_keys(const struct jid *device)
{
    return device->server != JID_HOSTED && device->server != JID_HOSTED_LID;
}

static enum wb_err take_missed(struct bridge *b, struct out_missed *m,
                               const struct device_sync_result *r)
{
    struct store_sealed_list *sealed = NULL;
    enum wb_err err = WB_OK;

    m->devices = calloc(GROUP_MISSED_MAX, sizeof *m->devices);
    if (!m->devices)
        return WB_ERR_NOMEM;
    TRY(store_sealed_load(b->store, span_cstr(m->id), &sealed));
    for (size_t i = 0; i < r->ndevices; i++) {
        bool person = false, has = false, missed;

        TRY(store_sealed_has(sealed, &r->devices[i], &person, &has));
        missed = !has && gets_keys(&r->devices[i]);
        if (missed && m->ndevices == GROUP_MISSED_MAX) {
            log_info(b->log, "send", "%s has missed very many devices: they get the next one",
                     m->id);
            m->ndevices = 0;
            break;
        }
        if (missed)
            m->devices[m->ndevices++] = r->devices[i];
    }
out:
    store_sealed_free(sealed);
    return err;
}

static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *r)
{
    struct out_missed *m = key ? find(b, key) : NULL;
    enum wb_err err;

    if (!m)
        return;
    if (r->err != WB_OK) {
        give_up(b, m, r->err, IQ_KIND_USYNC);
        return;
    }
    err = take_missed(b, m, r);
    if (err == WB_OK && m->ndevices)
        err = b->out_message->ports->sessions(b, m->devices, m->ndevices, false, on_sessions,
                                              new_key(b, m));
    else if (err == WB_OK)
        end(m);
    conclude(b, m, err);
}

/* Does the group now have somebody for whom the message was not sealed? */
static enum wb_err has_newcomers(struct bridge *b, const struct out_missed *m,
                                 const struct store_group *g, bool *ret)
{
    struct store_sealed_list *sealed = NULL;
    enum wb_err err;

    *ret = false;
    TRY(store_sealed_load(b->store, span_cstr(m->id), &sealed));
    for (size_t i = 0; i < g->nmembers && !*ret; i++) {
        const struct jid user = out_prepare_member_jid(g, &g->members[i]);
        bool person = false, device = false;

        if (group_info_is_self(b, &g->members[i]))
            continue;
        TRY(store_sealed_has(sealed, &user, &person, &device));
        *ret = !person;
    }
out:
    store_sealed_free(sealed);
    return err;
}

/* If newcomers explain the server's hash, only their device lists are unknown and asked for.
 * Otherwise some member has other devices than we know of: all lists are asked for, if the limit
 * allows that. */
static enum wb_err ask_devices(struct bridge *b, struct out_missed *m, const struct store_group *g)
{
    struct jid *users = calloc(g->nmembers + 1, sizeof *users);
    bool newcomers = false, all = false;
    enum wb_err err = users ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    TRY(has_newcomers(b, m, g, &newcomers));
    for (size_t i = 0; i < g->nmembers; i++)
        users[i] = out_prepare_member_jid(g, &g->members[i]);
    TRY(group_limit_devices(b, &m->group, span_cstr(m->hash), newcomers, &all));
    if (all)
        TRY(device_sync_drop(b, users, g->nmembers));
    err = b->out_message->ports->devices(b, users, g->nmembers, false, on_devices, new_key(b, m));
out:
    free(users);
    return err;
}

static void on_group(struct bridge *b, uint64_t key, const struct group_info_result *r)
{
    struct out_missed *m = key ? find(b, key) : NULL;

    if (!m)
        return;
    if (r->err != WB_OK) {
        give_up(b, m, r->err, IQ_KIND_GROUPS);
        return;
    }
    m->lid = r->group->addressing == STORE_ADDRESSING_LID;
    conclude(b, m, ask_devices(b, m, r->group));
}

static enum wb_err ask_group(struct bridge *b, struct out_missed *m)
{
    return b->out_message->ports->group(b, &m->group, GROUP_INFO_FRESH, on_group, new_key(b, m));
}

static void look_again(void *ctx)
{
    struct out_missed *m = ctx;
    struct bridge *b = m->b;
    enum wb_err err = ask_group(b, m);

    if (err != WB_OK)
        end_untold(b, m, err);
}

enum wb_err out_missed_look(struct bridge *b, const struct jid *group, const char *id,
                            struct span hash)
{
    struct out_missed *m = find(b, 0);
    bool may = false;
    enum wb_err err;

    TRY(group_limit_refresh(b, group, hash, &may));
    if (!may)
        return WB_OK;
    log_info(b->log, "send", "%s: WhatsApp knows other devices of this group; it is asked for", id);
    if (!m)
        return group_info_stale(b, group);
    m->b = b;
    m->group = *group;
    snprintf(m->id, sizeof m->id, "%s", id);
    snprintf(m->hash, sizeof m->hash, "%.*s", (int)span_first(hash, sizeof m->hash - 1).n,
             (const char *)hash.p);
    err = ask_group(b, m);
    if (err != WB_OK)
        end(m);
    if (err != WB_OK && !wb_err_is_ours(err))
        err = group_info_stale(b, group);
out:
    return err;
}
