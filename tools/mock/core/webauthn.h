/* webauthn.h - a relying party's check of an assertion (WebAuthn, section 7.2), as far as a server
 * that knows one credential can make it. */
#ifndef MOCK_CORE_WEBAUTHN_H
#define MOCK_CORE_WEBAUTHN_H

#include "base/arena.h"
#include "tools/mock/core/p256.h"

enum { WEBAUTHN_CHALLENGE_BYTES = 32, WEBAUTHN_ID_MAX = 1023 /* WebAuthn's own limit */ };

struct webauthn_want {
    const char *rp_id;
    struct span challenge;
    struct span credential_id;
    const uint8_t *key; /* P256_POINT_BYTES */
};

/* json: the credential as PublicKeyCredential.toJSON() gives it. Returns NULL when it is right,
 * else a static text that says what is wrong. */
const char *webauthn_check(const struct webauthn_want *w, struct span json, struct arena *a);

#endif
