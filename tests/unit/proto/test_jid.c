/* Addresses: text forms, hash forms, Signal forms, phone numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/jid.h"

static struct jid parse(const char *text)
{
    struct jid j = {0};

    assert_int_equal(jid_parse_cstr(text, &j), WB_OK);
    return j;
}

static void text_forms_go_round(void **state)
{
    static const struct {
        const char *in, *out, *ad, *signal;
        enum jid_server server;
        unsigned device;
    } cases[] = {
        {"27820000001@s.whatsapp.net", "27820000001@s.whatsapp.net",
         "27820000001.0:0@s.whatsapp.net", "27820000001:0", JID_PN, 0},
        {"27820000001@c.us", "27820000001@s.whatsapp.net", "27820000001.0:0@s.whatsapp.net",
         "27820000001:0", JID_PN, 0},
        {"27820000001:12@s.whatsapp.net", "27820000001:12@s.whatsapp.net",
         "27820000001.0:12@s.whatsapp.net", "27820000001:12", JID_PN, 12},
        {"27820000001.0:7@s.whatsapp.net", "27820000001:7@s.whatsapp.net",
         "27820000001.0:7@s.whatsapp.net", "27820000001:7", JID_PN, 7},
        {"27820000001.2:7@s.whatsapp.net", "27820000001.2:7@s.whatsapp.net",
         "27820000001.2:7@s.whatsapp.net", "27820000001:7", JID_PN, 7},
        {"27820000001.2@s.whatsapp.net", "27820000001.2:0@s.whatsapp.net",
         "27820000001.2:0@s.whatsapp.net", "27820000001:0", JID_PN, 0},
        {"8812:3@lid", "8812:3@lid", "8812.0:3@lid", "8812_1:3", JID_LID, 3},
        {"8812:99@hosted", "8812:99@hosted", "8812.0:99@hosted", "8812_128:99", JID_HOSTED, 99},
        {"8812:99@hosted.lid", "8812:99@hosted.lid", "8812.0:99@hosted.lid", "8812_129:99",
         JID_HOSTED_LID, 99},
        {"120363000000000001@g.us", "120363000000000001@g.us", "120363000000000001.0:0@g.us",
         "120363000000000001:0", JID_GROUP, 0},
        {"27820000001-1500000000@g.us", "27820000001-1500000000@g.us",
         "27820000001-1500000000.0:0@g.us", "27820000001-1500000000:0", JID_GROUP, 0},
        {"status@broadcast", "status@broadcast", "status.0:0@broadcast", "status:0", JID_BROADCAST,
         0},
        {"1@newsletter", "1@newsletter", "1.0:0@newsletter", "1:0", JID_NEWSLETTER, 0},
        {"867051314767696@bot", "867051314767696@bot", "867051314767696.0:0@bot",
         "867051314767696:0", JID_BOT, 0},
        {"7:65535@msgr", "7:65535@msgr", "7.0:65535@msgr", "7:65535", JID_MSGR, 65535},
        {"ABC@call", "ABC@call", "ABC.0:0@call", "ABC:0", JID_CALL, 0},
    };
    char text[JID_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jid j = parse(cases[i].in);

        assert_int_equal(j.server, cases[i].server);
        assert_int_equal(j.device, cases[i].device);
        assert_string_equal(jid_text(&j, text), cases[i].out);
        assert_string_equal(jid_ad_text(&j, text), cases[i].ad);
        assert_string_equal(jid_signal_address(&j, text), cases[i].signal);
    }
}

static void bare_servers(void **state)
{
    char text[JID_TEXT_MAX];
    struct jid j = parse("s.whatsapp.net");

    (void)state;
    assert_int_equal(j.server, JID_PN);
    assert_string_equal(j.user, "");
    assert_string_equal(jid_text(&j, text), "s.whatsapp.net");
    assert_false(jid_is_person(&j));
    j = parse("@s.whatsapp.net");
    assert_string_equal(jid_text(&j, text), "s.whatsapp.net");
    j = jid_server_only(JID_GROUP);
    assert_string_equal(jid_text(&j, text), "g.us");
    j = (struct jid){0};
    assert_true(jid_is_none(&j));
    assert_string_equal(jid_text(&j, text), "");
}

static void bad_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "@",
        "27820000001",
        "27820000001@",
        "27820000001@example.org",
        "27820000001@S.WHATSAPP.NET",
        ":3@lid",
        ".0:3@lid",
        "1:@lid",
        "1:-3@lid",
        "1:+3@lid",
        "1: 3@lid",
        "1:65536@lid",
        "1.256:3@lid",
        "1.:3@lid",
        "1:3.0@lid",
        "1:3:4@lid",
        "1.2.3@lid",
        "a@b@lid",
        "1 2@lid",
        "1\n@lid",
        "1234567890123456789012345678901234567890123456789012345678901234@lid",
    };
    struct jid j = {.device = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (jid_parse_cstr(bad[i], &j) != WB_ERR_MALFORMED)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(jid_parse(SPAN_LIT("1\0@lid"), &j), WB_ERR_MALFORMED);
    assert_int_equal(j.device, 77); /* untouched */
}

