/* lsc_provider.c - the oracle's cryptography (OpenSSL) and its calls. */
#include "lsc_provider.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include <signal/curve.h>
#include <signal/group_cipher.h>
#include <signal/group_session_builder.h>
#include <signal/protocol.h>
#include <signal/sender_key_record.h>
#include <signal/session_builder.h>
#include <signal/session_cipher.h>
#include <signal/session_pre_key.h>

#include "lsc_store.h"

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if (!(expr)) {                                                                             \
            fprintf(stderr, "%s:%d: oracle: %s\n", __FILE__, __LINE__, #expr);                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const signal_protocol_address peer_address = {"peer", 4, 1};

/* ---- crypto provider ---- */

static int random_bytes(uint8_t *data, size_t n, void *user)
{
    struct lsc *l = user;

    rng_fill(&l->rng, data, n);
    return 0;
}

static int hmac_init(void **ret, const uint8_t *key, size_t n, void *user)
{
    HMAC_CTX *c = HMAC_CTX_new();

    (void)user;
    MUST(c && HMAC_Init_ex(c, key, (int)n, EVP_sha256(), NULL) == 1);
    *ret = c;
    return 0;
}

static int hmac_update(void *c, const uint8_t *data, size_t n, void *user)
{
    (void)user;
    MUST(HMAC_Update(c, data, n) == 1);
    return 0;
}

static int hmac_final(void *c, signal_buffer **ret, void *user)
{
    uint8_t out[32];
    unsigned n = 0;

    (void)user;
    MUST(HMAC_Final(c, out, &n) == 1 && n == sizeof out);
    *ret = signal_buffer_create(out, sizeof out);
    return *ret ? 0 : SG_ERR_NOMEM;
}

static void hmac_cleanup(void *c, void *user)
{
    (void)user;
    HMAC_CTX_free(c);
}

static int sha512_init(void **ret, void *user)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    (void)user;
    MUST(c && EVP_DigestInit_ex(c, EVP_sha512(), NULL) == 1);
    *ret = c;
    return 0;
}

static int sha512_update(void *c, const uint8_t *data, size_t n, void *user)
{
    (void)user;
    MUST(EVP_DigestUpdate(c, data, n) == 1);
    return 0;
}

static int sha512_final(void *c, signal_buffer **ret, void *user)
{
    uint8_t out[64];

    (void)user;
    MUST(EVP_DigestFinal_ex(c, out, NULL) == 1);
    MUST(EVP_DigestInit_ex(c, EVP_sha512(), NULL) == 1); /* the context may be used again */
    *ret = signal_buffer_create(out, sizeof out);
    return *ret ? 0 : SG_ERR_NOMEM;
}

static void sha512_cleanup(void *c, void *user)
{
    (void)user;
    EVP_MD_CTX_free(c);
}

static int cbc(bool seal, signal_buffer **ret, int cipher, const uint8_t *key, size_t key_n,
               const uint8_t *iv, size_t iv_n, const uint8_t *in, size_t n)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t *out = malloc(n + 32);
    int n1 = 0, n2 = 0, result = SG_ERR_UNKNOWN;

    MUST(c && out && cipher == SG_CIPHER_AES_CBC_PKCS5 && key_n == 32 && iv_n == 16);
    if (EVP_CipherInit_ex(c, EVP_aes_256_cbc(), NULL, key, iv, seal) == 1 &&
        EVP_CipherUpdate(c, out, &n1, in, (int)n) == 1 &&
        EVP_CipherFinal_ex(c, out + n1, &n2) == 1) {
        *ret = signal_buffer_create(out, (size_t)(n1 + n2));
        result = *ret ? 0 : SG_ERR_NOMEM;
    }
    free(out);
    EVP_CIPHER_CTX_free(c);
    return result;
}

