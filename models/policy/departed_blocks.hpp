#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// Blocks that left the pool, by key, to know them again as they come back: the last one of each of
/// up to 65,536 places, of which a key has one. 24 bytes a place.
class DepartedBlocks {
 public:
  struct Block {
    uint64_t digest;   // of its key; 0: nobody
    int64_t since_ns;  // a time that whoever puts it here chooses
    uint32_t kind;     // its class
    uint32_t reserved;
  };

  explicit DepartedBlocks(uint32_t capacity_blocks)
      : blocks_(std::bit_ceil(std::clamp(capacity_blocks, 64u, 65'536u))) {}

  static uint64_t digest_of(tp_key key) {
    uint64_t mixed = (key.lo ^ std::rotl(key.hi, 29)) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 32 ^ key.hi) * 0xd6e8feb86659fd93u;
    mixed ^= mixed >> 32;
    return mixed != 0 ? mixed : 1;
  }

  void prefetch(uint64_t digest) const { blocks_.prefetch(place_of(digest)); }
  void put(const Block& block) { blocks_[place_of(block.digest)] = block; }
  /// Takes out a block that is here; else one with digest 0.
  Block take(uint64_t digest) {
    Block& place = blocks_[place_of(digest)];
    if (place.digest != digest) return {};
    const Block found = place;
    place = {};
    return found;
  }

  void hash(StateHash& hash) const {
    for (std::size_t place = 0; place < blocks_.size(); ++place) {
      const Block& block = blocks_[place];
      hash.add(block.digest);
      hash.add(static_cast<uint64_t>(block.since_ns));
      hash.add(block.kind);
    }
  }
  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
  }

 private:
  std::size_t place_of(uint64_t digest) const { return digest & (blocks_.size() - 1); }

  FlatArray<Block> blocks_;
};

}  // namespace tiercast::policy
