// Tapes given to plug-ins in processes of their own: the same verdicts as in this one.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/tape_replay.hpp"
#include "models/policy/tierpolicy_tape.h"
#include "models/tiering/checked_cache.hpp"
#include "models/tiering/plugin.hpp"

namespace {

using namespace tiercast;
using policy::TapeReader;
using policy::TapeVerdict;
using tiering::Plugin;

const tp_pool pool{sizeof(tp_pool), 10, 16, 4096, 0, 0};

std::shared_ptr<const Plugin> load(const std::string& name, bool isolated) {
  std::string error;
  auto plugin = Plugin::load(std::string(TIERCAST_PLUGINS) + "/" + name + ".so",
                             {isolated, 20'000'000'000}, error);
  INFO(error);
  REQUIRE(plugin != nullptr);
  return plugin;
}

/// Whole once the object has ended.
class Recording {
 public:
  /// The tape says `config`; the instance on it is made without any.
  Recording(const std::string& plugin, const char* config, std::string& bytes)
      : plugin_(load(plugin, false)) {
    const tp_cache_table& table = *plugin_->cache();
    tp_cache* cache = nullptr;
    REQUIRE(table.create("", &pool, 1, &cache, nullptr, 0) == TP_OK);
    const tp_tape tape{sizeof(tp_tape), 1, "pool", &bytes, append, plugin_->hash().c_str()};
    table_.size = sizeof table_;
    REQUIRE(tp_record_cache(&table, cache, config, &pool, 1, &tape, &table_, &cache_, nullptr, 0) ==
            TP_OK);
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { table_.destroy(cache_); }

  const tp_cache_table& table() const { return table_; }
  tp_cache* cache() const { return cache_; }

  uint64_t select(int64_t now_ns, uint32_t need) {
    std::array<tp_span, 10> out{};
    tp_victims victims{};
    REQUIRE(table_.select(cache_, now_ns, need, out.data(), out.size(), &victims) == TP_OK);
    return victims.token;
  }

 private:
  static int append(void* host, const void* bytes, size_t size) {
    static_cast<std::string*>(host)->append(static_cast<const char*>(bytes), size);
    return 0;
  }

  std::shared_ptr<const Plugin> plugin_;
  tp_cache_table table_{};
  tp_cache* cache_ = nullptr;
};

TapeVerdict replay(const std::string& bytes, const Plugin& plugin) {
  std::size_t at = 0;
  TapeReader reader([&](void* buffer, std::size_t size) {
    const std::size_t got = std::min(size, bytes.size() - at);
    std::memcpy(buffer, bytes.data() + at, got);
    at += got;
    return got;
  });
  return policy::replay_tape(reader, *plugin.cache(), plugin.hash());
}

TEST_CASE("an isolated plug-in hears verdicts and bad calls of a tape", "[plugin]") {
  std::string bytes;
  {
    Recording recording("library_copy", "", bytes);
    const tp_cache_table& table = recording.table();
    tp_cache* cache = recording.cache();
    const std::array<tp_span, 3> apart{tp_span{5, 1}, tp_span{2, 1}, tp_span{8, 1}};
    REQUIRE(table.on_insert(cache, 1, nullptr, apart.data(), 3, nullptr) == TP_OK);
    REQUIRE(table.on_evictable(cache, 2, 1, apart.data(), 3) == TP_OK);
    const std::array<uint8_t, 3> accepted{1, 0, 1};
    REQUIRE(table.commit(cache, 3, recording.select(3, 3), accepted.data()) == TP_OK);
    REQUIRE(table.on_remove(cache, 4, TP_REMOVED_EVICTED, apart.data(), 1) == TP_OK);
    const tp_span beyond{0, 1'000'000};  // of which nobody has views
    REQUIRE(table.on_insert(cache, 5, nullptr, &beyond, 1, nullptr) == TP_EINVAL);
    REQUIRE(table.commit(cache, 6, recording.select(6, 1), nullptr) == TP_OK);
  }
  for (const bool isolated : {false, true}) {
    INFO(isolated);
    const TapeVerdict verdict = replay(bytes, *load("library_copy", isolated));
    INFO(verdict.error << verdict.what << " " << verdict.recorded << " " << verdict.replayed);
    CHECK(verdict.kind == TapeVerdict::Kind::identical);
    CHECK(verdict.same_build);
    CHECK(verdict.calls == 8);
    CHECK(verdict.equal_states == verdict.checkpoints);
  }
}

TEST_CASE("an isolated plug-in that crashes on a tape names the call", "[plugin]") {
  std::string bytes;
  {
    Recording recording("faulty", "fault=segv_in_select\nat=2\n", bytes);
    const std::array<tp_span, 2> both{tp_span{5, 1}, tp_span{2, 1}};
    REQUIRE(recording.table().on_evictable(recording.cache(), 1, 1, both.data(), 2) == TP_OK);
    for (const int64_t now_ns : {11, 12}) {
      REQUIRE(recording.table().commit(recording.cache(), now_ns, recording.select(now_ns, 1),
                                       nullptr) == TP_OK);
    }
  }
  const auto plugin = load("faulty", true);
  CHECK_THROWS_WITH(replay(bytes, *plugin),
                    "policy 'lowest-slot' broke its contract in select at 12 ns: its process was "
                    "ended by signal 11 (Segmentation fault)");
  CHECK_NOTHROW(plugin->check_end());
}

}  // namespace
