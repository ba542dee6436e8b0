# wb_room(<folder> <room> [USES <rooms or targets>...] [PRIVATE_USES <libraries>...]): the files of <folder>/<room>/ as
# the static library <folder>_<room> (mock_wire for tools/mock/wire). It links only the rooms named in USES and what those
# link, so that a call to a room above it does not link in its unit tests and in its link check (tests/CMakeLists.txt).
# USES names lower rooms of the folder by their short names, or targets. PRIVATE_USES names the libraries that this room
# alone includes. Rooms are declared lowest first: tests/check_includes.py has the same order.
function(wb_room folder room)
    cmake_parse_arguments(R "" "" "USES;PRIVATE_USES" ${ARGN})
    get_filename_component(prefix ${folder} NAME)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/${room}/*.c)
    if(NOT sources)
        message(FATAL_ERROR "${folder}/${room} is declared as a room and has no source file.")
    endif()
    add_library(${prefix}_${room} STATIC ${sources})
    foreach(used IN LISTS R_USES)
        if(TARGET ${prefix}_${used})
            set(used ${prefix}_${used})
        elseif(NOT TARGET ${used})
            message(FATAL_ERROR "${folder}/${room} uses ${used}, which is no target and no room below it.")
        endif()
        target_link_libraries(${prefix}_${room} PUBLIC ${used})
    endforeach()
    target_link_libraries(${prefix}_${room} PUBLIC wb_options PRIVATE wb_warnings ${R_PRIVATE_USES})
    set_property(GLOBAL APPEND PROPERTY WB_ROOMS ${prefix}_${room})
    set_property(GLOBAL APPEND PROPERTY WB_ROOMS_OF_${prefix} ${prefix}_${room})
endfunction()

# wb_above_rooms(<folder> [USES <targets>...] [PRIVATE_USES <libraries>...]): the target <folder>, made of the files that lie in the
# folder itself, above all of its rooms. Whoever links it has the rooms, too.
function(wb_above_rooms folder)
    cmake_parse_arguments(F "" "" "USES;PRIVATE_USES" ${ARGN})
    get_filename_component(prefix ${folder} NAME)
    get_property(rooms GLOBAL PROPERTY WB_ROOMS_OF_${prefix})
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    if(sources)
        add_library(${prefix} STATIC ${sources})
        target_link_libraries(${prefix} PUBLIC ${rooms} ${F_USES} wb_options PRIVATE wb_warnings ${F_PRIVATE_USES})
    else()
        add_library(${prefix} INTERFACE)
        target_link_libraries(${prefix} INTERFACE ${rooms} ${F_USES} wb_options)
    endif()
endfunction()

# While functions of the folder are still called from rooms below theirs: whoever links one room gets all of them, the
# linker looks into each archive as often as it takes, and unit tests link the folder instead of their room.
function(wb_rooms_in_a_circle folder)
    get_filename_component(prefix ${folder} NAME)
    get_property(rooms GLOBAL PROPERTY WB_ROOMS_OF_${prefix})
    foreach(room IN LISTS rooms)
        target_link_libraries(${room} INTERFACE ${prefix} ${rooms})
        set_target_properties(${room} PROPERTIES LINK_INTERFACE_MULTIPLICITY 9)
    endforeach()
    set_property(GLOBAL PROPERTY WB_CIRCLE_${prefix} ON)
endfunction()

# Links each room by itself, all of it, with the rooms that it uses: a call to a room above it fails the build. (A library
# alone would not: the linker takes what it lacks from whatever stands beside it in a program.)
function(wb_check_rooms)
    set(empty ${PROJECT_BINARY_DIR}/empty_main.c)
    if(NOT EXISTS ${empty})
        file(WRITE ${empty} "int main(void)\n{\n    return 0;\n}\n")
    endif()
    get_property(rooms GLOBAL PROPERTY WB_ROOMS)
    foreach(room IN LISTS rooms)
        add_executable(links_${room} ${empty} $<TARGET_OBJECTS:${room}>)
        target_link_libraries(links_${room} PRIVATE ${room})
    endforeach()
endfunction()
