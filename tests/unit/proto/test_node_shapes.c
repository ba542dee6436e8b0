/* Binary nodes: their shapes and limits, hostile input, building, reading and printing. */
#include "node_fixture.h"

/* ---- shapes ---- */

static void long_lists(void **state)
{
    struct fixture *f = *state;
    static const size_t counts[] = {255, 256, 65535};
    struct node *n, *back;
    struct span packed;

    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        n = node_new(&f->a, "item");
        for (size_t i = 0; i < counts[k]; i++)
            node_child_new(&f->a, n, "user");
        buf_clear(&f->out);
        assert_int_equal(node_pack(n, &f->out), WB_OK);
        packed = buf_span(&f->out);
        assert_int_equal(packed.p[4], counts[k] < 256 ? 0xF8 : 0xF9);
        assert_int_equal(node_unpack(packed, &f->a, &back), WB_OK);
        assert_int_equal(node_child_count(back), counts[k]);
    }
    node_child_new(&f->a, n, "user");
    assert_int_equal(node_pack(n, &f->out), WB_ERR_TOO_LARGE);
}

static void many_attributes(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item"), *back;
    char keys[128][8];
    uint64_t v;

    for (unsigned i = 0; i < 128; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        node_attr_u64(&f->a, n, keys[i], i);
    }
    buf_clear(&f->out);
    assert_int_equal(node_pack(n, &f->out), WB_OK);
    assert_int_equal(f->out.p[1], 0xF9); /* 257 elements */
    assert_int_equal(node_unpack(buf_span(&f->out), &f->a, &back), WB_OK);
    for (unsigned i = 0; i < 128; i++) {
        assert_true(node_attr_get_u64(back, keys[i], &v));
        assert_int_equal(v, i);
    }
}

static struct node *nested(struct fixture *f, int depth)
{
    struct node *top = node_new(&f->a, "item"), *n = top;

    for (int i = 1; i < depth; i++)
        n = node_child_new(&f->a, n, "item");
    return top;
}

static void depth_is_limited(void **state)
{
    struct fixture *f = *state;
    char hex[10 * (NODE_DEPTH_MAX + 2)] = "00";
    struct node *n;

    buf_clear(&f->out);
    assert_int_equal(node_pack(nested(f, NODE_DEPTH_MAX), &f->out), WB_OK);
    assert_int_equal(node_unpack(buf_span(&f->out), &f->a, &n), WB_OK);
    assert_int_equal(node_pack(nested(f, NODE_DEPTH_MAX + 1), &f->out), WB_ERR_TOO_DEEP);
    for (int i = 0; i < NODE_DEPTH_MAX; i++)
        strcat(hex, "f8023ff801");
    assert_int_equal(read_error(f, strcat(hex, "f8013f")), WB_ERR_TOO_DEEP);
    assert_non_null(strstr(print(f, nested(f, NODE_DEPTH_MAX + 5)), "deeper"));
}

static void compressed_stanzas(void **state)
{
    struct fixture *f = *state;
    /* zlib of f8 06 1d 51 45 04 4d fc 03 01 02 03, made with Python's zlib */
    static const char zip[] = "789cfbc1261be8cae2fb87999189190018fd0308";
    char hex[128];

    snprintf(hex, sizeof hex, "02%s", zip);
    reads_as(f, hex, "<enc v=\"2\" type=\"msg\">010203</enc>");
    hex[1] = '3'; /* other flag bits are ignored */
    reads_as(f, hex, "<enc v=\"2\" type=\"msg\">010203</enc>");
    reads_as(f, "fdf8013f", "<item/>");
    hex[strlen(hex) - 2] = 0;
    assert_int_equal(read_error(f, hex), WB_ERR_TRUNCATED);
    snprintf(hex, sizeof hex, "02%s00", zip);
    assert_int_equal(read_error(f, hex), WB_ERR_TRAILING);
    assert_int_equal(read_error(f, "02f8013f"), WB_ERR_MALFORMED);
}

