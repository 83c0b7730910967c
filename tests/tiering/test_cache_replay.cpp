#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "models/tiering/cache_replay.hpp"
#include "models/workload/block_accesses.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/told_cache.hpp"

namespace {

using namespace tiercast;
using tiering::HitRule;
using tiering::ReplayResult;
using tiering::ReplayTrace;

/// A trace by ids of any size.
struct Accesses {
  std::vector<uint64_t> ids;
  std::vector<uint64_t> request_ends;
};

ReplayResult replay(std::string_view name, uint32_t capacity, const Accesses& accesses,
                    HitRule rule = HitRule::block) {
  std::map<uint64_t, uint32_t> numbers;
  std::vector<uint32_t> blocks;
  for (const uint64_t id : accesses.ids) {
    blocks.push_back(numbers.emplace(id, static_cast<uint32_t>(numbers.size())).first->second);
  }
  const ReplayTrace trace{blocks, accesses.request_ends, {}, static_cast<uint32_t>(numbers.size())};
  const policy::CacheEntry& entry = *policy::find_cache_policy(name);
  std::string error;
  const auto result = tiering::replay_cache({entry.table, entry.future}, capacity, trace,
                                            tiering::next_uses(trace), rule, error);
  INFO(error);
  REQUIRE(result.has_value());
  CHECK(result->accesses == accesses.ids.size());
  CHECK(result->capacity == capacity);
  return *result;
}

/// A small xorshift; only the mix of repeats matters here.
std::vector<uint64_t> random_ids(uint64_t seed, std::size_t count, uint64_t universe) {
  std::vector<uint64_t> ids(count);
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (uint64_t& id : ids) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    id = std::min(state % universe, (state >> 32) % universe);
  }
  return ids;
}

TEST_CASE("lru and fifo miss where the textbook says") {
  // Three blocks: 1 2 3 fill the pool, 1 hits. Then 4 evicts 2 under lru, 1 under fifo; the 1 after
  // it hits under lru and evicts 2 under fifo; the 2 at the end misses under both.
  const std::vector<uint64_t> ids = {1, 2, 3, 1, 4, 1, 2};
  CHECK(replay("lru", 3, {ids, {}}).misses == 5);
  CHECK(replay("fifo", 3, {ids, {}}).misses == 6);
}

TEST_CASE("under the prefix rule a request's hits end at its first miss") {
  const std::vector<uint64_t> ids = {1, 2, 3, 1, 9, 3, 1, 2, 3, 9};
  const std::vector<uint64_t> ends = {3, 6, 6, 10};  // the third request is empty
  CHECK(replay("lru", 8, {ids, ends}, HitRule::block).misses == 4);
  // 3 misses; then 1 hits, 9 misses, 3 counts as a miss; then all hit.
  CHECK(replay("lru", 8, {ids, ends}, HitRule::prefix).misses == 5);
}

TEST_CASE("lru misses as a plain list does") {
  const uint32_t capacity = GENERATE(1u, 7u, 64u);
  const std::vector<uint64_t> ids = random_ids(capacity, 20000, 150);
  std::list<uint64_t> order;
  uint64_t misses = 0;
  for (const uint64_t id : ids) {
    const auto found = std::find(order.begin(), order.end(), id);
    if (found != order.end()) {
      order.erase(found);
    } else {
      ++misses;
      if (order.size() == capacity) order.pop_front();
    }
    order.push_back(id);
  }
  CHECK(replay("lru", capacity, {ids, {}}).misses == misses);
}

TEST_CASE("a pool that holds everything misses each block once") {
  const std::vector<uint64_t> ids = random_ids(3, 5000, 400);
  const std::set<uint64_t> distinct(ids.begin(), ids.end());
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    INFO(entry.name);
    CHECK(replay(entry.name, 400, {ids, {}}).misses == distinct.size());
  }
}

TEST_CASE("the bound for prefixes refuses what drives out sooner uses") {
  // Two blocks. 1 2 twice, between them 3 4: on demand 3 drives out 2, and 4 the 3; refused, they
  // miss alone.
  const std::vector<uint64_t> ids = {1, 2, 3, 4, 1, 2};
  const std::vector<uint64_t> ends = {2, 4, 6};
  CHECK(replay("belady", 2, {ids, ends}, HitRule::prefix).misses == 5);
  CHECK(replay("prefix-bound", 2, {ids, ends}, HitRule::prefix).misses == 4);
}

TEST_CASE("no policy misses less than the bound for prefixes") {
  const uint32_t capacity = GENERATE(3u, 20u, 100u);
  // Requests of a chain each, 1 to 6 blocks from its head on: closed prefixes.
  std::vector<uint64_t> ids;
  std::vector<uint64_t> ends;
  for (const uint64_t draw : random_ids(capacity, 1500, 300)) {
    for (uint64_t depth = 0; depth <= draw % 6; ++depth) ids.push_back(draw / 6 * 10 + depth);
    ends.push_back(ids.size());
  }
  const uint64_t bound = replay("prefix-bound", capacity, {ids, ends}, HitRule::prefix).misses;
  CHECK(bound == replay("prefix-bound", capacity, {ids, ends}, HitRule::block).misses);
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    INFO(entry.name);
    CHECK(replay(entry.name, capacity, {ids, ends}, HitRule::prefix).misses >= bound);
  }
}

