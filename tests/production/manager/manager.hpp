#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <tierpolicy.h>

#include "file_tier.hpp"
#include "pool.hpp"
#include "workers.hpp"

namespace kv {

struct ManagerSpec {
  std::string folder;  ///< of the file tier
  std::string memory_policy = "lru";
  std::string file_policy = "lru";
  std::string placement = "through";
  uint32_t memory_blocks = 0;
  uint32_t file_blocks = 0;
  uint32_t block_bytes = 4096;
  unsigned workers = 4;
  bool direct = true;
  std::string tapes;  ///< folder for decision tapes; empty: none
};

/// What became of one request's blocks.
struct Served {
  uint32_t memory_hits = 0;
  uint32_t file_hits = 0;
  uint32_t computed = 0;
  bool refused = false;  ///< longer than memory has room for
};

/// A two-tier KV cache: memory (which stands in for an engine's own, tier 0 of the contract) over a
/// file. A request's blocks are found in memory up to the first gap, then in the file as the
/// placement policy plans it, and computed from there on; what is complete goes down as the policy
/// says. serve() may be called from many threads.
///
/// Locks are taken in the order memory, file, placement; none is held while bytes move.
class Manager {
 public:
  explicit Manager(const ManagerSpec& spec);
  ~Manager();

  /// Throws where a policy breaks its contract, or a hit is not the block it should be.
  Served serve(const Keys& keys);

  const Pool& memory() const { return memory_; }
  const Pool& file() const { return file_; }
  const FileTier& blocks() const { return blocks_; }
  uint32_t recovered() const { return recovered_; }

 private:
  /// Blocks on their way into the file.
  struct Run {
    Keys keys;
    Slots slots;
  };
  struct Write {
    std::vector<Run> runs;          ///< between blocks that the file had already
    std::shared_ptr<char> staging;  ///< what they are copied from, where that is no frame
    std::shared_ptr<Batch> batch;
  };
  struct Load {
    Slots sources;
    Slots slots;
    std::shared_ptr<Batch> batch;
  };

  char* at(uint32_t frame) const { return arena_ + std::size_t{frame} * spec_.block_bytes; }
  void adopt();
  std::vector<tp_tier> tiers();
  uint32_t planned_load(uint32_t hits, uint32_t found, uint32_t blocks);
  Load start_load(const Keys& keys, uint32_t first, uint32_t count);
  Write start_write(const Keys& keys, const std::vector<const char*>& from,
                    std::shared_ptr<char> staging);
  void write_back(const std::vector<Departed>& departed, std::shared_ptr<char> staging,
                  std::vector<Write>& writes);
  std::shared_ptr<char> stage(const std::vector<Departed>& departed) const;
  Slots place(const Keys& keys, uint32_t first, const Slots& taken);
  void store(const Keys& keys, const Slots& slots, std::vector<Write>& writes);
  void finish(Write& write);
  void verify(const Keys& keys, std::span<const uint32_t> frames, uint32_t first) const;

  ManagerSpec spec_;
  Pool memory_;
  Pool file_;
  FileTier blocks_;
  char* arena_;
  uint32_t recovered_ = 0;
  std::condition_variable room_;  // of memory_.lock
  std::mutex placement_lock_;
  const tp_placement_table* placement_table_;
  tp_placement* placement_ = nullptr;
  Workers workers_;  // last: its threads end first
};

}  // namespace kv
