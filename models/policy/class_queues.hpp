#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

#include "models/policy/cache_policy.hpp"
#include "models/policy/flat_array.hpp"

namespace tiercast::policy {

/// Blocks by class, a class being a tenant and a turn of its sessions, and each class' evictable
/// blocks in a queue, the least recently used first, a batch from its tail on. A block is of the
/// class of the request that used it last; where no request is told, of its view's tenant and turn
/// 0. Of more than 63 classes the later ones are one. 32 bytes a block; every step O(1) but a
/// search among the classes where the class changes.
class ClassQueues {
 public:
  static constexpr uint32_t count_max = 64;

  /// turns: later ones count as this one; 0 makes classes of tenants alone.
  ClassQueues(uint32_t slot_count, uint32_t turns) : turns_(turns), blocks_(slot_count) {}

  void prefetch(uint32_t slot) const { blocks_.prefetch(slot); }

  /// Classes are numbered from 0, which is that of the later ones.
  uint32_t class_of(uint32_t slot) const { return blocks_[slot].kind - 1; }
  int64_t used_ns(uint32_t slot) const { return blocks_[slot].used_ns; }
  uint32_t depth(uint32_t slot) const { return blocks_[slot].depth; }
  /// What insert() was given for the block's key.
  uint64_t digest(uint32_t slot) const { return blocks_[slot].digest; }
  uint32_t class_count() const { return class_count_; }

  void insert(const Notice& at, uint32_t slot, const tp_block* block, uint64_t digest) {
    const uint32_t tenant =
        block->tenant != 0 || at.request == nullptr ? block->tenant : at.request->tenant;
    const uint32_t turn = at.request != nullptr ? at.request->turn : 0;
    blocks_[slot] = {at.now_ns, digest, 0, 0, block->depth, find_class(tenant, turn) + 1};
  }
  /// Used now, perhaps by another class than before; evictable: it stays so, as its queue's newest.
  void touch(const Notice& at, uint32_t slot, bool evictable) {
    if (evictable) detach(slot);
    blocks_[slot].used_ns = at.now_ns;
    if (at.request != nullptr) {
      blocks_[slot].kind = find_class(at.request->tenant, at.request->turn) + 1;
    }
    if (evictable) append(slot);
  }
  void put_down(const Notice& at, uint32_t slot) {
    blocks_[slot].used_ns = at.now_ns;
    append(slot);
  }
  void take_up(uint32_t slot) { detach(slot); }
  void remove(uint32_t slot, bool evictable) {
    if (evictable) detach(slot);
    blocks_[slot] = {};
  }

  /// Calls visit(slot) for so many evictable blocks, of which there are enough: always the head of
  /// a queue, the one whose key_of(slot) is least, of the class seen first among equals. The
  /// visitor may take up the block.
  template <class KeyOf, class Visit>
  void for_victims(uint32_t need, KeyOf&& key_of, Visit visit) const {
    struct Head {
      uint32_t slot;
      uint32_t kind;
      std::remove_cvref_t<decltype(key_of(uint32_t{}))> key;
    };
    std::array<Head, count_max> heads;  // a heap, its least on top
    const auto begin = heads.begin();
    uint32_t head_count = 0;
    for (uint32_t kind = 0; kind < class_count_; ++kind) {
      if (queues_[kind].oldest == 0) continue;
      heads[head_count].slot = queues_[kind].oldest - 1;
      heads[head_count++].kind = kind;
    }
    const auto goes_later = [](const Head& a, const Head& b) {
      return b.key < a.key || (!(a.key < b.key) && b.kind < a.kind);
    };
    if (head_count > 1) {
      for (uint32_t i = 0; i < head_count; ++i) heads[i].key = key_of(heads[i].slot);
      std::make_heap(begin, begin + head_count, goes_later);
    }
    for (; need != 0 && head_count > 1; --need) {
      std::pop_heap(begin, begin + head_count, goes_later);
      Head& least = heads[head_count - 1];
      const uint32_t newer = blocks_[least.slot].newer;
      visit(least.slot);
      if (newer != 0) {
        least.slot = newer - 1;
        least.key = key_of(least.slot);
        std::push_heap(begin, begin + head_count, goes_later);
      } else {
        --head_count;
      }
    }
    // A class alone is a plain queue.
    for (uint32_t slot = heads[0].slot; need != 0; --need) {
      const uint32_t newer = blocks_[slot].newer;
      visit(slot);
      slot = newer - 1;
    }
  }

  void hash(StateHash& hash) const {
    for (uint32_t kind = 0; kind < class_count_; ++kind) {
      hash.add(uint64_t{classes_[kind].tenant} << 32 | classes_[kind].turn);
      for (uint32_t at = queues_[kind].oldest; at != 0; at = blocks_[at - 1].newer) hash.add(at);
    }
    for (uint32_t slot = 0; slot < blocks_.size(); ++slot) {
      const Block& block = blocks_[slot];
      if (block.kind == 0) continue;
      hash.add(uint64_t{slot} << 32 | block.kind);
      hash.add(static_cast<uint64_t>(block.used_ns));
      hash.add(block.digest);
      hash.add(block.depth);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    archive.items(self.classes_.data(), self.classes_.size());
    archive.items(self.queues_.data(), self.queues_.size());
    archive.value(self.class_count_);
    archive.value(self.last_found_);
  }

 private:
  struct Block {
    int64_t used_ns;
    uint64_t digest;
    uint32_t older;  // in its queue: slot + 1, or 0
    uint32_t newer;
    uint32_t depth;
    uint32_t kind;  // class + 1; 0: no block
  };
  struct Class {
    uint32_t tenant;
    uint32_t turn;
  };
  struct Queue {
    uint32_t oldest;  // slot + 1, or 0
    uint32_t newest;
  };

  uint32_t find_class(uint32_t tenant, uint32_t turn) {
    turn = std::min(turn, turns_);
    const auto is_it = [&](uint32_t kind) {
      return classes_[kind].tenant == tenant && classes_[kind].turn == turn;
    };
    if (last_found_ != 0 && is_it(last_found_)) return last_found_;
    for (uint32_t kind = 1; kind < class_count_; ++kind) {
      if (is_it(kind)) return last_found_ = kind;
    }
    if (class_count_ == count_max) return 0;
    classes_[class_count_] = {tenant, turn};
    return last_found_ = class_count_++;
  }

  void append(uint32_t slot) {
    Block& block = blocks_[slot];
    Queue& queue = queues_[block.kind - 1];
    block.older = queue.newest;
    block.newer = 0;
    (queue.newest != 0 ? blocks_[queue.newest - 1].newer : queue.oldest) = slot + 1;
    queue.newest = slot + 1;
  }
  void detach(uint32_t slot) {
    const Block& block = blocks_[slot];
    Queue& queue = queues_[block.kind - 1];
    (block.older != 0 ? blocks_[block.older - 1].newer : queue.oldest) = block.newer;
    (block.newer != 0 ? blocks_[block.newer - 1].older : queue.newest) = block.older;
  }

  uint32_t turns_;
  FlatArray<Block> blocks_;  // by slot
  std::array<Class, count_max> classes_{};
  std::array<Queue, count_max> queues_{};
  uint32_t class_count_ = 1;
  uint32_t last_found_ = 0;  // spares most searches
};

}  // namespace tiercast::policy
