// Deterministic, endian-stable hashing for digests, keys and streams. Not cryptographic.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tiercast {

/// A bijection of 64-bit words in which every input bit moves every output bit with probability
/// near one half: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
constexpr std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
  return word ^ (word >> 31);
}

/// Combines two words; order matters. For a fixed first word it is a bijection of the second.
constexpr std::uint64_t mix(std::uint64_t first, std::uint64_t second) {
  return mix(mix(first + 0x9E3779B97F4A7C15ULL) ^ second);
}

/// Hash of a short text, usable in constant expressions: FNV-1a (Fowler, Noll, Vo) with `mix` as
/// its finaliser, because FNV alone leaves its high bits weak.
constexpr std::uint64_t hash_text(std::string_view text) {
  std::uint64_t state = 0xCBF29CE484222325ULL;
  for (const char c : text) {
    state = (state ^ static_cast<unsigned char>(c)) * 0x00000100000001B3ULL;
  }
  return mix(state);
}

/// 128 bits, most significant word first.
struct Digest128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Digest128&, const Digest128&) = default;
};

/// 32 hexadecimal digits, lower case.
std::string to_hex(const Digest128& digest);

/// Streaming hash of a sequence of bytes: XXH64 as its public specification defines it
/// (Collet, "xxHash fast digest algorithm", version 0.2), so `digest64` equals any other
/// implementation's. Words are hashed as their eight bytes, least significant first, on every
/// machine; how the bytes are cut into calls does not matter.
///
/// `digest128` is our own: the same four accumulators, folded a second time in another order and
/// with another start, so both halves depend on the whole input.
class StreamHash {
 public:
  explicit StreamHash(std::uint64_t seed = 0);

  /// A number as 64 bits, sign-extended.
  template <std::integral Number>
  void add(Number number) {
    const auto word = static_cast<std::uint64_t>(number);
    if (buffered_ % sizeof(word) != 0) {
      add_unaligned(word);
      return;
    }
    words_[buffered_ / sizeof(word)] = word;
    buffered_ += sizeof(word);
    length_ += sizeof(word);
    if (buffered_ == kStripeBytes) consume_stripe();
  }
  /// The bytes alone: two texts in a row are not told apart, see add_text.
  void add_bytes(const void* bytes, std::size_t size);
  /// Length, then bytes.
  void add_text(std::string_view text);

  /// Digests of all bytes so far; adding may go on afterwards.
  std::uint64_t digest64() const;
  Digest128 digest128() const;

 private:
  static constexpr std::size_t kStripeBytes = 32;

  void add_byte(unsigned char byte);
  void add_unaligned(std::uint64_t word);
  void consume_stripe();
  std::uint64_t add_tail(std::uint64_t hash) const;

  std::uint64_t seed_;
  std::array<std::uint64_t, 4> lanes_;
  std::array<std::uint64_t, 4> words_{};  // the stripe being filled; unfilled bytes are zero
  std::size_t buffered_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace tiercast
