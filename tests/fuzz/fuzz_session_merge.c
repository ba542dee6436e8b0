/* fuzz_session_merge.c - two Signal records, one a line, from a file that another program wrote,
 * become one: whatever they hold, the result can be written and read again, and holds nothing
 * twice. */
#include <stdlib.h>

#include "crypto/signal.h"
#include "store/session/limits.h"
#include "store/session/session_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t states_of(const struct signal_session *s)
{
    return s->narchived + (s->current != NULL);
}

static void sessions(struct span lid_text, struct span number_text)
{
    struct signal_session *lid = NULL, *number = NULL, *again = NULL;
    struct buf out = buf_new(128 << 20);

    if (session_json_read(lid_text, &lid) == WB_OK &&
        session_json_read(number_text, &number) == WB_OK) {
        size_t most = states_of(lid) + states_of(number);

        signal_session_merge(lid, number);
        if (states_of(number) != 0 || states_of(lid) > most ||
            lid->narchived > SIGNAL_ARCHIVED_STATES_MAX)
            abort();
        session_json_write(lid, &out);
        if (buf_err(&out) == WB_OK && out.n <= STORE_SESSION_JSON_MAX &&
            session_json_read(buf_span(&out), &again) != WB_OK)
            abort();
    }
    signal_session_free(lid);
    signal_session_free(number);
    signal_session_free(again);
    buf_free(&out);
}

static void sender_keys(struct span lid_text, struct span number_text)
{
    struct sender_key_record *lid = NULL, *number = NULL;

    if (sender_key_json_read(lid_text, &lid) == WB_OK &&
        sender_key_json_read(number_text, &number) == WB_OK) {
        size_t most = lid->nstates + number->nstates;

        sender_key_record_merge(lid, number);
        if (number->nstates != 0 || lid->nstates > most || lid->nstates > SENDER_KEY_STATES_MAX)
            abort();
    }
    sender_key_record_free(lid);
    sender_key_record_free(number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut = 0;

    while (cut < size && data[cut] != '\n')
        cut++;
    struct span first = SPAN(data, cut);
    struct span second = cut < size ? SPAN(data + cut + 1, size - cut - 1) : first;
    sessions(first, second);
    sender_keys(first, second);
    return 0;
}
