/* backup_seal.c - the content of the stream: the manifest's length (4 bytes), the manifest, then
 * the files that it names, whatsapp.db first. Their sizes and hashes stand in the manifest. */
#include "store/backup/backup_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/prim_seal.h"
#include "store/backup/backup_dir.h"
#include "store/files/files.h"
#include "store/files/limits.h"

enum { KEY_FILE_MAX = 4096, LENGTH_BYTES = 4 };

static const char *const file_names[] = {BACKUP_WHATSAPP, BACKUP_MESSAGES};
enum { FILES = sizeof file_names / sizeof file_names[0] };

static const struct backup_file *file_of(const struct backup_manifest *m, size_t i)
{
    return i == 0 ? &m->whatsapp : &m->messages;
}

/* ---- keys and passphrases in files ---- */

/* Reads the file's first line, without blanks around it. */
static enum wb_err read_line(const char *path, struct buf *out)
{
    enum wb_err err = files_read(path, out);
    const uint8_t *end = out->n ? memchr(out->p, '\n', out->n) : NULL;

    if (end)
        out->n = (size_t)(end - out->p);
    while (out->n > 0 && (out->p[out->n - 1] == ' ' || out->p[out->n - 1] == '\r'))
        out->n--;
    return err;
}

static enum wb_err read_key(const char *path, uint8_t ret_key[static X25519_KEY_BYTES])
{
    struct buf line = buf_new(KEY_FILE_MAX);
    size_t n = 0;
    enum wb_err err;

    TRY(read_line(path, &line));
    if (hex_decode(buf_span(&line), ret_key, X25519_KEY_BYTES, &n) != WB_OK ||
        n != X25519_KEY_BYTES)
        err = WB_ERR_INVALID;
out:
    buf_free(&line);
    return err;
}

enum wb_err store_backup_keygen(const char *secret_key_file, const struct rng *rng,
                                char ret_public[2 * X25519_KEY_BYTES + 1])
{
    struct buf text = buf_new(256), pub = buf_new(256);
    struct x25519_pair pair;
    enum wb_err err;

    x25519_generate(rng, &pair);
    buf_hex(&text, SPAN_ARRAY(pair.priv));
    buf_u8(&text, '\n');
    buf_hex(&pub, SPAN_ARRAY(pair.pub));
    TRY(buf_err(&text));
    TRY(buf_err(&pub));
    TRY(files_write_new(secret_key_file, buf_span(&text)));
    memcpy(ret_public, buf_cstr(&pub), 2 * X25519_KEY_BYTES + 1);
out:
    secret_wipe(&pair, sizeof pair);
    buf_free(&text);
    buf_free(&pub);
    return err;
}

/* ---- sealing ---- */

struct backup_sealing {
    struct seal_stream stream;
    FILE *out;
    uint8_t piece[SEAL_PIECE_BYTES];
    size_t n;
    uint8_t sealed[SEAL_PIECE_BYTES + SEAL_OVERHEAD_BYTES];
};

static enum wb_err put_piece(struct backup_sealing *s, bool last)
{
    seal_piece(&s->stream, SPAN(s->piece, s->n), last, s->sealed);
    size_t n = s->n + SEAL_OVERHEAD_BYTES;
    s->n = 0;
    return fwrite(s->sealed, 1, n, s->out) == n ? WB_OK : wb_err_of_errno(errno);
}

static enum wb_err put(struct backup_sealing *s, struct span bytes)
{
    while (bytes.n > 0) {
        if (s->n == sizeof s->piece) {
            enum wb_err err = put_piece(s, false);

            if (err != WB_OK)
                return err;
        }
        struct span part = span_first(bytes, sizeof s->piece - s->n);
        memcpy(s->piece + s->n, part.p, part.n);
        s->n += part.n;
        bytes = span_skip(bytes, part.n);
    }
    return WB_OK;
}

static enum wb_err put_file(struct backup_sealing *s, const char *path, uint64_t size)
{
    uint8_t bytes[4096];
    uint64_t done = 0;
    size_t n;
    FILE *in = NULL;
    enum wb_err err = plain_stream(path, O_RDONLY | O_NOFOLLOW, 0, &in);

    if (err != WB_OK)
        return err;
    while (err == WB_OK && done <= size && (n = fread(bytes, 1, sizeof bytes, in)) > 0) {
        done += n;
        err = put(s, SPAN(bytes, n));
    }
    if (err == WB_OK && (ferror(in) || done != size))
        err = WB_ERR_DB_CORRUPT; /* not what the manifest says */
    fclose(in);
    return err;
}

enum wb_err store_backup_seal_check(const struct backup_seal_to *to)
{
    struct buf line = buf_new(KEY_FILE_MAX);
    uint8_t pub[X25519_KEY_BYTES];
    enum wb_err err;

