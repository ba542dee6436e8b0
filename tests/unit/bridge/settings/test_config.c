/* Settings: their order, every bad value named, and what SIGHUP may change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/settings/config.h"

enum { ARGS_MAX = 32 };

struct fixture {
    char dir[64];
    char yaml[96], token[96];
    const char *argv[ARGS_MAX];
    int argc;
    const char *env[ARGS_MAX];
    int nenv;
    struct config c;
    bool loaded;
    struct buf problem;
    enum config_action action;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.problem = buf_new(65536)};
    snprintf(f.dir, sizeof f.dir, "/tmp/wb-config-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.yaml, sizeof f.yaml, "%s/bridge.yaml", f.dir);
    snprintf(f.token, sizeof f.token, "%s/token", f.dir);
    f.argv[f.argc++] = "whatsapp-bridge";
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->loaded)
        config_free(&f->c);
    buf_free(&f->problem);
    unlink(f->yaml);
    unlink(f->token);
    rmdir(f->dir);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "we");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void arg(struct fixture *f, const char *a)
{
    assert_in_range(f->argc, 0, ARGS_MAX - 2);
    f->argv[f->argc++] = a;
}

static void env(struct fixture *f, const char *e)
{
    f->env[f->nenv++] = e;
}

static enum wb_err load(struct fixture *f)
{
    enum wb_err err;

    if (f->loaded)
        config_free(&f->c);
    buf_clear(&f->problem);
    err = config_load(f->argc, (char *const *)(uintptr_t)f->argv, (char *const *)(uintptr_t)f->env,
                      &f->c, &f->action, &f->problem);
    f->loaded = err == WB_OK;
    return err;
}

static void assert_good(struct fixture *f)
{
    enum wb_err err = load(f);

    if (err != WB_OK)
        print_error("%s", buf_cstr(&f->problem));
    assert_int_equal(err, WB_OK);
}

static void assert_refused(struct fixture *f, const char *culprit)
{
    assert_int_equal(load(f), WB_ERR_INVALID);
    if (!strstr(buf_cstr(&f->problem), culprit))
        print_error("wanted '%s' in: %s", culprit, buf_cstr(&f->problem));
    assert_non_null(strstr(buf_cstr(&f->problem), culprit));
}

static void test_defaults(void **state)
{
    struct fixture *f = *state;

    arg(f, "--phone");
    arg(f, "+27 82-000 0001");
    assert_good(f);
    assert_int_equal(f->action, CONFIG_RUN);
    assert_string_equal(f->c.phone.user, "27820000001");
    assert_string_equal(f->c.store_dir, "./store");
    assert_string_equal(f->c.db_path, "./store/messages.db");
    assert_string_equal(f->c.whatsapp_db_path, "./store/whatsapp.db");
    assert_string_equal(f->c.bind, "localhost");
    assert_int_equal(f->c.port, 8080);
    assert_int_equal(f->c.log_level, LOG_INFO);
    assert_int_equal(f->c.log_format, LOG_TEXT);
    assert_int_equal(f->c.presence, PRESENCE_UNAVAILABLE);
    assert_int_equal(f->c.wa_version, 0);
    assert_false(f->c.has_root_key);
    assert_false(f->c.pair_code);
    assert_string_equal(f->c.server_url, "");
}

static void test_order(void **state)
{
    struct fixture *f = *state;

    write_file(f->yaml, "phone_number: \"+27820000003\"\nrole: file\nport: 1000\n"
                        "log_level: debug\nstore: /tmp/from-file\n");
    arg(f, "--config");
    arg(f, f->yaml);
    env(f, "WHATSAPP_PHONE=27820000002");
    env(f, "WHATSAPP_ROLE=env");
    env(f, "UNRELATED=x");
    arg(f, "--phone=27820000001");
    assert_good(f);
    assert_string_equal(f->c.phone.user, "27820000001"); /* command line */
    assert_string_equal(f->c.role, "env");               /* environment over file */
    assert_int_equal(f->c.port, 1000);                   /* file over default */
    assert_int_equal(f->c.log_level, LOG_DEBUG);
    assert_string_equal(f->c.whatsapp_db_path, "/tmp/from-file/whatsapp.db");
}

