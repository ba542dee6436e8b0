/* A batch, or one stanza of it, is taken back: the keys are again as they were before. */
#include "tests/unit/store/store_fixture.h"

#include "crypto/signal.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"

#define GROUP "120363000000000001@g.us"
#define BOB   "333000333:0@lid"

/* A reader of a group's message, with Bob's key as the bridge has it. */
static enum wb_err reads(struct fixture *f, struct span message)
{
    struct jid group = J(GROUP), bob = J(BOB);
    struct sender_key_record *record;
    struct buf plain = buf_new(1 << 16);
    enum wb_err err;

    OK(store_sender_key_load(f->s, &group, &bob, &record));
    err = sender_key_decrypt(record, message, &plain);
    buf_free(&plain);
    OK(store_sender_key_save(f->s, &group, &bob, record));
    return err;
}

/* Bob's key comes, is committed, and he writes. */
static void bob_writes(struct fixture *f, struct buf *message)
{
    struct jid group = J(GROUP), bob = J(BOB);
    struct sender_key_record *his = sender_key_record_new(), *ours = sender_key_record_new();
    struct buf skdm = buf_new(4096);

    *message = buf_new(1 << 16);
    OK(sender_key_create(his, &f->rng));
    OK(sender_key_distribution(his, &skdm));
    OK(sender_key_process_distribution(ours, buf_span(&skdm)));
    OK(store_sender_key_save(f->s, &group, &bob, ours));
    OK(store_commit(f->s));
    OK(sender_key_encrypt(his, SPAN_LIT("hello"), &f->rng, message));
    buf_free(&skdm);
    sender_key_record_free(his);
}

static void after_a_rollback_the_message_can_be_read_again(void **state)
{
    (void)state;
    struct fixture f;
    struct buf message;

    fixture_ready(&f);
    bob_writes(&f, &message);
    OK(reads(&f, buf_span(&message)));
    store_rollback(f.s);
    OK(reads(&f, buf_span(&message)));
    OK(store_commit(f.s));
    assert_int_equal(reads(&f, buf_span(&message)), WB_ERR_OLD_COUNTER);
    buf_free(&message);
    fixture_free(&f);
}

static void a_stanza_that_is_taken_back_moves_no_sender_key(void **state)
{
    (void)state;
    struct fixture f;
    struct buf message;

    fixture_ready(&f);
    bob_writes(&f, &message);
    OK(store_mark(f.s));
    OK(reads(&f, buf_span(&message)));
    OK(store_mark_undo(f.s));
    OK(reads(&f, buf_span(&message)));
    OK(store_commit(f.s));
    buf_free(&message);
    fixture_free(&f);
}

/* Its peers may still use the bundle that had it (P-LG-07): an id has one key for ever. */
static void the_id_of_a_used_prekey_is_not_given_out_again(void **state)
{
    (void)state;
    struct fixture f;
    struct store_prekey k;

    fixture_ready(&f);
    /* As they are taken over from another program: no mark says how far it came. */
    for (uint32_t id = 99; id <= 100; id++) {
        k.id = id;
        x25519_generate(&f.rng, &k.pair);
        OK(store_prekey_import(f.s, &k));
    }
    OK(store_commit(f.s));
    OK(store_prekey_delete(f.s, 100));
    OK(store_commit(f.s));
    OK(store_prekeys_offer(f.s, &f.rng, 1, &k));
    assert_int_equal(k.id, 101);
    OK(store_commit(f.s));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_rollback_the_message_can_be_read_again),
        cmocka_unit_test(a_stanza_that_is_taken_back_moves_no_sender_key),
        cmocka_unit_test(the_id_of_a_used_prekey_is_not_given_out_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
