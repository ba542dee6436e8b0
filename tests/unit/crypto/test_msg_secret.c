/* Contents sealed with the secret of a message, against values that whatsmeow's code made
 * (tests/vectors/msg_secret.txt: its hkdfutil and gcmutil, which are Go's own HKDF and AES-GCM). */
#include "crypto/msg_secret.h"
#include "tests/vectors/vectors.h"

static struct vec_file v;

static enum msg_secret_use use_of(struct span word)
{
    static const char *const words[MSG_SECRET_USES] = {
        "Message Edit", "Event Edit", "Poll Edit",      "Poll Add Option", "Enc Reaction",
        "Enc Comment",  "Poll Vote",  "Event Response", "Bot Message"};

    for (size_t i = 0; i < MSG_SECRET_USES; i++)
        if (span_eq_cstr(word, words[i]))
            return (enum msg_secret_use)i;
    fail();
    return MSG_SECRET_USES;
}

/* The file of this tree, or one that another program has just written in the same form
 * (WB_MSG_SECRET_RECORDS: its path): what it sealed is opened, and sealed again. */
static void open_records(void)
{
    const char *path = getenv("WB_MSG_SECRET_RECORDS");

    vec_open(&v, "msg_secret.txt");
    if (!path)
        return;
    fclose(v.f);
    snprintf(v.path, sizeof v.path, "%s", path);
    v.f = fopen(path, "r");
    if (!v.f)
        fail_msg("cannot open %s", path);
}

static struct msg_secret read_record(void)
{
    return (struct msg_secret){.use = use_of(vec_span(&v, "use")),
                               .secret = vec_bytes(&v, "secret", MSG_SECRET_BYTES),
                               .id = vec_span(&v, "id"),
                               .author = vec_span(&v, "author"),
                               .sender = vec_span(&v, "editor")};
}

static enum wb_err open_as(struct msg_secret m, struct span iv, struct span sealed)
{
    struct buf out = buf_new(1 << 10);
    enum wb_err err = msg_secret_open(&m, iv, sealed, &out);

    if (err != WB_OK)
        assert_int_equal(out.n, 0);
    buf_free(&out);
    return err;
}

static void what_another_program_sealed_opens(void **state)
{
    (void)state;
    unsigned seen = 0;

    open_records();
    while (vec_next(&v)) {
        struct msg_secret m = read_record();
        struct span plain = vec_span(&v, "plain"), sealed = vec_span(&v, "sealed");
        struct span iv = vec_span(&v, "iv");
        struct buf out = buf_new(1 << 10);

        assert_int_equal(msg_secret_open(&m, iv, sealed, &out), WB_OK);
        assert_true(span_eq(buf_span(&out), plain));
        buf_clear(&out);
        assert_int_equal(msg_secret_seal(&m, iv, plain, &out), WB_OK);
        assert_true(span_eq(buf_span(&out), sealed));
        buf_free(&out);
        seen |= 1u << m.use;
    }
    if (!getenv("WB_MSG_SECRET_RECORDS"))
        assert_int_equal(seen, (1u << MSG_SECRET_USES) - 1);
    assert_true(seen);
}

/* Each part of the key counts, and nothing is handed out of what does not fit. */
static void nothing_else_opens(void **state)
{
    (void)state;
    vec_open(&v, "msg_secret.txt");
    while (vec_next(&v)) {
        struct msg_secret m = read_record(), other = m;
        struct span sealed = vec_span(&v, "sealed"), iv = vec_span(&v, "iv");
        uint8_t secret[MSG_SECRET_BYTES];

        memcpy(secret, m.secret, sizeof secret);
        secret[31] ^= 1;
        other.secret = secret;
        assert_int_equal(open_as(other, iv, sealed), WB_ERR_BAD_MAC);
        other = m;
        other.id = SPAN_LIT("ANOTHER");
        assert_int_equal(open_as(other, iv, sealed), WB_ERR_BAD_MAC);
        other = m;
        other.author = SPAN_LIT("999@lid");
        assert_int_equal(open_as(other, iv, sealed), WB_ERR_BAD_MAC);
        other = m;
        other.sender = SPAN_LIT("999@lid");
        assert_int_equal(open_as(other, iv, sealed), WB_ERR_BAD_MAC);
        other = m;
        other.use = (m.use + 1) % MSG_SECRET_USES;
        assert_int_equal(open_as(other, iv, sealed), WB_ERR_BAD_MAC);
        assert_int_equal(open_as(m, span_first(iv, 11), sealed), WB_ERR_MALFORMED);
        assert_int_equal(open_as(m, SPAN_NULL, sealed), WB_ERR_MALFORMED);
        assert_int_equal(open_as(m, iv, span_first(sealed, 15)), WB_ERR_TRUNCATED);
        assert_int_equal(open_as(m, iv, SPAN_NULL), WB_ERR_TRUNCATED);
    }
}

/* An id that is longer than any. */
static void too_long_a_name(void **state)
{
    (void)state;
    static uint8_t secret[MSG_SECRET_BYTES], name[2000], iv[12], sealed[32];
    struct msg_secret m = {MSG_SECRET_POLL_VOTE, secret, SPAN_ARRAY(name), SPAN_NULL, SPAN_NULL};

    assert_int_equal(open_as(m, SPAN_ARRAY(iv), SPAN_ARRAY(sealed)), WB_ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_program_sealed_opens),
        cmocka_unit_test(nothing_else_opens),
        cmocka_unit_test(too_long_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
