/* bridge-backup: makes, lists, checks, prunes and restores backups of a store by hand. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/core_dumps.h"
#include "base/secret.h"
#include "store/backup/backup_seal.h"
#include "store/core/guard.h"
#include "store/open/restore.h"
#include "tools/backup/look.h"
#include "tools/backup/options.h"

#define PROGRAM "bridge-backup " WB_VERSION

enum { SHOWN = 3 /* digits of a phone number at its end */ };

static int status_of(enum wb_err err)
{
    if (err == WB_OK)
        return EXIT_DONE;
    if (err == WB_ERR_LOCKED)
        return EXIT_LOCKED;
    if (err == WB_ERR_DB_CORRUPT || wb_err_class(err) == WB_CLASS_PEER)
        return EXIT_BAD_BACKUP;
    return EXIT_FAILED;
}

/* Takes ownership of j. */
static void print_json(json_t *j)
{
    if (j)
        json_dumpf(j, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(j);
}

/* what: the thing that failed; NULL where the text says it. */
static int fail(const struct options *o, const char *what, enum wb_err err, const char *text)
{
    const char *why = text && text[0] ? text : wb_err_text(err);

    if (o->json)
        print_json(
            json_pack("{s:b, s:s, s:s}", "success", 0, "error", wb_err_name(err), "message", why));
    fprintf(stderr, "bridge-backup: %s%s%s\n", what ? what : "", what ? ": " : "", why);
    return status_of(err);
}

static json_t *manifest_json(const char *name, const struct backup_manifest *m)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "name", name,
                     "created_at", (json_int_t)m->created_at, "reason", m->reason, "phone",
                     m->phone, "messages", (json_int_t)m->message_rows, "chats",
                     (json_int_t)m->chat_rows, "sessions", (json_int_t)m->sessions, "schema",
                     (json_int_t)m->schema, "bytes",
                     (json_int_t)m->whatsapp.size + (json_int_t)m->messages.size, "whatsapp_db",
                     m->whatsapp.present, "messages_db", m->messages.present);
}

static void print_line(const char *name, const struct backup_manifest *m)
{
    size_t n = strlen(m->phone);

    printf("%-42s %10.1f MB %9lld messages %5lld sessions  %s%s%s\n", name,
           (double)(m->whatsapp.size + m->messages.size) / 1e6, (long long)m->message_rows,
           (long long)m->sessions, n ? "+..." : "not paired",
           n > SHOWN ? m->phone + n - SHOWN : m->phone,
           m->messages.present ? "" : "  no messages.db");
}

/* Says which rights of others were taken away. */
static void say_tightened(enum wb_err err, const char *tightened)
{
    if (tightened[0] && err != WB_ERR_INVALID) /* with INVALID this text is the error itself */
        fprintf(stderr, "bridge-backup: %s\n", tightened);
}

static void say_shut_out(const char *messages_path)
{
    struct buf text = buf_new(4 * STORE_PATH_MAX);

    store_shut_out_text(messages_path, &text);
    fprintf(stderr, "bridge-backup: %s\n", buf_text(&text));
    buf_free(&text);
}

/* ---- create, list, verify, prune ---- */

static int create(const struct options *o)
{
    struct backup_result r;
    const struct backup_job job = {.whatsapp_path = o->whatsapp_path,
                                   .messages_path = o->messages_path,
                                   .dir = o->dir,
                                   .reason = o->reason ? o->reason : BACKUP_MANUAL,
                                   .program = PROGRAM,
                                   .clock = &clock_system,
                                   .gentle = true};
    char tightened[STORE_TIGHTENED_MAX] = "";
    const gid_t readers = guard_readers_group(o->messages_path);
    const bool readable = guard_others_read(o->messages_path);
    /* The modes are guarded here and not in store_backup_create(): when the bridge makes a backup
     * it has both files open. */
    enum wb_err err = access(o->whatsapp_path, F_OK) == 0
                          ? guard_whatsapp(o->whatsapp_path, o->messages_path, readers, tightened)
                          : WB_OK;

    if (err == WB_OK && access(o->messages_path, F_OK) == 0)
        err = guard_messages(o->messages_path, readers, tightened);
    if (err != WB_OK)
        return fail(o, "no backup was made", err, tightened);
    say_tightened(err, tightened);
    if (readable && readers == 0)
        say_shut_out(o->messages_path);
    err = store_backup_create(&job, &r);
    say_tightened(err, r.tightened);
    if (err != WB_OK)
        return fail(o, "no backup was made", err, r.text);
    if (o->json)
        print_json(manifest_json(r.name, &r.manifest));
    else
        print_line(r.name, &r.manifest);
    return EXIT_DONE;
}

