/* mishap.h - the open databases can be used no longer (store/backup/rescue.h): what is only open
 * any more is rescued, then this run ends and main.c begins a new one in the same process, whose
 * start checks everything and restores what is damaged. */
#ifndef BRIDGE_RECOVERY_MISHAP_H
#define BRIDGE_RECOVERY_MISHAP_H

#include <stdbool.h>

#include "base/err.h"

struct bridge;
struct mishap;

/* Looks by itself from then on; BRIDGE_EV_BEGIN_ANEW when this run is to end. checked: the start of
 * this run has checked everything because of damage, and found none. That is not done again so
 * soon: meanwhile damage is trouble like that with a full disk. */
enum wb_err mishap_new(struct bridge *b, bool checked, struct mishap **ret_m) WB_MUST_CHECK;
void mishap_free(struct mishap *m); /* NULL-safe */
/* A backup says that a file is damaged, as text has it. Believed unless this run is a checked one:
 * then it may be the backup's own disk. */
void mishap_suspected(struct mishap *m, const char *text);
/* After each iteration of the loop; costs nothing. */
void mishap_look(struct mishap *m);
/* Why a new run is to begin, for people; NULL: none is. *ret_damaged: a file was found damaged. */
const char *mishap_begin_anew(const struct mishap *m, bool *ret_damaged);

#endif
