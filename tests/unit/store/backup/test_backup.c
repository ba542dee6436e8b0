/* A backup holds what was committed, in the right order; it is complete or does not exist; every
 * change of it is noticed. */
#include "tests/unit/store/backup_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "store/backup/backup.h"
#include "store/files/lock.h"
#include "store/messages/messages.h"
#include "store/session/signal_store.h"

#define GROUP "120363000000000001@g.us"

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

static void save_session(struct fixture *f, uint32_t tag)
{
    struct jid j = J("555:0@lid");
    struct signal_session *s = signal_session_new();

    s->current = signal_state_new();
    s->current->has_sender_chain = true;
    s->current->remote_registration_id = tag;
    OK(store_session_save(f->s, &j, s));
}

static int mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

/* ---- making ---- */

static void a_set_is_what_was_committed(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct backup_manifest m;
    char why[512];
    fixture_ready(&f);
    put(&f, "A1");
    save_session(&f, 1);
    OK(store_commit(f.s));
    put(&f, "A2"); /* an open batch beside it */
    struct backup_result r = made(&f, &p, BACKUP_MANUAL);
    assert_string_equal(r.name, "20260921T141320Z-manual");
    OK(store_commit(f.s)); /* the writer was not disturbed */
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "2");
    OK(store_backup_verify(p.dir, r.name, &m, why));
    assert_string_equal(m.phone, "27820000001");
    assert_string_equal(m.program, "test 1.0");
    assert_int_equal(m.created_at, fixture_time);
    assert_int_equal(m.message_rows, 1);
    assert_int_equal(m.chat_rows, 1);
    assert_int_equal(m.sessions, 1);
    assert_int_equal(m.accounts, 1);
    assert_int_equal(m.schema, 15);
    assert_string_equal(
        peek_sql(file_of(&p, r.name, "messages.db"), "SELECT group_concat(id) FROM messages"),
        "A1");
    assert_string_equal(peek_sql(file_of(&p, r.name, "whatsapp.db"), "PRAGMA journal_mode"),
                        "delete");
    assert_int_equal(mode_of(file_of(&p, r.name, "whatsapp.db")), 0600);
    assert_int_equal(mode_of(file_of(&p, r.name, "manifest.json")), 0600);
    assert_int_equal(mode_of(file_of(&p, r.name, ".")), 0700);
    assert_int_equal(mode_of(p.dir), 0700);
    assert_int_not_equal(access(file_of(&p, r.name, "messages.db-wal"), F_OK), 0);
    assert_int_not_equal(access(file_of(&p, ".unfinished", ""), F_OK), 0);
    /* Another one in the same second gets a name of its own. */
    struct backup_result second = made(&f, &p, BACKUP_MANUAL);
    assert_string_equal(second.name, "20260921T141321Z-manual");
    fixture_free(&f);
}

/* Does another process see the locks of our connection in the -shm file (bytes 120..128)? */
static bool locked_for_others(struct fixture *f)
{
    char shm[160];
    int status = 0;

    snprintf(shm, sizeof shm, "%s-shm", f->wa);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 9};
        int fd = open(shm, O_RDWR);

        _exit(fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* Closing a descriptor of a database drops SQLite's locks on it: another program would then take
 * itself for the only one, and remove the log under us. */
static void the_locks_of_the_running_store_stay(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct store_holder h;
    fixture_ready(&f);
    assert_true(locked_for_others(&f));
    made(&f, &p, BACKUP_MANUAL);
    assert_true(locked_for_others(&f));
    assert_false(store_other_process_has_open(f.wa, &h));
    assert_true(locked_for_others(&f));
    fixture_free(&f);
}

static void what_stands_still_can_be_copied_too(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    fixture_ready(&f);
    fixture_close(&f);
    struct backup_result r = made(&f, &p, BACKUP_BEFORE_UPGRADE);
    assert_true(r.manifest.messages.present);
    assert_int_equal(unlink(f.msg), 0);
    r = made(&f, &p, BACKUP_MANUAL);
    assert_false(r.manifest.messages.present);
    assert_int_equal(unlink(f.wa), 0);
    struct backup_job job = backup_job_for(&f, &p, BACKUP_MANUAL);
    assert_int_equal(store_backup_create(&job, &r), WB_ERR_NOT_FOUND);
    assert_int_equal(access(f.wa, F_OK), -1); /* and it did not make one */
    fixture_free(&f);
}

static bool stop_at_once(void *ctx)
{
    ++*(int *)ctx;
    return true;
}

static void what_fails_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct backup_result r;
    struct backup_entry *list = NULL;
    size_t n = 9;
    int asked = 0;
    fixture_ready(&f);
    struct backup_job job = backup_job_for(&f, &p, "Not A Reason");
    assert_int_equal(store_backup_create(&job, &r), WB_ERR_INVALID);
    job = backup_job_for(&f, &p, BACKUP_MANUAL);
    job.cancelled = stop_at_once;
    job.ctx = &asked;
    assert_int_equal(store_backup_create(&job, &r), WB_ERR_CANCELLED);
    assert_true(asked > 0);
    fixture_close(&f);
    poke_sql(f.wa, "UPDATE whatsmeow_device SET signed_pre_key = randomblob(32)");
    job.cancelled = NULL;
    assert_int_equal(store_backup_create(&job, &r), WB_ERR_DB_CORRUPT);
    assert_non_null(strstr(r.text, "keys"));
    damage(f.wa, 0);
    assert_int_equal(store_backup_create(&job, &r), WB_ERR_DB_CORRUPT);
    OK(store_backup_list(p.dir, &list, &n));
    assert_int_equal(n, 0);
    free(list);
    assert_int_not_equal(access(file_of(&p, ".unfinished", ""), F_OK), 0);
    fixture_free(&f);
}

