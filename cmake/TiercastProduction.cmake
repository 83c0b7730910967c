# tests/production: the manager in its folder is built by ctest against the installed library, then
# the tests run it beside the simulator's pools.
function(tiercast_production_tests)
  target_sources(test_production PRIVATE ${CMAKE_SOURCE_DIR}/tests/tiering/small_tiers.cpp
                 ${CMAKE_SOURCE_DIR}/tests/tiering/small_tiers_checks.cpp)
  target_compile_definitions(
    test_production PRIVATE
    KV_MANAGER_PROGRAM="${CMAKE_BINARY_DIR}/production/manager/kv_manager")
  if(TIERCAST_SANITIZE)  # a sanitized library needs a sanitized host
    return()
  endif()
  add_test(NAME production_manager
           COMMAND ${CMAKE_COMMAND} -DBUILD_DIR=${CMAKE_BINARY_DIR}
                   -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DCXX_COMPILER=${CMAKE_CXX_COMPILER}
                   -DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
                   -P ${CMAKE_SOURCE_DIR}/tests/production/build.cmake)
  set_tests_properties(production_manager PROPERTIES FIXTURES_SETUP production)
  set_tests_properties(production production_slow PROPERTIES FIXTURES_REQUIRED production
                       RESOURCE_LOCK production)
endfunction()
