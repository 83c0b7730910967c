#include "tests/policy/random_host.hpp"

#include <algorithm>
#include <array>

#include <catch2/catch.hpp>

namespace tiercast::tests {

using policy::SlotSet;
using policy::SlotState;

RandomHost::RandomHost(uint64_t seed, uint32_t capacity, std::vector<Instance*> instances,
                       NaivePolicy* naive, uint32_t slot_count)
    : draw_(seed),
      tale_(~seed),
      capacity_(capacity),
      instances_(std::move(instances)),
      naive_(naive),
      slots_(std::max(slot_count, capacity)),
      keys_(slots_.capacity()),
      depths_(slots_.capacity()) {}

void RandomHost::run(uint32_t steps) {
  for (uint32_t i = 0; i < steps; ++i) {
    step();
    for (const Instance* instance : instances_) {
      REQUIRE(instance->hash() == instances_.front()->hash());
    }
  }
}

void RandomHost::step() {
  now_ns_ += draw_.below(3) * pace_;
  if (naive_ != nullptr) naive_->clock(now_ns_);
  if (tale_.chance(20)) tick();
  if (told_ == Tale::all && tale_.chance(40)) tell_requests();
  const uint32_t kind = draw_.below(100);
  if (kind < 25) return insert();
  if (kind < 45) return set_evictable(true);
  if (kind < 55) return set_evictable(false);
  if (kind < 75) return touch();
  if (kind < 79) return remove();
  evict();
}

/// Up to so many slots of a set, mostly in runs, in any order of runs, without doubles.
Slots RandomHost::pick(SlotSet set, uint32_t count_max) {
  const uint32_t slot_count = slots_.capacity();
  const uint32_t wanted = 1 + draw_.below(count_max);
  Slots picked;
  for (uint32_t tries = 0; tries < 8 && picked.size() < wanted; ++tries) {
    const uint32_t run = 1 + draw_.below(draw_.chance(50) ? 1 : count_max);
    const uint32_t first = draw_.below(slot_count);
    for (uint32_t slot = first; slot < std::min(first + run, slot_count); ++slot) {
      const bool taken = std::find(picked.begin(), picked.end(), slot) != picked.end();
      if (!taken && slots_.all({slot, 1}, set) && picked.size() < wanted) picked.push_back(slot);
    }
  }
  return picked;
}

/// One that is not in the pool, often one that was there before.
uint64_t RandomHost::new_key() {
  uint64_t key = 0;
  do {
    key = 1 + draw_.below(3 * capacity_);
  } while (std::find(keys_.begin(), keys_.end(), key) != keys_.end());
  return key;
}

/// Blocks mostly follow each other in a prefix, else they continue one in the pool or none there.
std::vector<tp_block> RandomHost::new_blocks(const Slots& slots) {
  std::vector<tp_block> blocks;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    tp_block block = view_of(keys_[slots[i]]);
    if (told_ == Tale::no_sessions) {
      blocks.push_back(block);
      continue;
    }
    const uint32_t other = tale_.below(slots_.capacity());
    if (i != 0 && tale_.chance(70)) {
      block.parent_slot = slots[i - 1];
    } else if (slots_.all({other, 1}, SlotSet::present) && tale_.chance(80)) {
      block.parent_slot = other;
    }
    block.depth = block.parent_slot != UINT32_MAX ? depths_[block.parent_slot] + 1 : tale_.below(4);
    depths_[slots[i]] = block.depth;
    block.tokens = 16;
    block.bytes = 4096;
    block.tenant = tale_.below(3);
    constexpr std::array<uint32_t, 6> priorities{0, 0, 10, 35, 80, 100};
    block.priority = priorities[tale_.below(priorities.size())];
    block.session = tale_.below(6);
    block.recompute_ns = tale_.below(4) * uint64_t{1000};
    if (tale_.chance(50)) block.expires_ns = now_ns_ + 1 + tale_.below(60);
    blocks.push_back(block);
  }
  return blocks;
}

