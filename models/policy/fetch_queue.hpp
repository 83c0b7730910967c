#pragma once

#include <array>
#include <cstdint>
#include <utility>

namespace tiercast::policy {

/// Slots whose own records were fetched ahead of use, so that what these point to can be fetched
/// too once they are there. Influences nothing but speed, so it is no part of a state.
class FetchQueue {
 public:
  /// Takes a slot and answers the one taken some calls before, 0 at first.
  uint32_t next(uint32_t slot) {
    std::swap(slots_[at_], slot);
    at_ = at_ + 1 < slots_.size() ? at_ + 1 : 0;
    return slot;
  }

 private:
  std::array<uint32_t, 6> slots_{};
  uint32_t at_ = 0;
};

}  // namespace tiercast::policy