static void test_users_names(void **state)
{
    struct fixture *f = *state;

    write_file(f->yaml, "phone_number: '+27820000001'\n"
                        "db_path: /a/messages.db\n"
                        "whatsapp_db_path: /b/whatsapp.db\n"
                        "log_path: /tmp/bridge.log\n"
                        "role: backup\n"
                        "port: 8082\n"
                        "monitored_groups:\n"
                        "  - jid: 120363000000000001@g.us\n"
                        "    name: North team\n"
                        "  - {jid: 120363000000000002@g.us, name: South}\n");
    env(f, "WHATSAPP_CONFIG=");
    env(f, "WHATSAPP_LOG_LEVEL="); /* empty: not set */
    env(f, "DB_PATH=/env/messages.db");
    arg(f, "--config");
    arg(f, f->yaml);
    assert_good(f);
    assert_string_equal(f->c.db_path, "/env/messages.db");
    assert_string_equal(f->c.whatsapp_db_path, "/b/whatsapp.db");
    assert_string_equal(f->c.log_file, "/tmp/bridge.log");
    assert_int_equal(f->c.ngroups, 2);
    assert_string_equal(f->c.groups[0].name, "North team");
    assert_string_equal(f->c.groups[1].jid.user, "120363000000000002");
    assert_ptr_equal(config_group(&f->c, &f->c.groups[1].jid), &f->c.groups[1]);
    assert_null(config_group(&f->c, &f->c.phone));
}

static void test_groups_of_the_environment(void **state)
{
    struct fixture *f = *state;

    arg(f, "--phone=27820000001");
    env(f, "WHATSAPP_MONITORED_GROUPS=120363000000000001@g.us=North team,120363000000000002@g.us");
    assert_good(f);
    assert_int_equal(f->c.ngroups, 2);
    assert_string_equal(f->c.groups[0].name, "North team");
    assert_string_equal(f->c.groups[1].name, "");
}

static void test_bad_values(void **state)
{
    static const struct {
        const char *args[2];
        const char *culprit;
    } bad[] = {
        {{"--colour", NULL}, "--colour"},
        {{"surplus", NULL}, "surplus"},
        {{"--port", NULL}, "--port"},
        {{"--port", "0x50"}, "--port"},
        {{"--port", "65536"}, "--port"},
        {{"--port=", NULL}, "--port"},
        {{"--log-level", "loud"}, "--log-level"},
        {{"--log-format", "xml"}, "--log-format"},
        {{"--root-key", "abcd"}, "--root-key"},
        {{"--root-key", "zz"}, "--root-key"},
        {{"--server-url", "http://127.0.0.1/"}, "--server-url"},
        {{"--bind", "example.org"}, "--bind"},
        {{"--bind", "0.0.0.0"}, "token"},
        {{"--wa-version", "2.2.1"}, "--wa-version"},
        {{"--role", "two words"}, "--role"},
        {{"--presence", "busy"}, "--presence"},
        {{"--adv-check", "perhaps"}, "--adv-check"},
        {{"--timestamp-format", "iso"}, "--timestamp-format"},
        {{"--pair-code=perhaps", NULL}, "--pair-code"},
        {{"--api-token-file", "/nonexistent/t"}, "--api-token-file"},
        {{"--ca-file", "/nonexistent/ca"}, "--ca-file"},
        {{"--config", "/nonexistent/c.yaml"}, "/nonexistent/c.yaml"},
        {{"--monitored-groups", "27820000001"}, "--monitored-groups"},
        {{"--phone", "0820000001"}, "--phone"},
        {{"--server-url", ""}, "--server-url"},
        {{"--root-key=", NULL}, "--root-key"},
        {{"--ca-file", "/dev/null"}, "--ca-file"},
        {{"--log-file", "/nonexistent/bridge.log"}, "--log-file"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        f->argc = 1;
        arg(f, "--phone=27820000001");
        arg(f, bad[i].args[0]);
        if (bad[i].args[1])
            arg(f, bad[i].args[1]);
        assert_refused(f, bad[i].culprit);
    }
    f->argc = 1;
    assert_refused(f, "--phone");
}

static void test_bad_yaml(void **state)
{
    static const struct {
        const char *text, *culprit;
    } bad[] = {
        {"colour: red\n", "bridge.yaml:1: colour"},
        {"role: a\nport: many\n", "bridge.yaml:2: port"},
        {"port: [1]\n", "port"},
        {"- a\n", "bridge.yaml:1"},
        {"role: a\n  port: 1\n", "bridge.yaml:2"},
        {"monitored_groups: x\n", "monitored_groups"},
        {"monitored_groups: [x]\n", "monitored_groups"},
        {"monitored_groups: [{jid: 1@g.us, nom: x}]\n", "nom"},
        {"monitored_groups: [{jid: 27820000001@s.whatsapp.net}]\n", "monitored_groups"},
        {"\t", "bridge.yaml"},
        {"port: 1\nrole: a\nport: 2\n", "bridge.yaml:3: port"},
        {"port: 1\n---\nport: 2\n", "bridge.yaml:2"},
    };
    struct fixture *f = *state;

    arg(f, "--phone=27820000001");
    arg(f, "--config");
    arg(f, f->yaml);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file(f->yaml, bad[i].text);
        assert_refused(f, bad[i].culprit);
    }
    write_file(f->yaml, "");
    assert_good(f);
    write_file(f->yaml, "---\nport: 1\n...\n");
    assert_good(f);
    write_file(f->yaml, "# nothing set\nmonitored_groups:\n");
    assert_good(f);
    /* All bad values are named at once. */
    write_file(f->yaml, "port: many\nlog_level: loud\n");
    assert_refused(f, "port");
    assert_refused(f, "log_level");
}

