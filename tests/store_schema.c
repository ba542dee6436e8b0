/* store_schema - makes the two databases as the bridge makes them, empty, in the directory that is
 * named: tests/check_sql.py asks SQLite there how it would run each statement of the product. */
#include <stdio.h>

#include "base/clock.h"
#include "store/open/open.h"

int main(int argc, char **argv)
{
    char whatsapp[4096], messages[4096];
    struct store_config config = {.whatsapp_path = whatsapp,
                                  .messages_path = messages,
                                  .command = "store_schema",
                                  .clock = &clock_system};
    struct store_open_info info;
    struct store *s = NULL;

    if (argc != 2) {
        fprintf(stderr, "usage: store_schema DIRECTORY\n");
        return 2;
    }
    snprintf(whatsapp, sizeof whatsapp, "%s/whatsapp.db", argv[1]);
    snprintf(messages, sizeof messages, "%s/messages.db", argv[1]);
    if (store_open(&config, &s, &info) != WB_OK || store_close(s) != WB_OK) {
        fprintf(stderr, "store_schema: %s\n", info.text);
        return 1;
    }
    return 0;
}
