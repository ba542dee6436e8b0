#include "bridge/send/out_seal.h"

#include <stdlib.h>

#include "base/fault.h"
#include "bridge/conn/own_keys.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/people/identity.h"
#include "bridge/people/tctoken.h"
#include "bridge/send/out_wire.h"
#include "bridge/sessions/pairwise.h"
#include "crypto/signal.h"
#include "proto/content_encode.h"
#include "proto/limits.h"
#include "store/core/batch.h"
#include "store/outbox/sealed.h"
#include "store/session/devices.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"

/* Sessions that are looked up together; well below the store's cache, so that none is decoded
 * twice. */
enum { SESSIONS_CHUNK = STORE_SESSION_CACHE_MAX / 2 };

/* ---- a list of devices ---- */

/* The stanza that is being made. */
struct out_sealing {
    struct out_item *it;
    struct bridge *b;
    struct out_work *w;
    struct arena *a;
    struct node *message, *participants;
    struct jid *addresses; /* canonical, of w->devices */
    bool *done;            /* w->devices[i] got its <to> */
    size_t ndone, nrecipients;
    bool pkmsg;
};

/* A device that cannot be encrypted for is skipped (P-SD-10). */
static enum wb_err seal_device(struct out_sealing *s, size_t i, struct span plain)
{
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];
    struct node *to, *enc = NULL;
    bool pkmsg = false;
    enum wb_err err = pairwise_encrypt(s->b, s->a, &s->addresses[i], plain, &enc, &pkmsg);

    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(s->b->log, "send", "%s: device %s is left out: %s", s->it->id,
                 log_phone(shown, jid_text(&s->w->devices[i], text)), wb_err_text(err));
        return WB_OK;
    }
    if (err != WB_OK)
        return err;
    to = node_child_new(s->a, s->participants, "to");
    node_attr_jid(s->a, to, "jid", &s->w->devices[i]);
    node_add(to, enc);
    s->pkmsg |= pkmsg;
    s->done[i] = true;
    s->ndone++;
    return WB_OK;
}

/* Seals `plain` for people's devices and `own` for our other devices (may be the same text); wanted
 * NULL: for all devices. */
static enum wb_err seal_devices(struct out_sealing *s, struct span plain, struct span own,
                                const bool *wanted)
{
    enum wb_err err = WB_OK;
    bool has[SESSIONS_CHUNK];

    for (size_t from = 0; from < s->w->ndevices; from += SESSIONS_CHUNK) {
        size_t n = s->w->ndevices - from < SESSIONS_CHUNK ? s->w->ndevices - from : SESSIONS_CHUNK;

        TRY(store_sessions_prefetch(s->b->store, &s->addresses[from], n, has));
        for (size_t i = from; i < from + n; i++) {
            struct jid user = jid_unhosted(s->w->devices[i]);

            if (wanted && !wanted[i])
                continue;
            TRY(seal_device(s, i, bridge_is_self(s->b, &user) ? own : plain));
            s->nrecipients += s->done[i] && jid_same_user(&user, &s->w->to);
        }
    }
out:
    return err;
}

static enum wb_err canonical_addresses(struct bridge *b, struct out_work *w,
                                       struct jid **ret_addresses)
{
    struct jid *addresses = arena_alloc(&w->arena, (w->ndevices + 1) * sizeof *addresses);
    enum wb_err err = addresses ? WB_OK : WB_ERR_NOMEM;

    for (size_t i = 0; err == WB_OK && i < w->ndevices; i++)
        err = identity_session_address(b, &w->devices[i], &addresses[i]);
    if (err == WB_OK)
        *ret_addresses = addresses;
    return err;
}

/* The hash over all devices for which it is made, the sending one included (P-SD-22). */
static enum wb_err participant_hash(struct out_sealing *s, const struct jid *self)
{
    size_t n = s->w->ndevices;
    struct jid *all = arena_alloc(s->a, (n + 1) * sizeof *all);

    if (!all)
        return WB_ERR_NOMEM;
    if (n)
        memcpy(all, s->w->devices, n * sizeof *all);
    all[n] = *self;
    return phash_of(all, n + 1, s->it->phash);
}

/* The other hash that an ack of a private message may name: clients of WhatsApp differ in whether
 * the sending device counts there (whatsmeow: yes, whatsapp-rust: no), and no source says with
 * which of them the server agrees. */
static enum wb_err hash_of_others(struct out_sealing *s)
{
    return phash_of(s->w->devices, s->w->ndevices, s->it->phash_others);
}

static void add_identity(struct out_sealing *s)
{
    if (s->pkmsg)
        node_add(s->message, own_device_identity_node(s->a, s->b->account));
}

/* ---- 1:1 ---- */

static enum wb_err seal_person(struct out_sealing *s)
{
    struct out_work *w = s->w;
    struct buf own = buf_new(OUTGOING_STANZA_BYTES_MAX);
    char to[JID_TEXT_MAX];
    const struct jid *self = w->to.server == JID_LID ? &s->b->own_lid : &s->b->own_pn;
    enum wb_err err;

