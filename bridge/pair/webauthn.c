#include "bridge/pair/webauthn.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "crypto/prim_hash.h"

/* authenticatorData (WebAuthn, section 6.1): hash of the rpId, flags, counter. */
enum { AUTH_DATA_MIN = 37, FLAG_PRESENT = 0x01, FLAG_VERIFIED = 0x04 };

#define CLIENT_TYPE "webauthn.get"

static struct span text_of(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);

    return json_is_string(v) ? SPAN(json_string_value(v), json_string_length(v)) : SPAN_NULL;
}

/* A base64url member, decoded into the arena; SPAN_NULL when it is absent, empty or no
 * base64url. */
static struct span bytes_of(const json_t *o, const char *name, struct arena *a)
{
    struct span text = text_of(o, name);
    uint8_t *out = text.n > 0 ? arena_alloc(a, text.n) : NULL;
    size_t n;

    if (!out || b64url_decode(text, out, text.n, &n) != WB_OK || n == 0)
        return SPAN_NULL;
    return SPAN(out, n);
}

static json_t *load(struct span json, enum wb_err *ret_err)
{
    json_t *o = NULL;

    if (json.n > WEBAUTHN_JSON_MAX) {
        *ret_err = WB_ERR_TOO_LARGE;
        return NULL;
    }
    /* jansson bounds the depth (2048) and wants valid UTF-8. */
    o = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
    *ret_err = json_is_object(o) ? WB_OK : WB_ERR_MALFORMED;
    if (*ret_err == WB_OK)
        return o;
    json_decref(o);
    return NULL;
}

/* ---- the challenge ---- */

static enum wb_err take_allowed(const json_t *list, struct arena *a, struct webauthn_request *r)
{
    size_t n = json_array_size(list);

    if (list && !json_is_null(list) && !json_is_array(list))
        return WB_ERR_MALFORMED;
    if (n > WEBAUTHN_ALLOWED_MAX)
        return WB_ERR_TOO_LARGE;
    if (n == 0)
        return WB_OK;
    r->allowed = arena_alloc(a, n * sizeof *r->allowed);
    if (!r->allowed)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        r->allowed[i] = bytes_of(json_array_get(list, i), "id", a);
        if (span_is_null(r->allowed[i]))
            return WB_ERR_MALFORMED;
    }
    r->nallowed = n;
    return WB_OK;
}

enum wb_err webauthn_request_parse(struct span json, struct arena *a,
                                   struct webauthn_request *ret_r)
{
    struct webauthn_request r = {0};
    enum wb_err err;
    json_t *o = load(json, &err);
    const json_t *timeout;

    TRY(err);
    r.challenge = bytes_of(o, "challenge", a);
    r.rp_id = arena_copy(a, text_of(o, "rpId"));
    if (span_is_null(r.challenge) || r.rp_id.n == 0) {
        err = WB_ERR_MALFORMED;
        goto out;
    }
    TRY(take_allowed(json_object_get(o, "allowCredentials"), a, &r));
    r.verify_user = span_eq_cstr(text_of(o, "userVerification"), "required");
    timeout = json_object_get(o, "timeout");
    if (json_is_integer(timeout) && json_integer_value(timeout) > 0)
        r.timeout_ms = json_integer_value(timeout);
    r.json = arena_copy(a, json);
    if (span_is_null(r.json)) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    *ret_r = r;
out:
    json_decref(o);
    return err;
}

/* ---- the answer ---- */

/* Is host the domain or below it? */
static bool host_within(struct span host, struct span domain)
{
    if (host.n < domain.n || !span_eq(span_skip(host, host.n - domain.n), domain))
        return false;
    return host.n == domain.n || host.p[host.n - domain.n - 1] == '.';
}

static bool origin_fits(struct span origin, struct span rp_id)
{
    static const char https[] = "https://";
    const size_t n = sizeof https - 1;

    if (origin.n <= n || memcmp(origin.p, https, n) != 0)
        return false;
    /* A relying party may name sites outside of its domain; WhatsApp's own domain is always
     * accepted. */
    return host_within(span_skip(origin, n), rp_id) ||
           host_within(span_skip(origin, n), SPAN_LIT("whatsapp.com"));
}

static const char *check_client_data(struct span data, const struct webauthn_request *r,
                                     struct arena *a)
{
    const char *problem = NULL;
    enum wb_err err;
    json_t *o = load(data, &err);

    if (err != WB_OK)
        problem = "clientDataJSON is not a JSON object";
    else if (!span_eq_cstr(text_of(o, "type"), CLIENT_TYPE))
        problem = "this is no answer to a request for a passkey (its type is not " CLIENT_TYPE ")";
    else if (!span_eq(bytes_of(o, "challenge", a), r->challenge))
        problem = "this answers another challenge: run the snippet of the current one";
    else if (!origin_fits(text_of(o, "origin"), r->rp_id))
        problem = "this was made at another site: run the snippet at https://web.whatsapp.com";
    json_decref(o);
    return problem;
}

