#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/state_archive.hpp"
#include "models/policy/tape_placement.hpp"
#include "models/policy/tierpolicy.h"

/// The decision tape as bytes, written and read by the same functions.
///
/// A tape is tape_magic, then chunks: u32 size of the payload, u32 check of that size, payload,
/// u64 digest of this chunk and all before it; numbers are little-endian. The payloads' first holds
/// the TapeHeader; then come records, none across two chunks. A record is TapeOp with the answered
/// code above it, then the call's fields: LEB128 numbers, differences from what came before where
/// those are short. The last record is TapeOp::end.
namespace tiercast::policy {

// The last byte is the version. Earlier ones are read, too: those of version 1 say less of
// themselves, and before version 3 requests say no retention.
inline constexpr std::string_view tape_magic{"tp-tape\x03", 8};
inline constexpr std::size_t tape_chunk_bytes = std::size_t{64} << 10;

enum class TapeOp : uint8_t {
  request = 1,
  insert = 2,
  touch = 3,
  remove = 4,
  evictable = 5,
  admit = 6,
  select = 7,
  commit = 8,
  abort = 9,
  tick = 10,
  wakeup = 11,
  lookup = 12,
  hint = 13,
  restore = 14,
  place = 15,
  demote = 16,
  plan_fetch = 17,
  prefetch = 18,
  admit_write = 19,  // of a placement policy
  transfer = 20,
  checkpoint = 30,
  end = 31
};

enum class TapeKind : uint8_t { cache = 0, placement = 1 };

/// What a tape says of itself.
struct TapeHeader {
  std::string policy;
  std::string policy_version;
  std::string policy_build;  ///< of a policy that is not the library's own; else empty
  std::string library_version;
  std::string library_build;
  std::string config;  ///< `name=value` lines
  uint64_t config_digest = 0;
  std::string pool_name;
  tp_pool pool{};  ///< of a cache policy
  uint64_t seed = 0;
  uint32_t capabilities = 0;
  uint32_t checkpoint_calls = 0;
  uint64_t state = 0;  ///< digest before the first call
  TapeKind kind = TapeKind::cache;
};

/// Digest of a state after so many calls.
struct TapeCheckpoint {
  uint64_t calls = 0;
  uint64_t state = 0;
};

/// One call: its arguments and its answer. Spans that continue one another are joined, but for
/// those of an answer, which verdicts count.
struct TapeCall {
  TapeOp op = TapeOp::end;
  int code = TP_OK;
  int64_t now_ns = 0;
  bool has_request = false;
  tp_request request{};  ///< its hints: request_hints
  std::vector<tp_hint> request_hints;
  std::vector<tp_span> spans;  ///< of a select: the victims
  bool has_blocks = false;
  std::vector<tp_block> blocks;
  uint64_t hits = 0;    ///< lookup: leading blocks that are in the pool
  uint32_t number = 0;  ///< phase, reason, on, or victims needed
  uint64_t session = 0;
  std::vector<tp_hint> hints;
  uint64_t out_capacity = 0;  ///< select: room for spans
  uint32_t told_spans = 0;    ///< select, with TP_ESPACE
  bool own_token = false;     ///< commit, abort: with the token of the answer outstanding
  bool has_verdicts = false;
  std::vector<uint8_t> verdicts;  ///< commit: accepted, a span each; admit: answers, a block each
  int64_t wakeup_ns = 0;
  std::vector<uint8_t> state;  ///< restore
  PlacementCall placement;

  /// For a new call: nothing is set, and no memory given back.
  void clear();
};

/// Name of the entry that was called.
std::string_view tape_entry_name(TapeOp op);
/// "on_touch at 120 ns of {3, 4} {9, 1}"
std::string call_text(const TapeCall& call);
/// "TP_OK {3, 4}"
std::string answer_text(const TapeCall& call);
std::string code_text(int code);

/// Appends, joined with the span before where it continues that. What no policy takes (empty, or
/// past 2^32) stays alone.
void add_joined(std::vector<tp_span>& spans, tp_span span);

/// What records say differences from.
struct TapeContext {
  int64_t now_ns = 0;
  tp_request request{};
  std::vector<tp_hint> request_hints;
  tp_block block{};
  std::vector<tp_tier> tiers;
};

/// Puts numbers behind one another.
class TapeEncoder {
 public:
  static constexpr bool reads = false;

