/* The text about a damaged store that people see, and the commands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/core/store_trouble.h"

static void commands_work_with_paths_that_have_a_space(void **state)
{
    char store[] = "/srv/My Files/store", whatsapp[] = "/srv/My Files/wa.db",
         messages[] = "/srv/My Files/store/messages.db";
    struct config c = {.store_dir = store, .whatsapp_db_path = whatsapp, .db_path = messages};
    const struct store_open_info info = {.file = STORE_FILE_WHATSAPP, .text = "malformed"};
    struct buf out = buf_new(16384);

    (void)state;
    store_trouble_text(&c, WB_ERR_DB_CORRUPT, &info, &out);
    assert_int_equal(buf_err(&out), WB_OK);
    assert_non_null(strstr(buf_cstr(&out), "\n  bridge-backup --store '/srv/My Files/store' "
                                           "--whatsapp-db-path '/srv/My Files/wa.db' list\n"));
    assert_non_null(
        strstr(buf_cstr(&out), "\n  mv '/srv/My Files/wa.db' '/srv/My Files/wa.db.damaged'\n"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_work_with_paths_that_have_a_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
