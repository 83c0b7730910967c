#pragma once

#include <cstdlib>
#include <filesystem>

namespace tiercast::tests {

/// Root of the source tree under test.
inline std::filesystem::path source_dir() { return TIERCAST_SOURCE_DIR; }

/// Folder of traces, oracles and measurements that live beside the repository. It may be absent: a
/// test that needs it then says so with WARN and returns.
inline std::filesystem::path shared_dir() {
  const char* named = std::getenv("TIERCAST_SHARED");
  return named != nullptr && *named != '\0' ? std::filesystem::path(named)
                                            : source_dir() / ".." / "shared";
}

/// The command line program of the build under test; ctest names it. Empty outside ctest.
inline std::filesystem::path program() {
  const char* named = std::getenv("TESTED_TIERCAST");
  return named != nullptr ? std::filesystem::path(named) : std::filesystem::path();
}

}  // namespace tiercast::tests
