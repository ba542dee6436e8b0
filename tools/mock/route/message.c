#include "tools/mock/route/message.h"

#include "tools/mock/devices/address.h"
#include "tools/mock/devices/addressing.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/devices/resends.h"
#include "tools/mock/devices/strict.h"
#include "tools/mock/devices/timelock.h"

/* A message on its way: what all its copies share. */
struct fan {
    struct mock *m;
    struct device *from;
    const char *label, *id;
    const struct node *n;
    struct jid to;
    bool lid; /* the form in which sender and chat are named */
    struct mock_account *peer;
    struct group *group;
    uint64_t mark;  /* the number of this stanza in device.to_mark */
    bool completes; /* it is for the devices that the first stanza of this id left out */
};

static struct node *shallow(struct mock *m, const struct node *n)
{
    struct node *copy = ARENA_NEW(&m->a, struct node);

    if (copy) {
        *copy = *n;
        copy->next = NULL;
    }
    return copy;
}

/* Whether a child goes to the receivers as it is: all but the encrypted parts and what only the
 * server reads. */
static bool passes_through(const struct node *k)
{
    static const char *const server_only[] = {"participants", "enc",     "device-identity",
                                              "tctoken",      "cstoken", "reporting"};

    for (size_t i = 0; i < sizeof server_only / sizeof server_only[0]; i++) {
        if (node_is(k, server_only[i]))
            return false;
    }
    return true;
}

/* The stanza for one device. own: it is one of the sender's own devices. */
static struct node *copy_for(const struct fan *f, bool own)
{
    struct mock *m = f->m;
    struct node *out = mock_node(m, "message");
    struct jid sender = device_jid(f->from, f->lid);
    struct jid other = account_jid(f->from->account, !f->lid);

    if (f->group || f->to.server == JID_BROADCAST) {
        node_attr_jid(&m->a, out, "from", &f->to);
        node_attr_jid(&m->a, out, "participant", &sender);
        node_attr_jid(&m->a, out, f->lid ? "participant_pn" : "participant_lid", &other);
        node_attr_text(&m->a, out, "addressing_mode", f->lid ? "lid" : "pn");
    } else {
        node_attr_jid(&m->a, out, "from", &sender);
        if (own) {
            struct jid alt = account_jid(f->peer, !f->lid);

            node_attr_jid(&m->a, out, "recipient", &f->to);
            node_attr_jid(&m->a, out, f->lid ? "peer_recipient_pn" : "peer_recipient_lid", &alt);
        } else {
            node_attr_jid(&m->a, out, f->lid ? "sender_pn" : "sender_lid", &other);
        }
    }
    node_copy_attr(&m->a, out, f->n, "id");
    node_copy_attr(&m->a, out, f->n, "type");
    node_copy_attr(&m->a, out, f->n, "edit");
    node_copy_attr(&m->a, out, f->n, "category");
    if (node_has_attr(f->n, "t"))
        node_copy_attr(&m->a, out, f->n, "t"); /* a re-sent message keeps its time */
    else
        node_attr_u64(&m->a, out, "t", mock_now_s(m));
    /* A phone whose name nobody knows yet hands its history over without a name too. */
    if (!f->from->account->past.nameless || !node_has_attr(f->n, "category"))
        node_attr_text(&m->a, out, "notify", f->from->account->name);
    for (const struct node *k = f->n->first; k != NULL; k = k->next) {
        if (passes_through(k))
            node_add(out, shallow(m, k));
    }
    return out;
}

/* Adds an <enc> and, for a pkmsg, the sender's identity. */
static void put_enc(const struct fan *f, struct node *out, const struct node *enc)
{
    node_add(out, shallow(f->m, enc));
    const struct node *identity = node_child(f->n, "device-identity");
    if (node_attr_is(enc, "type", "pkmsg") && identity)
        node_add(out, shallow(f->m, identity));
}

/* The <to> of a device in this stanza; check_participants() has put it there. */
static const struct node *to_of(const struct fan *f, const struct device *d)
{
    return d->to_mark == f->mark ? d->to : NULL;
}

