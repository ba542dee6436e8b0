#include "tools/mock/wire/tls.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/plain_file.h"

enum { LIFE_S = 30 * 24 * 3600 };

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *x = X509_new();

    if (!x)
        return NULL;
    X509_NAME *name = X509_get_subject_name(x);
    bool ok = X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(x), LIFE_S) != NULL &&
              X509_set_pubkey(x, key) == 1 &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"wa-mock",
                                         -1, -1, 0) == 1 &&
              X509_set_issuer_name(x, name) == 1 &&
              add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
              add_extension(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") &&
              X509_sign(x, key, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static FILE *create(const char *path)
{
    FILE *file = NULL;

    return plain_stream(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &file) == WB_OK ? file : NULL;
}

enum wb_err tls_make(const char *cert_path, const char *key_path)
{
    enum wb_err err = WB_ERR_IO;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key != NULL ? make_certificate(key) : NULL;
    FILE *cert = x != NULL ? create(cert_path) : NULL;
    FILE *secret = cert != NULL ? create(key_path) : NULL;

    if (secret && PEM_write_X509(cert, x) == 1 &&
        PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1)
        err = WB_OK;
    if (cert && fclose(cert) != 0)
        err = WB_ERR_IO;
    if (secret && fclose(secret) != 0)
        err = WB_ERR_IO;
    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}
