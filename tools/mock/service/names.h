/* names.h - with --phone-per-name: the account of a push name, and what the name asks of it.
 *
 * Suites of other people link their clients by the QR text alone, and tell their server in the push
 * name what account they want. The forms are those of whatsapp-rust's suite:
 *   restricted:NAME              strangers need a privacy token to write, and to see picture and
 * presence scenario:FLAG,FLAG=0,…:NAME  the same by flags, see names.c */
#ifndef MOCK_SERVICE_NAMES_H
#define MOCK_SERVICE_NAMES_H

#include "base/buf.h"
#include "proto/node.h"

struct mock;
struct mock_account;

/* The account of a phone number, made and welcomed in the groups when unknown; of the default
 * number when digits is NULL or "". NULL: the number is bad. */
struct mock_account *names_of_number(struct mock *m, const char *digits);
/* The account of everybody who shows that push name, made if it is new; without a name always a new
 * one. Its phone sends no receipts, as a phone that is switched off. NULL: no memory. */
struct mock_account *names_account(struct mock *m, const char *name);
void names_free(struct mock *m);

/* The <prop>s of experiments that this account is part of. */
void names_put_props(struct mock *m, struct node *props, const struct mock_account *a);
/* Field 19 of HistorySync, the salt of the tokens for first contacts (P-X2-03), if it has one. */
void names_put_salt(const struct mock_account *a, struct buf *history);

#endif