    TRY(content_encode_device_sent(span_cstr(jid_text(&w->to, to)), buf_span(&w->plain), &own));
    if (!jid_is_none(&w->pn) && w->to.server == JID_LID)
        node_attr_jid(s->a, s->message, "peer_recipient_pn", &w->pn);
    s->participants = node_child_new(s->a, s->message, "participants");
    TRY(seal_devices(s, buf_span(&w->plain), buf_span(&own), NULL));
    if (s->nrecipients == 0) {
        err = WB_ERR_NO_SESSION;
        goto out;
    }
    add_identity(s);
    TRY(tctoken_add(s->b, s->a, s->message, jid_is_none(&w->lid) ? &w->to : &w->lid));
    TRY(participant_hash(s, jid_is_none(self) ? &s->b->own_pn : self));
    err = hash_of_others(s);
out:
    buf_free(&own);
    return err;
}

/* ---- groups ---- */

struct jid out_seal_key_owner(const struct bridge *b)
{
    return jid_is_none(&b->own_lid) ? b->own_pn : b->own_lid;
}

/* Our key of the group; a new key when there is none, or when somebody has it who must not read on
 * (P-SD-36). */
static enum wb_err sender_key_for(struct bridge *b, const struct out_work *w,
                                  const struct jid *addresses, struct sender_key_record **ret,
                                  bool *ret_fresh)
{
    const struct jid owner = out_seal_key_owner(b);
    struct sender_key_record *r = NULL;
    size_t others = 0;
    enum wb_err err = store_sender_key_load(b->store, &w->to, &owner, &r);
    bool fresh = err == WB_ERR_NOT_FOUND;

    if (fresh) {
        r = sender_key_record_new();
        err = r ? WB_OK : WB_ERR_NOMEM;
    }
    TRY(err);
    fresh |= r->nstates == 0 || !r->states[0]->has_signing_priv;
    if (!fresh) {
        TRY(store_skdm_others(b->store, &w->to, r->states[0]->key_id, addresses, w->ndevices,
                              &others));
        fresh = others > 0;
    }
    if (fresh)
        TRY(sender_key_create(r, b->rng));
    *ret = r;
    *ret_fresh = fresh;
    r = NULL;
out:
    sender_key_record_free(r);
    return err;
}

/* wanted[i]: the device lacks the key. */
static enum wb_err lacking(struct bridge *b, struct out_work *w, const struct jid *addresses,
                           const struct sender_key_record *r, bool fresh, bool **ret_wanted)
{
    bool *wanted = arena_alloc(&w->arena, w->ndevices + 1);
    enum wb_err err = wanted ? WB_OK : WB_ERR_NOMEM;

    if (err == WB_OK && fresh)
        memset(wanted, true, w->ndevices);
    else if (err == WB_OK)
        err = store_skdm_missing(b->store, &w->to, r->states[0]->key_id, addresses, w->ndevices,
                                 wanted);
    if (err == WB_OK)
        *ret_wanted = wanted;
    return err;
}

enum wb_err out_seal_lacking(struct out_item *it, const struct jid **ret_devices, size_t *ret_n)
{
    struct out_work *w = it->work;
    struct sender_key_record *r = NULL;
    struct jid *addresses = NULL, *devices;
    bool *wanted = NULL, fresh = false;
    size_t n = 0;
    enum wb_err err;

    TRY(canonical_addresses(it->b, w, &addresses));
    TRY(sender_key_for(it->b, w, addresses, &r, &fresh));
    TRY(lacking(it->b, w, addresses, r, fresh, &wanted));
    devices = arena_alloc(&w->arena, (w->ndevices + 1) * sizeof *devices);
    if (!devices) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    for (size_t i = 0; i < w->ndevices; i++)
        if (wanted[i])
            devices[n++] = w->devices[i];
    *ret_devices = devices;
    *ret_n = n;
out:
    sender_key_record_free(r);
    return err;
}

/* Gives the key, in its state before this message (P-SG-30), to the devices that lack it. */
static enum wb_err distribute(struct out_sealing *s, const struct sender_key_record *r,
                              const bool *wanted)
{
    char group[JID_TEXT_MAX];
    struct buf skdm = buf_new(4096), message = buf_new(8192);
    struct jid *given = arena_alloc(s->a, (s->w->ndevices + 1) * sizeof *given);
    size_t n = 0;
    enum wb_err err = given ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    TRY(sender_key_distribution(r, &skdm));
    TRY(content_encode_skdm(span_cstr(jid_text(&s->w->to, group)), buf_span(&skdm), &message));
    TRY(seal_devices(s, buf_span(&message), buf_span(&message), wanted));
    for (size_t i = 0; i < s->w->ndevices; i++)
        if (s->done[i])
            given[n++] = s->addresses[i];
    if (n)
        err = store_skdm_carry(s->b->store, &s->w->to, r->states[0]->key_id, given, n, s->it->id);
    s->it->carries = n > 0;
    FAULT_POINT("skdm.marked");
out:
    buf_free(&skdm);
    buf_free(&message);
    return err;
}

