// CheckedPlacement against a policy that answers whatever it is told to.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/checked_cache.hpp"
#include "models/tiering/checked_placement.hpp"

namespace {

using namespace tiercast;
using tiering::CheckedPlacement;
using tiering::PolicyFault;
using Placed = std::vector<tp_placed>;
using Segments = std::vector<tp_segment>;

struct Script {
  int code = TP_OK;
  Placed placed;
  Segments segments;
  uint32_t to = TP_NO_TIER;
  size_t claimed = 0;  // answers claimed where more than there are
  int calls = 0;
};
Script script;

template <class Item>
int tell(const std::vector<Item>& items, Item* out, size_t capacity, size_t* count) {
  ++script.calls;
  *count = std::max(items.size(), script.claimed);
  if (items.size() > capacity) return TP_ESPACE;
  std::copy(items.begin(), items.end(), out);
  return script.code;
}

tp_info liar_info{sizeof(tp_info), TP_ABI_MAJOR, TP_ABI_MINOR, 0, "liar", "1"};

tp_placement_table liar() {
  tp_placement_table entries{};
  entries.size = sizeof entries;
  entries.info = [] { return static_cast<const tp_info*>(&liar_info); };
  entries.create = [](const char*, uint64_t, tp_placement** out, char*, size_t) {
    *out = reinterpret_cast<tp_placement*>(&script);
    return int{TP_OK};
  };
  entries.destroy = [](tp_placement*) {};
  entries.place = [](tp_placement*, int64_t, const tp_request*, uint32_t, uint32_t, uint32_t,
                     const tp_block*, const tp_tier*, size_t, tp_placed* out, size_t capacity,
                     size_t* count) { return tell(script.placed, out, capacity, count); };
  entries.demote = [](tp_placement*, int64_t, uint32_t, uint32_t, const tp_tier*, size_t,
                      uint32_t* to) {
    *to = script.to;
    return script.code;
  };
  entries.plan_fetch = [](tp_placement*, int64_t, const tp_request*, const tp_fetch*,
                          const tp_tier*, size_t, tp_segment* out, size_t capacity,
                          size_t* count) { return tell(script.segments, out, capacity, count); };
  entries.prefetch = entries.plan_fetch;
  return entries;
}

/// GPU memory, host memory, drives, and a store that takes nothing.
std::vector<tp_tier> views() {
  std::vector<tp_tier> tiers(4);
  for (tp_tier& tier : tiers) tier.size = sizeof(tp_tier);
  tiers[1].kind = TP_TIER_DRAM;
  tiers[2].kind = TP_TIER_NVME;
  tiers[3].kind = TP_TIER_EXTERNAL;
  tiers[3].flags = TP_TIER_READ_ONLY;
  return tiers;
}

/// Blocks 2 to 5 are on their way, 5 to 9 on drives and in the store, 9 to 12 in host memory.
const std::vector<tp_run> runs{{2, 3, 0b0001, 0, 0}, {5, 4, 0b1100, 0, 0}, {9, 3, 0b0010, 0, 0}};
const tp_fetch fetch{sizeof(tp_fetch), 1000, 16, 2, 100, 3, runs.data(), 0, 0, 0};

constexpr uint32_t kLoad = TP_SEGMENT_LOAD;
constexpr uint32_t kWait = TP_SEGMENT_WAIT;
constexpr uint32_t kCompute = TP_SEGMENT_COMPUTE;
constexpr uint32_t kStage = TP_SEGMENT_STAGE;
constexpr uint32_t kNo = TP_NO_TIER;
constexpr uint32_t kMost = UINT32_MAX;

CheckedPlacement make(const tp_placement_table& table) {
  std::string error;
  std::optional<CheckedPlacement> placement = CheckedPlacement::create(table, "", 1, error);
  INFO(error);
  REQUIRE(placement.has_value());
  return std::move(*placement);
}

// The fault that `ask` meets; "" where there is none.
template <class Ask>
std::string fault(const char* call, const Script& answers, Ask ask) {
  script = answers;
  const tp_placement_table table = liar();
  CheckedPlacement placement = make(table);
  try {
    ask(placement);
  } catch (const PolicyFault& broken) {
    CHECK(broken.call() == call);
    CHECK(broken.now_ns() == 77);
    CHECK(std::string(broken.what()) == "policy 'liar' broke its contract in " + std::string(call) +
                                            " at 77 ns: " + broken.answer());
    return broken.answer();
  }
  return "";
}

std::string place_fault(Placed placed) {
  return fault("place", {TP_OK, std::move(placed), {}}, [](CheckedPlacement& placement) {
    placement.place(77, tp_request{}, TP_STORE_PROMPT, 10, 6, {}, views());
  });
}

std::string plan_fault(Segments segments, const std::vector<tp_tier>& tiers = views()) {
  return fault("plan_fetch", {TP_OK, {}, std::move(segments)}, [&](CheckedPlacement& placement) {
    placement.plan_fetch(77, tp_request{}, fetch, tiers);
  });
}

std::string prefetch_fault(const tp_segment& segment) {
  return fault("prefetch", {TP_OK, {}, {segment}}, [](CheckedPlacement& placement) {
    placement.prefetch(77, tp_request{}, fetch, views());
  });
}

std::string demote_fault(uint32_t from, uint32_t to, int code = TP_OK) {
  return fault("demote", {code, {}, {}, to},
               [from](CheckedPlacement& placement) { placement.demote(77, from, 5, views()); });
}

}  // namespace

