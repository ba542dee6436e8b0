/* fuzz_adv.c - 32 bytes of a device's identity, 32 of an account's key, then the account's
 * statement about the device, or its list. A statement that is genuine for one identity is not
 * genuine for any other. */
#include <stdlib.h>
#include <string.h>

#include "bridge/people/adv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(1 << 20);
    uint8_t identity[X25519_KEY_BYTES], account[X25519_KEY_BYTES];
    struct adv_identity details;
    struct span in;

    if (size < sizeof identity + sizeof account)
        return 0;
    memcpy(identity, data, sizeof identity);
    memcpy(account, data + sizeof identity, sizeof account);
    in = SPAN(data + sizeof identity + sizeof account, size - sizeof identity - sizeof account);
    (void)adv_judge_device(in, identity, NULL, &a, &details);
    if (adv_judge_device(in, identity, account, &a, &details) == ADV_GENUINE) {
        identity[1] ^= 1;
        if (!adv_is_complaint(adv_judge_device(in, identity, account, &a, &details)))
            abort();
    }
    if (adv_judge_list(in, account, &a) == ADV_GENUINE) {
        account[1] ^= 1;
        if (!adv_is_complaint(adv_judge_list(in, account, &a)))
            abort();
    }
    arena_free(&a);
    return 0;
}
