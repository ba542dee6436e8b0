#include "crypto/msg_secret.h"

#include "base/secret.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"

/* An id, two addresses, the use: a longer text cannot be made of real ids and addresses. */
enum { INFO_MAX = 1024 };

static const char *const use_words[MSG_SECRET_USES] = {
    [MSG_SECRET_MESSAGE_EDIT] = "Message Edit",
    [MSG_SECRET_EVENT_EDIT] = "Event Edit",
    [MSG_SECRET_POLL_EDIT] = "Poll Edit",
    [MSG_SECRET_POLL_ADD_OPTION] = "Poll Add Option",
    [MSG_SECRET_REACTION] = "Enc Reaction",
    [MSG_SECRET_COMMENT] = "Enc Comment",
    [MSG_SECRET_POLL_VOTE] = "Poll Vote",
    [MSG_SECRET_EVENT_RESPONSE] = "Event Response",
    [MSG_SECRET_BOT_MESSAGE] = "", /* the word for bots makes the first of its two keys */
};

static enum wb_err derive(const struct msg_secret *m, uint8_t key[static AES_KEY_BYTES])
{
    struct buf info = buf_new(INFO_MAX);
    uint8_t ikm[MSG_SECRET_BYTES];
    enum wb_err err;

    memcpy(ikm, m->secret, sizeof ikm);
    if (m->use == MSG_SECRET_BOT_MESSAGE)
        hkdf_sha256(SPAN(m->secret, MSG_SECRET_BYTES), SPAN_NULL, SPAN_LIT("Bot Message"), ikm,
                    sizeof ikm);
    buf_append(&info, m->id);
    buf_append(&info, m->author);
    buf_append(&info, m->sender);
    buf_append_cstr(&info, use_words[m->use]);
    TRY(buf_err(&info));
    hkdf_sha256(SPAN_ARRAY(ikm), SPAN_NULL, buf_span(&info), key, AES_KEY_BYTES);
out:
    secret_wipe(ikm, sizeof ikm);
    buf_free(&info);
    return err;
}

static void put_aad(const struct msg_secret *m, struct buf *aad)
{
    if (m->use != MSG_SECRET_POLL_VOTE && m->use != MSG_SECRET_EVENT_RESPONSE &&
        m->use != MSG_SECRET_BOT_MESSAGE)
        return;
    buf_append(aad, m->id);
    buf_u8(aad, 0);
    buf_append(aad, m->sender);
}

static enum wb_err crypt(const struct msg_secret *m, struct span iv, struct span in, bool open,
                         struct buf *out)
{
    struct buf aad = buf_new(INFO_MAX);
    uint8_t key[AES_KEY_BYTES];
    enum wb_err err = iv.n == GCM_IV_BYTES ? WB_OK : WB_ERR_MALFORMED;

    TRY(err);
    TRY(derive(m, key));
    put_aad(m, &aad);
    TRY(buf_err(&aad));
    err = open ? aes_gcm_open(key, iv.p, buf_span(&aad), in, out)
               : aes_gcm_seal(key, iv.p, buf_span(&aad), in, out);
out:
    secret_wipe(key, sizeof key);
    buf_free(&aad);
    return err;
}

enum wb_err msg_secret_open(const struct msg_secret *m, struct span iv, struct span sealed,
                            struct buf *out)
{
    return crypt(m, iv, sealed, true, out);
}

enum wb_err msg_secret_seal(const struct msg_secret *m, struct span iv, struct span plain,
                            struct buf *out)
{
    return crypt(m, iv, plain, false, out);
}
