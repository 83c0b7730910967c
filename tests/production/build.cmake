# Script: installs the policy library into a scratch folder and builds manager/ against it, as a
# project elsewhere would.
cmake_minimum_required(VERSION 3.25)
set(prefix ${BUILD_DIR}/production/installed)
function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE code)
  if(code)
    message(FATAL_ERROR "${ARGN}\n${out}${err}exit ${code}")
  endif()
endfunction()
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --component policy --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/tests/production/manager -B ${BUILD_DIR}/production/manager
    -G Ninja -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
run(${CMAKE_COMMAND} --build ${BUILD_DIR}/production/manager)
