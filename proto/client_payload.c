#include "proto/client_payload.h"

#include <stdio.h>

#include "proto/wire_arena.h"
#include "schema/client.pb-c.h"

enum {
    PLATFORM_WEB = 14,
    CONNECT_WIFI_UNKNOWN = 1,
    CONNECT_USER_ACTIVATED = 1,
    RELEASE = 0,
    WEB_BROWSER = 0,
    LOGIN_COUNTER = 1,
    KEY_TYPE_DJB = 5,
    STORAGE_QUOTA_MB = 10240,
    THUMBNAIL_DAYS = 60,
    /* Sent when a full sync is asked for: ten years, and at least the storage quota. */
    FULL_SYNC_DAYS = 3650,
    PROPS_MAX = 1024, /* built by ourselves: an OS name and some twenty numbers */
};

const char *client_version_text(struct client_version v, char out[static CLIENT_VERSION_TEXT_MAX])
{
    (void)snprintf(out, CLIENT_VERSION_TEXT_MAX, "%u.%u.%u", v.primary, v.secondary, v.tertiary);
    return out;
}

/* The parts that login and registration have in common (P-HS-17). */
struct common {
    Client__Version version;
    Client__UserAgent agent;
    Client__WebInfo web;
    Client__Payload payload;
};

static void set_version(Client__Version *m, struct client_version v)
{
    client__version__init(m);
    WIRE_SET(m, primary, v.primary);
    WIRE_SET(m, secondary, v.secondary);
    WIRE_SET(m, tertiary, v.tertiary);
}

static void common_init(struct common *c, struct client_version v)
{
    set_version(&c->version, v);
    client__user_agent__init(&c->agent);
    client__web_info__init(&c->web);
    client__payload__init(&c->payload);
    WIRE_SET(&c->agent, platform, PLATFORM_WEB);
    c->agent.app_version = &c->version;
    WIRE_SET_BYTES(&c->agent, mcc, SPAN_LIT("000"));
    WIRE_SET_BYTES(&c->agent, mnc, SPAN_LIT("000"));
    WIRE_SET_BYTES(&c->agent, os_version, SPAN_LIT("0.1"));
    WIRE_SET_BYTES(&c->agent, manufacturer, SPAN_LIT(""));
    WIRE_SET_BYTES(&c->agent, device, SPAN_LIT("Desktop"));
    WIRE_SET_BYTES(&c->agent, os_build_number, SPAN_LIT("0.1"));
    WIRE_SET(&c->agent, release_channel, RELEASE);
    WIRE_SET_BYTES(&c->agent, language, SPAN_LIT("en"));
    WIRE_SET_BYTES(&c->agent, country, SPAN_LIT("US"));
    WIRE_SET(&c->web, sub_platform, WEB_BROWSER);
    c->payload.user_agent = &c->agent;
    c->payload.web_info = &c->web;
    WIRE_SET(&c->payload, connect_type, CONNECT_WIFI_UNKNOWN);
    WIRE_SET(&c->payload, connect_reason, CONNECT_USER_ACTIVATED);
}

enum wb_err client_payload_login(struct client_version version, uint64_t user, uint32_t device,
                                 struct buf *out)
{
    struct common c;

    common_init(&c, version);
    WIRE_SET(&c.payload, username, user);
    WIRE_SET(&c.payload, device, device);
    WIRE_SET(&c.payload, passive, 1);
    WIRE_SET(&c.payload, pull, 1);
    WIRE_SET(&c.payload, login_counter, LOGIN_COUNTER);
    WIRE_SET(&c.payload, lid_db_migrated, 1);
    return wire_pack(&c.payload.base, out);
}

/* History settings: P-HS-24, and P-HS-25 for a full sync. */
static void set_history(Client__HistoryConfig *h, bool full)
{
    client__history_config__init(h);
    if (full) {
        WIRE_SET(h, full_days, FULL_SYNC_DAYS);
        WIRE_SET(h, full_megabytes, STORAGE_QUOTA_MB);
    }
    WIRE_SET(h, storage_quota_mb, STORAGE_QUOTA_MB);
    WIRE_SET(h, inline_initial_payload, 1);
    WIRE_SET(h, call_log, 1);
    WIRE_SET(h, bot_user_agent, 1);
    WIRE_SET(h, cag_reactions_polls, 1);
    WIRE_SET(h, biz_hosted, 1);
    WIRE_SET(h, chunk_tuning, 1);
    WIRE_SET(h, hosted_group, 1);
    WIRE_SET(h, fbid_bot, 1);
    WIRE_SET(h, message_association, 1);
    WIRE_SET(h, group_history, 1);
    WIRE_SET(h, thumbnail_days, THUMBNAIL_DAYS);
    WIRE_SET(h, manus, 1);
    WIRE_SET(h, hatch, 1);
}

static enum wb_err pack_props(const struct client_device_props *p, struct buf *out)
{
    Client__DeviceProps m = CLIENT__DEVICE_PROPS__INIT;
    Client__HistoryConfig history;
    Client__Version version;

    set_version(&version, p->app);
    set_history(&history, p->full_sync);
    WIRE_SET_BYTES(&m, os, p->os);
    m.version = &version;
    WIRE_SET(&m, platform, (int32_t)p->platform);
    WIRE_SET(&m, full_sync, p->full_sync);
    m.history = &history;
    return wire_pack(&m.base, out);
}

