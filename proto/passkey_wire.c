#include "proto/passkey_wire.h"

#include "proto/wire_arena.h"
#include "schema/passkey.pb-c.h"

static struct span field(const uint8_t bytes[static PASSKEY_FIELD_BYTES])
{
    return SPAN(bytes, PASSKEY_FIELD_BYTES);
}

enum wb_err passkey_identity_encode(const uint8_t pub[static PASSKEY_FIELD_BYTES],
                                    uint32_t device_type, const char *ref, struct buf *out)
{
    Passkey__CompanionIdentity m = PASSKEY__COMPANION_IDENTITY__INIT;

    WIRE_SET_BYTES(&m, public_key, field(pub));
    WIRE_SET(&m, device_type, device_type); /* written also when it is 0, as whatsmeow does */
    m.ref = (char *)(uintptr_t)ref;         /* packing does not write */
    return wire_pack(&m.base, out);
}

enum wb_err passkey_prologue_encode(struct span identity,
                                    const uint8_t commitment[static PASSKEY_FIELD_BYTES],
                                    struct buf *out)
{
    Passkey__Prologue m = PASSKEY__PROLOGUE__INIT;
    Passkey__Commitment c = PASSKEY__COMMITMENT__INIT;

    WIRE_SET_BYTES(&c, hash, field(commitment));
    WIRE_SET_BYTES(&m, companion_identity, identity);
    m.commitment = &c;
    return wire_pack(&m.base, out);
}

enum wb_err passkey_phone_identity_decode(struct span in, struct arena *a,
                                          struct passkey_phone_identity *ret_v)
{
    struct passkey_phone_identity v;
    ProtobufCMessage *base = NULL;
    const Passkey__PhoneIdentity *m;
    enum wb_err err;

    TRY(wire_unpack(&passkey__phone_identity__descriptor, in, a, &base));
    m = (const Passkey__PhoneIdentity *)(const void *)base;
    TRY(wire_fixed(m->has_public_key, m->public_key, v.pub, sizeof v.pub));
    TRY(wire_fixed(m->has_nonce, m->nonce, v.nonce, sizeof v.nonce));
    *ret_v = v;
out:
    return err;
}

enum wb_err passkey_request_encode(const uint8_t noise_pub[static PASSKEY_FIELD_BYTES],
                                   const uint8_t identity_pub[static PASSKEY_FIELD_BYTES],
                                   const uint8_t adv_secret[static PASSKEY_FIELD_BYTES],
                                   struct buf *out)
{
    Passkey__PairingRequest m = PASSKEY__PAIRING_REQUEST__INIT;

    WIRE_SET_BYTES(&m, noise_public, field(noise_pub));
    WIRE_SET_BYTES(&m, identity_public, field(identity_pub));
    WIRE_SET_BYTES(&m, adv_secret, field(adv_secret));
    return wire_pack(&m.base, out);
}

enum wb_err passkey_sealed_encode(struct span ciphertext, struct span iv, struct buf *out)
{
    Passkey__SealedRequest m = PASSKEY__SEALED_REQUEST__INIT;

    WIRE_SET_BYTES(&m, ciphertext, ciphertext);
    WIRE_SET_BYTES(&m, iv, iv);
    return wire_pack(&m.base, out);
}