TEST_CASE("policies hear of the requests behind a replay, in the trace's time") {
  const std::vector<uint32_t> blocks = {0, 1, 0, 1, 2};
  const std::vector<uint64_t> ends = {2, 5};
  const std::vector<tiering::ReplayRequest> requests = {{700, 4, 0, true}, {900, 4, 1, false}};
  std::string error;
  tests::told_calls();
  const auto result = tiering::replay_cache({tests::told_cache(), nullptr, "label=pool"}, 3,
                                            {blocks, ends, requests, 3}, {}, HitRule::block, error);
  REQUIRE(result.has_value());
  CHECK(result->misses == 3);
  std::string told;
  for (const std::string& line : tests::told_calls()) told += line + "\n";
  CHECK(told == R"(pool 700 arrive by 0 session 4 turn 0 prompt 2 at 700
pool 700 schedule by 0
pool 700 lookup by 0 hits 0 [0/0 p- s4 t0 c0]
pool 700 admit by 0 [0/0]
pool 700 insert by 0 [0/0 slot 0 p- s4 t0 c0]
pool 700 unpin 0
pool 700 lookup by 0 hits 0 [0/1 p- s4 t0 c0]
pool 700 admit by 0 [0/1]
pool 700 insert by 0 [0/1 slot 1 p0 s4 t0 c0]
pool 700 unpin 1
pool 700 finish by 0
pool 700 call by 0
pool 900 arrive by 1 session 4 turn 1 prompt 3 at 900
pool 900 resume by 1
pool 900 schedule by 1
pool 900 touch by 1 0
pool 900 touch by 1 1
pool 900 lookup by 1 hits 0 [0/2 p- s4 t0 c0]
pool 900 admit by 1 [0/2]
pool 900 insert by 1 [0/2 slot 2 p1 s4 t0 c0]
pool 900 unpin 2
pool 900 finish by 1
)");
}

TEST_CASE("a policy that cannot be made is explained") {
  std::string error;
  const auto result =
      tiering::replay_cache({policy::find_cache_policy("s3fifo")->table, nullptr, "smal=0.2"}, 10,
                            {}, {}, HitRule::block, error);
  CHECK(!result.has_value());
  CHECK(error == "policy 's3fifo': unknown parameter 'smal', did you mean 'small'?");
}

/// What the oracle's own notes allow; half its last digit where they ask for equality.
double tolerance(std::string_view algorithm) {
  // Uses are counted by a sketch, whose errors and ageing the oracle does not tell. Exact counts in
  // place of ours deviate by 0.0050 and 0.0053.
  if (algorithm == "wtinylfu") return 0.008;
  for (const std::string_view seeded : {"lecar", "cacheus", "hyperbolic", "lhd"}) {
    if (algorithm == seeded) return 0.01;
  }
  return 0.5e-8;
}

TEST_CASE("miss ratios of a real trace equal an independent simulator's", "[oracle]") {
  const std::string file = (tests::shared_dir() / "traces/mooncake_conversation.jsonl.gz").string();
  std::ifstream oracle(tests::shared_dir() / "oracles/cache_miss_ratios.csv");
  if (!std::filesystem::exists(file) || !oracle) {
    WARN("no traces and oracles beside the repository: not compared");
    return;
  }
  workload::TraceSpec spec;
  spec.file = file;
  Diagnostics found;
  const auto accesses = workload::read_block_accesses(spec, 1, found);
  REQUIRE(accesses.has_value());
  REQUIRE(accesses->blocks.size() == 288500);
  REQUIRE(accesses->distinct == 182790);
  const ReplayTrace trace{accesses->blocks, accesses->request_ends, {}, accesses->distinct};
  const std::vector<uint32_t> next = tiering::next_uses(trace);
  int compared = 0;
  for (std::string line; std::getline(oracle, line);) {
    if (line.rfind("conversation,", 0) != 0) continue;
    std::vector<std::string> cells;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(',', begin), line.size());
      cells.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    REQUIRE(cells.size() == 5);
    std::string name = cells[1];
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const policy::CacheEntry* entry = policy::find_cache_policy(name);
    if (entry == nullptr) continue;
    INFO(line);
    std::string error;
    const auto result = tiering::replay_cache({entry->table, entry->future},
                                              static_cast<uint32_t>(std::stoul(cells[2])), trace,
                                              next, HitRule::block, error);
    REQUIRE(result.has_value());
    CHECK(std::abs(result->miss_ratio() - std::stod(cells[4])) < tolerance(name));
    ++compared;
  }
  CHECK(compared == 32);  // two capacities of each policy that both have
}

}  // namespace