static void bad_input(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *hex;
        enum wb_err err;
    } cases[] = {
        {"", WB_ERR_TRUNCATED},
        {"00", WB_ERR_TRUNCATED},
        {"00f8", WB_ERR_TRUNCATED},
        {"00f9", WB_ERR_TRUNCATED},
        {"00f801", WB_ERR_TRUNCATED},
        {"0000", WB_ERR_MALFORMED},         /* no node at all */
        {"00f8003f", WB_ERR_MALFORMED},     /* a node of nothing */
        {"003f", WB_ERR_MALFORMED},         /* a string instead of a list */
        {"00f80100", WB_ERR_MALFORMED},     /* no tag */
        {"00f801ff00", WB_ERR_MALFORMED},   /* empty tag */
        {"00f801fa0003", WB_ERR_MALFORMED}, /* an address as tag */
        {"00f8013f00", WB_ERR_TRAILING},
        {"00f8013ff8013f", WB_ERR_TRAILING},
        {"00f801f0", WB_ERR_MALFORMED}, /* unused tag bytes 240..244 */
        {"00f801f4", WB_ERR_MALFORMED},
        {"00f801ec", WB_ERR_TRUNCATED}, /* dictionary without index */
        {"00f8033f08", WB_ERR_TRUNCATED},
        {"00f8033f0008", WB_ERR_MALFORMED},                     /* empty key */
        {"00f8033ffa000308", WB_ERR_MALFORMED},                 /* an address as key */
        {"00f8033f08f8013f", WB_ERR_MALFORMED},                 /* a list as value */
        {"00f8033f11fa0000", WB_ERR_MALFORMED},                 /* an address without server */
        {"00f8033f11fafa000303", WB_ERR_MALFORMED},             /* an address in an address */
        {"00f8033f11f6ff01880102fc0378797a", WB_ERR_MALFORMED}, /* FB_JID at another server */
        {"00f8033f11f701", WB_ERR_TRUNCATED},
        {"00f8033f11f5ff01880003", WB_ERR_TRUNCATED},
        {"00f8023fff80", WB_ERR_MALFORMED}, /* odd, but nothing to be odd */
        {"00f8023fff01c1", WB_ERR_MALFORMED},
        {"00f8023fff011c", WB_ERR_MALFORMED},
        {"00f8023fff01f1", WB_ERR_MALFORMED}, /* the end nibble inside */
        {"00f8023fff011f", WB_ERR_MALFORMED}, /* the end nibble, length even */
        {"00f8023fff811c", WB_ERR_MALFORMED}, /* padding outside the alphabet */
        {"00f8023fff0211", WB_ERR_TRUNCATED},
        {"00f8023ffc0541", WB_ERR_TRUNCATED},
        {"00f8023ffd0fffff41", WB_ERR_TRUNCATED},
        {"00f8023ffeffffffff41", WB_ERR_TRUNCATED},
        {"00f8023ff9fffff8013f", WB_ERR_TRUNCATED}, /* more children than bytes */
        {"00f9ffff3f", WB_ERR_TRUNCATED},           /* more attributes than bytes */
        {"00f8023ff802f8013f", WB_ERR_TRUNCATED},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum wb_err err = read_error(f, cases[i].hex);

        if (err != cases[i].err)
            fail_msg("%s: %s", cases[i].hex, wb_err_name(err));
    }
}

static void every_prefix_of_a_stanza_is_truncated(void **state)
{
    struct fixture *f = *state;
    struct span all =
        unhex(f, "00f80a1908ff831b2a4f16ec18045a11f70103ff0188f801f802ec01fc03010203");
    struct node *n;

    assert_int_equal(node_unpack(all, &f->a, &n), WB_OK);
    for (size_t i = 0; i < all.n; i++) {
        uint8_t *cut = malloc(i ? i : 1); /* exactly sized, for ASan */

        memcpy(cut, all.p, i);
        assert_int_equal(node_unpack(SPAN(cut, i), &f->a, &n), WB_ERR_TRUNCATED);
        free(cut);
    }
}

static void arena_limit_is_kept(void **state)
{
    struct fixture *f = *state;
    struct arena small = arena_new(4096);
    struct node *n = node_new(&f->a, "item");

    for (int i = 0; i < 200; i++)
        node_child_new(&f->a, n, "user");
    buf_clear(&f->out);
    assert_int_equal(node_pack(n, &f->out), WB_OK);
    assert_int_equal(node_unpack(buf_span(&f->out), &small, &n), WB_ERR_TOO_LARGE);
    assert_true(small.used <= small.max);
    arena_free(&small);
}

/* ---- building and reading ---- */

static void failed_allocations_flow_through(void **state)
{
    struct fixture *f = *state;
    struct arena full = arena_new(200);
    struct node *n = node_new(&full, "item"), *child;

    assert_non_null(n);
    assert_null(arena_alloc(&full, 256));
    node_attr_text(&full, n, "id",
                   "a value that does not fit into the rest of the small arena, "
                   "whatever the sizes of nodes and attributes are on this machine");
    assert_int_equal(node_pack(n, &f->out), WB_ERR_NOMEM);
    arena_free(&full);

    n = node_new(&f->a, "item");
    full = arena_new(0);
    child = node_child_new(&full, n, "user");
    assert_null(child);
    node_attr_text(&f->a, child, "id", "1");
    node_set_bytes(&f->a, child, SPAN_LIT("1"));
    node_set_text(&f->a, child, "1");
    assert_int_equal(node_pack(n, &f->out), WB_ERR_NOMEM);
    assert_int_equal(node_pack(NULL, &f->out), WB_ERR_NOMEM);
    assert_int_equal(node_pack(node_new(&f->a, ""), &f->out), WB_ERR_INVALID);
    assert_int_equal(node_pack(node_new(&f->a, "0"), &f->out), WB_ERR_INVALID);
}

