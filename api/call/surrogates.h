/* surrogates.h - halves of characters in JSON. JavaScript cuts texts by UTF-16 units, so that half
 * of an emoji can be left at the end, which JSON.stringify() writes as "\ud83d". No Unicode text
 * can hold it, and jansson refuses the whole body. */
#ifndef API_CALL_SURROGATES_H
#define API_CALL_SURROGATES_H

#include <stddef.h>
#include <stdint.h>

/* Replaces every \uXXXX that is a surrogate without its other half by \ufffd (the replacement
 * character), in place: both are six bytes. Changes nothing else, and nothing in bytes that are no
 * JSON. */
void surrogates_mend(uint8_t *json, size_t n);

#endif
