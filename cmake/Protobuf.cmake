# proto/schema/*.proto -> C through protobuf-c. Generated code is not held to our warnings.
wb_program(build PROTOC_C protoc-c)
file(GLOB schemas CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/proto/schema/*.proto)
set(generated)
set(schema_out ${PROJECT_BINARY_DIR}/schema)
foreach(schema IN LISTS schemas)
    get_filename_component(stem ${schema} NAME_WE)
    set(outputs ${schema_out}/schema/${stem}.pb-c.c ${schema_out}/schema/${stem}.pb-c.h)
    add_custom_command(OUTPUT ${outputs}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${schema_out}/schema
        COMMAND ${PROTOC_C} --proto_path=${PROJECT_SOURCE_DIR}/proto/schema
                --c_out=${schema_out}/schema ${schema}
        DEPENDS ${schemas} VERBATIM)
    list(APPEND generated ${outputs})
endforeach()
if(NOT generated)
    file(WRITE ${schema_out}/schema/none.c "typedef int wa_schema_none;\n")
    list(APPEND generated ${schema_out}/schema/none.c)
endif()
add_library(wa_schema STATIC ${generated})
# Include as "schema/<name>.pb-c.h".
target_include_directories(wa_schema SYSTEM PUBLIC ${schema_out})
wb_library(build PROTOBUF_C libprotobuf-c)
target_link_libraries(wa_schema PUBLIC PkgConfig::PROTOBUF_C PRIVATE wb_options)
