#include "bridge/send/out_prepare.h"

#include <stdlib.h>

#include "bridge/core/context.h"
#include "bridge/groups/group_links.h"
#include "bridge/people/private_address.h"
#include "bridge/send/out_content.h"
#include "bridge/send/out_seal.h"
#include "store/messages/messages.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"

/* ---- questions ---- */

/* The preparation ended in the caller, perhaps with an error. Trouble of the machine or the network
 * passes; an error of ours does not get better by itself, but must not lose a message either: in
 * every case the item is tried again later. */
static void ended(struct out_item *it, enum wb_err err)
{
    if (err != WB_OK)
        out_queue_later(it, err);
}

/* Is this trouble that may be over after a pause, as opposed to "the server has answered badly"? */
static bool passes(enum wb_err err)
{
    return err != WB_OK && err != WB_ERR_REFUSED && err != WB_ERR_PROTOCOL &&
           err != WB_ERR_NOT_FOUND;
}

/* The question could not be asked, or brought no answer. kind: of the request. If the server wants
 * a pause, the item waits for its end, which costs no try: nothing is sealed without those
 * devices. */
static void later(struct out_item *it, enum wb_err err, const char *kind)
{
    if (err == WB_ERR_RATE_LIMITED)
        out_queue_after_pause(it, iq_pause_left_ms(&it->b->iq, kind));
    else
        out_queue_later(it, err);
}

static uint64_t new_question(struct out_item *it)
{
    it->asked = ++it->b->out_message->last_asked;
    return it->asked;
}

/* The stages, in the order in which they happen. Each stage ends in the next one, in a question
 * whose answer goes on, or in an end of the preparation (out_queue.h). */
static void start_person(struct out_item *it);
static void on_lid(struct bridge *b, uint64_t key, const struct lid_lookup_result *r);
static void to_person(struct out_item *it, const struct jid *lid, const struct jid *pn);
static void ask_group(struct out_item *it, enum group_info_how how);
static void on_group(struct bridge *b, uint64_t key, const struct group_info_result *r);
static void compile(struct out_item *it);
static void on_mention_lids(struct bridge *b, uint64_t key, const struct lid_lookup_result *r);
static enum wb_err ask_devices(struct out_item *it);
static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *r);
static enum wb_err ask_sessions(struct out_item *it);
static void on_sessions(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r);

/* ---- the start ---- */

static enum wb_err new_work(struct out_item *it)
{
    struct out_work *w = calloc(1, sizeof *w);
    struct store_outbox_row row;
    enum wb_err err;

    if (!w)
        return WB_ERR_NOMEM;
    w->arena = arena_new(SEND_ARENA_MAX);
    w->plain = buf_new(OUTGOING_STANZA_BYTES_MAX);
    it->work = w;
    TRY(store_outbox_by_id(it->b->store, it->id, &w->arena, &row));
    TRY(out_request_decode(row.request, &w->arena, &w->request));
out:
    return err;
}

void out_prepare_start(struct out_item *it)
{
    enum wb_err err = new_work(it);

    if (err == WB_ERR_MALFORMED || err == WB_ERR_TRUNCATED || err == WB_ERR_NOT_FOUND)
        out_queue_fail(it, CMD_INTERNAL, 0, "the outbox does not hold the request any more");
    else if (err != WB_OK)
        out_queue_later(it, err);
    else if (it->chat.server == JID_GROUP)
        ask_group(it, it->work->request.mention_all ? GROUP_INFO_FRESH : GROUP_INFO_CACHED);
    else
        start_person(it);
}

/* ---- a person: whose number is it? ---- */

static void start_person(struct out_item *it)
{
    struct bridge *b = it->b;
    struct jid other;
    enum wb_err err;

    if (it->chat.server == JID_LID) {
        err = store_pn_of_lid(b->store, &it->chat, &other);
        if (err == WB_ERR_NOT_FOUND) {
            other = (struct jid){0};
            err = WB_OK;
        }
        TRY(err);
        to_person(it, &it->chat, &other);
        return;
    }
    err = store_lid_of_pn(b->store, &it->chat, &other);
    if (err == WB_OK) {
        to_person(it, &other, &it->chat);
        return;
    }
    if (err == WB_ERR_NOT_FOUND)
        err = b->out_message->ports->lids(b, &it->chat, 1, on_lid, new_question(it));
out:
    ended(it, err);
}

