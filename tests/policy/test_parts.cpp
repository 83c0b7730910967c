// The data structures under the policies, against the plain containers they stand for.
#include <algorithm>
#include <deque>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "models/policy/bit_index.hpp"
#include "models/policy/ghost_lists.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/parameters.hpp"
#include "models/policy/slot_states.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
using policy::SlotSet;
using policy::SlotState;

TEST_CASE("a bit index finds neighbours as an ordered set does") {
  const uint32_t size = GENERATE(1u, 63u, 64u, 65u, 4096u, 4097u, 300000u);
  policy::BitIndex index(size);
  std::set<uint32_t> members;
  Draw draw(size);
  for (int step = 0; step < 3000; ++step) {
    const uint32_t member = draw.below(size);
    if (draw.chance(10)) {
      const tp_span span{member, 1 + draw.below(std::min(200u, size - member))};
      const bool on = draw.chance(50);
      on ? index.set(span) : index.clear(span);
      for (uint32_t i = member; i < member + span.count; ++i) {
        on ? static_cast<void>(members.insert(i)) : static_cast<void>(members.erase(i));
      }
    } else if (draw.chance(50)) {
      index.set(member);
      members.insert(member);
    } else {
      index.clear(member);
      members.erase(member);
    }
    const uint32_t from = draw.below(size);
    const auto above = members.lower_bound(from);
    const auto past = members.upper_bound(from);
    const uint32_t none = policy::BitIndex::none;
    REQUIRE(index.find_at_or_after(from) == (above != members.end() ? *above : none));
    REQUIRE(index.find_at_or_before(from) == (past != members.begin() ? *std::prev(past) : none));
    REQUIRE(index.test(from) == (members.count(from) != 0));
    uint32_t run = 0;
    while ((from + run) / 64 == from / 64 && members.count(from + run) != 0) ++run;
    REQUIRE((run == 0 || index.run_length(from) == run));
  }
  CHECK(index.find_at_or_after(size) == policy::BitIndex::none);
}

TEST_CASE("ghost keys are a queue from whose middle keys are taken") {
  const uint32_t capacity = GENERATE(0u, 1u, 7u, 100u, 3000u);
  policy::GhostLists<1> ghosts({capacity});
  std::deque<uint64_t> expected;
  Draw draw(capacity);
  uint64_t returned = 0;
  for (uint32_t step = 0; step < 20 * capacity + 50; ++step) {
    const uint64_t key = draw.below(2 * capacity + 2);
    const auto found = std::find(expected.begin(), expected.end(), key);
    const uint64_t hash = policy::key_hash({key * 7, key});
    REQUIRE(ghosts.take(hash) == (found != expected.end() ? 0 : ghosts.none));
    if (found != expected.end()) {
      expected.erase(found);
      ++returned;
      if (draw.chance(50)) continue;
    }
    ghosts.push(0, hash);
    if (capacity != 0 && expected.size() == capacity) expected.pop_front();
    if (capacity != 0) expected.push_back(key);
    REQUIRE(ghosts.size() == expected.size());
  }
  CHECK((capacity == 0) == (returned == 0));
}

TEST_CASE("searches for ghosts stay short, however many have come and gone") {
  constexpr uint32_t capacity = 20'000;
  policy::GhostLists<2> ghosts({capacity, capacity / 2});
  for (uint64_t key = 0; key < 30 * capacity; ++key) {
    ghosts.push(0, policy::key_hash({0, key}));
    if (key % 3 == 0) ghosts.push(1, policy::key_hash({1, key}));
    if (key % 5 == 0) ghosts.take(policy::key_hash({0, key - key % 7 * 500}));
  }
  uint64_t read = 0;
  for (uint64_t key = 0; key < capacity; ++key) {
    read += ghosts.search_length(policy::key_hash({2, key}));
  }
  CHECK(read < 3 * capacity);
}

TEST_CASE("ghost keys taken together are taken one after the other") {
  policy::GhostLists<1> ghosts({10});
  for (uint64_t hash = 0; hash < 12; ++hash) ghosts.push(0, hash << 32);
  // 0 and 1 have left; 5 is no ghost the second time.
  uint64_t asked[] = {5, 0, 11, 5, 12, 2};
  for (uint64_t& hash : asked) hash <<= 32;
  CHECK(ghosts.take(asked) == 0b100101);
  CHECK(ghosts.size() == 7);
}

