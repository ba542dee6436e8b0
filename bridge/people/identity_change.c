#include "bridge/people/identity_change.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "bridge/core/context.h"
#include "crypto/prim_hash.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/session/devices.h"
#include "store/session/identity_log.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

enum { EVENT_ID_HASH_BYTES = 16, NEWS_FIRST = 8, NAME_TEXT_BYTES = STORE_NAME_MAX + 64 };

static const char id_prefix[] = "event "; /* the space: no stanza can have such an id */

/* ---- the row ---- */

/* The person as readers know them: a name, else the number, else the LID. */
static enum wb_err name_of(struct bridge *b, const struct jid *user, char ret[NAME_TEXT_BYTES])
{
    struct store_contact c = {.jid = *user};
    const char *names[] = {c.full_name, c.first_name, c.business_name, c.push_name};
    struct jid pn = *user;
    enum wb_err err = store_contact_get(b->store, user, &c);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (err == WB_OK && names[i][0]) {
            snprintf(ret, NAME_TEXT_BYTES, "%s", names[i]);
            return WB_OK;
        }
    }
    err = user->server == JID_LID ? store_pn_of_lid(b->store, user, &pn) : WB_OK;
    if (err == WB_OK)
        snprintf(ret, NAME_TEXT_BYTES, "+%s", pn.user);
    else if (err == WB_ERR_NOT_FOUND)
        snprintf(ret, NAME_TEXT_BYTES, "the person with the LID %s", user->user);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* The row's id. The same change always gives the same id, so that noting it again after a crash
 * between the two commits finds its row; every other change gives another id, also one back to an
 * earlier key. */
static void event_id(const struct jid *user, uint64_t before,
                     const uint8_t was[static X25519_KEY_BYTES],
                     const uint8_t is[static X25519_KEY_BYTES],
                     char ret[sizeof id_prefix + HEX_CHARS(EVENT_ID_HASH_BYTES)])
{
    char person[JID_TEXT_MAX], change[JID_TEXT_MAX + 24];
    uint8_t hash[SHA256_BYTES];
    size_t n = sizeof id_prefix - 1;

    snprintf(change, sizeof change, "%s %llu ", jid_text(user, person), (unsigned long long)before);
    const struct span parts[] = {span_cstr(change), SPAN(was, X25519_KEY_BYTES),
                                 SPAN(is, X25519_KEY_BYTES)};
    sha256_v(parts, sizeof parts / sizeof parts[0], hash);
    memcpy(ret, id_prefix, n);
    for (size_t i = 0; i < EVENT_ID_HASH_BYTES; i++)
        n += (size_t)snprintf(ret + n, 3, "%02x", hash[i]);
}

static enum wb_err put_row(struct bridge *b, const struct jid *user, const char *id, int64_t at)
{
    char name[NAME_TEXT_BYTES], text[NAME_TEXT_BYTES + 64];
    struct store_message m = {.id = span_cstr(id),
                              .chat = *user,
                              .sender = *user,
                              .timestamp = at,
                              .received_at = clock_unix_ms(b->clock) / 1000,
                              .kind = STORE_EVENT_KIND,
                              .addressing = user->server == JID_LID ? STORE_ADDRESSING_LID
                                                                    : STORE_ADDRESSING_PN};
    enum wb_err err;

    TRY(name_of(b, user, name));
    snprintf(text, sizeof text, "Security code with %s changed", name);
    m.summary = span_cstr(text);
    err = store_message_event(b->store, &m);
out:
    return err;
}

/* ---- news ---- */

/* Changes that are told when their batch is committed. */
struct identity_news {
    struct bridge *b;
    struct jid *people; /* as their chats are named; malloc'd */
    size_t n, cap;
};

static enum wb_err news_add(struct bridge *b, const struct jid *user)
{
    struct identity_news *w = b->identity_news;
    struct jid pn;

    if (!w)
        return WB_OK;
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : NEWS_FIRST;
        struct jid *more = realloc(w->people, cap * sizeof *more);

        if (!more)
            return WB_ERR_NOMEM;
        w->people = more;
        w->cap = cap;
    }
    w->people[w->n] = *user;
    if (user->server == JID_LID && store_pn_of_lid(b->store, user, &pn) == WB_OK)
        w->people[w->n] = jid_bare(pn);
    w->n++;
    return WB_OK;
}

/* Is the change in the file? Not if the stanza that noted it was undone on its own. */
static bool is_there(struct bridge *b, const struct jid *who)
{
    struct store_identity_change c;

    return store_identity_change_get(b->store, who, &c) == WB_OK && c.changes > 0;
}