static int aes_encrypt(signal_buffer **ret, int cipher, const uint8_t *key, size_t key_n,
                       const uint8_t *iv, size_t iv_n, const uint8_t *in, size_t n, void *user)
{
    (void)user;
    return cbc(true, ret, cipher, key, key_n, iv, iv_n, in, n);
}

static int aes_decrypt(signal_buffer **ret, int cipher, const uint8_t *key, size_t key_n,
                       const uint8_t *iv, size_t iv_n, const uint8_t *in, size_t n, void *user)
{
    (void)user;
    return cbc(false, ret, cipher, key, key_n, iv, iv_n, in, n);
}

static void no_lock(void *user)
{
    (void)user;
}

struct lsc *lsc_new(struct rng rng)
{
    struct lsc *l = calloc(1, sizeof *l);

    signal_crypto_provider provider = {
        .random_func = random_bytes,
        .hmac_sha256_init_func = hmac_init,
        .hmac_sha256_update_func = hmac_update,
        .hmac_sha256_final_func = hmac_final,
        .hmac_sha256_cleanup_func = hmac_cleanup,
        .sha512_digest_init_func = sha512_init,
        .sha512_digest_update_func = sha512_update,
        .sha512_digest_final_func = sha512_final,
        .sha512_digest_cleanup_func = sha512_cleanup,
        .encrypt_func = aes_encrypt,
        .decrypt_func = aes_decrypt,
        .user_data = l,
    };

    MUST(l);
    l->rng = rng;
    MUST(signal_context_create(&l->context, l) == 0);
    MUST(signal_context_set_crypto_provider(l->context, &provider) == 0);
    MUST(signal_context_set_locking_functions(l->context, no_lock, no_lock) == 0);
    return l;
}

void lsc_free(struct lsc *l)
{
    signal_context_destroy(l->context);
    free(l);
}

/* ---- keys in and out ---- */

static ec_public_key *public_key(struct lsc *l, const uint8_t pub[static 32])
{
    uint8_t djb[DJB_KEY_BYTES];

    ec_public_key *k = NULL;

    djb_encode(pub, djb);
    MUST(curve_decode_point(&k, djb, sizeof djb, l->context) == 0);
    return k;
}

static ec_key_pair *key_pair(struct lsc *l, const uint8_t pub[static 32],
                             const uint8_t priv[static 32])
{
    ec_public_key *k = public_key(l, pub);
    ec_private_key *secret = NULL;
    ec_key_pair *pair = NULL;

    MUST(curve_decode_private_point(&secret, priv, 32, l->context) == 0);
    MUST(ec_key_pair_create(&pair, k, secret) == 0);
    SIGNAL_UNREF(k);
    SIGNAL_UNREF(secret);
    return pair;
}

struct lsc_party *lsc_party_new(struct lsc *l, const struct signal_local *local)
{
    struct lsc_party *p = calloc(1, sizeof *p);

    MUST(p);
    p->lsc = l;
    p->local = *local;
    MUST(lsc_store_open(p) == 0);
    return p;
}

void lsc_party_free(struct lsc_party *p)
{
    signal_protocol_store_context_destroy(p->store);
    signal_buffer_free(p->session);
    signal_buffer_free(p->signed_prekey);
    for (size_t i = 0; i < LSC_PREKEYS_MAX; i++)
        signal_buffer_free(p->prekeys[i]);
    for (size_t i = 0; i < LSC_SENDERS_MAX; i++)
        signal_buffer_free(p->sender_keys[i]);
    free(p);
}

void lsc_party_set_signed_prekey(struct lsc_party *p, uint32_t id, const struct x25519_pair *pair,
                                 const uint8_t sig[static XEDDSA_SIG_BYTES])
{
    ec_key_pair *k = key_pair(p->lsc, pair->pub, pair->priv);
    session_signed_pre_key *key = NULL;

    MUST(session_signed_pre_key_create(&key, id, 0, k, sig, XEDDSA_SIG_BYTES) == 0);
    signal_buffer_free(p->signed_prekey);
    MUST(session_signed_pre_key_serialize(&p->signed_prekey, key) == 0);
    p->signed_prekey_id = id;
    SIGNAL_UNREF(key);
    SIGNAL_UNREF(k);
}