static void out_of_room(void **state)
{
    struct fixture *f = *state;
    struct buf small = buf_new(6);
    struct node *n = node_new(&f->a, "item");

    node_set_bytes(&f->a, n, SPAN_LIT("12345"));
    assert_int_equal(node_pack(n, &small), WB_ERR_TOO_LARGE);
    assert_int_equal(small.n, 0);
    buf_free(&small);
}

static void attributes_set_twice(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item"), *copy = node_new(&f->a, "item");
    struct jid j = jid_server_only(JID_GROUP);

    node_attr_text(&f->a, n, "to", "x");
    node_attr_u64(&f->a, n, "t", UINT64_MAX);
    node_attr_jid(&f->a, n, "to", &j);
    assert_string_equal(print(f, n), "<item to=\"g.us\" t=\"18446744073709551615\"/>");
    node_copy_attr(&f->a, copy, n, "t");
    node_copy_attr(&f->a, copy, n, "to");
    node_copy_attr(&f->a, copy, n, "absent");
    assert_string_equal(print(f, copy), "<item t=\"18446744073709551615\" to=\"g.us\"/>");
    node_attr_text(&f->a, n, "to", "y");
    assert_string_equal(print(f, n), "<item to=\"y\" t=\"18446744073709551615\"/>");
    /* From the wire the last one wins, as in a map. */
    n = NULL;
    assert_int_equal(node_unpack(unhex(f, "00f8053f08ff017708ff0178"), &f->a, &n), WB_OK);
    assert_true(node_attr_is(n, "id", "78"));
}

static void reading(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "iq"), *item;
    struct jid j;
    uint64_t v = 5;

    item = node_child_new(&f->a, n, "item");
    node_attr_text(&f->a, item, "t", "12x");
    node_child_new(&f->a, n, "user");
    node_child_new(&f->a, n, "item");
    assert_true(node_is(n, "iq"));
    assert_false(node_is(NULL, "iq"));
    assert_ptr_equal(node_child(n, "item"), item);
    assert_ptr_equal(node_next(node_child(n, "item"), "item"), n->last);
    assert_null(node_next(n->last, "item"));
    assert_null(node_child(n, "absent"));
    assert_null(node_child(NULL, "item"));
    assert_null(node_child(item, "item"));
    assert_int_equal(node_child_count(n), 3);
    assert_int_equal(node_child_count(NULL), 0);
    assert_true(node_has_attr(item, "t"));
    assert_false(node_has_attr(NULL, "t"));
    assert_false(node_attr_get_u64(item, "t", &v));
    assert_int_equal(v, 5);
    assert_false(node_attr_get_jid(item, "t", &j));
    assert_false(node_attr_is(item, "absent", ""));
    assert_true(span_is_null(node_attr_str(item, "absent", &f->a)));
    assert_true(span_is_null(node_content_bytes(n)));
    assert_true(span_is_null(node_content_bytes(item)));
    assert_true(span_is_null(node_content_bytes(NULL)));
}

static void printing(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->a, "item");

    node_attr_text(&f->a, n, "a", "<&>\"'\\\n\x7f\xc3\xa9");
    node_attr_text(&f->a, n, "b", "\xff\xc3\xa9");
    node_set_bytes(&f->a, n, SPAN_LIT("caf\xc3\xa9\n<1>"));
    assert_string_equal(print(f, n), "<item a=\"&lt;&amp;&gt;&quot;'\\\\\\x0a\\x7f\xc3\xa9\" "
                                     "b=\"\\xff\\xc3\\xa9\">636166c3a90a3c313e</item>");
    n->attrs = NULL;
    buf_clear(&f->out);
    node_print_text(n, &f->out);
    assert_string_equal(buf_cstr(&f->out), "<item>caf\xc3\xa9\\x0a&lt;1&gt;</item>");
    node_set_bytes(&f->a, n, SPAN_LIT("ab\0"));
    buf_clear(&f->out);
    node_print_text(n, &f->out);
    assert_string_equal(buf_cstr(&f->out), "<item>616200</item>");
    node_set_text(&f->a, n, "plain");
    assert_string_equal(print(f, n), "<item>plain</item>");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(long_lists),
        T(many_attributes),
        T(depth_is_limited),
        T(compressed_stanzas),
        T(bad_input),
        T(every_prefix_of_a_stanza_is_truncated),
        T(arena_limit_is_kept),
        T(failed_allocations_flow_through),
        T(out_of_room),
        T(attributes_set_twice),
        T(reading),
        T(printing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
