#include "tests/serving/naive_pool.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/hash.hpp"

namespace tiercast::tests {

namespace {
constexpr uint64_t kPlaced = 1;
constexpr uint64_t kEvicted = 2;
constexpr uint64_t kDropped = 3;
constexpr uint64_t kReused = 4;
}  // namespace

NaivePool::NaivePool(uint32_t frames, std::unique_ptr<NaiveEviction> eviction)
    : eviction_(std::move(eviction)) {
  for (uint32_t slot = 0; slot < frames; ++slot) free_.insert(slot);
}

void NaivePool::record(int64_t now_ns, uint64_t kind, uint32_t depth) {
  const uint64_t when = mix(static_cast<uint64_t>(now_ns), kind);
  digest_ += when + mix(when) * depth;
}

uint32_t NaivePool::hit(const NaivePath& path) const {
  uint32_t blocks = 0;
  while (blocks < path.size() && slot_of_.count(path[blocks]) != 0) ++blocks;
  return blocks;
}

uint32_t NaivePool::hit_before(const NaivePath& path, int64_t time_ns) const {
  std::set<uint64_t> there;
  for (const Event& event : events_) {
    if (event.time_ns >= time_ns) break;
    if (event.came) {
      there.insert(event.key);
    } else {
      there.erase(event.key);
    }
  }
  uint32_t blocks = 0;
  while (blocks < path.size() && there.count(path[blocks]) != 0) ++blocks;
  return blocks;
}

uint32_t NaivePool::unused(const NaivePath& path, uint32_t count) const {
  uint32_t blocks = 0;
  for (uint32_t depth = 0; depth < count; ++depth) {
    if (slot_of_.count(path[depth]) != 0 && users_.count(path[depth]) == 0) ++blocks;
  }
  return blocks;
}

void NaivePool::forget(int64_t now_ns, uint32_t slot) {
  events_.push_back({now_ns, content_of_.at(slot).key, false});
  slot_of_.erase(content_of_.at(slot).key);
  content_of_.erase(slot);
  --evictable_;
}

void NaivePool::start(int64_t now_ns, const NaivePath& path, uint32_t hit) {
  std::vector<uint32_t> first_used;
  std::vector<uint32_t> useless;
  std::vector<uint32_t> reused;
  for (uint32_t depth = 0; depth < path.size(); ++depth) {
    const bool in_use = users_[path[depth]]++ != 0;
    const auto here = slot_of_.find(path[depth]);
    if (here == slot_of_.end()) continue;
    if (depth < hit) reused.push_back(here->second);
    if (in_use) continue;
    (depth < hit ? first_used : useless).push_back(here->second);
  }
  if (!first_used.empty()) eviction_->evictable(now_ns, false, first_used);
  evictable_ -= static_cast<uint32_t>(first_used.size());
  if (!useless.empty()) eviction_->drop(now_ns, useless);
  for (const uint32_t slot : useless) {
    record(now_ns, kDropped, content_of_.at(slot).depth);
    forget(now_ns, slot);
    free_.insert(slot);
    ++counts_.dropped;
  }
  if (!reused.empty()) eviction_->touch(now_ns, reused);
  for (const uint32_t slot : reused) record(now_ns, kReused, content_of_.at(slot).depth);
}

void NaivePool::stop(int64_t now_ns, const NaivePath& path) {
  std::vector<uint32_t> unused;
  for (const uint64_t key : path) {
    if (--users_.at(key) != 0) continue;
    users_.erase(key);
    const auto here = slot_of_.find(key);
    if (here != slot_of_.end()) unused.push_back(here->second);
  }
  evictable_ += static_cast<uint32_t>(unused.size());
  if (!unused.empty()) eviction_->evictable(now_ns, true, unused);
}

std::vector<uint32_t> NaivePool::take(int64_t now_ns, uint32_t count) {
  counts_.taken += count;
  std::vector<uint32_t> slots;
  while (slots.size() < count && !free_.empty()) {
    slots.push_back(*free_.begin());
    free_.erase(free_.begin());
  }
  const uint32_t missing = count - static_cast<uint32_t>(slots.size());
  if (missing == 0) return slots;
  for (const uint32_t slot : eviction_->evict(now_ns, missing)) {
    record(now_ns, kEvicted, content_of_.at(slot).depth);
    forget(now_ns, slot);
    slots.push_back(slot);
    ++counts_.evicted;
  }
  if (counts_.first_eviction_ns < 0) counts_.first_eviction_ns = now_ns;
  return slots;
}

void NaivePool::give_back(uint32_t slot) {
  free_.insert(slot);
  ++counts_.returned;
}

bool NaivePool::complete(int64_t now_ns, const NaivePath& path, uint32_t depth, uint32_t slot) {
  const uint64_t key = path[depth];
  if (slot_of_.count(key) != 0) {
    ++counts_.duplicated;
    return false;
  }
  slot_of_[key] = slot;
  events_.push_back({now_ns, key, true});
  content_of_[slot] = {key, depth};
  completed_.push_back({slot, key, depth});
  record(now_ns, kPlaced, depth);
  ++counts_.placed;
  return true;
}

void NaivePool::announce(int64_t now_ns) {
  if (!completed_.empty()) eviction_->insert(now_ns, completed_);
  completed_.clear();
}

}  // namespace tiercast::tests