    if (to->public_key_file) {
        TRY(read_key(to->public_key_file, pub));
    } else {
        TRY(read_line(to->passphrase_file, &line));
        if (line.n < SEAL_PASSPHRASE_MIN || line.n > SEAL_PASSPHRASE_MAX)
            err = WB_ERR_INVALID;
    }
out:
    buf_free(&line);
    return err;
}

static enum wb_err begin_sealing(struct backup_sealing *s, const struct backup_seal_to *to)
{
    struct buf header = buf_new(SEAL_HEADER_MAX), line = buf_new(KEY_FILE_MAX);
    uint8_t pub[X25519_KEY_BYTES];
    enum wb_err err;

    if (to->public_key_file) {
        TRY(read_key(to->public_key_file, pub));
        TRY(seal_to_key(&s->stream, pub, &header));
    } else {
        TRY(read_line(to->passphrase_file, &line));
        TRY(seal_to_passphrase(&s->stream, buf_span(&line), &header));
    }
    if (fwrite(header.p, 1, header.n, s->out) != header.n)
        err = wb_err_of_errno(errno);
out:
    buf_free(&line);
    buf_free(&header);
    return err;
}

static enum wb_err seal_set(struct backup_sealing *s, const char *set,
                            const struct backup_seal_to *to)
{
    char path[STORE_PATH_MAX];
    struct backup_manifest m;
    struct buf text = buf_new(LENGTH_BYTES + BACKUP_MANIFEST_MAX),
               json = buf_new(BACKUP_MANIFEST_MAX);
    enum wb_err err;

    TRY(backup_dir_manifest(set, &m));
    TRY(begin_sealing(s, to));
    backup_manifest_write(&m, &json);
    TRY(buf_err(&json));
    buf_u32be(&text, (uint32_t)json.n);
    buf_append(&text, buf_span(&json));
    TRY(buf_err(&text));
    TRY(put(s, buf_span(&text)));
    for (size_t i = 0; i < FILES; i++) {
        if (!file_of(&m, i)->present)
            continue;
        TRY(files_join(set, file_names[i], path));
        TRY(put_file(s, path, file_of(&m, i)->size));
    }
    err = put_piece(s, true);
out:
    buf_free(&json);
    buf_free(&text);
    return err;
}

enum wb_err store_backup_seal(const char *dir, const char *name, const struct backup_seal_to *to,
                              char ret_path[STORE_PATH_MAX])
{
    char set[STORE_PATH_MAX], path[STORE_PATH_MAX], temp[STORE_PATH_MAX];
    struct backup_sealing *s = NULL;
    bool made = false;
    enum wb_err err;

    if (!backup_name_valid(name) || !to->public_key_file == !to->passphrase_file)
        return WB_ERR_INVALID;
    TRY(files_join(dir, name, set));
    if (snprintf(path, sizeof path, "%s" BACKUP_SEALED, set) >= (int)sizeof path ||
        snprintf(temp, sizeof temp, "%s/.sealing", dir) >= (int)sizeof temp)
        return WB_ERR_INVALID;
    s = calloc(1, sizeof *s);
    if (!s)
        return WB_ERR_NOMEM;
    unlink(temp); /* of one that was interrupted */
    TRY(plain_stream(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &s->out));
    made = true;
    TRY(seal_set(s, set, to));
    if (fflush(s->out) != 0 || fsync(fileno(s->out)) != 0 || rename(temp, path) != 0) {
        err = wb_err_of_errno(errno);
        goto out;
    }
    made = false;
    memcpy(ret_path, path, strlen(path) + 1);
    err = files_sync(dir);
out:
    if (s && s->out)
        fclose(s->out);
    if (made)
        unlink(temp);
    secret_free_sized(s, sizeof *s);
    return err;
}

/* ---- opening ---- */

struct opening {
    struct seal_stream stream;
    FILE *in;
    uint8_t sealed[SEAL_PIECE_BYTES + SEAL_OVERHEAD_BYTES];
    uint8_t piece[SEAL_PIECE_BYTES];
    size_t n, at; /* of the piece in hand */
    bool last;
};

static enum wb_err begin_opening(struct opening *o, const struct backup_seal_with *with)
{
    uint8_t header[SEAL_HEADER_MAX];
    struct buf line = buf_new(KEY_FILE_MAX);
    struct x25519_pair pair = {0};
    enum seal_kind kind;
    size_t n = 0, want = 9;
    enum wb_err err;

