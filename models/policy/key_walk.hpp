#pragma once

#include <algorithm>
#include <cstddef>

#include "models/policy/cache_policy.hpp"
#include "models/policy/key_hash.hpp"

namespace tiercast::policy {

/// Calls visit(key's hash) for a lookup's blocks that are not in the pool, those from `hits` on,
/// from the tail on, and ahead(key's hash) some blocks earlier.
template <class Ahead, class Visit>
void for_missing_keys(Blocks blocks, std::size_t count, std::size_t hits, Ahead ahead,
                      Visit visit) {
  constexpr std::size_t distance = 12;
  const std::size_t missing = count - hits;
  const auto hash_at = [&](std::size_t i) { return key_hash(blocks[count - 1 - i]->key); };
  if (missing == 1) return visit(hash_at(0));  // it is needed at once
  for (std::size_t i = 0; i < std::min(distance, missing); ++i) ahead(hash_at(i));
  for (std::size_t i = 0; i < missing; ++i) {
    if (i + distance < missing) ahead(hash_at(i + distance));
    visit(hash_at(i));
  }
}

}  // namespace tiercast::policy
