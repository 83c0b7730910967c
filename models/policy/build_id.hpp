#pragma once

namespace tiercast::policy {

/// Digest of this library's sources and of the compiler that made it, in hexadecimal; the build
/// system writes it (cmake/policy_build_id.cmake).
extern const char* const library_build;

}  // namespace tiercast::policy
