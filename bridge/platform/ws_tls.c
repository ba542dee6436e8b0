#include "bridge/platform/ws_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/platform/ws_url.h"

long ws_tls_options(void)
{
    return (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
}

const char *ws_tls_problem(const struct ssl_st *ssl, const char *host)
{
    long verified;
    X509 *cert;
    int fits;

    if (!ssl)
        return "the connection is not encrypted";
    if (SSL_version(ssl) < TLS1_2_VERSION)
        return "the server speaks no newer TLS than 1.1";
    verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    cert = SSL_get1_peer_certificate(ssl);
    if (!cert)
        return "the server has no certificate";
    fits = ws_url_host_is_address(host)
               ? X509_check_ip_asc(cert, host, 0)
               : X509_check_host(cert, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL);
    X509_free(cert);
    return fits == 1 ? NULL : "the certificate is for another host";
}
