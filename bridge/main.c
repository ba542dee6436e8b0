/* The composition root: the one file that sees every folder. Settings, store, log, loop, bridge,
 * API; then the loop until somebody asks us to stop. Exit statuses are those of config_help(). */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/http/limits.h"
#include "base/core_dumps.h"
#include "base/fd_limit.h"
#include "base/secret.h"
#include "bridge/bridge.h"
#include "bridge/calls/health.h"
#include "bridge/core/store_trouble.h"
#include "bridge/platform/fd_budget.h"
#include "bridge/platform/http_client.h"
#include "bridge/platform/machine.h"
#include "bridge/platform/sdnotify.h"
#include "store/backup/backup_seal.h"
#include "store/core/batch.h"
#include "store/core/guard.h"
#include "store/messages/messages.h"
#include "store/open/open.h"
#include "store/open/recover.h"
#include "store/session/account.h"
#include "store/session/owner.h"

_Static_assert((int)FD_BUDGET_API_MAX == (int)API_CONNECTIONS_MAX,
               "descriptors are set aside for as many connections as the API takes");

enum exit_status {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* the machine: no memory, no sockets */
    EXIT_USAGE = 2,
    EXIT_LOCKED = 3,
    EXIT_DAMAGED = 4,
    EXIT_WRONG_NUMBER = 5,
};

enum {
    PROBLEM_MAX = 64 * 1024,
    COMMAND_MAX = 256,
    ANSWERS_MS = 300,          /* at the end, for callers that read slowly */
    CHECK_MS = 30 * 60 * 1000, /* for reading through and restoring the largest files */
    REOPEN_S = 3,
};

struct program {
    int argc;
    char **argv, **envp;
    struct config config;
    struct log log;
    struct store *store;
    struct store_recovery recovery;
    struct store_open_info opened;
    struct loop *loop;
    struct bridge *bridge;
    struct api *api;
    struct sdnotify systemd;
    size_t api_connections_max, api_descriptors_below; /* fd_budget.h */
    bool log_open, stopping;
    bool on_terminal; /* started on one, and not to outlive it */
    /* Why the run before this one ended: its files could be used no longer. */
    char mishap[600];
    bool again, damaged; /* again: one more run begins; damaged: because a file was found damaged */
    bool reopening;      /* the new run has not opened its files yet */
};

/* ---- the store ---- */

static int open_failed(const struct program *p, enum wb_err err, const struct store_open_info *i)
{
    struct buf text = buf_new(PROBLEM_MAX);

    store_trouble_text(&p->config, err, i, &text);
    fprintf(stderr, "whatsapp-bridge: %s", buf_text(&text));
    buf_free(&text);
    if (err == WB_ERR_LOCKED)
        return EXIT_LOCKED;
    if (err == WB_ERR_DB_CORRUPT)
        return EXIT_DAMAGED;
    if (err == WB_ERR_OTHER_NUMBER)
        return EXIT_WRONG_NUMBER;
    /* A bridge that was running waits until somebody has removed what is in the file's place. */
    if (err == WB_ERR_NOT_PLAIN)
        return p->reopening ? EXIT_FAILED : EXIT_USAGE;
    return err == WB_ERR_INVALID || err == WB_ERR_DB_SCHEMA ? EXIT_USAGE : EXIT_FAILED;
}

static void command_line(const struct program *p, char out[static COMMAND_MAX])
{
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < p->argc && at + 1 < COMMAND_MAX; i++) {
        int n = snprintf(out + at, COMMAND_MAX - at, "%s%s", i ? " " : "", p->argv[i]);

        at += n > 0 ? (size_t)n : 0;
    }
}

/* Is there a signal to stop that the loop has not read yet? The loop may be waiting for another
 * program's lock. */
static bool stop_is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

