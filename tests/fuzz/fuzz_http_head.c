/* The head of a request, at once and byte by byte: it ends at the same place, its spans lie inside
 * it, and no decoded part is longer than its encoded form. */
#include <stdlib.h>
#include <string.h>

#include "api/http/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct span in, struct span part)
{
    if (part.p && (part.p < in.p || part.p + part.n > in.p + in.n))
        abort();
}

static void look_at_all(struct span in, const struct http_head *h)
{
    const struct span all[] = {h->method,
                               h->path,
                               h->query,
                               h->host,
                               h->origin,
                               h->authorization,
                               h->content_type,
                               h->expect,
                               h->idempotency_key,
                               h->content_length,
                               h->transfer_encoding};
    char out[64];

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        look(in, all[i]);
    if (h->method.n == 0 || h->path.n == 0)
        abort();
    if (http_path_decode(h->path, out, sizeof out) && strlen(out) > h->path.n)
        abort();
    if (http_query_decode(h->query, out, sizeof out)) {
        size_t n = 0;

        for (const char *p = out; *p; p += strlen(p) + 1)
            n += strlen(p);
        if (n > h->query.n)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head_scan whole = {0}, single = {0};
    struct span in = SPAN(data, size);
    size_t n = http_head_length(&whole, in), again = 0;
    const char *problem = NULL;
    struct http_head h;

    for (size_t i = 1; i <= size && again == 0; i++)
        again = http_head_length(&single, SPAN(data, i));
    if (n != again || n > size)
        abort();
    (void)http_head_possible(in);
    if (n == 0)
        return 0;
    in = span_first(in, n);
    if (http_head_parse(in, &h, &problem) == WB_OK)
        look_at_all(in, &h);
    else if (!problem)
        abort();
    return 0;
}
