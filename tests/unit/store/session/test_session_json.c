/* Session records of whatsmeow come back byte for byte; broken ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "store/session/session_json.h"

static void read_vector(const char *name, struct buf *out)
{
    char path[512], block[4096];
    size_t n;

    snprintf(path, sizeof path, "%s/tests/vectors/session_json/%s.json", WB_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_append(out, SPAN(block, n));
    fclose(f);
    assert_true(out->n > 100);
}

static struct signal_session *session_vector(const char *name)
{
    struct buf in = buf_new(1 << 20), out = buf_new(1 << 20);
    struct signal_session *s = NULL;

    read_vector(name, &in);
    assert_int_equal(session_json_read(buf_span(&in), &s), WB_OK);
    session_json_write(s, &out);
    assert_int_equal(buf_err(&out), WB_OK);
    assert_string_equal(buf_cstr(&out), buf_cstr(&in));
    buf_free(&in);
    buf_free(&out);
    return s;
}

static void sessions_of_whatsmeow_come_back_byte_for_byte(void **state)
{
    (void)state;
    struct signal_session *s = session_vector("pending_without_prekey");
    assert_true(s->current->pending.present);
    assert_false(s->current->pending.has_prekey_id);
    assert_true(s->current->has_sender_chain);
    signal_session_free(s);
    s = session_vector("pending_with_prekey");
    assert_true(s->current->pending.has_prekey_id);
    signal_session_free(s);
    s = session_vector("received_first");
    assert_false(s->current->pending.present);
    signal_session_free(s);
    s = session_vector("archived_states");
    assert_true(s->narchived > 0);
    signal_session_free(s);
}

static void skipped_keys_are_kept_in_order(void **state)
{
    (void)state;
    struct signal_session *s = session_vector("skipped_keys");
    assert_int_equal(s->current->nreceiver_chains, SIGNAL_RECEIVER_CHAINS_MAX);
    const struct signal_chain *c = &s->current->receiver_chains[1];
    assert_int_equal(c->nkeys, 3);
    assert_int_equal(c->keys[0].index, 0);
    assert_int_equal(c->keys[2].index, 2);
    signal_session_free(s);
}

static struct sender_key_record *sender_vector(const char *name)
{
    struct buf in = buf_new(1 << 20), out = buf_new(1 << 20);
    struct sender_key_record *r = NULL;

    read_vector(name, &in);
    assert_int_equal(sender_key_json_read(buf_span(&in), &r), WB_OK);
    sender_key_json_write(r, &out);
    assert_string_equal(buf_cstr(&out), buf_cstr(&in));
    buf_free(&in);
    buf_free(&out);
    return r;
}

static void sender_keys_of_whatsmeow_come_back(void **state)
{
    (void)state;
    struct sender_key_record *r = sender_vector("sender_key_own");
    assert_true(r->states[0]->has_signing_priv);
    sender_key_record_free(r);
    r = sender_vector("sender_key_received");
    assert_false(r->states[0]->has_signing_priv);
    assert_int_equal(r->states[0]->nkeys, 4);
    assert_int_equal(r->states[0]->keys[3].iteration, 3);
    sender_key_record_free(r);
}

/* Where our knowledge of a chain begins outlives the program; whatsmeow's records do not say. */
static void first_iteration_comes_back(void **state)
{
    (void)state;
    struct sender_key_record *r = sender_vector("sender_key_received"), *again = NULL;
    struct buf json = buf_new(1 << 20);
    assert_int_equal(r->states[0]->first_iteration, 0);
    r->states[0]->first_iteration = 3;
    sender_key_json_write(r, &json);
    assert_int_equal(sender_key_json_read(buf_span(&json), &again), WB_OK);
    assert_int_equal(again->states[0]->first_iteration, 3);
    sender_key_record_free(again);
    /* Beyond the chain's place nothing begins. */
    r->states[0]->first_iteration = r->states[0]->iteration + 1;
    buf_clear(&json);
    sender_key_json_write(r, &json);
    assert_int_equal(sender_key_json_read(buf_span(&json), &again), WB_OK);
    assert_int_equal(again->states[0]->first_iteration, 0);
    sender_key_record_free(again);
    sender_key_record_free(r);
    buf_free(&json);
}

