/* webauthn.h - the two JSON texts of the passkey step: WhatsApp's challenge and the browser's
 * answer (WebAuthn level 3, PublicKeyCredentialRequestOptionsJSON and AuthenticationResponseJSON).
 * Pure. Only WhatsApp can check the signature: we do not know the key. */
#ifndef BRIDGE_PAIR_WEBAUTHN_H
#define BRIDGE_PAIR_WEBAUTHN_H

#include "base/arena.h"
#include "bridge/pair/limits.h"

/* Borrows from the arena it was parsed into. */
struct webauthn_request {
    struct span json; /* as it came */
    struct span challenge;
    struct span rp_id;    /* "whatsapp.com" */
    bool verify_user;     /* userVerification is "required" */
    int64_t timeout_ms;   /* 0: not named, or no usable number */
    struct span *allowed; /* credential ids; none: any will do */
    size_t nallowed;
};
/* MALFORMED, TOO_LARGE, NOMEM. */
enum wb_err webauthn_request_parse(struct span json, struct arena *a,
                                   struct webauthn_request *ret_r) WB_MUST_CHECK;

struct webauthn_assertion {
    struct span id;   /* the credential's rawId */
    struct span json; /* id, rawId, type, response with base64url fields: nothing else (P-PR-32) */
};
/* MALFORMED or TOO_LARGE: the JSON is no credential. REFUSED: it is one, but no answer to this
 * request. All three set *ret_problem, a static text for the person who sent it. NOMEM. */
enum wb_err webauthn_assertion_parse(struct span json, const struct webauthn_request *r,
                                     struct arena *a, struct webauthn_assertion *ret_v,
                                     const char **ret_problem) WB_MUST_CHECK;

#endif
