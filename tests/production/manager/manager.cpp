#include "manager.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <stdexcept>

namespace kv {

namespace {

PoolSpec pool_spec(const ManagerSpec& spec, const char* name, const std::string& policy,
                   uint32_t capacity) {
  const std::string tape = spec.tapes.empty() ? "" : spec.tapes + "/" + name + ".tape";
  return {name, policy, capacity, spec.block_bytes, tape};
}

char* aligned(std::size_t bytes) {
  void* const memory = std::aligned_alloc(kAlignment, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<char*>(memory);
}

}  // namespace

Manager::Manager(const ManagerSpec& spec)
    : spec_(spec),
      memory_(pool_spec(spec, "memory", spec.memory_policy, spec.memory_blocks)),
      file_(pool_spec(spec, "file", spec.file_policy, spec.file_blocks)),
      blocks_(spec.folder, spec.file_blocks, spec.block_bytes, spec.direct),
      arena_(aligned(std::size_t{spec.memory_blocks} * spec.block_bytes)),
      placement_table_(tp_find_builtin_placement(spec.placement.c_str())),
      workers_(spec.workers) {
  if (placement_table_ == nullptr) throw std::runtime_error("no placement " + spec.placement);
  char error[300] = "";
  if (placement_table_->create("", 1, &placement_, error, sizeof error) != TP_OK) {
    throw std::runtime_error(error);
  }
  adopt();
}

Manager::~Manager() {
  placement_table_->destroy(placement_);
  std::free(arena_);
}

// What an earlier process left in the file is in the pool again, as if inserted in that order.
void Manager::adopt() {
  const std::vector<FileTier::Found> found = blocks_.recover();
  Keys keys;
  std::vector<uint32_t> frames;
  for (const FileTier::Found& block : found) {
    keys.push_back(block.key);
    frames.push_back(block.frame);
  }
  recovered_ = static_cast<uint32_t>(found.size());
  const std::lock_guard lock(file_.lock);
  const Slots slots = file_.take_frames(frames);
  file_.insert(slots, keys, 0);
  file_.unpin(slots);
}

std::vector<tp_tier> Manager::tiers() {
  std::vector<tp_tier> views(2);
  for (tp_tier& view : views) view.size = sizeof view;
  views[0].kind = TP_TIER_HBM;
  views[0].capacity_blocks = spec_.memory_blocks;
  views[0].used_blocks = memory_.present();
  views[1].kind = TP_TIER_NVME;
  views[1].capacity_blocks = spec_.file_blocks;
  views[1].used_blocks = file_.present();
  views[1].read_bytes_per_s = views[1].write_bytes_per_s = 1'000'000'000;  // an assumption
  return views;
}

// Of `found` blocks that the file has behind the hits, how many the policy wants loaded.
uint32_t Manager::planned_load(uint32_t hits, uint32_t found, uint32_t blocks) {
  if (found == 0) return 0;
  const tp_run run{hits, found, 2, 0, int64_t{found} * 1'000'000};  // computing: an assumption
  const tp_fetch fetch{sizeof fetch, spec_.block_bytes, 16, hits, blocks, 1, &run};
  const std::vector<tp_tier> views = tiers();
  tp_segment segment{};
  size_t segments = 0;
  const tp_request request{};
  const std::lock_guard lock(placement_lock_);
  if (placement_table_->plan_fetch(placement_, logical_clock, &request, &fetch, views.data(),
                                   views.size(), &segment, 1, &segments) != TP_OK) {
    throw std::runtime_error("plan_fetch fails");
  }
  const bool loads = segments == 1 && segment.mode == TP_SEGMENT_LOAD && segment.first == hits;
  return loads ? segment.count : 0;
}

void Manager::verify(const Keys& keys, std::span<const uint32_t> frames, uint32_t first) const {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (!is_block(keys[first + i], at(frames[i]), spec_.block_bytes)) {
      throw std::runtime_error("a hit is not the block it should be");
    }
  }
}

Served Manager::serve(const Keys& keys) {
  const auto blocks = static_cast<uint32_t>(keys.size());
  Served served;
  if (blocks > spec_.memory_blocks) {
    served.refused = true;
    return served;
  }
  std::vector<Write> writes;
  std::vector<Departed> departed;
  std::shared_ptr<char> staging;
  Slots slots;  // of the request's blocks in memory, pinned
  Load load;
  {
    std::unique_lock lock(memory_.lock);
    room_.wait(lock, [&] {
      slots.clear();
      const uint32_t hits = memory_.run_from(keys, 0);
      for (uint32_t i = 0; i < hits; ++i) slots.push_back(memory_.find(keys[i]));
      return blocks - hits + memory_.unpinned(slots) <= memory_.available();
    });
    served.memory_hits = static_cast<uint32_t>(slots.size());
    memory_.pin(slots);
    // A prefix ends at its first gap: what lies behind is computed again, and of no use until then.
    Slots orphans;
    for (uint32_t i = served.memory_hits; i < blocks; ++i) {
      if (const uint32_t slot = memory_.find(keys[i]); slot != kNoSlot) orphans.push_back(slot);
    }
    memory_.drop(orphans);
    memory_.touch(slots);
    memory_.promise(blocks - served.memory_hits);
    load = start_load(keys, served.memory_hits, blocks);
    served.file_hits = static_cast<uint32_t>(load.sources.size());
    memory_.keep_promise(served.file_hits);
    load.slots = memory_.take(served.file_hits, &departed);
    staging = stage(departed);
    std::vector<Move> moves;
    const std::lock_guard file_lock(file_.lock);
    for (uint32_t i = 0; i < served.file_hits; ++i) {
      moves.push_back({file_.frame(load.sources[i]), at(memory_.frame(load.slots[i])), 0});
    }
    load.batch = blocks_.read(workers_, std::move(moves));
  }
  write_back(departed, staging, writes);
  load.batch->wait();
  {
    const std::lock_guard lock(file_.lock);
    file_.unpin(load.sources);
  }
  const Slots loaded = place(keys, served.memory_hits, load.slots);
  slots.insert(slots.end(), loaded.begin(), loaded.end());
  std::vector<uint32_t> frames;
  for (const uint32_t slot : slots) frames.push_back(memory_.frame(slot));
  verify(keys, frames, 0);

  served.computed = blocks - static_cast<uint32_t>(slots.size());
  departed.clear();
  Slots fresh;
  {
    const std::lock_guard lock(memory_.lock);
    memory_.keep_promise(served.computed);
    fresh = memory_.take(served.computed, &departed);
    staging = stage(departed);
  }
  for (uint32_t i = 0; i < served.computed; ++i) {
    compute_block(keys[slots.size() + i], at(memory_.frame(fresh[i])), spec_.block_bytes);
  }
  const Slots computed = place(keys, static_cast<uint32_t>(slots.size()), fresh);
  slots.insert(slots.end(), computed.begin(), computed.end());
  write_back(departed, staging, writes);
  store(keys, slots, writes);
  for (Write& write : writes) finish(write);
  {
    const std::lock_guard lock(memory_.lock);
    memory_.unpin(slots);
  }
  room_.notify_all();
  return served;
}

// With memory_.lock held. What is loaded must not leave the file before it is read.
Manager::Load Manager::start_load(const Keys& keys, uint32_t first, uint32_t blocks) {
  Load load;
  const std::lock_guard lock(file_.lock);
  const uint32_t count = planned_load(first, file_.run_from(keys, first), blocks);
  for (uint32_t i = 0; i < count; ++i) load.sources.push_back(file_.find(keys[first + i]));
  file_.touch(load.sources);
  file_.pin(load.sources);
  return load;
}

// With memory_.lock held: a copy of victims' bytes, since their frames are used again at once. None
// where they would be dropped anyway.
std::shared_ptr<char> Manager::stage(const std::vector<Departed>& departed) const {
  if (departed.empty() || spec_.placement != "back") return nullptr;
  std::shared_ptr<char> copy(aligned(departed.size() * spec_.block_bytes), std::free);
  for (std::size_t i = 0; i < departed.size(); ++i) {
    std::copy_n(at(departed[i].frame), spec_.block_bytes, copy.get() + i * spec_.block_bytes);
  }
  return copy;
}

// Blocks that have left memory go where the policy says.
void Manager::write_back(const std::vector<Departed>& departed, std::shared_ptr<char> staging,
                         std::vector<Write>& writes) {
  if (staging == nullptr) return;
  uint32_t to = TP_NO_TIER;
  {
    std::scoped_lock lock(memory_.lock, file_.lock);
    const std::vector<tp_tier> views = tiers();
    const std::lock_guard placement_lock(placement_lock_);
    if (placement_table_->demote(placement_, logical_clock, 0,
                                 static_cast<uint32_t>(departed.size()), views.data(), views.size(),
                                 &to) != TP_OK) {
      throw std::runtime_error("demote fails");
    }
  }
  if (to != 1) return;
  Keys keys;
  std::vector<const char*> from;
  for (std::size_t i = 0; i < departed.size(); ++i) {
    keys.push_back(departed[i].key);
    from.push_back(staging.get() + i * spec_.block_bytes);
  }
  writes.push_back(start_write(keys, from, std::move(staging)));
}

// Complete blocks are in memory from now on. Where somebody else was faster, his block is used.
Slots Manager::place(const Keys& keys, uint32_t first, const Slots& taken) {
  const std::lock_guard lock(memory_.lock);
  Slots slots, fresh, found;
  Keys fresh_keys;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const Key key = keys[first + i];
    const uint32_t there = memory_.find(key);
    slots.push_back(there != kNoSlot ? there : taken[i]);
    if (there == kNoSlot) {
      fresh.push_back(taken[i]);
      fresh_keys.push_back(key);
    } else {
      found.push_back(there);
      memory_.give_back(taken[i]);
    }
  }
  memory_.pin(found);
  memory_.insert(fresh, fresh_keys, first);
  return slots;
}

