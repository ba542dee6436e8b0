#include "bridge/send/out_missing.h"

#include <stdlib.h>

#include "bridge/conn/own_keys.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/people/identity.h"
#include "bridge/people/person_limits.h"
#include "bridge/people/tctoken.h"
#include "bridge/send/out_seal.h"
#include "bridge/sessions/pairwise.h"
#include "proto/content_encode.h"
#include "proto/limits.h"
#include "store/core/batch.h"
#include "store/outbox/sealed.h"
#include "store/session/lid_map.h"
#include "store/session/retry.h"

/* One message, while the server is asked which devices lack it. */
struct out_missing {
    struct out_missing *next;
    uint64_t key; /* of the question that this waits for */
    char id[STORE_MESSAGE_ID_MAX + 1];
    struct jid to; /* address for which it was sealed */
    size_t n, nlacking;
    struct jid *devices; /* all devices of both sides; those that lack the message come first */
};

static void free_missing(struct out_missing *w)
{
    free(w->devices);
    free(w);
}

/* Takes the message out of the list; NULL when it is not there any more. The caller frees it. */
static struct out_missing *take(struct bridge *b, uint64_t key)
{
    struct out_missing **at = b->out_message ? &b->out_message->missing : NULL, *w;

    while (at && *at && (*at)->key != key)
        at = &(*at)->next;
    if (!at || !*at)
        return NULL;
    w = *at;
    *at = w->next;
    w->next = NULL;
    b->out_message->nmissing--;
    return w;
}

static void keep(struct bridge *b, struct out_missing *w)
{
    struct out_message_state *s = b->out_message;

    w->key = ++s->last_asked;
    w->next = s->missing;
    s->missing = w;
    s->nmissing++;
}

void out_missing_clear(struct out_message_state *s)
{
    while (s->missing) {
        struct out_missing *w = s->missing;

        s->missing = w->next;
        free_missing(w);
    }
    s->nmissing = 0;
}

/* ---- the stanza ---- */

/* Adds one <to> for each device that lacks the message and can be encrypted for; those go into
 * `done`. */
static enum wb_err add_devices(struct bridge *b, struct arena *a, const struct out_missing *w,
                               struct span plain, struct span own, struct node *participants,
                               bool *done, bool *ret_pkmsg)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < w->nlacking; i++) {
        const struct jid plain_jid = jid_unhosted(w->devices[i]);
        struct node *enc = NULL, *to;
        struct jid address;
        bool pkmsg = false;

        TRY(identity_session_address(b, &w->devices[i], &address));
        err = pairwise_encrypt(b, a, &address, bridge_is_self(b, &plain_jid) ? own : plain, &enc,
                               &pkmsg);
        if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
            err = WB_OK; /* a device without keys is left out (P-SD-10) */
            continue;
        }
        TRY(err);
        to = node_child_new(a, participants, "to");
        node_attr_jid(a, to, "jid", &w->devices[i]);
        node_add(to, enc);
        done[i] = true;
        *ret_pkmsg |= pkmsg;
    }
out:
    return err;
}

/* From now on these devices may confirm the message, too, and may ask for it again. */
static enum wb_err note_sealed(struct bridge *b, const struct out_missing *w, const bool *done,
                               struct arena *a)
{
    struct jid *sealed = arena_alloc(a, (w->n + 1) * sizeof *sealed);
    size_t n = 0;

    if (!sealed)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < w->n; i++)
        if (i >= w->nlacking || done[i]) {
            sealed[n++] = w->devices[i];
            if (i < w->nlacking)
                person_limit_explained(b->person_limits, &w->devices[i]);
        }
    qsort(sealed, n, sizeof *sealed, shared_query_cmp); /* a person's devices stand together */
    return store_sealed_put(b->store, span_cstr(w->id), sealed, n, bridge_server_now_s(b));
}

