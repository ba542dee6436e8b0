/* Lone surrogates (halves of characters) in JSON: mending twice gives what mending once gives, and
 * a text that the parser accepts keeps its value. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/call/surrogates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *once = malloc(size + 1), *twice = malloc(size + 1);
    json_t *before, *after;

    if (!once || !twice)
        abort();
    memcpy(once, data, size);
    surrogates_mend(once, size);
    memcpy(twice, once, size);
    surrogates_mend(twice, size);
    if (memcmp(once, twice, size) != 0)
        abort();
    before = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    after = json_loadb((const char *)once, size, JSON_REJECT_DUPLICATES, NULL);
    if (before && !json_equal(before, after))
        abort();
    json_decref(before);
    json_decref(after);
    free(once);
    free(twice);
    return 0;
}
