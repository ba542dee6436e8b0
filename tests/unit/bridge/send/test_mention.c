/* Outgoing mentions: who may be mentioned, the form on the wire, the text. */
#include "tests/unit/bridge/receive_fixture.h"

#include "bridge/send/mention.h"
#include "bridge/send/send_calls.h"
#include "store/session/lid_map.h"

static struct receiver r;

static int setup(void **state)
{
    struct jid lid = J("222000012@lid"), pn = J("27820000012@s.whatsapp.net");

    (void)state;
    receiver_init(&r);
    OK(store_lid_put(r.f.s, &lid, &pn, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    receiver_free(&r);
    return 0;
}

/* Of the third member the group tells the LID alone and the map the number; of the fourth nobody
 * knows the number. */
static struct mention_chat chat(enum store_addressing addressing)
{
    static struct store_group_member members[4];

    members[0] =
        (struct store_group_member){J("111000111@lid"), J("27820000001@s.whatsapp.net"), 0};
    members[1] =
        (struct store_group_member){J("222000011@lid"), J("27820000011@s.whatsapp.net"), 0};
    members[2] = (struct store_group_member){.lid = J("222000012@lid")};
    members[3] = (struct store_group_member){.lid = J("222000013@lid")};
    return (struct mention_chat){members, 4, addressing};
}

static struct mention_result compile(enum store_addressing addressing, const char *text,
                                     const char *const *who, bool all, bool allow_absent)
{
    struct mention_chat c = chat(addressing);
    struct jid jids[8];
    struct mention_request q = {
        .text = span_cstr(text), .who = jids, .all = all, .allow_absent = allow_absent};
    struct mention_result v;

    for (; who && who[q.nwho]; q.nwho++)
        OK(mention_parse(span_cstr(who[q.nwho]), &jids[q.nwho]));
    OK(mention_compile(&r.b, &r.arena, &c, &q, &v));
    return v;
}

static void check(const struct mention_result *v, const char *text, const char *list)
{
    char got[500] = "", line[500];

    snprintf(line, sizeof line, "%.*s", (int)v->text.n, (const char *)v->text.p);
    assert_string_equal(line, text);
    for (size_t i = 0; i < v->nmentioned; i++) {
        size_t n = strlen(got);

        snprintf(got + n, sizeof got - n, "%s%.*s", i ? " " : "", (int)v->mentioned[i].n,
                 (const char *)v->mentioned[i].p);
    }
    assert_string_equal(got, list);
}

#define WHO(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Every form of giving a person, in both kinds of groups. */
static void forms_and_texts(void **state)
{
    static const struct {
        enum store_addressing addressing;
        const char *who[3], *text, *wire, *list;
    } rows[] = {
        {STORE_ADDRESSING_LID, {"27820000011"}, "hi", "@222000011 hi", "222000011@lid"},
        {STORE_ADDRESSING_LID, {"+27 82 000 0011"}, "hi", "@222000011 hi", "222000011@lid"},
        {STORE_ADDRESSING_LID,
         {"27820000011@s.whatsapp.net"},
         "hi",
         "@222000011 hi",
         "222000011@lid"},
        {STORE_ADDRESSING_LID,
         {"27820000011:4@s.whatsapp.net"},
         "hi",
         "@222000011 hi",
         "222000011@lid"},
        {STORE_ADDRESSING_LID, {"222000011@lid"}, "hi", "@222000011 hi", "222000011@lid"},
        {STORE_ADDRESSING_LID,
         {"27820000011"},
         "so @27820000011!",
         "so @222000011!",
         "222000011@lid"},
        {STORE_ADDRESSING_LID,
         {"27820000011"},
         "so @+27820000011.",
         "so @222000011.",
         "222000011@lid"},
        {STORE_ADDRESSING_LID, {"27820000011"}, "so @222000011", "so @222000011", "222000011@lid"},
        {STORE_ADDRESSING_LID,
         {"222000011@lid"},
         "@27820000011 @222000011",
         "@222000011 @222000011",
         "222000011@lid"},
        /* Other numbers stay, also one that only begins alike. */
        {STORE_ADDRESSING_LID,
         {"27820000011"},
         "@278200000112 27820000011",
         "@222000011 @278200000112 27820000011",
         "222000011@lid"},
        {STORE_ADDRESSING_LID, {"27820000012"}, "hi", "@222000012 hi", "222000012@lid"},
        {STORE_ADDRESSING_PN,
         {"27820000011"},
         "hi",
         "@27820000011 hi",
         "27820000011@s.whatsapp.net"},
        {STORE_ADDRESSING_PN,
         {"222000011@lid"},
         "@222000011 hi",
         "@27820000011 hi",
         "27820000011@s.whatsapp.net"},
        {STORE_ADDRESSING_PN,
         {"222000012@lid"},
         "hi",
         "@27820000012 hi",
         "27820000012@s.whatsapp.net"},
        /* Digits of a LID: what the Go bridge stored as the sender. */
        {STORE_ADDRESSING_PN,
         {"222000011"},
         "@222000011 hi",
         "@27820000011 hi",
         "27820000011@s.whatsapp.net"},
        {STORE_ADDRESSING_LID, {"222000012"}, "hi", "@222000012 hi", "222000012@lid"},
        {STORE_ADDRESSING_PN, {"222000013"}, "hi", "@222000013 hi", "222000013@lid"},
        /* Nobody knows the number: the form that there is. */
        {STORE_ADDRESSING_PN, {"222000013@lid"}, "hi", "@222000013 hi", "222000013@lid"},
        {STORE_ADDRESSING_LID,
         {"27820000012", "27820000011"},
         "see @27820000011",
         "@222000012 see @222000011",
         "222000012@lid 222000011@lid"},
        {STORE_ADDRESSING_LID,
         {"27820000012", "27820000011"},
         "x",
         "@222000012 @222000011 x",
         "222000012@lid 222000011@lid"},
        /* One person twice. */
        {STORE_ADDRESSING_LID,
         {"27820000011", "222000011@lid"},
         "x",
         "@222000011 x",
         "222000011@lid"},
        {STORE_ADDRESSING_LID, {"27820000001"}, "me", "@111000111 me", "111000111@lid"},
        {STORE_ADDRESSING_LID, {"27820000011"}, "@", "@222000011 @", "222000011@lid"},
        {STORE_ADDRESSING_LID, {"27820000011"}, "@@27820000011", "@@222000011", "222000011@lid"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mention_result v =
            compile(rows[i].addressing, rows[i].text, rows[i].who, false, false);

        assert_int_equal(v.nabsent, 0);
        check(&v, rows[i].wire, rows[i].list);
    }
}

static void no_mention_changes_nothing(void **state)
{
    struct mention_result v = compile(STORE_ADDRESSING_LID, "@27820000011 hi", NULL, false, false);

    (void)state;
    check(&v, "@27820000011 hi", "");
    assert_false(v.all);
}

static void absent_people_are_named(void **state)
{
    struct mention_result v = compile(STORE_ADDRESSING_LID, "x",
                                      WHO("27820000011", "27820009999", "999@lid"), false, false);

    (void)state;
    assert_int_equal(v.nabsent, 2);
    assert_int_equal(v.absent[0], 1);
    assert_int_equal(v.absent[1], 2);
    v = compile(STORE_ADDRESSING_LID, "x", WHO("27820009999", "999@lid"), false, true);
    assert_int_equal(v.nabsent, 0);
    check(&v, "@27820009999 @999 x", "27820009999@s.whatsapp.net 999@lid");
}

/* Every number of people, with addresses of every length: never nobody, never more than fits, and
 * the count is right. */
static void absent_people_are_named_or_counted(void **state)
{
    static struct jid who[SEND_MENTIONS_MAX];
    static size_t positions[SEND_MENTIONS_MAX];
    char names[MENTION_NAMES_MAX], text[JID_TEXT_MAX];

    (void)state;
    for (size_t digits = 8; digits <= 20; digits++)
        for (size_t n = 1; n <= SEND_MENTIONS_MAX; n += n < 40 ? 1 : 123) {
            size_t named = 1;
            unsigned more = 0;
            const char *tail;

            for (size_t i = 0; i < n; i++) {
                positions[i] = n - 1 - i;
                who[i] = (struct jid){.server = i % 2 ? JID_LID : JID_PN};
                snprintf(who[i].user, sizeof who[i].user, "%0*zu", (int)digits, i);
            }
            mention_names(who, positions, n, names);
            (void)jid_text(&who[n - 1], text);
            assert_memory_equal(names, text, strlen(text));
            for (const char *at = names; (at = strstr(at, ", ")) != NULL; at++)
                named++;
            tail = strstr(names, " and ");
            if (tail)
                assert_int_equal(sscanf(tail, " and %u more", &more), 1);
            assert_int_equal(named + more, n);
            assert_true(n > 3 || !tail);
            assert_true(strlen(names) < MENTION_NAMES_MAX);
        }
}

static void unknown_numbers_are_asked_for(void **state)
{
    struct mention_chat c = chat(STORE_ADDRESSING_LID);
    struct jid who[] = {J("27820000011@s.whatsapp.net"), J("27820000012@s.whatsapp.net"),
                        J("27820000013@s.whatsapp.net"), J("999@lid")};
    struct mention_request q = {.text = SPAN_LIT("x"), .who = who, .nwho = 4};
    struct jid *pns;
    size_t n;

    (void)state;
    OK(mention_unknown(&r.b, &r.arena, &c, &q, &pns, &n));
    assert_int_equal(n, 1);
    assert_string_equal(pns[0].user, "27820000013");
}

static void everybody(void **state)
{
    struct mention_result v = compile(STORE_ADDRESSING_LID, "@all hi", NULL, true, false);

    (void)state;
    assert_true(v.all);
    check(&v, "@all hi", "222000011@lid 222000012@lid 222000013@lid");
    v = compile(STORE_ADDRESSING_PN, "hi", WHO("222000012@lid"), true, false);
    check(&v, "@27820000012 hi",
          "27820000012@s.whatsapp.net 27820000011@s.whatsapp.net 222000013@lid");
}

/* Of neither does anybody know the number. */
static void two_people_by_their_lids_alone(void **state)
{
    struct store_group_member members[] = {{.lid = J("222000013@lid")},
                                           {.lid = J("222000014@lid")}};
    const struct mention_chat c = {members, 2, STORE_ADDRESSING_LID};
    struct jid who[] = {J("222000013@lid"), J("222000014@lid"), J("222000013@lid")};
    const struct mention_request q = {.text = SPAN_LIT("hi"), .who = who, .nwho = 3};
    struct mention_result v;

    (void)state;
    OK(mention_compile(&r.b, &r.arena, &c, &q, &v));
    check(&v, "@222000013 @222000014 hi", "222000013@lid 222000014@lid");
}

static void what_is_no_person(void **state)
{
    static const char *const bad[] = {"",      "@",       "me",           "0821234567",
                                      "x@lid", "1@g.us",  "1@broadcast",  "@s.whatsapp.net",
                                      "12",    "all all", "1.2.3@lid@lid"};
    struct jid j;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mention_parse(span_cstr(bad[i]), &j), WB_ERR_INVALID);
    OK(mention_parse(SPAN_LIT("@27820000011"), &j));
    assert_string_equal(j.user, "27820000011");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_and_texts),
        cmocka_unit_test(no_mention_changes_nothing),
        cmocka_unit_test(absent_people_are_named),
        cmocka_unit_test(absent_people_are_named_or_counted),
        cmocka_unit_test(unknown_numbers_are_asked_for),
        cmocka_unit_test(everybody),
        cmocka_unit_test(two_people_by_their_lids_alone),
        cmocka_unit_test(what_is_no_person),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
