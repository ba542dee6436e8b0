#include "bridge/history/history_facts.h"

#include <string.h>

#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "bridge/core/peer_time.h"
#include "bridge/history/limits.h"
#include "bridge/people/identity.h"
#include "bridge/receive/in_message.h"
#include "proto/history_scan.h"
#include "store/messages/contacts.h"
#include "store/session/account.h"
#include "store/session/acquaintances.h"
#include "store/session/lid_map.h"
#include "store/session/tokens.h"

/* In the buffer: a byte that says whether some were left out, then facts, each as a head and its
 * texts. It never leaves the process. */
struct head {
    uint64_t t, sender_t;
    uint16_t jid, pn, lid, bytes; /* lengths */
    uint16_t kind;
};
_Static_assert(HISTORY_SCAN_TEXT_MAX <= UINT16_MAX, "a length fits");

/* ---- on a worker ---- */

static void keep(void *ctx, const struct history_fact *f)
{
    struct buf *out = ctx;
    const struct head h = {f->t,
                           f->sender_t,
                           (uint16_t)f->jid.n,
                           (uint16_t)f->pn.n,
                           (uint16_t)f->lid.n,
                           (uint16_t)f->bytes.n,
                           (uint16_t)f->kind};
    const size_t size = sizeof h + f->jid.n + f->pn.n + f->lid.n + f->bytes.n;

    if (!out->n)
        return; /* no memory for the fact: reported at the end */
    if (size > out->max - out->n) {
        out->p[0] = 1;
        return;
    }
    buf_append(out, SPAN(&h, sizeof h));
    buf_append(out, f->jid);
    buf_append(out, f->pn);
    buf_append(out, f->lid);
    buf_append(out, f->bytes);
}

enum wb_err history_facts_read(struct span packed, struct buf *out)
{
    enum wb_err err;

    buf_u8(out, 0);
    TRY(history_scan_packed(packed, HISTORY_OFFERED_INFLATED_MAX, keep, out));
    err = buf_err(out);
out:
    return err;
}

bool history_facts_cut(struct span facts)
{
    return facts.n > 0 && facts.p[0] != 0;
}

/* ---- on the loop ---- */

static struct span take(struct span *rest, size_t n)
{
    struct span part = span_first(*rest, n);

    *rest = span_skip(*rest, part.n);
    return part;
}

/* Reads the fact at *at and moves *at behind it; false at the end. */
static bool next_fact(struct span facts, size_t *at, struct history_fact *ret)
{
    struct span rest = span_skip(facts, *at ? *at : 1);
    struct head h;

    if (rest.n < sizeof h)
        return false;
    memcpy(&h, take(&rest, sizeof h).p, sizeof h);
    ret->kind = (enum history_fact_kind)h.kind;
    ret->t = h.t;
    ret->sender_t = h.sender_t;
    ret->jid = take(&rest, h.jid);
    ret->pn = take(&rest, h.pn);
    ret->lid = take(&rest, h.lid);
    ret->bytes = take(&rest, h.bytes);
    *at = facts.n - rest.n;
    return true;
}

/* A person's bare JID; phones also write the old server name of numbers, c.us. */
static bool person(struct span text, struct jid *ret)
{
    if (jid_parse(text, ret) != WB_OK || !ret->user[0])
        return false;
    *ret = jid_bare(jid_unhosted(*ret));
    return jid_is_person(ret);
}

/* The phone's list may be older than what we have learned since: only what is new to us counts. */
static enum wb_err learn_pair(struct bridge *b, struct span one, struct span other,
                              struct history_facts_at *at)
{
    struct jid pn, lid, known;
    enum wb_err err;

    if (!person(one, &pn) || !person(other, &lid))
        return WB_OK;
    if (pn.server == JID_LID) {
        struct jid swap = pn;

        pn = lid;
        lid = swap;
    }
    if (pn.server != JID_PN || lid.server != JID_LID)
        return WB_OK;
    err = store_lid_of_pn(b->store, &pn, &known);
    if (err == WB_ERR_NOT_FOUND)
        err = store_pn_of_lid(b->store, &lid, &known);
    if (err != WB_ERR_NOT_FOUND)
        return err;
    TRY(identity_learn(b, &lid, &pn));
    at->pairs++;
out:
    return err;
}

static enum wb_err learn_address(struct bridge *b, const struct history_fact *f,
                                 struct history_facts_at *at)
{
    enum wb_err err = WB_OK;

    if (f->kind != HISTORY_FACT_CHAT && f->kind != HISTORY_FACT_PAIR)
        return WB_OK;
    TRY(learn_pair(b, f->pn, f->lid, at));
    if (f->kind == HISTORY_FACT_CHAT) {
        TRY(learn_pair(b, f->jid, f->lid, at));
        TRY(learn_pair(b, f->jid, f->pn, at));
    }
out:
    return err;
}

