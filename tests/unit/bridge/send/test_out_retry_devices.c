/* An unknown device asks for a message: whose device lists the bridge requests from the server. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/send/out_retry_devices.h"

static unsigned answered;

static struct jid person(unsigned i, enum jid_server server, uint16_t device)
{
    struct jid j = {.server = server, .device = device};

    snprintf(j.user, sizeof j.user, "%u", (server == JID_PN ? 27830000 : 55500) + i);
    return j;
}

/* key: the person, by number. */
static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *r)
{
    const struct jid device = person((unsigned)key, JID_PN, 5);
    bool listed = true;

    out_retry_devices_answered(b, &device, r, &listed);
    assert_false(listed);
    answered++;
}

static enum out_retry_devices_how ask_about(unsigned i, uint16_t number)
{
    const struct jid device = person(i, JID_PN, number);
    enum out_retry_devices_how how;

    OK(out_retry_devices_ask(&w.r.b, &device, on_devices, i, &how));
    return how;
}

/* The server's answer names the LID, and that is learnt before the answer is passed on. */
static void an_answer_that_teaches_the_lid_ends_the_wait(void **state)
{
    (void)state;
    answered = 0;
    for (unsigned i = 0; i < 3 * RETRY_ASKED_SLOTS; i++) {
        const struct jid pn = person(i, JID_PN, 0), lid = person(i, JID_LID, 0);

        w.hold = true;
        assert_int_equal(ask_about(i, 5), RETRY_DEVICES_ASKED);
        OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
        w.hold = false;
        run();
        assert_int_equal(answered, i + 1);
    }
}

static void as_many_people_wait_as_are_remembered(void **state)
{
    (void)state;
    answered = 0;
    w.hold = true;
    for (unsigned i = 0; i < RETRY_ASKED_SLOTS; i++)
        assert_int_equal(ask_about(i, 5), RETRY_DEVICES_ASKED);
    assert_int_equal(ask_about(RETRY_ASKED_SLOTS, 5), RETRY_DEVICES_TOO_MANY);
    w.hold = false;
    run();
    assert_int_equal(answered, RETRY_ASKED_SLOTS);
    assert_int_equal(ask_about(RETRY_ASKED_SLOTS, 5), RETRY_DEVICES_ASKED);
    run();
}

static void few_devices_of_one_person_wait(void **state)
{
    (void)state;
    answered = 0;
    w.hold = true;
    for (uint16_t i = 0; i < RETRY_ASKED_WAITING_MAX; i++)
        assert_int_equal(ask_about(1, (uint16_t)(i + 1)), RETRY_DEVICES_ASKED);
    assert_int_equal(ask_about(1, 99), RETRY_DEVICES_TOO_MANY);
    w.hold = false;
    run();
    assert_int_equal(answered, RETRY_ASKED_WAITING_MAX);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(an_answer_that_teaches_the_lid_ends_the_wait),
        T(as_many_people_wait_as_are_remembered),
        T(few_devices_of_one_person_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
