/* wa-mock without sockets: hashes, queues, strictness, and its people among themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "tools/mock/assembly.h"
#include "tools/mock/core/content.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/core/records.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/devices/strict.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/route/message.h"
#include "tools/mock/service/group.h"
#include "tools/mock/session.h"
#include "tools/mock/wire/client.h"

struct fixture {
    struct mock m;
    int64_t now_ms;
    struct clock clock;
};

static int64_t fixed_now(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static int setup(void **state)
{
    static struct fixture f;
    struct mock_config c = config_default();

    c.has_seed = true;
    c.seed[0] = 7;
    c.contacts = 3;
    c.groups = 1;
    memset(&f, 0, sizeof f);
    f.now_ms = 1700000000000;
    f.clock = (struct clock){fixed_now, fixed_now, &f};
    assert_int_equal(secret_init(), WB_OK);
    assert_int_equal(mock_init(&f.m, &c, &f.clock), WB_OK);
    assert_int_equal(mock_populate(&f.m), WB_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    mock_free(&((struct fixture *)*state)->m);
    return 0;
}

static struct mock_account *person(struct mock *m, size_t i)
{
    return m->world.accounts[i];
}

static size_t flag_count(const struct mock *m, const char *what)
{
    size_t n = 0;

    for (const struct flag *f = m->flags; f != NULL; f = f->next)
        n += strcmp(f->what, what) == 0;
    return n;
}

/* Until everybody has read what there is. */
static void settle(struct mock *m)
{
    for (int i = 0; i < 1000 && m->inbox != NULL; i++)
        mock_timers_run(m);
    assert_null(m->inbox);
}

static void write_text(struct mock *m, struct device *from, struct jid to, const char *text)
{
    struct buf msg = buf_new(1 << 16);

    mock_enter(m);
    content_text(&msg, text, NULL, 0, NULL);
    assert_non_null(actor_send(m, from, &to, NULL, "text", buf_span(&msg)));
    mock_leave(m);
    settle(m);
    buf_free(&msg);
}

/* How often a device of the person read that text. */
static size_t times_read(const struct mock_account *a, uint16_t device, const char *text)
{
    json_t *list = records_get(a, "messages"), *one;
    size_t i, n = 0;

    json_array_foreach(list, i, one)
    {
        const char *got = json_string_value(json_object_get(one, "text"));

        n += got != NULL && strcmp(got, text) == 0 &&
             json_integer_value(json_object_get(one, "device")) == device;
    }
    json_decref(list);
    return n;
}

static void test_phash(void **state)
{
    (void)state;
    char text[PHASH_CHARS + 1];
    world_phash(NULL, 0, text);
    assert_string_equal(text, "2:47DEQpj8");
    struct jid a[2], b[2];
    assert_int_equal(jid_parse_cstr("27820000001:2@s.whatsapp.net", &a[0]), WB_OK);
    assert_int_equal(jid_parse_cstr("27820000001@s.whatsapp.net", &a[1]), WB_OK);
    b[0] = a[1];
    b[1] = a[0];
    char other[PHASH_CHARS + 1];
    world_phash(a, 2, text);
    world_phash(b, 2, other);
    assert_string_equal(text, other);
    assert_string_not_equal(text, "2:47DEQpj8");
}

static void test_protobuf_fields(void **state)
{
    (void)state;
    struct buf b = buf_new(256);
    pb_put_u64(&b, 1, 300);
    pb_put_text(&b, 2, "first");
    pb_put_text(&b, 2, "last");
    assert_true(pb_valid(buf_span(&b)));
    assert_int_equal(pb_u64(buf_span(&b), 1, 0), 300);
    assert_true(span_eq_cstr(pb_bytes(buf_span(&b), 2), "last"));
    assert_null(pb_bytes(buf_span(&b), 1).p);
    assert_int_equal(pb_u64(buf_span(&b), 9, 42), 42);
    assert_false(pb_valid(span_first(buf_span(&b), b.n - 1)));
    assert_false(pb_valid(SPAN_LIT("\x00\x01")));             /* field number 0 */
    assert_false(pb_valid(SPAN_LIT("\x0b\x01")));             /* a group */
    assert_false(pb_valid(SPAN_LIT("\x0a\xff\xff\xff\x7f"))); /* longer than the rest */
    buf_free(&b);
}

