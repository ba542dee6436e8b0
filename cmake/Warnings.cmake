# Warnings for our own code; each one left out has its reason here.
# Not used: -Wconversion's float part and -Wpadded (layout is not our contract).
# Another compiler, or another version of a library, brings warnings that we have not met. They are errors for us
# (the presets dev, fuzz and coverage, and tools/test for the release), not for whoever builds it to use it.
option(WB_WERROR "warnings are errors" OFF)
set(WB_WERROR_FLAG $<$<BOOL:${WB_WERROR}>:-Werror>)
add_library(wb_warnings INTERFACE)
target_compile_options(wb_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2
    -Wundef -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings -Wswitch-enum
    -Wpointer-arith -Wredundant-decls ${WB_WERROR_FLAG}
    # gcc's -Wnull-dereference reports inlined paths that cannot happen once sanitizers are on.
    $<$<AND:$<C_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wnull-dereference>)
