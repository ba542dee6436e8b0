#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/session/session_json.h"
#include "store/session/signal_store.h"

/* Cache key: group JID text, newline, Signal address. */
enum { KEY_MAX = 2 * JID_TEXT_MAX };

static const char *key_of(const struct jid *group, const struct jid *sender, char out[KEY_MAX])
{
    size_t n = strlen(jid_text(group, out));

    out[n] = '\n';
    jid_signal_address(sender, out + n + 1);
    return out;
}

static struct span group_part(const char *key)
{
    return SPAN(key, (size_t)(strchr(key, '\n') - key));
}

/* The two halves of a key. */
#define KEY_BINDS(key) BIND_SPAN(group_part(key)), BIND_TEXT(strchr(key, '\n') + 1)

static void sender_key_free(void *record)
{
    sender_key_record_free(record);
}

static enum wb_err sender_key_load(void *ctx, const char *key, void **ret)
{
    struct store *s = ctx;
    struct sender_key_record *record = NULL;
    struct stmt q;
    enum wb_err err;

    s->unreadable = false;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT sender_key FROM whatsmeow_sender_keys"
                  " WHERE our_jid = ? AND chat_id = ? AND sender_id = ?"));
    sql_bind(&q, BINDS(BIND_TEXT(s->our), KEY_BINDS(key)));
    err = stmt_step(&q);
    if (err == WB_OK) {
        err = sender_key_json_read(stmt_col_span(&q, 0), &record);
        if (err == WB_OK) {
            *ret = record;
        } else if (err != WB_ERR_NOMEM) {
            s->unreadable = true;
            err = WB_ERR_NOT_FOUND;
        }
    }
    stmt_end(&q);
out:
    return err;
}

static enum wb_err sender_key_write(void *ctx, const char *key, const void *record)
{
    struct store *s = ctx;
    enum wb_err err;

    buf_clear(&s->json);
    sender_key_json_write(record, &s->json);
    TRY(buf_err(&s->json));
    err = sql_run(&s->wa,
                  "INSERT INTO whatsmeow_sender_keys (our_jid, chat_id, sender_id, sender_key)"
                  " VALUES (?, ?, ?, ?) ON CONFLICT (our_jid, chat_id, sender_id)"
                  " DO UPDATE SET sender_key = excluded.sender_key",
                  BINDS(BIND_TEXT(s->our), KEY_BINDS(key), BIND_BLOB(buf_span(&s->json))));
out:
    buf_clear(&s->json);
    return err;
}

const struct record_ops store_sender_key_ops = {sender_key_free, sender_key_load, sender_key_write};

enum wb_err store_sender_key_load(struct store *s, const struct jid *group,
                                  const struct jid *sender, struct sender_key_record **ret)
{
    char key[KEY_MAX];
    const void *record = NULL;

    NEED_ACCOUNT(s);
    enum wb_err err = record_cache_get(s->sender_keys, key_of(group, sender, key), &record);
    if (err != WB_OK)
        return err;
    struct sender_key_record *copy = sender_key_record_clone(record);
    if (!copy)
        return WB_ERR_NOMEM;
    *ret = copy;
    return WB_OK;
}

enum wb_err store_sender_key_save(struct store *s, const struct jid *group,
                                  const struct jid *sender, struct sender_key_record *record)
{
    char key[KEY_MAX];

    if (!s->our[0]) {
        sender_key_record_free(record);
        return WB_ERR_STATE;
    }
    if (sender->server == JID_PN)
        s->pn_sender_keys = PN_KEYS_SOME;
    return record_cache_put(s->sender_keys, key_of(group, sender, key), record);
}

enum wb_err store_sender_key_delete(struct store *s, const struct jid *group,
                                    const struct jid *sender)
{
    char key[KEY_MAX];
    enum wb_err err;

    NEED_ACCOUNT(s);
    key_of(group, sender, key);
    TRY(sql_run(&s->wa,
                "DELETE FROM whatsmeow_sender_keys"
                " WHERE our_jid = ? AND chat_id = ? AND sender_id = ?",
                BINDS(BIND_TEXT(s->our), KEY_BINDS(key))));
    err = record_cache_remove(s->sender_keys, key);
out:
    return err;
}