static void note_order(struct mock *m, void *arg)
{
    (void)m;
    char **at = arg;
    *(*at)++ = 'x';
}

static void test_timers(void **state)
{
    struct fixture *f = *state;
    char marks[8] = "", *at = marks, *never = marks + 4;

    assert_int_equal(mock_timer_wait(&f->m), -1);
    assert_true(mock_timer(&f->m, 50, note_order, &at, NULL));
    assert_true(mock_timer(&f->m, 10, note_order, &at, NULL));
    assert_true(mock_timer(&f->m, 20, note_order, &never, NULL));
    mock_timer_cancel(&f->m, &never);
    assert_int_equal(mock_timer_wait(&f->m), 10);
    mock_timers_run(&f->m);
    assert_string_equal(marks, "");
    f->now_ms += 10;
    mock_timers_run(&f->m);
    assert_string_equal(marks, "x");
    assert_int_equal(mock_timer_wait(&f->m), 40);
    f->now_ms += 100;
    mock_timers_run(&f->m);
    assert_string_equal(marks, "xx");
}

static void test_people_write(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct mock_account *a = person(m, 0), *b = person(m, 1);

    write_text(m, a->devices[0], b->lid, "one");
    write_text(m, b->devices[0], a->pn, "two");
    write_text(m, a->devices[0], b->lid, "three");
    assert_int_equal(times_read(b, 0, "one"), 1);
    assert_int_equal(times_read(a, 0, "two"), 1);
    assert_int_equal(times_read(b, 0, "three"), 1);
    assert_null(m->flags);
}

static void test_group_and_new_device(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct mock_account *a = person(m, 0), *b = person(m, 1), *c = person(m, 2);
    struct jid group = m->world.group_list[0]->jid;

    write_text(m, a->devices[0], group, "to all");
    assert_int_equal(times_read(b, 0, "to all"), 1);
    assert_int_equal(times_read(c, 0, "to all"), 1);
    struct device *d = world_add_device(m, b);
    assert_non_null(d);
    assert_true(actor_attach(m, d, NULL));
    write_text(m, a->devices[0], group, "to all and the new one");
    assert_int_equal(times_read(b, d->number, "to all and the new one"), 1);
    write_text(m, d, group, "from the new one");
    assert_int_equal(times_read(a, 0, "from the new one"), 1);
    mock_enter(m);
    assert_int_equal(group_change_member(m, m->world.group_list[0], a, c, GROUP_REMOVE), 0);
    mock_leave(m);
    write_text(m, a->devices[0], group, "without the third");
    assert_int_equal(times_read(b, 0, "without the third"), 1);
    assert_int_equal(times_read(c, 0, "without the third"), 0);
    assert_null(m->flags);
}

static size_t failures(const struct mock_account *a)
{
    json_t *list = records_get(a, "failures");
    size_t n = json_array_size(list);

    json_decref(list);
    return n;
}

static void test_retries(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct mock_account *a = person(m, 0), *b = person(m, 1);
    struct jid group = m->world.group_list[0]->jid;

    b->refuse = 2;
    write_text(m, a->devices[0], b->lid, "asked for twice");
    assert_int_equal(times_read(b, 0, "asked for twice"), 1);
    a->corrupt = 1;
    write_text(m, a->devices[0], b->lid, "damaged");
    assert_int_equal(times_read(b, 0, "damaged"), 1);
    assert_int_equal(failures(b), 1);
    a->corrupt = 1;
    write_text(m, a->devices[0], group, "damaged in the group");
    assert_int_equal(times_read(b, 0, "damaged in the group"), 1);
    assert_int_equal(failures(b), 2);
    a->ignore_retries = true;
    a->corrupt = 1;
    write_text(m, a->devices[0], b->lid, "lost");
    assert_int_equal(times_read(b, 0, "lost"), 0);
}