static int open_store(struct program *p)
{
    char command[COMMAND_MAX];
    struct store_config sc = {
        .whatsapp_path = p->config.whatsapp_db_path,
        .messages_path = p->config.db_path,
        .phone_user = p->config.phone.user[0] ? p->config.phone.user : NULL,
        .command = command,
        .time_format = p->config.timestamp_format == TIMESTAMP_INTEGER ? STORE_TIME_INTEGER
                       : p->config.timestamp_format == TIMESTAMP_TEXT  ? STORE_TIME_TEXT
                                                                       : STORE_TIME_AUTO,
        .clock = &clock_system,
        .backups_dir = p->config.backups_dir,
        .program = "whatsapp-bridge " WB_VERSION,
        .thorough = p->mishap[0] != 0,
        .hurried = stop_is_pending,
    };
    const struct group *g = p->config.readers_group[0] ? getgrnam(p->config.readers_group) : NULL;
    enum wb_err err;

    command_line(p, command);
    sc.readers_group = g ? g->gr_gid : 0;
    sdnotify_busy(&p->systemd, "checking the databases", CHECK_MS);
    err = store_open_recovering(&sc, p->config.phone.user, &rng_system, &p->store, &p->opened,
                                &p->recovery);
    if (p->recovery.text[0])
        fprintf(stderr, "whatsapp-bridge: %s\n", p->recovery.text);
    return err == WB_OK ? EXIT_OK : open_failed(p, err, &p->opened);
}

/* A messages.db of another number is refused (one store per number), as store_open() refuses
 * another number's session. The number is noted in messages.db only once a phone is linked: until
 * then --phone may be a slip. */
static int check_messages(const struct program *p)
{
    char other[JID_USER_MAX + 1];
    size_t devices;
    enum wb_err err = store_account_list(p->store, NULL, 0, &devices);

    if (err == WB_OK)
        err = store_messages_owner(p->store, p->config.phone.user, other);
    if (err == WB_OK && devices == 0) {
        store_rollback(p->store);
        return EXIT_OK;
    }
    if (err == WB_OK)
        err = store_chats_rekey_known(p->store, NULL);
    if (err == WB_OK)
        err = store_commit(p->store);
    if (err == WB_ERR_EXISTS) {
        fprintf(stderr, "whatsapp-bridge: %s belongs to +%s, not to +%s; use another --store\n",
                p->config.db_path, other, p->config.phone.user);
        return EXIT_WRONG_NUMBER;
    }
    /* A note that the disk does not take now is tried again at the next start. */
    if (err != WB_OK)
        store_rollback(p->store);
    return EXIT_OK;
}

/* Checked here, because store_open() would report it as an error of whatsapp.db, which may be
 * sound. */
static int check_backups_dir(const struct program *p)
{
    struct stat st;

    if (stat(p->config.backups_dir, &st) != 0 || S_ISDIR(st.st_mode))
        return EXIT_OK;
    fprintf(stderr,
            "whatsapp-bridge: %s is not a directory, and backups go there: move it away, or use "
            "another --store\n",
            p->config.backups_dir);
    return EXIT_FAILED;
}

static void log_opened(struct program *p)
{
    const struct store_open_info *i = &p->opened;
    struct buf shut_out = buf_new(PROBLEM_MAX);

    /* An operator who mistyped --store learns of it before a second device is linked. */
    if (i->created_whatsapp)
        log_info(&p->log, "store", "%s is new: this number has to be linked",
                 p->config.whatsapp_db_path);
    if (i->tightened[0])
        log_warn(&p->log, "store", "%s", i->tightened);
    if (i->readers_shut_out) {
        store_shut_out_text(p->config.db_path, &shut_out);
        log_warn(&p->log, "store", "%s", buf_text(&shut_out));
    }
    if (i->readers_kept_out[0])
        log_warn(&p->log, "store", "readers_group: %s", i->readers_kept_out);
    if (i->taken_over)
        log_info(&p->log, "main",
                 "the databases were brought up to date (schema version %d before); as they were: "
                 "%s/%s",
                 i->schema, p->config.backups_dir, i->backup);
    else if (i->used_without_us)
        log_info(&p->log, "main", "another program used this session since our last run");
    buf_free(&shut_out);
}

/* ---- while running ---- */

/* One line of the log for each wrong setting. */
static void log_problems(struct program *p, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (n)
            log_error(&p->log, "main", "the settings were not read again: %.*s", (int)n, text);
        text += n + (text[n] != '\0');
    }
}