static bool any_pkmsg(const struct node *n)
{
    const struct node *parts = node_child(n, "participants");

    for (const struct node *e = node_child(n, "enc"); e != NULL; e = node_next(e, "enc")) {
        if (node_attr_is(e, "type", "pkmsg"))
            return true;
    }
    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        if (node_attr_is(node_child(to, "enc"), "type", "pkmsg"))
            return true;
    }
    return false;
}

/* Checks the listed devices: each must be known, addressed in the right form, and listed once. */
static void check_participants(const struct fan *f)
{
    struct mock *m = f->m;
    const struct node *parts = node_child(f->n, "participants");

    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        struct jid j = {0};
        const struct node *enc = node_child(to, "enc");
        struct device *d = NULL;

        if (!node_attr_get_jid(to, "jid", &j) || (d = world_device_jid(&m->world, &j)) == NULL) {
            const struct mock_account *a = world_account(&m->world, &j);

            if (!a || !devices_unheard(f->from, a))
                mock_flag(m, f->label, "stale-device", to, "no such device");
            continue;
        }
        if (d == f->from)
            mock_flag(m, f->label, "sent-to-self", to, "the sending device is addressed");
        if (d->to_mark == f->mark) /* the sender may be on both lists when it writes to itself */
            mock_flag(m, f->label,
                      f->peer == d->account && f->from->account == d->account
                          ? "duplicate-own-device"
                          : "duplicate-device",
                      to, "a device is addressed twice");
        d->to_mark = f->mark;
        d->to = to;
        if (enc)
            strict_enc(m, f->from, f->label, d, NULL, enc);
        else if (f->to.server != JID_BROADCAST)
            mock_flag(m, f->label, "bad-message", to, "participant without enc");
    }
}

/* ---- 1:1 ---- */

/* Notes the devices of an account that the stanza left out. missing: room for all of them; *n
 * grows. */
static void flag_missing(const struct fan *f, const struct mock_account *a, bool all,
                         struct device **missing, size_t *n)
{
    char text[JID_TEXT_MAX];
    bool unheard = devices_unheard(f->from, a);

    for (size_t i = 0; i < a->ndevices; i++) {
        if (a->devices[i] == f->from || to_of(f, a->devices[i]) != NULL)
            continue;
        missing[(*n)++] = a->devices[i];
        if (unheard || a->devices[i]->unannounced)
            continue;
        struct jid j = device_jid(a->devices[i], f->lid);
        mock_flag(f->m, f->label, "forgotten-device", f->n, "%s got no copy%s", jid_text(&j, text),
                  all ? "" : " (own device)");
    }
}

static size_t add_devices(const struct mock_account *a, bool lid, struct jid *list, size_t n,
                          size_t max)
{
    for (size_t i = 0; i < a->ndevices && n < max; i++)
        list[n++] = device_jid(a->devices[i], lid);
    return n;
}

static size_t without(struct jid *list, size_t n, struct jid one)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (!jid_eq(&list[i], &one))
            list[kept++] = list[i];
    }
    return kept;
}

static void direct(const struct fan *f, struct message_verdict *v)
{
    struct mock *m = f->m;
    struct jid list[2 * MOCK_DEVICES_MAX];
    struct device *missing[2 * MOCK_DEVICES_MAX];
    size_t nmissing = 0;
    struct mock_account *own = f->from->account;
    size_t n = add_devices(f->peer, f->lid, list, 0, 2 * MOCK_DEVICES_MAX);

    if (own != f->peer)
        n = add_devices(own, f->lid, list, n, 2 * MOCK_DEVICES_MAX);
    if (m->cfg.phash_without_sender)
        n = without(list, n, device_jid(f->from, f->lid));
    world_phash(list, n, v->phash);
    if (f->lid && !jid_same_user(&f->to, &f->peer->lid))
        v->phash[0] = '\0'; /* the LID is what is wrong: address_ack() says so */
    v->error = timelock_refuses(m, f->from, f->peer, f->label, f->n);
    if (v->error == 0)
        v->error = privacy_refuses(m, f->from->account, f->peer, f->n);
    if (v->error != 0)
        return;
    timelock_met(own, f->peer);
    if (!f->completes) {
        flag_missing(f, f->peer, true, missing, &nmissing);
        if (own != f->peer)
            flag_missing(f, own, false, missing, &nmissing);
        if (nmissing > 0)
            address_note_missing(m, f->from, f->id, missing, nmissing);
    }
    const struct node *parts = node_child(f->n, "participants");
    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        struct jid j;
        struct device *d =
            node_attr_get_jid(to, "jid", &j) ? world_device_jid(&m->world, &j) : NULL;

        if (!d || d == f->from || node_child(to, "enc") == NULL)
            continue;
        if (d->account != f->peer && d->account != own) {
            mock_flag(m, f->label, "stranger-device", to, "neither recipient nor own");
            continue;
        }
        struct node *out = copy_for(f, d->account == own);
        put_enc(f, out, node_child(to, "enc"));
        deliver(m, d, out);
    }
}

