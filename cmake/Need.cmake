# What the build needs from the system. A missing library is an error that says which command installs it:
# GROUP is a group of packages of tools/setup-debian (build, test, peers).
function(wb_missing group what)
    message(FATAL_ERROR "${what} is missing. On Debian `tools/setup-debian ${group}` installs what is needed; its "
                        "lists name the packages.")
endfunction()

find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
    wb_missing(build pkg-config)
endif()

# wb_library(<group> <prefix> <pkg-config name>): the target PkgConfig::<prefix>, and <prefix>_INCLUDE_DIRS.
macro(wb_library group prefix name)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${name})
    if(NOT ${prefix}_FOUND)
        wb_missing(${group} "The library ${name} (its pkg-config file ${name}.pc)")
    endif()
endmacro()

# wb_program(<group> <variable> <name>)
macro(wb_program group variable name)
    find_program(${variable} ${name})
    if(NOT ${variable})
        wb_missing(${group} "The program ${name}")
    endif()
endmacro()
