/* Questions about people and their answers (P-US-01..09). */
#include "tests/unit/bridge/people_fixture.h"

#include "bridge/people/usync.h"
#include "proto/pair_wire.h"

static void asks_for_devices(void **state)
{
    struct desk *d = *state;
    struct jid users[] = {J("27820000002:3@s.whatsapp.net"), J("900003@lid")};

    assert_string_equal(
        print(d, usync_new(&d->arena, USYNC_DEVICES, "7", users, NULL, 2)),
        print(d, xml(d, "<iq to='s.whatsapp.net' type='get' xmlns='usync'>"
                        "<usync sid='7' mode='query' last='true' index='0' context='message'>"
                        "<query><devices version='2'/></query><list>"
                        "<user jid='27820000002@s.whatsapp.net'/><user jid='900003@lid'/>"
                        "</list></usync></iq>")));
}

static void asks_who_people_are(void **state)
{
    struct desk *d = *state;
    struct jid users[] = {J("27820000002@s.whatsapp.net"), J("27820000003@s.whatsapp.net")};
    struct span tokens[] = {SPAN_LIT("token"), SPAN_NULL};

    assert_string_equal(
        print(d, usync_new(&d->arena, USYNC_INFO, "7", users, tokens, 2)),
        print(d, xml(d, "<iq to='s.whatsapp.net' type='get' xmlns='usync'>"
                        "<usync sid='7' mode='full' last='true' index='0' context='background'>"
                        "<query><business><verified_name/></business><status/><picture/>"
                        "<devices version='2'/><lid/></query><list>"
                        "<user jid='27820000002@s.whatsapp.net'><tctoken>token</tctoken></user>"
                        "<user jid='27820000003@s.whatsapp.net'/></list></usync></iq>")));
    assert_string_equal(
        print(d, usync_new(&d->arena, USYNC_CONTACT, "8", users, NULL, 1)),
        print(d, xml(d, "<iq to='s.whatsapp.net' type='get' xmlns='usync'>"
                        "<usync sid='8' mode='query' last='true' index='0' context='interactive'>"
                        "<query><contact addressing_mode='lid'/><business><verified_name/>"
                        "</business><disappearing_mode/><username/><lid/></query><list>"
                        "<user><contact>+27820000002@c.us</contact></user></list></usync></iq>")));
}

static struct usync_user *parse(struct desk *d, const char *users, size_t *n, size_t *odd)
{
    struct buf text = buf_new(1 << 20);
    struct usync_answer ans;

    buf_printf(&text, "<iq type='result'><usync><list>%s</list></usync></iq>", users);
    OK(usync_parse(xml(d, buf_cstr(&text)), USYNC_DEVICES, &d->arena, &ans));
    buf_free(&text);
    OK(ans.err);
    *n = ans.n;
    *odd = ans.odd;
    return ans.users;
}

static void reads_device_lists(void **state)
{
    struct desk *d = *state;
    size_t n, odd;
    struct usync_user *u =
        parse(d,
              "<user jid='27820000002@s.whatsapp.net'><devices><device-list hash='2:abc'>"
              "<device id='0'/><device id='3' key-index='4'/><device id='3' key-index='9'/>"
              "<device id='99' is_hosted='true'/><device id='300'/><device/><other id='4'/>"
              "</device-list></devices></user>"
              "<user jid='900003@lid'/>"
              "<user jid='900004@lid'><devices><error code='404'/></devices></user>"
              "<user/><user jid='nonsense@@'/><user jid='1203@g.us'/><other/>",
              &n, &odd);

    assert_int_equal(n, 3);
    assert_int_equal(odd, 4);
    assert_true(u[0].has_devices);
    assert_int_equal(u[0].devices.n, 3);
    assert_string_equal(u[0].devices.hash, "2:abc");
    assert_int_equal(u[0].devices.devices[1].id, 3);
    assert_int_equal(u[0].devices.devices[1].key_index, 4);
    struct jid hosted = usync_device_jid(&u[0].jid, &u[0].devices.devices[2]);
    struct jid expected = J("27820000002:99@hosted");
    assert_true(jid_eq(&hosted, &expected));
    hosted = usync_device_jid(&u[1].jid, &u[0].devices.devices[2]);
    expected = J("900003:99@hosted.lid");
    assert_true(jid_eq(&hosted, &expected));
    assert_false(u[1].has_devices); /* nothing said is not "no devices" (P-US-05) */
    assert_false(u[2].has_devices);
}

