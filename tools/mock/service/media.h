/* media.h - the media hosts: uploads are kept in memory under the hash of the encrypted file
 * (P-MD-03..11). */
#ifndef MOCK_SERVICE_MEDIA_H
#define MOCK_SERVICE_MEDIA_H

#include "tools/mock/core/http.h"
#include "tools/mock/core/mock.h"

void media_free(struct mock *m);
/* Keeps a file under the hash (base64url, no padding) of its bytes. False: no memory. */
bool media_put(struct mock *m, const char *hash, struct span bytes);
/* The same for any file; its hash goes to ret_hash. */
enum { MEDIA_HASH_CHARS = 43 };
bool media_keep(struct mock *m, struct span bytes, char ret_hash[static MEDIA_HASH_CHARS + 1]);
/* A sealed media file, and what a message says of it. */
struct media_file {
    uint8_t key[32], sha256[32], enc_sha256[32];
    char path[128]; /* the direct path */
};
/* Seals plain (info: the key label of its kind of media) and keeps it under /mms/<type>/. False: no
 * memory. */
bool media_seal(struct mock *m, const char *info, const char *type, struct span plain,
                struct media_file *ret);
/* Removes a file. */
void media_drop(struct mock *m, const char *hash);
/* Answers POST, GET, DELETE /mms/<type>/<hash>. */
void media_http(struct mock *m, const struct http_request *q, struct http_response *r);

#endif