static void the_last_room_is_left(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct backup_result r;
    fixture_ready(&f);
    fixture_close(&f);
    struct backup_job job = backup_job_for(&f, &p, BACKUP_MANUAL);
    assert_int_equal(truncate(f.msg, (off_t)4 << 40), 0); /* a hole of more than the disk has */
    assert_int_equal(store_backup_create(&job, &r), WB_ERR_NO_SPACE);
    assert_non_null(strstr(r.text, "room"));
    fixture_free(&f);
}

struct holder {
    struct backup_job job;
    enum wb_err inner;
    char text[512];
};

/* Asked between two steps, that is, while the first holds the lock. */
static bool try_another(void *ctx)
{
    struct holder *h = ctx;
    struct backup_job job = h->job;
    struct backup_result r;

    job.cancelled = NULL;
    h->inner = store_backup_create(&job, &r);
    snprintf(h->text, sizeof h->text, "%s", r.text);
    return false;
}

static void one_at_a_time(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct backup_result r;
    struct holder h = {.inner = WB_OK};
    fixture_ready(&f);
    h.job = backup_job_for(&f, &p, BACKUP_MANUAL);
    h.job.cancelled = try_another;
    h.job.ctx = &h;
    OK(store_backup_create(&h.job, &r));
    assert_int_equal(h.inner, WB_ERR_LOCKED);
    assert_non_null(strstr(h.text, "under way"));
    assert_non_null(strstr(h.text, "test 1.0"));
    fixture_free(&f);
}

/* The writer goes on all the time; a set never has a session without its message. */
struct writer {
    struct backup_job job;
    struct backup_result result;
    enum wb_err err;
};

static void *backup_thread(void *arg)
{
    struct writer *w = arg;

    w->err = store_backup_create(&w->job, &w->result);
    return NULL;
}

