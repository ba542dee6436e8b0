#include "tools/import/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "store/core/batch.h"
#include "store/core/meta.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"
#include "store/session/tokens.h"
#include "tools/import/directory.h"
#include "tools/import/record_file.h"
#include "tools/import/signal_file.h"
#include "tools/import/target.h"

struct import {
    const struct import_options *o;
    struct import_report *report;
    struct directory dir;
    struct target target;
    struct store *s; /* NULL: a dry run */
    struct creds creds;
    struct signal_local local;
    struct buf file;
    /* Users whose records were filed under their number. */
    struct jid *numbers;
    size_t nnumbers, numbers_cap;
    const struct file_name *name; /* of the file in hand, for callbacks */
};

/* Is this an error of one file, not of the machine? Such an error does not end the import. */
static bool is_damage(enum wb_err err)
{
    return wb_err_class(err) == WB_CLASS_PEER || err == WB_ERR_NOT_FOUND || err == WB_ERR_INVALID ||
           err == WB_ERR_NOT_PLAIN;
}

static enum wb_err remember_number(struct import *im, const struct jid *person)
{
    struct jid user = jid_bare(*person);

    if (user.server != JID_PN || (im->nnumbers && jid_eq(&im->numbers[im->nnumbers - 1], &user)))
        return WB_OK;
    if (im->nnumbers == im->numbers_cap) {
        size_t cap = im->numbers_cap ? im->numbers_cap * 2 : 64;
        struct jid *more = realloc(im->numbers, cap * sizeof *more);

        if (!more)
            return WB_ERR_NOMEM;
        im->numbers = more;
        im->numbers_cap = cap;
    }
    im->numbers[im->nnumbers++] = user;
    return WB_OK;
}

/* ---- one file of each kind ---- */

static enum wb_err take_lid_mapping(struct import *im, const struct file_name *f, struct span json)
{
    char user[JID_USER_MAX + 1];
    struct jid other;
    enum wb_err err;

    TRY(lid_file_read(json, user));
    TRY(jid_make(span_cstr(user), f->person.server == JID_PN ? JID_LID : JID_PN, 0, &other));
    if (im->s)
        err = store_lid_put(im->s, &f->person, &other, NULL);
out:
    return err;
}

static enum wb_err take_prekey(struct import *im, const struct file_name *f, struct span json)
{
    struct store_prekey k = {.id = f->number};
    enum wb_err err;

    TRY(prekey_file_read(json, &k.pair));
    TRY(k.id <= PREKEY_ID_MAX ? WB_OK : WB_ERR_MALFORMED);
    if (k.id > im->report->prekey_high)
        im->report->prekey_high = k.id;
    if (im->s)
        err = store_prekey_import(im->s, &k);
out:
    secret_wipe(&k, sizeof k);
    return err;
}

static enum wb_err take_identity(struct import *im, const struct file_name *f, struct span json)
{
    uint8_t identity[X25519_KEY_BYTES];
    enum wb_err err;

    TRY(identity_file_read(json, identity));
    TRY(remember_number(im, &f->person));
    if (im->s)
        err = store_identity_put(im->s, &f->person, identity);
out:
    return err;
}

static enum wb_err key_id(struct span name, struct store_appstate_key *k)
{
    struct buf text = buf_new(IMPORT_NAME_MAX);
    enum wb_err err;

    for (size_t i = 0; i < name.n; i++) {
        bool slash = name.p[i] == '_' && i + 1 < name.n && name.p[i + 1] == '_';

        buf_u8(&text, slash ? '/' : name.p[i]);
        i += slash;
    }
    err = buf_err(&text);
    if (err == WB_OK)
        err = b64_decode(buf_span(&text), k->id, sizeof k->id, &k->id_n);
    if (err == WB_OK && k->id_n == 0)
        err = WB_ERR_MALFORMED;
    buf_free(&text);
    return err;
}

static enum wb_err take_appstate_key(struct import *im, const struct file_name *f, struct span json)
{
    struct buf fingerprint = buf_new(8 * IMPORT_FINGERPRINT_DEVICES_MAX);
    struct store_appstate_key k;
    enum wb_err err;