void lsc_party_add_prekey(struct lsc_party *p, uint32_t id, const struct x25519_pair *pair)
{
    ec_key_pair *k = key_pair(p->lsc, pair->pub, pair->priv);
    session_pre_key *key = NULL;

    MUST(id < LSC_PREKEYS_MAX && !p->prekeys[id]);
    MUST(session_pre_key_create(&key, id, k) == 0);
    MUST(session_pre_key_serialize(&p->prekeys[id], key) == 0);
    SIGNAL_UNREF(key);
    SIGNAL_UNREF(k);
}

/* ---- pairwise ---- */

int lsc_start(struct lsc_party *p, const struct signal_bundle *b)
{
    ec_public_key *identity = public_key(p->lsc, b->identity);
    ec_public_key *signed_prekey = public_key(p->lsc, b->signed_prekey);
    ec_public_key *prekey = b->has_prekey ? public_key(p->lsc, b->prekey) : NULL;
    session_pre_key_bundle *bundle = NULL;
    session_builder *builder = NULL;
    int result;

    MUST(session_pre_key_bundle_create(&bundle, b->registration_id, 1, b->prekey_id, prekey,
                                       b->signed_prekey_id, signed_prekey, b->signed_prekey_sig,
                                       XEDDSA_SIG_BYTES, identity) == 0);
    MUST(session_builder_create(&builder, p->store, &peer_address, p->lsc->context) == 0);
    result = session_builder_process_pre_key_bundle(builder, bundle);
    session_builder_free(builder);
    SIGNAL_UNREF(bundle);
    SIGNAL_UNREF(identity);
    SIGNAL_UNREF(signed_prekey);
    SIGNAL_UNREF(prekey);
    return result;
}

static void append(struct buf *out, signal_buffer *b)
{
    buf_append(out, SPAN(signal_buffer_data(b), signal_buffer_len(b)));
    MUST(buf_err(out) == WB_OK);
}

int lsc_encrypt(struct lsc_party *p, struct span plain, enum signal_message_kind *kind,
                struct buf *out)
{
    session_cipher *cipher = NULL;
    ciphertext_message *message = NULL;
    int result;

    MUST(session_cipher_create(&cipher, p->store, &peer_address, p->lsc->context) == 0);
    result = session_cipher_encrypt(cipher, plain.p, plain.n, &message);
    if (result == 0) {
        *kind = ciphertext_message_get_type(message) == CIPHERTEXT_PREKEY_TYPE ? SIGNAL_PKMSG
                                                                               : SIGNAL_MSG;
        append(out, ciphertext_message_get_serialized(message));
    }
    SIGNAL_UNREF(message);
    session_cipher_free(cipher);
    return result;
}

int lsc_decrypt(struct lsc_party *p, enum signal_message_kind kind, struct span in,
                struct buf *plain)
{
    pre_key_signal_message *prekey_message = NULL;
    signal_message *message = NULL;
    session_cipher *cipher = NULL;
    signal_buffer *text = NULL;
    int result;

    MUST(session_cipher_create(&cipher, p->store, &peer_address, p->lsc->context) == 0);
    if (kind == SIGNAL_PKMSG) {
        result = pre_key_signal_message_deserialize(&prekey_message, in.p, in.n, p->lsc->context);
        if (result == 0)
            result =
                session_cipher_decrypt_pre_key_signal_message(cipher, prekey_message, NULL, &text);
    } else {
        result = signal_message_deserialize(&message, in.p, in.n, p->lsc->context);
        if (result == 0)
            result = session_cipher_decrypt_signal_message(cipher, message, NULL, &text);
    }
    if (result == 0)
        append(plain, text);
    signal_buffer_free(text);
    SIGNAL_UNREF(prekey_message);
    SIGNAL_UNREF(message);
    session_cipher_free(cipher);
    return result;
}

