#include "bridge/receive/in_message_decrypt.h"

#include "base/secret.h"
#include "bridge/core/context.h"
#include "bridge/people/identity_change.h"
#include "bridge/people/trust.h"
#include "crypto/signal.h"
#include "proto/padding.h"
#include "store/session/account.h"
#include "store/session/devices.h"
#include "store/session/identity_gone.h"
#include "store/session/prekeys.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"
#include "store/session/signed_prekeys.h"

enum { ENC_VERSION = 2 };

/* An error of class PEER is the verdict on the <enc>; any other one is our own failure. */
static enum wb_err verdict(enum wb_err err, enum wb_err *ret_result)
{
    if (err != WB_OK && wb_err_class(err) != WB_CLASS_PEER)
        return err;
    *ret_result = err;
    return WB_OK;
}

/* Our pairs for a pkmsg that sets up a new state; a missing one stays NULL and is reported by the
 * decryption as BAD_KEY_ID. */
struct prekey_pairs {
    struct x25519_pair older, one_time;
    const struct x25519_pair *signed_prekey, *prekey;
};

static enum wb_err load_pairs(struct bridge *b, const struct signal_prekey_header *h,
                              struct prekey_pairs *p)
{
    enum wb_err err = WB_OK;

    *p = (struct prekey_pairs){.signed_prekey = NULL};
    if (h->signed_prekey_id == b->account->keys.signed_prekey_id) {
        p->signed_prekey = &b->account->keys.signed_prekey;
    } else { /* a replaced key, or a new one whose upload the server has not confirmed yet */
        err = store_signed_prekey_get(b->store, h->signed_prekey_id, &p->older);
        if (err == WB_OK)
            p->signed_prekey = &p->older;
        TRY(err == WB_ERR_BAD_KEY_ID ? WB_OK : err);
    }
    if (!h->has_prekey_id)
        return WB_OK;
    err = store_prekey_get(b->store, h->prekey_id, &p->one_time);
    if (err == WB_OK)
        p->prekey = &p->one_time;
out:
    return err == WB_ERR_BAD_KEY_ID ? WB_OK : err;
}

/* This base key set up a session before that our record does not have (any more): the message is a
 * copy, or the sender still uses a session that we lost. A session is never set up twice. */
static enum wb_err refuse_used_base_key(struct bridge *b, const struct signal_prekey_header *h)
{
    bool used = false;
    enum wb_err err = store_base_key_used(b->store, h->signed_prekey_id, h->base_key, &used);

    return err == WB_OK && used ? WB_ERR_BASE_KEY_USED : err;
}

/* The message has proven that its sender owns this identity. A changed identity is taken over, as
 * by all clients; the old session stays archived, so that late messages can be read (P-SG-22,
 * 23). */
static enum wb_err take_identity(struct bridge *b, const struct in_message *m,
                                 const uint8_t identity[static X25519_KEY_BYTES])
{
    enum wb_err err;

    TRY(trust_companion(b, &m->address, identity, m->statement));
    err = identity_note(b, &m->address, identity, m->t, NULL);
out:
    return err;
}

/* Is this the identity of an earlier installation of the device? Then the pkmsg comes late: it is
 * read, but the identity stored now stays. Any other sender of a pkmsg is trusted to be the
 * device. */
static enum wb_err is_late(struct bridge *b, const struct jid *address,
                           const uint8_t identity[static X25519_KEY_BYTES], bool *ret_late)
{
    uint8_t known[X25519_KEY_BYTES];
    enum wb_err err = store_identity_get(b->store, address, known);

    *ret_late = false;
    if (err == WB_OK && secret_eq(known, identity, sizeof known))
        return WB_OK;
    if (err == WB_OK || err == WB_ERR_NOT_FOUND)
        err = store_identity_is_gone(b->store, address, identity, ret_late);
    return err;
}

/* The identity whose states may become current: the stored one; where none is stored, that of the
 * session as it is (NULL: none). */
