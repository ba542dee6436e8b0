/* mishap.h - for open databases that can be used no longer (store/backup/rescue.h): files that have
 * lost their names are rescued, then this run ends and main.c begins a new one in the same process,
 * whose start checks all files and restores damaged ones (no credentials are lost;
 * damage is detected and set aside). */
#ifndef BRIDGE_RECOVERY_MISHAP_H
#define BRIDGE_RECOVERY_MISHAP_H

#include <stdbool.h>

#include "base/err.h"

struct bridge;
struct mishap;

/* From then on it looks for damage by itself, and emits BRIDGE_EV_BEGIN_ANEW when this run must
 * end. checked: this run's start has checked all files because of suspected damage, and found none.
 * The check is not repeated soon: until then damage is treated like a full disk. */
enum wb_err mishap_new(struct bridge *b, bool checked, struct mishap **ret_m) WB_MUST_CHECK;
void mishap_free(struct mishap *m); /* NULL-safe */
/* A backup reports that a file is damaged; text says how. Believed unless this run was `checked`:
 * then the backup's own disk may be at fault. */
void mishap_suspected(struct mishap *m, const char *text);
/* Call it after each iteration of the loop; it costs almost nothing. */
void mishap_look(struct mishap *m);
/* Why a new run must begin, for people; NULL: none must. *ret_damaged: a file was found damaged. */
const char *mishap_begin_anew(const struct mishap *m, bool *ret_damaged);

#endif
