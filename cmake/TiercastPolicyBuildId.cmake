# policy_build_id_cpp: the source that says what the policy library was built from
# (models/policy/build_id.hpp), made again when any of that changes.
set(policy_build_id_cpp ${CMAKE_BINARY_DIR}/generated/policy_build_id.cpp)
file(GLOB policy_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/policy/*.h
     ${CMAKE_SOURCE_DIR}/models/policy/*.hpp ${CMAKE_SOURCE_DIR}/models/policy/*.cpp)
list(SORT policy_files)
add_custom_command(
  OUTPUT ${policy_build_id_cpp}
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${policy_build_id_cpp}
          "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          "-DFILES=${policy_files}" -P ${CMAKE_SOURCE_DIR}/cmake/policy_build_id.cmake
  DEPENDS ${policy_files} ${CMAKE_SOURCE_DIR}/cmake/policy_build_id.cmake
  COMMENT "Naming the policy library's build" VERBATIM)
