#include "bridge/people/lid_refresh.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/people/identity.h"
#include "bridge/people/usync.h"
#include "store/session/lid_map.h"
#include "store/session/tokens.h"

enum { LID_REFRESH_ARENA_MAX = 1 << 20 };

/* Who was asked about lately. */
struct lid_refresh {
    struct {
        struct jid pn; /* JID_NONE: free */
        int64_t at_ms; /* monotonic */
    } asked[LID_REFRESH_SLOTS];
    size_t next;
};

enum wb_err lid_refresh_new(struct lid_refresh **ret_r)
{
    struct lid_refresh *r = calloc(1, sizeof *r);

    if (!r)
        return WB_ERR_NOMEM;
    *ret_r = r;
    return WB_OK;
}

void lid_refresh_free(struct lid_refresh *r)
{
    free(r);
}

/* A question's key is its slot number, counted from 1. */
static const struct jid *slot_jid(const struct bridge *b, uint64_t key)
{
    return &b->lid_refresh->asked[key - 1].pn;
}

static enum wb_err take_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct usync_answer ans;
    enum wb_err err;

    TRY(usync_read(b, USYNC_INFO, reply, &ans));
    for (size_t i = 0; i < ans.n; i++) {
        if (!jid_eq(&ans.users[i].jid, slot_jid(b, key)))
            continue; /* nobody asked for this LID, or another person has the slot by now */
        err = identity_learn(b, &ans.users[i].lid, &ans.users[i].pn);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
    }
    err = ans.err;
out:
    return err;
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    enum wb_err err = usync_failure(reply);

    if (err == WB_OK)
        err = take_answer(b, key, reply);
    if (err == WB_OK)
        return;
    log_debug(b->log, "lid", "a LID that is out of date could not be asked for: %s (%u)",
              wb_err_text(err), reply->code);
    b->lid_refresh->asked[key - 1].pn = (struct jid){0};
}

/* The token that a contact gave us proves that we may ask (P-US-03). */
static enum wb_err ask(struct bridge *b, const struct jid *pn, uint64_t key)
{
    struct arena a = arena_new(LID_REFRESH_ARENA_MAX);
    struct buf bytes = buf_new(STORE_TOKEN_MAX);
    struct span token = SPAN_NULL;
    char sid[IQ_ID_MAX];
    enum wb_err err = store_token_get(b->store, pn, bridge_server_now_s(b), &bytes);

    if (err == WB_OK)
        token = buf_span(&bytes);
    else if (err != WB_ERR_NOT_FOUND)
        goto out;
    iq_new_id(&b->iq, sid);
    err = iq_send(&b->iq, &a, usync_new(&a, USYNC_INFO, sid, pn, &token, 1), 0, on_answer, key);
out:
    buf_free(&bytes);
    arena_free(&a);
    return err;
}

/* The key of a free slot, 0: this person was asked about just now. */
static uint64_t take_slot(struct lid_refresh *r, const struct jid *pn, int64_t now_ms)
{
    size_t at;

    for (size_t i = 0; i < LID_REFRESH_SLOTS; i++)
        if (jid_eq(&r->asked[i].pn, pn) && now_ms - r->asked[i].at_ms < LID_REFRESH_MS)
            return 0;
    at = r->next++ % LID_REFRESH_SLOTS;
    r->asked[at].pn = *pn;
    r->asked[at].at_ms = now_ms;
    return at + 1;
}

enum wb_err lid_refresh(struct bridge *b, const struct jid *from)
{
    struct jid pn = jid_bare(jid_unhosted(*from));
    uint64_t key;
    enum wb_err err;

    if (pn.server == JID_LID) {
        err = store_pn_of_lid(b->store, &pn, &pn);
        if (err == WB_ERR_NOT_FOUND)
            return WB_OK;
        TRY(err);
    }
    if (pn.server != JID_PN || !pn.user[0])
        return WB_OK;
    key = take_slot(b->lid_refresh, &pn, clock_mono_ms(b->clock));
    if (key == 0)
        return WB_OK;
    log_info(b->log, "lid", "WhatsApp says that a LID is out of date; it is asked for again");
    err = ask(b, &pn, key);
    if (err == WB_ERR_STATE || err == WB_ERR_NET || err == WB_ERR_RATE_LIMITED) {
        b->lid_refresh->asked[key - 1].pn = (struct jid){0}; /* the next ack repeats refresh_lid */
        err = WB_OK;
    }
out:
    return err;
}
