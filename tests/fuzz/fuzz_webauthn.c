/* The foreign bytes of the passkey step. The first byte chooses: WhatsApp's challenge, a browser's
 * answer to a fixed challenge, or what the phone sends. */
#include <stdlib.h>

#include "bridge/pair/webauthn.h"
#include "proto/passkey_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void challenge(struct span in, struct arena *a)
{
    struct webauthn_request r, again;

    if (webauthn_request_parse(in, a, &r) != WB_OK)
        return;
    if (r.challenge.n == 0 || r.rp_id.n == 0 || r.nallowed > WEBAUTHN_ALLOWED_MAX ||
        r.timeout_ms < 0 || !span_eq(r.json, in))
        abort();
    if (webauthn_request_parse(r.json, a, &again) != WB_OK ||
        !span_eq(r.challenge, again.challenge))
        abort();
}

static void answer(struct span in, struct arena *a)
{
    static const char fixed[] =
        "{\"challenge\":\"AAECAwQFBgcICQoLDA0ODw\",\"rpId\":\"whatsapp.com\"}";
    struct webauthn_request r;
    struct webauthn_assertion v, again;
    const char *problem = NULL;

    if (webauthn_request_parse(span_cstr(fixed), a, &r) != WB_OK)
        abort();
    if (webauthn_assertion_parse(in, &r, a, &v, &problem) != WB_OK) {
        if (!problem)
            abort();
        return;
    }
    /* Our own output is accepted again, unchanged. */
    if (v.id.n == 0 || v.id.n > WEBAUTHN_ID_MAX ||
        webauthn_assertion_parse(v.json, &r, a, &again, &problem) != WB_OK ||
        !span_eq(v.json, again.json) || !span_eq(v.id, again.id))
        abort();
}

static void phone(struct span in, struct arena *a)
{
    struct passkey_phone_identity v;

    (void)!passkey_phone_identity_decode(in, a, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(PASSKEY_ARENA_MAX);
    struct span in = SPAN(data + 1, size - 1);

    if (size > 0) {
        if (data[0] % 3 == 0)
            challenge(in, &a);
        else if (data[0] % 3 == 1)
            answer(in, &a);
        else
            phone(in, &a);
    }
    arena_free(&a);
    return 0;
}
