#include "crypto/prim_evp.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *ciphers[PRIM_EVP_COUNT]; /* written once, under `once` */

static void fetch_all(void)
{
    static const char *const names[PRIM_EVP_COUNT] = {
        [PRIM_AES_256_GCM] = "AES-256-GCM",
        [PRIM_AES_256_CTR] = "AES-256-CTR",
        [PRIM_AES_256_CBC] = "AES-256-CBC",
    };

    for (size_t i = 0; i < PRIM_EVP_COUNT; i++)
        ciphers[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
}

EVP_CIPHER *prim_evp_cipher(enum prim_evp_cipher which)
{
    pthread_once(&once, fetch_all);
    return ciphers[which];
}
