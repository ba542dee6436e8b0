/* Texts as addresses: an address that can be read prints as a text that reads as the same
 * address. */
#include <stdlib.h>

#include "proto/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_after_print(const struct jid *j)
{
    char text[JID_TEXT_MAX], again[JID_TEXT_MAX];
    struct jid back;

    if (jid_parse_cstr(jid_text(j, text), &back) != WB_OK || !jid_eq(j, &back) ||
        strcmp(text, jid_text(&back, again)) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = SPAN(data, size);
    char printed[JID_TEXT_MAX];
    struct jid j, back;

    if (jid_parse(text, &j) == WB_OK) {
        same_after_print(&j);
        if (jid_parse_cstr(jid_ad_text(&j, printed), &back) != WB_OK && j.user[0])
            abort();
    }
    if (jid_from_signal_address(text, &j) == WB_OK) {
        same_after_print(&j);
        if (jid_from_signal_address(span_cstr(jid_signal_address(&j, printed)), &back) != WB_OK ||
            !jid_eq(&j, &back))
            abort();
    }
    if (jid_from_phone(text, &j) == WB_OK)
        same_after_print(&j);
    return 0;
}
