/* Who may call: hosts, origins, tokens (R-502, interfaces). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/call/auth.h"

static char bind_address[] = "127.0.0.1", no_text[] = "", token[] = "s3cret",
            hosts[] = "bridge.example, pages.example:8443";

static struct config config(char *api_token, char *api_hosts)
{
    return (struct config){.bind = bind_address, .api_token = api_token, .api_hosts = api_hosts};
}

static enum auth_result check(const struct config *c, const char *host, const char *origin,
                              const char *authorization)
{
    const struct auth_headers h = {host, origin, authorization, "192.0.2.7", true};

    return auth_check(c, 8080, &h);
}

static void hosts_of_ours(void **state)
{
    (void)state;
    struct config c = config(no_text, no_text);

    assert_int_equal(check(&c, "127.0.0.1:8080", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "localhost:8080", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "LOCALHOST", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "[::1]:8080", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "192.0.2.7:8080", "http://192.0.2.7:8080", ""), AUTH_OK);
    assert_int_equal(check(&c, "192.0.2.8:8080", "", ""), AUTH_FOREIGN_HOST);
    assert_int_equal(check(&c, "evil.example", "", ""), AUTH_FOREIGN_HOST);
    assert_int_equal(check(&c, "127.0.0.1.evil.example", "", ""), AUTH_FOREIGN_HOST);
    assert_int_equal(check(&c, "127.0.0.1:8080@evil", "", ""), AUTH_FOREIGN_HOST);
    assert_int_equal(check(&c, "[::1", "", ""), AUTH_FOREIGN_HOST);
    c = config(no_text, hosts);
    assert_int_equal(check(&c, "bridge.example:443", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "pages.example:8443", "", ""), AUTH_OK);
    assert_int_equal(check(&c, "pages.example:1", "", ""), AUTH_FOREIGN_HOST);
}

static void origins_of_ours(void **state)
{
    (void)state;
    struct config c = config(no_text, no_text);

    assert_int_equal(check(&c, "localhost:8080", "http://localhost:8080", ""), AUTH_OK);
    assert_int_equal(check(&c, "localhost:8080", "http://127.0.0.1:8080", ""), AUTH_OK);
    assert_int_equal(check(&c, "localhost:8080", "http://localhost:3000", ""), AUTH_FOREIGN_ORIGIN);
    assert_int_equal(check(&c, "localhost:8080", "http://localhost", ""), AUTH_FOREIGN_ORIGIN);
    assert_int_equal(check(&c, "localhost:8080", "null", ""), AUTH_FOREIGN_ORIGIN);
    assert_int_equal(check(&c, "localhost:8080", "https://evil.example", ""), AUTH_FOREIGN_ORIGIN);
    c = config(no_text, hosts);
    assert_int_equal(check(&c, "bridge.example", "https://bridge.example", ""), AUTH_OK);
}

static void tokens_are_compared_whole(void **state)
{
    (void)state;
    struct config c = config(token, no_text);

    assert_int_equal(check(&c, "", "", "Bearer s3cret"), AUTH_OK);
    assert_int_equal(check(&c, "", "", "bearer s3cret"), AUTH_OK);
    assert_int_equal(check(&c, "", "", "Bearer s3cre"), AUTH_NO_TOKEN);
    assert_int_equal(check(&c, "", "", "Bearer s3cretx"), AUTH_NO_TOKEN);
    assert_int_equal(check(&c, "", "", "s3cret"), AUTH_NO_TOKEN);
    assert_int_equal(check(&c, "", "", ""), AUTH_NO_TOKEN);
}

/* Who called is what the kernel says; where we listen and what the headers say is no reason. */
static void others_need_a_token(void **state)
{
    (void)state;
    struct config c = config(no_text, no_text);
    struct auth_headers h = {"127.0.0.1:8080", "", "", "127.0.0.1", false};

    assert_int_equal(auth_check(&c, 8080, &h), AUTH_NOT_FROM_HERE);
    h.authorization = "Bearer s3cret";
    assert_int_equal(auth_check(&c, 8080, &h), AUTH_NOT_FROM_HERE);
    h.from_here = true;
    assert_int_equal(auth_check(&c, 8080, &h), AUTH_OK);
    c = config(token, no_text);
    h.from_here = false;
    assert_int_equal(auth_check(&c, 8080, &h), AUTH_OK);
    h.authorization = "";
    assert_int_equal(auth_check(&c, 8080, &h), AUTH_NO_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_of_ours),
        cmocka_unit_test(origins_of_ours),
        cmocka_unit_test(tokens_are_compared_whole),
        cmocka_unit_test(others_need_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