/* Digits that are no phone number may be the LID of somebody we know: the Go bridge stored such
 * digits as the sender. NOT_FOUND: they are no such LID. */
static enum wb_err to_lid_digits(struct out_item *it)
{
    struct bridge *b = it->b;
    struct jid lid = it->chat, pn = {0}, chat;
    struct store_chat known;
    enum wb_err err;

    lid.server = JID_LID;
    err = store_pn_of_lid(b->store, &lid, &pn);
    if (err == WB_ERR_NOT_FOUND)
        err = store_chat_get(b->store, &lid, &known);
    TRY(err);
    chat = jid_is_none(&pn) ? lid : pn;
    TRY(store_outbox_rename(b->store, it->id, &chat));
    it->chat = chat;
    to_person(it, &lid, &pn);
out:
    return err;
}

/* The server knows no such number. */
static void no_number(struct out_item *it)
{
    enum wb_err err = to_lid_digits(it);

    if (err == WB_ERR_NOT_FOUND)
        out_queue_fail(it, CMD_NOT_ON_WHATSAPP, 0, "this number is not on WhatsApp");
    else
        ended(it, err);
}

/* From here on the message goes to the number that the server names (P-X2-22: it may differ from
 * the number that was typed): its row, the answer, and the receipts name that number. */
static void to_number(struct out_item *it, const struct jid *lid, const struct jid *named)
{
    enum wb_err err = WB_OK;

    if (!jid_eq(named, &it->chat)) {
        TRY(store_outbox_rename(it->b->store, it->id, named));
        it->chat = *named;
    }
    to_person(it, lid, named);
    return;
out:
    ended(it, err);
}

static void on_lid(struct bridge *b, uint64_t key, const struct lid_lookup_result *r)
{
    struct out_item *it = out_queue_asked(b, key);

    if (!it)
        return;
    if (r->err == WB_ERR_NOT_FOUND)
        no_number(it);
    else if (r->err != WB_OK || r->n != 1 || jid_is_none(&r->named[0]))
        later(it, r->err == WB_OK ? WB_ERR_PROTOCOL : r->err, IQ_KIND_USYNC);
    else
        to_number(it, &r->lids[0], &r->named[0]);
}

static void to_person(struct out_item *it, const struct jid *lid, const struct jid *pn)
{
    struct out_work *w = it->work;
    enum wb_err err;

    w->lid = jid_bare(*lid);
    w->pn = jid_bare(*pn);
    /* Later requests by the person's other form queue up behind this one. */
    it->lane->chat = jid_is_none(&w->lid) ? w->pn : w->lid;
    TRY(private_address(it->b, &w->lid, &w->pn, &w->to));
    compile(it);
    return;
out:
    ended(it, err);
}

/* ---- a group: who is in it? ---- */

static void ask_group(struct out_item *it, enum group_info_how how)
{
    it->work->group_fresh = how == GROUP_INFO_FRESH;
    ended(it, it->b->out_message->ports->group(it->b, &it->chat, how, on_group, new_question(it)));
}

static enum wb_err take_group(struct out_work *w, const struct store_group *g)
{
    struct store_group_member *members =
        arena_alloc(&w->arena, (g->nmembers ? g->nmembers : 1) * sizeof *members);

    if (!members)
        return WB_ERR_NOMEM;
    if (g->nmembers)
        memcpy(members, g->members, g->nmembers * sizeof *members);
    w->group = *g;
    w->group.members = members;
    w->to = g->jid;
    return WB_OK;
}

static void group_failed(struct out_item *it, const struct group_info_result *r)
{
    if (r->err == WB_ERR_NOT_FOUND)
        out_queue_fail(it, CMD_NOT_FOUND, r->code, "there is no such group");
    else if (r->err == WB_ERR_REFUSED && (r->code == 401 || r->code == 403))
        out_queue_fail(it, CMD_REFUSED, r->code,
                       "this number is not a member of the group: nothing was sent; have it added");
    else
        later(it, r->err, IQ_KIND_GROUPS);
}

/* The server would take the message, and show it to nobody (P-X2-20: a community's parent
 * group). */
static void refuse_community(struct out_item *it)
{
    char text[GROUP_LINKS_TEXT_MAX];
    enum wb_err err = group_links_advice(it->b, &it->chat, text);

    if (err == WB_OK)
        out_queue_fail(it, CMD_IS_COMMUNITY, 0, "%s", text);
    else
        out_queue_later(it, err);
}

