/* prim_evp.h - OpenSSL's cipher handles, fetched once per process. A fetch walks the providers and
 * takes longer than encrypting a message; the handles are immutable and shared by all threads.
 * Only prim_*.c include this. */
#ifndef CRYPTO_PRIM_EVP_H
#define CRYPTO_PRIM_EVP_H

#include <openssl/evp.h>

enum prim_evp_cipher { PRIM_AES_256_GCM, PRIM_AES_256_CTR, PRIM_AES_256_CBC, PRIM_EVP_COUNT };

/* NULL when OpenSSL has no such cipher. Never freed. */
EVP_CIPHER *prim_evp_cipher(enum prim_evp_cipher which);

#endif
