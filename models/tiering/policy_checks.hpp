#pragma once

#include <cstdint>

namespace tiercast::tiering {

/// How far a cache policy is trusted.
enum class PolicyChecks : uint8_t {
  answers,    ///< every answer is checked by itself
  rehearsals  ///< besides, that asking changes nothing: the first kRehearsedSelects selects of an
              ///< instance, and then every so many after them, are asked and aborted before they
              ///< are asked for good. The answers must be the same and hash_state must stay.
};
inline constexpr uint64_t kRehearsedSelects = 64;

}  // namespace tiercast::tiering
