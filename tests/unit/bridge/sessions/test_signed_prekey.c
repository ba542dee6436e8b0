/* The signed prekey's successor and what the server may say about it. */
#include "tests/unit/bridge/conn_fixture.h"

#include "bridge/conn/keepalive.h"
#include "store/session/signed_prekeys.h"

#define SERVER_NOW INT64_C(1790001000)
#define DAY        INT64_C(86400)

static uint32_t in_use(const struct line *t)
{
    return t->b->account->keys.signed_prekey_id;
}

/* Online, with a key of so many days. */
static struct line *aged(int64_t days)
{
    struct line *t = line_new(true);
    struct store_signed_prekey k;

    bridge_start(t->b);
    OK(store_signed_prekey_current(t->b->store, SERVER_NOW - days * DAY, &k));
    log_in(t);
    return t;
}

static void refuse(struct line *t, const struct heard *h, const char *code)
{
    struct node *n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
                          el(t, "error", "code", code, "text", "x", NULL));

    node_copy_attr(&t->server.arena, n, h->n, "id");
    server_send(t, n);
}

static uint32_t id_of(const struct heard *h)
{
    struct span id =
        node_content_bytes(node_child(node_child(node_child(h->n, "rotate"), "skey"), "id"));

    assert_int_equal(id.n, 3);
    return (uint32_t)id.p[0] << 16 | (uint32_t)id.p[1] << 8 | id.p[2];
}

/* What the server has of our keys, with this <skey>. */
static struct node *digest(struct line *t, const struct node *skey)
{
    struct node *d = el(t, "digest", NULL);

    node_add(d, bytes_el(t, "identity", SPAN_ARRAY(t->b->account->keys.identity.pub)));
    node_add(d, with(with(el(t, "skey", NULL),
                          bytes_el(t, "id", node_content_bytes(node_child(skey, "id")))),
                     bytes_el(t, "value", node_content_bytes(node_child(skey, "value")))));
    return d;
}

static void after_a_month_only(void **state)
{
    (void)state;
    struct line *t = aged(29);

    assert_null(maybe_hear(t, "<rotate>"));
    line_free(t);
    t = aged(30);
    answer(t, hear(t, "<rotate>"), NULL);
    assert_int_equal(in_use(t), 2);
    assert_null(maybe_hear(t, "<rotate>"));
    line_free(t);
}

/* Nobody answers: the same key again, at the next login. */
static void unanswered(void **state)
{
    (void)state;
    struct line *t = aged(40);
    struct heard *h = hear(t, "<rotate>");

    assert_int_equal(id_of(h), 2);
    server_end(t, WS_END_CLOSED);
    line_pass(t, 60 * 1000);
    deaf(t);
    log_in(t);
    h = hear(t, "<rotate>");
    assert_int_equal(id_of(h), 2);
    assert_int_equal(in_use(t), 1);
    answer(t, h, NULL);
    assert_int_equal(in_use(t), 2);
    line_free(t);
}

/* Refused, and the server has still the one before: that stays in use, the next one is tried again.
 */
static void refused(void **state)
{
    (void)state;
    struct line *t = aged(40);
    struct heard *h = hear(t, "<rotate>");
    struct node *skey = el(t, "skey", NULL);
    const uint8_t one[] = {0, 0, 1};

    refuse(t, h, "406");
    node_add(skey, bytes_el(t, "id", SPAN_ARRAY(one)));
    node_add(skey, bytes_el(t, "value", SPAN_ARRAY(t->b->account->keys.signed_prekey.pub)));
    answer(t, hear(t, "<digest/>"), digest(t, skey));
    assert_null(maybe_hear(t, "<rotate>"));
    assert_int_equal(in_use(t), 1);
    line_free(t);
}

static struct node *foreign_skey(struct line *t)
{
    static const uint8_t nine[] = {0, 0, 9};
    struct node *skey = el(t, "skey", NULL);

    node_add(skey, bytes_el(t, "id", SPAN_ARRAY(nine)));
    node_add(skey, bytes_el(t, "value", SPAN_ARRAY(t->b->account->keys.identity.pub)));
    return skey;
}

static void ask_to_compare(struct line *t, const char *id)
{
    server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type", "encrypt", "id", id,
                           "t", "1790001000", NULL),
                        el(t, "digest", NULL)));
}

/* For so long nothing is sent about keys. The line is not watched: nothing else is of interest. */
static void silent_for(struct line *t, int64_t s)
{
    const int64_t step = 1000;

    keepalive_stop(t->b->keepalive);
    for (; s > 0; s -= step) {
        deaf(t);
        line_pass(t, (s < step ? s : step) * 1000);
        assert_null(maybe_hear(t, "xmlns=\"encrypt\""));
    }
    deaf(t);
}

/* The server has a key that we do not know (a backup was restored) and takes none now: it is asked
 * what it has, and left alone for an hour, whatever it asks and however often we log in. */
