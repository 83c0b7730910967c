#include "models/tiering/frame_numbers.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"

namespace tiercast::tiering {

FrameNumbers::FrameNumbers(uint32_t numbers) : numbers_(numbers), used_(numbers / kWord + 1, 0) {}

// The first number in [from, end) that is used, or is not; `end` where there is none.
uint32_t FrameNumbers::next(uint32_t from, uint32_t end, bool used) const {
  for (uint32_t word = from / kWord; uint64_t{word} * kWord < end; ++word) {
    uint64_t bits = used ? used_[word] : ~used_[word];
    if (word == from / kWord) bits &= ~uint64_t{0} << (from % kWord);
    if (bits != 0) {
      return std::min(end, word * kWord + static_cast<uint32_t>(std::countr_zero(bits)));
    }
  }
  return end;
}

void FrameNumbers::mark(tp_span span, bool used) {
  uint32_t at = span.first_slot;
  const uint32_t end = at + span.count;
  while (at < end) {
    const uint32_t offset = at % kWord;
    const uint32_t n = std::min(kWord - offset, end - at);
    const uint64_t bits = (n == kWord ? ~uint64_t{0} : (uint64_t{1} << n) - 1) << offset;
    uint64_t& word = used_[at / kWord];
    TIERCAST_CHECK((word & bits) == (used ? 0 : bits), "frame numbers {} to {} out of step", at,
                   at + n);
    word ^= bits;
    at += n;
  }
}

void FrameNumbers::take(uint32_t count, std::vector<tp_span>& out) {
  bool wrapped = false;
  while (count > 0) {
    const uint32_t first = next(hand_, numbers_, false);
    if (first == numbers_) {
      TIERCAST_CHECK(!wrapped, "no free frame number");
      wrapped = true;
      hand_ = 0;
      continue;
    }
    wrapped = false;
    const uint32_t most = std::min(count, numbers_ - first);
    const tp_span span{first, next(first, first + most, true) - first};
    mark(span, true);
    out.push_back(span);
    hand_ = first + span.count;
    count -= span.count;
  }
}

void FrameNumbers::give_back(tp_span span) { mark(span, false); }

}  // namespace tiercast::tiering
