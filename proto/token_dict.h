/* token_dict.h - the shared string dictionary, version 3 (P-BN-05; equals wa_intro[3]). */
#ifndef PROTO_TOKEN_DICT_H
#define PROTO_TOKEN_DICT_H

#include "base/span.h"

enum {
    TOKEN_SINGLE_COUNT = 236, /* codes 1..235 are one byte on the wire; code 0 is no token */
    TOKEN_DICTIONARIES = 4,   /* then 256 codes for each two-byte dictionary */
    TOKEN_CODE_END = TOKEN_SINGLE_COUNT + TOKEN_DICTIONARIES * 256,
    TOKEN_TEXT_MAX = 48, /* the longest text: longer strings are not looked up */
};

/* The text of a code, static; SPAN_NULL for 0 and for codes from TOKEN_CODE_END on. */
struct span token_text(unsigned code);
/* The code of a text, 0 when the dictionary does not have it. */
unsigned token_code(struct span text);

#endif