    memset(&k, 0, sizeof k);
    TRY(key_id(f->id, &k));
    TRY(appstate_key_file_read(json, &k, &fingerprint));
    if (im->s)
        err = store_appstate_key_put(im->s, &k, buf_span(&fingerprint));
out:
    secret_wipe(&k, sizeof k);
    buf_free(&fingerprint);
    return err;
}

struct import_collection {
    struct store *s;
    char name[IMPORT_NAME_MAX + 1];
    uint64_t version;
};

static enum wb_err put_version(void *ctx, const struct appstate_version *v)
{
    struct import_collection *c = ctx;

    c->version = v->version;
    return c->s ? store_appstate_version_put(c->s, c->name, v->version, v->hash) : WB_OK;
}

static enum wb_err put_mac(void *ctx, const uint8_t index_mac[APPSTATE_MAC_BYTES],
                           const uint8_t value_mac[APPSTATE_MAC_BYTES])
{
    struct import_collection *c = ctx;

    return c->s ? store_appstate_mac_put(c->s, c->name, c->version, index_mac, value_mac) : WB_OK;
}

static enum wb_err take_appstate_version(struct import *im, const struct file_name *f,
                                         struct span json)
{
    struct import_collection c = {.s = im->s};

    if (f->id.n > IMPORT_NAME_MAX)
        return WB_ERR_MALFORMED;
    memcpy(c.name, f->id.p, f->id.n);
    return appstate_version_file_read(json, put_version, put_mac, &c);
}

static enum wb_err take_token(struct import *im, const struct file_name *f, struct span json)
{
    struct token_file t;
    enum wb_err err;

    TRY(token_file_read(json, &t));
    if (im->s && t.token_n)
        TRY(store_token_put(im->s, &f->person, SPAN(t.token, t.token_n), t.timestamp));
    if (im->s && t.issued_at)
        err = store_token_issued_put(im->s, &f->person, t.issued_at);
out:
    return err;
}

/* Stores the identity that the session is with, where the device has no identity file of its own.
 */
