#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "block.hpp"
#include "workers.hpp"

namespace kv {

/// A frame of the file and the memory it is read into or written from.
struct Move {
  uint32_t frame;
  char* memory;  ///< aligned to kAlignment
  Key key;
};

/// Blocks in a file, past the page cache where the file system allows it, beside a file with one
/// entry a frame: what lies there and its checksum. The entry is written behind its block. A
/// process killed in between leaves a frame that does not match its entry, and whoever opens the
/// files next takes it for free. (Power loss is another matter: it would need fdatasync in
/// between.)
class FileTier {
 public:
  struct Found {
    uint32_t frame;
    Key key;
  };

  FileTier(const std::string& folder, uint32_t frames, uint32_t block_bytes, bool direct);
  ~FileTier();
  FileTier(const FileTier&) = delete;
  FileTier& operator=(const FileTier&) = delete;

  /// What an earlier process left that is whole, oldest first; each block read and checked.
  std::vector<Found> recover();
  /// Entries that recover() found no such block behind.
  uint32_t torn() const { return torn_; }
  bool direct() const { return direct_; }

  /// The moves as jobs, neighbouring frames in one operation. Those of one frame must not overlap
  /// in time. An error of the device, or a block that is not what was written, is fatal.
  std::shared_ptr<Batch> read(Workers& workers, std::vector<Move> moves);
  std::shared_ptr<Batch> write(Workers& workers, std::vector<Move> moves);

 private:
  struct Entry {
    Key key;
    uint64_t sum;
    uint64_t sequence;  ///< 0: nothing was ever written here
    uint64_t check;     ///< of the fields above
  };
  std::shared_ptr<Batch> start(Workers& workers, std::vector<Move> moves, bool reads);
  void move(const Move* first, std::size_t count, bool reads);

  int data_ = -1;
  int index_ = -1;
  uint32_t block_bytes_;
  bool direct_;
  uint32_t torn_ = 0;
  std::vector<uint64_t> sums_;  // by frame
  std::atomic<uint64_t> sequence_{0};
};

}  // namespace kv
