# Writes OUTPUT with the version and the commit it was built from; leaves the file alone when nothing changed.
find_program(GIT git)
set(source "unknown")
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} describe --always --dirty --tags
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(source ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[/* Generated. */
#ifndef XUELIAN_VERSION_H
#define XUELIAN_VERSION_H
#define XUELIAN_VERSION "@VERSION@"
#define XUELIAN_SOURCE "@source@"
#endif
]] @ONLY)