enum wb_err client_payload_registration(struct client_version version,
                                        const struct client_pairing *p, struct buf *out)
{
    static const uint8_t key_type[1] = {KEY_TYPE_DJB};
    Client__Pairing m = CLIENT__PAIRING__INIT;
    struct buf ids = buf_new(16);
    struct buf props = buf_new(PROPS_MAX);
    struct common c;
    enum wb_err err;

    if (p->signed_prekey_id >> 24)
        return WB_ERR_INVALID;
    buf_u32be(&ids, p->registration_id);
    buf_u24be(&ids, p->signed_prekey_id);
    TRY(buf_err(&ids));
    TRY(pack_props(&p->props, &props));
    common_init(&c, version);
    WIRE_SET_BYTES(&m, registration_id, span_first(buf_span(&ids), 4));
    WIRE_SET_BYTES(&m, key_type, SPAN_ARRAY(key_type));
    WIRE_SET_BYTES(&m, identity, SPAN_ARRAY(p->identity));
    WIRE_SET_BYTES(&m, signed_prekey_id, span_skip(buf_span(&ids), 4));
    WIRE_SET_BYTES(&m, signed_prekey, SPAN_ARRAY(p->signed_prekey));
    WIRE_SET_BYTES(&m, signed_prekey_sig, SPAN_ARRAY(p->signed_prekey_sig));
    WIRE_SET_BYTES(&m, build_hash, SPAN_ARRAY(p->build_hash));
    WIRE_SET_BYTES(&m, device_props, buf_span(&props));
    c.payload.pairing = &m;
    WIRE_SET(&c.payload, passive, 0);
    WIRE_SET(&c.payload, pull, 0);
    TRY(wire_pack(&c.payload.base, out));
out:
    buf_free(&ids);
    buf_free(&props);
    return err;
}

/* ---- the server's side ---- */

static struct client_version version_from(const Client__Version *m)
{
    return (struct client_version){m->primary, m->secondary, m->tertiary};
}

static enum wb_err props_from(struct span in, struct arena *a, struct client_device_props *ret_p)
{
    ProtobufCMessage *base = NULL;
    const Client__DeviceProps *m;
    enum wb_err err;

    TRY(wire_unpack(&client__device_props__descriptor, in, a, &base));
    m = (const Client__DeviceProps *)(const void *)base;
    ret_p->os = WIRE_SPAN(m, os);
    if (m->version)
        ret_p->app = version_from(m->version);
    ret_p->platform = (uint32_t)m->platform;
    ret_p->full_sync = m->full_sync;
out:
    return err;
}

static uint32_t be(const uint8_t *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static enum wb_err pairing_from(const Client__Pairing *m, struct arena *a,
                                struct client_pairing *ret_p)
{
    uint8_t registration[4], prekey[3], type[1];
    enum wb_err err;

    TRY(wire_fixed(m->has_registration_id, m->registration_id, registration, 4));
    TRY(wire_fixed(m->has_key_type, m->key_type, type, 1));
    TRY(wire_fixed(m->has_identity, m->identity, ret_p->identity, 32));
    TRY(wire_fixed(m->has_signed_prekey_id, m->signed_prekey_id, prekey, 3));
    TRY(wire_fixed(m->has_signed_prekey, m->signed_prekey, ret_p->signed_prekey, 32));
    TRY(wire_fixed(m->has_signed_prekey_sig, m->signed_prekey_sig, ret_p->signed_prekey_sig, 64));
    TRY(wire_fixed(m->has_build_hash, m->build_hash, ret_p->build_hash, CLIENT_BUILD_HASH_BYTES));
    if (type[0] != KEY_TYPE_DJB)
        return WB_ERR_MALFORMED;
    ret_p->registration_id = be(registration, sizeof registration);
    ret_p->signed_prekey_id = be(prekey, sizeof prekey);
    TRY(props_from(WIRE_SPAN(m, device_props), a, &ret_p->props));
out:
    return err;
}

enum wb_err client_payload_decode(struct span in, struct arena *a, struct client_payload *ret_p)
{
    struct client_payload p = {0};
    ProtobufCMessage *base = NULL;
    const Client__Payload *m;
    enum wb_err err;

    TRY(wire_unpack(&client__payload__descriptor, in, a, &base));
    m = (const Client__Payload *)(const void *)base;
    if (!m->user_agent || !m->user_agent->app_version)
        return WB_ERR_MALFORMED;
    p.version = version_from(m->user_agent->app_version);
    p.platform = m->user_agent->platform;
    p.has_username = m->has_username;
    p.username = m->username;
    p.has_device = m->has_device;
    p.device = m->device;
    p.has_passive = m->has_passive;
    p.passive = m->passive;
    p.has_pull = m->has_pull;
    p.pull = m->pull;
    p.has_lid_db_migrated = m->has_lid_db_migrated;
    p.lid_db_migrated = m->lid_db_migrated;
    p.has_login_counter = m->has_login_counter;
    p.login_counter = m->login_counter;
    p.connect_type = m->connect_type;
    p.connect_reason = m->connect_reason;
    p.push_name = WIRE_SPAN(m, push_name);
    if (m->pairing) {
        TRY(pairing_from(m->pairing, a, &p.pairing));
        p.registers = true;
    }
    *ret_p = p;
out:
    return err;
}
