/* text.h - hex and base64 in constant time (they carry keys), and UTF-8 checks. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

/* Characters for n bytes, without the NUL. */
#define HEX_CHARS(n) ((size_t)(n)*2)
#define B64_CHARS(n) (((size_t)(n) + 2) / 3 * 4)

void buf_hex(struct buf *b, struct span s); /* lower case */
void buf_b64(struct buf *b, struct span s); /* standard alphabet, padded */
/* URL alphabet, with or without '='. */
void buf_b64url(struct buf *b, struct span s, bool padded);

/* Decode into out[0..max). Whole input must be valid; *ret_n is the decoded size. */
enum wb_err hex_decode(struct span text, uint8_t *out, size_t max, size_t *ret_n) WB_MUST_CHECK;
enum wb_err b64_decode(struct span text, uint8_t *out, size_t max, size_t *ret_n) WB_MUST_CHECK;
/* URL alphabet, padding optional. */
enum wb_err b64url_decode(struct span text, uint8_t *out, size_t max, size_t *ret_n) WB_MUST_CHECK;

/* Reads a yes or no as settings write it: true, yes, on, 1, or false, no, off, 0. Returns false
 * for any other text. */
bool text_yes_no(const char *text, bool *ret);

bool utf8_valid(struct span s);
size_t utf8_chars(struct span s); /* code points; s must be valid */
/* The longest prefix of at most n bytes that does not cut a character. s must be valid. */
struct span utf8_first(struct span s, size_t n);
/* Replaces every byte that belongs to no valid character by '?': for a peer's words, or a text
 * that was cut in the middle of a character. */
void utf8_clean(char *text);

#endif
