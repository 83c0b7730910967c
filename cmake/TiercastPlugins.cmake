# Plug-ins for the tests, in build/plugins: tests/plugins/.
set(TIERCAST_PLUGINS_DIR ${CMAKE_BINARY_DIR}/plugins)

function(tiercast_test_plugin name source)
  add_library(plugin_${name} MODULE ${CMAKE_SOURCE_DIR}/tests/plugins/${source})
  target_include_directories(plugin_${name} PRIVATE ${CMAKE_SOURCE_DIR}
                                                    ${CMAKE_SOURCE_DIR}/models/policy)
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
                        LIBRARY_OUTPUT_DIRECTORY ${TIERCAST_PLUGINS_DIR}
                        C_EXTENSIONS ON  # raise, pause
                        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
  set_property(GLOBAL APPEND PROPERTY TIERCAST_TEST_PLUGINS plugin_${name})
endfunction()

# Makes the plug-ins and tells the named tests where they are.
function(tiercast_test_plugins)
  tiercast_test_plugin(faulty faulty.c)
  tiercast_test_plugin(faulty_router faulty_router.c)
  tiercast_test_plugin(older older.c)
  set(kinds no_entry other_version other_major no_tables no_select needs_future crashes small
      crashes_in_select)
  set(kind 0)
  foreach(name IN LISTS kinds)
    tiercast_test_plugin(${name} unfit.c)
    target_compile_definitions(plugin_${name} PRIVATE KIND=${kind})
    math(EXPR kind "${kind} + 1")
  endforeach()
  tiercast_test_plugin(library_copy library_copy.cpp)
  target_link_libraries(plugin_library_copy PRIVATE tierpolicy_shared)
  get_property(plugins GLOBAL PROPERTY TIERCAST_TEST_PLUGINS)
  foreach(test IN LISTS ARGN)
    add_dependencies(${test} ${plugins})
    target_compile_definitions(${test} PRIVATE TIERCAST_PLUGINS="${TIERCAST_PLUGINS_DIR}")
  endforeach()
endfunction()