static void refused_and_foreign(void **state)
{
    (void)state;
    struct line *t = aged(40);

    refuse(t, hear(t, "<rotate>"), "429");
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    assert_null(maybe_hear(t, "<rotate>"));
    assert_null(maybe_hear(t, "<digest/>"));
    ask_to_compare(t, "N1");
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    assert_null(maybe_hear(t, "<rotate>"));
    server_end(t, WS_END_CLOSED);
    line_pass(t, 60 * 1000);
    deaf(t);
    log_in(t);
    assert_null(maybe_hear(t, "<rotate>"));
    silent_for(t, 3600 - 61);
    line_pass(t, 2 * 1000);
    /* The new key, not the one before. */
    {
        struct heard *h = hear(t, "<rotate>");

        assert_int_equal(id_of(h), 2);
        answer(t, h, NULL);
    }
    assert_int_equal(in_use(t), 2);
    ask_to_compare(t, "N2");
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    assert_int_equal(id_of(hear(t, "<rotate>")), 2);
    line_free(t);
}

/* It names a pause itself, which may be long, but not for ever. */
static void refused_for_so_long(void **state)
{
    static const struct {
        const char *backoff;
        int64_t s;
    } cases[] = {{"10", 3600}, {"7200", 7200}, {"99999999999", 86400}, {"soon", 3600}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct line *t = aged(40);
        const struct heard *h = hear(t, "<rotate>");
        struct node *n =
            with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
                 el(t, "error", "code", "429", "text", "x", "backoff", cases[i].backoff, NULL));

        node_copy_attr(&t->server.arena, n, h->n, "id");
        server_send(t, n);
        answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
        silent_for(t, cases[i].s - 1);
        line_pass(t, 2 * 1000);
        assert_int_equal(id_of(hear(t, "<rotate>")), 2);
        line_free(t);
    }
}

/* Also the current key, which no timer is about to send. */
static void refused_and_not_due(void **state)
{
    (void)state;
    struct line *t = aged(1);

    ask_to_compare(t, "N1");
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    refuse(t, hear(t, "<rotate>"), "500");
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    assert_null(maybe_hear(t, "<rotate>"));
    silent_for(t, 3600 - 1);
    line_pass(t, 2 * 1000);
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    {
        struct heard *h = hear(t, "<rotate>");

        assert_int_equal(id_of(h), 1);
        answer(t, h, NULL);
    }
    silent_for(t, 7 * 3600);
    line_free(t);
}

/* An earlier answer was lost: the server says no because it has it. */
static void refused_because_it_is_there(void **state)
{
    (void)state;
    struct line *t = aged(40);
    struct heard *h = hear(t, "<rotate>");
    const struct node *skey = node_child(node_child(h->n, "rotate"), "skey");

    refuse(t, h, "409");
    answer(t, hear(t, "<digest/>"), digest(t, skey));
    assert_int_equal(in_use(t), 2);
    line_free(t);
}

/* One-time prekeys leave behind it with the key before: the server has that again. */
static void upload_behind_it(void **state)
{
    (void)state;
    struct line *t = aged(40);
    struct heard *rotate = hear(t, "<rotate>");

    server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type", "encrypt", "id",
                           "N1", "t", "1790001000", NULL),
                        el(t, "count", "value", "3", NULL)));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "3", NULL));
    answer(t, hear(t, "<registration>"), NULL);
    answer(t, rotate, NULL);
    assert_int_equal(in_use(t), 1);
    rotate = hear(t, "<rotate>");
    assert_int_equal(id_of(rotate), 2);
    answer(t, rotate, NULL);
    assert_int_equal(in_use(t), 2);
    line_free(t);
}

static void server_asks_to_compare(void **state)
{
    (void)state;
    struct line *t = aged(1);

    /* It has one that we do not know: ours once more. */
    ask_to_compare(t, "N1");
    answer(t, hear(t, "<digest/>"), digest(t, foreign_skey(t)));
    {
        struct heard *h = hear(t, "<rotate>");
        assert_int_equal(id_of(h), 1);
        answer(t, h, NULL);
    }
    assert_int_equal(in_use(t), 1);
    /* It has nothing at all. */
    deaf(t);
    ask_to_compare(t, "N2");
    refuse(t, hear(t, "<digest/>"), "404");
    answer(t, hear(t, "<registration>"), NULL);
    /* Nonsense, or no answer: nothing follows. */
    deaf(t);
    ask_to_compare(t, "N3");
    answer(t, hear(t, "<digest/>"), el(t, "odd", NULL));
    ask_to_compare(t, "N4");
    refuse(t, hear(t, "<digest/>"), "500");
    assert_null(maybe_hear(t, "<rotate>"));
    assert_null(maybe_hear(t, "<registration>"));
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_month_only),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(refused),
        cmocka_unit_test(refused_and_foreign),
        cmocka_unit_test(refused_for_so_long),
        cmocka_unit_test(refused_and_not_due),
        cmocka_unit_test(refused_because_it_is_there),
        cmocka_unit_test(upload_behind_it),
        cmocka_unit_test(server_asks_to_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
