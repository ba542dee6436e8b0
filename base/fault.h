/* fault.h - named places at which a test ends the process or makes a step fail.
 *
 * Compiled in with -DWB_FAULTS=ON only (the preset `dev`); otherwise nothing is left of them. Armed
 * from outside:
 *
 *   WB_FAULT=name:N[:how]  strikes at the N-th pass (1 is the first). how: `kill` (SIGKILL, the
 *                          default), `io` or `space` (a FAULT_ERROR fails with IO or NO_SPACE)
 *
 *   WB_FAULT_LOG=file      gets the name at every pass, for the proof that no point is dead
 *
 * docs/testing.md says how the crash harness uses them. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/err.h"

#ifdef WB_FAULTS
enum wb_err fault_point(const char *name);
/* Between two steps: only `kill` has an effect. */
#define FAULT_POINT(name) ((void)fault_point(name))
/* For TRY(): `io` and `space` have an effect, too, once. */
#define FAULT_ERROR(name) fault_point(name)
#else
#define FAULT_POINT(name) ((void)0)
#define FAULT_ERROR(name) WB_OK
#endif

#endif
