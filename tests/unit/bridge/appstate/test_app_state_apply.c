/* App state against what whatsmeow encodes: patches one after the other, the snapshot that gives
 * the same state, and everything that must be refused (P-AS-08..17). */
#include "tests/unit/store/store_fixture.h"

#include "bridge/appstate/app_state_apply.h"
#include "tests/vectors/vectors.h"

#define NAME "critical_block"

struct told {
    char name[64];
    char salt[64];
    int changes, removed;
};

struct state {
    struct fixture f;
    struct arena a;
    struct app_state_apply x;
    struct app_state_version v;
    struct told told;
    struct appstate_patch patch[3]; /* 1 and 2; 0: the snapshot */
    uint8_t hash[3][APPSTATE_LT_HASH_BYTES];
};

static bool all(struct span index)
{
    return index.n > 0;
}

static enum wb_err note(void *ctx, bool removed, const struct appstate_action *action)
{
    struct told *t = ctx;
    struct span part;

    t->changes++;
    t->removed += removed;
    if (appstate_value_part(action->value, APPSTATE_PUSH_NAME, &part) == WB_OK) {
        assert_true(span_eq_cstr(action->index, "[\"setting_pushName\"]"));
        snprintf(t->name, sizeof t->name, "%.*s", (int)part.n, (const char *)part.p);
    }
    if (appstate_value_part(action->value, APPSTATE_NCT_SALT, &part) == WB_OK) {
        assert_true(span_eq_cstr(action->index, "[\"nct_salt_sync\"]"));
        snprintf(t->salt, sizeof t->salt, "%.*s", (int)part.n, (const char *)part.p);
    }
    return WB_OK;
}

static void put_key(struct state *s, const struct vec_file *v)
{
    struct store_appstate_key k = {.timestamp_ms = 1};
    struct span id = vec_span(v, "id");

    memcpy(k.id, id.p, id.n);
    k.id_n = id.n;
    memcpy(k.data, vec_bytes(v, "secret", 32), 32);
    OK(store_appstate_key_put(s->f.s, &k, SPAN_NULL));
}

static struct state *state_new(bool with_key)
{
    static struct vec_file v;
    struct state *s = calloc(1, sizeof *s);

    assert_non_null(s);
    fixture_ready(&s->f);
    s->a = arena_new(1 << 20);
    vec_open(&v, "app_state.txt");
    while (vec_next(&v)) {
        if (vec_has(&v, "secret")) {
            if (with_key)
                put_key(s, &v);
            continue;
        }
        struct span wire = arena_copy(&s->a, vec_span(&v, "wire"));
        if (vec_has(&v, "hash")) {
            unsigned long long n = vec_number(&v, "version");

            OK(appstate_patch_decode(wire, &s->a, &s->patch[n]));
            memcpy(s->hash[n], vec_bytes(&v, "hash", APPSTATE_LT_HASH_BYTES),
                   APPSTATE_LT_HASH_BYTES);
        } else {
            OK(appstate_snapshot_decode(wire, &s->a, &s->patch[0]));
        }
    }
    s->x = (struct app_state_apply){s->f.s, NAME, &s->a, all, note, &s->told, SPAN_NULL};
    return s;
}

static void state_free(struct state *s)
{
    arena_free(&s->a);
    fixture_free(&s->f);
    free(s);
}

static void is_stored(struct state *s, uint64_t version, const uint8_t *hash)
{
    uint8_t stored[APPSTATE_HASH_BYTES];
    uint64_t n;

    assert_int_equal(s->v.version, version);
    assert_memory_equal(s->v.hash, hash, APPSTATE_LT_HASH_BYTES);
    OK(store_appstate_version_get(s->f.s, NAME, &n, stored));
    assert_int_equal(n, version);
    assert_memory_equal(stored, hash, sizeof stored);
}

static void patches_in_order(void **unused)
{
    struct state *s = state_new(true);

    (void)unused;
    OK(app_state_apply_patch(&s->x, &s->patch[1], &s->v));
    is_stored(s, 1, s->hash[1]);
    assert_int_equal(s->told.changes, 3);
    assert_string_equal(s->told.name, "Depot 7");
    assert_string_equal(s->told.salt, "sixteen bytes ok");
    /* The second replaces a value that is in the store. */
    OK(app_state_apply_patch(&s->x, &s->patch[2], &s->v));
    is_stored(s, 2, s->hash[2]);
    assert_int_equal(s->told.changes, 4);
    assert_string_equal(s->told.name, "N\xc3\xa4me of depot 8");
    state_free(s);
}

