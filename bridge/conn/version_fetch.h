/* version_fetch.h - which web version to claim, 2.3000.N (P-HS-18, P-HS-19: fetched and cached;
 * P-ER-06: WhatsApp refuses old ones with 405). */
#ifndef BRIDGE_CONN_VERSION_FETCH_H
#define BRIDGE_CONN_VERSION_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct bridge;
struct version_fetch;

/* Reads the last good version from the store. */
enum wb_err version_fetch_new(struct bridge *b, struct version_fetch **ret_v) WB_MUST_CHECK;
void version_fetch_free(struct version_fetch *v);

/* --wa-version, else the newest of: built in, last good, found on the web. */
uint32_t version_current(const struct version_fetch *v);
/* Looks on the web, on a worker, at one source after the other until one names a version (P-X2-18);
 * then CONN_EV_VERSION comes. One look at a time. */
void version_fetch_start(struct version_fetch *v);
/* Looks on the web if the last look is older than a day; the result serves later connections. */
void version_fetch_if_old(struct version_fetch *v);
/* <success> with this N: remembered as good. */
void version_good(struct version_fetch *v, uint32_t n);

/* <ib><client_expiration t=>: WhatsApp will refuse N from that time (unix seconds) on, with 405.
 * The bridge looks for a newer version once a day, also after restarts, and uses it for the next
 * connection (P-X2-18). */
void version_expiry_announced(struct version_fetch *v, uint32_t n, uint64_t at_s);
/* The same stanza without t: WhatsApp will not refuse N. */
void version_expiry_withdrawn(struct version_fetch *v);
/* The announced end of the current version, unix seconds; 0: none. */
int64_t version_expires_at(const struct version_fetch *v);

/* Finds N in a page: "client_revision": digits, with or without backslashes before the quotes. */
bool version_find(struct span page, uint32_t *ret_n);
/* The pages to look at for a server: WhatsApp's own for "", else http(s)://host:port/sw.js (source
 * 0) and http(s)://host:port/ (1). false when it does not fit into n bytes. */
enum { VERSION_SOURCES = 2 };
bool version_page_url(const char *server_url, size_t source, char *out, size_t n);

#endif
