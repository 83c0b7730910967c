#include "models/tiering/stripes.hpp"

#include <algorithm>

#include "sim/base/hash.hpp"
#include "sim/base/histogram.hpp"  // Int128

namespace tiercast::tiering {

Stripes::Stripes(const TierSpec& tier) : salt_(static_cast<uint64_t>(tier.kind)) {
  const uint64_t block = tier.block_bytes;
  if (!tier.pools.empty() && !tier.pools.front().devices.empty()) {
    devices_ = static_cast<uint32_t>(tier.pools.front().devices.size());
  }
  const uint32_t width = std::min(tier.striping.width, devices_);
  const uint64_t unit = tier.striping.unit_bytes;
  bytes_.assign(width, 0);
  if (unit == 0) {
    for (uint32_t n = 0; n < width; ++n) {
      bytes_[n] = block * (n + 1) / width - block * n / width;
    }
  } else {
    const uint64_t round = unit * width;
    for (uint32_t n = 0; n < width; ++n) {
      const uint64_t rest = block % round;
      const uint64_t before = std::min(rest, n * unit);
      bytes_[n] = block / round * unit + std::min(unit, rest - before);
    }
  }
  bytes_.erase(std::remove(bytes_.begin(), bytes_.end(), 0), bytes_.end());
}

uint32_t Stripes::first_device(tp_key key) const {
  if (devices_ == 1) return 0;
  const uint64_t hash = mix(mix(salt_, key.hi), key.lo);
  return static_cast<uint32_t>(Int128{hash} * devices_ >> 64);
}

void StripeSums::begin(const Stripes& from, const Stripes& to, uint64_t copies) {
  for (const uint32_t pair : used_) sums_[pair] = 0;
  used_.clear();
  from_ = &from;
  to_ = &to;
  copies_ = copies;
  const size_t pairs = size_t{from.devices()} * to.devices();
  if (sums_.size() < pairs) sums_.resize(pairs, 0);
}

// Both ends deal the block from its beginning: what lies on the k-th device of one and the n-th of
// the other is where their shares overlap.
void StripeSums::add_at(uint32_t from, uint32_t to) {
  const auto next = [](const Stripes& stripes, uint32_t device) {
    return device + 1 == stripes.devices() ? 0 : device + 1;
  };
  size_t k = 0;
  size_t n = 0;
  uint64_t gives = from_->bytes()[0];
  uint64_t takes = to_->bytes()[0];
  for (;;) {
    const uint64_t bytes = std::min(gives, takes);
    const uint32_t pair = from * to_->devices() + to;
    if (sums_[pair] == 0) used_.push_back(pair);
    sums_[pair] += bytes;
    gives -= bytes;
    takes -= bytes;
    if (gives == 0) {
      if (++k == from_->bytes().size()) return;
      gives = from_->bytes()[k];
      from = next(*from_, from);
    }
    if (takes == 0) {
      takes = to_->bytes()[++n];
      to = next(*to_, to);
    }
  }
}

void StripeSums::parts(std::vector<StripePart>& out) {
  std::sort(used_.begin(), used_.end());
  out.clear();
  for (const uint32_t pair : used_) {
    out.push_back({pair / to_->devices(), pair % to_->devices(), copies_ * sums_[pair]});
  }
}

}  // namespace tiercast::tiering
