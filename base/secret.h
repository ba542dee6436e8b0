/* secret.h - memory that holds keys: compared in constant time, wiped before it is freed. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Once per process, before any other call here or in crypto/. */
enum wb_err secret_init(void) WB_MUST_CHECK;

void secret_wipe(void *p, size_t n);
bool secret_eq(const void *a, const void *b, size_t n);

/* n bytes of guarded, locked memory for long-lived keys; NULL when there is none left. Not
 * zeroed. Only secret_free() may free it, and wipes it. */
void *secret_alloc(size_t n) WB_MUST_CHECK;
void secret_free(void *p);

/* Ordinary heap memory with keys in it: wipe n bytes, then free. NULL-safe. */
void secret_free_sized(void *p, size_t n);

#endif
