/* Binary nodes: the dictionary, known byte vectors, the forms of strings and addresses. */
#include "node_fixture.h"

/* ---- dictionary ---- */

static void dictionary_is_whole(void **state)
{
    size_t longest = 0;

    (void)state;
    for (unsigned code = 1; code < TOKEN_CODE_END; code++) {
        struct span text = token_text(code);

        assert_true(text.n > 0);
        assert_int_equal(token_code(text), code);
        longest = text.n > longest ? text.n : longest;
    }
    assert_int_equal(longest, TOKEN_TEXT_MAX);
    assert_true(span_is_null(token_text(0)));
    assert_true(span_is_null(token_text(TOKEN_CODE_END)));
    assert_int_equal(token_code(SPAN_LIT("")), 0);
    assert_int_equal(token_code(SPAN_LIT("s.whatsapp.ne")), 0);
    /* One from each table, known from P-TV-03..06 and the protocol's own words. */
    assert_int_equal(token_code(SPAN_LIT("xmlstreamstart")), 1);
    assert_int_equal(token_code(SPAN_LIT("s.whatsapp.net")), 3);
    assert_int_equal(token_code(SPAN_LIT("iq")), 0x19);
    assert_int_equal(token_code(SPAN_LIT("read-self")), 236);
    assert_int_equal(token_code(SPAN_LIT("passive")), 236 + 0x18);
    assert_int_equal(token_code(SPAN_LIT("reject")), 236 + 256);
    assert_int_equal(token_code(SPAN_LIT("64")), 236 + 512);
    assert_int_equal(token_code(SPAN_LIT("1724")), 236 + 768);
}

/* ---- vectors P-TV-03..06 ---- */

static void vector_ping(void **state)
{
    struct fixture *f = *state;
    static const char hex[] = "00f8091908ff831b2a3f1657042911fa0003";
    struct jid server = jid_server_only(JID_PN);
    struct node *n = node_new(&f->a, "iq");

    node_attr_text(&f->a, n, "id", "1.2-3");
    node_attr_text(&f->a, n, "xmlns", "w:p");
    node_attr_text(&f->a, n, "type", "get");
    node_attr_jid(&f->a, n, "to", &server);
    packs_to(n, hex);
    reads_as(f, hex, "<iq id=\"1.2-3\" xmlns=\"w:p\" type=\"get\" to=\"s.whatsapp.net\"/>");
}

static void vector_passive(void **state)
{
    struct fixture *f = *state;
    static const char hex[] = "00f80a1908ff831b2a4f16ec18045a11fa0003f801f801ec01";
    struct jid server = jid_server_only(JID_PN);
    struct node *n = node_new(&f->a, "iq");

    node_attr_text(&f->a, n, "id", "1.2-4");
    node_attr_text(&f->a, n, "xmlns", "passive");
    node_attr_text(&f->a, n, "type", "set");
    node_attr_jid(&f->a, n, "to", &server);
    node_child_new(&f->a, n, "active");
    packs_to(n, hex);
    reads_as(
        f, hex,
        "<iq id=\"1.2-4\" xmlns=\"passive\" type=\"set\" to=\"s.whatsapp.net\"><active/></iq>");
}

static void vector_ack_to_a_device(void **state)
{
    struct fixture *f = *state;
    static const char hex[] = "00f8091b150708fb0b3eb0d25029ef686a5953f711f70103ff0415550001042a";
    struct node *n = node_new(&f->a, "ack");
    struct jid to;

    assert_int_equal(jid_parse_cstr("15550001:3@lid", &to), WB_OK);
    node_attr_text(&f->a, n, "class", "receipt");
    node_attr_text(&f->a, n, "id", "3EB0D25029EF686A5953F7");
    node_attr_jid(&f->a, n, "to", &to);
    node_attr_text(&f->a, n, "type", "read");
    packs_to(n, hex);
    n = reads_as(f, hex,
                 "<ack class=\"receipt\" id=\"3EB0D25029EF686A5953F7\" to=\"15550001:3@lid\" "
                 "type=\"read\"/>");
    assert_true(node_attr_get_jid(n, "to", &to));
    assert_int_equal(to.device, 3);
    assert_int_equal(to.server, JID_LID);
}

static void vector_enc(void **state)
{
    struct fixture *f = *state;
    static const char hex[] = "00f8061d5145044dfc03010203";
    struct node *n = node_new(&f->a, "enc");

    node_attr_text(&f->a, n, "v", "2");
    node_attr_text(&f->a, n, "type", "msg");
    node_set_bytes(&f->a, n, SPAN_LIT("\1\2\3"));
    packs_to(n, hex);
    n = reads_as(f, hex, "<enc v=\"2\" type=\"msg\">010203</enc>");
    assert_int_equal(n->content, NODE_BYTES);
}

/* ---- forms of strings ---- */

