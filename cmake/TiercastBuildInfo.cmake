# tiercast_build_info: version, git revision, compiler and build type (sim/cli/build_info.hpp).
# The revision is looked up at every build, yet the source changes only when the revision does, so
# nothing is compiled or linked again without need. Without git, or outside a clone, it is empty.
set(build_info_cpp ${CMAKE_BINARY_DIR}/generated/build_info.cpp)
add_custom_target(tiercast_revision
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${build_info_cpp}
          -DVERSION=${PROJECT_VERSION}
          "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          -DBUILD_TYPE=${CMAKE_BUILD_TYPE} -P ${CMAKE_SOURCE_DIR}/cmake/revision.cmake
  BYPRODUCTS ${build_info_cpp}
  COMMENT "Looking up the revision" VERBATIM)
add_library(tiercast_build_info STATIC ${build_info_cpp})
target_include_directories(tiercast_build_info PRIVATE ${CMAKE_SOURCE_DIR})
add_dependencies(tiercast_build_info tiercast_revision)
