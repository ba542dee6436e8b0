#include "tools/mock/people/phone_past.h"

#include <zlib.h>

#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/people/phone.h"
#include "tools/mock/service/media.h"

enum { SYNC_BOOTSTRAP = 0, SYNC_RECENT = 3, PART_MAX = 512 << 20, MAPPING_BYTES = 512 };

static struct token *given_by(struct mock_account *giver, const struct mock_account *to)
{
    for (struct token *t = giver->tokens; t != NULL; t = t->next)
        if (t->peer == to)
            return t;
    return NULL;
}

/* Writes HistorySyncMsg{1 WebMessageInfo{1 key{1 chat, 2 from me, 3 id}, 2 Message{1 text}, 3
 * time}}, with texts that do not deflate to nothing. */
static void put_messages(struct mock *m, struct buf *chat, const char *jid, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct buf key = buf_new(256), text = buf_new(512), msg = buf_new(1024);
        struct buf web = buf_new(2048), item = buf_new(2048);
        uint8_t noise[48];

        rng_fill(&m->rng, noise, sizeof noise);
        pb_put_text(&key, 1, jid);
        pb_put_u64(&key, 2, i % 2);
        buf_printf(&text, "3EB0%08X", i);
        pb_put_bytes(&key, 3, buf_span(&text));
        buf_clear(&text);
        buf_printf(&text, "old message %u ", i);
        for (size_t k = 0; k < sizeof noise; k++)
            buf_printf(&text, "%02x ", noise[k]);
        pb_put_bytes(&msg, 1, buf_span(&text));
        pb_put_bytes(&web, 1, buf_span(&key));
        pb_put_bytes(&web, 2, buf_span(&msg));
        pb_put_u64(&web, 3, mock_now_s(m) - i - 60);
        pb_put_bytes(&item, 1, buf_span(&web));
        pb_put_bytes(chat, 2, buf_span(&item));
        buf_free(&key);
        buf_free(&text);
        buf_free(&msg);
        buf_free(&web);
        buf_free(&item);
    }
}

/* Writes a chat with a contact. If the contact gave a token, it stands behind the messages, in the
 * order of the field numbers. */
static void put_contact(struct mock *m, const struct mock_account *me, struct mock_account *a,
                        struct buf *out)
{
    const struct token *t = given_by(a, me);
    const struct phone_past *past = &me->past;
    char pn[JID_TEXT_MAX], lid[JID_TEXT_MAX];
    struct buf chat = buf_new(PART_MAX);

    (void)jid_text(&a->pn, pn);
    (void)jid_text(&a->lid, lid);
    pb_put_text(&chat, 1, past->by_number ? pn : lid);
    put_messages(m, &chat, past->by_number ? pn : lid, past->messages);
    pb_put_u64(&chat, 12, mock_now_s(m) - 60);
    if (t) {
        pb_put_bytes(&chat, 21, SPAN_ARRAY(t->bytes));
        pb_put_u64(&chat, 22, t->t);
        pb_put_u64(&chat, 28, t->t);
    }
    pb_put_text(&chat, 39, pn);
    pb_put_text(&chat, 42, lid);
    pb_put_bytes(out, 2, buf_span(&chat));
    buf_free(&chat);
}

/* Writes a chat with a person whom the world does not know: nobody writes to such people. */
static void put_stranger(struct mock *m, const struct phone_past *past, unsigned i, struct buf *out)
{
    struct buf chat = buf_new(PART_MAX), pair = buf_new(MAPPING_BYTES);
    char pn[JID_TEXT_MAX], lid[JID_TEXT_MAX];
    uint8_t token[16];

    rng_fill(&m->rng, token, sizeof token);
    (void)snprintf(pn, sizeof pn, "2783%07u@s.whatsapp.net", i);
    (void)snprintf(lid, sizeof lid, "9000000%07u@lid", i);
    pb_put_text(&chat, 1, lid);
    put_messages(m, &chat, lid, past->messages);
    pb_put_bytes(&chat, 21, SPAN_ARRAY(token));
    pb_put_u64(&chat, 22, mock_now_s(m) - 3600);
    pb_put_bytes(out, 2, buf_span(&chat));
    pb_put_text(&pair, 1, pn);
    pb_put_text(&pair, 2, lid);
    pb_put_bytes(out, 15, buf_span(&pair));
    buf_free(&chat);
    buf_free(&pair);
}