static void messages_are_never_behind_the_ratchets(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct writer w;
    pthread_t thread;
    uint32_t n = 0;
    fixture_ready(&f);
    for (int round = 0; round < 5; round++) {
        w = (struct writer){.job = backup_job_for(&f, &p, BACKUP_MANUAL)};
        w.job.gentle = true;
        assert_int_equal(pthread_create(&thread, NULL, backup_thread, &w), 0);
        for (int i = 0; i < 40; i++) {
            char id[16];

            snprintf(id, sizeof id, "M%u", ++n);
            put(&f, id);
            save_session(&f, n); /* the tag counts the messages */
            OK(store_commit(f.s));
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        OK(w.err);
        long messages = whole_number(
            peek_sql(file_of(&p, w.result.name, "messages.db"), "SELECT count(*) FROM messages"));
        long ratchet =
            whole_number(peek_sql(file_of(&p, w.result.name, "whatsapp.db"),
                                  "SELECT coalesce(max(json_extract(CAST(session AS TEXT),"
                                  " '$.SessionState.RemoteRegistrationID')), 0)"
                                  " FROM whatsmeow_sessions"));
        assert_true(ratchet <= messages);
        assert_true(round == 0 || ratchet > 0); /* it is the number that we think it is */
        assert_int_equal(messages, w.result.manifest.message_rows);
    }
    fixture_free(&f);
}

/* ---- verifying ---- */

static void any_change_is_noticed(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct backup_manifest m;
    char why[512], name[BACKUP_NAME_MAX + 1];
    fixture_ready(&f);
    struct backup_result first = made(&f, &p, BACKUP_SCHEDULED);
    fixture_time += 3600;
    struct backup_result second = made(&f, &p, BACKUP_SCHEDULED);
    fixture_time += 3600;
    struct backup_result third = made(&f, &p, BACKUP_SCHEDULED);
    damage(file_of(&p, third.name, "messages.db"), 2000);
    assert_int_equal(store_backup_verify(p.dir, third.name, &m, why), WB_ERR_DB_CORRUPT);
    assert_non_null(strstr(why, "messages.db"));
    assert_int_equal(unlink(file_of(&p, second.name, "manifest.json")), 0);
    assert_int_equal(store_backup_verify(p.dir, second.name, &m, why), WB_ERR_NOT_FOUND);
    OK(store_backup_newest_good(p.dir, "27820000001", STORE_FILE_WHATSAPP, name, &m, why));
    assert_string_equal(name, first.name);
    assert_non_null(strstr(why, third.name));
    assert_int_equal(
        store_backup_newest_good(p.dir, "27820000002", STORE_FILE_WHATSAPP, name, &m, why),
        WB_ERR_NOT_FOUND);
    damage(file_of(&p, first.name, "whatsapp.db"), 100);
    assert_int_equal(store_backup_newest_good(p.dir, NULL, STORE_FILE_WHATSAPP, name, &m, why),
                     WB_ERR_NOT_FOUND);
    assert_int_equal(store_backup_verify(p.dir, "../../etc", &m, why), WB_ERR_NOT_FOUND);
    fixture_time -= 7200;
    fixture_free(&f);
}

/* ---- manifest and names ---- */

static enum wb_err read_text(const char *json, struct backup_manifest *m)
{
    return backup_manifest_read(span_cstr(json), m);
}

static void manifest_is_read_strictly(void **state)
{
    (void)state;
    struct backup_manifest m = {.created_at = 1790000000,
                                .sequence = 1790000009,
                                .reason = "manual",
                                .program = "p",
                                .sqlite = "3.40.1",
                                .phone = "27820000001",
                                .whatsapp = {true, 4096, {1, 2, 3}},
                                .schema = 15},
                           back;
    struct buf text = buf_new(BACKUP_MANIFEST_MAX);
    backup_manifest_write(&m, &text);
    OK(buf_err(&text));
    OK(backup_manifest_read(buf_span(&text), &back));
    assert_memory_equal(&m.whatsapp, &back.whatsapp, sizeof m.whatsapp);
    assert_false(back.messages.present);
    assert_string_equal(back.phone, m.phone);
    assert_int_equal(back.created_at, m.created_at);
    assert_int_equal(back.sequence, m.sequence);
    /* Each single change makes it unreadable. */
    static const char *const changes[][2] = {
        {"\"format\": 1", "\"format\": 2"},
        {"\"manual\"", "\"Manual\""},
        {"\"manual\"", "\"a-reason-that-is-longer-than-any\""},
        {"4096", "-4096"},
        {"\"27820000001\"", "\"2782x\""},
        {"\"27820000001\"", "27820000001"},
        {"\"p\"", "\"\\u001b[2J\""},
        {"\"sha256\": \"01", "\"sha256\": \"0"},
        {"\"sha256\": \"01", "\"sha256\": \"0g"},
        {"\"whatsapp.db\"", "\"other.db\""},
        {"\"schema\": 15", "\"schema\": \"15\""},
        {"\"schema\"", "\"created_at\""},
        {"1790000000,", "253402300800,"},
        {"1790000009", "253402300800"},
        {"1790000009", "-1"},
        {"1790000009", "\"1\""},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char bad[2048];
        const char *good = buf_cstr(&text);
        const char *at = strstr(good, changes[i][0]);

        assert_non_null(at);
        snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - good), good, changes[i][1],
                 at + strlen(changes[i][0]));
        enum wb_err err = read_text(bad, &back);
        assert_int_equal(err, i == 0 ? WB_ERR_VERSION : WB_ERR_MALFORMED);
    }
    /* Those of before had no sequence: the time is theirs. */
    char old[2048];
    const char *at = strstr(buf_cstr(&text), "\"sequence\"");
    snprintf(old, sizeof old, "%.*s%s", (int)(at - buf_cstr(&text)), buf_cstr(&text),
             strchr(at, ',') + 1);
    OK(read_text(old, &back));
    assert_int_equal(back.sequence, m.created_at);
    assert_int_equal(read_text("", &back), WB_ERR_MALFORMED);
    assert_int_equal(read_text("[]", &back), WB_ERR_MALFORMED);
    buf_free(&text);
}

static void names(void **state)
{
    (void)state;
    char name[BACKUP_NAME_MAX + 1];
    OK(backup_name(0, "manual", name));
    assert_string_equal(name, "19700101T000000Z-manual");
    assert_true(backup_name_valid(name));
    assert_int_equal(backup_name(0, "", name), WB_ERR_INVALID);
    assert_int_equal(backup_name(0, "a/b", name), WB_ERR_INVALID);
    assert_int_equal(backup_name(0, "-a", name), WB_ERR_INVALID);
    assert_false(backup_name_valid(""));
    assert_false(backup_name_valid("."));
    assert_false(backup_name_valid("19700101T000000Z"));
    assert_false(backup_name_valid("19700101T000000Z-"));
    assert_false(backup_name_valid("19700101T000000Z-../x"));
    assert_false(backup_name_valid("1970010aT000000Z-manual"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_what_was_committed),
        cmocka_unit_test(the_locks_of_the_running_store_stay),
        cmocka_unit_test(what_stands_still_can_be_copied_too),
        cmocka_unit_test(what_fails_leaves_nothing),
        cmocka_unit_test(the_last_room_is_left),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(messages_are_never_behind_the_ratchets),
        cmocka_unit_test(any_change_is_noticed),
        cmocka_unit_test(manifest_is_read_strictly),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
