#include "tools/import/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "tools/import/limits.h"

enum { EXACT_MAX = 128, INDEX_TEXT = 24 };

enum wb_err value_parse(struct span text, json_t **ret)
{
    json_error_t error;

    if (text.n > IMPORT_FILE_MAX)
        return WB_ERR_TOO_LARGE;
    json_t *root = json_loadb(text.n ? (const char *)text.p : "", text.n,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root)
        return json_error_code(&error) == json_error_out_of_memory ? WB_ERR_NOMEM
                                                                   : WB_ERR_MALFORMED;
    *ret = root;
    return WB_OK;
}

static enum wb_err from_base64(const json_t *v, struct buf *out)
{
    struct span text = SPAN(json_string_value(v), json_string_length(v));
    size_t room = text.n / 4 * 3, n = 0;
    uint8_t *p;

    if (text.n == 0)
        return WB_OK;
    if (room > out->max + 2) /* two of the last three bytes may be padding */
        return WB_ERR_TOO_LARGE;
    p = malloc(room + 1);
    if (!p)
        return WB_ERR_NOMEM;
    enum wb_err err = b64_decode(text, p, room, &n);
    if (err == WB_OK) {
        buf_append(out, SPAN(p, n));
        err = buf_err(out);
    }
    secret_free_sized(p, room + 1);
    return err;
}

static enum wb_err put_byte(const json_t *v, struct buf *out)
{
    json_int_t byte = json_is_integer(v) ? json_integer_value(v) : -1;

    if (byte < 0 || byte > 255)
        return WB_ERR_MALFORMED;
    buf_u8(out, (uint8_t)byte);
    return buf_err(out);
}

static enum wb_err from_array(const json_t *v, struct buf *out)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < json_array_size(v); i++)
        TRY(put_byte(json_array_get(v, i), out));
out:
    return err;
}

static enum wb_err from_indexed(const json_t *v, struct buf *out)
{
    char key[INDEX_TEXT];
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < json_object_size(v); i++) {
        snprintf(key, sizeof key, "%zu", i);
        TRY(put_byte(json_object_get(v, key), out));
    }
out:
    return err;
}

enum wb_err value_bytes(const json_t *v, struct buf *out)
{
    const json_t *type = json_object_get(v, "type");

    if (json_is_string(type) && strcmp(json_string_value(type), "Buffer") == 0)
        v = json_object_get(v, "data");
    else if (json_is_object(v))
        return from_indexed(v, out);
    if (json_is_string(v))
        return from_base64(v, out);
    return json_is_array(v) ? from_array(v, out) : WB_ERR_MALFORMED;
}

enum wb_err value_exact(const json_t *v, uint8_t *ret, size_t n)
{
    struct buf bytes = buf_new(EXACT_MAX);
    enum wb_err err = value_bytes(v, &bytes);

    if (err == WB_OK && bytes.n != n)
        err = WB_ERR_MALFORMED;
    if (err == WB_OK && n)
        memcpy(ret, bytes.p, n);
    buf_free(&bytes);
    return err == WB_ERR_TOO_LARGE ? WB_ERR_MALFORMED : err;
}

enum wb_err value_public(const json_t *v, uint8_t ret[static X25519_KEY_BYTES])
{
    uint8_t key[DJB_KEY_BYTES];
    enum wb_err err = value_exact(v, key, DJB_KEY_BYTES);

    if (err == WB_OK) {
        if (key[0] != DJB_TYPE)
            return WB_ERR_MALFORMED;
        memcpy(ret, key + 1, X25519_KEY_BYTES);
        return WB_OK;
    }
    return err == WB_ERR_MALFORMED ? value_exact(v, ret, X25519_KEY_BYTES) : err;
}

enum wb_err value_pair(const json_t *v, const char *priv, const char *pub, struct x25519_pair *ret)
{
    uint8_t given[X25519_KEY_BYTES], secret[X25519_KEY_BYTES] = {0};
    struct x25519_pair pair;
    enum wb_err err;

    memset(&pair, 0, sizeof pair);
    TRY(value_exact(json_object_get(v, priv), secret, sizeof secret));
    TRY(value_public(json_object_get(v, pub), given));
    x25519_from_private(secret, &pair);
    if (!secret_eq(pair.pub, given, sizeof given))
        err = WB_ERR_BAD_KEY;
    else
        *ret = pair;
out:
    secret_wipe(secret, sizeof secret);
    secret_wipe(&pair, sizeof pair);
    return err;
}

enum wb_err value_int(const json_t *v, int64_t min, int64_t max, int64_t *ret)
{
    int64_t n;

    if (json_is_integer(v)) {
        n = json_integer_value(v);
    } else if (json_is_string(v)) {
        uint64_t u = 0;

        if (!span_to_u64(SPAN(json_string_value(v), json_string_length(v)), &u) || u > INT64_MAX)
            return WB_ERR_MALFORMED;
        n = (int64_t)u;
    } else {
        return WB_ERR_MALFORMED;
    }
    if (n < min || n > max)
        return WB_ERR_MALFORMED;
    *ret = n;
    return WB_OK;
}

enum wb_err value_u32(const json_t *v, uint32_t *ret)
{
    int64_t n = 0;
    enum wb_err err = value_int(v, 0, UINT32_MAX, &n);

    if (err == WB_OK)
        *ret = (uint32_t)n;
    return err;
}

const char *value_text(const json_t *v)
{
    return json_is_string(v) && json_string_length(v) <= IMPORT_NAME_MAX ? json_string_value(v)
                                                                         : NULL;
}
