#include "bridge/core/msgid.h"

#include <stdio.h>

#include "crypto/prim_hash.h"
#include "store/core/limits.h"

void msgid_new(int64_t unix_s, const struct jid *own_pn, const struct rng *rng,
               char ret_id[static MSGID_BYTES])
{
    uint8_t time_be[8], random[16], digest[SHA256_BYTES];
    const struct span parts[] = {SPAN_ARRAY(time_be), span_cstr(own_pn->user), SPAN_LIT("@c.us"),
                                 SPAN_ARRAY(random)};

    for (size_t i = 0; i < sizeof time_be; i++)
        time_be[i] = (uint8_t)((uint64_t)unix_s >> (56 - 8 * i));
    rng_fill(rng, random, sizeof random);
    sha256_v(parts, sizeof parts / sizeof *parts, digest);
    memcpy(ret_id, "3EB0", 4);
    for (size_t i = 0; i < 9; i++)
        snprintf(ret_id + 4 + 2 * i, 3, "%02X", digest[i]);
}

bool msgid_valid(struct span id)
{
    if (id.n == 0 || id.n > STORE_MESSAGE_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] <= ' ' || id.p[i] > '~')
            return false;
    return true;
}
