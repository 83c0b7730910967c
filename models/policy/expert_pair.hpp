#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "models/policy/bit_index.hpp"
#include "models/policy/decay.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/slot_queues.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

enum class Expert : uint32_t { none, first, second };

/// Two experts that would each evict in an order of their own; each victim is that of one of them,
/// drawn by their weights, which shift where the victims of one are missed. Draws come from the
/// seed and a counter that moves at commit.
class ExpertPair {
 public:
  /// first_weight: of the first at the start; the second has the rest of 1. floor: the least weight
  /// that is left to either.
  ExpertPair(uint32_t slot_count, uint64_t seed, double first_weight, double floor)
      : seed_(mix_bits(seed + 0x9E3779B97F4A7C15u)),
        floor_(floor),
        first_weight_(first_weight),
        named_(slot_count) {}

  /// The expert's weight is multiplied by e^-regret, then both are scaled to sum up to 1.
  void blame(Expert expert, double regret) {
    const double kept = decay(regret);
    const double first = first_weight_ * (expert == Expert::first ? kept : 1);
    const double second = (1 - first_weight_) * (expert == Expert::second ? kept : 1);
    first_weight_ = std::clamp(first / (first + second), floor_, 1 - floor_);
  }

  /// Calls give(slot, expert, agreed) for the victims of the next draws in order; agreed: the other
  /// expert would have named it too. Each expert's walk, slot() and next(), goes through all
  /// candidates, `need` at least; what has been named already is passed over. Leaves the victims
  /// marked, so for_named() must follow.
  template <class First, class Second, class Give>
  void name_victims(uint32_t need, First first, Second second, Give give) const {
    for (uint64_t draw = draws_; draw < draws_ + need; ++draw) {
      while (named_.test(first.slot())) first.next();
      while (named_.test(second.slot())) second.next();
      const bool by_first = chance(draw) < first_weight_;
      const uint32_t slot = by_first ? first.slot() : second.slot();
      named_.set(slot);
      give(slot, by_first ? Expert::first : Expert::second, first.slot() == second.slot());
    }
  }
  /// Calls visit(slot) for the victims named last, in order of slots; they are marked no longer.
  template <class Visit>
  void for_named(Visit visit) const {
    named_.for_members(0, named_.none, [&](uint32_t slot) {
      named_.clear(slot);
      visit(slot);
      return true;
    });
  }
  /// So many draws are over.
  void commit(uint32_t need) { draws_ += need; }

  /// At least 0, below 1; the same for the same number. Those of draws count from 0 up.
  double chance(uint64_t number) const {
    return static_cast<double>(mix_bits(seed_ + number * 0x9E3779B97F4A7C15u) >> 11) * 0x1p-53;
  }

  void hash(StateHash& hash) const {
    hash.add(std::bit_cast<uint64_t>(first_weight_));
    hash.add(draws_);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.value(self.first_weight_);
    archive.value(self.draws_);
  }

 private:
  uint64_t seed_;
  double floor_;
  double first_weight_;
  uint64_t draws_ = 0;      // victims named and committed so far
  mutable BitIndex named_;  // slots; empty between calls
};

/// Candidates of queues: those of queue 0 from the oldest on, then those of queue 1 and so on.
template <uint32_t count>
class QueueWalk {
 public:
  explicit QueueWalk(const SlotQueues<count>& queues) : queues_(queues), place_(queues.oldest(0)) {
    settle();
  }

  bool done() const { return place_ == queues_.none; }
  uint32_t slot() const { return queues_.slot_at(place_); }
  void next() {
    place_ = queues_.oldest(queue_, place_ + 1);
    settle();
  }

 private:
  void settle() {
    while (done() && ++queue_ < count) place_ = queues_.oldest(queue_);
  }

  const SlotQueues<count>& queues_;
  uint32_t queue_ = 0;
  uint32_t place_;
};

}  // namespace tiercast::policy
