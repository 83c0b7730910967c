#pragma once

#include <string_view>

namespace tiercast::cli {

/// What this program was built from; the only facts of a result besides its timings that may differ
/// between two machines.
struct BuildInfo {
  std::string_view version;     // of the project, as in "0.1.0"
  std::string_view revision;    // `git describe --always --dirty`; empty outside a clone
  std::string_view compiler;    // as in "GNU 12.2.0"
  std::string_view build_type;  // as in "Release"
};

/// The facts of this binary; the build system writes the definition.
BuildInfo build_info();

}  // namespace tiercast::cli
