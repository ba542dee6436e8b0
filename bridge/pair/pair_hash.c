#include "bridge/pair/pair_hash.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "bridge/platform/jobs.h"

struct hashing {
    struct bridge *b;
    uint64_t attempt;
    const struct rng *rng;
    char code[LINK_CODE_CHARS + 1];
    uint8_t pub[X25519_KEY_BYTES], identity[X25519_KEY_BYTES];
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES];
    enum wb_err err;
    pair_wrapped_fn *on_wrapped;
    pair_unwrapped_fn *on_unwrapped;
};

static void work(void *ctx)
{
    struct hashing *h = ctx;

    h->err = h->on_wrapped ? link_code_wrap_key(h->code, h->pub, h->rng, h->wrapped)
                           : link_code_unwrap_key(h->code, SPAN_ARRAY(h->wrapped), h->pub);
}

static void done(void *ctx, bool ran)
{
    struct hashing *h = ctx;

    if (ran && h->on_wrapped)
        h->on_wrapped(h->b, h->attempt, h->err, h->wrapped);
    else if (ran)
        h->on_unwrapped(h->b, h->attempt, h->err, h->pub, h->identity);
    secret_free(h);
}

static struct hashing *hashing_new(struct bridge *b, uint64_t attempt, const char *code)
{
    struct hashing *h = secret_alloc(sizeof *h);

    if (!h)
        return NULL;
    *h = (struct hashing){.b = b, .attempt = attempt, .rng = b->rng};
    snprintf(h->code, sizeof h->code, "%s", code);
    return h;
}

static enum wb_err run(struct hashing *h)
{
    enum wb_err err = jobs_run(h->b->jobs, work, done, h);

    if (err != WB_OK)
        secret_free(h);
    return err;
}

enum wb_err pair_hash_wrap(struct bridge *b, uint64_t attempt, const char *code,
                           const uint8_t pub[static X25519_KEY_BYTES], pair_wrapped_fn *on_done)
{
    struct hashing *h = hashing_new(b, attempt, code);

    if (!h)
        return WB_ERR_NOMEM;
    memcpy(h->pub, pub, sizeof h->pub);
    h->on_wrapped = on_done;
    return run(h);
}

enum wb_err pair_hash_unwrap(struct bridge *b, uint64_t attempt, const char *code,
                             const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES],
                             const uint8_t identity[static X25519_KEY_BYTES],
                             pair_unwrapped_fn *on_done)
{
    struct hashing *h = hashing_new(b, attempt, code);

    if (!h)
        return WB_ERR_NOMEM;
    memcpy(h->wrapped, wrapped, sizeof h->wrapped);
    memcpy(h->identity, identity, sizeof h->identity);
    h->on_unwrapped = on_done;
    return run(h);
}