static int list(const struct options *o)
{
    struct backup_entry *e = NULL;
    size_t n = 0;
    char why[512];
    const enum looked looked = look_for_backups(o, why);
    enum wb_err err = WB_OK;

    if (looked == LOOKED_WRONG)
        return fail(o, NULL, WB_ERR_NOT_FOUND, why);
    if (looked == LOOKED_THERE)
        err = store_backup_list(o->dir, &e, &n);
    if (err != WB_OK)
        return fail(o, o->dir, err, NULL);
    if (n == 0 && !o->json)
        puts(why);
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        if (o->json && e[i].err == WB_OK)
            json_array_append_new(all, manifest_json(e[i].name, &e[i].manifest));
        else if (o->json)
            json_array_append_new(
                all, json_pack("{s:s, s:s}", "name", e[i].name, "error", wb_err_name(e[i].err)));
        else if (e[i].err == WB_OK)
            print_line(e[i].name, &e[i].manifest);
        else
            printf("%-42s its manifest cannot be read: %s\n", e[i].name, wb_err_text(e[i].err));
    }
    if (o->json)
        print_json(json_pack("{s:o}", "backups", all));
    else
        json_decref(all);
    free(e);
    return EXIT_DONE;
}

/* Decrypts a sealed file into a temporary directory, which drop_unsealed() removes. */
static enum wb_err unsealed(const struct options *o, const char *file, char dir[STORE_PATH_MAX])
{
    const struct backup_seal_with with = {o->secret_key_file, o->passphrase_file};

    if (snprintf(dir, STORE_PATH_MAX, "%s.unsealed-%ld", file, (long)getpid()) >= STORE_PATH_MAX)
        return WB_ERR_INVALID;
    return store_backup_unseal(file, &with, dir);
}

static bool is_sealed(const char *name)
{
    size_t n = strlen(name), m = strlen(BACKUP_SEALED);

    return n > m && strcmp(name + n - m, BACKUP_SEALED) == 0;
}

static enum wb_err verify_one(const struct options *o, const char *name, struct backup_manifest *m,
                              char why[512])
{
    char dir[STORE_PATH_MAX];
    enum wb_err err;

    why[0] = 0;
    if (!is_sealed(name))
        return strchr(name, '/') ? store_backup_verify_at(name, m, why)
                                 : store_backup_verify(o->dir, name, m, why);
    TRY(unsealed(o, name, dir));
    err = store_backup_verify_at(dir, m, why);
    store_backup_remove_at(dir);
out:
    return err;
}

static enum wb_err say_verified(const struct options *o, const char *name, json_t *all)
{
    struct backup_manifest m;
    char why[512];
    enum wb_err err = verify_one(o, name, &m, why);
    const char *text = why[0] ? why : wb_err_text(err);

    if (o->json)
        json_array_append_new(all, json_pack("{s:s, s:b, s:s}", "name", name, "good", err == WB_OK,
                                             "message", err == WB_OK ? "" : text));
    else if (err == WB_OK)
        printf("%s: good\n", name);
    else /* a set that is not there is not called bad */
        printf("%s: %s%s\n", name, strcmp(text, BACKUP_NO_SUCH) == 0 ? "" : "NO GOOD: ", text);
    return err;
}

static int verify(const struct options *o)
{
    struct backup_entry *e = NULL;
    size_t n = 0;
    int status = EXIT_DONE;

    if (!o->argument[0]) {
        enum wb_err err = store_backup_list(o->dir, &e, &n);

        if (err != WB_OK)
            return fail(o, o->dir, err, NULL);
    }
    json_t *all = json_array();
    for (size_t i = 0; i < (o->argument[0] ? 1 : n); i++) {
        int one = status_of(say_verified(o, o->argument[0] ? o->argument[0] : e[i].name, all));

        /* A bad set is worse than one that cannot be read. */
        status = one > status ? one : status;
    }
    free(e);
    if (o->json)
        print_json(json_pack("{s:o}", "verified", all));
    else
        json_decref(all);
    return status;
}

struct pruned {
    const struct options *o;
    json_t *names;
};

static void say_pruned(void *ctx, const char *name)
{
    struct pruned *p = ctx;

    json_array_append_new(p->names, json_string(name));
    if (!p->o->json)
        printf("%s %s\n", p->o->dry_run ? "would remove" : "removed", name);
}

