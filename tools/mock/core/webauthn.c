#include "tools/mock/core/webauthn.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "crypto/prim_hash.h"

enum { FIELD_BYTES_MAX = 65536, AUTH_DATA_MIN = 37, FLAG_PRESENT = 1, FLAG_VERIFIED = 4 };

/* A base64url member without padding; SPAN_NULL when it is absent or not base64url. */
static struct span field(const json_t *o, const char *name, struct arena *a)
{
    const json_t *v = json_object_get(o, name);
    struct span text =
        json_is_string(v) ? SPAN(json_string_value(v), json_string_length(v)) : SPAN_NULL;
    uint8_t *bytes = text.p != NULL && text.n < FIELD_BYTES_MAX ? arena_alloc(a, text.n + 1) : NULL;
    size_t n;

    if (!bytes || (text.n > 0 && text.p[text.n - 1] == '=') ||
        b64url_decode(text, bytes, text.n, &n) != WB_OK)
        return SPAN_NULL;
    return SPAN(bytes, n);
}

static bool is_text(const json_t *o, const char *name, const char *want)
{
    const char *got = json_string_value(json_object_get(o, name));

    return got != NULL && strcmp(got, want) == 0;
}

/* Whether the origin is https at the relying party's domain or below it. */
static bool origin_fits(const char *origin, const char *rp_id)
{
    size_t n, rp = strlen(rp_id);

    if (!origin || strncmp(origin, "https://", 8) != 0)
        return false;
    origin += 8;
    n = strlen(origin);
    return n >= rp && strcmp(origin + n - rp, rp_id) == 0 && (n == rp || origin[n - rp - 1] == '.');
}

static const char *check_client_data(const struct webauthn_want *w, struct span data,
                                     struct arena *a)
{
    json_t *o = json_loadb((const char *)data.p, data.n, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong = NULL;

    if (!json_is_object(o))
        wrong = "clientDataJSON is not a JSON object";
    else if (!is_text(o, "type", "webauthn.get"))
        wrong = "type is not webauthn.get";
    else if (!span_eq(field(o, "challenge", a), w->challenge))
        wrong = "another challenge";
    else if (!origin_fits(json_string_value(json_object_get(o, "origin")), w->rp_id))
        wrong = "another origin";
    json_decref(o);
    return wrong;
}

static const char *check_auth_data(const struct webauthn_want *w, struct span data)
{
    uint8_t rp[SHA256_BYTES];

    sha256(span_cstr(w->rp_id), rp);
    if (data.n < AUTH_DATA_MIN)
        return "authenticatorData is too short";
    if (memcmp(data.p, rp, sizeof rp) != 0)
        return "another relying party";
    if ((data.p[SHA256_BYTES] & FLAG_PRESENT) == 0)
        return "nobody was present";
    if ((data.p[SHA256_BYTES] & FLAG_VERIFIED) == 0)
        return "the user was not verified";
    return NULL;
}

static const char *check_response(const struct webauthn_want *w, const json_t *r, struct arena *a)
{
    struct span client = field(r, "clientDataJSON", a), sig = field(r, "signature", a);
    struct span auth = field(r, "authenticatorData", a);

    if (!client.p || !auth.p || !sig.p)
        return "clientDataJSON, authenticatorData or signature is missing";
    const char *wrong = check_client_data(w, client, a);
    if (!wrong)
        wrong = check_auth_data(w, auth);
    if (wrong)
        return wrong;
    uint8_t *message = arena_alloc(a, auth.n + SHA256_BYTES);
    if (!message)
        return "out of memory";
    memcpy(message, auth.p, auth.n);
    sha256(client, message + auth.n);
    return p256_verify(w->key, SPAN(message, auth.n + SHA256_BYTES), sig)
               ? NULL
               : "the signature does not verify";
}

const char *webauthn_check(const struct webauthn_want *w, struct span json, struct arena *a)
{
    json_t *o = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong;

    if (!json_is_object(o))
        wrong = "not a JSON object";
    else if (!is_text(o, "type", "public-key"))
        wrong = "type is not public-key";
    else if (!span_eq(field(o, "rawId", a), w->credential_id) ||
             !span_eq(field(o, "id", a), w->credential_id))
        wrong = "another credential";
    else
        wrong = check_response(w, json_object_get(o, "response"), a);
    json_decref(o);
    return wrong;
}