/* ---- groups ---- */

static struct jid *group_devices(const struct fan *f, size_t *ret_n)
{
    const struct group *g = f->group;
    size_t max = 0, n = 0;

    for (size_t i = 0; i < g->nmembers; i++)
        max += g->members[i].account->ndevices;
    struct jid *list = arena_alloc(&f->m->a, (max + 1) * sizeof *list);
    for (size_t i = 0; list != NULL && i < g->nmembers; i++)
        n = add_devices(g->members[i].account, g->lid, list, n, max);
    *ret_n = list != NULL ? n : 0;
    return list;
}

static void check_phash(const struct fan *f, struct message_verdict *v)
{
    size_t n;
    struct jid *list = group_devices(f, &n);
    const char *sent = mock_attr(f->m, f->n, "phash");
    char right[PHASH_CHARS + 1];

    world_phash(list, n, right);
    if (sent[0] == '\0')
        return; /* Baileys sends none in groups, and is served */
    /* Baileys sends six characters of the hash; WhatsApp takes them (P-SD-22: a hash of all
     * devices). */
    if (strcmp(sent, right) == 0 || (strlen(sent) == 8 && strncmp(sent, right, 8) == 0))
        return;
    bool unheard = false;
    for (size_t i = 0; i < f->group->nmembers; i++)
        unheard = unheard || devices_unheard(f->from, f->group->members[i].account);
    if (!unheard)
        mock_flag(f->m, f->label, "wrong-phash", NULL, "%s instead of %s in %s", sent, right,
                  f->group->jid.user);
    memcpy(v->phash, right, sizeof right);
}

static void group_fan(const struct fan *f, struct message_verdict *v)
{
    struct mock *m = f->m;
    struct group *g = f->group;
    const struct node *enc = node_child(f->n, "enc");
    struct member *me = world_find_member(g, f->from->account);

    if (!f->from->account->unruly && (!me || (g->announcement && me->rank == 0))) {
        v->error = 403;
        return;
    }
    if (g->community) { /* accepted, but shown to nobody (P-X2-20) */
        mock_flag(m, f->label, "sent-to-community", f->n, "nobody sees what is sent to %s",
                  g->jid.user);
        return;
    }
    if (enc)
        strict_enc(m, f->from, f->label, NULL, g, enc);
    check_phash(f, v);
    strict_group_key(m, f->from, f->label, g, f->n);
    for (size_t i = 0; i < g->nmembers; i++) {
        struct mock_account *a = g->members[i].account;

        for (size_t k = 0; k < a->ndevices; k++) {
            struct device *d = a->devices[k];

            if (d == f->from)
                continue;
            const struct node *to = to_of(f, d);
            struct node *out = copy_for(f, a == f->from->account);
            if (to && node_child(to, "enc") != NULL)
                put_enc(f, out, node_child(to, "enc"));
            if (enc)
                node_add(out, shallow(m, enc));
            deliver(m, d, out);
        }
    }
}