static enum wb_err add_group_enc(struct out_sealing *s, struct sender_key_record *r)
{
    struct buf padded = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct buf sealed = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct node *enc;
    enum wb_err err;

    TRY(pairwise_pad(s->b, buf_span(&s->w->plain), &padded));
    TRY(sender_key_encrypt(r, buf_span(&padded), s->b->rng, &sealed));
    enc = node_child_new(s->a, s->message, "enc");
    node_attr_text(s->a, enc, "v", "2");
    node_attr_text(s->a, enc, "type", "skmsg");
    node_set_bytes(s->a, enc, buf_span(&sealed));
out:
    buf_free(&padded);
    buf_free(&sealed);
    return err;
}

static enum wb_err seal_group(struct out_sealing *s)
{
    struct out_work *w = s->w;
    const bool lid = w->group.addressing == STORE_ADDRESSING_LID;
    const struct jid owner = out_seal_key_owner(s->b);
    struct sender_key_record *r = NULL, *moved;
    bool *wanted = NULL, fresh = false;
    size_t nwanted = 0;
    enum wb_err err;

    TRY(sender_key_for(s->b, w, s->addresses, &r, &fresh));
    TRY(lacking(s->b, w, s->addresses, r, fresh, &wanted));
    for (size_t i = 0; i < w->ndevices; i++)
        nwanted += wanted[i];
    TRY(participant_hash(s, lid && !jid_is_none(&s->b->own_lid) ? &s->b->own_lid : &s->b->own_pn));
    node_attr_text(s->a, s->message, "phash", s->it->phash);
    if (lid)
        node_attr_text(s->a, s->message, "addressing_mode", "lid");
    if (nwanted) {
        s->participants = node_new(s->a, "participants");
        TRY(distribute(s, r, wanted));
        /* Nobody could read the message. */
        if (s->ndone == 0 && nwanted == w->ndevices) {
            err = WB_ERR_NO_SESSION;
            goto out;
        }
        if (s->ndone)
            node_add(s->message, s->participants);
    }
    add_identity(s);
    TRY(add_group_enc(s, r));
    moved = r;
    r = NULL;
    err = store_sender_key_save(s->b->store, &w->to, &owner, moved);
out:
    sender_key_record_free(r);
    return err;
}

/* ---- the whole message ---- */

/* The number of people besides ourselves; a person's devices stand together in the list
 * (device_sync.h). */
static uint32_t people_of(const struct bridge *b, const struct out_work *w)
{
    struct jid last = {0};
    uint32_t n = 0;

    for (size_t i = 0; i < w->ndevices; i++) {
        struct jid user = jid_unhosted(w->devices[i]);

        if (!jid_same_user(&user, &last) && !bridge_is_self(b, &user))
            n++;
        last = user;
    }
    return n;
}

static enum wb_err make_stanza(struct out_item *it, struct buf *packed)
{
    struct bridge *b = it->b;
    struct out_work *w = it->work;
    struct out_sealing s = {.it = it, .b = b, .w = w, .a = &w->arena};
    enum wb_err err;

    it->carries = false;
    TRY(canonical_addresses(b, w, &s.addresses));
    s.done = arena_alloc(&w->arena, w->ndevices + 1);
    s.message = node_new(&w->arena, "message");
    if (!s.done || !s.message) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    node_attr_text(&w->arena, s.message, "id", it->id);
    node_attr_text(&w->arena, s.message, "type", "text");
    node_attr_jid(&w->arena, s.message, "to", &w->to);
    TRY(jid_is_none(&w->group.jid) ? seal_person(&s) : seal_group(&s));
    TRY(node_pack(s.message, packed));
    TRY(store_outbox_seal(b->store, it->id, buf_span(packed), people_of(b, w),
                          bridge_server_now_s(b)));
    TRY(store_sealed_put(b->store, span_cstr(it->id), w->devices, w->ndevices,
                         bridge_server_now_s(b)));
    err = store_retry_sent_put(b->store, &w->to, span_cstr(it->id), buf_span(&w->plain),
                               bridge_server_now_ms(b));
out:
    return err;
}

void out_seal(struct out_item *it)
{
    struct bridge *b = it->b;
    struct buf packed = buf_new(OUTGOING_STANZA_BYTES_MAX);
    enum wb_err err;

    if (first_contact_locked(it)) { /* the account was restricted since the item's preparation
                                     * began */
        out_queue_again(it);
        return;
    }
    err = store_mark(b->store);
    if (err == WB_OK) {
        err = make_stanza(it, &packed);
        /* Half a message must not move any ratchet. */
        if (err == WB_OK)
            err = store_mark_keep(b->store);
        else if (store_mark_undo(b->store) != WB_OK)
            batch_fail(b, err);
    }
    FAULT_POINT("seal.made");
    if (err == WB_OK)
        err = batch_commit(b);
    FAULT_POINT("seal.stored");
    if (err == WB_OK) {
        out_queue_sealed(it);
        out_wire_sealed(it, buf_span(&packed));
    } else {
        out_queue_later(it, err);
    }
    buf_free(&packed);
}