static enum wb_err say_none_removed(const struct options *o)
{
    struct backup_entry *e = NULL;
    size_t n = 0;
    const enum wb_err err = store_backup_list(o->dir, &e, &n);

    if (err == WB_OK)
        printf("nothing to remove: %zu backup%s kept\n", n, n == 1 ? " is" : "s are");
    free(e);
    return err;
}

static int prune(const struct options *o)
{
    struct pruned p = {o, json_array()};
    char tightened[STORE_TIGHTENED_MAX] = "", why[512];
    const struct backup_keep keep = {o->keep, o->days};
    const enum looked looked = look_for_backups(o, why);
    enum wb_err err = looked == LOOKED_WRONG ? WB_ERR_NOT_FOUND : WB_OK;

    if (looked == LOOKED_THERE)
        err = store_backup_prune(o->dir, &keep, &clock_system, NULL, o->dry_run, say_pruned, &p,
                                 tightened);
    else if (looked == LOOKED_NONE && !o->json)
        puts(why);
    if (looked == LOOKED_THERE && err == WB_OK && !o->json && json_array_size(p.names) == 0)
        err = say_none_removed(o);
    say_tightened(err, tightened);
    if (err == WB_OK && o->json)
        print_json(json_pack("{s:b, s:O}", "dry_run", o->dry_run, "removed", p.names));
    json_decref(p.names);
    return err == WB_OK ? EXIT_DONE
                        : fail(o, "prune", err, looked == LOOKED_WRONG ? why : tightened);
}

/* ---- restore ---- */

static const char *why_messages_stay(const struct options *o, const struct restore_result *r)
{
    if (o->messages && strcmp(o->messages, "never") == 0)
        return "left as it is: --messages never";
    return r->manifest.messages.present
               ? "left as it is: it is good, and may know more than the backup (--messages always "
                 "replaces it)"
               : "left as it is: the backup has none";
}

static void print_restored(const struct options *o, const char *name,
                           const struct restore_result *r)
{
    const char *did = o->dry_run ? "would be" : "was";

    if (o->json) {
        print_json(json_pack(
            "{s:b, s:b, s:s, s:o, s:b, s:b, s:s, s:s, s:s, s:I, s:I, s:I}", "success", 1, "dry_run",
            o->dry_run, "in_use", r->in_use, "backup", manifest_json(name, &r->manifest),
            "whatsapp_db", r->whatsapp, "messages_db", r->messages, "whatsapp_aside",
            r->whatsapp_aside, "messages_aside", r->messages_aside, "backup_before", r->before,
            "sessions_receive_only", (json_int_t)r->counts.sessions, "sender_keys_removed",
            (json_int_t)r->counts.sender_keys, "sends_unknown", (json_int_t)r->counts.sends));
        return;
    }
    print_line(name, &r->manifest);
    printf("whatsapp.db %s %s\n", did, r->whatsapp ? "restored" : "left as it is: --only messages");
    printf("messages.db %s %s\n", did, r->messages ? "restored" : why_messages_stay(o, r));
    if (r->before[0])
        printf("what was there before is in the backup %s\n", r->before);
    if (r->whatsapp_aside[0])
        printf("and in %s\n", r->whatsapp_aside);
    if (r->messages_aside[0])
        printf("and in %s\n", r->messages_aside);
    if (o->dry_run)
        printf("This was a rehearsal: nothing was changed.\n");
    if (r->in_use[0])
        printf("Before the real restore stop the bridge: %s.\n", r->in_use);
    if (!o->dry_run && r->whatsapp)
        printf("Sessions: %zu, each set up anew with the next message to that device. "
               "Group keys: %zu, made anew. "
               "Sends whose outcome is not known: %zu (restored_unknown)\n",
               r->counts.sessions, r->counts.sender_keys, r->counts.sends);
}

static bool restore_choices(const struct options *o, struct restore_job *job)
{
    if (!o->messages || strcmp(o->messages, "if-needed") == 0)
        job->messages = RESTORE_MESSAGES_IF_NEEDED;
    else if (strcmp(o->messages, "always") == 0)
        job->messages = RESTORE_MESSAGES_ALWAYS;
    else if (strcmp(o->messages, "never") == 0)
        job->messages = RESTORE_MESSAGES_NEVER;
    else {
        fprintf(stderr, "bridge-backup: --messages: if-needed, always or never\n");
        return false;
    }
    if (o->only && strcmp(o->only, "messages") != 0) {
        fprintf(stderr, "bridge-backup: --only: only `messages` is possible\n");
        return false;
    }
    job->keep_whatsapp = o->only != NULL;
    return true;
}