/* P-DB-18: 32 zero bytes mean no private key, and are written as null. */
static void zero_private_key_is_none(void **state)
{
    (void)state;
    struct buf in = buf_new(1 << 20), json = buf_new(1 << 20);
    struct sender_key_record *r = NULL;
    read_vector("sender_key_received", &in);
    char *at = strstr(buf_cstr(&in), "\"SigningKeyPrivate\":null");
    assert_non_null(at);
    size_t before = (size_t)(at - buf_cstr(&in)) + strlen("\"SigningKeyPrivate\":");
    buf_append(&json, SPAN(in.p, before));
    buf_append_cstr(&json, "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"");
    buf_append(&json, span_skip(buf_span(&in), before + 4));
    assert_int_equal(sender_key_json_read(buf_span(&json), &r), WB_OK);
    assert_false(r->states[0]->has_signing_priv);
    sender_key_record_free(r);
    buf_free(&in);
    buf_free(&json);
}

static enum wb_err try_session(const char *text)
{
    struct signal_session *s = NULL;
    enum wb_err err = session_json_read(span_cstr(text), &s);

    signal_session_free(s);
    return err;
}

static void go_is_tolerant_where_we_are(void **state)
{
    (void)state;
    assert_int_equal(try_session("{\"SessionState\":null,\"PreviousStates\":null}"), WB_OK);
    assert_int_equal(try_session(" { \"sessionSTATE\" : null , \"New\":[1,{\"a\":\"b\\\"c\"}] } "),
                     WB_OK);
}

static void broken_records_are_refused(void **state)
{
    (void)state;
    assert_int_not_equal(try_session(""), WB_OK);
    assert_int_not_equal(try_session("{"), WB_OK);
    assert_int_not_equal(try_session("null"), WB_OK);
    assert_int_equal(try_session("{\"SessionState\":null} x"), WB_ERR_TRAILING);
    assert_int_equal(try_session("{\"SessionState\":{}}"), WB_ERR_MALFORMED);
    assert_int_equal(try_session("{\"SessionState\":{\"RootKey\":5}}"), WB_ERR_MALFORMED);
    assert_int_equal(try_session("{\"SessionState\":{\"RootKey\":\"AAAA\"}}"), WB_ERR_MALFORMED);
    assert_int_equal(try_session("{\"SessionState\":{\"PreviousCounter\":4294967296}}"),
                     WB_ERR_MALFORMED);
    assert_int_equal(try_session("{\"SessionState\":{\"SessionVersion\":2}}"), WB_ERR_VERSION);
    assert_int_equal(try_session("{\"x\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}"),
                     WB_ERR_TOO_DEEP);
}

/* Every prefix of a good record is refused, none crashes. */
static void cut_records_are_refused(void **state)
{
    (void)state;
    struct buf in = buf_new(1 << 20);
    read_vector("skipped_keys", &in);
    for (size_t n = 0; n < in.n; n++) {
        struct signal_session *s = NULL;
        uint8_t *copy = malloc(n ? n : 1);

        memcpy(copy, in.p, n);
        assert_int_not_equal(session_json_read(SPAN(copy, n), &s), WB_OK);
        assert_null(s);
        free(copy);
    }
    buf_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_of_whatsmeow_come_back_byte_for_byte),
        cmocka_unit_test(skipped_keys_are_kept_in_order),
        cmocka_unit_test(sender_keys_of_whatsmeow_come_back),
        cmocka_unit_test(first_iteration_comes_back),
        cmocka_unit_test(zero_private_key_is_none),
        cmocka_unit_test(go_is_tolerant_where_we_are),
        cmocka_unit_test(broken_records_are_refused),
        cmocka_unit_test(cut_records_are_refused),
    };

    if (secret_init() != WB_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
