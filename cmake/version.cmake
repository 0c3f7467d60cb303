# Writes OUTPUT with the version and the commit of SOURCE_DIR; leaves it alone when nothing changed.
# A mounted tree may belong to another user, which git distrusts unless told not to.
execute_process(COMMAND git -c safe.directory=* -C ${SOURCE_DIR} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
set(text "#pragma once\n\nnamespace spacemoe {\n\ninline constexpr char version[] = \"${VERSION}\";\ninline constexpr char commit[] = \"${commit}\";\n\n}  // namespace spacemoe\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT text STREQUAL old)
  file(WRITE ${OUTPUT} "${text}")
endif()
