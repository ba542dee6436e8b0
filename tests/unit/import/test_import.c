/* A directory of Baileys becomes a whatsapp.db, in one step or not at all. */
#include "tests/unit/store/store_fixture.h"

#include "base/text.h"
#include "store/files/lock.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"
#include "tools/import/import.h"

#define VECTORS WB_SOURCE_DIR "/tests/vectors/baileys"
#define GROUP   "120363000000104730@g.us"

struct stage {
    struct fixture f; /* dir is the store */
    char from[128];
    struct import_options o;
    struct import_report r;
};

static void run(const char *format, const char *a, const char *b)
{
    char command[700];

    snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    static struct stage s;

    memset(&s, 0, sizeof s);
    fixture_new(&s.f);
    snprintf(s.from, sizeof s.from, "%s/from", s.f.dir);
    run("cp -r '%s' '%s'", VECTORS, s.from);
    s.o = (struct import_options){
        .from = s.from, .store = s.f.dir, .clock = &fixture_clock, .rng = &s.f.rng};
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(&((struct stage *)*state)->f);
    return 0;
}

static enum wb_err import(struct stage *s)
{
    return import_baileys(&s->o, &s->r);
}

static void put_file(struct stage *s, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", s->from, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Nothing but the directory to import (and the lock) is in the store. */
static void expect_nothing_made(struct stage *s)
{
    run("test \"$(ls -A '%s' | grep -v -e ^from$ -e lock$)\" = '%s'", s->f.dir, "");
}

static void what_baileys_wrote_is_in_the_database(void **state)
{
    struct stage *s = *state;
    struct account a;
    bool has = false, missing[2] = {false, false};
    size_t all = 0, offered = 0;
    struct store_prekey fresh;

    OK(import(s));
    assert_int_equal(s->r.prekey_high, 812);
    assert_int_equal(s->r.counts[FILE_PREKEY].carried, 3);
    assert_int_equal(s->r.counts[FILE_SESSION].carried, 5); /* not the one with itself */
    assert_int_equal(s->r.counts[FILE_SESSION].lost, 0);
    assert_int_equal(s->r.counts[FILE_SENDER_KEY].carried, 3);
    assert_int_equal(s->r.counts[FILE_SENDER_KEY_MEMORY].carried, 1);
    assert_int_equal(s->r.counts[FILE_DEVICE_LIST].lost, 6);
    assert_int_equal(s->r.counts[FILE_OTHER].lost, 1); /* README.md */
    assert_string_equal(peek_sql(s->f.wa, "PRAGMA journal_mode"), "delete");
    assert_string_equal(peek_sql(s->f.wa, "SELECT version FROM whatsmeow_version"), "15");
    assert_string_equal(peek_sql(s->f.wa, "SELECT count(*) FROM whatsmeow_app_state_sync_keys"
                                          " WHERE hex(key_id) = '000000002C01'"
                                          " AND hex(fingerprint) = '08D3A49ED9061001180100'"
                                          " OR length(fingerprint) > 4"),
                        "1");
    assert_string_equal(peek_sql(s->f.wa, "SELECT timestamp FROM whatsmeow_privacy_tokens"),
                        "1795274621");
    struct stat st;
    assert_int_equal(stat(s->f.wa, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    fixture_open(&s->f);
    assert_false(s->f.info.created_whatsapp);
    assert_false(s->f.info.used_without_us);
    OK(store_account_load(s->f.s, "27820000001", &a));
    assert_true(jid_eq(&a.lid, &(struct jid){0}) == false);
    assert_int_equal(a.keys.registration_id, 241);
    assert_string_equal(a.push_name, "User 0001");
    assert_string_equal(a.platform, "android");
    struct jid alice = J("100200300007926:1@lid"), own = J("100200300023764:1@lid");
    struct jid group = J(GROUP);
    OK(store_session_has(s->f.s, &alice, &has));
    assert_true(has);
    OK(store_session_has(s->f.s, &own, &has));
    assert_false(has);
    OK(store_prekeys_count(s->f.s, &all, &offered));
    assert_int_equal(all, 4);
    assert_int_equal(offered, 4);
    /* whatsmeow goes on behind the highest row: Baileys may have offered 812. */
    assert_string_equal(peek_sql(s->f.wa, "SELECT max(key_id) FROM whatsmeow_pre_keys"), "813");
    OK(store_prekeys_offer(s->f.s, &s->f.rng, 1, &fresh));
    assert_int_equal(fresh.id, 814);
    struct sender_key_record *record = NULL;
    OK(store_sender_key_load(s->f.s, &group, &own, &record));
    assert_true(record->states[0]->has_signing_priv);
    const struct jid devices[2] = {alice, J("100200300007926:2@lid")};
    OK(store_skdm_missing(s->f.s, &group, record->states[0]->key_id, devices, 2, missing));
    assert_false(missing[0]);
    assert_true(missing[1]);
    sender_key_record_free(record);
    struct jid pn = J("27820000011@s.whatsapp.net"), lid;
    OK(store_lid_of_pn(s->f.s, &pn, &lid));
    assert_string_equal(lid.user, "100200300007926");
    uint8_t identity[X25519_KEY_BYTES];
    OK(store_identity_get(s->f.s, &alice, identity)); /* from the session: no file says it */
    account_wipe(&a);
}

static void a_dry_run_writes_nothing(void **state)
{
    struct stage *s = *state;

    s->o.dry_run = true;
    OK(import(s));
    assert_int_equal(s->r.counts[FILE_SESSION].carried, 5);
    expect_nothing_made(s);
}

static void a_database_that_is_there_is_not_touched(void **state)
{
    struct stage *s = *state;
    FILE *file = fopen(s->f.wa, "w");

    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    assert_int_equal(import(s), WB_ERR_EXISTS);
    assert_non_null(strstr(s->r.text, "never overwritten"));
    run("test \"$(cat '%s')\" = %s", s->f.wa, "mine");
}

static void a_shared_store_stays_readable_to_its_group(void **state)
{
    struct stage *s = *state;
    const gid_t group = getegid() ? getegid() : 1;
    char shared[128];
    struct stat st;

    snprintf(shared, sizeof shared, "%s/shared", s->f.dir);
    assert_int_equal(mkdir(shared, 0700), 0);
    assert_int_equal(chown(shared, (uid_t)-1, group), 0);
    assert_int_equal(chmod(shared, 02770), 0);
    s->o.store = shared;
    OK(import(s));
    assert_int_equal(stat(shared, &st), 0);
    assert_int_equal(st.st_gid, group);
    /* As the bridge leaves it: beside whatsapp.db they only read. */
    assert_int_equal(st.st_mode & 07777, 02750);
}

static void a_store_in_use_is_refused(void **state)
{
    struct stage *s = *state;
    struct store_lock lock;
    struct store_holder holder;

    OK(store_lock_take(s->f.wa, "whatsapp-bridge", fixture_time, &lock, &holder));
    assert_int_equal(import(s), WB_ERR_LOCKED);
    assert_non_null(strstr(s->r.text, "whatsapp-bridge"));
    store_lock_drop(&lock);
    expect_nothing_made(s);
}

/* One field of creds.json at a time is wrong. */
static void damaged_credentials_name_the_field(void **state)
{
    static const struct {
        const char *edit, *what;
    } cases[] = {
        {"s/\"registrationId\":241/\"registrationId\":\"x\"/", "registrationId"},
        {"s/qApQ8WxX/qApQ8WxY/", "noiseKey"},
        {"s/oBVpuX4C/oBVpuX4D/", "signedIdentityKey"},
        {"s/LMJ4XOyz/LMJ4XOyy/", "signedPreKey.signature"},
        {"s/FYKnQb4e/FYK/", "advSecretKey"},
        {"s/TqIaSjt3/TqIaSjt4/", "account.accountSignature"},
        {"s/j+Xx15mV/j+Xx15mW/", "account.deviceSignature"},
        {"s/CNPZnNkGEPnuhtgGGAE=//", "account.details"},
        {"s/27820000001:1@/27820000001@/", "me.id"},
        {"s/100200300023764:1@lid\",\"name/1@g.us\",\"name/", "me.lid"},
        {"s/\"nextPreKeyId\":813/\"nextPreKeyId\":0/", "nextPreKeyId"},
        {"s/}$//", "JSON"},
        {"s/^.*$/[]/", "JSON"},
    };
    struct stage *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run("cp '" VECTORS "/creds.json' '%s/creds.json%s'", s->from, "");
        run("sed -i '%s' '%s/creds.json'", cases[i].edit, s->from);
        enum wb_err err = import(s);
        assert_int_not_equal(err, WB_OK);
        if (!strstr(s->r.text, cases[i].what))
            print_error("%s: %s\n", cases[i].edit, s->r.text);
        assert_non_null(strstr(s->r.text, cases[i].what));
        expect_nothing_made(s);
    }
}

static void what_is_no_linked_device_is_refused(void **state)
{
    struct stage *s = *state;

    put_file(s, "creds.json", "{\"me\":null}");
    assert_int_equal(import(s), WB_ERR_STATE);
    assert_non_null(strstr(s->r.text, "never linked"));
    run("rm '%s/creds.json%s'", s->from, "");
    assert_int_equal(import(s), WB_ERR_STATE);
    assert_non_null(strstr(s->r.text, "no creds.json"));
    s->o.from = "/nowhere/at/all";
    assert_int_equal(import(s), WB_ERR_NOT_FOUND);
    expect_nothing_made(s);
}

static void damaged_and_foreign_files_are_counted_and_the_rest_is_taken(void **state)
{
    struct stage *s = *state;

    put_file(s, "session-100200300007926_1.1.json", "{\"_sessions\":{\"x\":");
    put_file(s, "pre-key-6.json", "");
    put_file(s, "pre-key-99999999.json", "{}");
    put_file(s, "app-state-sync-version-regular.json", "{\"version\":3,\"hash\":\"AA==\"}");
    put_file(s, "app-state-sync-version-regular_low.json", "{\"version\":0}");
    put_file(s, "lid-mapping-27820000077.json", "17");
    put_file(s, "notes.txt", "hello");
    put_file(s, "session-nobody.json", "{}");
    run("mkfifo '%s/session-27820000099.0.json%s'", s->from, "");
    OK(import(s));
    assert_int_equal(s->r.counts[FILE_SESSION].carried, 4);
    assert_int_equal(s->r.counts[FILE_SESSION].lost, 2);
    assert_string_equal(s->r.counts[FILE_SESSION].first_lost, "session-100200300007926_1.1.json");
    assert_int_equal(s->r.counts[FILE_PREKEY].carried, 2);
    assert_int_equal(s->r.counts[FILE_PREKEY].lost, 2);
    assert_int_equal(s->r.counts[FILE_APPSTATE_VERSION].carried, 1);
    assert_int_equal(s->r.counts[FILE_APPSTATE_VERSION].lost, 1);
    assert_int_equal(s->r.counts[FILE_LID_MAPPING].lost, 1);
    assert_int_equal(s->r.counts[FILE_OTHER].lost, 3);
    assert_string_equal(peek_sql(s->f.wa, "SELECT count(*) FROM whatsmeow_app_state_version"), "0");
}

static void records_under_a_number_go_to_the_lid(void **state)
{
    struct stage *s = *state;
    struct jid bob = J("100200300015845:1@lid"), alice = J("100200300007926:1@lid");
    struct signal_session *session = NULL;
    struct account a;

    /* Bob's only under the number; Alice's (here: Bob's again) beside the one of the LID. */
    run("mv '%s'/session-100200300015845_1.1.json '%s/session-27820000012.1.json'", s->from,
        s->from);
    run("cp '%s'/session-27820000012.1.json '%s/session-27820000011.1.json'", s->from, s->from);
    OK(import(s));
    fixture_open(&s->f);
    OK(store_account_load(s->f.s, NULL, &a));
    OK(store_session_load(s->f.s, &bob, &session, NULL));
    assert_non_null(session->current);
    assert_int_equal(session->narchived, 0);
    signal_session_free(session);
    OK(store_session_load(s->f.s, &alice, &session, NULL));
    assert_int_equal(session->narchived, 1);
    signal_session_free(session);
    assert_string_equal(
        peek_sql(s->f.wa, "SELECT count(*) FROM whatsmeow_sessions WHERE their_id LIKE '278%'"),
        "0");
    account_wipe(&a);
}

static void app_state_collections_keep_version_and_macs(void **state)
{
    struct stage *s = *state;
    char json[2048];
    struct buf hash = buf_new(512), mac = buf_new(128);
    uint8_t bytes[128] = {9};

    buf_b64(&hash, SPAN_ARRAY(bytes));
    buf_b64(&mac, SPAN(bytes, 32));
    snprintf(json, sizeof json,
             "{\"version\":7,\"hash\":{\"type\":\"Buffer\",\"data\":\"%s\"},"
             "\"indexValueMap\":{\"%s\":{\"valueMac\":{\"type\":\"Buffer\",\"data\":\"%s\"}}}}",
             buf_cstr(&hash), buf_cstr(&mac), buf_cstr(&mac));
    put_file(s, "app-state-sync-version-critical_block.json", json);
    OK(import(s));
    assert_string_equal(peek_sql(s->f.wa, "SELECT version || name || length(hash)"
                                          " FROM whatsmeow_app_state_version"),
                        "7critical_block128");
    assert_string_equal(peek_sql(s->f.wa, "SELECT version || length(index_mac) || length(value_mac)"
                                          " FROM whatsmeow_app_state_mutation_macs"),
                        "73232");
    buf_free(&hash);
    buf_free(&mac);
}

/* A clock that is asked while the import runs: the moment for the other program to write. */
static struct stage *writing;
static int64_t writes_meanwhile(void *ctx)
{
    (void)ctx;
    put_file(writing, "pre-key-813.json", "{}");
    return fixture_time * 1000;
}

static void a_program_that_still_writes_is_noticed(void **state)
{
    static const struct clock clock = {writes_meanwhile, writes_meanwhile, NULL};
    struct stage *s = *state;

    writing = s;
    s->o.clock = &clock;
    assert_int_equal(import(s), WB_ERR_STATE);
    assert_non_null(strstr(s->r.text, "still runs"));
    expect_nothing_made(s);
}

static void names_of_files_are_understood(void **state)
{
    static const struct {
        const char *name;
        enum file_kind kind;
        const char *person, *group;
    } cases[] = {
        {"creds.json", FILE_CREDS, "", ""},
        {"session-2782.3.json", FILE_SESSION, "2782:3@s.whatsapp.net", ""},
        {"session-2782_1.0.json", FILE_SESSION, "2782@lid", ""},
        {"session-2782_129.99.json", FILE_SESSION, "2782:99@lid", ""},
        {"session-2782_7.0.json", FILE_OTHER, "", ""},
        {"session-.0.json", FILE_OTHER, "", ""},
        {"sender-key-2782-160@g.us--99_1--4.json", FILE_SENDER_KEY, "99:4@lid", "2782-160@g.us"},
        {"sender-key-status@broadcast--99--0.json", FILE_SENDER_KEY, "99@s.whatsapp.net",
         "status@broadcast"},
        {"sender-key-memory-2782-160@g.us.json", FILE_SENDER_KEY_MEMORY, "", "2782-160@g.us"},
        {"sender-key-memory-2782@lid.json", FILE_OTHER, "", ""},
        {"sender-key-2782-160@g.us--99_1.json", FILE_OTHER, "", ""},
        {"lid-mapping-99_reverse.json", FILE_LID_MAPPING, "99@lid", ""},
        {"lid-mapping-99.json", FILE_LID_MAPPING, "99@s.whatsapp.net", ""},
        {"tctoken-99@lid.json", FILE_TOKEN, "99@lid", ""},
        {"tctoken-__index.json", FILE_DEVICE_LIST, "", ""},
        {"pre-key-0.json", FILE_OTHER, "", ""},
        {"pre-key-x.json", FILE_OTHER, "", ""},
        {"pre-key-12", FILE_OTHER, "", ""},
        {"device-list-1.json", FILE_DEVICE_LIST, "", ""},
        {"", FILE_OTHER, "", ""},
        {".json", FILE_OTHER, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file_name f = file_name_read(cases[i].name);
        char text[JID_TEXT_MAX];

        if (f.kind != cases[i].kind)
            print_error("%s: %s\n", cases[i].name, file_kind_word(f.kind));
        assert_int_equal(f.kind, cases[i].kind);
        if (cases[i].person[0])
            assert_string_equal(jid_text(&f.person, text), cases[i].person);
        if (cases[i].group[0])
            assert_string_equal(jid_text(&f.group, text), cases[i].group);
    }
}

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(what_baileys_wrote_is_in_the_database),
        SCENARIO(a_dry_run_writes_nothing),
        SCENARIO(a_database_that_is_there_is_not_touched),
        SCENARIO(a_store_in_use_is_refused),
        SCENARIO(a_shared_store_stays_readable_to_its_group),
        SCENARIO(damaged_credentials_name_the_field),
        SCENARIO(what_is_no_linked_device_is_refused),
        SCENARIO(damaged_and_foreign_files_are_counted_and_the_rest_is_taken),
        SCENARIO(records_under_a_number_go_to_the_lid),
        SCENARIO(app_state_collections_keep_version_and_macs),
        SCENARIO(a_program_that_still_writes_is_noticed),
        cmocka_unit_test(names_of_files_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
