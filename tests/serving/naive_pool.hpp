#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "models/tiering/block_pool.hpp"
#include "tests/serving/naive_eviction.hpp"

namespace tiercast::tests {

/// The blocks of a request in prefix order, each by the number of its content and prefix.
using NaivePath = std::vector<uint64_t>;

/// One pool, block by block. A block is in use while a running request's path contains it, be it
/// computed already or not.
class NaivePool {
 public:
  NaivePool(uint32_t frames, std::unique_ptr<NaiveEviction> eviction);

  uint32_t available() const { return static_cast<uint32_t>(free_.size()) + evictable_; }
  /// Leading blocks of the path that are here.
  uint32_t hit(const NaivePath& path) const;
  /// Those that were here just before `time_ns`.
  uint32_t hit_before(const NaivePath& path, int64_t time_ns) const;
  /// Of the first `count` blocks, those here that no running request uses.
  uint32_t unused(const NaivePath& path, uint32_t count) const;

  /// A request that reuses the first `hit` blocks of its path starts to run.
  void start(int64_t now_ns, const NaivePath& path, uint32_t hit);
  /// It runs no longer.
  void stop(int64_t now_ns, const NaivePath& path);

  std::vector<uint32_t> take(int64_t now_ns, uint32_t count);
  void give_back(uint32_t slot);
  /// Block `depth` of the path is complete in this frame; false when the pool has it already.
  bool complete(int64_t now_ns, const NaivePath& path, uint32_t depth, uint32_t slot);
  /// Tells the policy of all blocks completed since the last time.
  void announce(int64_t now_ns);

  uint32_t present() const { return static_cast<uint32_t>(slot_of_.size()); }
  uint64_t digest() const { return digest_; }
  const tiering::PoolCounts& counts() const { return counts_; }

 private:
  struct Content {
    uint64_t key = 0;
    uint32_t depth = 0;
  };
  void record(int64_t now_ns, uint64_t kind, uint32_t depth);
  void forget(int64_t now_ns, uint32_t slot);

  std::unique_ptr<NaiveEviction> eviction_;
  std::set<uint32_t> free_;
  std::map<uint64_t, uint32_t> slot_of_;    // by key
  std::map<uint32_t, Content> content_of_;  // by slot
  std::map<uint64_t, uint32_t> users_;      // running requests by key of their paths
  struct Event {
    int64_t time_ns = 0;
    uint64_t key = 0;
    bool came = false;  // else it left
  };
  std::vector<Event> events_;  // all there were
  uint32_t evictable_ = 0;
  std::vector<NaiveBlock> completed_;
  tiering::PoolCounts counts_;
  uint64_t digest_ = 0;
};

}  // namespace tiercast::tests