TEST_CASE("a wrong answer to place is a fault", "[tiering][placement]") {
  CHECK(place_fault({}).empty());
  CHECK(place_fault({{10, 2, 0b110, 0}, {12, 1, 0b010, 0}, {15, 1, 0b100, 0}}).empty());
  const std::string outside = " are out of order or outside what was asked for, blocks 10 to 16";
  CHECK(place_fault({{10, 0, 2, 0}}) == "blocks 10 to 10" + outside);
  CHECK(place_fault({{9, 2, 2, 0}}) == "blocks 9 to 11" + outside);
  CHECK(place_fault({{15, 2, 2, 0}}) == "blocks 15 to 17" + outside);
  CHECK(place_fault({{17, 1, 2, 0}}) == "blocks 17 to 18" + outside);
  CHECK(place_fault({{12, kMost - 5, 2, 0}}) == "blocks 12 to 4294967302" + outside);
  CHECK(place_fault({{12, 2, 2, 0}, {13, 2, 4, 0}}) == "blocks 13 to 15" + outside);
  CHECK(place_fault({{10, 1, 0b1, 0}}) == "tier 0 takes no stores");
  CHECK(place_fault({{10, 1, 0b1010, 0}}) == "tier 3 takes no stores");
  CHECK(place_fault({{10, 1, 0b10000, 0}}) == "tier 4 takes no stores");
}

TEST_CASE("a wrong answer to plan_fetch is a fault", "[tiering][placement]") {
  CHECK(plan_fault({}).empty());
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kLoad, 2, 1, 0}, {9, 2, kLoad, 1, kNo, 0}})
            .empty());
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 1, kLoad, 2, kNo, 0}, {6, 3, kLoad, 3, 1, 0}})
            .empty());
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 9, kCompute, 0, kNo, 0}, {0, 0, 9, 9, 9, 9}})
            .empty());  // behind what is computed nothing counts
  const std::string gap = " leave a gap, or that tier does not hold them";
  CHECK(plan_fault({{3, 2, kWait, 0, kNo, 0}}) == "blocks 3 to 5 of tier 0" + gap);
  CHECK(plan_fault({{2, 0, kWait, 0, kNo, 0}}) == "blocks 2 to 2 of tier 0" + gap);
  CHECK(plan_fault({{2, 4, kWait, 0, kNo, 0}}) == "blocks 2 to 6 of tier 0" + gap);
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kWait, 0, kNo, 0}}) ==
        "blocks 5 to 9 of tier 0" + gap);
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kLoad, 1, kNo, 0}}) ==
        "blocks 5 to 9 of tier 1" + gap);
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kLoad, 32, kNo, 0}}) ==
        "blocks 5 to 9 of tier 32" + gap);
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kStage, 2, 1, 0}}) ==
        "blocks 5 to 9 of tier 2" + gap);
  CHECK(plan_fault({{2, kMost, kWait, 0, kNo, 0}}) == "blocks 2 to 4294967297 of tier 0" + gap);
}

TEST_CASE("a head is computed where the engine can, and only before loads",
          "[tiering][placement]") {
  std::vector<tp_run> there = runs;
  there[0].tier_mask = 0b0010;
  tp_fetch asked = fetch;
  asked.runs = there.data();
  asked.flags = TP_FETCH_SPLITS;
  const auto plan = [&](const Segments& segments) {
    return fault("plan_fetch", {TP_OK, {}, segments}, [&](CheckedPlacement& placement) {
      placement.plan_fetch(77, tp_request{}, asked, views());
    });
  };
  const tp_segment head{2, 2, kCompute, 0, kNo, 0};
  CHECK(plan({head, {4, 1, kLoad, 1, kNo, 0}, {5, 4, kLoad, 2, 1, 0}}).empty());
  CHECK(plan({head}).empty());  // all is computed
  CHECK(plan({head, {4, 1, kLoad, 1, kNo, 0}, {5, 4, kCompute, 0, kNo, 0}}).empty());
  CHECK(plan({head, {5, 4, kLoad, 2, 1, 0}}) ==
        "blocks 5 to 9 of tier 2 leave a gap, or that tier does not hold them");
  const std::string unable =
      " cannot be computed while others load: they leave a gap, or the engine cannot";
  CHECK(plan({{3, 1, kCompute, 0, kNo, 0}, {4, 1, kLoad, 1, kNo, 0}}) == "blocks 3 to 4" + unable);
  CHECK(plan({{2, 0, kCompute, 0, kNo, 0}, {2, 3, kLoad, 1, kNo, 0}}) == "blocks 2 to 2" + unable);
  asked.flags = 0;
  CHECK(plan({head, {4, 1, kLoad, 1, kNo, 0}}) == "blocks 2 to 4" + unable);
  asked = fetch;
  asked.flags = TP_FETCH_SPLITS;
  CHECK(plan({{2, 1, kCompute, 0, kNo, 0}, {3, 2, kWait, 0, kNo, 0}}) ==
        "blocks 3 to 5 are waited for behind a head that is computed");
}