static const char *check_auth_data(struct span data, const struct webauthn_request *r)
{
    uint8_t rp_hash[SHA256_BYTES];
    uint8_t flags = data.p[SHA256_BYTES];

    sha256(r->rp_id, rp_hash);
    if (memcmp(data.p, rp_hash, sizeof rp_hash) != 0)
        return "this passkey belongs to another site than WhatsApp";
    if (!(flags & FLAG_PRESENT) || (r->verify_user && !(flags & FLAG_VERIFIED)))
        return "the authenticator has not verified its owner (PIN, fingerprint or face)";
    return NULL;
}

static bool is_allowed(struct span id, const struct webauthn_request *r)
{
    for (size_t i = 0; i < r->nallowed; i++)
        if (span_eq(id, r->allowed[i]))
            return true;
    return r->nallowed == 0;
}

struct parts {
    struct span id, client_data, auth_data, signature, user_handle;
};

/* NULL: all parts are there. */
static const char *take_parts(const json_t *o, struct arena *a, struct parts *ret_p)
{
    const json_t *response = json_object_get(o, "response");
    const json_t *handle = json_object_get(response, "userHandle");
    struct parts p = {
        .id = bytes_of(o, "rawId", a),
        .client_data = bytes_of(response, "clientDataJSON", a),
        .auth_data = bytes_of(response, "authenticatorData", a),
        .signature = bytes_of(response, "signature", a),
        .user_handle = bytes_of(response, "userHandle", a),
    };

    if (!span_eq_cstr(text_of(o, "type"), "public-key"))
        return "'type' must be \"public-key\"";
    if (span_is_null(p.id) || p.id.n > WEBAUTHN_ID_MAX || !span_eq(bytes_of(o, "id", a), p.id))
        return "'id' and 'rawId' must be the credential's id in base64url";
    if (span_is_null(p.client_data) || span_is_null(p.signature) || p.auth_data.n < AUTH_DATA_MIN)
        return "'response' must hold clientDataJSON, authenticatorData and signature in base64url";
    if (handle && !json_is_null(handle) && span_is_null(p.user_handle))
        return "'response.userHandle' must be base64url or null";
    *ret_p = p;
    return NULL;
}

static void put(struct buf *out, const char *name, struct span bytes)
{
    buf_printf(out, "\"%s\":\"", name);
    buf_b64url(out, bytes, false);
    buf_append_cstr(out, "\"");
}

/* Members and order as whatsmeow of 2026-08 sends them (P-PR-32). */
static void write_json(const struct parts *p, struct buf *out)
{
    buf_append_cstr(out, "{");
    put(out, "id", p->id);
    buf_append_cstr(out, ",");
    put(out, "rawId", p->id);
    buf_append_cstr(out, ",\"type\":\"public-key\",\"response\":{");
    put(out, "clientDataJSON", p->client_data);
    buf_append_cstr(out, ",");
    put(out, "authenticatorData", p->auth_data);
    buf_append_cstr(out, ",");
    put(out, "signature", p->signature);
    buf_append_cstr(out, ",");
    if (span_is_null(p->user_handle))
        buf_append_cstr(out, "\"userHandle\":null");
    else
        put(out, "userHandle", p->user_handle);
    buf_append_cstr(out, "}}");
}

enum wb_err webauthn_assertion_parse(struct span json, const struct webauthn_request *r,
                                     struct arena *a, struct webauthn_assertion *ret_v,
                                     const char **ret_problem)
{
    struct buf text = buf_new(2 * WEBAUTHN_JSON_MAX);
    const char *problem = "this is not the JSON of a credential";
    struct webauthn_assertion v;
    struct parts p;
    enum wb_err err;
    json_t *o = load(json, &err);

    if (err == WB_OK) {
        problem = take_parts(o, a, &p);
        err = problem ? WB_ERR_MALFORMED : WB_OK;
    }
    if (err == WB_OK) {
        problem = is_allowed(p.id, r) ? check_client_data(p.client_data, r, a)
                                      : "this is another passkey than WhatsApp asks for";
        if (!problem)
            problem = check_auth_data(p.auth_data, r);
        err = problem ? WB_ERR_REFUSED : WB_OK;
    }
    if (err != WB_OK) {
        *ret_problem = problem;
        goto out;
    }
    write_json(&p, &text);
    TRY(buf_err(&text));
    v.id = p.id;
    v.json = arena_copy(a, buf_span(&text));
    if (span_is_null(v.json)) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    *ret_v = v;
out:
    buf_free(&text);
    json_decref(o);
    return err;
}
