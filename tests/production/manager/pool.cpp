#include "pool.hpp"

#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>
#include <unordered_set>

namespace kv {

Pool::Pool(const PoolSpec& spec)
    : block_bytes_(spec.block_bytes),
      frames_(2 * spec.capacity),
      keys_(2 * spec.capacity),
      pins_(2 * spec.capacity),
      used_(2 * spec.capacity),
      free_(spec.capacity) {
  for (uint32_t frame = spec.capacity; frame-- > 0;) free_frames_.push_back(frame);
  make_policy(spec);
}

Pool::~Pool() {
  table_.destroy(policy_);  // ends the tape
  if (tape_file_ >= 0) close(tape_file_);
}

void Pool::make_policy(const PoolSpec& spec) {
  const tp_cache_table* const found = tp_find_builtin_cache(spec.policy.c_str());
  if (found == nullptr) throw std::runtime_error("no cache policy '" + spec.policy + "'");
  table_ = *found;
  const tp_pool shape{sizeof shape, spec.capacity, 16, spec.block_bytes, 2 * spec.capacity, 0};
  char error[300] = "";
  if (table_.create("", &shape, 1, &policy_, error, sizeof error) != TP_OK) {
    throw std::runtime_error(spec.name + ": " + error);
  }
  if (spec.tape.empty()) return;
  tape_file_ = open(spec.tape.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (tape_file_ < 0) throw std::runtime_error("cannot write " + spec.tape);
  const tp_tape tape{sizeof tape,
                     1000,
                     spec.name.c_str(),
                     this,
                     [](void* host, const void* bytes, size_t size) {
                       const int file = static_cast<Pool*>(host)->tape_file_;
                       const char* at = static_cast<const char*>(bytes);
                       while (size > 0) {
                         const ssize_t done = write(file, at, size);
                         if (done < 0 && errno == EINTR) continue;
                         if (done <= 0) return 1;
                         at += done;
                         size -= static_cast<size_t>(done);
                       }
                       return 0;
                     },
                     nullptr};
  tp_cache_table recording{};
  recording.size = sizeof recording;
  tp_cache* recorder = nullptr;
  if (tp_record_cache(found, policy_, "", &shape, 1, &tape, &recording, &recorder, error,
                      sizeof error) != TP_OK) {
    throw std::runtime_error(spec.name + ": " + error);
  }
  table_ = recording;
  policy_ = recorder;
}

void Pool::expect_ok(int code, const char* call) const {
  if (code == TP_OK) return;
  throw std::runtime_error(std::string("policy ") + table_.info()->name + " answers " +
                           std::to_string(code) + " to " + call);
}

std::span<const tp_span> Pool::spans(std::span<const uint32_t> slots) {
  spans_.clear();
  for (const uint32_t slot : slots) {
    if (!spans_.empty() && spans_.back().first_slot + spans_.back().count == slot) {
      ++spans_.back().count;
    } else {
      spans_.push_back({slot, 1});
    }
  }
  return spans_;
}

uint32_t Pool::find(Key key) const {
  const auto found = slot_of_.find(key);
  return found == slot_of_.end() ? kNoSlot : found->second;
}

uint32_t Pool::run_from(const Keys& keys, uint32_t first) const {
  uint32_t end = first;
  while (end < keys.size() && find(keys[end]) != kNoSlot) ++end;
  return end - first;
}

uint32_t Pool::unpinned(std::span<const uint32_t> slots) const {
  uint32_t count = 0;
  for (const uint32_t slot : slots) count += pins_[slot] == 0;
  return count;
}

Slots Pool::take(uint32_t count, std::vector<Departed>* departed) {
  if (count > free_) {
    const uint32_t need = count - free_;
    std::vector<tp_span> victims(need);
    tp_victims answer{};
    const int64_t now = ++logical_clock;
    expect_ok(table_.select(policy_, now, need, victims.data(), victims.size(), &answer), "select");
    victims.resize(answer.span_count);
    expect_ok(table_.commit(policy_, now, answer.token, nullptr), "commit");
    expect_ok(table_.on_remove(policy_, now, TP_REMOVED_EVICTED, victims.data(), victims.size()),
              "on_remove");
    evictable_ -= need;
    counts_.evicted += need;
    for (const tp_span& span : victims) {
      for (uint32_t slot = span.first_slot; slot < span.first_slot + span.count; ++slot) {
        if (departed != nullptr) departed->push_back({keys_[slot], frames_[slot]});
        slot_of_.erase(keys_[slot]);
        free_slot(slot);
      }
    }
  }
  Slots slots;
  free_ -= count;
  for (; slots.size() < count; hand_ = (hand_ + 1) % static_cast<uint32_t>(used_.size())) {
    if (used_[hand_]) continue;
    used_[hand_] = true;
    frames_[hand_] = free_frames_.back();
    free_frames_.pop_back();
    slots.push_back(hand_);
  }
  return slots;
}

void Pool::free_slot(uint32_t slot) {
  used_[slot] = false;
  free_frames_.push_back(frames_[slot]);
  ++free_;
}

Slots Pool::take_frames(std::span<const uint32_t> frames) {
  const std::unordered_set<uint32_t> wanted(frames.begin(), frames.end());
  std::erase_if(free_frames_, [&](uint32_t frame) { return wanted.contains(frame); });
  Slots slots;
  for (const uint32_t frame : frames) {
    used_[hand_] = true;
    frames_[hand_] = frame;
    slots.push_back(hand_++);
    --free_;
  }
  return slots;
}

void Pool::give_back(uint32_t slot) { free_slot(slot); }

void Pool::insert(std::span<const uint32_t> slots, std::span<const Key> keys, uint32_t depth) {
  if (slots.empty()) return;
  views_.assign(slots.size(), tp_block{});
  for (std::size_t i = 0; i < slots.size(); ++i) {
    views_[i].size = sizeof(tp_block);
    views_[i].key = {0, keys[i]};
    views_[i].parent_slot = UINT32_MAX;
    views_[i].depth = depth + static_cast<uint32_t>(i);
    views_[i].bytes = block_bytes_;
    views_[i].expires_ns = INT64_MAX;
    keys_[slots[i]] = keys[i];
    pins_[slots[i]] = 1;
    slot_of_[keys[i]] = slots[i];
    coming_.erase(keys[i]);
  }
  counts_.inserted += slots.size();
  if (table_.on_insert == nullptr) return;
  const auto batch = spans(slots);
  expect_ok(table_.on_insert(policy_, ++logical_clock, nullptr, batch.data(), batch.size(),
                             views_.data()),
            "on_insert");
}

void Pool::touch(std::span<const uint32_t> slots) {
  if (slots.empty() || table_.on_touch == nullptr) return;
  const auto batch = spans(slots);
  expect_ok(table_.on_touch(policy_, ++logical_clock, nullptr, batch.data(), batch.size()),
            "on_touch");
}

void Pool::evictable(bool on, const Slots& slots) {
  if (slots.empty()) return;
  const auto count = static_cast<uint32_t>(slots.size());
  evictable_ += on ? count : -count;
  const auto batch = spans(slots);
  expect_ok(table_.on_evictable(policy_, ++logical_clock, on, batch.data(), batch.size()),
            "on_evictable");
}

void Pool::pin(std::span<const uint32_t> slots) {
  Slots first;
  for (const uint32_t slot : slots) {
    if (pins_[slot]++ == 0) first.push_back(slot);
  }
  evictable(false, first);
}

void Pool::unpin(std::span<const uint32_t> slots) {
  Slots last;
  for (const uint32_t slot : slots) {
    if (--pins_[slot] == 0) last.push_back(slot);
  }
  evictable(true, last);
}

void Pool::drop(std::span<const uint32_t> slots) {
  if (slots.empty()) return;
  const auto batch = spans(slots);
  expect_ok(
      table_.on_remove(policy_, ++logical_clock, TP_REMOVED_DROPPED, batch.data(), batch.size()),
      "on_remove");
  counts_.dropped += slots.size();
  for (const uint32_t slot : slots) {
    if (pins_[slot] != 0) throw std::logic_error("a block in use is dropped");
    --evictable_;
    slot_of_.erase(keys_[slot]);
    free_slot(slot);
  }
}

}  // namespace kv