TEST_CASE("a wrong answer to admit is a fault", "[tiering][placement]") {
  static uint8_t verdict = 0;
  tp_placement_table table = liar();
  table.capabilities = [](const tp_placement*) { return uint32_t{TP_CAP_ADMITS}; };
  table.admit = [](tp_placement*, int64_t, const tp_request*, uint32_t, uint32_t, const tp_block*,
                   size_t count, const tp_tier*, size_t, uint8_t* verdicts) {
    if (count > 1) verdicts[0] = 1;
    verdicts[count - 1] = verdict;
    return script.code;
  };
  script = {};
  CheckedPlacement placement = make(table);
  REQUIRE(placement.admits());
  const std::vector<tp_block> blocks(2);
  const auto admit = [&] { return placement.admit(77, nullptr, 0, 1, blocks, views()); };
  CHECK(admit()[1] == 0);
  verdict = 2;
  CHECK_THROWS_WITH(admit(), Catch::Contains("block 1 of 2 got neither 0 nor 1"));
  verdict = 1;
  CHECK(admit()[0] == 1);
  script.code = TP_EINVAL;
  CHECK_THROWS_WITH(admit(), Catch::Contains("admit") && Catch::Contains("code 1"));
  table.capabilities = nullptr;
  CHECK_FALSE(make(table).admits());
}

TEST_CASE("tables of the version before are welcome", "[tiering][placement]") {
  tp_placement_table old = liar();
  old.size = TP_PLACEMENT_TABLE_SIZE_MIN;
  old.on_tick = [](tp_placement*, int64_t) { return int{TP_EINVAL}; };  // is not there
  old.next_wakeup = [](const tp_placement*, int64_t) { return int64_t{1}; };
  old.on_request = [](tp_placement*, int64_t, const tp_request*, uint32_t) {
    return int{TP_EINVAL};
  };
  CheckedPlacement placement = make(old);
  placement.tick_until(100);
  placement.on_request(100, tp_request{}, TP_PHASE_ARRIVE);
  CHECK_FALSE(placement.hears_requests());
  std::string error;
  --old.size;
  CHECK_FALSE(CheckedPlacement::create(old, "", 1, error));
}

TEST_CASE("what is on its way is waited for, not loaded again", "[tiering][placement]") {
  std::vector<tp_run> both = runs;
  both[0].tier_mask = 0b0011;  // host memory has it too
  tp_fetch asked = fetch;
  asked.runs = both.data();
  const auto plan = [&](const tp_segment& segment) {
    return fault("plan_fetch", {TP_OK, {}, {segment}}, [&](CheckedPlacement& placement) {
      placement.plan_fetch(77, tp_request{}, asked, views());
    });
  };
  CHECK(plan({2, 3, kWait, 0, kNo, 0}).empty());
  CHECK(plan({2, 3, kLoad, 1, kNo, 0}) == "blocks 2 to 5 are on their way to GPU memory already");
}

TEST_CASE("only host memory on the way keeps a copy", "[tiering][placement]") {
  const auto keep = [](uint32_t to) {
    return plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kLoad, 3, to, 0}});
  };
  CHECK(keep(kNo).empty());
  CHECK(keep(1).empty());
  CHECK(keep(0) == "tier 0 cannot keep a copy");
  CHECK(keep(2) == "tier 2 cannot keep a copy");  // nothing passes through drives
  CHECK(keep(3) == "tier 3 cannot keep a copy");
  CHECK(keep(4) == "tier 4 cannot keep a copy");
  std::vector<tp_tier> direct = views();
  direct[3].flags |= TP_TIER_DIRECT;  // passes by it
  CHECK(plan_fault({{2, 3, kWait, 0, kNo, 0}, {5, 4, kLoad, 3, 1, 0}}, direct) ==
        "tier 1 cannot keep a copy");
}

