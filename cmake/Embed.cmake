# wb_embed(<target> <name> <file>): the file's bytes as `const struct api_asset asset_<name>`
# (api/route/assets.h), so that the binary needs no files beside it. Also the script that writes the source.
if(DEFINED EMBED_OUT)
    file(READ ${EMBED_IN} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    file(WRITE ${EMBED_OUT} "#include \"api/route/assets.h\"\n\nstatic const uint8_t bytes[] = {\n${bytes}};\n"
        "const struct api_asset asset_${EMBED_NAME} = {bytes, sizeof bytes};\n")
    return()
endif()

set(WB_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(wb_embed target name file)
    set(out ${PROJECT_BINARY_DIR}/assets/${name}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DEMBED_IN=${PROJECT_SOURCE_DIR}/${file} -DEMBED_OUT=${out}
                -DEMBED_NAME=${name} -P ${WB_EMBED_SCRIPT}
        DEPENDS ${PROJECT_SOURCE_DIR}/${file} ${WB_EMBED_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