static void string_forms(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *hex; /* as content of <item/>, without 00 f802 3f */
    } cases[] = {
        {"s.whatsapp.net", "03"}, {"1724", "ef00"},
        {"64", "ee00"},           {"", "ff00"},
        {"77", "ff0177"},         {"778", "ff82778f"},
        {"1.2-3", "ff831b2a3f"},  {"-.", "ff01ab"},
        {"ABC", "fb82abcf"},      {"0AF9", "fb020af9"},
        {"abc", "fc03616263"},    {"A-B", "fc03412d42"},
        {"A.B", "fc03412e42"},    {"G", "fc0147"},
        {"\xc3\xa9", "fc02c3a9"}, {"12/", "fc0331322f"},
        {"12:", "fc0331323a"},    {"AB@", "fc03414240"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct node *n = node_new(&f->a, "item"), *back;
        char hex[64];

        snprintf(hex, sizeof hex, "00f8023f%s", cases[i].hex);
        node_set_text(&f->a, n, cases[i].text);
        packs_to(n, hex);
        assert_int_equal(node_unpack(unhex(f, hex), &f->a, &back), WB_OK);
        assert_true(span_eq_cstr(node_content_bytes(back), cases[i].text));
    }
}

/* Content of n characters, packed into f->out; the decoded text must be the same. */
static void text_of_length(struct fixture *f, char c, size_t n, size_t want_packed)
{
    char *text = calloc(1, n + 1);
    struct node *node = node_new(&f->a, "item"), *back;

    memset(text, c, n);
    node_set_text(&f->a, node, text);
    buf_clear(&f->out);
    assert_int_equal(node_pack(node, &f->out), WB_OK);
    assert_int_equal(f->out.n, 4 + want_packed);
    assert_int_equal(node_unpack(buf_span(&f->out), &f->a, &back), WB_OK);
    assert_true(span_eq_cstr(node_content_bytes(back), text));
    free(text);
}

static void string_lengths(void **state)
{
    struct fixture *f = *state;

    text_of_length(f, '5', 126, 2 + 63);
    text_of_length(f, '5', 127, 2 + 64);
    text_of_length(f, '5', 128, 2 + 128); /* not packed any more: BINARY_8 */
    text_of_length(f, 'E', 127, 2 + 64);
    text_of_length(f, 'E', 128, 2 + 128);
    text_of_length(f, 'x', 255, 2 + 255);
    text_of_length(f, 'x', 256, 4 + 256); /* BINARY_20 */
    text_of_length(f, 'x', (1 << 20) - 1, 4 + (1 << 20) - 1);
    text_of_length(f, 'x', 1 << 20, 5 + (1 << 20)); /* BINARY_32 */
}

static void byte_content_is_never_packed(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item");

    node_set_bytes(&f->a, n, SPAN_LIT("77"));
    packs_to(n, "00f8023ffc023737");
    node_set_bytes(&f->a, n, SPAN_LIT(""));
    packs_to(n, "00f8023ffc00");
    n = reads_as(f, "00f8023ffc00", "<item></item>");
    assert_int_equal(n->content, NODE_BYTES);
    assert_false(span_is_null(node_content_bytes(n)));
    /* BINARY_20 with a dirty upper nibble, BINARY_32 */
    reads_as(f, "00f8023ffdf00002abcd", "<item>abcd</item>");
    reads_as(f, "00f8023ffe00000002abcd", "<item>abcd</item>");
}

static void empty_values_are_no_attributes(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item");
    struct jid none = {0};

    node_attr_text(&f->a, n, "id", "");
    node_attr_text(&f->a, n, "id", NULL);
    node_attr_jid(&f->a, n, "to", &none);
    packs_to(n, "00f8013f");
    reads_as(f, "00f8033f08ff00", "<item/>");
    reads_as(f, "00f8033f08fc00", "<item/>");
    reads_as(f, "00f8033f0800", "<item/>");
    reads_as(f, "00f8023f00", "<item/>"); /* empty content */
    reads_as(f, "00f8023ff800", "<item/>");
    reads_as(f, "00f900023f00", "<item/>"); /* LIST_16 where LIST_8 would do */
}

/* ---- forms of addresses ---- */

/* <item to=...>: hex behind 00 f803 3f 11. */
static void jid_form(struct fixture *f, const char *hex, const char *text, bool same_bytes)
{
    char all[256], xml[256];
    struct node *n;
    struct jid j;

    snprintf(all, sizeof all, "00f8033f11%s", hex);
    snprintf(xml, sizeof xml, "<item to=\"%s\"/>", text);
    n = reads_as(f, all, xml);
    assert_true(node_attr_is(n, "to", text));
    assert_true(span_eq_cstr(node_attr_str(n, "to", &f->a), text));
    assert_true(node_attr_get_jid(n, "to", &j));
    assert_non_null(n->attrs->jid);
    if (same_bytes)
        packs_to(n, all);
}