static void reads_identities_and_registration(void **state)
{
    struct desk *d = *state;
    size_t n, odd;
    struct usync_user *u =
        parse(d,
              "<user jid='27820000002@s.whatsapp.net'><lid val='900002@lid'/></user>"
              "<user jid='900003@lid' pn_jid='27820000003@s.whatsapp.net'>"
              "<contact type='in'>+27820000003</contact></user>"
              "<user><contact type='out'>+27820000004</contact></user>",
              &n, &odd);
    struct jid lid = J("900002@lid"), pn = J("27820000003@s.whatsapp.net");

    assert_int_equal(n, 3);
    assert_true(jid_eq(&u[0].lid, &lid));
    assert_true(jid_eq(&u[1].pn, &pn));
    assert_int_equal(u[1].contact, USYNC_CONTACT_IN);
    assert_int_equal(u[2].contact, USYNC_CONTACT_OUT);
    assert_true(span_eq_cstr(u[2].contact_text, "+27820000004"));
    assert_true(jid_is_none(&u[2].jid));
}

/* P-US-07: the list that the account has signed says which devices are alive. */
static void leaves_dead_devices_out(void **state)
{
    struct desk *d = *state;
    const uint32_t valid[] = {1, 4};
    struct adv_key_list keys = {.timestamp = 5, .current_index = 6, .valid = valid, .nvalid = 2};
    struct adv_signed_key_list sealed = {0};
    struct buf details = buf_new(256), bytes = buf_new(512);
    struct store_device_list list;

    OK(adv_key_list_encode(&keys, &details));
    uint8_t sig[64] = {1}, key[32] = {2};
    sealed.details = buf_span(&details);
    sealed.account_signature = SPAN_ARRAY(sig);
    sealed.account_key = SPAN_ARRAY(key);
    OK(adv_signed_key_list_encode(&sealed, &bytes));
    struct node *devices =
        xml(d, "<devices><device-list><device id='0'/><device id='1' key-index='1'/>"
               "<device id='2' key-index='2'/><device id='3' key-index='4'/>"
               "<device id='4' key-index='7'/><device id='99' key-index='2' is_hosted='true'/>"
               "</device-list></devices>");
    node_add(devices, bytes_node(d, "key-index-list", bytes.p, bytes.n));
    OK(usync_parse_devices(devices, &d->arena, &list));
    assert_int_equal(list.n, 5); /* all but 2, whose index 2 is gone */
    for (size_t i = 0; i < list.n; i++)
        assert_int_not_equal(list.devices[i].id, 2);
    buf_free(&details);
    buf_free(&bytes);
}

static struct usync_answer answer(struct desk *d, enum usync_kind kind, const char *result,
                                  const char *users)
{
    struct buf text = buf_new(4096);
    struct usync_answer ans;

    buf_printf(&text, "<iq><usync>%s<list>%s</list></usync></iq>", result, users);
    OK(usync_parse(xml(d, buf_cstr(&text)), kind, &d->arena, &ans));
    buf_free(&text);
    return ans;
}

