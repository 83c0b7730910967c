# Script: installs the policy library into a scratch folder, moves that folder, and builds and runs
# hosts and plug-ins against it through the CMake package and through pkg-config.
cmake_minimum_required(VERSION 3.25)
set(scratch ${BUILD_DIR}/policy_package)
file(REMOVE_RECURSE ${scratch})

function(run output)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE code)
  if(code)
    message(FATAL_ERROR "${ARGN}\n${out}${err}exit ${code}")
  endif()
  set(${output} "${out}" PARENT_SCOPE)
endfunction()

function(expect program)
  run(out ${ARGN} ${program})
  if(NOT out MATCHES "^lru 3\nfifo 0\ns3fifo 0\n([a-z0-9-]+ [0-3]\n)*$")
    message(FATAL_ERROR "${program} prints\n${out}")
  endif()
endfunction()

run(ignored ${CMAKE_COMMAND} --install ${BUILD_DIR} --component policy --prefix ${scratch}/first)
file(RENAME ${scratch}/first ${scratch}/moved)
set(prefix ${scratch}/moved)

run(ignored ${CMAKE_COMMAND} -S ${SOURCE_DIR}/tests/policy/package -B ${scratch}/user -G Ninja
    -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_C_COMPILER=${C_COMPILER}
    -DEXAMPLES=${SOURCE_DIR}/models/policy/example)
run(ignored ${CMAKE_COMMAND} --build ${scratch}/user)
expect(${scratch}/user/with_static)
expect(${scratch}/user/with_shared)
run(out ${scratch}/user/with_adapter)
if(NOT out STREQUAL "my-fifo\n")
  message(FATAL_ERROR "with_adapter prints\n${out}")
endif()

# What a user builds against the installed tree is a plug-in of the simulator as it stands. The
# example evicts the lowest slot, so of [1 2 3 1 2 4] in two blocks only the second 2 is a hit.
file(WRITE ${scratch}/trace.jsonl
     "{\"timestamp\": 0, \"input_length\": 3072, \"output_length\": 1, \"hash_ids\": [1, 2, 3, 1, 2, 4]}\n")
function(expect_plugin plugin)
  foreach(flags "" --isolate-plugins)
    run(out ${TIERCAST} cache ${scratch}/trace.jsonl --policy ${plugin} --capacity 2 ${flags})
    if(NOT out MATCHES "\nlowest-slot +2 +50.00 % +5 ")
      message(FATAL_ERROR "tiercast with ${plugin} ${flags} prints\n${out}")
    endif()
  endforeach()
endfunction()
expect_plugin(${scratch}/user/plugin.so)

# The Python package finds the library that was installed with it.
find_program(PYTHON python3)
if(PYTHON)
  run(out ${CMAKE_COMMAND} -E env --unset=TIERPOLICY_LIBRARY PYTHONDONTWRITEBYTECODE=1
      PYTHONPATH=${prefix}/share/tierpolicy/python ${PYTHON} -c
      "import tierpolicy\nprint(tierpolicy.library().path, tierpolicy.Cache('arc', 3).name)")
  if(NOT out STREQUAL "${prefix}/${LIBDIR}/libtierpolicy.so.0 arc\n")
    message(FATAL_ERROR "the installed Python package prints\n${out}")
  endif()
else()
  message(STATUS "Python is not installed: its package is not tried")
endif()

find_program(PKG_CONFIG pkg-config)
if(NOT PKG_CONFIG)
  message(STATUS "pkg-config is not installed: its file is not tried")
  return()
endif()
set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
run(flags ${PKG_CONFIG} --cflags --libs tierpolicy)
separate_arguments(flags UNIX_COMMAND "${flags}")
run(ignored ${C_COMPILER} ${SOURCE_DIR}/tests/policy/package/main.c ${flags} -o ${scratch}/by_pc)
expect(${scratch}/by_pc ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${prefix}/${LIBDIR})
set(example ${SOURCE_DIR}/models/policy/example/lowest_slot)
run(ignored ${C_COMPILER} -shared -fPIC ${example}.c ${flags} -o ${scratch}/lowest_slot.so)
expect_plugin(${scratch}/lowest_slot.so)
