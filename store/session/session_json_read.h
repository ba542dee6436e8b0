/* session_json_read.h - what the two readers of Signal records share; private to store/. */
#ifndef STORE_SESSION_SESSION_JSON_READ_H
#define STORE_SESSION_SESSION_JSON_READ_H

#include "crypto/prim_x25519.h"
#include "store/session/json_in.h"

/* A string of base64 that is exactly n (at most 64) bytes. */
void json_get_bytes(struct json_in *j, uint8_t *out, size_t n);
/* A public key: 33 bytes, type byte 05. */
void json_get_key(struct json_in *j, uint8_t out[static X25519_KEY_BYTES]);
/* One more zeroed element in an array that grows to at most max elements of `size` bytes; memory
 * left behind is wiped. NULL and an error in j. */
void *json_grow(struct json_in *j, void **items, size_t *n, size_t *cap, size_t size, size_t max);

#endif
