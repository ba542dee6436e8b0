#include "tools/backup/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core_dumps.h"
#include "base/span.h"

static const char help[] =
    "Backups of a bridge's store: whatsapp.db and messages.db as one checked set.\n"
    "\n"
    "bridge-backup --store DIR COMMAND [OPTIONS]\n"
    "\n"
    "  create                 make a backup now, also while the bridge runs\n"
    "  list                   list the backups, newest first\n"
    "  verify [NAME|FILE]     check one set, a sealed file, or all sets\n"
    "  prune                  remove old backups (see --keep and --days)\n"
    "  restore NAME|FILE      put a backup back (`latest`: the newest good one); not while the "
    "bridge runs,\n"
    "                         but --dry-run may\n"
    "  seal NAME              encrypt a backup into NAME.sealed, for a place that is not yours\n"
    "  unseal FILE DIR        decrypt a sealed file into a new directory\n"
    "  keygen FILE            make a key pair: the secret key goes to FILE, the public one is "
    "printed\n"
    "\n"
    "  --store DIR            the bridge's --store (default ./store)\n"
    "  --db-path FILE, --whatsapp-db-path FILE, --backups DIR\n"
    "                         where they are not in the store\n"
    "  --json                 one JSON object on standard output\n"
    "  --dry-run              restore, prune: only say what would be done\n"
    "  --reason WORD          create: part of the name (default manual)\n"
    "  --keep N, --days N     prune: the newest N, and one a day for N days (default 5 and 7)\n"
    "  --messages WHEN        restore: messages.db if-needed (default: when it is missing or "
    "damaged),\n"
    "                         always or never\n"
    "  --only messages        restore: leave whatsapp.db alone\n"
    "  --phone NUMBER         restore: the number that the set must be of\n"
    "  --public-key-file F    seal: to this key\n"
    "  --secret-key-file F    verify, restore, unseal: of the key that it was sealed to\n"
    "  --passphrase-file F    seal and open with the first line of F instead\n"
    "  --core-dumps           for developers: core dumps and debuggers may see the keys (also\n"
    "                         " CORE_DUMPS_ENV "=true)\n"
    "  -h, --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the store or the backups are in use, 4 the "
    "backup is\n"
    "no good, 5 the backup is of another number.\n";

void options_help(void)
{
    fputs(help, stdout);
}

struct values {
    const char *store, *db_path, *whatsapp_db_path, *backups, *keep, *days;
};

static bool number(const char *name, const char *text, unsigned *ret)
{
    uint64_t v = *ret;

    if (text && (!span_to_u64(span_cstr(text), &v) || v > 100000)) {
        fprintf(stderr, "bridge-backup: %s: '%s' is not a number\n", name, text);
        return false;
    }
    *ret = (unsigned)v;
    return true;
}

static bool path(char out[STORE_PATH_MAX], const char *given, const char *dir, const char *name)
{
    int n = given ? snprintf(out, STORE_PATH_MAX, "%s", given)
                  : snprintf(out, STORE_PATH_MAX, "%s/%s", dir, name);

    return n > 0 && n < STORE_PATH_MAX;
}

static bool option(struct options *o, struct values *v, const char *name, const char *value,
                   bool *ret_took_value)
{
    const struct {
        const char *name;
        const char **value;
    } with_value[] = {
        {"--store", &v->store},
        {"--db-path", &v->db_path},
        {"--whatsapp-db-path", &v->whatsapp_db_path},
        {"--backups", &v->backups},
        {"--keep", &v->keep},
        {"--days", &v->days},
        {"--phone", &o->phone},
        {"--reason", &o->reason},
        {"--messages", &o->messages},
        {"--only", &o->only},
        {"--public-key-file", &o->public_key_file},
        {"--secret-key-file", &o->secret_key_file},
        {"--passphrase-file", &o->passphrase_file},
    };

    *ret_took_value = false;
    if (strcmp(name, "--json") == 0)
        return o->json = true;
    if (strcmp(name, "--dry-run") == 0)
        return o->dry_run = true;
    if (strcmp(name, "--core-dumps") == 0)
        return true; /* core_dumps_guard() has seen it */
    for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
        if (strcmp(name, with_value[i].name) != 0)
            continue;
        if (!value || !value[0]) { /* --store "" would mean the root directory */
            fprintf(stderr, "bridge-backup: %s: a value is missing\n", name);
            return false;
        }
        *with_value[i].value = value;
        return *ret_took_value = true;
    }
    fprintf(stderr, "bridge-backup: %s: unknown option; see --help\n", name);
    return false;
}

static bool word(struct options *o, const char *text)
{
    if (!text[0]) { /* a script's variable that is not set: `verify ""` would check all sets */
        fprintf(stderr, "bridge-backup: an argument is empty\n");
        return false;
    }
    if (!o->command)
        o->command = text;
    else if (!o->argument[0])
        o->argument[0] = text;
    else if (!o->argument[1])
        o->argument[1] = text;
    else {
        fprintf(stderr, "bridge-backup: %s: one argument too many\n", text);
        return false;
    }
    return true;
}

/* "+27 82 000 0001" -> digits, in place. */
static bool phone_digits(struct options *o)
{
    static char digits[32];
    size_t n = 0;

    for (const char *p = o->phone; p && *p; p++) {
        if (*p >= '0' && *p <= '9' && n + 1 < sizeof digits)
            digits[n++] = *p;
        else if (!strchr("+ -", *p)) {
            fprintf(stderr, "bridge-backup: --phone: '%s' is no phone number\n", o->phone);
            return false;
        }
    }
    digits[n] = 0;
    if (o->phone)
        o->phone = digits;
    return true;
}

bool options_read(int argc, char **argv, struct options *o)
{
    struct values v = {.store = "./store"};

    memset(o, 0, sizeof *o);
    o->keep = 5;
    o->days = 7;
    for (int i = 1; i < argc; i++) {
        bool took = false;

        if (strncmp(argv[i], "--", 2) != 0) {
            if (!word(o, argv[i]))
                return false;
            continue;
        }
        char *equals = strchr(argv[i], '=');
        if (equals)
            *equals = 0;
        if (!option(o, &v, argv[i], equals ? equals + 1 : argv[i + 1], &took))
            return false;
        if (took && !equals)
            i++;
    }
    if (!path(o->whatsapp_path, v.whatsapp_db_path, v.store, "whatsapp.db") ||
        !path(o->messages_path, v.db_path, v.store, "messages.db") ||
        !path(o->dir, v.backups, v.store, "backups")) {
        fprintf(stderr, "bridge-backup: --store: the path is too long\n");
        return false;
    }
    o->store = v.store;
    o->dir_given = v.backups != NULL;
    return number("--keep", v.keep, &o->keep) && number("--days", v.days, &o->days) &&
           phone_digits(o);
}