/* Warns of a secret's file that other users of this machine can read or change. */
static void warn_of_file(struct program *p, const char *setting, const char *path)
{
    struct stat st;

    if (path[0] && stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        log_warn(&p->log, "main",
                 "%s: '%s' can be read or changed by other users (mode %04o): chmod 600 it",
                 setting, path, (unsigned)st.st_mode & 07777);
}

static void warn_of_settings(struct program *p)
{
    if (p->config.core_dumps)
        log_warn(&p->log, "main",
                 "core_dumps is on: core dumps and debuggers may see the keys of this session");
    warn_of_file(p, "api_token_file", p->config.api_token_file);
    warn_of_file(p, "backup_passphrase_file", p->config.backup_passphrase_file);
}

static void reload(struct program *p)
{
    struct buf notes = buf_new(PROBLEM_MAX);
    struct buf problem = buf_new(PROBLEM_MAX);

    sdnotify_reloading(&p->systemd, clock_mono_ms(&clock_system) * 1000);
    if (log_reopen(&p->log) != WB_OK)
        log_error(&p->log, "main", "the log file could not be opened again; the old one is used");
    if (config_reload(&p->config, p->argc, p->argv, p->envp, &notes, &problem) != WB_OK) {
        log_problems(p, buf_cstr(&problem));
    } else {
        bridge_settings_changed(p->bridge);
        warn_of_settings(p);
        log_info(&p->log, "main", "settings read again%s%s",
                 notes.n ? "; a restart is needed for: " : "", buf_text(&notes));
    }
    buf_free(&notes);
    buf_free(&problem);
    sdnotify_ready(&p->systemd);
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* Should the bridge end with its terminal? Not when it was started with nohup, which ignores
 * SIGHUP. */
static bool ends_with_terminal(void)
{
    struct sigaction old;

    return has_terminal() && sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN;
}

static const char *stop_word(int signal_number)
{
    return signal_number == SIGTERM  ? "SIGTERM"
           : signal_number == SIGINT ? "SIGINT"
                                     : "SIGHUP: the terminal that it was started on is closed";
}

/* SIGHUP asks to read the settings again; but a closed terminal window sends it, too, and a bridge
 * that nobody sees any more would keep the session from the next one. */
static void on_signal(void *ctx, int signal_number)
{
    struct program *p = ctx;

    if (signal_number == SIGHUP && !(p->on_terminal && !has_terminal())) {
        reload(p);
        return;
    }
    if (p->stopping)
        return;
    p->stopping = true;
    log_info(&p->log, "main", "%s", stop_word(signal_number));
    sdnotify_stopping(&p->systemd);
    bridge_finish(p->bridge);
}

static void on_state(void *ctx, const struct bridge_event *e)
{
    struct program *p = ctx;
    struct arena a = arena_new(1 << 20);
    struct health h;

    (void)e;
    if (bridge_health(p->bridge, &a, &h) == WB_OK)
        sdnotify_status(&p->systemd, health_status_word(h.status));
    arena_free(&a);
}

static bool repaired(const struct program *p)
{
    return p->recovery.messages || p->recovery.whatsapp || p->recovery.new_messages ||
           p->recovery.indexes;
}

/* Tells systemd, so that it does not kill the bridge in the middle of a rescue. */
static void on_stall(void *ctx, const struct bridge_event *e)
{
    struct program *p = ctx;

    (void)e;
    sdnotify_busy(&p->systemd, "rescuing the databases", CHECK_MS);
}

/* ---- putting it together ---- */

static enum wb_err compose(struct program *p, struct buf *problem)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    enum wb_err err;

    TRY(loop_new(&clock_system, &p->loop));
    p->systemd.timers = loop_timers(p->loop);
    TRY(loop_watch_signals(p->loop, signals, sizeof signals / sizeof signals[0], on_signal, p));
    TRY(bridge_new(&(struct bridge_deps){.config = &p->config,
                                         .log = &p->log,
                                         .clock = &clock_system,
                                         .rng = &rng_system,
                                         .loop = p->loop,
                                         .machine = &machine_system,
                                         .store = p->store,
                                         .repaired = p->recovery.text,
                                         .checked = p->damaged && !repaired(p)},
                   &p->bridge));
    TRY(events_on(&p->bridge->events, BRIDGE_EV_STATE, on_state, p));
    TRY(events_on(&p->bridge->events, BRIDGE_EV_STALL, on_stall, p));
    TRY(api_start(&(struct api_deps){.bridge = p->bridge,
                                     .loop = p->loop,
                                     .config = &p->config,
                                     .log = &p->log,
                                     .connections_max = p->api_connections_max,
                                     .descriptors_below = p->api_descriptors_below},
                  &p->api, problem));
out:
    return err;
}

/* The run that has just ended is followed by another one. */
static void begin_anew(struct program *p, const char *why, bool damaged)
{
    snprintf(p->mishap, sizeof p->mishap, "%s", why);
    p->again = p->reopening = true;
    p->damaged = damaged;
    p->config.port = api_port(p->api); /* the same again, even if it was "any free one" */
}

/* Gives the last answers time to be written. */
static void write_answers(struct program *p)
{
    int64_t until = clock_mono_ms(&clock_system) + ANSWERS_MS;

    while (api_answers_left(p->api) && clock_mono_ms(&clock_system) < until &&
           loop_step(p->loop, ANSWERS_MS) == WB_OK)
        ;
}

static int run(struct program *p)
{
    struct buf problem = buf_new(PROBLEM_MAX);
    enum wb_err err = compose(p, &problem);
    const char *why;
    bool damaged;
    int status = EXIT_OK;

    if (err != WB_OK) {
        fprintf(stderr, "whatsapp-bridge: %s%s%s\n", wb_err_text(err), problem.n ? ": " : "",
                buf_text(&problem));
        status = err == WB_ERR_NET ? EXIT_USAGE : EXIT_FAILED;
    } else {
        log_info(&p->log, "main", "whatsapp-bridge " WB_VERSION ", API on %s port %u",
                 api_where(p->api), api_port(p->api));
        if (api_missing(p->api)[0])
            log_info(&p->log, "main",
                     "the API does not listen on %s: this machine does not have it",
                     api_missing(p->api));
        p->bridge->api_port = api_port(p->api);
        sdnotify_ready(&p->systemd);
        bridge_start(p->bridge);
        err = loop_run(p->loop);
        if (err != WB_OK) {
            log_error(&p->log, "main", "the event loop failed: %s", wb_err_text(err));
            status = EXIT_FAILED;
        }
        write_answers(p);
        why = bridge_begin_anew(p->bridge, &damaged);
        if (why && !p->stopping)
            begin_anew(p, why, damaged);
    }
    buf_free(&problem);
    return status;
}

static void clean_up(struct program *p, int status)
{
    api_stop(p->api);
    if (p->loop)
        sdnotify_stop(&p->systemd);
    bridge_free(p->bridge);
    loop_free(p->loop);
    if (p->store && store_close(p->store) != WB_OK && p->log_open)
        log_warn(&p->log, "main", "the store was not closed cleanly");
    if (p->log_open) {
        log_info(&p->log, "main", "ended with status %d", status);
        log_close(&p->log);
    }
    p->api = NULL;
    p->bridge = NULL;
    p->loop = NULL;
    p->store = NULL;
    p->log_open = false;
}

/* Adds why the run before ended to the text of repairs, which /health shows. */
static void add_mishap(struct program *p)
{
    char *text = p->recovery.text;
    size_t n = strlen(text);

    if (p->mishap[0])
        snprintf(text + n, sizeof p->recovery.text - n, "%s%s", n ? "; " : "", p->mishap);
}

/* Nothing is opened or written before the settings are known to be good. */
static int start(struct program *p)
{
    enum wb_err err;
    int status;

    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (secret_init() != WB_OK) {
        fprintf(stderr, "whatsapp-bridge: no randomness\n");
        return EXIT_FAILED;
    }
    sdnotify_init(&p->systemd, NULL);
    status = check_backups_dir(p);
    if (status == EXIT_OK)
        status = open_store(p);
    if (status == EXIT_OK)
        status = check_messages(p);
    if (status != EXIT_OK)
        return status;
    p->reopening = false;
    err = log_open(&p->log, &clock_system, p->config.log_file[0] ? p->config.log_file : NULL);
    if (err != WB_OK) {
        fprintf(stderr, "whatsapp-bridge: --log-file: '%s' cannot be opened\n", p->config.log_file);
        return EXIT_USAGE;
    }
    p->log_open = true;
    bridge_log_settings(&p->log, &p->config); /* before the first line */
    warn_of_settings(p);
    if (p->recovery.text[0])
        log_warn(&p->log, "store", "%s", p->recovery.text);
    else if (p->damaged) /* nothing was repaired */
        log_warn(&p->log, "store", "the full check found nothing wrong");
    add_mishap(p);
    log_opened(p);
    return run(p);
}

/* The files cannot be opened again, because the disk is full for example: a bridge that was running
 * waits until they can, as it waits for room with open files. Signals are still blocked from the
 * run before. */
static bool wait_for_disk(struct program *p)
{
    static const struct timespec pause = {.tv_sec = REOPEN_S};
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sdnotify_status(&p->systemd, "the databases cannot be opened");
    return sigtimedwait(&stop, NULL, &pause) < 0;
}

/* Call it before we open any file or socket. */
static int share_descriptors(struct program *p)
{
    size_t inherited = fd_limit_open();
    size_t limit = fd_limit_raise(fd_budget_wanted(inherited));

    if (fd_budget_share(limit, inherited, &p->api_connections_max, &p->api_descriptors_below) ==
        WB_OK)
        return EXIT_OK;
    fprintf(
        stderr,
        "whatsapp-bridge: only %zu files and sockets may be open at once, and %zu are the least "
        "it can work with: raise the limit (ulimit -n, LimitNOFILE= of a systemd unit)\n",
        limit, fd_budget_least(inherited));
    return EXIT_FAILED;
}

/* Checked at the start: a wrong key would otherwise fail every backup, the first one perhaps after
 * an hour. */
static int check_backup_key(const struct program *p)
{
    const char *key = p->config.backup_public_key, *phrase = p->config.backup_passphrase_file;
    const struct backup_seal_to to = {.public_key_file = key[0] ? key : NULL,
                                      .passphrase_file = phrase[0] ? phrase : NULL};
    enum wb_err err = key[0] || phrase[0] ? store_backup_seal_check(&to) : WB_OK;

    if (err == WB_OK)
        return EXIT_OK;
    fprintf(stderr, "whatsapp-bridge: wrong settings\n--backup-%s: '%s' %s\n",
            key[0] ? "public-key" : "passphrase-file", key[0] ? key : phrase,
            key[0] ? "holds no public key (64 hexadecimal digits, as bridge-backup keygen prints)"
                   : "holds no passphrase of 12 to 1024 characters");
    return EXIT_USAGE;
}

/* Only before the first run: a file that goes missing while the bridge runs is a matter of the
 * rescue. */
static int check_paths(const struct program *p)
{
    struct buf text = buf_new(PROBLEM_MAX);
    int status = EXIT_OK;

    if (store_left_behind(&p->config, &text)) {
        fprintf(stderr, "whatsapp-bridge: %s", buf_text(&text));
        status = EXIT_USAGE;
    }
    buf_free(&text);
    return status;
}

static int serve(struct program *p)
{
    int status = check_backup_key(p);

    if (status == EXIT_OK)
        status = check_paths(p);
    if (status == EXIT_OK)
        status = share_descriptors(p);
    if (status != EXIT_OK)
        return status;

    do {
        p->again = false;
        status = start(p);
        clean_up(p, status);
        if (p->reopening && status == EXIT_FAILED && !p->again) {
            p->again = wait_for_disk(p);
            status = EXIT_OK;
        }
    } while (p->again);
    return status;
}

int main(int argc, char **argv, char **envp)
{
    struct program p = {.argc = argc, .argv = argv, .envp = envp};
    struct buf text = buf_new(PROBLEM_MAX);
    enum config_action action;
    struct core_dumps dumps;
    int status = http_client_main(argc, argv);

    if (status >= 0) /* this process makes one HTTP request and has no keys */
        return status;
    p.on_terminal = ends_with_terminal();
    status = EXIT_OK;
    core_dumps_forbid(&dumps);
    if (config_load(argc, argv, envp, &p.config, &action, &text) != WB_OK) {
        core_dumps_settle(&dumps, core_dumps_env()); /* only the environment can tell */
        fprintf(stderr, "whatsapp-bridge: wrong settings\n%s", buf_text(&text));
        buf_free(&text);
        return EXIT_USAGE;
    }
    core_dumps_settle(&dumps, p.config.core_dumps);
    if (action == CONFIG_HELP) {
        config_help(&text);
        fputs(buf_cstr(&text), stdout);
    } else if (action == CONFIG_VERSION) {
        printf("whatsapp-bridge %s\n", WB_VERSION);
    } else {
        status = serve(&p);
    }
    config_free(&p.config);
    buf_free(&text);
    return status;
}
