#pragma once

#include <algorithm>
#include <cstddef>

#include "models/policy/cache_policy.hpp"

namespace tiercast::policy {

/// Calls visit(key) for a lookup's blocks that are not in the pool, those from `hits` on, from the
/// tail on, and ahead(key) some blocks earlier.
template <class Ahead, class Visit>
void for_missing_keys(Blocks blocks, std::size_t count, std::size_t hits, Ahead ahead,
                      Visit visit) {
  constexpr std::size_t distance = 12;
  const std::size_t missing = count - hits;
  if (missing == 1) return visit(blocks[hits]->key);  // it is needed at once
  for (std::size_t i = 0; i < std::min(distance, missing); ++i) ahead(blocks[count - 1 - i]->key);
  for (std::size_t i = 0; i < missing; ++i) {
    if (i + distance < missing) ahead(blocks[count - 1 - i - distance]->key);
    visit(blocks[count - 1 - i]->key);
  }
}

}  // namespace tiercast::policy
