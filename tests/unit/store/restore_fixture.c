/* restore_fixture.c - see restore_fixture.h. */
#include "tests/unit/store/restore_fixture.h"

#include "crypto/signal.h"
#include "store/messages/messages.h"
#include "store/open/restore.h"
#include "store/outbox/outbox.h"
#include "store/session/owner.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"

static void put(struct fixture *f, const char *id)
{
    enum store_message_outcome outcome;
    struct store_message m = {.id = span_cstr(id),
                              .chat = J(GROUP),
                              .sender = J("27820000009@s.whatsapp.net"),
                              .timestamp = fixture_time,
                              .content = span_cstr("text"),
                              .kind = "text"};

    OK(store_message_put(f->s, &m, &outcome));
}

static void save_session(struct fixture *f, const char *jid)
{
    struct jid j = J(jid);
    struct signal_session *s = signal_session_new();

    s->current = signal_state_new();
    s->current->has_sender_chain = true;
    s->current->sender_chain.chain_key.index = 3;
    x25519_generate(&f->rng, &s->current->sender_chain.ratchet);
    rng_fill(&f->rng, s->current->sender_chain.chain_key.key, 32);
    OK(store_session_save(f->s, &j, s));
}

static void save_sender_key(struct fixture *f, const char *who)
{
    struct jid group = J(GROUP), sender = J(who);
    struct sender_key_record *r = sender_key_record_new();

    r->states[0] = sender_key_state_new();
    r->nstates = 1;
    OK(store_sender_key_save(f->s, &group, &sender, r));
}

static void queue(struct fixture *f, const char *id)
{
    struct store_outbox_row row = {
        .chat = J(GROUP), .request = SPAN_LIT("r"), .content = SPAN_LIT("c"), .created_at = 1};

    snprintf(row.message_id, sizeof row.message_id, "%s", id);
    OK(store_outbox_add(f->s, &row, NULL));
}

void with_backup(struct fixture *f, struct set *set)
{
    struct store_prekey keys[5];

    fixture_ready(f);
    save_session(f, PEER);
    save_sender_key(f, "111000111:7@lid");
    save_sender_key(f, PEER);
    OK(store_prekeys_offer(f->s, &f->rng, 5, keys));
    queue(f, "Q1");
    queue(f, "Q2");
    OK(store_outbox_seal(f->s, "Q2", SPAN_LIT("sealed"), 1, 2));
    queue(f, "Q3");
    OK(store_outbox_seal(f->s, "Q3", SPAN_LIT("sealed"), 1, 2));
    OK(store_outbox_acked(f->s, "Q3", 3, 3));
    put(f, "A1");
    char other[JID_USER_MAX + 1];
    OK(store_messages_owner(f->s, "27820000001", other));
    OK(store_commit(f->s));
    snprintf(set->dir, sizeof set->dir, "%s/backups", f->dir);
    f->config.backups_dir = set->dir;
    struct backup_job job = {.whatsapp_path = f->wa,
                             .messages_path = f->msg,
                             .dir = set->dir,
                             .reason = BACKUP_SCHEDULED,
                             .clock = &fixture_clock};
    OK(store_backup_create(&job, &set->made));
    put(f, "A2"); /* later than the backup */
    OK(store_commit(f->s));
    fixture_close(f);
}

void run_command(const char *fmt, const char *a, const char *b)
{
    char command[512];

    snprintf(command, sizeof command, fmt, a, b);
    assert_int_equal(system(command), 0);
}
