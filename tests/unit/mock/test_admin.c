/* wa-mock's /admin calls: what they accept, what they refuse, and what their answers say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/admin/admin_fields.h"
#include "tools/mock/assembly.h"

struct fixture {
    struct mock m;
    int64_t now_ms;
    struct clock clock;
    char answer[8192];
};

static int64_t fixed_now(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static int setup(void **state)
{
    static struct fixture f;
    struct mock_config c = config_default();

    c.has_seed = true;
    c.seed[0] = 7;
    c.contacts = 2;
    c.groups = 1;
    memset(&f, 0, sizeof f);
    f.now_ms = 1700000000000;
    f.clock = (struct clock){fixed_now, fixed_now, &f};
    assert_int_equal(secret_init(), WB_OK);
    assert_int_equal(mock_init(&f.m, &c, &f.clock), WB_OK);
    assert_int_equal(mock_populate(&f.m), WB_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    mock_free(&((struct fixture *)*state)->m);
    return 0;
}

static int ask(struct fixture *f, const char *method, const char *path, const char *query,
               const char *body)
{
    struct http_request q = {.method = method,
                             .path = path,
                             .query = query,
                             .body = span_cstr(body),
                             .user_agent = "",
                             .fetch_site = "",
                             .fetch_dest = ""};
    struct http_response r = {.body = buf_new(sizeof f->answer)};

    admin_http(&f->m, &q, &r);
    (void)snprintf(f->answer, sizeof f->answer, "%s", buf_cstr(&r.body));
    buf_free(&r.body);
    return r.status;
}

static int post(struct fixture *f, const char *path, const char *body)
{
    return ask(f, "POST", path, "", body);
}

#define SECRET           "0000000000000000000000000000000000000000000000000000000000000000"
#define ANSWERS(f, word) assert_non_null(strstr((f)->answer, word))

static void no_call_takes_a_field_that_it_does_not_know(void **state)
{
    struct fixture *f = *state;
    const char *method, *path;
    size_t n = 0;

    while (admin_fields_call(n, &method, &path)) {
        n++;
        assert_int_equal(ask(f, method, path, "phome=27820001000", ""), 400);
        ANSWERS(f, "phome");
        if (strstr(path, "scan-qr") == NULL && strstr(path, "enter-code") == NULL) {
            assert_int_equal(ask(f, method, path, "", "{\"quite\":true}"), 400);
            ANSWERS(f, "quite: this call has no such field");
        }
    }
    assert_true(n > 40);
}

static void a_field_has_its_type(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(post(f, "/admin/contact/script", "{\"phone\":27820001000}"), 400);
    ANSWERS(f, "phone: a text is needed");
    assert_int_equal(
        post(f, "/admin/contact/script", "{\"phone\":\"27820001000\",\"silent\":\"yes\"}"), 400);
    ANSWERS(f, "silent: true or false is needed");
    assert_int_equal(post(f, "/admin/trouble", "{\"delay_ms\":1.5}"), 400);
    ANSWERS(f, "delay_ms: an integer is needed");
    assert_int_equal(post(f, "/admin/groups", "{\"members\":\"27820001000\"}"), 400);
    ANSWERS(f, "members: a list is needed");
    assert_int_equal(post(f, "/admin/contact/send", "{\"reply\":{\"stanza\":\"1\"}}"), 400);
    ANSWERS(f, "reply.stanza: this call has no such field");
    assert_int_equal(post(f, "/admin/contact/sealed", "{\"target\":{\"from_me\":1}}"), 400);
    ANSWERS(f, "target.from_me: true or false is needed");
    assert_int_equal(
        post(f, "/admin/contact/script", "{\"phone\":\"27820001000\",\"silent\":null}"), 200);
    assert_int_equal(ask(f, "GET", "/admin/contact/messages", "phone=27820001000\nbrief=1", ""),
                     200);
}

static void all_settings_of_trouble_are_answered(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(post(f, "/admin/trouble",
                          "{\"upgrade_status\":503,\"upgrade_ms\":2000,\"require_tctoken\":true}"),
                     200);
    ANSWERS(f, "\"upgrade_ms\":2000");
    ANSWERS(f, "\"require_tctoken\":true");
    f->now_ms += 1500;
    assert_int_equal(ask(f, "GET", "/admin/trouble", "", ""), 200);
    ANSWERS(f, "\"upgrade_ms\":500");
}

static void an_error_names_what_is_wrong(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        post(f, "/admin/mock-phone/unlink", "{\"jid\":\"27820001000:9@s.whatsapp.net\"}"), 404);
    ANSWERS(f, "jid: no such linked device: '27820001000:9@s.whatsapp.net'");
    assert_int_equal(post(f, "/admin/contacts", "{}"), 400);
    ANSWERS(f, "phone: a phone number is needed");
    assert_int_equal(post(f, "/admin/contacts", "{\"phone\":\"27820001000\"}"), 409);
    ANSWERS(f, "phone: this number is taken");
    assert_int_equal(post(f, "/admin/contact/sealed",
                          "{\"from\":\"27820001000\",\"to\":\"27\",\"secret\":\"" SECRET "\"}"),
                     404);
    ANSWERS(f, "to: nobody there: '27'");
    assert_int_equal(post(f, "/admin/contact/sealed",
                          "{\"from\":\"27820001000\",\"to\":\"27820001001\",\"what\":\"text\","
                          "\"text\":\"x\",\"secret\":\"" SECRET "\"}"),
                     200);
}

static void a_group_is_shown_with_what_it_is(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        post(f, "/admin/communities", "{\"subject\":\"Town\",\"creator\":\"27820001000\"}"), 200);
    assert_int_equal(ask(f, "GET", "/admin/groups", "", ""), 200);
    ANSWERS(f, "\"announcement\":false,\"community\":true,\"parent\":null");
    ANSWERS(f, "\"announcement\":true,\"community\":false,\"parent\":\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_call_takes_a_field_that_it_does_not_know, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_field_has_its_type, setup, teardown),
        cmocka_unit_test_setup_teardown(all_settings_of_trouble_are_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_names_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_is_shown_with_what_it_is, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
