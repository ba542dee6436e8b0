#include "tools/import/record_file.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "proto/wire_field.h"
#include "tools/import/limits.h"
#include "tools/import/value.h"

static const json_t *at(const json_t *v, const char *name)
{
    return json_object_get(v, name);
}

enum wb_err prekey_file_read(struct span json, struct x25519_pair *ret)
{
    json_t *root = NULL;
    enum wb_err err;

    TRY(value_parse(json, &root));
    err = value_pair(root, "private", "public", ret);
out:
    json_decref(root);
    return err;
}

enum wb_err identity_file_read(struct span json, uint8_t ret[static X25519_KEY_BYTES])
{
    json_t *root = NULL;
    enum wb_err err;

    TRY(value_parse(json, &root));
    err = value_public(root, ret);
out:
    json_decref(root);
    return err;
}

enum wb_err lid_file_read(struct span json, char ret[JID_USER_MAX + 1])
{
    json_t *root = NULL;
    struct jid j;
    enum wb_err err;

    TRY(value_parse(json, &root));
    const char *text = value_text(root);
    TRY(text && text[0] ? WB_OK : WB_ERR_MALFORMED);
    TRY(jid_make(span_cstr(text), JID_LID, 0, &j));
    memcpy(ret, j.user, sizeof j.user);
out:
    json_decref(root);
    return err;
}

/* {1 rawID, 2 currentIndex, 3 deviceIndexes packed} */
static enum wb_err put_fingerprint(const json_t *v, struct buf *out)
{
    struct buf list = buf_new(5 * IMPORT_FINGERPRINT_DEVICES_MAX);
    const json_t *indexes = at(v, "deviceIndexes");
    uint32_t n = 0;
    enum wb_err err = WB_OK;

    if (!json_is_object(v))
        return WB_OK;
    TRY(value_u32(at(v, "rawId"), &n));
    wire_put_uint(out, 1, n);
    TRY(value_u32(at(v, "currentIndex"), &n));
    wire_put_uint(out, 2, n);
    for (size_t i = 0; i < json_array_size(indexes); i++) {
        TRY(value_u32(json_array_get(indexes, i), &n));
        wire_put_varint(&list, n);
    }
    TRY(buf_err(&list));
    if (list.n)
        wire_put_bytes(out, 3, buf_span(&list));
    err = buf_err(out);
out:
    buf_free(&list);
    return err;
}

enum wb_err appstate_key_file_read(struct span json, struct store_appstate_key *ret,
                                   struct buf *fingerprint)
{
    const json_t *timestamp;
    json_t *root = NULL;
    enum wb_err err;

    TRY(value_parse(json, &root));
    TRY(value_exact(at(root, "keyData"), ret->data, sizeof ret->data));
    timestamp = at(root, "timestamp");
    if (timestamp && !json_is_null(timestamp))
        TRY(value_int(timestamp, 0, INT64_MAX, &ret->timestamp_ms));
    err = put_fingerprint(at(root, "fingerprint"), fingerprint);
out:
    json_decref(root);
    return err;
}

enum wb_err appstate_version_file_read(struct span json, appstate_version_fn *version,
                                       appstate_mac_fn *mac, void *ctx)
{
    struct appstate_version v = {0};
    int64_t number = 0;
    json_t *root = NULL, *item;
    const char *name;
    enum wb_err err;

    TRY(value_parse(json, &root));
    TRY(value_int(at(root, "version"), 0, INT64_MAX, &number));
    v.version = (uint64_t)number;
    if (v.version == 0)
        goto out;
    TRY(value_exact(at(root, "hash"), v.hash, sizeof v.hash));
    TRY(version(ctx, &v));
    json_object_foreach(json_object_get(root, "indexValueMap"), name, item)
    {
        uint8_t index_mac[APPSTATE_MAC_BYTES], value_mac[APPSTATE_MAC_BYTES];
        json_t *text = json_string(name);

        err = text ? value_exact(text, index_mac, sizeof index_mac) : WB_ERR_NOMEM;
        json_decref(text);
        TRY(err);
        TRY(value_exact(at(item, "valueMac"), value_mac, sizeof value_mac));
        TRY(mac(ctx, index_mac, value_mac));
    }
out:
    json_decref(root);
    return err;
}

enum wb_err token_file_read(struct span json, struct token_file *ret)
{
    struct buf token = buf_new(sizeof ret->token);
    struct token_file t = {0};
    const json_t *v;
    json_t *root = NULL;
    enum wb_err err;

    TRY(value_parse(json, &root));
    v = at(root, "token");
    if (v && !json_is_null(v))
        TRY(value_bytes(v, &token));
    v = at(root, "timestamp");
    if (v && !json_is_null(v))
        TRY(value_int(v, 0, INT64_MAX, &t.timestamp));
    v = at(root, "senderTimestamp");
    if (v && !json_is_null(v))
        TRY(value_int(v, 0, INT64_MAX, &t.issued_at));
    TRY(token.n || t.issued_at ? WB_OK : WB_ERR_NOT_FOUND);
    if (token.n)
        memcpy(t.token, token.p, token.n);
    t.token_n = token.n;
    *ret = t;
out:
    buf_free(&token);
    json_decref(root);
    return err;
}

enum wb_err memory_file_read(struct span json, memory_device_fn *device, void *ctx)
{
    json_t *root = NULL, *v;
    const char *name;
    struct jid j;
    enum wb_err err;

    TRY(value_parse(json, &root));
    TRY(json_is_object(root) ? WB_OK : WB_ERR_MALFORMED);
    json_object_foreach(root, name, v)
    {
        if (!json_is_true(v))
            continue;
        TRY(jid_parse_cstr(name, &j));
        TRY(jid_is_person(&j) && j.user[0] ? WB_OK : WB_ERR_MALFORMED);
        TRY(device(ctx, &j));
    }
out:
    json_decref(root);
    return err;
}