static void on_batch_done(void *ctx, const struct bridge_event *ev)
{
    struct identity_news *w = ctx;
    struct bridge *b = w->b;
    size_t n = w->n;

    (void)ev;
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct bridge_event e = {.kind = BRIDGE_EV_IDENTITY, .chat = &w->people[i]};

        if (!is_there(b, &w->people[i]))
            continue;
        b->trust.codes_changed++;
        events_emit(&b->events, &e);
    }
}

static void on_batch_failed(void *ctx, const struct bridge_event *ev)
{
    struct identity_news *w = ctx;

    (void)ev;
    w->n = 0;
}

enum wb_err identity_news_new(struct bridge *b, struct identity_news **ret_w)
{
    struct identity_news *w = calloc(1, sizeof *w);
    enum wb_err err;

    if (!w)
        return WB_ERR_NOMEM;
    w->b = b;
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_DONE, on_batch_done, w));
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_FAILED, on_batch_failed, w));
    *ret_w = w;
    w = NULL;
out:
    identity_news_free(w);
    return err;
}

void identity_news_free(struct identity_news *w)
{
    if (!w)
        return;
    free(w->people);
    free(w);
}

/* ---- changes ---- */

/* A time in the future would hide all changes until then. */
static int64_t not_later(const struct bridge *b, int64_t at)
{
    int64_t now = bridge_server_now_s(b);

    return at < now ? at : now;
}

static enum wb_err note_change(struct bridge *b, const struct jid *user, bool phone,
                               const uint8_t was[static X25519_KEY_BYTES],
                               const uint8_t is[static X25519_KEY_BYTES], int64_t at)
{
    char id[sizeof id_prefix + HEX_CHARS(EVENT_ID_HASH_BYTES)];
    struct store_identity_change before;
    enum wb_err err;

    /* Changes of our own other devices are not told: there is no chat for such news, and no
     * security code to compare. */
    if (bridge_is_self(b, user))
        return WB_OK;
    at = not_later(b, at);
    TRY(store_identity_change_get(b->store, user, &before));
    event_id(user, before.changes, was, is, id);
    TRY(put_row(b, user, id, at));
    TRY(store_identity_change_add(b->store, user, at, phone));
    err = news_add(b, user);
out:
    return err;
}

enum wb_err identity_note(struct bridge *b, const struct jid *address,
                          const uint8_t identity[static X25519_KEY_BYTES], int64_t at,
                          bool *ret_changed)
{
    struct jid user = jid_bare(*address);
    uint8_t known[X25519_KEY_BYTES];
    char text[JID_TEXT_MAX], phone[LOG_PHONE_BYTES];
    bool changed = false;
    enum wb_err err = store_identity_get(b->store, address, known);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    changed = err == WB_OK && !secret_eq(known, identity, sizeof known);
    if (changed) {
        log_warn(b->log, "signal", "security code changed: %s device %u",
                 log_phone(phone, jid_text(address, text)), (unsigned)address->device);
        TRY(note_change(b, &user, address->device == 0, known, identity, at));
        /* The new installation does not have the sender keys that the old one was given. */
        TRY(store_skdm_doubt_user(b->store, address));
    }
    if (changed || err == WB_ERR_NOT_FOUND)
        TRY(store_identity_put(b->store, address, identity));
    if (ret_changed)
        *ret_changed = changed;
    err = WB_OK;
out:
    return err;
}

enum wb_err identity_note_reinstalled(struct bridge *b, const struct jid *who, int64_t at,
                                      enum reinstall *ret)
{
    static const uint8_t nothing[X25519_KEY_BYTES];
    uint8_t was[X25519_KEY_BYTES] = {0};
    struct store_identity_change last;
    struct jid user;
    bool any = false;
    enum wb_err err;

    TRY(store_canonical(b->store, who, &user));
    user = jid_bare(user);
    TRY(store_identity_any(b->store, &user, &any));
    if (!any && !jid_eq(&user, who))
        TRY(store_identity_any(b->store, who, &any));
    TRY(store_identity_change_get(b->store, &user, &last));
    at = not_later(b, at);
    *ret = REINSTALL_NEW;
    if (any && last.phone_at > 0 && at <= last.phone_at)
        *ret = REINSTALL_KNOWN;
    else if (any && last.changes > 0 && at <= last.changed_at)
        *ret = REINSTALL_OF_PHONE;
    if (!any || *ret == REINSTALL_KNOWN)
        return WB_OK; /* no key is known of the person: the next one is the first */
    err = store_identity_get(b->store, &user, was);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    err = note_change(b, &user, true, was, nothing, at);
out:
    return err;
}
