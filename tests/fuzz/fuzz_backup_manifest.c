/* manifest.json of a backup from an unknown place: a manifest that can be read is written and read
 * again as the same. */
#include <stdlib.h>
#include <string.h>

#include "store/backup/backup_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_manifest m = {0}, again = {0};
    struct buf text = buf_new(BACKUP_MANIFEST_MAX);

    if (backup_manifest_read(SPAN(data, size), &m) == WB_OK) {
        backup_manifest_write(&m, &text);
        if (buf_err(&text) != WB_OK || backup_manifest_read(buf_span(&text), &again) != WB_OK ||
            memcmp(&m.whatsapp.sha256, &again.whatsapp.sha256, SHA256_BYTES) != 0 ||
            m.messages.size != again.messages.size || strcmp(m.phone, again.phone) != 0)
            abort();
    }
    buf_free(&text);
    return 0;
}
