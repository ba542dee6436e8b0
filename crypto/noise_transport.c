#include "crypto/noise.h"

void noise_transport_free(struct noise_transport *t)
{
    noise_cipher_free(&t->send);
    noise_cipher_free(&t->receive);
}

enum wb_err noise_transport_seal(struct noise_transport *t, struct span plain, struct buf *out)
{
    return noise_cipher_encrypt(&t->send, SPAN_NULL, plain, out);
}

enum wb_err noise_transport_open(struct noise_transport *t, struct span frame, struct buf *out)
{
    return noise_cipher_decrypt(&t->receive, SPAN_NULL, frame, out);
}
