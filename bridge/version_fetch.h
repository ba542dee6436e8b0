/* version_fetch.h - which web version to claim: 2.3000.N (P-HS-18, P-HS-19, P-ER-06). */
#ifndef BRIDGE_VERSION_FETCH_H
#define BRIDGE_VERSION_FETCH_H

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
/* Looks on the web, on a worker; CONN_EV_VERSION when it is over. Once at a time. */
void version_fetch_start(struct version_fetch *v);
/* The same, when the last look is older than a day; the result serves later connections. */
void version_fetch_if_old(struct version_fetch *v);
/* <success> with this N: remembered as good. */
void version_good(struct version_fetch *v, uint32_t n);

/* N out of a page: "client_revision": digits, with or without backslashes before the quotes. */
bool version_find(struct span page, uint32_t *ret_n);
/* The page to look at for a server: WhatsApp's own for "", else http(s)://host:port/sw.js. false
 * when it does not fit into n bytes. */
bool version_page_url(const char *server_url, char *out, size_t n);

#endif