static void snapshot_comes_to_the_same(void **unused)
{
    struct state *s = state_new(true);

    (void)unused;
    OK(app_state_apply_patch(&s->x, &s->patch[1], &s->v)); /* goes when a snapshot comes */
    s->v = (struct app_state_version){.version = 0};
    OK(app_state_apply_snapshot(&s->x, &s->patch[0], &s->v));
    is_stored(s, 2, s->hash[2]);
    assert_string_equal(s->told.name, "N\xc3\xa4me of depot 8");
    OK(store_commit(s->f.s));
    assert_string_equal(
        peek_sql(s->f.wa, "SELECT group_concat(version) FROM whatsmeow_app_state_mutation_macs"),
        "2,2,2");
    state_free(s);
}

static void nothing_was_taken(struct state *s)
{
    uint8_t hash[APPSTATE_HASH_BYTES];
    uint64_t n;

    assert_int_equal(s->v.version, 0);
    assert_int_equal(s->told.changes, 0);
    assert_int_equal(store_appstate_version_get(s->f.s, NAME, &n, hash), WB_ERR_NOT_FOUND);
}

static void out_of_order(void **unused)
{
    struct state *s = state_new(true);

    (void)unused;
    assert_int_equal(app_state_apply_patch(&s->x, &s->patch[2], &s->v), WB_ERR_PROTOCOL);
    nothing_was_taken(s);
    state_free(s);
}

static void missing_key_is_named(void **unused)
{
    struct state *s = state_new(false);

    (void)unused;
    assert_int_equal(app_state_apply_patch(&s->x, &s->patch[1], &s->v), WB_ERR_NOT_FOUND);
    assert_true(span_eq(s->x.missing_key, SPAN("\0\0\0\0\x2c\x01", 6)));
    nothing_was_taken(s);
    state_free(s);
}

/* A server that leaves a record out, doubles one, swaps two, or says that one was removed. */
static void altered_lists(void **unused)
{
    struct state *s = state_new(true);
    const struct appstate_patch good = s->patch[1];
    struct appstate_record r[8];

    (void)unused;
    assert_int_equal(good.n, 3);
    for (int how = 0; how < 5; how++) {
        struct appstate_patch p = good;

        memcpy(r, good.records, good.n * sizeof r[0]);
        p.records = r;
        if (how == 0) {
            p.n = 2;
        } else if (how == 1) {
            r[3] = r[0];
            p.n = 4;
        } else if (how == 2) { /* the hash is the same, the patch's MAC is not */
            r[0] = good.records[1];
            r[1] = good.records[0];
        } else if (how == 3) {
            r[0].remove = true;
        } else { /* a value under another's index */
            r[0].index_mac = good.records[1].index_mac;
            r[1].index_mac = good.records[0].index_mac;
        }
        assert_int_equal(app_state_apply_patch(&s->x, &p, &s->v), WB_ERR_BAD_MAC);
        nothing_was_taken(s);
    }
    /* Another collection's name, another version. */
    s->x.name = "regular_high";
    assert_int_equal(app_state_apply_patch(&s->x, &good, &s->v), WB_ERR_BAD_MAC);
    s->x.name = NAME;
    s->v.version = 1;
    struct appstate_patch later = good;
    later.version = 2;
    assert_int_equal(app_state_apply_patch(&s->x, &later, &s->v), WB_ERR_BAD_MAC);
    state_free(s);
}

/* Whichever byte is altered: it is refused, or it was one that says nothing (the tag of a field
 * that has its default value) and the outcome is the same. */
static void altered_bytes(void **unused)
{
    static struct vec_file v;
    struct state *s = state_new(true);
    uint8_t wire[2048];
    size_t refused = 0;

    (void)unused;
    vec_open(&v, "app_state.txt");
    while (vec_next(&v) && !vec_has(&v, "hash"))
        ;
    const struct span good = vec_span(&v, "wire");
    assert_true(good.n < sizeof wire);
    for (size_t i = 0; i < good.n; i++) {
        struct appstate_patch p;
        enum wb_err err;

        memcpy(wire, good.p, good.n);
        wire[i] ^= 0x10;
        err = appstate_patch_decode(SPAN(wire, good.n), &s->a, &p);
        if (err == WB_OK)
            err = app_state_apply_patch(&s->x, &p, &s->v);
        if (err == WB_OK) {
            is_stored(s, 1, s->hash[1]);
            assert_int_equal(s->told.changes, 3);
            assert_string_equal(s->told.name, "Depot 7");
            OK(store_appstate_reset(s->f.s, NAME));
            s->v = (struct app_state_version){.version = 0};
            s->told = (struct told){.changes = 0};
            continue;
        }
        assert_true(wb_err_class(err) == WB_CLASS_PEER || err == WB_ERR_NOT_FOUND);
        nothing_was_taken(s);
        refused++;
    }
    assert_true(refused > good.n - 16);
    fclose(v.f);
    state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_in_order), cmocka_unit_test(snapshot_comes_to_the_same),
        cmocka_unit_test(out_of_order),     cmocka_unit_test(missing_key_is_named),
        cmocka_unit_test(altered_lists),    cmocka_unit_test(altered_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