/* ---- groups ---- */

static signal_protocol_sender_key_name name_of(uint32_t sender)
{
    return (signal_protocol_sender_key_name){"group", 5, {"sender", 6, (int32_t)sender}};
}

void lsc_group_own(struct lsc_party *p, uint32_t sender, const struct sender_key_state *state)
{
    ec_key_pair *pair = key_pair(p->lsc, state->signing_pub, state->signing_priv);
    signal_buffer *chain = signal_buffer_create(state->chain_key, sizeof state->chain_key);
    sender_key_record *record = NULL;

    MUST(chain && sender_key_record_create(&record, p->lsc->context) == 0);
    MUST(sender_key_record_set_sender_key_state(record, state->key_id, state->iteration, chain,
                                                pair) == 0);
    signal_buffer_free(p->sender_keys[sender]);
    MUST(sender_key_record_serialize(&p->sender_keys[sender], record) == 0);
    SIGNAL_UNREF(record);
    signal_buffer_free(chain);
    SIGNAL_UNREF(pair);
}

int lsc_group_distribution(struct lsc_party *p, uint32_t sender, struct buf *out)
{
    signal_protocol_sender_key_name name = name_of(sender);
    sender_key_distribution_message *skdm = NULL;
    group_session_builder *builder = NULL;
    int result;

    MUST(group_session_builder_create(&builder, p->store, p->lsc->context) == 0);
    result = group_session_builder_create_session(builder, &skdm, &name);
    if (result == 0)
        append(out, ciphertext_message_get_serialized((ciphertext_message *)skdm));
    SIGNAL_UNREF(skdm);
    group_session_builder_free(builder);
    return result;
}

int lsc_group_process(struct lsc_party *p, uint32_t sender, struct span in)
{
    signal_protocol_sender_key_name name = name_of(sender);
    sender_key_distribution_message *skdm = NULL;
    group_session_builder *builder = NULL;
    int result;

    MUST(group_session_builder_create(&builder, p->store, p->lsc->context) == 0);
    result = sender_key_distribution_message_deserialize(&skdm, in.p, in.n, p->lsc->context);
    if (result == 0)
        result = group_session_builder_process_session(builder, &name, skdm);
    SIGNAL_UNREF(skdm);
    group_session_builder_free(builder);
    return result;
}

int lsc_group_encrypt(struct lsc_party *p, uint32_t sender, struct span plain, struct buf *out)
{
    signal_protocol_sender_key_name name = name_of(sender);
    ciphertext_message *message = NULL;
    group_cipher *cipher = NULL;
    int result;

    MUST(group_cipher_create(&cipher, p->store, &name, p->lsc->context) == 0);
    result = group_cipher_encrypt(cipher, plain.p, plain.n, &message);
    if (result == 0)
        append(out, ciphertext_message_get_serialized(message));
    SIGNAL_UNREF(message);
    group_cipher_free(cipher);
    return result;
}

int lsc_group_decrypt(struct lsc_party *p, uint32_t sender, struct span in, struct buf *plain)
{
    signal_protocol_sender_key_name name = name_of(sender);
    sender_key_message *message = NULL;
    group_cipher *cipher = NULL;
    signal_buffer *text = NULL;
    int result;

    MUST(group_cipher_create(&cipher, p->store, &name, p->lsc->context) == 0);
    result = sender_key_message_deserialize(&message, in.p, in.n, p->lsc->context);
    if (result == 0)
        result = group_cipher_decrypt(cipher, message, NULL, &text);
    if (result == 0)
        append(plain, text);
    signal_buffer_free(text);
    SIGNAL_UNREF(message);
    group_cipher_free(cipher);
    return result;
}