static enum wb_err make_stanza(struct bridge *b, struct arena *a, const struct out_missing *w)
{
    struct buf own = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct node *message = node_new(a, "message"), *participants;
    bool *done = arena_alloc(a, w->nlacking + 1), pkmsg = false;
    struct jid lid = w->to, pn = {0};
    struct span plain;
    char text[JID_TEXT_MAX];
    enum wb_err err = message && done ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    TRY(store_retry_sent_get(b->store, &w->to, span_cstr(w->id), a, &plain));
    TRY(content_encode_device_sent(span_cstr(jid_text(&w->to, text)), plain, &own));
    node_attr_text(a, message, "id", w->id);
    node_attr_text(a, message, "type", "text");
    node_attr_jid(a, message, "to", &w->to);
    if (w->to.server == JID_LID && store_pn_of_lid(b->store, &w->to, &pn) == WB_OK)
        node_attr_jid(a, message, "peer_recipient_pn", &pn);
    else if (w->to.server == JID_PN && store_lid_of_pn(b->store, &w->to, &lid) != WB_OK)
        lid = w->to;
    participants = node_child_new(a, message, "participants");
    TRY(add_devices(b, a, w, plain, buf_span(&own), participants, done, &pkmsg));
    if (!participants || !participants->first) {
        err = WB_ERR_NO_SESSION;
        goto out;
    }
    if (pkmsg)
        node_add(message, own_device_identity_node(a, b->account));
    TRY(tctoken_add(b, a, message, &lid));
    TRY(note_sealed(b, w, done, a));
    err = outgoing_after_commit(b, message);
out:
    buf_free(&own);
    return err;
}

static void send_it(struct bridge *b, const struct out_missing *w)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    enum wb_err err = store_mark(b->store);

    if (err == WB_OK) {
        err = make_stanza(b, &a, w);
        /* Half a message must not move any ratchet. */
        if (err == WB_OK)
            err = store_mark_keep(b->store);
        else if (store_mark_undo(b->store) != WB_OK)
            batch_fail(b, err);
    }
    if (err == WB_OK)
        err = batch_commit(b);
    if (err == WB_OK)
        log_info(b->log, "send", "%s: sent to %zu devices that WhatsApp has named since", w->id,
                 w->nlacking);
    else
        log_warn(b->log, "send", "%s: not sent to devices that lack it: %s", w->id,
                 wb_err_text(err));
    arena_free(&a);
}

/* ---- who lacks it ---- */

static void on_sessions(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r)
{
    struct out_missing *w = take(b, key);

    if (!w)
        return;
    if (r->err == WB_OK || r->err == WB_ERR_REFUSED || r->err == WB_ERR_PROTOCOL)
        send_it(b, w); /* devices without a session are left out */
    else
        log_info(b->log, "send", "%s: devices that lack it get the next message only: %s", w->id,
                 wb_err_text(r->err));
    free_missing(w);
}

/* Sorts all devices so that those for which the message was not sealed come first. */
static enum wb_err sort_lacking(struct bridge *b, struct out_missing *w,
                                const struct device_sync_result *r)
{
    enum wb_err err = WB_OK;

    w->devices = calloc(r->ndevices + 1, sizeof *w->devices);
    if (!w->devices)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < r->ndevices; i++) {
        const struct jid plain = jid_unhosted(r->devices[i]);
        struct store_sealed_match m;

        TRY(store_sealed_find(b->store, span_cstr(w->id), &plain, &m));
        w->devices[w->n++] = r->devices[i];
        if (m.device)
            continue;
        w->devices[w->n - 1] = w->devices[w->nlacking];
        w->devices[w->nlacking++] = r->devices[i];
    }
out:
    return err;
}

static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *r)
{
    struct out_missing *w = take(b, key);
    enum wb_err err = r->err;

    if (!w)
        return;
    TRY(err);
    TRY(sort_lacking(b, w, r));
    if (w->nlacking == 0) {
        free_missing(w);
        return;
    }
    keep(b, w);
    key = w->key;
    err = b->out_message->ports->sessions(b, w->devices, w->nlacking, false, on_sessions, key);
    if (err == WB_OK)
        return;
    w = take(b, key);
out:
    log_info(b->log, "send", "which devices lack a message is not known now: %s", wb_err_text(err));
    if (w)
        free_missing(w);
}

enum wb_err out_missing_start(struct out_item *it)
{
    struct bridge *b = it->b;
    struct out_message_state *s = b->out_message;
    struct store_sealed_match m;
    struct out_missing *w;
    enum wb_err err = store_sealed_find(b->store, span_cstr(it->id), &it->chat, &m);

    if (err == WB_ERR_NOT_FOUND || (err == WB_OK && !m.person) || s->nmissing >= OUT_MISSING_MAX)
        return WB_OK;
    TRY(err);
    w = calloc(1, sizeof *w);
    if (!w)
        return WB_ERR_NOMEM;
    memcpy(w->id, it->id, sizeof w->id);
    w->to = jid_bare(m.as);
    keep(b, w);
    err = s->ports->devices(b, &w->to, 1, true, on_devices, w->key);
    if (err != WB_OK) {
        free_missing(take(b, w->key));
        log_info(b->log, "send", "%s: which devices lack it is not known now: %s", it->id,
                 wb_err_text(err));
    }
    err = WB_OK;
out:
    return err;
}
