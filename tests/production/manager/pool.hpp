#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <tierpolicy.h>
#include <tierpolicy_tape.h>

#include "block.hpp"

namespace kv {

using Slots = std::vector<uint32_t>;
constexpr uint32_t kNoSlot = UINT32_MAX;

/// Time as policies see it: never backwards, and the same in every run of one thread.
inline std::atomic<int64_t> logical_clock{0};

struct PoolSpec {
  std::string name;
  std::string policy;
  uint32_t capacity = 0;  ///< frames
  uint32_t block_bytes = 0;
  std::string tape;  ///< file for the decision tape; empty: none
};

struct PoolCounts {
  uint64_t inserted = 0;
  uint64_t evicted = 0;
  uint64_t dropped = 0;
};

/// A block that eviction took out, before its frame is used again.
struct Departed {
  Key key;
  uint32_t frame;
};

/// One tier's book-keeping: which block is in which frame, who uses it, and the policy that says
/// who leaves. All members but `lock` want it held: it is the external synchronisation that policy
/// instances ask for.
///
/// The policy knows blocks by slots. There are twice as many as frames and they are given out round
/// a ring, so that a prefix gets neighbouring ones and its batches few spans.
class Pool {
 public:
  explicit Pool(const PoolSpec& spec);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::mutex lock;

  /// The slot of a block that is here; kNoSlot.
  uint32_t find(Key key) const;
  /// Blocks from `first` on that are here without a gap.
  uint32_t run_from(const Keys& keys, uint32_t first) const;
  /// It is on its way in: somebody has a frame for it.
  bool coming(Key key) const { return coming_.contains(key); }
  void expect(Key key) { coming_.emplace(key, 0); }

  uint32_t frame(uint32_t slot) const { return frames_[slot]; }
  uint32_t present() const { return static_cast<uint32_t>(slot_of_.size()); }
  /// Frames that take() can give out, beyond what is promised.
  uint32_t available() const { return free_ + evictable_ - promised_; }
  /// Of the slots, how many count as available now and would not once pinned.
  uint32_t unpinned(std::span<const uint32_t> slots) const;
  /// Keeps frames for a take() to come.
  void promise(uint32_t count) { promised_ += count; }
  void keep_promise(uint32_t count) { promised_ -= count; }

  /// Slots with frames of their own, victims leaving where too few are free.
  Slots take(uint32_t count, std::vector<Departed>* departed);
  void give_back(uint32_t slot);
  /// Slots with these very frames, all free: of an earlier process.
  Slots take_frames(std::span<const uint32_t> frames);

  /// Blocks are complete in these slots, pinned once. depth: that of the first in its prefix.
  void insert(std::span<const uint32_t> slots, std::span<const Key> keys, uint32_t depth);
  void touch(std::span<const uint32_t> slots);
  void pin(std::span<const uint32_t> slots);
  void unpin(std::span<const uint32_t> slots);
  void drop(std::span<const uint32_t> slots);

  const PoolCounts& counts() const { return counts_; }

 private:
  void make_policy(const PoolSpec& spec);
  void expect_ok(int code, const char* call) const;
  std::span<const tp_span> spans(std::span<const uint32_t> slots);
  void evictable(bool on, const Slots& slots);
  void free_slot(uint32_t slot);

  tp_cache_table table_{};
  tp_cache* policy_ = nullptr;
  int tape_file_ = -1;
  std::unordered_map<Key, uint32_t> slot_of_;
  std::unordered_map<Key, char> coming_;
  uint32_t block_bytes_;
  std::vector<uint32_t> frames_;  // by slot
  std::vector<Key> keys_;         // by slot
  std::vector<uint32_t> pins_;    // by slot
  std::vector<bool> used_;        // by slot
  std::vector<uint32_t> free_frames_;
  uint32_t hand_ = 0;  // round the slots
  uint32_t free_;
  uint32_t evictable_ = 0;
  uint32_t promised_ = 0;
  PoolCounts counts_;
  std::vector<tp_span> spans_;  // scratch
  std::vector<tp_block> views_;
};

}  // namespace kv
