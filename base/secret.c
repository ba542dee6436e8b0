#include "base/secret.h"

#include <sodium.h>
#include <stdlib.h>

enum wb_err secret_init(void)
{
    return sodium_init() < 0 ? WB_ERR_BUG : WB_OK;
}

void secret_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool secret_eq(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void *secret_alloc(size_t n)
{
    return sodium_malloc(n);
}

void secret_free(void *p)
{
    sodium_free(p);
}

void secret_free_sized(void *p, size_t n)
{
    if (!p)
        return;
    sodium_memzero(p, n);
    free(p);
}
