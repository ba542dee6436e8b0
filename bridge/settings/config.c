#include "bridge/settings/config.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/listen.h"
#include "base/plain_file.h"
#include "base/secret.h"
#include "bridge/settings/config_private.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 512 };

bool config_set(struct config *c, const struct setting *s, const char *value, const char *source,
                struct buf *problem)
{
    const char *why = "a value";

    if (s->set(c, s->offset, value, &why))
        return true;
    buf_printf(problem, "%s: '%.80s' is not %s\n", source, value, why);
    return false;
}

/* ---- all of them ---- */

static bool defaults(struct config *c, struct buf *problem)
{
    bool ok = true;

    *c = (struct config){0};
    for (size_t i = 0; i < config_nsettings; i++) {
        const struct setting *s = &config_settings[i];

        if (s->text && !config_put_text(c, s->offset, ""))
            return false;
        if (s->fallback[0])
            ok = config_set(c, s, s->fallback, s->option, problem) && ok;
    }
    return ok && config_put_text(c, offsetof(struct config, api_token), "") &&
           config_put_text(c, offsetof(struct config, media_dir), "") &&
           config_put_text(c, offsetof(struct config, backups_dir), "");
}

static bool under_store(struct config *c, size_t offset, const char *name)
{
    char path[PATH_BYTES_MAX + 32];

    if ((*(char **)(void *)((char *)c + offset))[0])
        return true;
    snprintf(path, sizeof path, "%s/%s", c->store_dir, name);
    return config_put_text(c, offset, path);
}

static bool read_token(struct config *c, struct buf *problem)
{
    char token[TOKEN_MAX + 2];
    FILE *f = NULL;
    size_t n;
    bool ok;

    if (!c->api_token_file[0])
        return true;
    if (plain_stream(c->api_token_file, O_RDONLY, 0, &f) == WB_OK)
        setvbuf(f, NULL, _IONBF, 0); /* stdio must keep no second copy of the token */
    n = f ? fread(token, 1, sizeof token - 1, f) : 0;
    if (f)
        fclose(f);
    while (n > 0 && isspace((unsigned char)token[n - 1]))
        n--;
    token[n] = '\0';
    ok = n >= TOKEN_MIN && n <= TOKEN_MAX && strlen(token) == n;
    for (size_t i = 0; ok && i < n; i++)
        ok = token[i] > ' ' && token[i] <= '~';
    if (ok)
        ok = config_put_text(c, offsetof(struct config, api_token), token);
    else
        buf_printf(problem,
                   "--api-token-file: '%s' must hold a token of %d to %d printable "
                   "characters without spaces\n",
                   c->api_token_file, TOKEN_MIN, TOKEN_MAX);
    secret_wipe(token, sizeof token);
    return ok;
}

/* Checks that need all settings together. */
static bool complete(struct config *c, struct buf *problem)
{
    bool ok = read_token(c, problem);

    ok = config_check_files(c, problem) && ok;
    if (jid_is_none(&c->phone)) {
        buf_append_cstr(problem, "--phone: the number this bridge is for is missing\n");
        ok = false;
    }
    if (!listen_address_is_loopback(c->bind) && !c->api_token_file[0]) {
        buf_printf(problem,
                   "--bind: '%s' is not known as loopback (use localhost, 127.0.0.1 or ::1): for "
                   "other addresses a token is required, set --api-token-file\n",
                   c->bind);
        ok = false;
    }
    if (c->backup_public_key[0] && c->backup_passphrase_file[0]) {
        buf_append_cstr(problem,
                        "--backup-public-key, --backup-passphrase-file: only one of them\n");
        ok = false;
    }
    return ok && under_store(c, offsetof(struct config, db_path), "messages.db") &&
           under_store(c, offsetof(struct config, whatsapp_db_path), "whatsapp.db") &&
           under_store(c, offsetof(struct config, media_dir), "media") &&
           under_store(c, offsetof(struct config, backups_dir), "backups");
}

static bool read_all(struct config *c, int argc, char *const *argv, char *const *envp,
                     struct buf *problem)
{
    const char *file = config_find_arg(argc, argv, "config");
    bool ok = true;

    if (!file)
        file = config_find_env(envp, "WHATSAPP_CONFIG");
    if (file && file[0])
        ok = config_read_yaml(c, file, problem);
    ok = config_read_env(c, envp, problem) && ok;
    ok = config_read_args(c, argc, argv, problem) && ok;
    return ok && complete(c, problem);
}

enum wb_err config_load(int argc, char *const *argv, char *const *envp, struct config *ret_config,
                        enum config_action *ret_action, struct buf *problem)
{
    struct config c;
    enum config_action action = CONFIG_RUN;

    if (!defaults(&c, problem)) {
        config_free(&c);
        return WB_ERR_NOMEM;
    }
    if (config_find_arg(argc, argv, "help"))
        action = CONFIG_HELP;
    else if (config_find_arg(argc, argv, "version"))
        action = CONFIG_VERSION;
    else if (!read_all(&c, argc, argv, envp, problem)) {
        config_free(&c);
        return WB_ERR_INVALID;
    }
    *ret_config = c;
    *ret_action = action;
    return WB_OK;
}

static void swap_bytes(void *a, void *b, size_t n)
{
    uint8_t *x = a;
    uint8_t *y = b;

    for (size_t i = 0; i < n; i++) {
        uint8_t t = x[i];

        x[i] = y[i];
        y[i] = t;
    }
}

static bool same(const struct config *a, const struct config *b, const struct setting *s)
{
    const char *x = (const char *)a + s->offset;
    const char *y = (const char *)b + s->offset;

    if (s->text)
        return strcmp(*(const char *const *)(const void *)x,
                      *(const char *const *)(const void *)y) == 0;
    return memcmp(x, y, s->size) == 0;
}

enum wb_err config_reload(struct config *c, int argc, char *const *argv, char *const *envp,
                          struct buf *notes, struct buf *problem)
{
    struct config fresh;
    enum config_action action;
    enum wb_err err = config_load(argc, argv, envp, &fresh, &action, problem);

    if (err != WB_OK)
        return err;
    for (size_t i = 0; i < config_nsettings; i++) {
        const struct setting *s = &config_settings[i];

        if (s->live)
            swap_bytes((char *)c + s->offset, (char *)&fresh + s->offset, s->size);
        else if (!same(c, &fresh, s))
            buf_printf(notes, "%s%s", notes->n ? ", " : "", s->option);
    }
    swap_bytes(&c->groups, &fresh.groups, sizeof c->groups);
    swap_bytes(&c->api_token, &fresh.api_token, sizeof c->api_token);
    config_free(&fresh);
    return WB_OK;
}

void config_free(struct config *c)
{
    for (size_t i = 0; i < config_nsettings; i++)
        if (config_settings[i].text)
            free(*(char **)(void *)((char *)c + config_settings[i].offset));
    if (c->api_token)
        secret_free_sized(c->api_token, strlen(c->api_token));
    free(c->media_dir);
    free(c->backups_dir);
    config_clear_groups(c);
    *c = (struct config){0};
}
