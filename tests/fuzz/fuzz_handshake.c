/* fuzz_handshake.c - the handshake's protobufs and the client payload, from either side. A message
 * that is accepted is written and read again as the same. */
#include <stdlib.h>

#include "proto/client_payload.h"
#include "proto/handshake_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void server_hello_again(const struct handshake_server_hello *h, struct arena *a)
{
    struct buf out = buf_new(1 << 20);
    struct handshake_server_hello back;

    if (handshake_server_hello_encode(h, &out) == WB_OK &&
        (handshake_server_hello_decode(buf_span(&out), a, &back) != WB_OK ||
         !span_eq(back.payload_ct, h->payload_ct) || !span_eq(back.static_ct, h->static_ct)))
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(1 << 20);
    struct span in = SPAN(data, size);
    struct handshake_client_hello ch;
    struct handshake_server_hello sh;
    struct handshake_client_finish cf;
    struct cert_wire_chain chain;
    struct cert_wire_details details;
    struct client_payload payload;

    (void)!handshake_client_hello_decode(in, &a, &ch);
    if (handshake_server_hello_decode(in, &a, &sh) == WB_OK)
        server_hello_again(&sh, &a);
    (void)!handshake_client_finish_decode(in, &a, &cf);
    if (cert_wire_chain_decode(in, &a, &chain) == WB_OK)
        (void)!cert_wire_details_decode(chain.leaf.details, &a, &details);
    (void)!client_payload_decode(in, &a, &payload);
    arena_free(&a);
    return 0;
}
