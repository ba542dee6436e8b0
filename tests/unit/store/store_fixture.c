/* store_fixture.c - see store_fixture.h. */
#include "tests/unit/store/store_fixture.h"

long whole_number(const char *text)
{
    char *end = NULL;
    long n = strtol(text, &end, 10);

    assert_true(end != text && *end == 0);
    return n;
}

int64_t fixture_time = 1790000000;

int64_t fixture_ms(void *ctx)
{
    (void)ctx;
    return fixture_time * 1000;
}

const struct clock fixture_clock = {fixture_ms, fixture_ms, NULL};

struct jid J(const char *text) {
    struct jid j;

    OK(jid_parse_cstr(text, &j));
    return j;
}

void
fixture_open(struct fixture *f)
{
    enum wb_err err = store_open(&f->config, &f->s, &f->info);

    if (err != WB_OK)
        print_error("open: %s: %s\n", wb_err_name(err), f->info.text);
    OK(err);
}

struct account fixture_account(struct fixture *f, const char *jid, const char *lid)
{
    struct account a = {0};

    a.jid = J(jid);
    a.lid = J(lid);
    x25519_generate(&f->rng, &a.keys.noise);
    x25519_generate(&f->rng, &a.keys.identity);
    x25519_generate(&f->rng, &a.keys.signed_prekey);
    a.keys.signed_prekey_id = 1;
    a.keys.registration_id = 4000000000U;
    uint8_t signed_bytes[DJB_KEY_BYTES];
    djb_encode(a.keys.signed_prekey.pub, signed_bytes);
    OK(xeddsa_sign(a.keys.identity.priv, SPAN_ARRAY(signed_bytes), &f->rng,
                   a.keys.signed_prekey_sig));
    rng_fill(&f->rng, a.keys.adv_secret, sizeof a.keys.adv_secret);
    a.adv_details_n = 20;
    rng_fill(&f->rng, a.adv_details, a.adv_details_n);
    rng_fill(&f->rng, a.adv_account_sig, sizeof a.adv_account_sig);
    rng_fill(&f->rng, a.adv_account_sig_key, sizeof a.adv_account_sig_key);
    rng_fill(&f->rng, a.adv_device_sig, sizeof a.adv_device_sig);
    snprintf(a.platform, sizeof a.platform, "android");
    snprintf(a.push_name, sizeof a.push_name, "Desk");
    return a;
}

void fixture_new(struct fixture *f)
{
    uint8_t seed[32] = {7};

    memset(f, 0, sizeof *f);
    OK(secret_init());
    snprintf(f->dir, sizeof f->dir, "/tmp/wb-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->wa, sizeof f->wa, "%s/whatsapp.db", f->dir);
    snprintf(f->msg, sizeof f->msg, "%s/messages.db", f->dir);
    f->config = (struct store_config){.whatsapp_path = f->wa,
                                      .messages_path = f->msg,
                                      .command = "test",
                                      .clock = &fixture_clock};
    f->rng = rng_from_seed(&f->seed, seed);
}

void fixture_ready(struct fixture *f)
{
    fixture_new(f);
    fixture_open(f);
    struct account a = fixture_account(f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(store_account_save(f->s, &a));
    OK(store_commit(f->s));
}

void fixture_close(struct fixture *f)
{
    OK(store_close(f->s));
    f->s = NULL;
}

void fixture_free(struct fixture *f)
{
    char command[160];

    if (f->s)
        OK(store_close(f->s));
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
}

void fixture_crash_copy(struct fixture *f, struct fixture *copy)
{
    char command[512];

    fixture_new(copy);
    snprintf(command, sizeof command, "cp %s/whatsapp.db* %s/messages.db* %s/ && rm -f %s/*.lock",
             f->dir, f->dir, copy->dir, copy->dir);
    assert_int_equal(system(command), 0);
}

const char *peek_sql(const char *path, const char *sql)
{
    static char text[1024];
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;

    text[0] = 0;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 2000);
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (rc != SQLITE_OK)
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
    assert_int_equal(rc, SQLITE_OK);
    rc = sqlite3_step(q);
    if (rc == SQLITE_ROW && sqlite3_column_text(q, 0))
        snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(q, 0));
    assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return text;
}

void poke_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *text = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, &text);
    if (rc != SQLITE_OK)
        print_error("%s: %s\n", sql, text);
    assert_int_equal(rc, SQLITE_OK);
    sqlite3_close(db);
}
