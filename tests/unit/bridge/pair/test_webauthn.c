/* WhatsApp's challenge and the browser's answer: which are accepted, which are refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/text.h"
#include "bridge/pair/webauthn.h"
#include "crypto/prim_hash.h"

#define CHALLENGE "AAECAwQFBgcICQoLDA0ODw"
#define REQUEST                                                                                    \
    "{\"challenge\":\"" CHALLENGE "\",\"timeout\":60000,\"rpId\":\"whatsapp.com\","                \
    "\"allowCredentials\":[{\"id\":\"AQID\",\"type\":\"public-key\"},{\"id\":\"BAUG\"}],"          \
    "\"userVerification\":\"required\",\"extensions\":{}}"

static struct arena arena;

static enum wb_err parse(const char *json, struct webauthn_request *ret_r)
{
    arena_reset(&arena);
    return webauthn_request_parse(span_cstr(json), &arena, ret_r);
}

static void challenges(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"challenge\":\"AAEC\"}",
        "{\"rpId\":\"whatsapp.com\"}",
        "{\"challenge\":\"\",\"rpId\":\"whatsapp.com\"}",
        "{\"challenge\":\"a+b/\",\"rpId\":\"whatsapp.com\"}",
        "{\"challenge\":7,\"rpId\":\"whatsapp.com\"}",
        "{\"challenge\":\"AAEC\",\"rpId\":\"\"}",
        "{\"challenge\":\"AAEC\",\"challenge\":\"AAEC\",\"rpId\":\"whatsapp.com\"}",
        "{\"challenge\":\"AAEC\",\"rpId\":\"w\",\"allowCredentials\":{}}",
        "{\"challenge\":\"AAEC\",\"rpId\":\"w\",\"allowCredentials\":[{}]}",
        "{\"challenge\":\"AAEC\",\"rpId\":\"\xff\"}",
    };
    struct webauthn_request r;
    struct buf many = buf_new(1 << 20);

    assert_int_equal(parse(REQUEST, &r), WB_OK);
    assert_true(span_eq_cstr(r.json, REQUEST));
    assert_int_equal(r.challenge.n, 16);
    assert_int_equal(r.challenge.p[15], 15);
    assert_true(span_eq_cstr(r.rp_id, "whatsapp.com"));
    assert_true(r.verify_user);
    assert_int_equal(r.timeout_ms, 60000);
    assert_int_equal(r.nallowed, 2);
    assert_true(span_eq_cstr(r.allowed[1], "\x04\x05\x06"));
    assert_int_equal(parse("{\"challenge\":\"AAEC\",\"rpId\":\"w\",\"timeout\":-1,"
                           "\"allowCredentials\":null}",
                           &r),
                     WB_OK);
    assert_true(r.timeout_ms == 0 && r.nallowed == 0 && !r.verify_user);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i], &r), WB_ERR_MALFORMED);

    buf_append_cstr(&many, "{\"challenge\":\"AAEC\",\"rpId\":\"w\",\"allowCredentials\":[");
    for (int i = 0; i <= WEBAUTHN_ALLOWED_MAX; i++)
        buf_append_cstr(&many, i ? ",{\"id\":\"AQID\"}" : "{\"id\":\"AQID\"}");
    buf_append_cstr(&many, "]}");
    assert_int_equal(parse(buf_cstr(&many), &r), WB_ERR_TOO_LARGE);
    while (many.n <= WEBAUTHN_JSON_MAX)
        buf_append_cstr(&many, " ");
    assert_int_equal(parse(buf_cstr(&many), &r), WB_ERR_TOO_LARGE);
    buf_free(&many);
}

/* ---- answers ---- */

struct browser {
    const char *type, *challenge, *origin, *rp_id, *id, *handle; /* NULL: as it should be */
    uint8_t flags;                                               /* 0: present and verified */
};

static enum wb_err answer(const struct browser *w, const char *request,
                          struct webauthn_assertion *ret_v, const char **ret_problem)
{
    struct buf client = buf_new(4096), json = buf_new(65536);
    struct webauthn_request r;
    uint8_t data[37] = {0};
    enum wb_err err;

    assert_int_equal(parse(request, &r), WB_OK);
    buf_printf(&client, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\"}",
               w->type ? w->type : "webauthn.get", w->challenge ? w->challenge : CHALLENGE,
               w->origin ? w->origin : "https://web.whatsapp.com");
    sha256(span_cstr(w->rp_id ? w->rp_id : "whatsapp.com"), data);
    data[32] = w->flags ? w->flags : 5;
    buf_printf(&json,
               "{\"type\":\"public-key\",\"more\":[1],\"id\":\"%s\",\"rawId\":\"%s\","
               "\"response\":{\"signature\":\"c2ln\",\"userHandle\":%s,\"clientDataJSON\":\"",
               w->id ? w->id : "AQID", w->id ? w->id : "AQID", w->handle ? w->handle : "null");
    buf_b64url(&json, buf_span(&client), false);
    buf_append_cstr(&json, "\",\"authenticatorData\":\"");
    buf_b64url(&json, SPAN_ARRAY(data), true);
    buf_append_cstr(&json, "\"}}");
    err = webauthn_assertion_parse(buf_span(&json), &r, &arena, ret_v, ret_problem);
    buf_free(&client);
    buf_free(&json);
    return err;
}

