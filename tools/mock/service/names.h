/* names.h - with --phone-per-name: the account of a push name, and what the name asks of it.
 *
 * Other projects' suites link their clients by the QR text alone, and tell their server in the push
 * name what account they want. The forms are those of whatsapp-rust's suite:
 * "restricted:NAME" (strangers need a privacy token to write, and to see
 * picture and presence), and "scenario:FLAG,FLAG=0,...:NAME" (the same by flags, see names.c). */
#ifndef MOCK_SERVICE_NAMES_H
#define MOCK_SERVICE_NAMES_H

#include "base/buf.h"
#include "proto/node.h"

struct mock;
struct mock_account;

/* The account of a phone number, or of the default number if digits is NULL or "". An unknown
 * account is made and joins the groups. NULL: the number is bad. */
struct mock_account *names_of_number(struct mock *m, const char *digits);
/* The account of all clients that show this push name, made if the name is new; without a name
 * always a new account. Its phone sends no receipts, like a phone that is switched off. NULL: no
 * memory. */
struct mock_account *names_account(struct mock *m, const char *name);
void names_free(struct mock *m);

/* Adds the <prop>s of the experiments that this account is part of. */
void names_put_props(struct mock *m, struct node *props, const struct mock_account *a);
/* Adds the salt for the tokens of first contacts (P-X2-03), if the account has one: field 19 of
 * HistorySync. */
void names_put_salt(const struct mock_account *a, struct buf *history);

#endif
