# Options of every target, by build kind.
option(WB_SANITIZE "ASan and UBSan" OFF)
option(WB_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)
option(WB_COVERAGE "gcov instrumentation" OFF)
# Without it each of many test programs links in a second instead of a minute.
option(WB_LTO "optimization across files in release builds" ON)
option(WB_FAULTS "fault points for the crash tests (base/fault.h)" OFF)

add_library(wb_options INTERFACE)
target_compile_features(wb_options INTERFACE c_std_11)
target_compile_definitions(wb_options INTERFACE _GNU_SOURCE)
target_include_directories(wb_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(wb_options INTERFACE -fno-strict-aliasing -fno-common)

if(WB_FAULTS)
    target_compile_definitions(wb_options INTERFACE WB_FAULTS)
endif()
if(WB_SANITIZE)
    target_compile_options(wb_options INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(wb_options INTERFACE -fsanitize=address,undefined)
endif()
if(WB_FUZZ)
    target_compile_options(wb_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WB_COVERAGE)
    target_compile_options(wb_options INTERFACE --coverage)
    target_link_options(wb_options INTERFACE --coverage)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(wb_options INTERFACE
        -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE
        -ffunction-sections -fdata-sections)
    target_link_options(wb_options INTERFACE
        -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
        target_compile_options(wb_options INTERFACE -fcf-protection)
    endif()
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${WB_LTO})
endif()
