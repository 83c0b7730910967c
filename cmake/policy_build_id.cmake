# Script: writes OUTPUT, which says what the policy library was built from: a digest of FILES, a list
# of its sources and headers below SOURCE_DIR, and of COMPILER.
set(text "${COMPILER}\n")
foreach(file IN LISTS FILES)
  file(SHA256 ${file} digest)
  file(RELATIVE_PATH name ${SOURCE_DIR} ${file})
  string(APPEND text "${name} ${digest}\n")
endforeach()
string(SHA256 digest "${text}")
string(SUBSTRING ${digest} 0 16 BUILD_ID)
file(WRITE ${OUTPUT} "#include \"models/policy/build_id.hpp\"\n\nnamespace tiercast::policy {\n"
     "const char* const library_build = \"${BUILD_ID}\";\n}\n")