    n = fread(header, 1, want, o->in);
    TRY(seal_header_look(SPAN(header, n), &kind, &want));
    if (fread(header + n, 1, want - n, o->in) != want - n) {
        err = WB_ERR_TRUNCATED;
        goto out;
    }
    if (kind == SEAL_TO_KEY) {
        if (!with->secret_key_file) {
            err = WB_ERR_BAD_KEY;
            goto out;
        }
        uint8_t priv[X25519_KEY_BYTES];
        TRY(read_key(with->secret_key_file, priv));
        x25519_from_private(priv, &pair);
        secret_wipe(priv, sizeof priv);
        err = seal_open_with_key(&o->stream, SPAN(header, want), &pair);
    } else {
        if (!with->passphrase_file) {
            err = WB_ERR_BAD_KEY;
            goto out;
        }
        TRY(read_line(with->passphrase_file, &line));
        err = seal_open_with_passphrase(&o->stream, SPAN(header, want), buf_span(&line));
    }
out:
    secret_wipe(&pair, sizeof pair);
    buf_free(&line);
    return err;
}

static enum wb_err next_piece(struct opening *o)
{
    if (o->last)
        return WB_ERR_TRUNCATED;
    size_t n = fread(o->sealed, 1, sizeof o->sealed, o->in);
    if (n == 0)
        return WB_ERR_TRUNCATED;
    enum wb_err err = seal_open_piece(&o->stream, SPAN(o->sealed, n), o->piece, &o->last);
    o->n = err == WB_OK ? n - SEAL_OVERHEAD_BYTES : 0;
    o->at = 0;
    return err;
}

/* At most max bytes of the stream, in place. */
static enum wb_err take(struct opening *o, uint64_t max, struct span *ret)
{
    if (o->at == o->n) {
        enum wb_err err = next_piece(o);

        if (err != WB_OK)
            return err;
    }
    size_t n = o->n - o->at;
    if (n > max)
        n = (size_t)max;
    *ret = SPAN(o->piece + o->at, n);
    o->at += n;
    return WB_OK;
}

static enum wb_err take_all(struct opening *o, uint64_t n, struct buf *to_buf, FILE *to_file)
{
    while (n > 0) {
        struct span part;
        enum wb_err err = take(o, n, &part);

        if (err != WB_OK)
            return err;
        if (to_buf) {
            buf_append(to_buf, part);
            if (buf_err(to_buf) != WB_OK)
                return buf_err(to_buf);
        } else if (fwrite(part.p, 1, part.n, to_file) != part.n) {
            return wb_err_of_errno(errno);
        }
        n -= part.n;
    }
    return WB_OK;
}

static enum wb_err take_manifest(struct opening *o, const char *dir, struct backup_manifest *m)
{
    char path[STORE_PATH_MAX];
    struct buf length = buf_new(LENGTH_BYTES), json = buf_new(BACKUP_MANIFEST_MAX);
    enum wb_err err;

    TRY(take_all(o, LENGTH_BYTES, &length, NULL));
    uint32_t n = (uint32_t)length.p[0] << 24 | (uint32_t)length.p[1] << 16 |
                 (uint32_t)length.p[2] << 8 | length.p[3];
    TRY(take_all(o, n, &json, NULL));
    TRY(backup_manifest_read(buf_span(&json), m));
    TRY(files_join(dir, BACKUP_MANIFEST, path));
    err = files_write_new(path, buf_span(&json));
out:
    buf_free(&length);
    buf_free(&json);
    return err;
}

static enum wb_err take_file(struct opening *o, const char *dir, const char *name, uint64_t size)
{
    char path[STORE_PATH_MAX];
    enum wb_err err;

    TRY(files_join(dir, name, path));
    FILE *out = NULL;
    TRY(plain_stream(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &out));
    err = take_all(o, size, NULL, out);
    if (fclose(out) != 0 && err == WB_OK)
        err = wb_err_of_errno(errno);
out:
    return err;
}

static enum wb_err open_set(struct opening *o, const struct backup_seal_with *with, const char *dir)
{
    struct backup_manifest m;
    struct span left;
    enum wb_err err;

    TRY(begin_opening(o, with));
    TRY(take_manifest(o, dir, &m));
    for (size_t i = 0; i < FILES; i++) {
        if (file_of(&m, i)->present)
            TRY(take_file(o, dir, file_names[i], file_of(&m, i)->size));
    }
    /* The stream must be complete, and nothing may come behind it. */
    if (o->at == o->n && !o->last)
        TRY(take(o, 0, &left));
    if (!o->last || o->at != o->n || fgetc(o->in) != EOF)
        err = WB_ERR_TRAILING;
out:
    return err;
}

enum wb_err store_backup_unseal(const char *path, const struct backup_seal_with *with,
                                const char *to_dir)
{
    struct opening *o = calloc(1, sizeof *o);
    enum wb_err err = WB_OK;

    if (!o)
        return WB_ERR_NOMEM;
    TRY(plain_stream(path, O_RDONLY, 0, &o->in));
    if (mkdir(to_dir, 0700) != 0) {
        err = wb_err_of_errno(errno);
        goto out;
    }
    err = open_set(o, with, to_dir);
    if (err != WB_OK)
        store_backup_remove_at(to_dir);
out:
    if (o->in)
        fclose(o->in);
    secret_free_sized(o, sizeof *o);
    return err;
}