/// Up to three, perhaps of one kind twice, perhaps of an unknown kind.
std::vector<tp_hint> RandomHost::new_hints() {
  std::vector<tp_hint> hints(tale_.below(4));
  for (tp_hint& hint : hints) {
    hint.kind = 1 + tale_.below(6);
    const bool is_flag = hint.kind == TP_HINT_SESSION_ENDS;
    const bool is_time =
        hint.kind == TP_HINT_TOOL_RETURN_NS || hint.kind == TP_HINT_TOOL_RETURN_P90_NS;
    hint.value = is_flag ? tale_.below(2) : tale_.below(30) * (is_time ? pace_ : 1) - 1;
  }
  return hints;
}

tp_request RandomHost::new_request(const std::vector<tp_hint>& hints) {
  tp_request request{};
  request.size = sizeof request;
  request.session = tale_.below(9);
  request.tenant = static_cast<uint32_t>(request.session % 3);
  request.turn = tale_.below(4);
  request.id = 1 + tale_.below(20);
  constexpr std::array<uint32_t, 4> priorities{0, 35, 60, 100};
  request.priority = priorities[request.id % 4];
  request.arrival_ns = now_ns_;
  request.retain_ns = static_cast<int64_t>(request.id % 3) * 20;
  request.deadline_ns = INT64_MAX;
  request.hint_count = static_cast<uint32_t>(hints.size());
  request.hints = hints.data();
  return request;
}

const tp_request* RandomHost::request_behind(const tp_request& request, uint32_t percent) {
  return told_ != Tale::no_sessions && tale_.chance(percent) ? &request : nullptr;
}

void RandomHost::tell_requests() {
  const std::vector<tp_hint> hints = new_hints();
  const tp_request request = new_request(hints);
  if (tale_.chance(30)) {
    for (Instance* instance : instances_) instance->hint(now_ns_, request.session, hints);
    if (naive_ != nullptr) naive_->hint(request.session, hints);
    return;
  }
  const uint32_t phase = TP_PHASE_ARRIVE + tale_.below(6);
  for (Instance* instance : instances_) instance->request(now_ns_, request, phase);
  if (naive_ != nullptr) naive_->request(request, phase);
}

void RandomHost::insert() {
  const uint32_t room = capacity_ - slots_.present();
  if (room == 0) return;
  const Slots slots = pick(SlotSet::absent, std::min(12u, room));
  std::vector<uint64_t> keys;
  for (const uint32_t slot : slots) {
    keys_[slot] = new_key();
    keys.push_back(keys_[slot]);
  }
  const std::vector<tp_block> blocks = new_blocks(slots);
  for (const uint32_t slot : slots) slots_.assign({slot, 1}, SlotState::pinned);
  if (draw_.chance(75)) {  // most hosts look up what they miss; some of it never comes
    std::vector<uint64_t> missing = keys;
    if (draw_.chance(20)) missing.push_back(new_key());
    for (Instance* instance : instances_) instance->lookup(now_ns_, missing);
    if (naive_ != nullptr) naive_->lookup(missing);
  }
  const tp_request known = new_request({});
  const tp_request* request = request_behind(known, 50);
  for (Instance* instance : instances_) instance->insert_blocks(now_ns_, slots, blocks, request);
  if (naive_ == nullptr) return;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::size_t at = naive_->tail_first() ? slots.size() - 1 - i : i;
    naive_->insert_for(request, slots[at], blocks[at]);
  }
}

void RandomHost::touch() {
  Slots slots = pick(SlotSet::present, 12);
  if (draw_.chance(20)) slots.insert(slots.end(), slots.begin(), slots.end());
  const tp_request known = new_request({});
  const tp_request* request = request_behind(known, 60);
  for (Instance* instance : instances_) instance->touch(now_ns_, slots, request);
  if (naive_ == nullptr) return;
  if (naive_->touches_tail_first()) std::reverse(slots.begin(), slots.end());
  for (const uint32_t slot : slots) naive_->touch_for(request, slot);
}

void RandomHost::tick() {
  for (Instance* instance : instances_) instance->tick(now_ns_);
  if (naive_ != nullptr) naive_->tick();
}

void RandomHost::remove() {
  tell_removed(TP_REMOVED_EVICTED + draw_.below(4), pick(SlotSet::present, 4));
}

