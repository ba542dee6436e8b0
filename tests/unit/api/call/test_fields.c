/* An unknown field of a request: which known name the caller may have meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/call/fields.h"

static const char *const send[] = {"recipient",
                                   "message",
                                   "mentioned_jid",
                                   "allow_absent_mentions",
                                   "reply_to",
                                   "media_path",
                                   "id",
                                   "wait_s",
                                   "expires_s",
                                   NULL};
static const char *const none[] = {NULL};

static void assert_meant(const char *given, const char *meant)
{
    const char *name = nearest_name(span_cstr(given), send);

    if (meant)
        assert_string_equal(name ? name : "nothing", meant);
    else
        assert_null(name);
}

static void slips_lead_to_the_name_that_was_meant(void **state)
{
    (void)state;
    assert_meant("mentions", "mentioned_jid");
    assert_meant("mention", "mentioned_jid");
    assert_meant("mentionedJid", "mentioned_jid");
    assert_meant("mentioned-jids", "mentioned_jid");
    assert_meant("Recipient", "recipient");
    assert_meant("recipent", "recipient");
    assert_meant("mesage", "message");
    assert_meant("messages", "message");
    assert_meant("text", "message");
    assert_meant("to", "recipient");
    assert_meant("waits", "wait_s");
    assert_meant("reply", "reply_to");
    assert_meant("expires", "expires_s");
    assert_meant("idempotency_key", "id");
    assert_meant("message_id", "id");
    assert_meant("x", NULL);
    assert_meant("", NULL);
    assert_meant("ix", NULL);
    assert_meant("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", NULL);
    assert_null(nearest_name(SPAN_LIT("mentions"), none));
}

static void the_answer_names_it(void **state)
{
    struct buf text = buf_new(1000);

    (void)state;
    unknown_name_text("field", SPAN_LIT("mentions"), send, &text);
    assert_string_equal(buf_text(&text), "unknown field 'mentions'; did you mean 'mentioned_jid'?");
    buf_clear(&text);
    unknown_name_text("parameter", SPAN_LIT("x"), none, &text);
    assert_string_equal(buf_text(&text), "unknown parameter 'x'; this call has none");
    buf_clear(&text);
    unknown_name_text("field", SPAN_LIT("x"), send, &text);
    assert_string_equal(buf_text(&text),
                        "unknown field 'x'; known are recipient, message, mentioned_jid, "
                        "allow_absent_mentions, reply_to, media_path, id, wait_s, expires_s");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_lead_to_the_name_that_was_meant),
        cmocka_unit_test(the_answer_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