void Manager::store(const Keys& keys, const Slots& slots, std::vector<Write>& writes) {
  std::vector<tp_placed> placed(keys.size() + 1);
  size_t count = 0;
  {
    std::scoped_lock lock(memory_.lock, file_.lock);
    const std::vector<tp_tier> views = tiers();
    const std::lock_guard placement_lock(placement_lock_);
    const tp_request request{};
    if (placement_table_->place(placement_, logical_clock, &request, TP_STORE_PROMPT, 0,
                                static_cast<uint32_t>(keys.size()), nullptr, views.data(),
                                views.size(), placed.data(), placed.size(), &count) != TP_OK) {
      throw std::runtime_error("place fails");
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if ((placed[i].tier_mask & 2) == 0) continue;
    Keys part;
    std::vector<const char*> from;
    for (uint32_t k = placed[i].first; k < placed[i].first + placed[i].count; ++k) {
      part.push_back(keys[k]);
      from.push_back(at(memory_.frame(slots[k])));
    }
    writes.push_back(start_write(part, from, nullptr));
  }
}

// What the file has counts as used; the rest gets frames as far as there are any.
Manager::Write Manager::start_write(const Keys& keys, const std::vector<const char*>& from,
                                    std::shared_ptr<char> staging) {
  Write write;
  write.staging = std::move(staging);
  std::vector<Move> moves;
  const std::lock_guard lock(file_.lock);
  for (uint32_t i = 0; i < keys.size();) {
    if (const uint32_t run = file_.run_from(keys, i); run > 0) {
      Slots known;
      for (uint32_t k = 0; k < run; ++k) known.push_back(file_.find(keys[i + k]));
      file_.touch(known);
      i += run;
      continue;
    }
    uint32_t end = i;
    while (end < keys.size() && file_.find(keys[end]) == kNoSlot && !file_.coming(keys[end])) ++end;
    const uint32_t count = std::min(end - i, file_.available());
    Run run{{}, file_.take(count, nullptr)};
    for (uint32_t k = 0; k < count; ++k) {
      file_.expect(keys[i + k]);
      run.keys.push_back(keys[i + k]);
      moves.push_back({file_.frame(run.slots[k]), const_cast<char*>(from[i + k]), keys[i + k]});
    }
    write.runs.push_back(std::move(run));
    i = std::max(end, i + 1);
  }
  write.batch = blocks_.write(workers_, std::move(moves));
  return write;
}

void Manager::finish(Write& write) {
  write.batch->wait();
  const std::lock_guard lock(file_.lock);
  for (const Run& run : write.runs) {
    file_.insert(run.slots, run.keys, 0);
    file_.unpin(run.slots);
  }
}

}  // namespace kv
