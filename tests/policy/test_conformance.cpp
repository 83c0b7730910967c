// What every built-in cache policy must do, whatever its order of eviction.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

const policy::CacheEntry& any_policy() {
  const std::size_t index = GENERATE(range(std::size_t{0}, policy::cache_policies().size()));
  return policy::cache_policies()[index];
}

/// Blocks 0 to 7 of ten in the pool; 0 to 3 evictable, 4 to 7 pinned.
void fill(Instance& cache) {
  cache.insert(10, {0, 1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 4, 5, 6, 7, 8});
  cache.set_evictable(10, true, {0, 1, 2, 3});
}

TEST_CASE("the registry names every policy and hands out its table") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  CHECK(entry.table->info()->name == entry.name);
  CHECK(tp_find_builtin_cache(entry.name.data()) == entry.table);
  CHECK(policy::find_cache_policy(entry.name) == &entry);
  const auto all = policy::cache_policies();
  const auto index = static_cast<std::size_t>(&entry - all.data());
  CHECK(tp_builtin_cache(index) == entry.table);
  CHECK(tp_builtin_cache(all.size()) == nullptr);
  CHECK(tp_find_builtin_cache("no-such-policy") == nullptr);
  CHECK(policy::nearest_name(all, std::string(entry.name) + "x") == entry.name);
  CHECK(entry.description.size() > 20);
  CHECK(!entry.source.empty());
  for (const policy::Parameter& parameter : entry.parameters) {
    INFO(parameter.name);
    CHECK(parameter.min <= parameter.default_value);
    CHECK(parameter.default_value <= parameter.max);
    CHECK(parameter.meaning.size() > 10);
  }
}

TEST_CASE("spans, single blocks and a restored state give the same answers and hashes") {
  const policy::CacheEntry& entry = any_policy();
  const uint32_t capacity = GENERATE(20u, 100u, 300u);
  INFO(entry.name << ", " << capacity << " blocks");
  Instance joined(*entry.table, capacity, "", true);
  Instance singles(*entry.table, capacity, "", false);
  Instance restored(*entry.table, capacity, "", true);
  RandomHost host(capacity, capacity, {&joined, &singles}, nullptr);
  host.run(700);
  while (restored.hash() == joined.hash()) host.run(1);  // a pool may be empty by chance
  restored.restore(singles.save());
  CHECK(restored.hash() == joined.hash());
  host.instances().push_back(&restored);
  host.run(700);
  joined.restore(restored.save());
  host.run(300);
}

TEST_CASE("a state fits only the policy, pool and parameters it was saved from") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  Instance cache(*entry.table, 10, "", true);
  fill(cache);
  const uint64_t hash = cache.hash();
  const std::vector<char> state = cache.save();
  const auto refuses = [&](Instance& other, const std::vector<char>& bytes) {
    const uint64_t before = other.hash();
    const int code = other.table().restore(other.cache(), bytes.data(), bytes.size());
    return code == TP_EINVAL && other.hash() == before;
  };
  Instance larger(*entry.table, 11, "", true);
  CHECK(refuses(larger, state));
  for (const policy::CacheEntry& stranger : policy::cache_policies()) {
    if (&stranger == &entry) continue;
    Instance other(*stranger.table, 10, "", true);
    CHECK(refuses(other, state));
  }
  CHECK(refuses(cache, {}));
  CHECK(refuses(cache, std::vector<char>(state.begin(), state.end() - 1)));
  for (std::size_t i = 0; i < state.size(); i += 7) {
    std::vector<char> damaged = state;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    INFO("byte " << i);
    CHECK(refuses(cache, damaged));
  }
  std::size_t size = 0;
  std::vector<char> small(state.size() - 1);
  CHECK(entry.table->save(cache.cache(), small.data(), small.size(), &size) == TP_ESPACE);
  CHECK(size == state.size());
  CHECK(cache.hash() == hash);
}

