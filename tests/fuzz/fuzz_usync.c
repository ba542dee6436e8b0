/* Any stanza as an answer about people, and each of its <user>s as a user with prekeys. */
#include <stdlib.h>

#include "bridge/people/limits.h"
#include "bridge/people/usync.h"
#include "bridge/sessions/prekey_fetch.h"
#include "crypto/signal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_MAX = 16 << 20 };

static void check_devices(const struct usync_user *u)
{
    if (u->devices.n > STORE_DEVICES_MAX)
        abort();
    for (size_t i = 0; i < u->devices.n; i++) {
        struct jid j = usync_device_jid(&u->jid, &u->devices.devices[i]);

        /* Every device must fit the wire form of its address. */
        if (j.device > DEVICE_NUMBER_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(ARENA_MAX);
    struct usync_answer ans;
    struct node *iq;

    for (int kind = 0; kind <= USYNC_CONTACT; kind++) {
        if (node_unpack(SPAN(data, size), &a, &iq) != WB_OK ||
            usync_parse(iq, (enum usync_kind)kind, &a, &ans) != WB_OK)
            break;
        if (ans.n + ans.odd > USYNC_ANSWER_USERS_MAX)
            abort();
        if (ans.backoff_s > 0 && !ans.pauses)
            abort();
        for (size_t i = 0; i < ans.n; i++)
            check_devices(&ans.users[i]);
        for (const struct node *u = node_child(node_child(node_child(iq, "usync"), "list"), "user");
             u; u = node_next(u, "user")) {
            struct signal_bundle bundle;

            if (prekey_bundle_parse(u, &bundle) == WB_OK && bundle.signed_prekey_id > 0xffffff)
                abort();
        }
    }
    arena_free(&a);
    return 0;
}
