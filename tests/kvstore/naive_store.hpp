#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "models/kvstore/prefix_store.hpp"

namespace tiercast::tests {

/// What PrefixStore keeps, block by block: no tree, no runs, no extents.
class NaiveStore {
 public:
  /// A block's name: content and everything before it, or owner and depth where it is private.
  using Name = std::pair<uint64_t, uint64_t>;
  using Slots = std::vector<uint32_t>;

  NaiveStore(uint32_t blocks_per_id, uint32_t pools)
      : blocks_per_id_(blocks_per_id), pools_(pools) {}

  /// Names of a path's blocks, in order.
  std::vector<Name> blocks_of(const kvstore::Path& path);
  uint32_t enter(const kvstore::Path& path, uint64_t serial);
  void leave(uint32_t leaf) { leaves_.erase(leaf); }

  uint32_t hit(uint32_t leaf, uint32_t pool) const;
  uint32_t match(const kvstore::Path& path, uint32_t pool);
  uint32_t unpinned(uint32_t leaf, uint32_t pool, uint32_t blocks) const;
  Slots frames(uint32_t leaf, uint32_t pool, uint32_t blocks) const;

  void pin(uint32_t leaf, uint32_t pool, uint32_t hit, Slots& pinned, Slots& orphans);
  void unpin(uint32_t leaf, uint32_t pool, Slots& freed);
  bool pinned(uint32_t leaf, uint32_t pool) const { return pools_[pool].pins.count(leaf) != 0; }
  /// False where the pool has the block already.
  bool place(uint32_t leaf, uint32_t pool, uint32_t depth, uint32_t slot);
  void evict(uint32_t pool, uint32_t slot);

  bool evictable(uint32_t pool, uint32_t slot) const;

  // Pools that take blocks in any order: filled by place(), emptied by evict().
  bool present(uint32_t leaf, uint32_t pool, uint32_t depth) const {
    return pools_[pool].slot_of.count(name(leaf, depth)) != 0;
  }
  uint32_t run_from(uint32_t leaf, uint32_t pool, uint32_t depth, uint32_t end) const;
  uint32_t next_present(uint32_t leaf, uint32_t pool, uint32_t depth, uint32_t end) const;
  Slots frames_of(uint32_t leaf, uint32_t pool, uint32_t depth, uint32_t count) const;
  /// A leaf whose way ends with the block in this frame.
  uint32_t hold(uint32_t pool, uint32_t slot);
  const std::map<uint32_t, Name>& content(uint32_t pool) const { return pools_[pool].name_of; }
  uint32_t depth(uint32_t pool, uint32_t slot) const { return pools_[pool].depth_of.at(slot); }

 private:
  struct Leaf {
    std::vector<Name> named;
    uint64_t serial = 0;
  };
  struct Pool {
    std::map<Name, uint32_t> slot_of;
    std::map<uint32_t, Name> name_of;
    std::map<uint32_t, uint32_t> depth_of;
    std::map<uint32_t, std::vector<Name>> way_of;  // to the block in a frame, itself included
    std::set<uint32_t> pins;                       // leaves
  };
  Name name(uint32_t leaf, uint32_t depth) const;
  bool in_use(const Pool& pool, const Name& name) const;
  void forget(Pool& pool, uint32_t slot);
  uint32_t reach() const { return 400; }  // deeper than any path of a test

  uint32_t blocks_per_id_;
  std::map<std::vector<uint64_t>, uint64_t> numbers_;  // of prefixes
  std::map<uint32_t, Leaf> leaves_;
  uint32_t next_leaf_ = 0;
  std::vector<Pool> pools_;
};

}  // namespace tiercast::tests