static void jid_forms(void **state)
{
    struct fixture *f = *state;

    jid_form(f, "fa0003", "s.whatsapp.net", true);
    jid_form(f, "faff8627820000001f03", "27820000001@s.whatsapp.net", true);
    jid_form(f, "fafc0131fc04632e7573", "1@s.whatsapp.net", false); /* c.us */
    jid_form(f, "f70003ff8627820000001f", "27820000001:3@s.whatsapp.net", true);
    jid_form(f, "f70103ff0188", "88:3@lid", true);
    jid_form(f, "f78000ff0188", "88@hosted", true);
    jid_form(f, "f78163ff0188", "88:99@hosted.lid", true);
    jid_form(f, "f70503ff0188", "88.5:3@s.whatsapp.net", false); /* raw agent */
    jid_form(f, "f70000ff0188", "88@s.whatsapp.net", false);     /* AD form without a device */
    jid_form(f, "f6ff01880102cc", "88:258@msgr", true);
    jid_form(f, "f6ff01880102fc046d736772", "88:258@msgr", false);
    jid_form(f, "f5ff018800030004fc07696e7465726f70", "88:3@interop", true);
}

static void interop_without_its_server(void **state)
{
    struct fixture *f = *state;

    /* <item to=interop id=77>, the server missing: the next string is the next key. */
    reads_as(f, "00f8053f11f5ff01880003000408ff0177", "<item to=\"88:3@interop\" id=\"77\"/>");
    reads_as(f, "00f8033f11f5ff018800030004", "<item to=\"88:3@interop\"/>");
}

static void jid_as_text_stays_text(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item");
    struct jid j;

    node_attr_text(&f->a, n, "to", "88:3@lid");
    packs_to(n, "00f8033f11fc0838383a33406c6964");
    n = reads_as(f, "00f8033f11fc0838383a33406c6964", "<item to=\"88:3@lid\"/>");
    assert_null(n->attrs->jid);
    assert_true(node_attr_get_jid(n, "to", &j));
    assert_int_equal(j.device, 3);
    assert_true(node_attr_is(n, "to", "88:3@lid"));
}

static void odd_addresses_are_text(void **state)
{
    struct fixture *f = *state;
    char hex[512] = "00f8033f11fafc40", xml[256] = "<item to=\"";
    struct node *n;
    struct jid j;

    n = reads_as(f, "00f8033f11faff0188fc036e6577", "<item to=\"88@new\"/>");
    assert_null(n->attrs->jid);
    assert_false(node_attr_get_jid(n, "to", &j));
    n = reads_as(f, "00f8033f11fa00fc036e6577", "<item to=\"new\"/>");
    /* A user over the limit, and one with a separator in it. */
    for (int i = 0; i < 64; i++) {
        strcat(hex, "78");
        strcat(xml, "x");
    }
    n = reads_as(f, strcat(hex, "03"), strcat(xml, "@s.whatsapp.net\"/>"));
    assert_null(n->attrs->jid);
    n = reads_as(f, "00f8033f11fafc03383a3303", "<item to=\"8:3@s.whatsapp.net\"/>");
    assert_null(n->attrs->jid);
    assert_true(node_attr_get_jid(n, "to", &j));
    assert_int_equal(j.device, 3);
    n = reads_as(f, "00f8033f11f70507fc03384038", "<item to=\"8@8.5:7@s.whatsapp.net\"/>");
    assert_null(n->attrs->jid);
}

static void jid_content_is_its_text(void **state)
{
    struct fixture *f = *state;
    struct node *n = reads_as(f, "00f8023ff70103ff0188", "<item>88:3@lid</item>");

    assert_int_equal(n->content, NODE_TEXT);
}

static void device_over_a_byte_is_refused(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item");
    struct jid j;

    assert_int_equal(jid_parse_cstr("88:256@lid", &j), WB_OK);
    node_attr_jid(&f->a, n, "to", &j);
    buf_clear(&f->out);
    buf_u8(&f->out, 7);
    assert_int_equal(node_pack(n, &f->out), WB_ERR_INVALID);
    assert_int_equal(f->out.n, 1);
    j.server = JID_NEWSLETTER; /* JID_PAIR has no device at all */
    j.device = 0;
    node_attr_jid(&f->a, n, "to", &j);
    assert_int_equal(node_pack(n, &f->out), WB_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(dictionary_is_whole),
        T(vector_ping),
        T(vector_passive),
        T(vector_ack_to_a_device),
        T(vector_enc),
        T(string_forms),
        T(string_lengths),
        T(byte_content_is_never_packed),
        T(empty_values_are_no_attributes),
        T(jid_forms),
        T(interop_without_its_server),
        T(jid_as_text_stays_text),
        T(odd_addresses_are_text),
        T(jid_content_is_its_text),
        T(device_over_a_byte_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
