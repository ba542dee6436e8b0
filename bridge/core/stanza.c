#include "bridge/core/stanza.h"

const struct stanza_handler *stanza_handler_find(const struct stanza_handler *const *table,
                                                 size_t n, struct span name)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_cstr(name, table[i]->name))
            return table[i];
    return NULL;
}

enum wb_err stanza_handler_run(struct bridge *b, const struct stanza_handler *h,
                               const struct stanza *s)
{
    void *parsed = NULL;

    if (h->parse) {
        enum wb_err err = h->parse(s, &parsed);

        /* The stanza needs more memory than a frame may use. As NOMEM, our own trouble, it would
         * end the connection and come again on every next one. Parsing has no effects, so the
         * stanza can be skipped as TOO_LARGE, the peer's fault. */
        if (err == WB_ERR_NOMEM && s->arena->refused)
            return WB_ERR_TOO_LARGE;
        if (err != WB_OK)
            return err;
    }
    return h->apply ? h->apply(b, s, parsed) : WB_OK;
}
