/* config.h - the command line of wa-mock. */
#ifndef MOCK_CORE_CONFIG_H
#define MOCK_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct mock_config {
    uint16_t port;    /* 0: any free port */
    bool tls;         /* wss and https with a self-signed certificate */
    bool has_seed;    /* all randomness comes from this seed */
    uint8_t seed[32]; /* --seed N, spread over 32 bytes */
    bool has_root_seed;
    uint8_t root_seed[32];  /* --root-key-seed: private half of the certificate root */
    const char *trace_path; /* NULL: none */
    const char *ca_path;    /* where --tls writes the certificate; NULL: a temporary file */
    unsigned contacts;      /* scripted people made at start */
    unsigned groups;        /* groups of all these people, joined by every account that pairs */
    bool groups_pn;         /* those groups are addressed by phone number, not by LID */
    const char *phone;      /* account that scan-qr pairs without ?phone= */
    bool phone_per_name;    /* ... or the account of the client's push name, made when needed */
    int64_t ref_first_ms;   /* how long the first QR ref lives, then each next (P-PR-03) */
    int64_t ref_next_ms;
    int64_t ping_every_ms;     /* 0: the server sends no urn:xmpp:ping */
    unsigned compress_over;    /* stanzas above this many bytes go out deflated; 0: never */
    bool require_tctoken;      /* 463 for first contacts without a privacy token (P-SD-27) */
    bool phash_without_sender; /* the hash in acks of 1:1 messages leaves the sending device out */
    int64_t chatstate_ttl_ms;  /* 'is typing' waits so long for an offline device; 0: dropped */
    bool strict_close;         /* a flagged ack or receipt also ends the stream */
    bool verbose;
};

enum config_result { CONFIG_RUN, CONFIG_HELP, CONFIG_BAD };

/* Fills *ret_c from argv; prints help or what is wrong. */
enum config_result config_parse(int argc, char **argv, struct mock_config *ret_c);
/* The settings of a mock without options, for the unit tests. */
struct mock_config config_default(void);

#endif
