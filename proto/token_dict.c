#include "proto/token_dict.h"

#include "base/fnv.h"

/* All texts in one block without NULs, and offsets into it: without pointers there is nothing to
 * relocate, and the pages stay shared between processes. The members only give each text its
 * place. */
struct token_pool {
#define T(code, text) char t##code[sizeof(text) - 1];
#include "proto/token_list.inc"
#undef T
};

static const struct token_pool pool = {
#define T(code, text) text,
#include "proto/token_list.inc"
#undef T
};

static const uint16_t starts[TOKEN_CODE_END + 1] = {
#define T(code, text) [code] = offsetof(struct token_pool, t##code),
#include "proto/token_list.inc"
#undef T
    [TOKEN_CODE_END] = sizeof(struct token_pool),
};

enum { SLOTS = 4096 };
static const uint16_t slots[SLOTS] = {
#include "proto/token_slots.inc"
};

struct span token_text(unsigned code)
{
    if (code == 0 || code >= TOKEN_CODE_END)
        return SPAN_NULL;
    return SPAN((const uint8_t *)&pool + starts[code], (size_t)(starts[code + 1] - starts[code]));
}

unsigned token_code(struct span text)
{
    uint32_t h;

    if (text.n > TOKEN_TEXT_MAX)
        return 0;
    h = fnv32(FNV32_START, text.p, text.n); /* the same hash as in tools/token_slots.py */
    /* The table is a third full: the walk always ends at a free slot. */
    for (uint32_t at = (h ^ h >> 16) % SLOTS; slots[at]; at = (at + 1) % SLOTS)
        if (span_eq(token_text(slots[at]), text))
            return slots[at];
    return 0;
}