TEST_CASE("slot states count and compare whole spans") {
  const uint32_t capacity = 200;
  policy::SlotStates slots(capacity);
  std::vector<SlotState> expected(capacity, SlotState::absent);
  Draw draw(5);
  for (int step = 0; step < 4000; ++step) {
    const uint32_t first = draw.below(capacity);
    const tp_span span{first, 1 + draw.below(capacity - first)};
    const auto to = static_cast<SlotState>(draw.below(4));
    slots.assign(span, to);
    for (uint32_t i = 0; i < span.count; ++i) expected[first + i] = to;
    const tp_span asked{draw.below(capacity), 1};
    REQUIRE(slots.state(asked.first_slot) == expected[asked.first_slot]);
    uint32_t evictable = 0;
    uint32_t present = 0;
    for (const SlotState state : expected) {
      evictable += state == SlotState::evictable;
      present += state != SlotState::absent;
    }
    REQUIRE(slots.evictable() == evictable);
    REQUIRE(slots.present() == present);
    REQUIRE(slots.all({0, capacity}, SlotSet::present) == (present == capacity));
    REQUIRE(slots.all(span, SlotSet::absent) == (to == SlotState::absent));
    REQUIRE(slots.all(span, SlotSet::evictable) == (to == SlotState::evictable));
    REQUIRE(slots.all(span, SlotSet::held) ==
            (to == SlotState::pinned || to == SlotState::leaving));
  }
  CHECK(slots.in_range({199, 1}));
  CHECK_FALSE(slots.in_range({199, 2}));
  CHECK_FALSE(slots.in_range({0, 0}));
  CHECK_FALSE(slots.in_range({1, UINT32_MAX}));
}

constexpr policy::Parameter declared[] = {
    {"small", "share", policy::ParameterKind::real, 0.1, 0.001, 0.999, "One part of two."},
    {"threshold", "uses", policy::ParameterKind::integer, 2, 1, 3, "Uses that count."}};

TEST_CASE("parameters are read from lines") {
  policy::ParameterValues values(declared);
  CHECK(policy::read_parameters(values, " small = 0.25 \r\n\n threshold=3") == "");
  CHECK(values.real("small") == 0.25);
  CHECK(values.integer("threshold") == 3);
  policy::ParameterValues defaults(declared);
  CHECK(policy::read_parameters(defaults, "") == "");
  CHECK(defaults.real("small") == 0.1);
  CHECK(defaults.integer("threshold") == 2);
}

TEST_CASE("all that is wrong with parameters is said at once") {
  policy::ParameterValues values(declared);
  CHECK(policy::read_parameters(values, "smal=0.2\nthreshold=1.5\nsmall") ==
        "unknown parameter 'smal', did you mean 'small'?; parameter 'threshold': '1.5' is not a "
        "whole number; 'small' is not name=value");
  CHECK(policy::read_parameters(values, "small=2") ==
        "parameter 'small': '2' is out of range, 0.001 to 0.999");
  CHECK(policy::read_parameters(values, "small=nan") ==
        "parameter 'small': 'nan' is out of range, 0.001 to 0.999");
  CHECK(policy::read_parameters(values, "small=0.1x") ==
        "parameter 'small': '0.1x' is not a number");
  CHECK(policy::read_parameters(values, "small=") == "parameter 'small': '' is not a number");
  CHECK(policy::read_parameters(values, "small=0.5\nsmall=0.5") ==
        "parameter 'small' is set twice");
  CHECK(policy::read_parameters(values, "zzzzzzzzz=1") ==
        "unknown parameter 'zzzzzzzzz': known are 'small' 'threshold'");
  policy::ParameterValues none(std::span<const policy::Parameter>{});
  CHECK(policy::read_parameters(none, "a=1") == "unknown parameter 'a': this policy has none");
}

TEST_CASE("a parameter describes itself") {
  CHECK(policy::describe(declared[0]) == "small = 0.1 (share, 0.001 to 0.999): One part of two.");
}

}  // namespace
