/* The head of a sealed backup and its first piece, for a key that we have and for a passphrase.
 * Everything that we did not seal must be refused. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/prim_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t priv[X25519_KEY_BYTES] = {8, 1};
    static uint8_t out[SEAL_PIECE_BYTES];
    struct x25519_pair pair;
    struct seal_stream s;
    enum seal_kind kind;
    size_t n = 0;
    bool last;

    if (secret_init() != WB_OK)
        abort();
    x25519_from_private(priv, &pair);
    if (seal_header_look(SPAN(data, size), &kind, &n) != WB_OK || n > size)
        return 0;
    /* Argon2id is slow: this passphrase is too short, and refused right after the check of the
     * work's limits. */
    enum wb_err err = kind == SEAL_TO_KEY
                          ? seal_open_with_key(&s, SPAN(data, n), &pair)
                          : seal_open_with_passphrase(&s, SPAN(data, n), SPAN_LIT("short"));
    if (err == WB_OK && seal_open_piece(&s, span_skip(SPAN(data, size), n), out, &last) == WB_OK)
        abort(); /* nobody can make this without the secret of the seeds */
    return 0;
}
