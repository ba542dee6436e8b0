/* The files of a Baileys directory: the first byte chooses the kind, the rest is the file. A
 * session that can be read can be written in the database's form, and read again. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/secret.h"
#include "store/session/session_json.h"
#include "tools/import/creds.h"
#include "tools/import/file_name.h"
#include "tools/import/record_file.h"
#include "tools/import/signal_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void session(struct span in)
{
    static const uint8_t seed[32] = {1};
    struct rng_seeded state;
    const struct rng rng = rng_from_seed(&state, seed);
    struct signal_local local;
    struct signal_session *s = NULL, *again = NULL;
    struct buf out = buf_new(64 << 20);

    memset(&local, 0, sizeof local);
    if (session_file_read(in, &local, &rng, &s) == WB_OK) {
        session_json_write(s, &out);
        if (out.n <= STORE_SESSION_JSON_MAX && session_json_read(buf_span(&out), &again) != WB_OK)
            abort();
    }
    signal_session_free(s);
    signal_session_free(again);
    buf_free(&out);
}

static void sender_key(struct span in)
{
    struct sender_key_record *r = NULL, *again = NULL;
    struct buf out = buf_new(64 << 20);

    if (sender_key_file_read(in, &r) == WB_OK) {
        sender_key_json_write(r, &out);
        if (out.n <= STORE_SESSION_JSON_MAX &&
            sender_key_json_read(buf_span(&out), &again) != WB_OK)
            abort();
    }
    sender_key_record_free(r);
    sender_key_record_free(again);
    buf_free(&out);
}

static void creds(struct span in)
{
    struct creds c;
    const char *what = NULL;

    if (creds_read(in, &c, &what) != WB_OK && !what)
        abort();
}

static enum wb_err on_version(void *ctx, const struct appstate_version *v)
{
    *(uint64_t *)ctx = v->version;
    return WB_OK;
}

static enum wb_err on_mac(void *ctx, const uint8_t *index_mac, const uint8_t *value_mac)
{
    (void)index_mac;
    (void)value_mac;
    if (*(uint64_t *)ctx == 0)
        abort();
    return WB_OK;
}

static enum wb_err on_device(void *ctx, const struct jid *device)
{
    (void)ctx;
    if (!jid_is_person(device))
        abort();
    return WB_OK;
}

static void small(uint8_t kind, struct span in)
{
    struct x25519_pair pair;
    uint8_t key[X25519_KEY_BYTES];
    char user[JID_USER_MAX + 1];
    struct store_appstate_key app;
    struct token_file token;
    struct buf fingerprint = buf_new(4096);
    uint64_t version = 0;

    memset(&app, 0, sizeof app);
    enum wb_err err = kind == 3   ? prekey_file_read(in, &pair)
                      : kind == 4 ? identity_file_read(in, key)
                      : kind == 5 ? lid_file_read(in, user)
                      : kind == 6 ? appstate_key_file_read(in, &app, &fingerprint)
                      : kind == 7 ? appstate_version_file_read(in, on_version, on_mac, &version)
                      : kind == 8 ? token_file_read(in, &token)
                                  : memory_file_read(in, on_device, NULL);
    if (err == WB_OK && kind == 8 && token.token_n > sizeof token.token)
        abort();
    buf_free(&fingerprint);
}

static void name(struct span in)
{
    struct buf text = buf_new(in.n + 1);

    buf_append(&text, in);
    if (file_name_read(buf_cstr(&text)).kind >= FILE_KIND_COUNT)
        abort();
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || secret_init() != WB_OK)
        return 0;
    struct span in = SPAN(data + 1, size - 1);
    uint8_t kind = data[0] % 11;
    if (kind == 0)
        session(in);
    else if (kind == 1)
        sender_key(in);
    else if (kind == 2)
        creds(in);
    else if (kind == 10)
        name(in);
    else
        small(kind, in);
    return 0;
}