TEST_CASE("select names exactly what was asked for, or nothing") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  Instance cache(*entry.table, 10, "", true);
  fill(cache);
  const uint64_t hash = cache.hash();
  tp_victims victims{};
  SpanList out(10);
  const auto select = [&](uint32_t need, std::size_t capacity) {
    return entry.table->select(cache.cache(), 20, need, out.data(), capacity, &victims);
  };
  CHECK(select(5, 10) == TP_EREFUSED);
  CHECK(select(0, 10) == TP_EINVAL);
  CHECK(select(4, 0) == TP_ESPACE);
  CHECK(victims.span_count >= 1);
  CHECK(cache.hash() == hash);
  REQUIRE(select(4, victims.span_count) == TP_OK);
  Slots named = as_slots(SpanList(out.begin(), out.begin() + victims.span_count));
  std::sort(named.begin(), named.end());
  CHECK(named == Slots{0, 1, 2, 3});
}

TEST_CASE("one answer is outstanding at most, and only its own token settles it") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  const tp_cache_table& table = *entry.table;
  Instance instance(table, 10, "", true);
  fill(instance);
  tp_cache* cache = instance.cache();
  CHECK(table.commit(cache, 20, 1, nullptr) == TP_ESTATE);
  CHECK(table.abort(cache, 1) == TP_ESTATE);
  uint64_t token = 0;
  instance.select(20, 2, token);
  const uint64_t hash = instance.hash();
  const tp_span pinned{4, 1};
  const tp_span absent{9, 1};
  tp_block block{};
  block.size = sizeof block;
  tp_victims victims{};
  tp_span out[4];
  std::size_t size = 0;
  CHECK(table.select(cache, 20, 1, out, 4, &victims) == TP_ESTATE);
  CHECK(table.on_insert(cache, 20, nullptr, &absent, 1, &block) == TP_ESTATE);
  CHECK(table.on_touch(cache, 20, nullptr, &pinned, 1) == TP_ESTATE);
  CHECK(table.on_remove(cache, 20, TP_REMOVED_DROPPED, &pinned, 1) == TP_ESTATE);
  CHECK(table.on_evictable(cache, 20, 1, &pinned, 1) == TP_ESTATE);
  CHECK(table.save(cache, nullptr, 0, &size) == TP_ESTATE);
  CHECK(table.commit(cache, 20, token + 1, nullptr) == TP_EINVAL);
  CHECK(table.abort(cache, token + 1) == TP_EINVAL);
  CHECK(instance.hash() == hash);
  CHECK(table.abort(cache, token) == TP_OK);
  CHECK(table.commit(cache, 20, token, nullptr) == TP_ESTATE);
  uint64_t second = 0;
  instance.select(20, 2, second);
  CHECK(second != token);
  CHECK(table.commit(cache, 20, second, nullptr) == TP_OK);
}

TEST_CASE("a call that breaks the contract is refused whole and changes nothing") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  const tp_cache_table& table = *entry.table;
  Instance instance(table, 10, "", true);
  fill(instance);
  tp_cache* cache = instance.cache();
  const uint64_t hash = instance.hash();
  std::array<tp_block, 4> blocks{};
  for (tp_block& block : blocks) block.size = sizeof block;
  const auto insert = [&](const SpanList& spans) {
    return table.on_insert(cache, 20, nullptr, spans.data(), spans.size(), blocks.data());
  };
  const auto remove = [&](const SpanList& spans, uint32_t reason = TP_REMOVED_DROPPED) {
    return table.on_remove(cache, 20, reason, spans.data(), spans.size());
  };
  const auto touch = [&](const SpanList& spans, int64_t now_ns = 20) {
    return table.on_touch(cache, now_ns, nullptr, spans.data(), spans.size());
  };
  const auto evictable = [&](uint32_t on, const SpanList& spans) {
    return table.on_evictable(cache, 20, on, spans.data(), spans.size());
  };
  CHECK(insert({{8, 1}, {3, 1}}) == TP_EINVAL);        // present
  CHECK(insert({{8, 1}, {8, 1}}) == TP_EINVAL);        // doubled
  CHECK(insert({{8, 0}}) == TP_EINVAL);                // empty
  CHECK(insert({{9, 2}}) == TP_EINVAL);                // past the end
  CHECK(insert({{UINT32_MAX, 2}}) == TP_EINVAL);       // past the end, and the sum wraps
  CHECK(remove({{0, 1}, {8, 1}}) == TP_EINVAL);        // absent
  CHECK(remove({{0, 2}, {1, 2}}) == TP_EINVAL);        // doubled
  CHECK(remove({{0, 1}}, 0) == TP_EINVAL);             // no such reason
  CHECK(remove({{0, 1}}, 5) == TP_EINVAL);             // no such reason
  CHECK(touch({{0, 1}, {9, 1}}) == TP_EINVAL);         // absent
  CHECK(touch({{0, 1}}, 9) == TP_EINVAL);              // time runs backwards
  CHECK(evictable(1, {{4, 1}, {0, 1}}) == TP_EINVAL);  // evictable already
  CHECK(evictable(0, {{0, 1}, {4, 1}}) == TP_EINVAL);  // pinned already
  CHECK(evictable(1, {{4, 2}, {5, 1}}) == TP_EINVAL);  // doubled
  CHECK(table.on_touch(cache, 20, nullptr, nullptr, 1) == TP_EINVAL);
  blocks[0].size = 8;
  CHECK(insert({{8, 1}}) == TP_EINVAL);  // a view of no known version
  const tp_span free_slot{8, 1};
  const bool reads_views = (table.info()->capabilities &
                            (TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS | TP_CAP_NEEDS_FUTURE)) != 0;
  CHECK(table.on_touch(nullptr, 20, nullptr, &free_slot, 1) == TP_EINVAL);
  CHECK(instance.hash() == hash);
  CHECK(table.on_insert(cache, 20, nullptr, &free_slot, 1, nullptr) ==
        (reads_views ? TP_EINVAL : TP_OK));
  CHECK(touch({}) == TP_OK);
}

