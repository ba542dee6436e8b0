/* A stanza that is too large, for its decoder or for its results, is skipped. If it ended the
 * connection, the server would deliver it again on each next one. */
#include "tests/unit/bridge/conn_fixture.h"

#include <zlib.h>

enum { ITEMS = 60000 };

static struct line *online(void)
{
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    return t;
}

static struct node *receipt(struct line *t)
{
    struct node *n = el(t, "receipt", "from", "27820001000@s.whatsapp.net", "id", "R1", "t",
                        "1790000000", "type", "read", NULL);
    struct node *list = node_add(n, node_new(&t->server.arena, "list"));

    for (int i = 0; i < ITEMS; i++) {
        struct node *item = node_child_new(&t->server.arena, list, "item");

        node_attr_u64(&t->server.arena, item, "id", (uint64_t)i + 1000);
    }
    return n;
}

static struct node *message(struct line *t)
{
    struct node *n =
        el(t, "message", "from", "120363000000000001@g.us", "participant",
           "27820001000@s.whatsapp.net", "id", "M1", "t", "1790000000", "type", "text", NULL);

    for (int i = 0; i < ITEMS; i++)
        node_attr_text(&t->server.arena, node_add(n, bytes_el(t, "enc", SPAN_LIT("x"))), "type",
                       "skmsg");
    return n;
}

static struct node *members(struct line *t)
{
    struct node *n =
        el(t, "notification", "from", "120363000000000001@g.us", "participant",
           "27820001000@s.whatsapp.net", "id", "N1", "t", "1790000000", "type", "w:gp2", NULL);
    struct node *add = node_add(n, node_new(&t->server.arena, "add"));

    for (int i = 0; i < ITEMS; i++) {
        struct node *p = node_child_new(&t->server.arena, add, "participant");
        struct jid j = {.server = JID_PN};

        snprintf(j.user, sizeof j.user, "2782%07d", i);
        node_attr_jid(&t->server.arena, p, "jid", &j);
    }
    return n;
}

static struct node *other(struct line *t)
{
    struct node *n = el(t, "ib", "from", "s.whatsapp.net", NULL);

    node_attr_text(&t->server.arena, node_child_new(&t->server.arena, n, "offline"), "count", "1");
    return n;
}

static void server_send_plain(struct line *t, struct span plain)
{
    struct buf sealed = buf_new(32 << 20);

    OK(noise_transport_seal(&t->server.transport, plain, &sealed));
    server_write(buf_span(&sealed));
    buf_free(&sealed);
    turn(t);
}

/* Nodes of three bytes, deflated a thousand times. */
static struct buf bomb(void)
{
    struct buf plain = buf_new(32 << 20), b = buf_new(32 << 20);

    uLongf n;
    uint8_t *to;

    buf_append(&plain, SPAN_LIT("\xf8\x02\x05\xf9\x00\xfa"));
    for (int i = 0; i < 250; i++) {
        buf_append(&plain, SPAN_LIT("\xf8\x02\x05\xf9\x4e\x20"));
        for (int k = 0; k < 0x4e20; k++)
            buf_append(&plain, SPAN_LIT("\xf8\x01\x05"));
    }
    n = compressBound(plain.n);
    buf_u8(&b, 2);
    to = buf_extend(&b, n);
    assert_int_equal(compress(to, &n, plain.p, plain.n), Z_OK);
    b.n = 1 + n;
    buf_free(&plain);
    return b;
}

static void large_stanzas_and_bombs_end_no_connection(void **state)
{
    static struct node *(*const kinds[])(struct line * t) = {receipt, message, members, other};
    struct line *t = online();
    struct buf b = bomb();

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        server_send(t, kinds[k](t));
        arena_reset(&t->server.arena);
        deaf(t);
        assert_true(conn_online(t->b->conn));
        server_send_plain(t, buf_span(&b));
        assert_true(conn_online(t->b->conn));
        assert_true(t->b->conn->arena.used <= CONN_KEEP_BYTES); /* given back */
    }
    /* Cut anywhere, or with another byte in it, it is passed over as well. */
    for (size_t n = 0; n < b.n; n += b.n / 23) {
        server_send_plain(t, span_first(buf_span(&b), n));
        b.p[n] ^= 0x55;
        server_send_plain(t, buf_span(&b));
        b.p[n] ^= 0x55;
        assert_true(conn_online(t->b->conn));
    }
    assert_int_equal(dials, 1);
    buf_free(&b);
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_stanzas_and_bombs_end_no_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