  explicit TapeEncoder(std::vector<uint8_t>& out) : out_(out) {}

  template <class T>
  void number(const T& value) {
    put(static_cast<uint64_t>(value));
  }
  /// As the difference from what is expected.
  template <class T>
  void near(const T& value, T expected) {
    const uint64_t difference = static_cast<uint64_t>(value) - static_cast<uint64_t>(expected);
    put(difference << 1 ^ (static_cast<int64_t>(difference) < 0 ? ~uint64_t{0} : 0));
  }
  void fixed(const uint64_t& value) {
    for (int shift = 0; shift < 64; shift += 8)
      out_.push_back(static_cast<uint8_t>(value >> shift));
  }
  /// The size of a list of which each item takes a byte at least.
  template <class List>
  void size(const List& list) {
    put(list.size());
  }
  template <class Bytes>
  void bytes(const Bytes& list) {
    put(list.size());
    out_.insert(out_.end(), list.begin(), list.end());
  }
  void refuse(std::string_view) {}

 private:
  void put(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<uint8_t>(value | 0x80));
    out_.push_back(static_cast<uint8_t>(value));
  }

  std::vector<uint8_t>& out_;
};

/// Takes them apart again. After what cannot be read, error() says why and all else reads as 0.
class TapeDecoder {
 public:
  static constexpr bool reads = true;

  TapeDecoder(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  template <class T>
  void number(T& value) {
    const uint64_t wide = take();
    value = static_cast<T>(wide);
    if (static_cast<uint64_t>(value) != wide) refuse("a number too large for its field");
  }
  template <class T>
  void near(T& value, T expected) {
    const uint64_t coded = take();
    const uint64_t difference = coded >> 1 ^ (coded & 1 ? ~uint64_t{0} : 0);
    const uint64_t wide = static_cast<uint64_t>(expected) + difference;
    value = static_cast<T>(wide);
    if (static_cast<uint64_t>(value) != wide) refuse("a number too large for its field");
  }
  void fixed(uint64_t& value) {
    value = 0;
    if (left() < 8) return refuse("a record that ends too early");
    for (int shift = 0; shift < 64; shift += 8) value |= uint64_t{*at_++} << shift;
  }
  template <class List>
  void size(List& list) {
    const uint64_t count = take();
    if (count > left()) return refuse("a list longer than what is left of its chunk");
    list.resize(static_cast<std::size_t>(count));
  }
  template <class Bytes>
  void bytes(Bytes& list) {
    size(list);
    if (!good()) return list.clear();
    for (auto& byte : list) byte = static_cast<typename Bytes::value_type>(*at_++);
  }

  void refuse(std::string_view why) {
    if (error_.empty()) error_ = why;
    at_ = end_;
  }
  bool good() const { return error_.empty(); }
  std::string_view error() const { return error_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const uint8_t* at() const { return at_; }

 private:
  uint64_t take() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) {
        refuse("a record that ends too early");
        return 0;
      }
      const uint8_t byte = *at_++;
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) {
        if (shift == 63 && byte > 1) refuse("a number of more than 64 bits");
        return value;
      }
    }
    refuse("a number of more than 64 bits");
    return 0;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  std::string_view error_;
};

void encode(TapeEncoder& to, const TapeHeader& header);
void decode(TapeDecoder& from, TapeHeader& header, int tape_version);
/// A call behind its first byte's op, code included.
void encode(TapeEncoder& to, TapeContext& context, const TapeCall& call);
void decode(TapeDecoder& from, TapeContext& context, TapeCall& call);
void encode(TapeEncoder& to, TapeOp op, const TapeCheckpoint& checkpoint);
void decode(TapeDecoder& from, TapeCheckpoint& checkpoint);

/// Frame of one chunk. Each digest goes on from that of the chunk before, 0 before the first.
inline uint32_t chunk_size_check(uint64_t digest_before, uint32_t size) {
  StateHash hash;
  hash.add(digest_before);
  hash.add(size);
  return static_cast<uint32_t>(hash.value());
}
inline uint64_t chunk_digest(uint64_t digest_before, const uint8_t* payload, std::size_t size) {
  StateHash hash;
  hash.add(digest_before);
  hash.add(checksum(payload, size));
  hash.add(size);
  return hash.value();
}

}  // namespace tiercast::policy
