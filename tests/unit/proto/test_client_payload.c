/* What our client payload says, against the bytes of whatsmeow (P-HS-17..24). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/client_payload.h"
#include "tests/unit/proto/wire_vectors.h"

static const struct client_version version = {2, 3000, 1045649367};

static void login_is_as_whatsmeow_sends_it(void **state)
{
    (void)state;
    struct buf out = buf_new(1024);
    struct arena a = arena_new(1 << 16);
    struct client_payload p;

    assert_int_equal(client_payload_login(version, 27820000001, 12, &out), WB_OK);
    assert_hex(&out, VECTOR_LOGIN);
    assert_int_equal(client_payload_decode(buf_span(&out), &a, &p), WB_OK);
    assert_true(p.has_username && p.username == 27820000001);
    assert_true(p.has_device && p.device == 12);
    assert_true(p.passive && p.pull && p.lid_db_migrated);
    assert_int_equal(p.login_counter, 1);
    assert_int_equal(p.platform, 14);
    assert_int_equal(p.version.tertiary, 1045649367);
    assert_false(p.registers);
    buf_free(&out);
    arena_free(&a);
}

static struct client_pairing pairing(void)
{
    struct client_pairing p = {.registration_id = 0xdeadbeef, .signed_prekey_id = 1};

    counting(p.identity, 32, 1);
    counting(p.signed_prekey, 32, 0x41);
    counting(p.signed_prekey_sig, 64, 0x80);
    /* MD5 of "2.3000.1045649367" (P-TV-15) */
    struct buf hash = vector_bytes("9fa53af9421567b114e33c9bb1ef7db2");
    memcpy(p.build_hash, hash.p, sizeof p.build_hash);
    buf_free(&hash);
    p.props.os = SPAN_LIT("whatsmeow");
    p.props.app = (struct client_version){0, 1, 0};
    p.props.platform = CLIENT_PLATFORM_UNKNOWN;
    return p;
}

static void registration_is_as_whatsmeow_sends_it(void **state)
{
    (void)state;
    struct client_pairing in = pairing();
    struct buf out = buf_new(4096);
    struct arena a = arena_new(1 << 16);
    struct client_payload p;

    assert_int_equal(client_payload_registration(version, &in, &out), WB_OK);
    assert_hex(&out, VECTOR_REGISTRATION);
    assert_int_equal(client_payload_decode(buf_span(&out), &a, &p), WB_OK);
    assert_true(p.registers && p.has_passive && !p.passive && p.has_pull && !p.pull);
    assert_false(p.has_username);
    assert_int_equal(p.pairing.registration_id, 0xdeadbeef);
    assert_int_equal(p.pairing.signed_prekey_id, 1);
    assert_memory_equal(p.pairing.identity, in.identity, 32);
    assert_memory_equal(p.pairing.build_hash, in.build_hash, 16);
    assert_span(p.pairing.props.os, "whatsmeow");
    assert_false(p.pairing.props.full_sync);
    buf_free(&out);
    arena_free(&a);
}

static void full_sync_and_names_travel(void **state)
{
    (void)state;
    struct client_pairing in = pairing();
    struct buf out = buf_new(4096);
    struct arena a = arena_new(1 << 16);
    struct client_payload p;

    in.props.full_sync = true;
    in.props.os = SPAN_LIT("Depot bridge");
    in.props.platform = CLIENT_PLATFORM_DESKTOP;
    assert_int_equal(client_payload_registration(version, &in, &out), WB_OK);
    assert_int_equal(client_payload_decode(buf_span(&out), &a, &p), WB_OK);
    assert_true(p.pairing.props.full_sync);
    assert_span(p.pairing.props.os, "Depot bridge");
    assert_int_equal(p.pairing.props.platform, 7);
    in.signed_prekey_id = 1 << 24;
    buf_clear(&out);
    assert_int_equal(client_payload_registration(version, &in, &out), WB_ERR_INVALID);
    assert_int_equal(out.n, 0);
    buf_free(&out);
    arena_free(&a);
}

static void version_text(void **state)
{
    (void)state;
    char text[CLIENT_VERSION_TEXT_MAX];

    assert_string_equal(client_version_text(version, text), "2.3000.1045649367");
}

static void broken_payloads_are_refused(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    struct client_payload p;
    struct buf good = vector_bytes(VECTOR_REGISTRATION);

    assert_int_equal(client_payload_decode(SPAN_LIT(""), &a, &p), WB_ERR_MALFORMED);
    /* The identity inside the pairing data begins after 22 20 -> make it 31 bytes long by the
     * length byte: the parse then derails or the size is wrong, never accepted. */
    for (size_t i = 0; i + 1 < good.n; i++) {
        if (good.p[i] == 0x1a && good.p[i + 1] == 0x20) {
            good.p[i + 1] = 0x1f;
            break;
        }
    }
    assert_int_not_equal(client_payload_decode(buf_span(&good), &a, &p), WB_OK);
    buf_free(&good);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_is_as_whatsmeow_sends_it),
        cmocka_unit_test(registration_is_as_whatsmeow_sends_it),
        cmocka_unit_test(full_sync_and_names_travel),
        cmocka_unit_test(version_text),
        cmocka_unit_test(broken_payloads_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