static void good_answers(void **state)
{
    (void)state;
    static const struct browser good[] = {
        {0},
        {.handle = "\"b3duZXI\""},
        {.id = "BAUG"},
        {.origin = "https://whatsapp.com"},
        {.flags = 0x1d},
    };
    struct webauthn_assertion v;
    const char *problem = NULL;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(answer(&good[i], REQUEST, &v, &problem), WB_OK);
    assert_int_equal(answer(&good[1], REQUEST, &v, &problem), WB_OK);
    assert_true(span_eq_cstr(v.id, "\x01\x02\x03"));
    /* Exactly these members, in this order, without padding (P-PR-32). */
    assert_string_equal(
        (const char *)v.json.p,
        "{\"id\":\"AQID\",\"rawId\":\"AQID\",\"type\":\"public-key\",\"response\":{"
        "\"clientDataJSON\":\"eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFFQ0F3UUZCZ2NJQ1F"
        "vTERBME9EdyIsIm9yaWdpbiI6Imh0dHBzOi8vd2ViLndoYXRzYXBwLmNvbSJ9\","
        "\"authenticatorData\":\"6GiQbHMCCZZu_0CMVdeBYw_LPJ3pYenpc4tN0OD9Xn8FAAAAAA\","
        "\"signature\":\"c2ln\",\"userHandle\":\"b3duZXI\"}}");
    /* Without a list any passkey may answer; presence is enough where no more is asked for. */
    assert_int_equal(answer(&(struct browser){.id = "____", .flags = 1},
                            "{\"challenge\":\"" CHALLENGE "\",\"rpId\":\"whatsapp.com\"}", &v,
                            &problem),
                     WB_OK);
}

static void wrong_answers(void **state)
{
    (void)state;
    static const struct {
        struct browser w;
        const char *why;
    } wrong[] = {
        {{.type = "webauthn.create"}, "type"},
        {{.challenge = "AAEC"}, "another challenge"},
        {{.challenge = ""}, "another challenge"},
        {{.origin = "https://web.whatsapp.com.evil.example"}, "another site"},
        {{.origin = "https://evilwhatsapp.com"}, "another site"},
        {{.origin = "http://web.whatsapp.com"}, "another site"},
        {{.origin = "https://"}, "another site"},
        {{.rp_id = "web.whatsapp.com"}, "another site"},
        {{.id = "AQIE"}, "another passkey"},
        {{.flags = 1}, "verified"},
        {{.flags = 4}, "verified"},
    };
    struct webauthn_assertion v;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *problem = "";

        assert_int_equal(answer(&wrong[i].w, REQUEST, &v, &problem), WB_ERR_REFUSED);
        assert_non_null(strstr(problem, wrong[i].why));
    }
}

static void no_answers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "{}",
        "{\"type\":\"public-key\"}",
        "{\"type\":\"public-key\",\"id\":\"AQID\",\"rawId\":\"AQID\"}",
        "{\"type\":\"public-key\",\"id\":\"AQID\",\"rawId\":\"AQID\",\"response\":[]}",
        "{\"type\":\"public-key\",\"id\":\"AQID\",\"rawId\":\"AQIE\",\"response\":{}}",
        /* authenticatorData of 36 bytes */
        "{\"type\":\"public-key\",\"id\":\"AQID\",\"rawId\":\"AQID\",\"response\":{"
        "\"clientDataJSON\":\"e30\",\"signature\":\"c2ln\",\"authenticatorData\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
    };
    struct webauthn_request r;
    struct webauthn_assertion v;
    struct buf big = buf_new(1 << 20);

    assert_int_equal(parse(REQUEST, &r), WB_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *problem = NULL;

        assert_int_equal(webauthn_assertion_parse(span_cstr(bad[i]), &r, &arena, &v, &problem),
                         WB_ERR_MALFORMED);
        assert_non_null(problem);
    }
    while (big.n <= WEBAUTHN_JSON_MAX)
        buf_append_cstr(&big, "                ");
    const char *problem = NULL;
    assert_int_equal(webauthn_assertion_parse(buf_span(&big), &r, &arena, &v, &problem),
                     WB_ERR_TOO_LARGE);
    assert_non_null(problem);
    buf_free(&big);
    struct browser odd = {.handle = "7"};
    assert_int_equal(answer(&odd, REQUEST, &v, &problem), WB_ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges),
        cmocka_unit_test(good_answers),
        cmocka_unit_test(wrong_answers),
        cmocka_unit_test(no_answers),
    };
    int failed;

    if (secret_init() != WB_OK)
        return 1;
    arena = arena_new(PASSKEY_ARENA_MAX);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