/* A stanza of `from` with one enc for `to`. */
static struct node *handmade(struct mock *m, const struct device *to, const char *id,
                             struct span ciphertext)
{
    struct jid j = device_jid(to, true), chat = jid_bare(j);
    struct node *n = mock_node(m, "message");

    node_attr_text(&m->a, n, "id", id);
    node_attr_text(&m->a, n, "type", "text");
    node_attr_jid(&m->a, n, "to", &chat);
    struct node *t = node_child_new(&m->a, node_child_new(&m->a, n, "participants"), "to");
    node_attr_jid(&m->a, t, "jid", &j);
    struct node *enc = node_child_new(&m->a, t, "enc");
    node_attr_text(&m->a, enc, "v", "2");
    node_attr_text(&m->a, enc, "type", "msg");
    node_set_bytes(&m->a, enc, ciphertext);
    return n;
}

static void signal_message(struct buf *out, uint32_t counter, const char *ciphertext)
{
    uint8_t ratchet[DJB_KEY_BYTES] = {DJB_TYPE, 1};

    buf_u8(out, 0x33);
    pb_put_bytes(out, 1, SPAN_ARRAY(ratchet));
    pb_put_u64(out, 2, counter);
    pb_put_u64(out, 3, 0);
    pb_put_text(out, 4, ciphertext);
    buf_append(out, SPAN_LIT("MACMACMA"));
}

static void send_handmade(struct mock *m, struct device *from, struct device *to, const char *id,
                          uint32_t counter, const char *ciphertext)
{
    struct buf b = buf_new(1024);
    struct message_verdict v;

    signal_message(&b, counter, ciphertext);
    mock_enter(m);
    message_route(m, from, "test", handmade(m, to, id, buf_span(&b)), &v);
    mock_leave(m);
    buf_free(&b);
}

static void test_message_key_reuse(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct device *from = person(m, 0)->devices[0], *to = person(m, 1)->devices[0];

    send_handmade(m, from, to, "A1", 1, "x");
    send_handmade(m, from, to, "A2", 2, "y");
    send_handmade(m, from, to, "A2", 2, "y"); /* the same stanza again is no crime */
    assert_int_equal(flag_count(m, "message-key-reuse"), 0);
    send_handmade(m, from, to, "A3", 2, "z");
    assert_int_equal(flag_count(m, "message-key-reuse"), 1);
}

static void test_forgotten_device(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct mock_account *b = person(m, 1);
    struct device *second = world_add_device(m, b);

    assert_true(second != NULL && actor_attach(m, second, NULL));
    send_handmade(m, person(m, 0)->devices[0], b->devices[0], "B1", 1, "x");
    assert_int_equal(flag_count(m, "forgotten-device"), 1);
}

static struct device *new_client(struct mock *m)
{
    struct mock_account *a = world_add_account(m, "27820000001", "Client", false);
    struct device *d = a != NULL ? world_add_device(m, a) : NULL;

    assert_non_null(d);
    return d;
}

/* Nobody can send to a device, or leave one out, of which the news has not reached them. */
static void test_news_on_the_way(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct mock_account *b = person(m, 1);
    struct device *client = new_client(m);

    /* the client's own phone never gets a copy here: one flag for each message */
    send_handmade(m, client, b->devices[0], "N1", 1, "x");
    assert_int_equal(flag_count(m, "forgotten-device"), 1);

    struct device *second = world_add_device(m, b);
    assert_true(second != NULL && actor_attach(m, second, NULL));
    mock_enter(m);
    devices_changed(m, b, second, DEVICE_ADDED);
    mock_leave(m);
    assert_true(devices_unheard(client, b));
    send_handmade(m, client, b->devices[0], "N2", 2, "x");
    assert_int_equal(flag_count(m, "forgotten-device"), 2);
    assert_true(deliver_acked(client, "notification", client->last->id));
    assert_false(devices_unheard(client, b));
    send_handmade(m, client, b->devices[0], "N3", 3, "x");
    assert_int_equal(flag_count(m, "forgotten-device"), 4);

    mock_enter(m);
    devices_changed(m, b, second, DEVICE_REMOVED);
    struct device gone = *second;
    world_remove_device(m, second);
    mock_leave(m);
    send_handmade(m, client, &gone, "N4", 4, "x");
    assert_int_equal(flag_count(m, "stale-device"), 0);
    assert_true(deliver_acked(client, "notification", client->last->id));
    send_handmade(m, client, &gone, "N5", 5, "x");
    assert_int_equal(flag_count(m, "stale-device"), 1);
}

