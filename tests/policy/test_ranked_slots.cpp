#include <map>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/ranked_slots.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
using policy::RankedSlots;

/// Slots as a sorted list of what they are ordered by.
class Sorted {
 public:
  void put(uint32_t slot, uint64_t rank, uint64_t tie) { items_[slot] = {rank, tie}; }
  void drop(uint32_t slot) { items_.erase(slot); }
  Slots in_order() const {
    std::vector<std::tuple<uint64_t, uint64_t, uint32_t>> list;
    for (const auto& [slot, item] : items_) list.emplace_back(item.first, item.second, slot);
    std::sort(list.begin(), list.end());
    Slots slots;
    for (const auto& item : list) slots.push_back(std::get<2>(item));
    return slots;
  }
  bool holds(uint32_t slot) const { return items_.count(slot) != 0; }
  uint64_t rank(uint32_t slot) const { return items_.at(slot).first; }
  std::size_t size() const { return items_.size(); }

 private:
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> items_;
};

Slots first_of(const RankedSlots& ranked, std::size_t count) {
  Slots slots;
  for (RankedSlots::Walk walk(ranked); !walk.done() && slots.size() < count; walk.next()) {
    CHECK(walk.rank() == ranked.rank(walk.slot()));
    slots.push_back(walk.slot());
  }
  return slots;
}

TEST_CASE("ranked slots are walked and taken in order of rank, tie and slot") {
  const uint32_t slot_count = GENERATE(1u, 2u, 5u, 40u, 300u);
  const bool stamped = GENERATE(false, true);
  Draw draw(slot_count);
  RankedSlots ranked(slot_count, slot_count);
  Sorted expected;
  uint64_t stamp = 0;
  for (int step = 0; step < 3000; ++step) {
    const uint32_t slot = draw.below(slot_count);
    if (draw.chance(60)) {
      const uint64_t rank = draw.chance(20) ? draw.bits() : draw.below(8);
      const uint64_t tie = stamped ? stamp++ : draw.below(4);
      stamped ? ranked.put_newest(slot, rank) : ranked.put(slot, rank, tie);
      expected.put(slot, rank, tie);
    } else if (draw.chance(60)) {
      ranked.drop(slot);
      expected.drop(slot);
    } else if (expected.size() != 0) {
      const uint32_t n = 1 + draw.below(static_cast<uint32_t>(expected.size()));
      const Slots order = expected.in_order();
      Slots named;
      ranked.take_least(n, [&](uint32_t taken, uint64_t rank) {
        named.push_back(taken);
        CHECK(rank == expected.rank(taken));
        const bool accepted = draw.chance(50);
        if (accepted) expected.drop(taken);
        return accepted;
      });
      REQUIRE(named == Slots(order.begin(), order.begin() + n));
    }
    REQUIRE(ranked.size() == expected.size());
    REQUIRE(ranked.holds(slot) == expected.holds(slot));
    if (step % 10 != 0) continue;
    const Slots order = expected.in_order();
    REQUIRE(first_of(ranked, SIZE_MAX) == order);
    const std::size_t part = order.size() / 2;
    REQUIRE(first_of(ranked, part) ==
            Slots(order.begin(), order.begin() + static_cast<long>(part)));
  }
}

TEST_CASE("ranked slots keep their order where stamps run out") {
  RankedSlots fresh(10, 10);
  RankedSlots worn(10, 10, RankedSlots::tie_max - 13);
  const auto hash = [](const RankedSlots& ranked) {
    policy::StateHash digest;
    ranked.hash(digest);
    return digest.value();
  };
  Draw draw(3);
  for (int step = 0; step < 40; ++step) {
    const uint32_t slot = draw.below(10);
    const uint64_t rank = draw.below(3);
    for (RankedSlots* ranked : {&fresh, &worn}) ranked->put_newest(slot, rank);
    REQUIRE(first_of(worn, 10) == first_of(fresh, 10));
    REQUIRE(hash(worn) == hash(fresh));
  }
}

}  // namespace