TEST_CASE("a wrong answer to prefetch is a fault", "[tiering][placement]") {
  CHECK(prefetch_fault({5, 4, kStage, 2, 1, 0}).empty());
  CHECK(prefetch_fault({6, 2, kStage, 3, 1, 0}).empty());
  CHECK(prefetch_fault({5, 4, kLoad, 2, 1, 0}) ==
        "blocks 5 to 9 cannot move from tier 2 to tier 1");
  CHECK(prefetch_fault({5, 5, kStage, 2, 1, 0}) ==
        "blocks 5 to 10 cannot move from tier 2 to tier 1");
  CHECK(prefetch_fault({5, 0, kStage, 2, 1, 0}) ==
        "blocks 5 to 5 cannot move from tier 2 to tier 1");
  CHECK(prefetch_fault({5, kMost, kStage, 2, 1, 0}) ==
        "blocks 5 to 4294967300 cannot move from tier 2 to tier 1");
  CHECK(prefetch_fault({9, 3, kStage, 2, 1, 0}) ==
        "blocks 9 to 12 cannot move from tier 2 to tier 1");
  CHECK(prefetch_fault({2, 3, kStage, 0, 1, 0}) ==
        "blocks 2 to 5 cannot move from tier 0 to tier 1");
  CHECK(prefetch_fault({9, 3, kStage, 1, 2, 0}) ==
        "blocks 9 to 12 cannot move from tier 1 to tier 2");  // not nearer
  for (const uint32_t to : {0u, 2u, 3u, 4u, kNo}) {
    CHECK(prefetch_fault({5, 4, kStage, 2, to, 0}) ==
          "blocks 5 to 9 cannot move from tier 2 to tier " + std::to_string(to));
  }
}

TEST_CASE("a wrong answer to demote is a fault", "[tiering][placement]") {
  CHECK(demote_fault(0, 1).empty());
  CHECK(demote_fault(1, 2).empty());
  CHECK(demote_fault(1, kNo).empty());
  CHECK(demote_fault(1, 1) == "tier 1 cannot take what leaves tier 1");
  CHECK(demote_fault(2, 1) == "tier 1 cannot take what leaves tier 2");
  CHECK(demote_fault(1, 3) == "tier 3 cannot take what leaves tier 1");
  CHECK(demote_fault(1, 4) == "tier 4 cannot take what leaves tier 1");
  CHECK(demote_fault(1, 2, TP_EINVAL) == "code 1");
}

TEST_CASE("a policy gets the room it asks for, once", "[tiering][placement]") {
  const tp_placement_table table = liar();
  CheckedPlacement placement = make(table);
  script = {};
  for (uint32_t i = 0; i < 40; ++i) script.placed.push_back({i, 1, 2, 0});
  const auto ask = [&] {
    return placement.place(77, tp_request{}, TP_STORE_PROMPT, 0, 50, {}, views());
  };
  CHECK(ask().size() == 40);
  CHECK(script.calls == 2);
  CHECK(ask().size() == 40);
  CHECK(script.calls == 3);
  script.claimed = 41;
  CHECK_THROWS_WITH(ask(), Catch::EndsWith("41 answers where 40 fit"));
  script.code = TP_ESTATE;
  CHECK_THROWS_WITH(ask(), Catch::EndsWith("code 3"));
}

TEST_CASE("entries that a placement policy lacks have defaults", "[tiering][placement]") {
  tp_placement_table table = liar();
  table.place = nullptr;
  table.demote = nullptr;
  table.plan_fetch = nullptr;
  table.prefetch = nullptr;
  CheckedPlacement placement = make(table);
  CHECK(placement.place(1, tp_request{}, TP_STORE_PROMPT, 0, 5, {}, views()).empty());
  CHECK(placement.demote(1, 0, 5, views()) == TP_NO_TIER);
  CHECK(placement.prefetch(1, tp_request{}, fetch, views()).empty());
  const auto plan = placement.plan_fetch(1, tp_request{}, fetch, views());
  REQUIRE(plan.size() == runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    CHECK(plan[i].first == runs[i].first);
    CHECK(plan[i].count == runs[i].count);
    CHECK(plan[i].to == TP_NO_TIER);
  }
  CHECK(plan[0].mode == kWait);
  CHECK((plan[1].mode == kLoad && plan[1].tier == 2));
  CHECK((plan[2].mode == kLoad && plan[2].tier == 1));
  CHECK(placement.hash_state() == 0);
  CHECK(placement.policy_calls() == 0);

  std::string error;
  tp_placement_table without = table;
  without.destroy = nullptr;
  CHECK(!CheckedPlacement::create(without, "", 1, error));
  CHECK_THAT(error, Catch::Contains("lacks info, create or destroy"));
  CHECK(!CheckedPlacement::create(*tp_find_builtin_placement("back"), "fetch=7", 1, error));
  CHECK_THAT(error, Catch::StartsWith("placement policy 'back': "));
}
