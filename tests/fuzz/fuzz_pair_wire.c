/* fuzz_pair_wire.c - the ADV protobufs of pairing and device lists. */
#include <stdlib.h>

#include "proto/pair_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(1 << 20);
    struct span in = SPAN(data, size);
    struct buf out = buf_new(1 << 20);
    struct adv_signed_hmac hmac;
    struct adv_signed_identity id, again;
    struct adv_identity inner;
    struct adv_signed_key_list list;
    struct adv_key_list keys;
    bool migrated;

    if (adv_signed_hmac_decode(in, &a, &hmac) == WB_OK)
        (void)!adv_signed_identity_decode(hmac.details, &a, &id);
    if (adv_signed_identity_decode(in, &a, &id) == WB_OK) {
        (void)!adv_identity_decode(id.details, &a, &inner);
        if (adv_signed_identity_encode(&id, true, &out) == WB_OK &&
            (adv_signed_identity_decode(buf_span(&out), &a, &again) != WB_OK ||
             !span_eq(id.account_key, again.account_key)))
            abort();
    }
    (void)!adv_identity_decode(in, &a, &inner);
    if (adv_signed_key_list_decode(in, &a, &list) == WB_OK)
        (void)!adv_key_list_decode(list.details, &a, &keys);
    (void)!adv_key_list_decode(in, &a, &keys);
    (void)!client_props_decode(in, &a, &migrated);
    buf_free(&out);
    arena_free(&a);
    return 0;
}
