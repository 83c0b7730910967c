#pragma once

#include <cstdlib>
#include <filesystem>

namespace tiercast::tests {

/// Root of the source tree under test.
inline std::filesystem::path source_dir() { return TIERCAST_SOURCE_DIR; }

/// Folder of traces, oracles and measurements that live beside the repository; may be absent, in
/// which case a test that needs it says so with WARN and returns.
inline std::filesystem::path shared_dir() {
  const char* named = std::getenv("TIERCAST_SHARED");
  return named != nullptr && *named != '\0' ? std::filesystem::path(named)
                                            : source_dir() / ".." / "shared";
}

}  // namespace tiercast::tests
