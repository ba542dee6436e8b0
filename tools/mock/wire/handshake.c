#include "tools/mock/wire/handshake.h"

#include "crypto/noise_cert.h"
#include "tools/mock/core/pb.h"

/* HandshakeMessage: 2 clientHello, 3 serverHello, 4 clientFinish. */
enum { HANDSHAKE_CLIENT_HELLO = 2, HANDSHAKE_SERVER_HELLO = 3, HANDSHAKE_CLIENT_FINISH = 4 };

enum { CERT_LIFE_S = 30 * 24 * 3600, CERT_MAX_BYTES = 4096 };

/* Makes a chain of certificates with the wanted mistake where noise_cert_issue() cannot. */
static enum wb_err wrong_serial(struct mock *m, struct span good, struct buf *out)
{
    /* Chain{1 leaf, 2 intermediate}, each {1 details, 2 signature}; details {1 serial, 2 issuer,
     * 3 key, 4 notBefore, 5 notAfter}: the intermediate names issuer 7 and is signed properly. */
    struct span intermediate = pb_bytes(good, 2);
    struct span old = pb_bytes(intermediate, 1);
    struct buf details = buf_new(CERT_MAX_BYTES), cert = buf_new(CERT_MAX_BYTES);
    uint8_t sig[XEDDSA_SIG_BYTES];
    enum wb_err err;

    pb_put_u64(&details, 1, pb_u64(old, 1, 0));
    pb_put_u64(&details, 2, 7);
    pb_put_bytes(&details, 3, pb_bytes(old, 3));
    pb_put_u64(&details, 4, pb_u64(old, 4, 0));
    pb_put_u64(&details, 5, pb_u64(old, 5, 0));
    TRY(xeddsa_sign(m->root.priv, buf_span(&details), &m->rng, sig));
    pb_put_bytes(&cert, 1, buf_span(&details));
    pb_put_bytes(&cert, 2, SPAN_ARRAY(sig));
    pb_put_bytes(out, 1, pb_bytes(good, 1));
    pb_put_bytes(out, 2, buf_span(&cert));
    err = buf_err(out);
out:
    buf_free(&details);
    buf_free(&cert);
    return err;
}

static enum wb_err certificate(struct mock *m, struct buf *out)
{
    int64_t now = (int64_t)mock_now_s(m);
    struct noise_cert_params p = {.root = m->root,
                                  .intermediate = m->intermediate,
                                  .not_before_s = now - 24 * 3600,
                                  .not_after_s = now + CERT_LIFE_S};
    struct buf good = buf_new(CERT_MAX_BYTES);
    struct x25519_pair other;
    enum wb_err err;

    memcpy(p.server_static, m->noise_static.pub, sizeof p.server_static);
    x25519_generate(&m->rng, &other);
    if (m->trouble.cert == CERT_BAD_ROOT_SIGNATURE)
        p.root = other;
    if (m->trouble.cert == CERT_KEY_MISMATCH)
        memcpy(p.server_static, other.pub, sizeof p.server_static);
    if (m->trouble.cert == CERT_EXPIRED) {
        p.not_before_s = now - 2 * CERT_LIFE_S;
        p.not_after_s = now - 3600;
    }
    if (m->trouble.cert == CERT_NOT_YET) {
        p.not_before_s = now + 24 * 3600;
        p.not_after_s = now + CERT_LIFE_S;
    }
    TRY(noise_cert_issue(&p, &m->rng, &good));
    if (m->trouble.cert == CERT_WRONG_SERIAL) {
        TRY(wrong_serial(m, buf_span(&good), out));
    } else if (m->trouble.cert == CERT_GARBAGE) {
        buf_append(out, SPAN_LIT("\x0a\x7fnot a certificate chain"));
    } else {
        size_t at = out->n;

        buf_append(out, buf_span(&good));
        if (m->trouble.cert == CERT_BAD_LEAF_SIGNATURE && buf_err(out) == WB_OK) {
            struct span sig = pb_bytes(pb_bytes(buf_span(&good), 1), 2);

            out->p[at + (size_t)(sig.p - good.p) + 5] ^= 1;
        }
    }
    err = buf_err(out);
out:
    buf_free(&good);
    return err;
}

