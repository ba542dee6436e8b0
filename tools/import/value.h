/* value.h - values of Baileys' JSON files. Bytes come in four forms, depending on who wrote them:
 * {"type":"Buffer","data":"<base64>"}, the same with an array of numbers, {"0":5,"1":17,...}, and
 * (protobufs and Signal sessions) a base64 string. NULL means that a field is missing: MALFORMED.
 */
#ifndef IMPORT_VALUE_H
#define IMPORT_VALUE_H

#include <jansson.h>

#include "base/buf.h"
#include "crypto/prim_x25519.h"

/* Parses a whole file: one JSON object, array or string. *ret is the caller's (json_decref). */
enum wb_err value_parse(struct span text, json_t **ret) WB_MUST_CHECK;

/* Appends the bytes; out's maximum is the limit. MALFORMED, TOO_LARGE. */
enum wb_err value_bytes(const json_t *v, struct buf *out) WB_MUST_CHECK;
/* Exactly n bytes, at most 128. */
enum wb_err value_exact(const json_t *v, uint8_t *ret, size_t n) WB_MUST_CHECK;
/* A public key: 32 bytes, or 33 with the type byte 05. */
enum wb_err value_public(const json_t *v, uint8_t ret[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* {private, public} under the names given. BAD_KEY when they do not belong together. */
enum wb_err value_pair(const json_t *v, const char *priv, const char *pub,
                       struct x25519_pair *ret) WB_MUST_CHECK;
/* A number, or a string of digits (64-bit numbers of protobufs), from min to max. */
enum wb_err value_int(const json_t *v, int64_t min, int64_t max, int64_t *ret) WB_MUST_CHECK;
enum wb_err value_u32(const json_t *v, uint32_t *ret) WB_MUST_CHECK;
/* The text, borrowed, at most IMPORT_NAME_MAX bytes; NULL when v is no text or a longer one. */
const char *value_text(const json_t *v);

#endif
