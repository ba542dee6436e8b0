/* A pkmsg that is delivered again when its session is gone: it sets up no session, and nothing is
 * stored twice. */
#include "tests/unit/bridge/receive_people.h"

#include "store/session/signal_store.h"

/* A session from a bundle without a one-time prekey. */
static void start_bare(struct writer *w, struct receiver *r)
{
    const struct device_keys *k = &r->account.keys;
    struct signal_bundle bundle = {.registration_id = k->registration_id,
                                   .signed_prekey_id = k->signed_prekey_id};

    memcpy(bundle.identity, k->identity.pub, 32);
    memcpy(bundle.signed_prekey, k->signed_prekey.pub, 32);
    memcpy(bundle.signed_prekey_sig, k->signed_prekey_sig, sizeof bundle.signed_prekey_sig);
    OK(signal_session_start(w->session, &w->local, &bundle, &w->rng));
}

/* The same ciphertext in a stanza of another id. */
static struct node *copy_of(struct receiver *r, const struct node *n, const char *from,
                            const char *id)
{
    struct node *copy = stanza(r, from, id);
    const struct node *enc = node_child(n, "enc");

    assert_true(node_attr_is(enc, "type", "pkmsg"));
    add_enc(r, copy, "pkmsg", node_content_bytes(enc));
    return copy;
}

static void refused(struct receiver *r, const struct node *n, const char *id)
{
    char sql[128];

    receive(r, copy_of(r, n, ALICE, id));
    has(sent[0], "type=\"retry\"");
    has(sent[0], "<keys>"); /* should she still write in a session that we do not have */
    snprintf(sql, sizeof sql, "SELECT content || state FROM messages WHERE id = '%s'", id);
    assert_look(r, sql, "waiting");
    assert_look(r, "SELECT count(*) FROM messages WHERE content = 'once'", "1");
}

static void receipted(struct receiver *r, struct node *n)
{
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
}

/* With more sessions since than a record keeps. */
static void behind_the_archive(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *first;
    char id[16];

    writer_init(&alice, 1);
    start_bare(&alice, r);
    first = letter(r, &alice, ALICE, "A1", "once");
    receive(r, first);
    for (int i = 0; i <= SIGNAL_ARCHIVED_STATES_MAX; i++) {
        start_bare(&alice, r);
        snprintf(id, sizeof id, "B%d", i);
        r->nevents = 0;
        receive(r, letter(r, &alice, ALICE, id, "more"));
    }
    refused(r, first, "R1");
    receipted(r, first);
    receipted(r, first);
    writer_free(&alice);
}

/* With the record gone, and the one-time prekey with it. */
static void with_a_one_time_prekey(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *first;
    struct jid who = J(ALICE);

    writer_init(&alice, 1);
    writer_start(&alice, r);
    first = letter(r, &alice, ALICE, "A1", "once");
    receive(r, first);
    OK(store_signal_forget_user(r->f.s, &who));
    refused(r, first, "R1");
    receipted(r, first);
    writer_free(&alice);
}

/* She is not locked out: a new session works, also one under the same identity. */
static void a_new_session_is_taken(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *first;
    struct jid device = J("27820000011:0@s.whatsapp.net");

    writer_init(&alice, 1);
    start_bare(&alice, r);
    first = letter(r, &alice, ALICE, "A1", "once");
    receive(r, first);
    OK(store_session_delete(r->f.s, &device));
    /* She goes on in the session that we lost. */
    receive(r, letter(r, &alice, ALICE, "A2", "lost"));
    has(sent[0], "type=\"retry\"");
    has(sent[0], "<keys>");
    start_bare(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A2", "lost"));
    assert_look(r, "SELECT group_concat(content || state) FROM messages", "once,lost");
    writer_free(&alice);
}

/* count: which resend it is; NULL: the first time. */
static struct node *peer_letter(struct receiver *r, struct writer *phone, const char *id,
                                const char *count)
{
    struct node *n = stanza(r, OWN_PHONE, id), *enc;

    node_attr_text(&r->arena, n, "category", "peer");
    node_attr_text(&r->arena, n, "type", "peer_msg");
    enc = add_sealed(r, phone, n, text_message(r, id));
    if (count)
        node_attr_text(&r->arena, enc, "count", count);
    return n;
}

static void repeated(struct receiver *r, const char *count)
{
    char text[32];

    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"retry\"");
    has(sent[0], "category=\"peer\"");
    has(sent[0], "<keys>");
    snprintf(text, sizeof text, "count=\"%s\"", count);
    has(sent[0], text);
    has(sent[1], "<ack");
    assert_look(r, "SELECT count(*) FROM messages", "0");
}

/* What our phone tells us is asked for again when it comes in a session that we lost: nobody would
 * miss it. A copy of what was dealt with is not; and not for ever. */
static void our_phone_is_asked_to_repeat(void **state)
{
    struct receiver *r = *state;
    struct jid device = J("27820000001:0@s.whatsapp.net");
    struct writer phone;
    struct node *first, *last;

    writer_init(&phone, PHONE_NUMBER);
    start_bare(&phone, r);
    first = peer_letter(r, &phone, "P1", NULL);
    receive(r, first);
    OK(store_signal_forget_user(r->f.s, &device));
    receipted(r, first);
    receive(r, peer_letter(r, &phone, "P2", NULL));
    repeated(r, "1");
    receive(r, peer_letter(r, &phone, "P2", "2"));
    repeated(r, "3");
    last = peer_letter(r, &phone, "P2", "4");
    node_child_new(&r->arena, last, "meta");
    receive(r, last);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    start_bare(&phone, r);
    receipted(r, peer_letter(r, &phone, "P2", NULL));
    writer_free(&phone);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(behind_the_archive),
        T(with_a_one_time_prekey),
        T(a_new_session_is_taken),
        T(our_phone_is_asked_to_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