/* A client that kept our static key opens with Noise IK: its static key and payload come sealed
 * with the first message (P-X2-26). This server takes no such shortcut. It answers as Noise's
 * fallback modifier has it: the client's ephemeral key counts, the rest of its message is dropped,
 * and what follows is XX under the name below. Names longer than a hash are hashed (Noise
 * paper, 5.2). */
static void fall_back(struct noise_symmetric_state *sym)
{
    static const char name[] = "Noise_XXfallback_25519_AESGCM_SHA256";
    uint8_t h[SHA256_BYTES];

    sha256(SPAN(name, sizeof name - 1), h);
    memcpy(sym->ck, h, sizeof sym->ck);
    struct span parts[2] = {SPAN_ARRAY(h), SPAN(wa_intro, WA_INTRO_BYTES)};
    sha256_v(parts, 2, sym->h);
}

void handshake_hello(struct client *c, struct span frame)
{
    struct mock *m = c->m;
    struct buf chain = buf_new(CERT_MAX_BYTES), static_ct = buf_new(256);
    struct buf payload_ct = buf_new(2 * CERT_MAX_BYTES), hello = buf_new(4 * CERT_MAX_BYTES);
    struct buf msg = buf_new(4 * CERT_MAX_BYTES);
    uint8_t e[X25519_KEY_BYTES];
    struct span client_hello = pb_bytes(frame, HANDSHAKE_CLIENT_HELLO);
    enum wb_err err;

    TRY(pb_valid(frame) && client_hello.p != NULL ? WB_OK : WB_ERR_MALFORMED);
    if (pb_has(client_hello, 2))
        fall_back(&c->hs.sym);
    TRY(noise_read_1(&c->hs, pb_bytes(client_hello, 1)));
    TRY(certificate(m, &chain));
    TRY(noise_write_2(&c->hs, buf_span(&chain), e, &static_ct, &payload_ct));
    pb_put_bytes(&hello, 1, SPAN_ARRAY(e));
    pb_put_bytes(&hello, 2, buf_span(&static_ct));
    pb_put_bytes(&hello, 3, buf_span(&payload_ct));
    pb_put_bytes(&msg, HANDSHAKE_SERVER_HELLO, buf_span(&hello));
    TRY(buf_err(&msg));
    c->state = CLIENT_FINISH;
    client_send_frame(c, buf_span(&msg));
out:
    if (err != WB_OK) {
        mock_flag(m, c->label, "bad-handshake", NULL, "ClientHello: %s", wb_err_text(err));
        client_abort(c);
    }
    buf_free(&chain);
    buf_free(&static_ct);
    buf_free(&payload_ct);
    buf_free(&hello);
    buf_free(&msg);
}

void handshake_finish(struct client *c, struct span frame)
{
    struct mock *m = c->m;
    struct buf plain = buf_new(1 << 16);
    struct span finish = pb_bytes(frame, HANDSHAKE_CLIENT_FINISH);
    enum wb_err err;

    TRY(pb_valid(frame) && finish.p != NULL ? WB_OK : WB_ERR_MALFORMED);
    TRY(noise_read_3(&c->hs, pb_bytes(finish, 1), pb_bytes(finish, 2), &plain));
    TRY(noise_split(&c->hs, &c->tr));
    c->tr_ready = true;
    memcpy(c->noise_pub, c->hs.rs, sizeof c->noise_pub);
    TRY(pb_valid(buf_span(&plain)) ? WB_OK : WB_ERR_MALFORMED);
    c->ops->payload(c, buf_span(&plain));
out:
    if (err != WB_OK) {
        /* WhatsApp closes without a word too (P-HS-13). */
        mock_flag(m, c->label, "bad-handshake", NULL, "ClientFinish: %s", wb_err_text(err));
        client_abort(c);
    }
    buf_free(&plain);
}
