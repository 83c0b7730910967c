#include "tests/kvstore/naive_store.hpp"

#include <algorithm>

namespace tiercast::tests {

using kvstore::Path;

std::vector<NaiveStore::Name> NaiveStore::blocks_of(const Path& path) {
  std::vector<Name> names;
  std::vector<uint64_t> prefix;
  for (size_t i = 0; i < path.ids.size(); ++i) {
    prefix.push_back(path.ids[i]);
    const uint64_t number = numbers_.emplace(prefix, numbers_.size()).first->second;
    const uint32_t blocks = i + 1 == path.ids.size() ? path.last_blocks : blocks_per_id_;
    for (uint32_t k = 0; k < blocks; ++k) names.push_back({number << 1, k});
  }
  return names;
}

uint32_t NaiveStore::enter(const Path& path, uint64_t serial) {
  leaves_[next_leaf_] = {blocks_of(path), serial};
  return next_leaf_++;
}

NaiveStore::Name NaiveStore::name(uint32_t leaf, uint32_t depth) const {
  const Leaf& at = leaves_.at(leaf);
  return depth < at.named.size() ? at.named[depth] : Name{at.serial << 1 | 1, depth};
}

bool NaiveStore::in_use(const Pool& pool, const Name& name) const {
  return std::any_of(pool.pins.begin(), pool.pins.end(), [&](uint32_t leaf) {
    const Leaf& at = leaves_.at(leaf);
    return (name.first == (at.serial << 1 | 1)) ||
           std::find(at.named.begin(), at.named.end(), name) != at.named.end();
  });
}

uint32_t NaiveStore::hit(uint32_t leaf, uint32_t pool) const {
  uint32_t blocks = 0;
  while (pools_[pool].slot_of.count(name(leaf, blocks)) != 0) ++blocks;
  return blocks;
}

uint32_t NaiveStore::match(const Path& path, uint32_t pool) {
  uint32_t blocks = 0;
  for (const Name& name : blocks_of(path)) {
    if (pools_[pool].slot_of.count(name) == 0) break;
    ++blocks;
  }
  return blocks;
}

uint32_t NaiveStore::unpinned(uint32_t leaf, uint32_t pool, uint32_t blocks) const {
  uint32_t sum = 0;
  for (uint32_t d = 0; d < blocks; ++d) sum += in_use(pools_[pool], name(leaf, d)) ? 0 : 1;
  return sum;
}

NaiveStore::Slots NaiveStore::frames(uint32_t leaf, uint32_t pool, uint32_t blocks) const {
  Slots slots;
  for (uint32_t d = 0; d < blocks; ++d) slots.push_back(pools_[pool].slot_of.at(name(leaf, d)));
  return slots;
}

void NaiveStore::forget(Pool& pool, uint32_t slot) {
  pool.slot_of.erase(pool.name_of.at(slot));
  pool.name_of.erase(slot);
  pool.depth_of.erase(slot);
  pool.way_of.erase(slot);
}

void NaiveStore::pin(uint32_t leaf, uint32_t pool, uint32_t hit, Slots& pinned, Slots& orphans) {
  Pool& in = pools_[pool];
  for (uint32_t d = 0; d < reach(); ++d) {
    const auto here = in.slot_of.find(name(leaf, d));
    if (here == in.slot_of.end() || in_use(in, here->first)) continue;
    (d < hit ? pinned : orphans).push_back(here->second);
  }
  for (const uint32_t slot : orphans) forget(in, slot);
  in.pins.insert(leaf);
}

void NaiveStore::unpin(uint32_t leaf, uint32_t pool, Slots& freed) {
  Pool& in = pools_[pool];
  in.pins.erase(leaf);
  for (uint32_t d = 0; d < reach(); ++d) {
    const auto here = in.slot_of.find(name(leaf, d));
    if (here != in.slot_of.end() && !in_use(in, here->first)) freed.push_back(here->second);
  }
}

bool NaiveStore::place(uint32_t leaf, uint32_t pool, uint32_t depth, uint32_t slot) {
  Pool& in = pools_[pool];
  if (!in.slot_of.emplace(name(leaf, depth), slot).second) return false;
  in.name_of[slot] = name(leaf, depth);
  in.depth_of[slot] = depth;
  std::vector<Name>& way = in.way_of[slot];
  for (uint32_t d = 0; d <= depth; ++d) way.push_back(name(leaf, d));
  return true;
}

void NaiveStore::evict(uint32_t pool, uint32_t slot) { forget(pools_[pool], slot); }

bool NaiveStore::evictable(uint32_t pool, uint32_t slot) const {
  const Pool& in = pools_[pool];
  const auto here = in.name_of.find(slot);
  return here != in.name_of.end() && !in_use(in, here->second);
}

uint32_t NaiveStore::run_from(uint32_t leaf, uint32_t pool, uint32_t depth, uint32_t end) const {
  uint32_t at = depth;
  while (at < end && present(leaf, pool, at)) ++at;
  return at - depth;
}

uint32_t NaiveStore::next_present(uint32_t leaf, uint32_t pool, uint32_t depth,
                                  uint32_t end) const {
  while (depth < end && !present(leaf, pool, depth)) ++depth;
  return depth;
}

NaiveStore::Slots NaiveStore::frames_of(uint32_t leaf, uint32_t pool, uint32_t depth,
                                        uint32_t count) const {
  Slots slots;
  for (uint32_t d = depth; d < depth + count; ++d) {
    slots.push_back(pools_[pool].slot_of.at(name(leaf, d)));
  }
  return slots;
}

uint32_t NaiveStore::hold(uint32_t pool, uint32_t slot) {
  leaves_[next_leaf_] = {pools_[pool].way_of.at(slot), UINT32_MAX};
  return next_leaf_++;
}

}  // namespace tiercast::tests
