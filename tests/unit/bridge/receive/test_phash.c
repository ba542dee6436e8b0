/* Participant hashes and message ids against the published values (P-TV-02, P-TV-17). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/text.h"
#include "bridge/core/msgid.h"
#include "bridge/people/phash.h"
#include "bridge/receive/in_message_decrypt.h"

static struct jid jid(const char *text)
{
    struct jid j;

    assert_int_equal(jid_parse_cstr(text, &j), WB_OK);
    return j;
}

static void phash_vectors(void **state)
{
    (void)state;
    char text[PHASH_TEXT_BYTES];
    struct jid lids[] = {jid("15550002:3@lid"), jid("15550001@lid")};
    struct jid pns[] = {jid("4915187654321@s.whatsapp.net"), jid("4915112345678:12@s.whatsapp.net"),
                        jid("4915112345678@s.whatsapp.net")};

    assert_int_equal(phash_of(NULL, 0, text), WB_OK);
    assert_string_equal(text, "2:47DEQpj8");
    assert_int_equal(phash_of(lids, 2, text), WB_OK);
    assert_string_equal(text, "2:j5Q9m8iN");
    assert_int_equal(phash_of(pns, 3, text), WB_OK);
    assert_string_equal(text, "2:skvAUO7A");
}

static void zeros(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
}

static void message_id_vector(void **state)
{
    (void)state;
    const struct rng rng = {zeros, NULL};
    struct jid own = jid("15550001:4@s.whatsapp.net");
    char id[MSGID_BYTES];

    msgid_new(1700000000, &own, &rng, id);
    assert_string_equal(id, "3EB0D25029EF686A5953F7");
}

/* The key under which a ciphertext is remembered. */
static void ciphertext_key_vector(void **state)
{
    (void)state;
    static const char want[] = "62195c3ae45051fed0ca41894259736014d5c57ae383a6e325207f4a60f57e8e";
    struct in_message m = {.address = jid("15550001:3@lid"), .chat = jid("1@g.us")};
    struct in_enc e = {.type = IN_ENC_MSG};
    uint8_t k[32], hash[32], expected[32], other[32];
    size_t n;

    for (uint8_t i = 0; i < sizeof k; i++)
        k[i] = i;
    e.bytes = SPAN_ARRAY(k);
    assert_int_equal(hex_decode(span_cstr(want), expected, sizeof expected, &n), WB_OK);
    in_message_decrypt_enc_hash(&m, &e, hash);
    assert_memory_equal(hash, expected, sizeof hash);
    e.type = IN_ENC_PKMSG;
    in_message_decrypt_enc_hash(&m, &e, other);
    assert_memory_not_equal(other, hash, sizeof hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phash_vectors),
        cmocka_unit_test(message_id_vector),
        cmocka_unit_test(ciphertext_key_vector),
    };

    if (secret_init() != WB_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
