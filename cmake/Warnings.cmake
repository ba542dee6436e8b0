# Warnings for our own code; each one left out has its reason here.
# Not used: -Wconversion's float part and -Wpadded (layout is not our contract).
add_library(wb_warnings INTERFACE)
target_compile_options(wb_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2
    -Wundef -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings -Wswitch-enum
    -Wpointer-arith -Wredundant-decls -Werror
    # gcc's -Wnull-dereference reports inlined paths that cannot happen once sanitizers are on.
    $<$<AND:$<C_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wnull-dereference>)
