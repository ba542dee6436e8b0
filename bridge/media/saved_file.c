#include "bridge/media/saved_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/core/context.h"
#include "store/messages/messages.h"
#include "store/session/lid_map.h"

enum { FORMS = 3 }; /* forms of a chat's JID: as asked for, and both identities of a person */

/* Is it one part of a path that cannot lead out of its directory? */
static bool is_name(const char *name)
{
    return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* Is it a plain file of this directory, and no link to one? */
static bool is_there(const char *store, const char *chat, const char *filename)
{
    int base = open(store, O_PATH | O_DIRECTORY | O_CLOEXEC), dir;
    struct stat st;
    bool found;

    if (base < 0)
        return false;
    dir = openat(base, chat, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    found =
        dir >= 0 && fstatat(dir, filename, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    if (dir >= 0)
        close(dir);
    close(base);
    return found;
}

/* NULL: not there, or no memory. */
static const char *find_in(const char *store, const struct jid *chat, const char *filename,
                           struct arena *a)
{
    struct buf path = buf_new(PATH_MAX + 2 * NAME_MAX);
    char name[JID_TEXT_MAX], *whole;
    const char *found = NULL;

    jid_text(chat, name);
    for (char *p = name; *p; p++)
        if (*p == ':')
            *p = '_';
    if (!is_name(name) || !is_there(store, name, filename))
        return NULL;
    whole = realpath(store, NULL);
    if (whole)
        buf_printf(&path, "%s/%s/%s", whole, name, filename);
    if (whole && buf_err(&path) == WB_OK)
        found = arena_cstr(a, buf_span(&path));
    free(whole);
    buf_free(&path);
    return found;
}

/* The directory of messages.db when the settings name a place for it; NULL: they do not. */
static const char *beside_messages(struct bridge *b, struct arena *a)
{
    const char *path = b->config->db_path, *slash = path ? strrchr(path, '/') : NULL;

    return slash && slash > path ? arena_cstr(a, SPAN(path, (size_t)(slash - path))) : NULL;
}

/* The chat's JID as asked for, as stored, and the person's other identity, under which the Go
 * bridge may have known the chat. */
static enum wb_err forms_of(struct bridge *b, const struct jid *asked, const struct jid *stored,
                            struct jid forms[static FORMS])
{
    enum wb_err err;

    forms[0] = *asked;
    forms[1] = *stored;
    forms[2] = *stored;
    err = store_other_form(b->store, stored, &forms[2]);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum cmd_result bridge_saved_file(struct bridge *b, struct span message_id, struct span chat,
                                  struct arena *a, struct saved_file *ret)
{
    struct store_message_row row;
    struct jid asked, forms[FORMS];
    const char *filename;
    enum wb_err err;

    if (jid_parse(chat, &asked) != WB_OK || !asked.user[0])
        return CMD_BAD_REQUEST;
    TRY(store_message_get(b->store, &asked, message_id, NULL, a, &row));
    TRY(forms_of(b, &asked, &row.chat, forms));
    filename = arena_cstr(a, row.filename);
    if (!filename)
        return CMD_INTERNAL;
    if (row.media_type.n == 0 || strlen(filename) != row.filename.n || !is_name(filename))
        return CMD_NOT_FOUND;
    for (size_t i = 0; i < 2 * FORMS; i++) {
        const char *store = i < FORMS ? b->config->store_dir : beside_messages(b, a);
        const char *path = store ? find_in(store, &forms[i % FORMS], filename, a) : NULL;

        if (path) {
            *ret = (struct saved_file){row.media_type, row.filename, path};
            return CMD_OK;
        }
    }
    return CMD_NOT_FOUND;
out:
    return err == WB_ERR_NOT_FOUND ? CMD_NOT_FOUND : CMD_INTERNAL;
}