/* A group message that goes pairwise to the devices that it names: those that missed a message. */
static void group_direct(const struct fan *f, struct message_verdict *v)
{
    struct mock *m = f->m;
    const struct node *parts = node_child(f->n, "participants");

    if (world_find_member(f->group, f->from->account) == NULL) {
        v->error = 403;
        return;
    }
    check_participants(f);
    if (node_child(parts, "to") == NULL)
        mock_flag(m, f->label, "bad-message", f->n, "for nobody");
    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        struct jid j;
        struct device *d =
            node_attr_get_jid(to, "jid", &j) ? world_device_jid(&m->world, &j) : NULL;

        if (!d || d == f->from || node_child(to, "enc") == NULL)
            continue;
        if (world_find_member(f->group, d->account) == NULL) {
            mock_flag(m, f->label, "stranger-device", to, "no member");
            continue;
        }
        struct node *out = copy_for(f, d->account == f->from->account);
        put_enc(f, out, node_child(to, "enc"));
        deliver(m, d, out);
    }
}

/* A status: the listed devices are the audience. */
static void broadcast(const struct fan *f)
{
    struct mock *m = f->m;
    const struct node *parts = node_child(f->n, "participants");

    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        struct jid j;
        struct device *d =
            node_attr_get_jid(to, "jid", &j) ? world_device_jid(&m->world, &j) : NULL;

        if (!d || d == f->from || node_child(to, "enc") == NULL)
            continue;
        struct node *out = copy_for(f, d->account == f->from->account);
        put_enc(f, out, node_child(to, "enc"));
        if (node_child(f->n, "enc") != NULL)
            node_add(out, shallow(m, node_child(f->n, "enc")));
        deliver(m, d, out);
    }
}

/* ---- one device: retries and peer messages ---- */

static void single(const struct fan *f, struct device *d, struct message_verdict *v)
{
    const struct node *enc = node_child(f->n, "enc");

    if (!d || d == f->from) {
        v->error = 479;
        mock_flag(f->m, f->label, "stale-device", f->n, "no such device");
        return;
    }
    strict_enc(f->m, f->from, f->label, d, NULL, enc);
    struct node *out = copy_for(f, d->account == f->from->account && f->peer != NULL);
    for (const struct node *e = enc; e != NULL; e = node_next(e, "enc"))
        put_enc(f, out, e);
    deliver(f->m, d, out);
}

static void peer_message(struct fan *f, struct message_verdict *v)
{
    struct mock_account *own = f->from->account;

    if (f->peer == own && f->from->number == 0) { /* the phone writes to one of its companions */
        struct device *d = world_device(own, f->to.device);

        f->peer = NULL;
        single(f, d, v);
        return;
    }
    if (f->peer != own) {
        mock_flag(f->m, f->label, "bad-message", f->n, "peer messages go to own devices");
        v->error = 479;
        return;
    }
    if (node_child(f->n, "tctoken") != NULL || node_child(f->n, "cstoken") != NULL) {
        mock_flag(f->m, f->label, "bad-message", f->n, "token on a peer message (P-SD-31)");
        v->error = 479;
        return;
    }
    f->peer = NULL;
    f->lid = f->lid || f->to.device != 0; /* an account's clients know each other by LID */
    single(f, world_device(own, f->to.device), v);
}

/* A message that is sent again to the device that asked for it (P-RC-43). */
static void retry_message(struct fan *f, struct message_verdict *v)
{
    struct jid j = f->to;

    if (f->group && !node_attr_get_jid(f->n, "participant", &j)) {
        mock_flag(f->m, f->label, "bad-message", f->n, "retry in a group without participant");
        v->error = 479;
        return;
    }
    if (!node_has_attr(node_child(f->n, "enc"), "count"))
        mock_flag(f->m, f->label, "bad-message", f->n, "re-sent enc without count");
    struct device *d = world_device_jid(&f->m->world, &j);
    if (d && d->account == f->from->account && !f->group) {
        struct jid chat; /* one of our own devices asked: `recipient` names the chat */

        if (node_attr_get_jid(f->n, "recipient", &chat)) {
            f->peer = world_account(&f->m->world, &chat);
            f->to = chat;
        }
    } else {
        f->peer = NULL;
    }
    if (f->group && d) {
        resends_note(f->m, f->label, f->from, f->group, f->n);
        strict_group_given(f->group, f->from, d);
    }
    single(f, d, v);
}