static enum wb_err trusted_identity(struct bridge *b, const struct jid *address,
                                    const struct signal_session *s,
                                    uint8_t buffer[static X25519_KEY_BYTES],
                                    const uint8_t **ret_trusted)
{
    enum wb_err err = store_identity_get(b->store, address, buffer);

    if (err == WB_OK)
        *ret_trusted = buffer;
    else if (err == WB_ERR_NOT_FOUND)
        *ret_trusted = s->current ? s->current->remote_identity : NULL;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* *session: the loaded session; when NULL, a fresh one is made, which the caller frees. */
static enum wb_err decrypt_prekey(struct bridge *b, const struct in_message *m, struct span bytes,
                                  struct signal_session **session, struct buf *plain)
{
    struct signal_local local = {b->account->keys.identity, b->account->keys.registration_id};
    struct prekey_pairs pairs = {.signed_prekey = NULL};
    struct signal_prekey_header h;
    uint8_t stored[X25519_KEY_BYTES];
    const uint8_t *trusted = NULL;
    bool used = false, late = false, known;
    enum wb_err err;

    TRY(signal_prekey_header_parse(bytes, &h));
    TRY(trust_own(b, &m->sender, &m->address, h.identity));
    if (!*session && !(*session = signal_session_new())) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    known = signal_session_has_base_key(*session, h.base_key);
    if (known) {
        TRY(trusted_identity(b, &m->address, *session, stored, &trusted));
    } else {
        TRY(refuse_used_base_key(b, &h));
        TRY(load_pairs(b, &h, &pairs));
        TRY(is_late(b, &m->address, h.identity, &late));
        trusted = late ? NULL : h.identity;
    }
    TRY(signal_decrypt_prekey(*session, &local, &h, trusted, pairs.signed_prekey, pairs.prekey,
                              b->rng, plain, &used));
    if (late)
        log_info(b->log, "message", "%.*s is from an installation that has been replaced",
                 (int)m->id.n, (const char *)m->id.p);
    else if (!known)
        TRY(take_identity(b, m, h.identity));
    if (!known)
        TRY(store_base_key_put(b->store, h.signed_prekey_id, h.base_key));
    if (used)
        TRY(store_prekey_delete(b->store, h.prekey_id));
out:
    secret_wipe(&pairs, sizeof pairs);
    secret_wipe(&local, sizeof local);
    return err;
}

static enum wb_err decrypt_known(struct bridge *b, const struct in_message *m,
                                 struct signal_session *session, struct span bytes,
                                 struct buf *plain)
{
    uint8_t stored[X25519_KEY_BYTES];
    const uint8_t *trusted = NULL;
    enum wb_err err = WB_OK;

    if (session->narchived > 0) /* else there is nothing that could become current */
        TRY(trusted_identity(b, &m->address, session, stored, &trusted));
    err = signal_decrypt(session, bytes, trusted, b->rng, plain);
out:
    return err;
}

static enum wb_err decrypt_pairwise(struct bridge *b, const struct in_message *m,
                                    const struct in_enc *e, struct buf *plain)
{
    struct signal_session *session = NULL, *moved;
    bool unreadable = false;
    enum wb_err err = store_session_load(b->store, &m->address, &session, &unreadable);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    if (unreadable)
        log_warn(b->log, "message", "a session record cannot be read; a new session is asked for");
    if (e->type == IN_ENC_PKMSG)
        err = decrypt_prekey(b, m, e->bytes, &session, plain);
    else
        err = session ? decrypt_known(b, m, session, e->bytes, plain) : WB_ERR_NO_SESSION;
    if (err == WB_OK) {
        moved = session;
        session = NULL;
        err = store_session_save(b->store, &m->address, moved);
    }
    signal_session_free(session);
    return err;
}

static enum wb_err decrypt_group(struct bridge *b, const struct in_message *m,
                                 const struct in_enc *e, struct buf *plain)
{
    struct sender_key_record *record;
    enum wb_err err = store_sender_key_load(b->store, &m->chat, &m->address, &record);

    if (err == WB_ERR_NOT_FOUND)
        return WB_ERR_NO_SENDER_KEY;
    if (err != WB_OK)
        return err;
    err = sender_key_decrypt(record, e->bytes, plain);
    if (err != WB_OK) {
        sender_key_record_free(record);
        return err;
    }
    return store_sender_key_save(b->store, &m->chat, &m->address, record);
}

enum wb_err in_message_decrypt(struct bridge *b, const struct in_message *m, const struct in_enc *e,
                               struct buf *plain, struct span *ret_content, enum wb_err *ret_result)
{
    enum wb_err err;

    buf_clear(plain);
    if (e->version != ENC_VERSION) {
        *ret_result = WB_ERR_VERSION;
        return WB_OK;
    }
    if (e->type == IN_ENC_SKMSG)
        err = decrypt_group(b, m, e, plain);
    else
        err = decrypt_pairwise(b, m, e, plain);
    if (err == WB_OK)
        err = padding_strip(buf_span(plain), ret_content);
    return verdict(err, ret_result);
}

enum wb_err in_message_decrypt_sender_key(struct bridge *b, const struct in_message *m,
                                          struct span skdm, enum wb_err *ret_result)
{
    struct sender_key_record *record = NULL;
    enum wb_err err = store_sender_key_load(b->store, &m->chat, &m->address, &record);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    if (!record && !(record = sender_key_record_new()))
        return WB_ERR_NOMEM;
    err = sender_key_process_distribution(record, skdm);
    if (err == WB_OK)
        return verdict(store_sender_key_save(b->store, &m->chat, &m->address, record), ret_result);
    sender_key_record_free(record);
    return verdict(err, ret_result);
}

static void hash_as(const struct in_message *m, const struct in_enc *e,
                    const struct jid *sender_jid, uint8_t ret_hash[static SHA256_BYTES])
{
    static const uint8_t zeros[2];
    char chat[JID_TEXT_MAX], sender[JID_TEXT_MAX];
    const struct span zero = SPAN(zeros, 1);
    struct span parts[8];
    size_t n = 0;

    parts[n++] = e->bytes;
    parts[n++] = zero;
    parts[n++] = e->type == IN_ENC_SKMSG   ? SPAN_LIT("senderkey")
                 : e->type == IN_ENC_PKMSG ? SPAN_LIT("prekey")
                                           : SPAN_LIT("normal");
    parts[n++] = zero;
    if (e->type == IN_ENC_SKMSG) {
        parts[n++] = span_cstr(jid_text(&m->chat, chat));
        parts[n++] = zero;
    }
    parts[n++] = span_cstr(jid_text(sender_jid, sender));
    parts[n++] = SPAN_ARRAY(zeros);
    sha256_v(parts, n, ret_hash);
}

void in_message_decrypt_enc_hash(const struct in_message *m, const struct in_enc *e,
                                 uint8_t ret_hash[static SHA256_BYTES])
{
    hash_as(m, e, &m->address, ret_hash);
}

/* WB_OK: there is a row. *ret_content: its plaintext without padding; SPAN_NULL if none or
 * broken. */
static enum wb_err look_up(struct bridge *b, struct arena *a,
                           const uint8_t hash[static SHA256_BYTES], struct span *ret_content)
{
    struct span padded, content;
    enum wb_err err = store_event_get(b->store, hash, a, &padded);

    if (err != WB_OK)
        return err;
    *ret_content =
        !span_is_null(padded) && padding_strip(padded, &content) == WB_OK ? content : SPAN_NULL;
    return WB_OK;
}

enum wb_err in_message_decrypt_buffered(struct bridge *b, struct arena *a,
                                        const struct in_message *m, const struct in_enc *e,
                                        uint8_t ret_hash[static SHA256_BYTES],
                                        struct span *ret_content)
{
    /* The hash holds the form of the sender that was known then; all three are tried. */
    const struct jid *forms[] = {&m->address, &m->sender, &m->sender_alt};
    enum wb_err err = WB_ERR_NOT_FOUND;

    for (size_t i = 0; i < sizeof forms / sizeof forms[0] && err == WB_ERR_NOT_FOUND; i++) {
        if (jid_is_none(forms[i]))
            continue;
        hash_as(m, e, forms[i], ret_hash);
        err = look_up(b, a, ret_hash, ret_content);
    }
    if (err == WB_ERR_NOT_FOUND) { /* whatsmeow builds of 2025 hash only the bytes */
        sha256(e->bytes, ret_hash);
        err = look_up(b, a, ret_hash, ret_content);
    }
    return err;
}