/* Turns a name, a path, a sealed file or "latest" into a set that store_restore() takes. */
static enum wb_err find_set(const struct options *o, char set[STORE_PATH_MAX], char name[256],
                            bool *ret_unsealed, char why[512])
{
    struct backup_manifest m;
    char newest[BACKUP_NAME_MAX + 1];
    enum wb_err err = WB_OK;
    const char *given = o->argument[0];

    *ret_unsealed = false;
    if (strcmp(given, "latest") == 0) {
        TRY(store_backup_newest_good(o->dir, o->phone,
                                     o->only ? STORE_FILE_MESSAGES : STORE_FILE_WHATSAPP, newest,
                                     &m, why));
        given = newest;
    }
    const char *base = strrchr(given, '/');
    snprintf(name, 256, "%s", base && base[1] ? base + 1 : given);
    if (is_sealed(given)) {
        TRY(unsealed(o, given, set));
        *ret_unsealed = true;
    } else if (snprintf(set, STORE_PATH_MAX, "%s", given) >= STORE_PATH_MAX) {
        err = WB_ERR_INVALID;
    }
out:
    return err;
}

static int restore(const struct options *o)
{
    char set[STORE_PATH_MAX], name[256], why[512] = "";
    struct restore_result *r = calloc(1, sizeof *r);
    struct restore_job job = {.whatsapp_path = o->whatsapp_path,
                              .messages_path = o->messages_path,
                              .dir = o->dir,
                              .set = set,
                              .phone_user = o->phone,
                              .dry_run = o->dry_run,
                              .command = "bridge-backup restore",
                              .program = PROGRAM,
                              .clock = &clock_system,
                              .rng = &rng_system};
    bool was_sealed = false;
    int status = EXIT_FAILED;

    if (!r || !restore_choices(o, &job)) {
        free(r);
        return EXIT_USAGE;
    }
    job.readers_group = guard_readers_group(o->messages_path); /* readers keep their rights */
    enum wb_err err = find_set(o, set, name, &was_sealed, why);
    if (err != WB_OK) {
        status = fail(o, o->argument[0], err, why);
    } else {
        err = store_restore(&job, r);
        say_tightened(err, r->tightened);
        if (err == WB_OK)
            print_restored(o, name, r);
        status = err == WB_OK ? EXIT_DONE : fail(o, name, err, r->text);
        if (err == WB_ERR_EXISTS)
            status = EXIT_WRONG_NUMBER;
    }
    if (was_sealed)
        store_backup_remove_at(set);
    free(r);
    return status;
}

/* ---- sealed files ---- */

static int seal(const struct options *o)
{
    char path[STORE_PATH_MAX];
    const struct backup_seal_to to = {o->public_key_file, o->passphrase_file};
    enum wb_err err = store_backup_seal(o->dir, o->argument[0], &to, path);

    if (err == WB_ERR_INVALID && to.passphrase_file) {
        fail(o, to.passphrase_file, err,
             "its first line is no passphrase of 12 characters or more");
        return EXIT_USAGE;
    }
    if (err != WB_OK)
        return fail(o, o->argument[0], err, NULL);
    if (o->json)
        print_json(json_pack("{s:s}", "path", path));
    else
        puts(path);
    return EXIT_DONE;
}

static const char *taken(const char *path, const char *kind, char text[STORE_PATH_MAX + 100])
{
    snprintf(text, STORE_PATH_MAX + 100,
             "%s is there already and is not overwritten: name another %s", path, kind);
    return text;
}

static int unseal(const struct options *o)
{
    const struct backup_seal_with with = {o->secret_key_file, o->passphrase_file};
    char text[STORE_PATH_MAX + 100];
    enum wb_err err = store_backup_unseal(o->argument[0], &with, o->argument[1]);

    if (err == WB_ERR_EXISTS)
        return fail(o, NULL, err, taken(o->argument[1], "directory", text));
    return err == WB_OK ? EXIT_DONE : fail(o, o->argument[0], err, NULL);
}

static int keygen(const struct options *o)
{
    char pub[2 * X25519_KEY_BYTES + 1], text[STORE_PATH_MAX + 100];
    enum wb_err err = store_backup_keygen(o->argument[0], &rng_system, pub);

    if (err == WB_ERR_EXISTS)
        return fail(o, NULL, err, taken(o->argument[0], "file", text));
    if (err != WB_OK)
        return fail(o, o->argument[0], err, NULL);
    puts(pub);
    return EXIT_DONE;
}