void RandomHost::set_evictable(bool on) {
  tell_evictable(on, pick(on ? SlotSet::held : SlotSet::evictable, 12));
}

void RandomHost::tell_removed(uint32_t reason, const Slots& slots) {
  for (Instance* instance : instances_) instance->remove(now_ns_, reason, slots);
  Slots walk = slots;
  if (naive_ != nullptr && naive_->tail_first()) std::reverse(walk.begin(), walk.end());
  for (const uint32_t slot : walk) {
    if (naive_ != nullptr) naive_->remove_for(reason, slot);
    slots_.assign({slot, 1}, SlotState::absent);
    keys_[slot] = 0;
  }
}

void RandomHost::tell_evictable(bool on, const Slots& slots) {
  for (Instance* instance : instances_) instance->set_evictable(now_ns_, on, slots);
  Slots walk = slots;
  if (naive_ != nullptr && naive_->tail_first()) std::reverse(walk.begin(), walk.end());
  for (const uint32_t slot : walk) {
    if (naive_ != nullptr) naive_->set_evictable(on, slot);
    slots_.assign({slot, 1}, on ? SlotState::evictable : SlotState::pinned);
  }
}

void RandomHost::evict() {
  if (slots_.evictable() == 0) return;
  const uint32_t most = draw_.chance(10) ? slots_.evictable() : std::min(9u, slots_.evictable());
  const uint32_t need = 1 + draw_.below(most);
  const bool asks_only = draw_.chance(20);
  const uint64_t hash = instances_.front()->hash();
  SpanList answer;
  std::vector<uint8_t> accepted;
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    Instance& instance = *instances_[i];
    uint64_t token = 0;
    const SpanList spans = instance.select(now_ns_, need, token);
    REQUIRE(instance.hash() == hash);
    if (i == 0) {
      answer = spans;
      for (std::size_t k = 0; k < answer.size(); ++k) accepted.push_back(draw_.chance(85));
    }
    REQUIRE(text(spans) == text(answer));
    if (asks_only) {
      REQUIRE(instance.table().abort(instance.cache(), token) == TP_OK);
      REQUIRE(instance.hash() == hash);
    } else {
      REQUIRE(instance.table().commit(instance.cache(), now_ns_, token, accepted.data()) == TP_OK);
    }
  }
  Slots leaving;
  std::vector<bool> refused;
  for (std::size_t k = 0; k < answer.size(); ++k) {
    for (const uint32_t slot : as_slots({answer[k]})) {
      REQUIRE(slots_.state(slot) == SlotState::evictable);
      refused.push_back(accepted[k] == 0);
      if (accepted[k] != 0) leaving.push_back(slot);
    }
  }
  REQUIRE(refused.size() == need);
  if (naive_ != nullptr) {
    Slots expected = naive_->victims(need);
    if (naive_->tail_first()) {
      // Inside a span of such a policy the eviction order is downwards.
      std::size_t begin = 0;
      for (const tp_span span : answer) {
        const auto first = expected.begin() + static_cast<std::ptrdiff_t>(begin);
        std::reverse(first, first + span.count);
        begin += span.count;
      }
    }
    REQUIRE(text(as_spans(expected, false)) == text(as_spans(as_slots(answer), false)));
    if (!asks_only) naive_->commit(refused);
  }
  if (asks_only) return;
  victims_ += leaving.size();
  for (const uint32_t slot : leaving) slots_.assign({slot, 1}, SlotState::leaving);
  settle(leaving);
}

/// Some victims go at once, some come back at once, others stay leaving until a later step.
void RandomHost::settle(const Slots& leaving) {
  const uint32_t kind = draw_.below(10);
  const auto half = leaving.begin() + static_cast<std::ptrdiff_t>(leaving.size() / 2);
  if (kind < 6) {
    tell_removed(TP_REMOVED_EVICTED, leaving);
  } else if (kind < 8) {
    tell_removed(TP_REMOVED_MOVED, Slots(leaving.begin(), half));
    tell_evictable(true, Slots(half, leaving.end()));
  }
}

}  // namespace tiercast::tests
