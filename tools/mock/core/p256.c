#include "tools/mock/core/p256.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

/* The key of a point; NULL when it is no point of the curve. */
static EVP_PKEY *key_of(const uint8_t point[static P256_POINT_BYTES])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[3] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point,
                                          P256_POINT_BYTES),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

bool p256_key_valid(struct span point)
{
    EVP_PKEY *key = point.n == P256_POINT_BYTES ? key_of(point.p) : NULL;

    EVP_PKEY_free(key);
    return key != NULL;
}

bool p256_verify(const uint8_t point[static P256_POINT_BYTES], struct span message, struct span sig)
{
    EVP_PKEY *key = key_of(point);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = key != NULL && md != NULL &&
                EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(md, sig.p, sig.n, message.p, message.n) == 1;

    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    return good;
}
