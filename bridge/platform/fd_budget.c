#include "bridge/platform/fd_budget.h"

#include "bridge/platform/loop.h"

_Static_assert((int)FD_BUDGET_API_MAX + (int)FD_BUDGET_ALWAYS < (int)LOOP_SOCKETS_MAX,
               "our own sockets have places in the loop's table that no caller can take");

size_t fd_budget_wanted(size_t inherited)
{
    return inherited + FD_BUDGET_ALWAYS + FD_BUDGET_API_MAX + FD_BUDGET_LATER;
}

size_t fd_budget_least(size_t inherited)
{
    return inherited + FD_BUDGET_ALWAYS + FD_BUDGET_API_MIN + FD_BUDGET_LATER;
}

enum wb_err fd_budget_share(size_t limit, size_t inherited, size_t *ret_callers, size_t *ret_bound)
{
    if (limit < fd_budget_least(inherited))
        return WB_ERR_TOO_LARGE;
    if (limit > fd_budget_wanted(inherited))
        limit = fd_budget_wanted(inherited);
    *ret_bound = limit - FD_BUDGET_LATER;
    *ret_callers = *ret_bound - inherited - FD_BUDGET_ALWAYS;
    return WB_OK;
}
