/* The Noise XX handshake as the initiator, and the payload in which we describe our client
 * (P-HS-01..13, 17..26). */
#include "bridge/conn/conn_private.h"
#include "bridge/conn/version_fetch.h"
#include "crypto/noise_cert.h"
#include "crypto/prim_hash.h"
#include "proto/client_payload.h"
#include "proto/handshake_wire.h"

enum { CLIENT_PAYLOAD_MAX = 4096, HANDSHAKE_MESSAGE_MAX = 16 * 1024 };

void conn_on_socket_open(struct conn *c, const struct conn_input *in)
{
    struct handshake_client_hello hello = {0};
    struct buf out = buf_new(HANDSHAKE_MESSAGE_MAX);
    enum wb_err err;

    (void)in;
    c->hs_live = true;
    TRY(noise_handshake_init(&c->hs, true, SPAN(wa_intro, WA_INTRO_BYTES), &c->account->keys.noise,
                             c->b->rng));
    TRY(noise_write_1(&c->hs, hello.ephemeral));
    TRY(handshake_client_hello_encode(&hello, &out));
    TRY(conn_send_frame(c, buf_span(&out)));
    conn_set_state(c, CONN_WAIT_SERVER_HELLO, CONN_HANDSHAKE_STEP_MS);
out:
    buf_free(&out);
    if (err != WB_OK)
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err));
}

/* The payload for a login as the paired device. */
static enum wb_err login_payload(struct conn *c, struct client_version v, struct buf *out)
{
    uint64_t user;

    if (!span_to_u64(span_cstr(c->account->jid.user), &user))
        return WB_ERR_DB_CORRUPT;
    return client_payload_login(v, user, c->account->jid.device, out);
}

/* The payload that registers a new device. */
static enum wb_err registration_payload(struct conn *c, struct client_version v, struct buf *out)
{
    const struct device_keys *k = &c->account->keys;
    char text[CLIENT_VERSION_TEXT_MAX];
    struct client_pairing p = {
        .registration_id = k->registration_id,
        .signed_prekey_id = k->signed_prekey_id,
        .props = {.os = span_cstr(c->b->config->device_name),
                  .app = {0, 1, 0},
                  .platform = CONN_PLATFORM},
    };

    memcpy(p.identity, k->identity.pub, sizeof p.identity);
    memcpy(p.signed_prekey, k->signed_prekey.pub, sizeof p.signed_prekey);
    memcpy(p.signed_prekey_sig, k->signed_prekey_sig, sizeof p.signed_prekey_sig);
    if (md5(span_cstr(client_version_text(v, text)), p.build_hash) != WB_OK)
        return WB_ERR_NOMEM;
    return client_payload_registration(v, &p, out);
}

static enum wb_err finish(struct conn *c, const struct handshake_server_hello *hello)
{
    struct client_version version = {2, 3000, version_current(c->b->version)};
    const uint8_t *root =
        c->b->config->has_root_key ? c->b->config->root_key : noise_root_key_whatsapp;
    struct buf chain = buf_new(HANDSHAKE_MESSAGE_MAX);
    struct buf payload = buf_new(CLIENT_PAYLOAD_MAX);
    struct buf static_ct = buf_new(HANDSHAKE_MESSAGE_MAX);
    struct buf payload_ct = buf_new(HANDSHAKE_MESSAGE_MAX);
    struct buf out = buf_new(HANDSHAKE_MESSAGE_MAX);
    struct handshake_client_finish fin;
    enum wb_err err;

    TRY(noise_read_2(&c->hs, SPAN_ARRAY(hello->ephemeral), hello->static_ct, hello->payload_ct,
                     &chain));
    TRY(noise_cert_verify(buf_span(&chain), root, c->hs.rs, clock_unix_s(c->b->clock)));
    TRY(c->paired ? login_payload(c, version, &payload)
                  : registration_payload(c, version, &payload));
    TRY(noise_write_3(&c->hs, buf_span(&payload), &static_ct, &payload_ct));
    fin.static_ct = buf_span(&static_ct);
    fin.payload_ct = buf_span(&payload_ct);
    TRY(handshake_client_finish_encode(&fin, &out));
    TRY(conn_send_frame(c, buf_span(&out)));
    TRY(noise_split(&c->hs, &c->transport));
    c->transport_live = true;
    c->version_used = version.tertiary;
out:
    buf_free(&chain);
    buf_free(&payload);
    buf_free(&static_ct);
    buf_free(&payload_ct);
    buf_free(&out);
    return err;
}

void conn_on_hello(struct conn *c, const struct conn_input *in)
{
    struct handshake_server_hello hello;
    enum wb_err err;

    TRY(handshake_server_hello_decode(in->frame, &c->arena, &hello));
    TRY(finish(c, &hello));
    if (c->paired)
        conn_set_state(c, CONN_WAIT_SUCCESS, CONN_HANDSHAKE_STEP_MS);
    else
        conn_set_state(c, CONN_WAIT_PAIR_DEVICE, CONN_PAIR_DEVICE_MS);
out:
    arena_reset(&c->arena);
    noise_handshake_free(&c->hs);
    c->hs_live = false;
    if (err == WB_OK)
        return;
    if (err == WB_ERR_CLOCK)
        conn_close(c, CONN_WHY_CLOCK,
                   "the server's certificate is not valid at this machine's time: check the clock");
    else if (err == WB_ERR_BAD_CERT)
        conn_close(c, CONN_WHY_CERT, "the server's certificate chain does not verify");
    else
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err));
}
