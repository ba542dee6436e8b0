#include "crypto/noise_cert.h"

#include "crypto/limits.h"
#include "crypto/prim_xeddsa.h"
#include "proto/handshake_wire.h"

enum { ROOT_SERIAL = 0, ISSUED_INTERMEDIATE_SERIAL = 1, ISSUED_LEAF_SERIAL = 2 };
enum { CERT_DETAILS_MAX = 256 }; /* certificates that we issue have some 60 bytes */

_Static_assert((int)HANDSHAKE_KEY_BYTES == (int)X25519_KEY_BYTES, "key size on the wire");
_Static_assert((int)HANDSHAKE_SIG_BYTES == (int)XEDDSA_SIG_BYTES, "signature size on the wire");

const uint8_t noise_root_key_whatsapp[X25519_KEY_BYTES] = {
    0x14, 0x23, 0x75, 0x57, 0x4d, 0x0a, 0x58, 0x71, 0x66, 0xaa, 0xe7, 0x1e, 0xbe, 0x51, 0x64, 0x37,
    0xc4, 0xa2, 0x8b, 0x73, 0xe3, 0x69, 0x5c, 0x6c, 0xe1, 0xf7, 0xf9, 0x54, 0x5d, 0xa8, 0xee, 0x6b,
};

static bool in_date(const struct cert_wire_details *d, int64_t now_s)
{
    return now_s >= 0 && d->not_before <= (uint64_t)now_s && (uint64_t)now_s <= d->not_after;
}

/* The signature is checked first: unsigned details are not even parsed. */
static enum wb_err open_cert(const struct cert_wire_signed *cert,
                             const uint8_t issuer_key[static X25519_KEY_BYTES],
                             uint32_t issuer_serial, struct arena *a,
                             struct cert_wire_details *ret_d)
{
    struct cert_wire_details d;
    enum wb_err err;

    TRY(xeddsa_verify(issuer_key, cert->details, cert->signature));
    TRY(cert_wire_details_decode(cert->details, a, &d));
    if (d.issuer_serial != issuer_serial) {
        err = WB_ERR_BAD_CERT;
        goto out;
    }
    *ret_d = d;
out:
    return err;
}

enum wb_err noise_cert_verify(struct span chain, const uint8_t root_key[static X25519_KEY_BYTES],
                              const uint8_t server_static[static X25519_KEY_BYTES], int64_t now_s)
{
    struct arena arena = arena_new(NOISE_CERT_ARENA_MAX);
    struct cert_wire_details intermediate, leaf;
    struct cert_wire_chain c;
    enum wb_err err;

    TRY(cert_wire_chain_decode(chain, &arena, &c));
    TRY(open_cert(&c.intermediate, root_key, ROOT_SERIAL, &arena, &intermediate));
    TRY(open_cert(&c.leaf, intermediate.key, intermediate.serial, &arena, &leaf));
    if (memcmp(leaf.key, server_static, X25519_KEY_BYTES) != 0)
        err = WB_ERR_BAD_CERT;
    else if (!in_date(&intermediate, now_s) || !in_date(&leaf, now_s))
        err = WB_ERR_CLOCK;
out:
    arena_free(&arena);
    /* Every mistake of a peer is the same error to the caller; want of memory is another. */
    if (err != WB_OK && err != WB_ERR_CLOCK && err != WB_ERR_NOMEM)
        err = WB_ERR_BAD_CERT;
    return err;
}

static enum wb_err issue_one(const struct cert_wire_details *d, const struct x25519_pair *issuer,
                             const struct rng *rng, struct buf *details,
                             struct cert_wire_signed *ret_cert)
{
    enum wb_err err;

    TRY(cert_wire_details_encode(d, details));
    TRY(xeddsa_sign(issuer->priv, buf_span(details), rng, ret_cert->signature));
    ret_cert->details = buf_span(details);
out:
    return err;
}

enum wb_err noise_cert_issue(const struct noise_cert_params *p, const struct rng *rng,
                             struct buf *out)
{
    struct buf leaf = buf_new(CERT_DETAILS_MAX), intermediate = buf_new(CERT_DETAILS_MAX);
    struct cert_wire_details d = {.serial = ISSUED_INTERMEDIATE_SERIAL,
                                  .issuer_serial = ROOT_SERIAL,
                                  .not_before = (uint64_t)p->not_before_s,
                                  .not_after = (uint64_t)p->not_after_s};
    struct cert_wire_chain c = {0};
    enum wb_err err = WB_ERR_INVALID;

    if (p->not_before_s < 0 || p->not_after_s < p->not_before_s)
        goto out;
    memcpy(d.key, p->intermediate.pub, sizeof d.key);
    TRY(issue_one(&d, &p->root, rng, &intermediate, &c.intermediate));
    d.serial = ISSUED_LEAF_SERIAL;
    d.issuer_serial = ISSUED_INTERMEDIATE_SERIAL;
    memcpy(d.key, p->server_static, sizeof d.key);
    TRY(issue_one(&d, &p->intermediate, rng, &leaf, &c.leaf));
    TRY(cert_wire_chain_encode(&c, out));
out:
    buf_free(&leaf);
    buf_free(&intermediate);
    return err;
}