static enum wb_err put_identity_of(struct import *im, const struct jid *device,
                                   const struct signal_session *session)
{
    uint8_t known[X25519_KEY_BYTES];
    enum wb_err err = store_identity_get(im->s, device, known);

    if (err == WB_ERR_NOT_FOUND && session->current)
        return store_identity_put(im->s, device, session->current->remote_identity);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static enum wb_err take_session(struct import *im, const struct file_name *f, struct span json)
{
    struct signal_session *session = NULL, *given;
    enum wb_err err;

    TRY(session_file_read(json, &im->local, im->o->rng, &session));
    TRY(remember_number(im, &f->person));
    if (!im->s)
        goto out;
    TRY(put_identity_of(im, &f->person, session));
    given = session;
    session = NULL;
    err = store_session_save(im->s, &f->person, given);
out:
    signal_session_free(session);
    return err;
}

static enum wb_err take_sender_key(struct import *im, const struct file_name *f, struct span json)
{
    struct sender_key_record *record = NULL, *given;
    enum wb_err err;

    TRY(sender_key_file_read(json, &record));
    TRY(remember_number(im, &f->person));
    if (!im->s)
        goto out;
    given = record;
    record = NULL;
    err = store_sender_key_save(im->s, &f->group, &f->person, given);
out:
    sender_key_record_free(record);
    return err;
}

/* The device under which our own sender keys are kept (P-SG-31). */
static const struct jid *own_device(const struct import *im)
{
    const struct account *a = &im->creds.account;

    return jid_is_none(&a->lid) ? &a->jid : &a->lid;
}

/* Baileys keeps a session with itself, and counts itself among those who have its sender key. */
static bool is_own_device(const struct import *im, const struct jid *device)
{
    return jid_eq(device, &im->creds.account.jid) || jid_eq(device, &im->creds.account.lid);
}

struct memory {
    struct import *im;
    uint32_t key_id;
};

static enum wb_err put_holder(void *ctx, const struct jid *device)
{
    struct memory *m = ctx;
    struct jid canonical;
    enum wb_err err;

    if (!m->im->s || is_own_device(m->im, device))
        return WB_OK;
    TRY(store_canonical(m->im->s, device, &canonical));
    err = store_skdm_mark(m->im->s, &m->im->name->group, m->key_id, &canonical, 1);
out:
    return err;
}

/* Baileys does not say which key of ours the list is about: the list helps only when we have one
 * key. */
static enum wb_err take_memory(struct import *im, const struct file_name *f, struct span json)
{
    struct sender_key_record *record = NULL;
    struct memory m = {.im = im};
    enum wb_err err = WB_OK;

    if (im->s) {
        TRY(store_sender_key_load(im->s, &f->group, own_device(im), &record));
        if (record->nstates != 1 || !record->states[0]->has_signing_priv) {
            err = WB_ERR_NOT_FOUND;
            goto out;
        }
        m.key_id = record->states[0]->key_id;
    }
    err = memory_file_read(json, put_holder, &m);
out:
    sender_key_record_free(record);
    return err;
}

/* ---- all of them ---- */

typedef enum wb_err take_fn(struct import *im, const struct file_name *f, struct span json);

static take_fn *const takes[FILE_KIND_COUNT] = {
    [FILE_LID_MAPPING] = take_lid_mapping,
    [FILE_PREKEY] = take_prekey,
    [FILE_IDENTITY] = take_identity,
    [FILE_APPSTATE_KEY] = take_appstate_key,
    [FILE_APPSTATE_VERSION] = take_appstate_version,
    [FILE_TOKEN] = take_token,
    [FILE_SESSION] = take_session,
    [FILE_SENDER_KEY] = take_sender_key,
    [FILE_SENDER_KEY_MEMORY] = take_memory,
};

/* Takes one file over, all of it or nothing. */
static enum wb_err take_marked(struct import *im, const struct file_name *f)
{
    enum wb_err err;

    if (!im->s)
        return takes[f->kind](im, f, buf_span(&im->file));
    TRY(store_mark(im->s));
    err = takes[f->kind](im, f, buf_span(&im->file));
    if (err == WB_OK)
        return store_mark_keep(im->s);
    if (is_damage(err)) {
        enum wb_err undone = store_mark_undo(im->s);

        return undone == WB_OK ? err : undone;
    }
out:
    return err;
}

static enum wb_err take_file(struct import *im, const char *text, const struct file_name *f)
{
    struct import_count *c = &im->report->counts[f->kind];
    enum wb_err err = directory_read(&im->dir, text, &im->file);

    im->name = f;
    if (err == WB_OK)
        err = take_marked(im, f);
    im->name = NULL;
    if (err == WB_OK) {
        c->carried++;
        return WB_OK;
    }
    if (!is_damage(err) && err != WB_ERR_IO) {
        snprintf(im->report->text, sizeof im->report->text, "%.255s: %s", text, wb_err_text(err));
        return err;
    }
    if (c->lost++ == 0) {
        snprintf(c->first_lost, sizeof c->first_lost, "%s", text);
        c->first_why = err;
    }
    return WB_OK;
}

static enum wb_err take_kind(struct import *im, enum file_kind kind)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < im->dir.n; i++) {
        struct file_name f = file_name_read(im->dir.names[i]);
        struct import_count *c = &im->report->counts[kind];

        if (f.kind != kind || (kind == FILE_SESSION && is_own_device(im, &f.person)))
            continue;
        if (takes[kind])
            TRY(take_file(im, im->dir.names[i], &f));
        else if (c->lost++ == 0)
            snprintf(c->first_lost, sizeof c->first_lost, "%s", im->dir.names[i]);
    }
out:
    return err;
}

static int by_jid(const void *a, const void *b)
{
    return jid_cmp(a, b);
}

/* Moves records from a number to its LID where that is known (rule 4, one identity per person). */
static enum wb_err move_to_lids(struct import *im)
{
    struct jid lid;
    enum wb_err err = WB_OK;

    if (im->nnumbers)
        qsort(im->numbers, im->nnumbers, sizeof *im->numbers, by_jid);
    for (size_t i = 0; im->s && i < im->nnumbers; i++) {
        if (i > 0 && jid_eq(&im->numbers[i], &im->numbers[i - 1]))
            continue;
        err = store_lid_of_pn(im->s, &im->numbers[i], &lid);
        if (err == WB_OK)
            err = store_signal_migrate(im->s, &im->numbers[i], &lid, NULL);
        if (err == WB_ERR_NOT_FOUND)
            err = WB_OK;
        TRY(err);
    }
out:
    return err;
}

static enum wb_err read_creds(struct import *im)
{
    struct import_report *r = im->report;
    const char *what = "";
    enum wb_err err = directory_read(&im->dir, "creds.json", &im->file);

