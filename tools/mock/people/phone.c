#include "tools/mock/people/phone.h"

#include <zlib.h>

#include "tools/mock/core/pb.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/people/phone_past.h"
#include "tools/mock/people/phone_state.h"
#include "tools/mock/service/names.h"

enum { SYNC_PUSH_NAME = 4 };
enum { HISTORY_MAX = 4 << 20 };

static void put_message(struct buf *out, uint32_t number, const struct buf *in)
{
    pb_put_bytes(out, number, buf_span(in));
}

static void put_name(struct buf *out, const struct jid *who, const char *text)
{
    struct buf name = buf_new(512);
    char jid[JID_TEXT_MAX];

    pb_put_text(&name, 1, jid_text(who, jid));
    pb_put_text(&name, 2, text);
    put_message(out, 7, &name);
    buf_free(&name);
}

/* Writes the names: HistorySync{1 type, 7 pushnames{1 id, 2 name}, 15 mappings{1 pn, 2 lid}, 19
 * salt}. */
static void names(const struct mock *m, const struct mock_account *me, struct buf *out)
{
    pb_put_u64(out, 1, SYNC_PUSH_NAME);
    names_put_salt(me, out);
    if (!me->past.nameless)
        put_name(out, &me->pn, me->name);
    for (size_t i = 0; i < m->world.naccounts; i++) {
        const struct mock_account *a = m->world.accounts[i];
        char pn[JID_TEXT_MAX], lid[JID_TEXT_MAX];
        struct buf pair = buf_new(512);

        if (!a->contact)
            continue;
        put_name(out, &a->pn, a->name);
        pb_put_text(&pair, 1, jid_text(&a->pn, pn));
        pb_put_text(&pair, 2, jid_text(&a->lid, lid));
        put_message(out, 15, &pair);
        buf_free(&pair);
    }
}

void phone_send_names(struct mock *m, struct device *d)
{
    struct buf history = buf_new(HISTORY_MAX), packed = buf_new(HISTORY_MAX);
    struct buf note = buf_new(HISTORY_MAX);

    names(m, d->account, &history);
    uLongf n = compressBound((uLong)history.n);
    uint8_t *to = buf_extend(&packed, n);
    if (to && compress(to, &n, history.p, (uLong)history.n) == Z_OK) {
        packed.n = n;
        pb_put_u64(&note, 6, SYNC_PUSH_NAME);
        pb_put_u64(&note, 7, 1);
        pb_put_u64(&note, 9, 100);
        put_message(&note, 11, &packed);
        phone_send_note(m, d->account->devices[0], d, &note);
    }
    buf_free(&history);
    buf_free(&packed);
    buf_free(&note);
}

void phone_greet(struct mock *m, struct device *d)
{
    if (d->greeted || world_is_played(d) || !world_is_played(d->account->devices[0]))
        return;
    d->greeted = true;
    phone_state_share(m, d);
    phone_past_send(m, d);
    phone_send_names(m, d);
}
