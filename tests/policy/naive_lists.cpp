#include "tests/policy/naive_lists.hpp"

#include <catch2/catch.hpp>

namespace tiercast::tests {

std::string UnitHost::use(uint64_t key) {
  ++now_ns_;
  const auto slot_of = [&](uint64_t wanted) {
    return static_cast<uint32_t>(std::find(keys_.begin(), keys_.end(), wanted) - keys_.begin());
  };
  uint32_t slot = slot_of(key);
  if (slot < keys_.size()) {
    cache_.touch(now_ns_, {slot});
    return "";
  }
  cache_.lookup(now_ns_, {key});
  std::string evicted;
  slot = slot_of(0);
  if (slot == keys_.size()) {
    uint64_t token = 0;
    slot = cache_.select(now_ns_, 1, token).front().first_slot;
    REQUIRE(cache_.table().commit(cache_.cache(), now_ns_, token, nullptr) == TP_OK);
    cache_.remove(now_ns_, TP_REMOVED_EVICTED, {slot});
    evicted = std::to_string(keys_[slot]);
  }
  keys_[slot] = key;
  cache_.insert(now_ns_, {slot}, {key});
  cache_.set_evictable(now_ns_, true, {slot});
  return evicted;
}

std::string UnitHost::use_all(const std::vector<uint64_t>& keys) {
  std::string answers;
  for (const uint64_t key : keys) {
    const std::string evicted = use(key);
    answers += (answers.empty() ? "" : " ") + (evicted.empty() ? std::string("-") : evicted);
  }
  return answers;
}

}  // namespace tiercast::tests
