#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::serving {

/// What requests of the warm-up, which run in no time, would be to a router until each is over.
class WarmedLoads {
 public:
  /// `loads`: of each instance, kept up from now on.
  explicit WarmedLoads(std::span<tp_worker> loads) : loads_(loads) {}

  void begin(uint32_t instance, uint32_t input_tokens, int64_t end_ns);
  /// Those that end at `now_ns` or earlier are over.
  void end_before(int64_t now_ns);

 private:
  struct Warmed {
    int64_t end_ns;
    uint32_t instance;
    uint32_t input_tokens;
  };
  static bool later(const Warmed& a, const Warmed& b) { return a.end_ns > b.end_ns; }

  std::span<tp_worker> loads_;
  std::vector<Warmed> running_;  // heap, the earliest end first: sums do not show equal ones' order
};

}  // namespace tiercast::serving
