#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "tools/import/limits.h"
#include "tools/import/signal_file.h"
#include "tools/import/value.h"

static const json_t *at(const json_t *v, const char *name)
{
    return json_object_get(v, name);
}

/* Derives a message key from the seed that Node keeps (P-SG-27). */
static void key_from_seed(const uint8_t seed[static 32], uint32_t iteration,
                          struct sender_message_key *k)
{
    uint8_t out[sizeof k->iv + sizeof k->cipher_key];

    hkdf_sha256(SPAN(seed, 32), SPAN_NULL, SPAN_LIT("WhisperGroup"), out, sizeof out);
    k->iteration = iteration;
    memcpy(k->seed, seed, sizeof k->seed);
    memcpy(k->iv, out, sizeof k->iv);
    memcpy(k->cipher_key, out + sizeof k->iv, sizeof k->cipher_key);
    secret_wipe(out, sizeof out);
}

/* Reads skipped keys, oldest first, and keeps the newest SENDER_KEY_MESSAGE_KEYS_MAX. */
static enum wb_err read_skipped(const json_t *v, struct sender_key_state *s)
{
    size_t n = json_array_size(v), first = 0;
    enum wb_err err = WB_OK;

    if (n > SENDER_KEY_MESSAGE_KEYS_MAX)
        first = n - SENDER_KEY_MESSAGE_KEYS_MAX;
    if (n == first)
        return WB_OK;
    s->keys = calloc(n - first, sizeof *s->keys);
    if (!s->keys)
        return WB_ERR_NOMEM;
    for (size_t i = first; i < n; i++) {
        const json_t *item = json_array_get(v, i);
        uint8_t seed[32] = {0};
        uint32_t iteration = 0;

        TRY(value_u32(at(item, "iteration"), &iteration));
        TRY(value_exact(at(item, "seed"), seed, sizeof seed));
        TRY(iteration < s->iteration ? WB_OK : WB_ERR_MALFORMED);
        key_from_seed(seed, iteration, &s->keys[s->nkeys++]);
        secret_wipe(seed, sizeof seed);
    }
out:
    return err;
}

/* Somebody else's sender key has no private key: the field is absent, null or empty. */
static enum wb_err read_private(const json_t *v, struct sender_key_state *s)
{
    struct buf bytes = buf_new(X25519_KEY_BYTES);
    enum wb_err err = WB_OK;

    if (v && !json_is_null(v))
        TRY(value_bytes(v, &bytes));
    if (bytes.n == 0)
        goto out;
    TRY(bytes.n == X25519_KEY_BYTES ? WB_OK : WB_ERR_MALFORMED);
    struct x25519_pair pair;
    x25519_from_private(bytes.p, &pair);
    if (!secret_eq(pair.pub, s->signing_pub, sizeof pair.pub))
        err = WB_ERR_BAD_KEY;
    memcpy(s->signing_priv, bytes.p, sizeof s->signing_priv);
    s->has_signing_priv = true;
    secret_wipe(&pair, sizeof pair);
out:
    buf_free(&bytes);
    return err;
}

static enum wb_err read_state(const json_t *v, struct sender_key_state *s)
{
    const json_t *chain = at(v, "senderChainKey"), *signing = at(v, "senderSigningKey");
    enum wb_err err;

    TRY(value_u32(at(v, "senderKeyId"), &s->key_id));
    TRY(value_u32(at(chain, "iteration"), &s->iteration));
    TRY(value_exact(at(chain, "seed"), s->chain_key, sizeof s->chain_key));
    TRY(value_public(at(signing, "public"), s->signing_pub));
    TRY(read_private(at(signing, "private"), s));
    /* Our own skipped keys are numbers that Node left out when it sent. */
    if (!s->has_signing_priv)
        TRY(read_skipped(at(v, "senderMessageKeys"), s));
out:
    return err;
}

/* Node keeps a chain that was handed out again as one more state, and goes on using the first. */
static bool repeats_earlier(const json_t *list, size_t i)
{
    const json_t *id = at(json_array_get(list, i), "senderKeyId");

    for (size_t j = 0; j < i; j++)
        if (json_equal(at(json_array_get(list, j), "senderKeyId"), id))
            return true;
    return false;
}

static enum wb_err read_states(const json_t *list, struct sender_key_record *r)
{
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (json_array_size(list) > IMPORT_SENDER_STATES_MAX)
        return WB_ERR_TOO_LARGE;
    for (size_t i = json_array_size(list); i > 0 && r->nstates < SENDER_KEY_STATES_MAX; i--) {
        struct sender_key_state *s;

        if (repeats_earlier(list, i - 1))
            continue;
        s = sender_key_state_new();
        if (!s)
            return WB_ERR_NOMEM;
        err = read_state(json_array_get(list, i - 1), s);
        if (err == WB_OK) {
            r->states[r->nstates++] = s;
            continue;
        }
        sender_key_state_free(s);
        if (err == WB_ERR_NOMEM)
            return err;
    }
    return r->nstates ? WB_OK : err;
}

enum wb_err sender_key_file_read(struct span json, struct sender_key_record **ret)
{
    struct buf inner = buf_new(IMPORT_FILE_MAX);
    struct sender_key_record *r = NULL;
    json_t *root = NULL, *list = NULL;
    enum wb_err err;

    TRY(value_parse(json, &root));
    TRY(value_bytes(root, &inner));
    TRY(value_parse(buf_span(&inner), &list));
    r = sender_key_record_new();
    TRY(r ? WB_OK : WB_ERR_NOMEM);
    TRY(read_states(list, r));
    *ret = r;
    r = NULL;
out:
    sender_key_record_free(r);
    json_decref(list);
    json_decref(root);
    buf_free(&inner);
    return err;
}
