// Which devices of a tier's pools a stored block lies on, and what of a transfer each moves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/tiering/tier_spec.hpp"

namespace tiercast::tiering {

/// The devices of each pool of one tier. Of devices [0, n) a block lies on
///   first, first + 1, ..., first + width - 1 (mod n), first = hash(key) x n / 2^64,
/// so that placement follows from content alone: no pool, node or order of stores shows. Units of
/// the block are dealt to them in turn. What has no devices is one.
class Stripes {
 public:
  explicit Stripes(const TierSpec& tier);
  /// One device for everything: GPU memory.
  explicit Stripes(uint32_t block_bytes) : bytes_{block_bytes} {}

  uint32_t devices() const { return devices_; }
  uint32_t first_device(tp_key key) const;
  /// Bytes of a block on its first device, the next one, ...; each above 0.
  std::span<const uint64_t> bytes() const { return bytes_; }

 private:
  uint32_t devices_ = 1;
  uint64_t salt_ = 0;
  std::vector<uint64_t> bytes_;
};

/// Bytes that one device gives and another takes.
struct StripePart {
  uint32_t from = 0;
  uint32_t to = 0;
  uint64_t bytes = 0;
};

/// Sums up blocks that move between two sets of devices, which must outlive it.
class StripeSums {
 public:
  /// `copies`: how often each byte moves.
  void begin(const Stripes& from, const Stripes& to, uint64_t copies = 1);
  void add(tp_key key) { add_at(from_->first_device(key), to_->first_device(key)); }
  /// A block whose first devices are these.
  void add_at(uint32_t from, uint32_t to);
  /// What was added so far, in order of devices; each with bytes.
  void parts(std::vector<StripePart>& out);

 private:
  const Stripes* from_ = nullptr;
  const Stripes* to_ = nullptr;
  uint64_t copies_ = 1;
  std::vector<uint64_t> sums_;  // by pair of devices
  std::vector<uint32_t> used_;  // pairs that are not 0
};

}  // namespace tiercast::tiering