static void test_token(void **state)
{
    struct fixture *f = *state;

    arg(f, "--phone=27820000001");
    arg(f, "--bind=0.0.0.0");
    arg(f, "--api-token-file");
    arg(f, f->token);
    write_file(f->token, "0123456789abcdef\n");
    assert_good(f);
    assert_string_equal(f->c.api_token, "0123456789abcdef");
    write_file(f->token, "short\n");
    assert_refused(f, "token");
    write_file(f->token, "0123456789 abcdef\n");
    assert_refused(f, "token");
}

static void test_help_and_version(void **state)
{
    struct fixture *f = *state;
    struct buf text = buf_new(65536);

    arg(f, "--help");
    assert_good(f);
    assert_int_equal(f->action, CONFIG_HELP);
    f->argc = 1;
    arg(f, "--version");
    assert_good(f);
    assert_int_equal(f->action, CONFIG_VERSION);
    f->argc = 1;
    arg(f, "--role");
    arg(f, "--help"); /* a value, not the option */
    assert_refused(f, "--phone");
    config_help(&text);
    assert_non_null(strstr(buf_cstr(&text), "WHATSAPP_DB_PATH"));
    assert_non_null(strstr(buf_cstr(&text), "default 8080"));
    buf_free(&text);
}

static void test_reload(void **state)
{
    struct fixture *f = *state;
    struct buf notes = buf_new(4096);

    write_file(f->yaml, "phone_number: 27820000001\nrole: one\nport: 8080\n"
                        "monitored_groups: [{jid: 1@g.us, name: a}]\n");
    arg(f, "--config");
    arg(f, f->yaml);
    assert_good(f);
    write_file(f->yaml, "phone_number: 27820000001\nrole: two\nport: 8081\nlog_level: trace\n"
                        "monitored_groups: [{jid: 2@g.us, name: b}, {jid: 3@g.us}]\n");
    assert_int_equal(config_reload(&f->c, f->argc, (char *const *)(uintptr_t)f->argv,
                                   (char *const *)(uintptr_t)f->env, &notes, &f->problem),
                     WB_OK);
    assert_string_equal(f->c.role, "two");
    assert_int_equal(f->c.log_level, LOG_TRACE);
    assert_int_equal(f->c.ngroups, 2);
    assert_string_equal(f->c.groups[0].jid.user, "2");
    assert_int_equal(f->c.port, 8080); /* needs a restart, and is said so */
    assert_string_equal(buf_cstr(&notes), "port");
    write_file(f->yaml, "role: [\n");
    assert_int_equal(config_reload(&f->c, f->argc, (char *const *)(uintptr_t)f->argv,
                                   (char *const *)(uintptr_t)f->env, &notes, &f->problem),
                     WB_ERR_INVALID);
    assert_string_equal(f->c.role, "two");
    buf_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups_of_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_yaml, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_and_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