enum first { /* what a command's first argument is */
             FIRST_NONE,
             FIRST_SET,  /* a backup by its name, a path with a '/', or a sealed file */
             FIRST_FILE, /* an existing file */
             FIRST_NEW,  /* a file to be made */
};

static const struct command {
    const char *name;
    int (*run)(const struct options *o);
    enum first first;
    unsigned arguments; /* at most */
    bool opens;         /* its first argument may be a sealed file, which it decrypts */
    const char *wants;  /* what to do where an argument is missing; NULL: none is needed */
} commands[] = {
    {"create", create, FIRST_NONE, 0, false, NULL},
    {"list", list, FIRST_NONE, 0, false, NULL},
    {"verify", verify, FIRST_SET, 1, true, NULL},
    {"prune", prune, FIRST_NONE, 0, false, NULL},
    {"restore", restore, FIRST_SET, 1, true, "name a backup (see list), 'latest', or a file"},
    {"seal", seal, FIRST_SET, 1, false, "name a backup (see list)"},
    {"unseal", unseal, FIRST_FILE, 2, true, "name a sealed file and a new directory"},
    {"keygen", keygen, FIRST_NEW, 1, false, "name a new file for the secret key"},
};

/* Do the command's paths lead to what it needs? false: *ret_status is its exit status. */
static bool look_first(const struct options *o, const struct command *c, int *ret_status)
{
    const char *given = o->argument[0];
    const char *files[] = {o->public_key_file, o->secret_key_file, o->passphrase_file};
    bool ok = true;
    char why[512];

    for (size_t i = 0; ok && i < sizeof files / sizeof files[0]; i++)
        ok = !files[i] || look_at_file(files[i], why);
    if (ok && c->first == FIRST_NEW)
        ok = look_for_place(given, why);
    else if (ok && (c->first == FIRST_FILE || (c->first == FIRST_SET && given && is_sealed(given))))
        ok = look_at_file(given, why);
    else if (ok && c->first == FIRST_SET && !(given && strchr(given, '/')))
        ok = look_for_backups(o, why) == LOOKED_THERE;
    if (ok && o->argument[1])
        ok = look_for_place(o->argument[1], why);
    if (!ok)
        *ret_status = fail(o, NULL, WB_ERR_NOT_FOUND, why);
    return ok;
}

/* false: the arguments are wrong, and standard error says how. */
static bool rightly_used(const struct options *o, const struct command *c)
{
    const char *surplus = c->arguments < 2 ? o->argument[c->arguments] : NULL;

    if (c->wants && !(o->argument[0] && (c->run != unseal || o->argument[1]))) {
        fprintf(stderr, "bridge-backup: %s: %s\n", o->command, c->wants);
        return false;
    }
    if (surplus) {
        fprintf(stderr, "bridge-backup: %s: one argument too many\n", surplus);
        return false;
    }
    if (c->opens && o->argument[0] && is_sealed(o->argument[0]) &&
        !o->secret_key_file == !o->passphrase_file) {
        fprintf(stderr, "bridge-backup: %s: is sealed: give %s\n", o->argument[0],
                o->secret_key_file ? "only one of --secret-key-file and --passphrase-file"
                                   : "--secret-key-file or --passphrase-file");
        return false;
    }
    if (c->run == seal && !o->public_key_file == !o->passphrase_file) {
        fprintf(stderr, "bridge-backup: seal: give %s\n",
                o->public_key_file ? "only one of --public-key-file and --passphrase-file"
                                   : "--public-key-file or --passphrase-file");
        return false;
    }
    return c->run != restore || restore_choices(o, &(struct restore_job){0});
}

int main(int argc, char **argv)
{
    struct options o;

    core_dumps_guard(argc, argv);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options_help();
            return EXIT_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts(PROGRAM);
            return EXIT_DONE;
        }
    }
    if (!options_read(argc, argv, &o))
        return EXIT_USAGE;
    umask(077);
    if (secret_init() != WB_OK) {
        fprintf(stderr, "bridge-backup: no randomness\n");
        return EXIT_FAILED;
    }
    for (size_t i = 0; o.command && i < sizeof commands / sizeof commands[0]; i++) {
        int status = EXIT_USAGE;

        if (strcmp(commands[i].name, o.command) != 0)
            continue;
        if (rightly_used(&o, &commands[i]) && look_first(&o, &commands[i], &status))
            status = commands[i].run(&o);
        return status;
    }
    fprintf(stderr, "bridge-backup: a command is missing or unknown; see --help\n");
    return EXIT_USAGE;
}