static void no_write(void *socket)
{
    (void)socket;
}

/* A frame may not leave before one that was delayed, whatever the delay is now: the client would
 * decrypt them in the wrong order, and lose the stream. */
static void test_late_frames_keep_their_order(void **state)
{
    struct fixture *f = *state;
    struct mock *m = &f->m;
    static const char *const frames[] = {"first", "second", "third"};

    m->want_write = no_write;
    struct client *c = client_new(m, f, &session_ops);
    assert_non_null(c);
    m->trouble.delay_ms = 50;
    client_send_frame(c, span_cstr(frames[0]));
    f->now_ms += 20;
    m->trouble.delay_ms = 0;
    client_send_frame(c, span_cstr(frames[1])); /* would be due at once */
    f->now_ms += 30;
    client_send_frame(c, span_cstr(frames[2])); /* the first is due, and has not left */
    assert_null(client_next_out(c));
    for (int i = 0; i < 3; i++)
        mock_timers_run(m);
    for (size_t i = 0; i < 3; i++) {
        struct out_msg *o = client_next_out(c);

        assert_non_null(o);
        struct span payload = span_skip(SPAN(o->bytes, o->n), FRAME_HEADER_BYTES);
        assert_true(span_eq_cstr(payload, frames[i]));
        free(o);
    }
    client_send_frame(c, SPAN_LIT("at once")); /* nothing is late any more */
    struct out_msg *o = client_next_out(c);
    assert_non_null(o);
    free(o);
    client_gone(c);
}

/* What answers a long offline queue is as fast as the queue; what the client begins is not. */
static void test_floods(void **state)
{
    struct fixture *f = *state;
    struct mock *m = &f->m;
    struct client *c = client_new(m, f, &session_ops);

    assert_non_null(c);
    c->state = CLIENT_REGISTERING;
    mock_enter(m);
    struct node *ack = mock_node(m, "ack"), *presence = mock_node(m, "presence");
    for (int i = 0; i < 4000; i++)
        session_ops.stanza(c, ack);
    assert_int_equal(flag_count(m, "flood"), 0);
    for (int i = 0; i < 3000; i++)
        session_ops.stanza(c, presence);
    assert_int_equal(flag_count(m, "flood"), 0);
    session_ops.stanza(c, presence);
    assert_int_equal(flag_count(m, "flood"), 1);
    mock_leave(m);
    client_gone(c);
}

static void test_queue(void **state)
{
    struct mock *m = &((struct fixture *)*state)->m;
    struct device *d = new_client(m);
    struct mock_account *a = d->account;

    mock_enter(m);
    for (int i = 0; i < 3; i++) {
        struct node *n = deliver_notification(m, &a->pn, "test");

        deliver(m, d, n);
    }
    assert_int_equal(d->nqueued, 3);
    char id[MOCK_ID_MAX];
    (void)snprintf(id, sizeof id, "%s", d->first->next->id);
    assert_false(deliver_acked(d, "message", id)); /* another class */
    assert_true(deliver_acked(d, "notification", id));
    assert_int_equal(d->nqueued, 2);
    assert_true(deliver_acked(d, "notification", id)); /* twice is known */
    assert_false(deliver_acked(d, "notification", "never sent"));
    struct node *n;
    assert_int_equal(node_unpack(SPAN(d->first->packed, d->first->n), &m->a, &n), WB_OK);
    assert_true(node_has_attr(n, "offline"));
    mock_leave(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phash),
        cmocka_unit_test(test_protobuf_fields),
        cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_people_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_and_new_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message_key_reuse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_news_on_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_frames_keep_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
