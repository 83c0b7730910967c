// The library as C programs and plug-ins meet it.
#include <array>
#include <dlfcn.h>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/layout_checks.h"

extern "C" const char* name_of_builtin_as_seen_by_c(size_t index);

namespace {

TEST_CASE("C sees the built-in policies") {
  const auto policies = tiercast::policy::cache_policies();
  for (std::size_t i = 0; i < policies.size(); ++i) {
    CHECK(std::string(name_of_builtin_as_seen_by_c(i)) == policies[i].name);
  }
  CHECK(name_of_builtin_as_seen_by_c(policies.size()) == nullptr);
}

struct CloseLibrary {
  void operator()(void* library) const { dlclose(library); }
};

TEST_CASE("the example plug-ins, in C and in C++, are loaded and evict alike") {
  const char* file = GENERATE(TIERPOLICY_EXAMPLE_C, TIERPOLICY_EXAMPLE_CPP);
  INFO(file);
  const std::unique_ptr<void, CloseLibrary> library(dlopen(file, RTLD_NOW));
  REQUIRE(library != nullptr);
  const auto entry =
      reinterpret_cast<tp_plugin_entry_fn>(dlsym(library.get(), TP_PLUGIN_ENTRY_SYMBOL));
  REQUIRE(entry != nullptr);
  CHECK(entry(TP_ABI_MAJOR + 1, 0) == nullptr);
  CHECK(entry(TP_ABI_MAJOR, TP_ABI_MINOR - 1) == nullptr);
  const tp_plugin* plugin = entry(TP_ABI_MAJOR, TP_ABI_MINOR + 1);
  REQUIRE(plugin != nullptr);
  CHECK(plugin->size == sizeof(tp_plugin));
  CHECK(plugin->placement == nullptr);
  const tp_cache_table* table = plugin->cache;
  REQUIRE(table != nullptr);
  CHECK(std::string(table->info()->name) == "lowest-slot");

  const tp_pool pool{sizeof(tp_pool), 16, 16, 4096, 0, 0};
  tp_cache* cache = nullptr;
  std::array<char, 100> error{};
  CHECK(table->create("x=1\n", &pool, 0, &cache, error.data(), error.size()) == TP_EINVAL);
  CHECK_THAT(error.data(), Catch::Contains("this policy has no"));
  CHECK(cache == nullptr);
  REQUIRE(table->create("", &pool, 0, &cache, nullptr, 0) == TP_OK);
  const std::array<tp_span, 2> released{tp_span{9, 2}, tp_span{3, 1}};
  if (table->on_insert != nullptr) {  // a notice that the C one does not want
    REQUIRE(table->on_insert(cache, 0, nullptr, released.data(), 2, nullptr) == TP_OK);
  }
  REQUIRE(table->on_evictable(cache, 0, 1, released.data(), released.size()) == TP_OK);
  std::array<tp_span, 4> out{};
  tp_victims victims{};
  CHECK(table->select(cache, 1, 4, out.data(), out.size(), &victims) == TP_EREFUSED);
  REQUIRE(table->select(cache, 1, 2, out.data(), out.size(), &victims) == TP_OK);
  CHECK(victims.block_count == 2);
  CHECK(out[0].first_slot == 3);
  CHECK(out[1].first_slot == 9);
  const std::array<uint8_t, 2> accepted{1, 0};  // 9 stays
  REQUIRE(table->commit(cache, 1, victims.token, accepted.data()) == TP_OK);
  REQUIRE(table->on_remove(cache, 1, TP_REMOVED_EVICTED, out.data(), 1) == TP_OK);
  const uint64_t first_token = victims.token;
  REQUIRE(table->select(cache, 2, 2, out.data(), out.size(), &victims) == TP_OK);
  CHECK(victims.token != first_token);
  CHECK(out[0].first_slot == 9);
  CHECK(victims.block_count == 2);  // and 10, in a span of its own or not
  CHECK(table->abort(cache, victims.token) == TP_OK);
  table->destroy(cache);
}

}  // namespace
