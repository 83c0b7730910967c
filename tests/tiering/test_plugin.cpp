// Plug-ins as a host meets them: loaded or refused, in this process and in one of their own.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/cache_replay.hpp"
#include "models/tiering/checked_cache.hpp"
#include "models/tiering/checked_placement.hpp"
#include "models/tiering/plugin.hpp"

namespace {

using namespace tiercast;
using tiering::CheckedCache;
using tiering::Plugin;
using tiering::PolicyChecks;
using tiering::PolicyFault;
using SpanList = std::vector<tp_span>;

constexpr int64_t kSecond = 1'000'000'000;
const tp_pool pool{sizeof(tp_pool), 10, 16, 4096, 0, 0};

std::string file(const std::string& name) {
  return std::string(TIERCAST_PLUGINS) + "/" + name + ".so";
}

std::shared_ptr<const Plugin> load(const std::string& name, bool isolated,
                                   int64_t limit_ns = 20 * kSecond) {
  std::string error;
  auto plugin = Plugin::load(file(name), {isolated, limit_ns}, error);
  INFO(error);
  REQUIRE(plugin != nullptr);
  return plugin;
}

/// Why it is not loaded, without the file's name.
std::string refusal(const std::string& path, bool isolated = false) {
  std::string error;
  CHECK(Plugin::load(path, {isolated, 20 * kSecond}, error) == nullptr);
  CHECK(error.starts_with(path + " "));
  return error.substr(std::min(error.size(), path.size() + 1));
}

TEST_CASE("what is no plug-in is refused with the reason", "[plugin]") {
  const bool isolated = GENERATE(false, true);
  CHECK(refusal("no/such.so", isolated) == "does not exist");
  CHECK(refusal("/", isolated) == "is no file");
  const std::string text = (std::filesystem::temp_directory_path() / "tiercast-text.so").string();
  std::ofstream(text) << "not a library\n";
  CHECK_THAT(refusal(text, isolated), Catch::StartsWith("cannot be loaded: "));
  std::filesystem::remove(text);
  CHECK(refusal(file("no_entry"), isolated) == "is no plug-in: it does not export tp_plugin_entry");
  CHECK(refusal(file("other_version"), isolated) == "does not serve version 0.4 of the contract");
  CHECK(refusal(file("other_major"), isolated) == "speaks version 1 of the contract, not 0");
  CHECK(refusal(file("no_tables"), isolated) == "offers no policy: all its tables are NULL");
  CHECK(refusal(file("needs_future"), isolated) ==
        "wants to know the future, which no plug-in is told");
  CHECK(refusal(file("small"), isolated) ==
        "answers with a tp_plugin of 8 bytes, too few for any version of the contract");
}

TEST_CASE("a plug-in that crashes as it is loaded takes only its own process along", "[plugin]") {
  CHECK(refusal(file("crashes"), true) ==
        "cannot be loaded: its process was ended by signal 11 (Segmentation fault)");
}

TEST_CASE("a plug-in may lack what has a default, but no more", "[plugin]") {
  const auto plugin = load("no_select", GENERATE(false, true));
  CHECK(plugin->placement() == nullptr);
  std::string error;
  CHECK(!CheckedCache::create(*plugin->cache(), pool, "", 1, error));
  CHECK(error == "the policy lacks select");
}

TEST_CASE(
    "a plug-in compiled for an earlier version is loaded, and nothing behind its struct is read",
    "[plugin]") {
  const auto plugin = load("older", GENERATE(false, true));
  CHECK(plugin->cache() != nullptr);
  CHECK(plugin->placement() == nullptr);
  CHECK(plugin->router() == nullptr);
}

TEST_CASE("a file is loaded once for all who hold it", "[plugin]") {
  const auto first = load("library_copy", true);
  CHECK(load("library_copy", true) == first);
  CHECK(load("library_copy", false) != first);
  CHECK(first->hash().size() == 32);
  CHECK(first->hash() == tiering::file_hash(file("library_copy")));
  CHECK(first->hash() != tiering::file_hash(file("faulty")));
}

/// Runs blocks through a policy with that fault and answers what it is caught with.
std::optional<PolicyFault> caught(const Plugin& plugin, const std::string& config,
                                  PolicyChecks checks = PolicyChecks::answers) {
  std::string error;
  std::optional<CheckedCache> cache;
  try {
    cache = CheckedCache::create(*plugin.cache(), pool, config, 1, error, checks);
    INFO(error);
    REQUIRE(cache.has_value());
    cache->insert(11, SpanList{{0, 8}});
    cache->evictable(12, true, SpanList{{2, 5}});
    SpanList victims;
    CHECK(cache->next_wakeup_ns() == INT64_MAX);
    for (int64_t now_ns = 21; now_ns < 24; ++now_ns) cache->take_victims(now_ns, 1, victims);
    cache.reset();
    plugin.check_end();
  } catch (const PolicyFault& fault) {
    return fault;
  }
  return std::nullopt;
}

struct Fault {
  const char* config;
  const char* call;
  int64_t now_ns;
  const char* answer;
  PolicyChecks checks = PolicyChecks::answers;
};

TEST_CASE("each fault of a plug-in is told with call, time and answer", "[plugin]") {
  const auto plugin = load("faulty", GENERATE(false, true));
  CHECK_FALSE(caught(*plugin, "").has_value());
  CHECK_FALSE(caught(*plugin, "", PolicyChecks::rehearsals).has_value());
  CHECK_FALSE(caught(*plugin, "fault=asking_moves_state").has_value());
  CHECK_FALSE(caught(*plugin, "fault=token_of_old").has_value());
  for (const Fault& fault : std::vector<Fault>{
           {"fault=outside", "select", 21, "victims {10, 1} are outside the pool"},
           {"fault=outside\nat=3", "select", 23, "victims {10, 1} are outside the pool"},
           {"fault=not_evictable", "select", 21, "victims {0, 1}: slot 0 is pinned"},
           {"fault=too_few", "select", 21, "0 victims, counted as 1, where 1 were wanted"},
           {"fault=token_zero", "select", 21, "token 0 is 0 or that of the answer before"},
           {"fault=token_again", "select", 22, "token 7 is 0 or that of the answer before"},
           {"fault=token_of_old", "select", 22, "token 8 was that of an answer before",
            PolicyChecks::rehearsals},
           {"fault=asking_moves_state", "abort", 21,
            "hash_state is 1 where it was 0 before victims were asked for",
            PolicyChecks::rehearsals},
           {"fault=refuses_commit\nat=2", "commit", 22, "TP_ESTATE"},
           {"fault=refuses_insert", "on_insert", 11, "TP_EINVAL"},
           {"fault=wakes_in_the_past", "next_wakeup", 11, "10 ns, which is past"}}) {
    INFO(fault.config);
    const std::optional<PolicyFault> found = caught(*plugin, fault.config, fault.checks);
    REQUIRE(found.has_value());
    CHECK(found->call() == fault.call);
    CHECK(found->now_ns() == fault.now_ns);
    CHECK(found->answer() == fault.answer);
    CHECK_THAT(found->what(), Catch::StartsWith("policy 'lowest-slot' broke its contract in "));
  }
}

TEST_CASE("a victim named twice is told", "[plugin]") {
  const auto plugin = load("faulty", GENERATE(false, true));
  std::string error;
  auto cache = CheckedCache::create(*plugin->cache(), pool, "fault=twice", 1, error);
  REQUIRE(cache.has_value());
  cache->insert(1, SpanList{{0, 8}});
  cache->evictable(1, true, SpanList{{0, 4}});
  SpanList victims;
  // Room for two, which are one and the same.
  CHECK_THROWS_WITH(cache->take_victims(2, 1, victims),
                    Catch::Contains("2 spans where 1 fit") || Catch::Contains("named twice"));
}

TEST_CASE("the end of an isolated plug-in's process is a fault of the call", "[plugin]") {
  const std::vector<std::pair<std::string, std::string>> ways{
      {"segv", "its process was ended by signal 11 (Segmentation fault)"},
      {"abort", "its process was ended by signal 6 (Aborted)"},
      {"exit", "its process exited with code 3"},
      {"loop", "no answer within 300 ms"}};
  const std::vector<std::pair<std::string, int64_t>> calls{
      {"create", -1}, {"on_insert", 11}, {"select", 21}, {"destroy", -1}};
  for (const auto& [way, answer] : ways) {
    for (const auto& [call, now_ns] : calls) {
      INFO(way + " in " + call);
      const int64_t limit_ns = way == "loop" ? 3 * kSecond / 10 : 20 * kSecond;
      const auto plugin = load("faulty", true, limit_ns);
      const auto fault = caught(*plugin, "fault=" + way + "_in_" + call);
      REQUIRE(fault.has_value());
      CHECK(fault->call() == call);
      if (now_ns >= 0) CHECK(fault->now_ns() == now_ns);
      CHECK(fault->answer() == answer);
      // Nothing is left of it, not even to be waited for.
      CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
      CHECK(errno == ECHILD);
      std::string error;
      // Nobody but check_end() has told of the end in destroy, which may not throw.
      const std::string told = call == "destroy" ? answer : "its process has ended before";
      CHECK_THROWS_WITH(CheckedCache::create(*plugin->cache(), pool, "", 1, error),
                        Catch::Contains(told));
    }
  }
}

TEST_CASE("an isolated plug-in's process ends with its owner", "[plugin]") {
  auto plugin = load("library_copy", true);
  CHECK(waitpid(-1, nullptr, WNOHANG) == 0);  // it runs
  plugin.reset();
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("more isolated plug-ins than seats are refused", "[plugin]") {
  std::vector<std::shared_ptr<const Plugin>> held;
  for (int64_t i = 0; i < 16; ++i) held.push_back(load("library_copy", true, kSecond + i));
  std::string error;
  CHECK(Plugin::load(file("library_copy"), {true, 2 * kSecond}, error) == nullptr);
  CHECK_THAT(error, Catch::EndsWith("cannot be isolated: no more than 16 plug-ins can be at once"));
  held.pop_back();
  CHECK(load("library_copy", true, 2 * kSecond) != nullptr);
}

TEST_CASE("a policy decides the same wherever it runs", "[plugin]") {
  std::vector<uint32_t> blocks;
  uint64_t state = 1;
  for (int i = 0; i < 4000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    blocks.push_back(static_cast<uint32_t>((state >> 33) % 97 * ((state >> 62) + 1)));
  }
  const std::vector<uint64_t> ends{blocks.size()};
  const auto misses = [&](const tp_cache_table& table, PolicyChecks checks) {
    std::string error;
    const auto result =
        tiering::replay_cache({&table, nullptr, "", 1, checks}, 64, {blocks, ends, {}, 97 * 4}, {},
                              tiering::HitRule::block, error);
    INFO(error);
    REQUIRE(result.has_value());
    return result->misses;
  };
  const uint64_t builtin = misses(*tp_find_builtin_cache("lru"), PolicyChecks::answers);
  for (const PolicyChecks checks : {PolicyChecks::answers, PolicyChecks::rehearsals}) {
    CHECK(misses(*load("library_copy", false)->cache(), checks) == builtin);
    CHECK(misses(*load("library_copy", true)->cache(), checks) == builtin);
  }
  CHECK(misses(*tp_find_builtin_cache("fifo"), PolicyChecks::answers) != builtin);
}

TEST_CASE("an isolated placement policy answers as it does here", "[plugin]") {
  const auto isolated = load("library_copy", true);
  std::string error;
  const std::string config = "fetch=2\nmin_load=1\noutput=1\npromote=1\nprefetch=1\ndemote=1\n";
  auto here =
      tiering::CheckedPlacement::create(*tp_find_builtin_placement("through"), config, 1, error);
  auto there = tiering::CheckedPlacement::create(*isolated->placement(), config, 1, error);
  REQUIRE(here.has_value());
  REQUIRE(there.has_value());
  std::vector<tp_tier> tiers(3);
  for (uint32_t i = 0; i < 3; ++i) {
    tiers[i] = {sizeof(tp_tier),
                i == 2 ? uint32_t{TP_TIER_NVME} : i + 1,
                0,
                0,
                1000,
                10,
                1'000'000'000 / (i + 1),
                1'000'000'000,
                1000,
                1000,
                0,
                0,
                UINT64_MAX};
  }
  tp_request request{};
  request.size = sizeof request;
  const std::vector<tp_run> runs{{4, 6, 0b110, 0, 60'000'000}, {10, 5, 0b100, 0, 80'000'000}};
  const tp_fetch fetch{sizeof(tp_fetch), 4096, 16, 4, 20, 2, runs.data(), 0, 0, 0};
  const auto same = [](const auto& ours, const auto& theirs) {
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      CHECK(std::memcmp(&ours[i], &theirs[i], sizeof ours[i]) == 0);
    }
  };
  const auto plan = here->plan_fetch(1, request, fetch, tiers);
  CHECK_FALSE(plan.empty());
  same(plan, there->plan_fetch(1, request, fetch, tiers));
  same(here->prefetch(2, request, fetch, tiers), there->prefetch(2, request, fetch, tiers));
  const auto placed = here->place(3, request, TP_STORE_PROMPT, 4, 12, {}, tiers);
  CHECK_FALSE(placed.empty());
  same(placed, there->place(3, request, TP_STORE_PROMPT, 4, 12, {}, tiers));
  CHECK(here->demote(4, 1, 3, tiers) == there->demote(4, 1, 3, tiers));
  CHECK(here->hash_state() == there->hash_state());
}

TEST_CASE("an isolated placement policy is saved and restored as it is here", "[plugin]") {
  const auto isolated = load("library_copy", true);
  const tp_placement_table& table = *isolated->placement();
  const std::string config = "admission=second-touch\n";
  std::string error;
  tp_placement* first = nullptr;
  tp_placement* second = nullptr;
  REQUIRE(table.create(config.c_str(), 1, &first, nullptr, 0) == TP_OK);
  REQUIRE(table.create(config.c_str(), 1, &second, nullptr, 0) == TP_OK);
  std::vector<tp_tier> tiers(2);
  for (tp_tier& tier : tiers) tier.size = sizeof tier;
  tiers[1].kind = TP_TIER_NVME;
  tp_block block{};
  block.size = sizeof block;
  block.key = {1, 2};
  tp_request request{};
  request.size = sizeof request;
  tp_placed placed{};
  size_t parts = 0;
  REQUIRE(table.place(first, 1, &request, TP_STORE_PROMPT, 0, 1, &block, tiers.data(), 2, &placed,
                      1, &parts) == TP_OK);
  CHECK(table.hash_state(first) != table.hash_state(second));
  size_t size = 0;
  REQUIRE(table.save(first, nullptr, 0, &size) == TP_OK);
  std::vector<char> state(size);
  REQUIRE(table.save(first, state.data(), state.size(), &size) == TP_OK);
  CHECK(table.restore(second, state.data(), size - 1) == TP_EINVAL);
  REQUIRE(table.restore(second, state.data(), size) == TP_OK);
  CHECK(table.hash_state(first) == table.hash_state(second));
  table.destroy(first);
  table.destroy(second);
}

TEST_CASE("an isolated router answers as it does here, costs and state too", "[plugin]") {
  const auto isolated = load("library_copy", true);
  const tp_router_table& ours = *tp_find_builtin_router("replicate-hot");
  const tp_router_table& theirs = *isolated->router();
  CHECK(std::string(theirs.info()->name) == "replicate-hot");
  CHECK(theirs.info()->capabilities == ours.info()->capabilities);
  tp_router* here = nullptr;
  tp_router* there = nullptr;
  const char* config = "hot_rate=3\nwindow=1\ncopies=2\nhead=32\n";
  REQUIRE(ours.create(config, 5, &here, nullptr, 0) == TP_OK);
  REQUIRE(theirs.create(config, 5, &there, nullptr, 0) == TP_OK);
  std::string message(200, '\0');
  tp_router* none = nullptr;
  CHECK(theirs.create("hot=1\n", 5, &none, message.data(), message.size()) == TP_EINVAL);
  CHECK_THAT(message, Catch::Contains("unknown parameter 'hot'"));
  std::vector<tp_worker> workers(4);
  for (uint32_t i = 0; i < 4; ++i) workers[i] = {sizeof(tp_worker), i, i * 100, 7, 3, 0, 0, 0, 0};
  std::vector<uint32_t> routed;
  for (int64_t t = 0; t < 60; ++t) {
    const std::vector<tp_key> keys{{1, 1}, {2, static_cast<uint64_t>(t)}};
    const tp_prompt prompt{sizeof(tp_prompt), 64, 16, 32, 2, 0, keys.data()};
    workers[0].device_tokens = t % 2 == 0 ? 48 : 0;
    std::vector<double> costs(8);
    uint32_t chosen = 9;
    uint32_t theirs_chosen = 9;
    const auto ask = [&](const tp_router_table& table, tp_router* router, double* told,
                         uint32_t* answer) {
      return table.route(router, t * kSecond / 10, nullptr, &prompt, workers.data(), 4, answer,
                         told);
    };
    REQUIRE(ask(ours, here, costs.data(), &chosen) == TP_OK);
    REQUIRE(ask(theirs, there, costs.data() + 4, &theirs_chosen) == TP_OK);
    CHECK(chosen == theirs_chosen);
    CHECK(std::equal(costs.begin(), costs.begin() + 4, costs.begin() + 4));
    routed.push_back(chosen);
  }
  CHECK(std::count(routed.begin(), routed.end(), routed.front()) < 60);
  CHECK(ours.hash_state(here) == theirs.hash_state(there));
  ours.destroy(here);
  theirs.destroy(there);
}

}  // namespace
