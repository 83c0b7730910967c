#include "sim/base/hash.hpp"

#include <bit>

namespace tiercast {
namespace {

// The five constants of the XXH64 specification.
constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ULL;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5ULL;

// Start of the second half of a 128-bit digest: the fraction of the golden ratio.
constexpr std::uint64_t kSecondHalf = 0x9E3779B97F4A7C15ULL;

std::uint64_t round(std::uint64_t accumulator, std::uint64_t word) {
  return std::rotl(accumulator + word * kPrime2, 31) * kPrime1;
}

std::uint64_t merge(std::uint64_t hash, std::uint64_t accumulator) {
  return (hash ^ round(0, accumulator)) * kPrime1 + kPrime4;
}

std::uint64_t avalanche(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace

StreamHash::StreamHash(std::uint64_t seed)
    : seed_(seed), lanes_{seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1} {}

void StreamHash::add_byte(unsigned char byte) {
  words_[buffered_ / 8] |= std::uint64_t{byte} << (8 * (buffered_ % 8));
  ++buffered_;
  ++length_;
  if (buffered_ == kStripeBytes) consume_stripe();
}

void StreamHash::add_unaligned(std::uint64_t word) {
  for (int i = 0; i < 8; ++i) add_byte(static_cast<unsigned char>(word >> (8 * i)));
}

void StreamHash::add_bytes(const void* bytes, std::size_t size) {
  const auto* next = static_cast<const unsigned char*>(bytes);
  for (; size >= 8 && buffered_ % 8 == 0; size -= 8, next += 8) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word |= std::uint64_t{next[i]} << (8 * i);
    add(word);
  }
  for (; size > 0; --size) add_byte(*next++);
}

void StreamHash::add_text(std::string_view text) {
  add(std::uint64_t{text.size()});
  add_bytes(text.data(), text.size());
}

void StreamHash::consume_stripe() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i] = round(lanes_[i], words_[i]);
  words_ = {};
  buffered_ = 0;
}

// Folds in the length and the bytes that fill no stripe.
std::uint64_t StreamHash::add_tail(std::uint64_t hash) const {
  hash += length_;
  const std::size_t full = buffered_ / 8;
  for (std::size_t i = 0; i < full; ++i) {
    hash = std::rotl(hash ^ round(0, words_[i]), 27) * kPrime1 + kPrime4;
  }
  std::size_t left = buffered_ % 8;
  std::uint64_t rest = left == 0 ? 0 : words_[full];
  if (left >= 4) {
    hash = std::rotl(hash ^ ((rest & 0xFFFFFFFFULL) * kPrime1), 23) * kPrime2 + kPrime3;
    rest >>= 32;
    left -= 4;
  }
  for (; left > 0; --left, rest >>= 8) {
    hash = std::rotl(hash ^ ((rest & 0xFFULL) * kPrime5), 11) * kPrime1;
  }
  return avalanche(hash);
}

std::uint64_t StreamHash::digest64() const {
  if (length_ < kStripeBytes) return add_tail(seed_ + kPrime5);
  std::uint64_t hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) +
                       std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
  for (const std::uint64_t lane : lanes_) hash = merge(hash, lane);
  return add_tail(hash);
}

Digest128 StreamHash::digest128() const {
  std::uint64_t hash = seed_ + kSecondHalf;
  for (std::size_t i = lanes_.size(); i > 0; --i) hash = merge(hash, lanes_[i - 1]);
  return {digest64(), add_tail(hash)};
}

std::string to_hex(const Digest128& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t word : {digest.high, digest.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(word >> shift) & 15];
  }
  return text;
}

}  // namespace tiercast