static void on_group(struct bridge *b, uint64_t key, const struct group_info_result *r)
{
    struct out_item *it = out_queue_asked(b, key);
    bool admin = false, member;
    enum wb_err err;

    if (!it)
        return;
    if (r->err != WB_OK) {
        group_failed(it, r);
        return;
    }
    if (r->group->kind == STORE_GROUP_COMMUNITY) {
        refuse_community(it);
        return;
    }
    member = !r->group->left && group_info_has_self(b, r->group, &admin);
    if ((!member || (r->group->announce && !admin)) && !it->work->group_fresh) {
        ask_group(it, GROUP_INFO_FRESH); /* the cached group may be out of date */
        return;
    }
    if (!member) {
        out_queue_fail(it, CMD_REFUSED, 0, "this number is not a member of the group");
        return;
    }
    if (r->group->announce && !admin) {
        out_queue_fail(it, CMD_REFUSED, 0,
                       "only admins write in this group, and this number is not one: nothing "
                       "was sent; have it made an admin");
        return;
    }
    TRY(take_group(it->work, r->group));
    compile(it);
    return;
out:
    ended(it, err);
}

/* ---- mentions, text ---- */

static void refuse_absent(struct out_item *it, const struct mention_result *m)
{
    const struct out_request *r = &it->work->request;
    char names[MENTION_NAMES_MAX];

    mention_names(r->mentions, m->absent, m->nabsent, names);
    out_queue_fail(it, CMD_ABSENT_MENTION, 0,
                   "not in this chat: %s. Set allow_absent_mentions to send all the same", names);
}

/* Those who talk in a 1:1 chat, as the members of a group. */
static void two_members(const struct bridge *b, const struct out_work *w,
                        struct store_group_member two[static 2])
{
    two[0] = (struct store_group_member){.lid = w->lid, .pn = w->pn};
    two[1] = (struct store_group_member){.lid = jid_bare(b->own_lid), .pn = jid_bare(b->own_pn)};
}

static struct mention_chat mention_chat_of(const struct bridge *b, const struct out_work *w,
                                           struct store_group_member two[static 2])
{
    if (!jid_is_none(&w->group.jid))
        return (struct mention_chat){w->group.members, w->group.nmembers, w->group.addressing};
    two_members(b, w, two);
    return (struct mention_chat){
        two, 2, w->to.server == JID_LID ? STORE_ADDRESSING_LID : STORE_ADDRESSING_PN};
}

/* *ret_go_on false: a question was asked first, or the preparation has ended. */
static enum wb_err compile_mentions(struct out_item *it, bool *ret_go_on)
{
    struct out_work *w = it->work;
    const struct out_request *r = &w->request;
    struct store_group_member two[2];
    struct mention_chat chat = mention_chat_of(it->b, w, two);
    struct mention_request request = {.text = r->text,
                                      .who = r->mentions,
                                      .nwho = r->nmentions,
                                      .all = r->mention_all,
                                      .allow_absent = r->allow_absent};
    struct jid *pns = NULL;
    size_t npns = 0;
    enum wb_err err = WB_OK;

    *ret_go_on = false;
    if (r->nmentions && !w->lids_asked) {
        w->lids_asked = true;
        TRY(mention_unknown(it->b, &w->arena, &chat, &request, &pns, &npns));
        if (npns)
            return it->b->out_message->ports->lids(it->b, pns, npns, on_mention_lids,
                                                   new_question(it));
    }
    TRY(mention_compile(it->b, &w->arena, &chat, &request, &w->mentions));
    if (w->mentions.nabsent == 0)
        *ret_go_on = true;
    else if (!jid_is_none(&w->group.jid) && !w->group_fresh)
        ask_group(it, GROUP_INFO_FRESH); /* absent people may have joined just now */
    else
        refuse_absent(it, &w->mentions);
out:
    return err;
}

static void compile(struct out_item *it)
{
    bool go_on = false;
    enum wb_err err;

    TRY(compile_mentions(it, &go_on));
    if (!go_on)
        return;
    err = out_content_make(it->b, it->work);
    if (err == WB_ERR_NOT_FOUND) {
        out_queue_fail(it, CMD_NOT_FOUND, 0, "'reply_to' names no message of this chat");
        return;
    }
    TRY(err);
    err = ask_devices(it);
out:
    ended(it, err);
}

