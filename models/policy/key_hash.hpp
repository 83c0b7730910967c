#pragma once

#include <cstdint>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// 64 well mixed bits of a number; different numbers give different ones.
inline uint64_t mix_bits(uint64_t word) {
  word = (word ^ word >> 32) * 0xD6E8FEB86659FD93u;
  word = (word ^ word >> 32) * 0xD6E8FEB86659FD93u;
  return word ^ word >> 32;
}

/// 64 well mixed bits of a key. Two of a hundred million keys agree once in some 4,000 such pools.
inline uint64_t key_hash(tp_key key) {
  return mix_bits(key.lo ^ mix_bits(key.hi + 0x9E3779B97F4A7C15u));
}

}  // namespace tiercast::policy