/* ---- entry ---- */

static const char *shape(struct mock *m, const struct node *n, struct jid *ret_to)
{
    static const char *const types[] = {"text",  "media", "reaction",   "poll",
                                        "event", "pay",   "medianotify"};
    const char *type = mock_attr(m, n, "type"), *id = mock_attr(m, n, "id");

    if (id[0] == '\0' || strlen(id) >= MOCK_ID_MAX)
        return "no id";
    if (!node_attr_get_jid(n, "to", ret_to))
        return "no to";
    if (node_has_attr(n, "from") && node_attr_is(n, "from", ""))
        return "empty from";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i]) == 0)
            return NULL;
    }
    return "unknown type";
}

static bool resolve(struct fan *f, struct message_verdict *v)
{
    struct world *w = &f->m->world;

    if (f->to.server == JID_GROUP) {
        f->group = world_group(w, &f->to);
        f->lid = f->group != NULL && f->group->lid;
        v->error = f->group == NULL ? 404 : 0;
    } else if (jid_is_person(&f->to)) {
        f->peer = world_account(w, &f->to);
        f->lid = world_is_lid(&f->to);
        v->error = f->peer == NULL ? 404 : 0;
    } else if (f->to.server == JID_BROADCAST) {
        f->lid = true;
    } else if (f->to.server != JID_NEWSLETTER) {
        v->error = 479;
    }
    return v->error == 0 && f->to.server != JID_NEWSLETTER;
}

static void dispatch(struct fan *f, struct message_verdict *v)
{
    struct mock *m = f->m;
    const struct node *n = f->n;
    bool pkmsg = any_pkmsg(n);

    v->error = address_refuses(m, f->label, f->from, f->peer, n);
    if (v->error != 0)
        return;
    if (pkmsg)
        (void)strict_device_identity(m, f->from, f->label, n);
    else if (node_child(n, "device-identity") != NULL)
        mock_flag(m, f->label, "needless-device-identity", n, "no pkmsg in the stanza");
    if (node_attr_is(n, "category", "peer")) {
        peer_message(f, v);
        return;
    }
    const struct node *enc = node_child(n, "enc");
    /* Baileys leaves a copy in <participants> too: the bare enc counts */
    if (enc && !node_attr_is(enc, "type", "skmsg")) {
        retry_message(f, v);
        return;
    }
    if (f->to.device != 0) {
        mock_flag(m, f->label, "bad-message", n, "a chat has no device number");
        v->error = 479;
        return;
    }
    if (f->group && (v->error = addressing_refuses(m, f->label, f->from, f->group, n)) != 0)
        return; /* nobody got it: the same id in another form is no second message */
    if (f->group && !enc) {
        group_direct(f, v);
        return;
    }
    int seen = strict_seen_id(m, f->from, f->id, n);
    f->completes =
        seen == 2 && f->peer != NULL && address_completes(m, f->label, f->from, f->id, n);
    if (seen == 2 && !f->completes)
        mock_flag(m, f->label, "same-id-other-bytes", n, "id %s was sent with other bytes", f->id);
    if (seen == 1)
        return; /* sent again after a lost ack: accepted, but not delivered twice */
    check_participants(f);
    if (f->group)
        group_fan(f, v);
    else if (f->peer)
        direct(f, v);
    else
        broadcast(f);
}

void message_route(struct mock *m, struct device *from, const char *label, const struct node *n,
                   struct message_verdict *ret_v)
{
    struct fan f = {.m = m, .from = from, .label = label, .n = n, .mark = ++m->next_mark};
    struct message_verdict v = {0};
    const char *wrong = shape(m, n, &f.to);

    if (wrong) {
        mock_flag(m, label, "bad-message", n, "%s", wrong);
        v.error = 479;
        v.bad_shape = true;
    } else {
        f.id = mock_attr(m, n, "id");
        if (resolve(&f, &v))
            dispatch(&f, &v);
    }
    *ret_v = v;
}
