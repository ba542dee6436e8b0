/* App state records: which bytes their MAC covers, by the operation (P-AS-10, P-AS-11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/appstate_crypt.h"
#include "crypto/prim_hash.h"

static const uint8_t secret[APPSTATE_SECRET_BYTES] = {7, 1}, iv[16] = {9};

static struct buf sealed(const struct appstate_keys *k, enum appstate_op op)
{
    struct buf b = buf_new(4096);

    assert_int_equal(
        appstate_value_seal(k, op, SPAN_LIT("key id"), iv, SPAN_LIT("somebody's name"), &b), WB_OK);
    return b;
}

/* The head is 1 for a set and 2 for a removal, the tail the length of head and key id. */
static void the_mac_names_the_operation(void **state)
{
    static const uint8_t length[8] = {0, 0, 0, 0, 0, 0, 0, 7};
    struct appstate_keys k;

    (void)state;
    appstate_keys_expand(secret, &k);
    for (int op = 0; op < 2; op++) {
        const uint8_t head = op == 0 ? 1 : 2;
        struct buf b = sealed(&k, op == 0 ? APPSTATE_SET : APPSTATE_REMOVE);
        struct span body = span_first(buf_span(&b), b.n - APPSTATE_MAC_LEN);
        uint8_t mac[SHA512_BYTES];

        hmac_sha512_v(SPAN_ARRAY(k.value_mac),
                      (struct span[]){SPAN(&head, 1), SPAN_LIT("key id"), body, SPAN_ARRAY(length)},
                      4, mac);
        assert_memory_equal(body.p + body.n, mac, APPSTATE_MAC_LEN);
        buf_free(&b);
    }
}

static void a_set_is_no_removal(void **state)
{
    struct buf plain = buf_new(4096), b;
    struct appstate_keys k;

    (void)state;
    appstate_keys_expand(secret, &k);
    b = sealed(&k, APPSTATE_SET);
    assert_int_equal(
        appstate_value_open(&k, APPSTATE_REMOVE, SPAN_LIT("key id"), buf_span(&b), &plain),
        WB_ERR_BAD_MAC);
    assert_int_equal(
        appstate_value_open(&k, APPSTATE_SET, SPAN_LIT("key id"), buf_span(&b), &plain), WB_OK);
    assert_string_equal(buf_cstr(&plain), "somebody's name");
    buf_free(&plain);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mac_names_the_operation),
        cmocka_unit_test(a_set_is_no_removal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
