#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace kv {

using Key =
    uint64_t;  ///< names a block's content and everything before it; hosts would hash tokens
using Keys = std::vector<Key>;

constexpr std::size_t kAlignment = 4096;  ///< of what O_DIRECT moves

inline uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/// What an engine would compute for the block: every byte follows from the key.
inline void compute_block(Key key, void* out, std::size_t bytes) {
  uint64_t word = mix(key + 1);
  for (std::size_t i = 0; i < bytes; i += sizeof word) {
    std::memcpy(static_cast<char*>(out) + i, &word, sizeof word);
    word = word * 6364136223846793005u + 1442695040888963407u;
  }
}

inline bool is_block(Key key, const void* bytes, std::size_t size) {
  uint64_t word = mix(key + 1);
  for (std::size_t i = 0; i < size; i += sizeof word) {
    if (std::memcmp(static_cast<const char*>(bytes) + i, &word, sizeof word) != 0) return false;
    word = word * 6364136223846793005u + 1442695040888963407u;
  }
  return true;
}

/// Size a multiple of 8.
inline uint64_t checksum(const void* bytes, std::size_t size) {
  uint64_t sum = size;
  for (std::size_t i = 0; i < size; i += 8) {
    uint64_t word;
    std::memcpy(&word, static_cast<const char*>(bytes) + i, 8);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace kv
