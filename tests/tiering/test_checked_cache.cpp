#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "models/tiering/checked_cache.hpp"

namespace {

using namespace tiercast;
using policy::SlotState;
using tiering::CheckedCache;
using tiering::PolicyFault;
using SpanList = std::vector<tp_span>;

const tp_pool pool{sizeof(tp_pool), 10, 16, 4096, 0, 0};

CheckedCache make(const tp_cache_table& table) {
  std::string error;
  std::optional<CheckedCache> cache = CheckedCache::create(table, pool, "", 1, error);
  INFO(error);
  REQUIRE(cache.has_value());
  return std::move(*cache);
}

/// Blocks 0 to 7 present, 0 to 3 evictable.
CheckedCache filled(const tp_cache_table& table) {
  CheckedCache cache = make(table);
  cache.insert(1, SpanList{{0, 8}});
  cache.evictable(2, true, SpanList{{0, 4}});
  return cache;
}

TEST_CASE("a checked cache follows every block from insert to removal") {
  CheckedCache cache = filled(*tp_find_builtin_cache("lru"));
  CHECK(cache.present_blocks() == 8);
  CHECK(cache.evictable_blocks() == 4);
  CHECK(cache.state(3) == SlotState::evictable);
  CHECK(cache.state(4) == SlotState::pinned);
  CHECK(cache.state(8) == SlotState::absent);
  SpanList victims{{8, 1}};  // what is there stays
  REQUIRE(cache.take_victims(3, 3, victims));
  REQUIRE(victims.size() == 2);
  CHECK(victims[1].first_slot == 1);
  CHECK(victims[1].count == 3);
  CHECK(cache.state(1) == SlotState::absent);
  CHECK(cache.present_blocks() == 5);
  victims.clear();
  REQUIRE(cache.begin_eviction(4, 1, victims));
  CHECK(cache.state(0) == SlotState::leaving);
  CHECK(cache.present_blocks() == 5);
  CHECK(cache.evictable_blocks() == 0);
  SECTION("its move failed") {
    cache.evictable(5, true, victims);
    CHECK(cache.evictable_blocks() == 1);
  }
  SECTION("it moved on") {
    cache.remove(5, TP_REMOVED_MOVED, victims);
    CHECK(cache.present_blocks() == 4);
  }
}

TEST_CASE("a moved-from checked cache leaves its policy to the new owner") {
  CheckedCache first = filled(*tp_find_builtin_cache("fifo"));
  const uint64_t hash = first.hash_state();
  CheckedCache second = std::move(first);
  CHECK(second.hash_state() == hash);
  first = make(*tp_find_builtin_cache("lru"));
  CHECK(first.policy_name() == "lru");
  std::swap(first, second);
  CHECK(first.policy_name() == "fifo");
  CHECK(first.evictable_blocks() == 4);
}

// A policy that answers select as it is told to.
struct Script {
  int code = TP_OK;
  SpanList spans;
  tp_victims victims{};
};
Script script;

tp_info liar_info{sizeof(tp_info), TP_ABI_MAJOR, TP_ABI_MINOR, 0, "liar", "1"};

const tp_cache_table& liar() {
  static const tp_cache_table table = [] {
    tp_cache_table entries{};
    entries.size = sizeof entries;
    entries.info = [] { return static_cast<const tp_info*>(&liar_info); };
    entries.create = [](const char*, const tp_pool*, uint64_t, tp_cache** out, char*, size_t) {
      *out = reinterpret_cast<tp_cache*>(&script);
      return int{TP_OK};
    };
    entries.destroy = [](tp_cache*) {};
    entries.on_remove = [](tp_cache*, int64_t, uint32_t, const tp_span*, size_t) {
      return int{TP_OK};
    };
    entries.on_evictable = [](tp_cache*, int64_t, uint32_t, const tp_span*, size_t) {
      return int{TP_OK};
    };
    entries.select = [](const tp_cache*, int64_t, uint32_t, tp_span* out, size_t capacity,
                        tp_victims* victims) {
      for (std::size_t i = 0; i < script.spans.size() && i < capacity; ++i) {
        out[i] = script.spans[i];
      }
      *victims = script.victims;
      return script.code;
    };
    entries.commit = [](tp_cache*, int64_t, uint64_t, const uint8_t*) { return int{TP_OK}; };
    entries.abort = [](tp_cache*, uint64_t) { return int{TP_OK}; };
    return entries;
  }();
  return table;
}

std::string fault(const Script& answers) {
  script = answers;
  CheckedCache cache = filled(liar());
  SpanList victims;
  try {
    cache.take_victims(77, 2, victims);
  } catch (const PolicyFault& broken) {
    CHECK(broken.call() == "select");
    CHECK(broken.now_ns() == 77);
    CHECK(std::string(broken.what()) ==
          "policy 'liar' broke its contract in select at 77 ns: " + broken.answer());
    return broken.answer();
  }
  return "no fault";
}

TEST_CASE("a wrong answer of a policy is a fault that names call, time and answer") {
  CHECK(fault({TP_OK, {{0, 2}}, {1, 1, 2}}) == "no fault");
  CHECK(fault({TP_OK, {{3, 2}}, {1, 1, 2}}) == "victims {3, 2}: slot 4 is pinned");
  CHECK(fault({TP_OK, {{8, 2}}, {1, 1, 2}}) == "victims {8, 2}: slot 8 is empty");
  CHECK(fault({TP_OK, {{1, 1}, {1, 1}}, {1, 2, 2}}) ==
        "victims {1, 1}: slot 1 is named twice, or leaving already");
  CHECK(fault({TP_OK, {{9, 2}}, {1, 1, 2}}) == "victims {9, 2} are outside the pool");
  CHECK(fault({TP_OK, {{1, 0}}, {1, 1, 2}}) == "victims {1, 0} are outside the pool");
  CHECK(fault({TP_OK, {{1, 1}}, {1, 1, 2}}) == "1 victims, counted as 2, where 2 were wanted");
  CHECK(fault({TP_OK, {{1, 2}}, {1, 1, 3}}) == "2 victims, counted as 3, where 2 were wanted");
  CHECK(fault({TP_OK, {{0, 3}}, {1, 1, 3}}) == "3 victims, counted as 3, where 2 were wanted");
  CHECK(fault({TP_OK, {}, {1, 3, 2}}) == "3 spans where 2 fit");
  CHECK(fault({TP_OK, {{0, 2}}, {0, 1, 2}}) == "token 0 is 0 or that of the answer before");
  CHECK(fault({TP_ESPACE, {}, {}}) == "TP_ESPACE");
  CHECK(fault({99, {}, {}}) == "unknown code 99");
}

TEST_CASE("a token used twice is a fault, a refusal is not") {
  script = {TP_OK, {{0, 1}}, {5, 1, 1}};
  CheckedCache cache = filled(liar());
  SpanList victims;
  REQUIRE(cache.take_victims(3, 1, victims));
  script = {TP_EREFUSED, {}, {}};
  CHECK_FALSE(cache.take_victims(4, 1, victims));
  CHECK(victims.size() == 1);
  CHECK(cache.evictable_blocks() == 3);
  script = {TP_OK, {{1, 1}}, {5, 1, 1}};
  CHECK_THROWS_AS(cache.take_victims(5, 1, victims), PolicyFault);
}

TEST_CASE("optional entries of a table have defaults, the others must be there") {
  CheckedCache cache = filled(liar());  // it has neither on_insert nor on_touch
  cache.touch(3, SpanList{{0, 8}});
  cache.request(3, tp_request{}, TP_PHASE_ARRIVE);
  cache.lookup(3, {}, 0);
  cache.hint(3, 1, {});
  const std::vector<tp_block> wanted(5);
  CHECK(cache.admitted(3, wanted) == 5);
  CHECK(cache.next_wakeup_ns() == INT64_MAX);
  CHECK(cache.hash_state() == 0);
  std::string error;
  tp_cache_table without = liar();
  without.on_evictable = nullptr;
  CHECK(!CheckedCache::create(without, pool, "", 1, error));
  CHECK(error == "the policy lacks on_evictable");
  without = liar();
  without.size = 16;
  CHECK(!CheckedCache::create(without, pool, "", 1, error));
  CHECK(error == "the policy lacks a whole table");
  liar_info.abi_major = TP_ABI_MAJOR + 1;
  CHECK(!CheckedCache::create(liar(), pool, "", 1, error));
  CHECK(error == "policy 'liar' speaks version 1 of the contract, not 0");
  liar_info.abi_major = TP_ABI_MAJOR;
}

TEST_CASE("a checked cache records a tape of all its calls, and answers the same") {
  std::vector<uint8_t> bytes;
  const tp_tape tape{sizeof(tp_tape),
                     2,
                     "pool",
                     &bytes,
                     [](void* host, const void* piece, size_t size) {
                       auto& to = *static_cast<std::vector<uint8_t>*>(host);
                       const auto* first = static_cast<const uint8_t*>(piece);
                       to.insert(to.end(), first, first + size);
                       return 0;
                     },
                     nullptr};
  const tp_cache_table& lru = *tp_find_builtin_cache("lru");
  CheckedCache plain = filled(lru);
  std::string error;
  {
    std::optional<CheckedCache> cache =
        CheckedCache::create(lru, pool, "", 1, error, tiering::PolicyChecks::answers, &tape);
    REQUIRE(cache.has_value());
    CHECK(cache->policy_name() == "lru");
    cache->insert(1, SpanList{{0, 8}});
    cache->evictable(2, true, SpanList{{0, 4}});
    SpanList victims, expected;
    REQUIRE(cache->take_victims(3, 2, victims));
    REQUIRE(plain.take_victims(3, 2, expected));
    REQUIRE(victims.size() == 1);
    CHECK(victims[0].first_slot == expected[0].first_slot);
    CHECK(cache->hash_state() == plain.hash_state());
  }
  std::size_t at = 0;
  policy::TapeReader reader([&](void* buffer, std::size_t size) {
    const std::size_t got = std::min(size, bytes.size() - at);
    std::memcpy(buffer, bytes.data() + at, got);
    at += got;
    return got;
  });
  const policy::TapeVerdict verdict = policy::replay_tape(reader, lru);
  CHECK(verdict.kind == policy::TapeVerdict::Kind::identical);
  CHECK(verdict.calls == 5);  // insert, evictable, select, commit, remove
  CHECK(verdict.checkpoints == 4);
}

}  // namespace