    if (err == WB_ERR_NOT_FOUND) {
        snprintf(r->text, sizeof r->text,
                 "%.300s has no creds.json: it is no multi-file auth state of Baileys",
                 im->o->from);
        return WB_ERR_STATE;
    }
    if (err == WB_OK)
        err = creds_read(buf_span(&im->file), &im->creds, &what);
    if (err == WB_ERR_STATE)
        snprintf(r->text, sizeof r->text,
                 "creds.json is of a device that was never linked: there is nothing to import");
    else if (err != WB_OK)
        snprintf(r->text, sizeof r->text, "creds.json is damaged (%s: %s)", what, wb_err_text(err));
    if (err != WB_OK)
        return err;
    im->local.identity = im->creds.account.keys.identity;
    im->local.registration_id = im->creds.account.keys.registration_id;
    r->jid = im->creds.account.jid;
    r->lid = im->creds.account.lid;
    r->prekey_high = im->creds.next_prekey_id - 1;
    r->counts[FILE_CREDS].carried = 1;
    return WB_OK;
}

/* Stores what pairing stores: the account's row, our own pair of addresses, the phone's identity
 * (P-PR-14). */
static enum wb_err put_account(struct import *im)
{
    const struct account *a = &im->creds.account;
    struct jid pn = jid_bare(a->jid);
    struct jid phone = jid_is_none(&a->lid) ? pn : jid_bare(a->lid);
    enum wb_err err;

    TRY(store_account_save(im->s, a));
    if (!jid_is_none(&a->lid))
        TRY(store_lid_put(im->s, &phone, &pn, NULL));
    TRY(store_identity_put(im->s, &phone, a->adv_account_sig_key));
    if (im->creds.routing_n)
        err = store_meta_put(im->s, STORE_META_ROUTING_INFO,
                             SPAN(im->creds.routing, im->creds.routing_n));
out:
    return err;
}

static enum wb_err take_all(struct import *im)
{
    enum wb_err err = WB_OK;

    if (im->s)
        TRY(put_account(im));
    for (enum file_kind kind = FILE_LID_MAPPING; kind < FILE_KIND_COUNT; kind++) {
        TRY(take_kind(im, kind));
        if (kind == FILE_SENDER_KEY)
            TRY(move_to_lids(im));
    }
    if (im->s && im->report->prekey_high)
        TRY(store_prekeys_used_up_to(im->s, im->o->rng, im->report->prekey_high));
    if (im->s)
        err = store_commit(im->s);
out:
    return err;
}

static enum wb_err check_quiet(struct import *im)
{
    bool changed = false;
    enum wb_err err = directory_changed(&im->dir, im->o->from, &changed);

    if (err == WB_OK && changed) {
        snprintf(im->report->text, sizeof im->report->text,
                 "files in %.300s changed meanwhile: the program that uses it still runs; stop it "
                 "and import again",
                 im->o->from);
        err = WB_ERR_STATE;
    }
    return err;
}

enum wb_err import_baileys(const struct import_options *o, struct import_report *ret)
{
    struct import im = {.o = o,
                        .report = ret,
                        .dir = {.fd = -1},
                        .target = {.lock = store_lock_none()},
                        .file = buf_new(IMPORT_FILE_MAX)};
    enum wb_err err;

    memset(ret, 0, sizeof *ret);
    err = directory_open(o->from, &im.dir);
    if (err != WB_OK) {
        snprintf(ret->text, sizeof ret->text, "%.300s cannot be read: %.90s", o->from,
                 strerror(errno));
        goto out;
    }
    TRY(read_creds(&im));
    if (!o->dry_run) {
        TRY(target_open(o->store, o->clock, &im.target, ret->text));
        im.s = im.target.s;
    }
    TRY(take_all(&im));
    TRY(check_quiet(&im));
    if (!o->dry_run)
        err = target_finish(&im.target, ret->text);
out:
    if (err != WB_OK && !ret->text[0])
        snprintf(ret->text, sizeof ret->text, "%s", wb_err_text(err));
    target_close(&im.target);
    directory_close(&im.dir);
    buf_free(&im.file);
    free(im.numbers);
    creds_wipe(&im.creds);
    secret_wipe(&im.local, sizeof im.local);
    return err;
}
