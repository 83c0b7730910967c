#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

/// Numbers for the frames of a pool, handed out as few spans as possible.
///
/// What a frame is called decides nothing, but neighbouring numbers keep a prefix's blocks together
/// in few spans, which is what every later call pays for. So there are more numbers than frames and
/// a hand goes round them: what is old leaves first, and the hand finds long free stretches.
class FrameNumbers {
 public:
  explicit FrameNumbers(uint32_t numbers);

  /// Appends `count` free numbers to `out`; so many must be free.
  void take(uint32_t count, std::vector<tp_span>& out);
  void give_back(tp_span span);

 private:
  static constexpr uint32_t kWord = 64;
  uint32_t next(uint32_t from, uint32_t end, bool used) const;
  void mark(tp_span span, bool used);

  uint32_t numbers_;
  uint32_t hand_ = 0;
  std::vector<uint64_t> used_;
};

}  // namespace tiercast::tiering