static void make_checks_its_user(void **state)
{
    char longest[JID_USER_MAX + 1];
    struct jid j;

    (void)state;
    memset(longest, '1', sizeof longest);
    assert_int_equal(jid_make(SPAN(longest, JID_USER_MAX), JID_LID, 65535, &j), WB_OK);
    assert_int_equal(strlen(j.user), JID_USER_MAX);
    j.agent = 255;
    char text[JID_TEXT_MAX];
    j.server = JID_PN;
    assert_int_equal(strlen(jid_text(&j, text)),
                     JID_USER_MAX + strlen(".255:65535@s.whatsapp.net"));
    assert_int_equal(jid_make(SPAN(longest, sizeof longest), JID_LID, 0, &j), WB_ERR_TOO_LARGE);
    assert_int_equal(jid_make(SPAN_LIT("a@b"), JID_LID, 0, &j), WB_ERR_INVALID);
    assert_int_equal(jid_make(SPAN_LIT("a:1"), JID_LID, 0, &j), WB_ERR_INVALID);
    assert_int_equal(jid_make(SPAN_LIT("a.1"), JID_LID, 0, &j), WB_ERR_INVALID);
    assert_int_equal(jid_make(SPAN_LIT("a"), JID_NONE, 0, &j), WB_ERR_INVALID);
}

static void signal_addresses_are_read(void **state)
{
    static const char *const good[] = {"27820000001@s.whatsapp.net", "27820000001:3@s.whatsapp.net",
                                       "8812:3@lid", "8812:99@hosted", "8812@hosted.lid"};
    static const char *const bad[] = {"",         "8812", "8812:", "8812_2:3",     "8812_0:3",
                                      "8812_x:3", "_1:3", ":3",    "8812_1:65536", "8812_256:1",
                                      "88@12_1:3"};
    char text[JID_TEXT_MAX];
    struct jid j = {.device = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (jid_from_signal_address(span_cstr(bad[i]), &j) != WB_ERR_MALFORMED)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(j.device, 77);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct jid want = parse(good[i]);
        const char *address = jid_signal_address(&want, text);

        assert_int_equal(jid_from_signal_address(span_cstr(address), &j), WB_OK);
        assert_true(jid_eq(&want, &j));
    }
}

static void parts_and_order(void **state)
{
    struct jid a = parse("8812:3@lid"), b = parse("8812@lid"), c = parse("8813@lid");
    struct jid h = parse("5:99@hosted"), hl = parse("5:99@hosted.lid"), g = parse("5@g.us");

    (void)state;
    assert_true(jid_same_user(&a, &b));
    assert_false(jid_eq(&a, &b));
    assert_false(jid_same_user(&b, &c));
    assert_true(jid_cmp(&b, &a) < 0 && jid_cmp(&a, &b) > 0 && jid_cmp(&a, &a) == 0);
    assert_true(jid_cmp(&a, &c) < 0);
    struct jid bare = jid_bare(a), with = jid_with_device(b, 3);
    assert_true(jid_eq(&bare, &b));
    assert_true(jid_eq(&with, &a));
    struct jid uh = jid_unhosted(h), uhl = jid_unhosted(hl), ug = jid_unhosted(g);
    assert_int_equal(uh.server, JID_PN);
    assert_int_equal(uh.device, 99);
    assert_int_equal(uhl.server, JID_LID);
    assert_true(jid_eq(&ug, &g));
    assert_true(jid_is_person(&a) && jid_is_person(&h) && jid_is_person(&hl));
    assert_false(jid_is_person(&g));
    assert_int_equal(jid_domain(&a), 1);
    assert_int_equal(jid_domain(&h), 128);
    assert_int_equal(jid_domain(&hl), 129);
    assert_int_equal(jid_domain(&g), 0);
}

static void phone_numbers(void **state)
{
    static const char *const good[] = {"+27820000001", "27820000001", "+27 82 000 0001",
                                       "27-82-000-0001", "+27 (82) 000.0001"};
    static const char *const bad[] = {"",
                                      "+",
                                      "0820000001",
                                      "+0820000001",
                                      "123456",
                                      "1234567890123456",
                                      "27820000001x",
                                      "2+7820000001",
                                      "++27820000001",
                                      "27820000001@s.whatsapp.net",
                                      "27\t820000001"};
    struct jid j;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        j = (struct jid){0};
        assert_int_equal(jid_from_phone(span_cstr(good[i]), &j), WB_OK);
        assert_string_equal(j.user, "27820000001");
        assert_int_equal(j.server, JID_PN);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (jid_from_phone(span_cstr(bad[i]), &j) != WB_ERR_INVALID)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(jid_from_phone(SPAN_LIT("2782000\0"
                                             "0001"),
                                    &j),
                     WB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_forms_go_round),
        cmocka_unit_test(bare_servers),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(make_checks_its_user),
        cmocka_unit_test(signal_addresses_are_read),
        cmocka_unit_test(parts_and_order),
        cmocka_unit_test(phone_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
