/* Any bytes as what the server says of app state: the first byte chooses the kind. Every part that
 * is read lies inside the input, and what a key of ours seals opens again. */
#include <stdlib.h>
#include <string.h>

#include "crypto/appstate_crypt.h"
#include "proto/appstate_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, struct span in)
{
    if (!span_is_null(part) && (part.p < in.p || part.n > in.n || part.p + part.n > in.p + in.n))
        abort();
}

static void patch_inside(const struct appstate_patch *p, struct span in)
{
    inside(p->external, in);
    inside(p->snapshot_mac, in);
    inside(p->patch_mac, in);
    inside(p->key_id, in);
    for (size_t i = 0; i < p->n; i++) {
        inside(p->records[i].index_mac, in);
        inside(p->records[i].value, in);
        inside(p->records[i].key_id, in);
    }
}

static void value(struct span in)
{
    static const uint8_t secret[APPSTATE_SECRET_BYTES] = {7};
    static const uint8_t iv[16] = {9};
    struct buf blob = buf_new(in.n + 128), plain = buf_new(in.n + 128);
    struct appstate_action action;
    struct appstate_keys keys;
    struct span part;

    if (appstate_action_decode(in, &action) == WB_OK) {
        inside(action.index, in);
        inside(action.value, in);
        if (appstate_value_part(action.value, APPSTATE_PUSH_NAME, &part) == WB_OK)
            inside(part, in);
    }
    appstate_keys_expand(secret, &keys);
    if (appstate_value_open(&keys, APPSTATE_SET, SPAN_LIT("id"), in, &plain) == WB_OK)
        abort(); /* nobody else has the key */
    buf_clear(&plain);
    if (appstate_value_seal(&keys, APPSTATE_REMOVE, SPAN_LIT("id"), iv, in, &blob) != WB_OK ||
        appstate_value_open(&keys, APPSTATE_REMOVE, SPAN_LIT("id"), buf_span(&blob), &plain) !=
            WB_OK ||
        !span_eq(buf_span(&plain), in))
        abort();
    buf_free(&blob);
    buf_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(16 << 20);
    struct appstate_patch p = {.version = 0};
    struct appstate_blob blob;
    struct span in;

    if (size == 0)
        return 0;
    in = SPAN(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        if (appstate_patch_decode(in, &a, &p) == WB_OK)
            patch_inside(&p, in);
        break;
    case 1:
        if (appstate_snapshot_decode(in, &a, &p) == WB_OK)
            patch_inside(&p, in);
        break;
    case 2:
        if (appstate_mutations_decode(in, &a, &p) == WB_OK)
            patch_inside(&p, in);
        break;
    case 3:
        if (appstate_blob_decode(in, &blob) == WB_OK) {
            inside(blob.media_key, in);
            inside(blob.direct_path, in);
        }
        break;
    default:
        value(in);
    }
    arena_free(&a);
    return 0;
}
