#include "tools/mock/service/media.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/prim_cbc.h"
#include "crypto/prim_hash.h"
#include "tools/mock/service/service.h"

struct blob {
    size_t n;
    uint8_t bytes[];
};

void media_free(struct mock *m)
{
    map_free(&m->media, free);
}

int iq_media_conn(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    struct mock *m = c->m;
    struct node *mc = node_child_new(&m->a, result, "media_conn");
    const char *host = strstr(m->base_url, "://");
    node_attr_text(&m->a, mc, "auth", "mock-auth");
    node_attr_u64(&m->a, mc, "auth_ttl", 21600);
    node_attr_u64(&m->a, mc, "ttl", 300);
    node_attr_u64(&m->a, mc, "max_buckets", 12);
    node_attr_text(&m->a, mc, "id", mock_id(m));
    struct node *h = node_child_new(&m->a, mc, "host");
    node_attr_text(&m->a, h, "hostname", host != NULL ? host + 3 : "127.0.0.1");
    return 0;
}

/* Cuts the hash, without padding, out of "/mms/image/<hash>"; false on other paths. */
static bool hash_of(const char *path, char out[static 64])
{
    const char *last = strrchr(path, '/');

    if (strncmp(path, "/mms/", 5) != 0 || !last || last < path + 5)
        return false;
    size_t n = strcspn(last + 1, "=");
    if (n == 0 || n >= 64)
        return false;
    (void)snprintf(out, 64, "%.*s", (int)n, last + 1);
    return true;
}

bool media_put(struct mock *m, const char *hash, struct span bytes)
{
    struct blob *b = malloc(sizeof *b + bytes.n);

    free(map_get(&m->media, hash));
    if (!b || !map_put(&m->media, hash, b)) {
        free(b);
        return false;
    }
    b->n = bytes.n;
    if (bytes.n > 0)
        memcpy(b->bytes, bytes.p, bytes.n);
    return true;
}

bool media_keep(struct mock *m, struct span bytes, char ret_hash[static MEDIA_HASH_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = buf_new(64);

    sha256(bytes, digest);
    buf_b64url(&text, SPAN_ARRAY(digest), false);
    (void)snprintf(ret_hash, MEDIA_HASH_CHARS + 1, "%s", buf_cstr(&text));
    buf_free(&text);
    return media_put(m, ret_hash, bytes);
}

bool media_seal(struct mock *m, const char *info, const char *type, struct span plain,
                struct media_file *ret)
{
    uint8_t keys[112], mac[SHA256_BYTES];
    struct buf file = buf_new(plain.n + 64);
    char hash[MEDIA_HASH_CHARS + 1];

    rng_fill(&m->rng, ret->key, sizeof ret->key);
    hkdf_sha256(SPAN_ARRAY(ret->key), SPAN_NULL, span_cstr(info), keys, sizeof keys);
    bool ok = cbc_encrypt(keys + 16, keys, plain, &file) == WB_OK;
    const struct span parts[] = {SPAN(keys, 16), buf_span(&file)};
    hmac_sha256_v(SPAN(keys + 48, 32), parts, 2, mac);
    buf_append(&file, SPAN(mac, 10));
    sha256(plain, ret->sha256);
    sha256(buf_span(&file), ret->enc_sha256);
    ok = ok && buf_err(&file) == WB_OK && media_keep(m, buf_span(&file), hash);
    if (ok)
        (void)snprintf(ret->path, sizeof ret->path, "/mms/%s/%s?ccb=11-4", type, hash);
    buf_free(&file);
    return ok;
}

void media_drop(struct mock *m, const char *hash)
{
    struct blob *b = map_get(&m->media, hash);

    (void)map_put(&m->media, hash, NULL);
    free(b);
}

static void upload(struct mock *m, const struct http_request *q, const char *hash,
                   struct http_response *r)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = buf_new(64);
    char auth[64];
    const char *got = http_query(q, "auth", auth, sizeof auth);

    if (!got || strcmp(got, "mock-auth") != 0) {
        r->status = 401;
        return;
    }
    sha256(q->body, digest);
    buf_b64url(&text, SPAN_ARRAY(digest), false);
    bool same = strcmp(buf_cstr(&text), hash) == 0;
    buf_free(&text);
    if (!same) {
        mock_flag(m, "http", "bad-upload", NULL, "the path is not the hash of the content");
        r->status = 400;
        return;
    }
    if (!media_put(m, hash, q->body)) {
        r->status = 500;
        return;
    }
    r->status = 200;
    buf_printf(&r->body,
               "{\"url\":\"%s%s?ccb=11-4&oh=mock\",\"direct_path\":\"%s?ccb=11-4&oh=mock\","
               "\"handle\":\"%s\",\"object_id\":\"%s\"}",
               m->base_url, q->path, q->path, hash, hash);
}

void media_http(struct mock *m, const struct http_request *q, struct http_response *r)
{
    char hash[64];

    if (!hash_of(q->path, hash)) {
        r->status = 404;
        return;
    }
    if (strcmp(q->method, "POST") == 0) {
        upload(m, q, hash, r);
        return;
    }
    struct blob *b = map_get(&m->media, hash);
    if (m->media_gone > 0 && strcmp(q->method, "GET") == 0) {
        m->media_gone--;
        r->status = (int)m->media_gone_status;
    } else if (!b) {
        r->status = 404;
    } else if (strcmp(q->method, "DELETE") == 0) {
        media_drop(m, hash);
        r->status = 200;
    } else {
        r->status = 200;
        r->type = "application/octet-stream";
        buf_append(&r->body, SPAN(b->bytes, b->n));
    }
}