/* An answer that is a result holds errors all the same, about everybody or about one person. */
static void errors_within_an_answer(void **state)
{
#define ERROR(name, attrs) "<" name "><error " attrs "/></" name ">"
#define RESULT(...)        "<result>" ERROR(__VA_ARGS__) "</result>"
#define USER(...)          "<user jid='900002@lid'>" ERROR(__VA_ARGS__) "</user><user jid='900003@lid'/>"
    static const struct {
        enum usync_kind kind;
        const char *result, *users;
        enum wb_err err;
        bool failed[2], pauses;
        uint64_t backoff_s;
    } cases[] = {
        {USYNC_DEVICES,
         RESULT("devices", "code='429' backoff='598'"),
         USER("lid", "code='429'"),
         WB_ERR_RATE_LIMITED,
         {true, true},
         true,
         598},
        {USYNC_DEVICES,
         RESULT("devices", "code='400'"),
         USER("devices", "code='503'"),
         WB_ERR_TIMEOUT,
         {true, true},
         false,
         0},
        {USYNC_DEVICES,
         RESULT("devices", "code='400'"),
         USER("lid", "code='503'"),
         WB_ERR_REFUSED,
         {true, true},
         false,
         0},
        {USYNC_DEVICES,
         "",
         USER("devices", "code='503' backoff='7'"),
         WB_ERR_RATE_LIMITED,
         {true, false},
         true,
         7},
        {USYNC_DEVICES,
         "",
         USER("devices", "code='404' backoff='7'"),
         WB_OK,
         {false, false},
         true,
         7},
        {USYNC_DEVICES,
         RESULT("picture", "code='429'"),
         USER("status", "code='500'"),
         WB_OK,
         {false, false},
         false,
         0},
        {USYNC_CONTACT, RESULT("lid", "code='404'"), "", WB_OK, {false, false}, false, 0},
        {USYNC_CONTACT, RESULT("lid", "code='500'"), "", WB_ERR_TIMEOUT, {false, false}, false, 0},
        {USYNC_CONTACT,
         "",
         USER("contact", "code='429'"),
         WB_ERR_RATE_LIMITED,
         {true, false},
         true,
         0},
        {USYNC_INFO, "", USER("lid", "code='429'"), WB_ERR_RATE_LIMITED, {true, false}, true, 0},
    };
    struct desk *d = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct usync_answer ans = answer(d, cases[i].kind, cases[i].result, cases[i].users);

        assert_int_equal(ans.err, cases[i].err);
        assert_int_equal(ans.pauses, cases[i].pauses);
        assert_int_equal(ans.backoff_s, cases[i].backoff_s);
        for (size_t k = 0; k < ans.n; k++)
            assert_int_equal(ans.users[k].failed, cases[i].failed[k]);
    }
}

static void bounds_answers(void **state)
{
    struct desk *d = *state;
    struct usync_answer ans;
    struct node *iq = xml(d, "<iq><usync><list></list></usync></iq>");
    struct node *list = iq->first->first;

    for (size_t i = 0; i <= USYNC_ANSWER_USERS_MAX; i++)
        node_add(list, xml(d, "<user jid='900002@lid'/>"));
    assert_int_equal(usync_parse(iq, USYNC_DEVICES, &d->arena, &ans), WB_ERR_TOO_LARGE);
    assert_int_equal(usync_parse(xml(d, "<iq><usync/></iq>"), USYNC_DEVICES, &d->arena, &ans),
                     WB_ERR_PROTOCOL);
    struct node *devices = xml(d, "<devices><device-list></device-list></devices>");
    struct store_device_list got;
    for (size_t i = 0; i <= STORE_DEVICES_MAX; i++)
        node_add(devices->first, xml(d, "<device id='1'/>"));
    assert_int_equal(usync_parse_devices(devices, &d->arena, &got), WB_ERR_TOO_LARGE);
    assert_int_equal(usync_parse_devices(xml(d, "<devices/>"), &d->arena, &got), WB_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)
        TEST(asks_for_devices),        TEST(asks_who_people_are),
        TEST(reads_device_lists),      TEST(reads_identities_and_registration),
        TEST(leaves_dead_devices_out), TEST(bounds_answers),
        TEST(errors_within_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