/* Names and tokens are kept under the LID where it is known, like those that come with messages. */
static enum wb_err keeper(struct bridge *b, struct jid *who)
{
    struct jid lid;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (who->server == JID_PN)
        err = store_lid_of_pn(b->store, who, &lid);
    if (err == WB_OK)
        *who = lid;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* The token that this person gave us, and the time when we gave them ours: neither replaces a newer
 * one (P-SD-28). A token without a time does not count (P-HI-11). */
static enum wb_err learn_token(struct bridge *b, const struct history_fact *f,
                               struct history_facts_at *at)
{
    const int64_t now = bridge_server_now_s(b);
    const int64_t issued = peer_time_s(b, f->sender_t, 0);
    struct jid who;
    int64_t known = 0;
    enum wb_err err;

    if (!f->bytes.n || f->bytes.n > STORE_TOKEN_MAX || !f->t || !person(f->jid, &who))
        return WB_OK;
    TRY(keeper(b, &who));
    TRY(store_token_put(b->store, &who, f->bytes,
                        peer_time_s(b, f->t, f->t > (uint64_t)now ? now : 0)));
    at->tokens++;
    TRY(store_token_issued_get(b->store, &who, &known));
    if (issued > known)
        err = store_token_issued_put(b->store, &who, issued);
out:
    return err;
}

/* Our phone has a chat with this person: a message to them is no first contact
 * (first_contact.c). */
static enum wb_err learn_chat(struct bridge *b, const struct history_fact *f)
{
    struct jid who;
    enum wb_err err = WB_OK;

    if (!person(f->jid, &who) || bridge_is_self(b, &who))
        return WB_OK;
    TRY(keeper(b, &who));
    err = store_acquaintance_put(b->store, &who);
out:
    return err;
}

static enum wb_err learn_name(struct bridge *b, const struct history_fact *f,
                              struct history_facts_at *at)
{
    struct jid who;
    enum wb_err err = WB_OK;

    if (span_eq_cstr(f->bytes, "-") || !person(f->jid, &who))
        return WB_OK;
    if (bridge_is_self(b, &who)) {
        TRY(own_name_learned(b, f->bytes, OWN_NAME_HISTORY));
    } else {
        TRY(keeper(b, &who));
        TRY(store_contact_push_name(b->store, &who, f->bytes, NULL));
        at->names++;
    }
out:
    return err;
}

/* App state has the newer salt: the history's salt is stored only when there is none. */
static enum wb_err learn_salt(struct bridge *b, struct span salt)
{
    struct buf known = buf_new(STORE_TOKEN_MAX);
    enum wb_err err;

    if (!salt.n || salt.n > STORE_TOKEN_MAX)
        return WB_OK;
    err = store_nct_salt_get(b->store, &known);
    if (err == WB_ERR_NOT_FOUND || (err == WB_OK && !known.n))
        err = store_nct_salt_put(b->store, salt);
    buf_free(&known);
    return err;
}

static enum wb_err learn(struct bridge *b, const struct history_fact *f,
                         struct history_facts_at *at)
{
    enum wb_err err;

    switch (f->kind) {
    case HISTORY_FACT_CHAT:
        err = learn_chat(b, f);
        return err == WB_OK ? learn_token(b, f, at) : err;
    case HISTORY_FACT_NAME:
        return learn_name(b, f, at);
    case HISTORY_FACT_SALT:
        return learn_salt(b, f->bytes);
    case HISTORY_FACT_MIGRATED:
        return store_account_lid_migration(b->store, peer_time_s(b, f->t, bridge_server_now_s(b)));
    case HISTORY_FACT_PAIR:
        break;
    }
    return WB_OK;
}

enum wb_err history_facts_apply(struct bridge *b, struct span facts, struct history_facts_at *at,
                                bool *ret_more)
{
    const int64_t begun = clock_mono_ms(b->clock);
    struct history_fact f;
    enum wb_err err = WB_OK;

    for (unsigned n = 0; n < HISTORY_SLICE_FACTS; n++) {
        if (clock_mono_ms(b->clock) - begun >= HISTORY_SLICE_MS)
            break;
        if (!next_fact(facts, &at->offset, &f)) {
            if (at->second) {
                in_message_state_names_changed(b);
                *ret_more = false;
                return WB_OK;
            }
            at->second = true;
            at->offset = 0;
            continue;
        }
        TRY(at->second ? learn(b, &f, at) : learn_address(b, &f, at));
    }
    *ret_more = true;
out:
    return err;
}
