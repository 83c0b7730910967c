# tests/python: the policy library's Python package and the scenarios' script, by unittest, on the
# library and the program that were built. `python` is the everyday suite with 10^5 calls to each pair
# of cache managers, `python_slow` (label slow) makes 10^6.
function(tiercast_python_tests)
  find_package(Python3 3.10 COMPONENTS Interpreter)
  if(NOT Python3_FOUND)
    message(STATUS "Python is not installed: tests/python is left out")
    return()
  endif()
  if(TIERCAST_SANITIZE)  # a sanitized library needs a sanitized host
    return()
  endif()
  set(run ${Python3_EXECUTABLE} -m unittest)
  add_test(NAME python COMMAND ${run} discover -s ${CMAKE_SOURCE_DIR}/tests/python)
  add_test(NAME python_slow COMMAND ${run} discover -s ${CMAKE_SOURCE_DIR}/tests/python
           -p test_decisions.py)
  set_tests_properties(python_slow PROPERTIES LABELS slow)
  set(operations_python 100000)
  set(operations_python_slow 1000000)
  foreach(name python python_slow)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      "PYTHONPATH=${CMAKE_SOURCE_DIR}/models/policy/python;PYTHONDONTWRITEBYTECODE=1;TIERPOLICY_LIBRARY=$<TARGET_FILE:tierpolicy_shared>;TESTED_TIERCAST=$<TARGET_FILE:tiercast>;TIERPOLICY_TEST_OPERATIONS=${operations_${name}}")
  endforeach()
endfunction()
