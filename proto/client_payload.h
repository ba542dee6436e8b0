/* client_payload.h - how we present ourselves in the third handshake message (P-HS-17..25), and how
 * wa-mock reads that. */
#ifndef PROTO_CLIENT_PAYLOAD_H
#define PROTO_CLIENT_PAYLOAD_H

#include "base/arena.h"
#include "base/buf.h"

enum { CLIENT_BUILD_HASH_BYTES = 16, CLIENT_VERSION_TEXT_MAX = 36 };

struct client_version {
    uint32_t primary, secondary, tertiary; /* 2.3000.N */
};
/* Writes "2.3000.N", the text whose MD5 is the build hash (P-HS-21, P-TV-15). Returns out. */
const char *client_version_text(struct client_version v, char out[static CLIENT_VERSION_TEXT_MAX]);

/* DeviceProps.platformType (P-HS-23): decides the icon in the phone's list of devices. */
enum client_platform {
    CLIENT_PLATFORM_UNKNOWN = 0,
    CLIENT_PLATFORM_CHROME = 1,
    CLIENT_PLATFORM_FIREFOX = 2,
    CLIENT_PLATFORM_DESKTOP = 7,
};

/* Our name and icon in the phone's list; fixed at pairing. */
struct client_device_props {
    struct span os;            /* "whatsmeow" in the Go bridge */
    struct client_version app; /* 0.1.0 */
    uint32_t platform;         /* enum client_platform, or any number the server may know */
    bool full_sync;            /* asks the phone for a full history (P-HS-25) */
};

/* The keys of a device that is not yet paired (P-HS-21). */
struct client_pairing {
    uint32_t registration_id;
    uint8_t identity[32];
    uint32_t signed_prekey_id; /* 24 bits on the wire */
    uint8_t signed_prekey[32];
    uint8_t signed_prekey_sig[64];
    uint8_t build_hash[CLIENT_BUILD_HASH_BYTES];
    struct client_device_props props;
};

/* Appends the payload of a paired device that logs in (P-HS-20): user = digits of the PN, device =
 * its number. */
enum wb_err client_payload_login(struct client_version version, uint64_t user, uint32_t device,
                                 struct buf *out) WB_MUST_CHECK;
/* Appends the payload of a new device that registers (P-HS-21, 23, 24). INVALID when the prekey id
 * has over 24 bits. */
enum wb_err client_payload_registration(struct client_version version,
                                        const struct client_pairing *p,
                                        struct buf *out) WB_MUST_CHECK;

/* A payload as the server reads it. Spans borrow from the arena. */
struct client_payload {
    bool has_username, has_device, has_passive, has_pull, has_lid_db_migrated, has_login_counter;
    uint64_t username;
    uint32_t device;
    bool passive, pull, lid_db_migrated;
    int32_t login_counter;
    struct client_version version;
    int32_t platform; /* 14 WEB */
    int32_t connect_type, connect_reason;
    struct span push_name;
    bool registers; /* pairing is filled */
    struct client_pairing pairing;
};
/* MALFORMED when pairing data is there with wrong sizes, or no version is given. */
enum wb_err client_payload_decode(struct span in, struct arena *a,
                                  struct client_payload *ret_p) WB_MUST_CHECK;

#endif
