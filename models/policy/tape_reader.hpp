#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/tape_format.hpp"

namespace tiercast::policy {

/// Reads a decision tape, record by record. A damaged one is refused at the place where that shows,
/// which is never behind the chunk it is in: nothing of a damaged chunk is handed out.
class TapeReader {
 public:
  /// Puts the next bytes into the buffer and answers how many; fewer than asked for: there are no
  /// more.
  using Source = std::function<std::size_t(void* buffer, std::size_t size)>;

  enum class Item : uint8_t {
    call,        ///< call() is the next one
    checkpoint,  ///< checkpoint() is the state now
    end,         ///< the same, and the tape is over
    cut,         ///< the tape has no end: it was cut off, or its host ended without one
    bad          ///< it is damaged, or no tape
  };

  /// Reads the header. Where that fails, item() says so and next() changes nothing.
  explicit TapeReader(Source source);

  const TapeHeader& header() const { return header_; }
  Item next();
  Item item() const { return item_; }
  const TapeCall& call() const { return call_; }
  const TapeCheckpoint& checkpoint() const { return checkpoint_; }
  /// Calls handed out.
  uint64_t calls() const { return calls_; }
  /// Where the record of item() begins, in bytes from the start of the tape.
  uint64_t place() const { return place_; }
  /// With cut and bad: a sentence that says what and where.
  const std::string& error() const { return error_; }

 private:
  Item fail(Item item, uint64_t place, std::string_view why);
  bool read(std::vector<uint8_t>& into, std::size_t size);
  bool read_chunk();
  bool sound_call() const;
  Item read_record();

  Source source_;
  TapeHeader header_;
  TapeContext context_;
  TapeCall call_;
  TapeCheckpoint checkpoint_;
  Item item_ = Item::call;
  std::string error_;
  uint64_t calls_ = 0;
  uint64_t place_ = 0;
  uint64_t read_bytes_ = 0;
  uint64_t digest_ = 0;
  uint32_t answer_spans_ = 0;  // of the select before, until it is settled
  std::vector<uint8_t> payload_;
  std::vector<uint8_t> frame_;  // scratch
  uint64_t payload_place_ = 0;
  std::size_t used_ = 0;  // of the payload
};

}  // namespace tiercast::policy