TEST_CASE("a pool may number its slots beyond its blocks, but holds no more blocks for that") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  Instance cache(*entry.table, 3, "", true, 8);
  cache.insert(0, {7, 0}, {1, 2});
  std::array<tp_block, 2> blocks{};
  for (tp_block& block : blocks) block.size = sizeof block;
  const tp_span two{3, 2};
  CHECK(entry.table->on_insert(cache.cache(), 0, nullptr, &two, 1, blocks.data()) == TP_EINVAL);
  cache.insert(0, {3}, {3});
  cache.set_evictable(1, true, {7, 0, 3});
  uint64_t token = 0;
  Slots named = as_slots(cache.select(1, 3, token));
  std::sort(named.begin(), named.end());
  CHECK(named == Slots{0, 3, 7});
  const auto create = [&](tp_pool pool) {
    tp_cache* made = nullptr;
    const int code = entry.table->create("", &pool, 0, &made, nullptr, 0);
    if (made != nullptr) entry.table->destroy(made);
    return code;
  };
  CHECK(create({sizeof(tp_pool), 3, 16, 4096, 2, 0}) == TP_EINVAL);
  CHECK(create({offsetof(tp_pool, slot_count), 3, 16, 4096, 2, 0}) == TP_OK);  // not read
}

TEST_CASE("creation explains what it cannot do") {
  const policy::CacheEntry& entry = any_policy();
  INFO(entry.name);
  const auto error = [&](const char* config, uint32_t capacity) {
    const tp_pool pool{sizeof(tp_pool), capacity, 16, 4096, 0, 0};
    tp_cache* cache = nullptr;
    std::array<char, 300> message{};
    const int code = entry.table->create(config, &pool, 0, &cache, message.data(), message.size());
    CHECK(code == TP_EINVAL);
    CHECK(cache == nullptr);
    return std::string(message.data());
  };
  CHECK_THAT(error("", 0),
             Catch::StartsWith("capacity must be 1 to ") && Catch::EndsWith(" blocks, not 0"));
  CHECK_THAT(error("no_such=1", 5), Catch::Contains("unknown parameter 'no_such'"));
  tp_cache* cache = nullptr;
  const tp_pool pool{sizeof(tp_pool), 0, 16, 4096, 0, 0};
  std::array<char, 12> little{};
  CHECK(entry.table->create("", &pool, 0, &cache, little.data(), little.size()) == TP_EINVAL);
  CHECK(std::strlen(little.data()) == little.size() - 1);
  const tp_pool old{8, 5, 16, 4096, 0, 0};
  CHECK(entry.table->create("", &old, 0, &cache, nullptr, 0) == TP_EINVAL);
}

}  // namespace
