/* tls.h - a self-signed certificate for --tls. */
#ifndef MOCK_WIRE_TLS_H
#define MOCK_WIRE_TLS_H

#include "base/err.h"

/* Writes a fresh certificate for 127.0.0.1 and localhost, and its key (mode 0600), as PEM. */
enum wb_err tls_make(const char *cert_path, const char *key_path) WB_MUST_CHECK;

#endif
