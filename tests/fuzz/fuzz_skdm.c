/* SenderKeyDistributionMessages: several for one record, each preceded by its length (one byte).
 * Whatever they say, the record stays within its limits and our own key stays in its place. */
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/secret.h"
#include "crypto/signal.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_record(const struct sender_key_record *r)
{
    must(r->nstates <= SENDER_KEY_STATES_MAX);
    for (size_t i = 0; i < r->nstates; i++) {
        const struct sender_key_state *s = r->states[i];

        must(s->nkeys <= SENDER_KEY_MESSAGE_KEYS_MAX);
        must(s->first_iteration <= s->iteration);
        for (size_t k = 0; k < s->nkeys; k++)
            must(s->keys[k].iteration < s->iteration &&
                 (k == 0 || s->keys[k - 1].iteration < s->keys[k].iteration));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {44};
    struct rng_seeded state;
    struct rng rng = rng_from_seed(&state, seed);
    struct reader in = reader_new(SPAN(data, size));
    struct sender_key_record *r = sender_key_record_new(), *own = sender_key_record_new();
    uint8_t chain[32];

    must(secret_init() == WB_OK && r && own && sender_key_create(own, &rng) == WB_OK);
    memcpy(chain, own->states[0]->chain_key, 32);
    for (int i = 0; i < 16 && reader_left(&in) > 0; i++) {
        uint8_t n = reader_u8(&in);
        struct span skdm = reader_bytes(&in, n < reader_left(&in) ? n : reader_left(&in));
        size_t before = r->nstates;

        if (sender_key_process_distribution(r, skdm) != WB_OK)
            must(r->nstates == before);
        check_record(r);
        if (i < SENDER_KEY_STATES_MAX - 1) {
            (void)!sender_key_process_distribution(own, skdm);
            check_record(own);
        }
    }
    must(own->nstates >= 1 && memcmp(own->states[own->nstates - 1]->chain_key, chain, 32) == 0);
    sender_key_record_free(r);
    sender_key_record_free(own);
    return 0;
}
