/* sha1.h - SHA-1, which WhatsApp still uses for one hash: the digest of a client's keys. */
#ifndef MOCK_CORE_SHA1_H
#define MOCK_CORE_SHA1_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum { SHA1_BYTES = 20 };

/* False: OpenSSL offers no SHA-1; ret is untouched then. */
bool sha1(struct span in, uint8_t ret[static SHA1_BYTES]);

#endif
