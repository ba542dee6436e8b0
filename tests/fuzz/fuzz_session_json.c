/* fuzz_session_json.c - Signal records from a file that another program wrote: a record that can be
 * read is written and read again to the same bytes. */
#include <stdlib.h>

#include "store/session/session_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void session(struct span in)
{
    struct signal_session *s = NULL, *again = NULL;
    struct buf once = buf_new(64 << 20), twice = buf_new(64 << 20);

    if (session_json_read(in, &s) == WB_OK) {
        session_json_write(s, &once);
        if (session_json_read(buf_span(&once), &again) != WB_OK)
            abort();
        session_json_write(again, &twice);
        if (!span_eq(buf_span(&once), buf_span(&twice)))
            abort();
    }
    signal_session_free(s);
    signal_session_free(again);
    buf_free(&once);
    buf_free(&twice);
}

static void sender_key(struct span in)
{
    struct sender_key_record *r = NULL, *again = NULL;
    struct buf once = buf_new(64 << 20), twice = buf_new(64 << 20);

    if (sender_key_json_read(in, &r) == WB_OK) {
        sender_key_json_write(r, &once);
        if (sender_key_json_read(buf_span(&once), &again) != WB_OK)
            abort();
        sender_key_json_write(again, &twice);
        if (!span_eq(buf_span(&once), buf_span(&twice)))
            abort();
    }
    sender_key_record_free(r);
    sender_key_record_free(again);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session(SPAN(data, size));
    sender_key(SPAN(data, size));
    return 0;
}
