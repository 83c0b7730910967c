# The policy library as a product of its own: libtierpolicy.a (the very objects the simulator
# links), libtierpolicy.so, the C headers, the C++ headers, a CMake package, a pkg-config file.
#
#     cmake --install build/release --component policy --prefix /usr/local
include(CMakePackageConfigHelpers)
set(policy_include ${CMAKE_INSTALL_INCLUDEDIR})
set(policy_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/tierpolicy)

set_target_properties(tiercast_policy PROPERTIES OUTPUT_NAME tierpolicy EXPORT_NAME static)
target_include_directories(tiercast_policy INTERFACE $<INSTALL_INTERFACE:${policy_include}>)

# Only what tierpolicy.h declares leaves the shared library.
get_property(policy_sources GLOBAL PROPERTY TIERCAST_policy_SOURCES)
add_library(tierpolicy_shared SHARED ${policy_sources})
target_include_directories(tierpolicy_shared PRIVATE ${CMAKE_SOURCE_DIR}
                           INTERFACE $<INSTALL_INTERFACE:${policy_include}>)
set_target_properties(tierpolicy_shared PROPERTIES OUTPUT_NAME tierpolicy EXPORT_NAME shared
                      VERSION ${PROJECT_VERSION} SOVERSION 0
                      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

install(TARGETS tiercast_policy tierpolicy_shared EXPORT tierpolicy
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT policy
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT policy
        FILE_SET HEADERS DESTINATION ${policy_include}/tierpolicy COMPONENT policy)
# The C++ headers include these by their place in the source tree, C programs as <tierpolicy.h>.
set(policy_c_headers ${CMAKE_CURRENT_LIST_DIR}/tierpolicy.h
    ${CMAKE_CURRENT_LIST_DIR}/tierpolicy_placement.h
    ${CMAKE_CURRENT_LIST_DIR}/tierpolicy_router.h ${CMAKE_CURRENT_LIST_DIR}/tierpolicy_tape.h)
install(FILES ${policy_c_headers} DESTINATION ${policy_include} COMPONENT policy)
install(FILES ${policy_c_headers} DESTINATION ${policy_include}/tierpolicy/models/policy
        COMPONENT policy)
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/python/tierpolicy
        DESTINATION ${CMAKE_INSTALL_DATADIR}/tierpolicy/python COMPONENT policy
        FILES_MATCHING PATTERN "*.py")
install(EXPORT tierpolicy NAMESPACE tierpolicy:: FILE tierpolicyConfig.cmake
        DESTINATION ${policy_cmake} COMPONENT policy)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/tierpolicyConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/tierpolicyConfigVersion.cmake DESTINATION ${policy_cmake}
        COMPONENT policy)
file(RELATIVE_PATH policy_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/tierpolicy.pc.in ${CMAKE_BINARY_DIR}/tierpolicy.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/tierpolicy.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT policy)

if(TARGET test_policy)
  foreach(language c cpp)
    set(plugin tierpolicy_example_${language})
    add_library(${plugin} MODULE ${CMAKE_CURRENT_LIST_DIR}/example/lowest_slot.${language})
    target_include_directories(${plugin} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_LIST_DIR})
    set_target_properties(${plugin} PROPERTIES PREFIX "" OUTPUT_NAME lowest_slot_${language})
    add_dependencies(test_policy ${plugin})
    string(TOUPPER ${language} language)
    target_compile_definitions(test_policy PRIVATE
                               TIERPOLICY_EXAMPLE_${language}="$<TARGET_FILE:${plugin}>")
  endforeach()
  add_dependencies(test_policy tierpolicy_shared)
  target_link_libraries(test_policy PRIVATE ${CMAKE_DL_LIBS})
  # A sanitized library needs a sanitized host.
  if(NOT TIERCAST_SANITIZE)
    add_test(NAME policy_package
             COMMAND ${CMAKE_COMMAND} -DBUILD_DIR=${CMAKE_BINARY_DIR}
                     -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DC_COMPILER=${CMAKE_C_COMPILER}
                     -DLIBDIR=${CMAKE_INSTALL_LIBDIR} -DTIERCAST=$<TARGET_FILE:tiercast>
                     -P ${CMAKE_SOURCE_DIR}/tests/policy/package/check.cmake)
  endif()
endif()
