# The verifier as a library for other programs: libxuelian-verify, static and shared, its header, a pkg-config file. The
# sources are compiled again, position independent and with nothing but verify_* to be seen from outside.
set(VERIFY_SOURCES ${XUELIAN_VERIFY_SOURCES})
list(TRANSFORM VERIFY_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
foreach(name bytes check hash merkle quorum sign status)
  list(APPEND VERIFY_SOURCES ${PROJECT_SOURCE_DIR}/proto/${name}.c)
endforeach()
add_library(xuelian_verify_objects OBJECT ${VERIFY_SOURCES})
target_include_directories(xuelian_verify_objects PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(xuelian_verify_objects PRIVATE -fPIC -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_link_libraries(xuelian_verify_objects PRIVATE PkgConfig::secp256k1 PkgConfig::crypto)

set(VERIFY_MAP ${CMAKE_CURRENT_SOURCE_DIR}/xuelian_verify.map)
add_library(xuelian_verify_shared SHARED $<TARGET_OBJECTS:xuelian_verify_objects>)
set_target_properties(xuelian_verify_shared PROPERTIES OUTPUT_NAME xuelian-verify SOVERSION 0
  VERSION ${PROJECT_VERSION} LINK_DEPENDS ${VERIFY_MAP})
target_link_options(xuelian_verify_shared PRIVATE -Wl,--version-script=${VERIFY_MAP} -Wl,--no-undefined)
target_link_libraries(xuelian_verify_shared PRIVATE PkgConfig::secp256k1 PkgConfig::crypto)

# One object in which everything but verify_* is local, so that the archive brings no name of ours into a program.
set(VERIFY_ARCHIVE ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libxuelian-verify.a)
add_custom_command(OUTPUT ${VERIFY_ARCHIVE}
  COMMAND ${CMAKE_LINKER} -r -o xuelian_verify_whole.o $<TARGET_OBJECTS:xuelian_verify_objects>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=verify_* xuelian_verify_whole.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${VERIFY_ARCHIVE}
  COMMAND ${CMAKE_AR} rcs ${VERIFY_ARCHIVE} xuelian_verify_whole.o
  DEPENDS xuelian_verify_objects $<TARGET_OBJECTS:xuelian_verify_objects> COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(xuelian_verify_archive ALL DEPENDS ${VERIFY_ARCHIVE})

configure_file(libxuelian-verify.pc.in ${CMAKE_CURRENT_BINARY_DIR}/libxuelian-verify.pc @ONLY)
install(TARGETS xuelian_verify_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT verify)
install(FILES ${VERIFY_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT verify)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libxuelian-verify.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT verify)
install(FILES xuelian_verify.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xuelian-verify COMPONENT verify)
install(FILES ${PROJECT_SOURCE_DIR}/proto/limits.h ${PROJECT_SOURCE_DIR}/proto/status.h
  ${PROJECT_SOURCE_DIR}/proto/types.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xuelian-verify/proto COMPONENT verify)