static void on_mention_lids(struct bridge *b, uint64_t key, const struct lid_lookup_result *r)
{
    struct out_item *it = out_queue_asked(b, key);

    if (!it)
        return;
    /* A question that failed does not say that somebody is absent. */
    if (r->err != WB_OK && r->err != WB_ERR_NOT_FOUND)
        later(it, r->err, IQ_KIND_USYNC);
    else
        compile(it);
}

/* ---- devices ---- */

struct jid out_prepare_member_jid(const struct store_group *g, const struct store_group_member *m)
{
    bool lid = g->addressing == STORE_ADDRESSING_LID ? !jid_is_none(&m->lid) : jid_is_none(&m->pn);

    return jid_bare(lid ? m->lid : m->pn);
}

static enum wb_err ask_devices(struct out_item *it)
{
    struct out_work *w = it->work;
    const struct out_ports *ports = it->b->out_message->ports;
    const struct store_group *g = &w->group;
    struct jid *users;

    if (jid_is_none(&g->jid))
        return ports->devices(it->b, &w->to, 1, true, on_devices, new_question(it));
    /* We are a member like the others, in the form of the group. */
    users = arena_alloc(&w->arena, (g->nmembers ? g->nmembers : 1) * sizeof *users);
    if (!users)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < g->nmembers; i++)
        users[i] = out_prepare_member_jid(g, &g->members[i]);
    return ports->devices(it->b, users, g->nmembers, false, on_devices, new_question(it));
}

/* Hosted devices are run by Meta and get no group keys (P-SD-34). */
static bool is_recipient(const struct out_work *w, const struct jid *device)
{
    return jid_is_none(&w->group.jid) ||
           (device->server != JID_HOSTED && device->server != JID_HOSTED_LID);
}

static enum wb_err take_devices(struct out_work *w, const struct device_sync_result *r)
{
    w->ndevices = 0;
    w->devices = arena_alloc(&w->arena, (r->ndevices ? r->ndevices : 1) * sizeof *w->devices);
    if (!w->devices)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < r->ndevices; i++)
        if (is_recipient(w, &r->devices[i]))
            w->devices[w->ndevices++] = r->devices[i];
    return WB_OK;
}

/* Is there a recipient? In a group: anybody else, unless we are alone in it. */
static bool reaches(const struct bridge *b, const struct out_work *w)
{
    const bool group = !jid_is_none(&w->group.jid);

    for (size_t i = 0; i < w->ndevices; i++) {
        struct jid plain = jid_unhosted(w->devices[i]);

        if (group ? !bridge_is_self(b, &plain) : jid_same_user(&plain, &w->to))
            return true;
    }
    return group && w->group.nmembers < 2;
}

static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *r)
{
    struct out_item *it = out_queue_asked(b, key);
    enum wb_err err;

    if (!it)
        return;
    /* After any error: people whose devices are not known would never get this message. */
    if (r->err != WB_OK) {
        later(it, r->err, IQ_KIND_USYNC);
        return;
    }
    TRY(take_devices(it->work, r));
    if (reaches(b, it->work) || !jid_is_none(&it->work->group.jid))
        err = ask_sessions(it);
    else
        out_queue_fail(it, CMD_NOT_ON_WHATSAPP, 0, "the recipient has no device on WhatsApp");
out:
    ended(it, err);
}

/* ---- sessions ---- */

/* Asks for sessions with the devices that must be encrypted for one by one: all of a 1:1 chat; in a
 * group those that lack our sender key. */
static enum wb_err ask_sessions(struct out_item *it)
{
    struct out_work *w = it->work;
    const struct jid *devices = w->devices;
    size_t n = w->ndevices;
    enum wb_err err = WB_OK;

    if (!jid_is_none(&w->group.jid))
        TRY(out_seal_lacking(it, &devices, &n));
    if (n == 0)
        out_seal(it);
    else
        err = it->b->out_message->ports->sessions(it->b, devices, n, false, on_sessions,
                                                  new_question(it));
out:
    return err;
}

static void on_sessions(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r)
{
    struct out_item *it = out_queue_asked(b, key);

    if (!it)
        return;
    /* Devices without a session are skipped (P-SD-10), but not because the line was bad. */
    if (passes(r->err)) {
        later(it, r->err, IQ_KIND_PREKEYS);
        return;
    }
    if (r->gone == 0 || it->work->relisted) {
        out_seal(it);
        return;
    }
    /* The device list was out of date: every device of the new list gets this message, too. */
    it->work->relisted = true;
    ended(it, ask_devices(it));
}
