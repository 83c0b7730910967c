#pragma once

#include <string>
#include <vector>

namespace tiercast::tests {

/// How a program ended and what it wrote.
struct Finished {
  int exit_code = -1;  // 128 + signal where a signal ended it, as in a shell
  std::string out;
  std::string err;
};

/// Runs argv[0] (looked up on PATH) with an empty standard input and waits for it. The program sees
/// this process's environment, changed by `environment` ("NAME=value" entries) and no terminal.
Finished run_process(const std::vector<std::string>& argv,
                     const std::vector<std::string>& environment = {});

}  // namespace tiercast::tests
