/* backup_fixture.c - see backup_fixture.h. */
#include "tests/unit/store/backup_fixture.h"

const char *file_of(struct paths *p, const char *name, const char *file)
{
    snprintf(p->file, sizeof p->file, "%s/%s/%s", p->dir, name, file);
    return p->file;
}

struct backup_job backup_job_for(struct fixture *f, struct paths *p, const char *reason)
{
    snprintf(p->dir, sizeof p->dir, "%s/backups", f->dir);
    return (struct backup_job){.whatsapp_path = f->wa,
                               .messages_path = f->msg,
                               .dir = p->dir,
                               .reason = reason,
                               .program = "test 1.0",
                               .clock = &fixture_clock};
}

struct backup_result made(struct fixture *f, struct paths *p, const char *reason)
{
    struct backup_job job = backup_job_for(f, p, reason);
    struct backup_result r;
    enum wb_err err = store_backup_create(&job, &r);

    if (err != WB_OK)
        print_error("backup: %s: %s\n", wb_err_name(err), r.text);
    OK(err);
    return r;
}

void damage(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputs("damaged here", file);
    assert_int_equal(fclose(file), 0);
}
