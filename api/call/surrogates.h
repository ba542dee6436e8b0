/* surrogates.h - halves of characters in JSON. JavaScript cuts texts by UTF-16 units, so that half
 * of an emoji can be left at the end, which JSON.stringify() writes as "\ud83d". No Unicode text
 * can hold it, and jansson refuses the whole body. */
#ifndef API_CALL_SURROGATES_H
#define API_CALL_SURROGATES_H

#include <stddef.h>
#include <stdint.h>

/* Makes \ufffd (the replacement character) of every \uXXXX that is a surrogate without its other
 * half, in place: both are six bytes. Nothing else is changed, and nothing of what is no JSON. */
void surrogates_mend(uint8_t *json, size_t n);

#endif