static void part(struct mock *m, struct mock_account *me, unsigned nr, struct buf *out)
{
    const struct phone_past *past = &me->past;
    struct world *w = &m->world;
    uint8_t salt[PRIVACY_SALT_BYTES];

    pb_put_u64(out, 1, nr == 0 ? SYNC_BOOTSTRAP : SYNC_RECENT);
    for (size_t i = 0; i < w->naccounts; i++)
        if (w->accounts[i]->contact && i % past->parts == nr)
            put_contact(m, me, w->accounts[i], out);
    pb_put_u64(out, 5, nr + 1);
    pb_put_u64(out, 6, (nr + 1) * 100 / past->parts);
    for (unsigned i = nr; i < past->chats; i += past->parts)
        put_stranger(m, past, i, out);
    if (nr == 0 && past->salt) {
        privacy_salt(me, salt);
        pb_put_bytes(out, 19, SPAN_ARRAY(salt));
    }
}

static bool deflate_all(struct span in, struct buf *out)
{
    uLongf n = compressBound((uLong)in.n);
    uint8_t *to = buf_extend(out, n);
    if (!to || compress2(to, &n, in.p, (uLong)in.n, Z_BEST_SPEED) != Z_OK)
        return false;
    out->n = n;
    return true;
}

/* Remembers the file's key, and removes the file from the host again if a test wants it lost. */
static void laid(struct mock *m, struct mock_account *me, unsigned nr, const struct buf *note)
{
    struct phone_past *past = &me->past;
    struct span key = pb_bytes(buf_span(note), 3), path = pb_bytes(buf_span(note), 5);
    size_t at = past->nlaid++ % (sizeof past->laid / sizeof past->laid[0]);
    char text[128];

    if (key.n != sizeof past->laid[0].key || path.n >= sizeof text)
        return;
    memcpy(past->laid[at].key, key.p, key.n);
    past->laid[at].part = nr;
    (void)snprintf(text, sizeof text, "%.*s", (int)path.n, (const char *)path.p);
    text[strcspn(text, "?")] = '\0';
    if (past->lost && nr == 0)
        media_drop(m, strrchr(text, '/') + 1);
}

static void send_part(struct mock *m, struct device *d, unsigned nr)
{
    struct mock_account *me = d->account;
    struct buf history = buf_new(PART_MAX), packed = buf_new(PART_MAX), note = buf_new(PART_MAX);

    part(m, me, nr, &history);
    bool ok = deflate_all(buf_span(&history), &packed);
    if (ok && me->past.broken && nr == 0)
        packed.n /= 2;
    if (ok && me->past.files) {
        ok = phone_put_file(m, buf_span(&packed), &note);
        if (ok)
            laid(m, me, nr, &note);
    }
    pb_put_u64(&note, 6, nr == 0 ? SYNC_BOOTSTRAP : SYNC_RECENT);
    pb_put_u64(&note, 7, nr + 1);
    pb_put_u64(&note, 9, (nr + 1) * 100 / me->past.parts);
    if (!me->past.files)
        pb_put_bytes(&note, 11, buf_span(&packed));
    if (ok)
        phone_send_note(m, me->devices[0], d, &note);
    buf_free(&history);
    buf_free(&packed);
    buf_free(&note);
}

void phone_past_send(struct mock *m, struct device *d)
{
    memset(d->account->past.asked, 0, sizeof d->account->past.asked);
    for (unsigned nr = 0; nr < d->account->past.parts; nr++)
        send_part(m, d, nr);
}

bool phone_past_file_missing(struct mock *m, struct device *d, const char *label,
                             const struct node *receipt)
{
    struct phone_past *past = &d->account->past;
    const struct node *encrypt = node_child(receipt, "encrypt");
    struct span sealed = node_content_bytes(node_child(encrypt, "enc_p"));
    struct span iv = node_content_bytes(node_child(encrypt, "enc_iv"));
    const size_t room = sizeof past->laid / sizeof past->laid[0];
    const char *id = mock_attr(m, receipt, "id");
    uint8_t key[AES_KEY_BYTES];

    for (size_t i = 0; iv.n == GCM_IV_BYTES && i < past->nlaid && i < room; i++) {
        struct buf plain = buf_new(1024);

        hkdf_sha256(SPAN_ARRAY(past->laid[i].key), SPAN_NULL,
                    SPAN_LIT("WhatsApp Media Retry Notification"), key, sizeof key);
        bool good = aes_gcm_open(key, iv.p, span_cstr(id), sealed, &plain) == WB_OK &&
                    span_eq_cstr(pb_bytes(buf_span(&plain), 1), id);
        buf_free(&plain);
        if (good) {
            const unsigned nr = past->laid[i].part;

            if (past->asked[nr])
                mock_flag(m, label, "history-asked-again", receipt, "part %u", nr);
            past->asked[nr] = true;
            past->lost = false;
            send_part(m, d, nr);
            return true;
        }
    }
    return false;
}
