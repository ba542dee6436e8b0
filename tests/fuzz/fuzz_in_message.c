/* Any decoded stanza as a message and as a receipt: reading has no effects, and reading twice gives
 * the same. */
#include <stdlib.h>

#include "bridge/core/msgid.h"
#include "bridge/receive/in_message.h"
#include "bridge/send/in_receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(ARENA_MAX);
    struct jid own_pn, own_lid;
    struct in_message m, again;
    struct in_receipt r;
    struct node *n;

    if (jid_parse_cstr("27820000001:7@s.whatsapp.net", &own_pn) != WB_OK ||
        jid_parse_cstr("111000111:7@lid", &own_lid) != WB_OK)
        abort();
    if (node_unpack(SPAN(data, size), &a, &n) != WB_OK)
        goto out;
    if (in_message_parse(n, &a, &own_pn, &own_lid, &m) == WB_OK) {
        if (!msgid_valid(m.id) || m.nenc > IN_ENC_MAX || !m.chat.user[0] || !m.sender.user[0] ||
            m.t < 0)
            abort();
        if (in_message_parse(n, &a, &own_pn, &own_lid, &again) != WB_OK ||
            !jid_eq(&m.chat, &again.chat) || !jid_eq(&m.sender, &again.sender) ||
            m.nenc != again.nenc)
            abort();
    }
    if (in_receipt_parse(n, &a, &r) == WB_OK)
        for (size_t i = 0; i < r.nitems; i++)
            if (!msgid_valid(r.items[i].id) || r.items[i].person.device != 0)
                abort();
out:
    arena_free(&a);
    return 0;
}
