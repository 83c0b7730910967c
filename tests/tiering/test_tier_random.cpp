// Random requests over a random hierarchy, its laws checked after every event.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;

namespace {

constexpr Purpose kDraws{"test.tiers"};

// Families of prefixes: their ids say all that comes before them.
std::vector<Ids> families() {
  std::vector<Ids> paths;
  for (uint64_t i = 0; i < 6; ++i) {
    Ids ids;
    for (uint64_t d = 0; d < 9; ++d) {
      const uint64_t family = d < 2 ? i / 3 : d < 5 ? 10 + i / 3 * 2 + i % 3 / 2 : 20 + i;
      ids.push_back(family * 100 + d);
    }
    paths.push_back(ids);
  }
  return paths;
}

class Drive {
 public:
  Drive(uint64_t seed, const SmallTiers& options, bool prefetches)
      : draw_(7, kDraws, seed), spec_(small_tiers(options)), host_(make(spec_, prefetches), 40) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      now_ns_ += draw_.between(0, 1) * draw_.between(0, 12'000);
      // One instant after another, so that every event is looked at.
      while (host_.tiers().next_event_ns() < now_ns_) {
        const int64_t event_ns = host_.tiers().next_event_ns();
        host_.advance(event_ns);
        host_.check_invariants(paths_);
        look(event_ns);
      }
      act();
      host_.check_invariants(paths_);
      look(now_ns_);
      check_indices();
    }
    host_.rest();
  }

  TierHost& host() { return host_; }
  const std::vector<Ids>& paths() const { return paths_; }
  // Ids that engines of a node have had complete.
  const std::set<uint64_t>& complete(uint32_t node) const { return complete_[node]; }
  uint64_t draw_below(uint64_t bound) { return draw_.below(bound); }

 private:
  static const tiering::TierSetSpec& make(tiering::TierSetSpec& spec, bool prefetches) {
    spec.prefetches = prefetches;
    return spec;
  }

  // Pools that have a late index: host memories, for peers, and storage.
  static constexpr std::array<std::pair<uint32_t, uint32_t>, 3> kLate{
      {{kHost, 0}, {kHost, 1}, {kStorage, 0}}};

  // What is ready where, from this time on.
  void look(int64_t now_ns) {
    if (spec_.tiers[kStorage].index_delay_ns == 0) return;
    Sight sight{now_ns, {}};
    for (const auto& [tier, pool] : kLate) {
      for (const Ids& path : paths_) sight.ready.push_back(host_.blocks(tier, pool, path));
    }
    sights_.push_back(std::move(sight));
  }

  // An index knows what was so a delay ago.
  void check_indices() {
    const int64_t delay_ns = spec_.tiers[kStorage].index_delay_ns;
    if (delay_ns == 0) return;
    auto then = std::find_if(sights_.rbegin(), sights_.rend(), [&](const Sight& sight) {
      return sight.time_ns <= now_ns_ - delay_ns;
    });
    size_t at = 0;
    bool same = true;
    for (const auto& [tier, pool] : kLate) {
      for (const Ids& path : paths_) {
        std::string expected(path.size(), '.');
        if (then != sights_.rend()) expected = then->ready[at++];
        std::replace(expected.begin(), expected.end(), 'o', '.');
        same = same && host_.known(now_ns_, tier, pool, path) == expected;
      }
    }
    REQUIRE(same);
  }

  void act() {
    const auto engine = static_cast<uint32_t>(draw_.below(3));
    if (draw_.below(6) == 0) return host_.empty_hbm(now_ns_, engine);
    Ids ids = paths_[draw_.below(paths_.size())];
    ids.resize(1 + draw_.below(ids.size()));
    host_.request(now_ns_, engine, ids);
    complete_[spec_.node_of[engine]].insert(ids.begin(), ids.end());
  }

  struct Sight {
    int64_t time_ns = 0;
    std::vector<std::string> ready;  // by late pool and path
  };

  Stream draw_;
  tiering::TierSetSpec spec_;
  std::vector<Sight> sights_;
  std::vector<Ids> paths_ = families();
  TierHost host_;
  int64_t now_ns_ = 0;
  std::set<uint64_t> complete_[2];
};

SmallTiers random_options(Stream& draw, bool& prefetches) {
  SmallTiers options;
  const char* const names[] = {"through", "selective", "back"};
  options.placement = names[draw.below(3)];
  prefetches = draw.below(2) == 0;
  options.config = "fetch=" + std::to_string(2 * draw.below(2)) +
                   "\npromote=" + std::to_string(draw.below(2)) +
                   "\ndemote=" + std::to_string(draw.below(2)) +
                   "\nprefetch=" + std::to_string(prefetches ? 1 : 0) +
                   "\nmin_load=" + std::to_string(1 + draw.below(2));
  options.host_blocks = static_cast<uint32_t>(draw.between(1, 25));
  options.drive_blocks = static_cast<uint32_t>(draw.between(1, 30));
  options.storage_blocks = static_cast<uint32_t>(draw.between(1, 40));
  options.metadata = draw.below(2) == 0;
  options.through_host = draw.below(2) == 0;
  if (draw.below(2) == 0) options.index_delay_ns = draw.between(1, 150'000);
  if (draw.below(2) == 0) options.drives = static_cast<uint32_t>(draw.between(2, 5));
  if (draw.below(2) == 0) options.storage_devices = static_cast<uint32_t>(draw.between(2, 7));
  options.width = static_cast<uint32_t>(draw.between(1, 3));
  return options;
}

void random_drives(uint64_t first, uint64_t last, int steps) {
  uint64_t read = 0;
  uint64_t staged = 0;
  uint64_t written_back = 0;
  uint64_t evicted = 0;
  uint64_t gone = 0;
  uint64_t unseen = 0;
  for (uint64_t seed = first; seed < last; ++seed) {
    INFO("seed " << seed);
    Stream draw(8, kDraws, seed);
    bool prefetches = false;
    const SmallTiers options = random_options(draw, prefetches);
    Drive drive(seed, options, prefetches);
    drive.run(steps);
    for (uint32_t t = 0; t < 4; ++t) {
      read += drive.host().tiers().counts(t).read_bytes;
      staged += drive.host().tiers().counts(t).staged_blocks;
      gone += drive.host().tiers().counts(t).stale_hit_blocks;
      unseen += drive.host().tiers().counts(t).unseen_blocks;
      for (const tiering::TierPool& pool : drive.host().tiers().pools(t)) {
        evicted += pool.counts().evicted;
      }
    }
    written_back += drive.host().written_back();
    drive.host().check_rest_and_empty(drive.paths());
  }
  CHECK(read > 0);
  CHECK(staged > 0);
  CHECK(written_back > 0);
  CHECK(evicted > 0);
  CHECK(gone > 0);
  CHECK(unseen > 0);
}

// "x" for each block of the path that is among `ids`.
std::string expected(const Ids& path, const std::set<uint64_t>& ids) {
  std::string text;
  for (const uint64_t id : path) text += ids.count(id) != 0 ? 'x' : '.';
  return text;
}

}  // namespace

TEST_CASE("tiers keep their laws under random requests", "[tiering][oracle]") {
  random_drives(0, 50, 200);
}

TEST_CASE("tiers keep their laws, many long runs", "[tiering][oracle][slow]") {
  random_drives(50, 200, 600);
}

TEST_CASE("with room for all, every block is where its engines' nodes had it",
          "[tiering][oracle]") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    INFO("seed " << seed);
    SmallTiers options;
    options.through_host = seed % 2 == 0;
    options.metadata = seed % 3 == 0;
    options.config = "promote=" + std::to_string(seed % 5 == 0 ? 0 : 1);
    Drive drive(seed, options, false);
    drive.run(100);
    std::set<uint64_t> all = drive.complete(0);
    all.insert(drive.complete(1).begin(), drive.complete(1).end());
    for (const Ids& path : drive.paths()) {
      for (uint32_t node = 0; node < 2; ++node) {
        const std::string there = expected(path, drive.complete(node));
        REQUIRE(drive.host().blocks(kHost, node, path) == there);
        REQUIRE(drive.host().blocks(kDrives, node, path) == there);
      }
      REQUIRE(drive.host().blocks(kStorage, 0, path) == expected(path, all));
    }
    drive.host().check_rest_and_empty(drive.paths());
  }
}

TEST_CASE("without time the pools end as they do with all the time in the world", "[tiering]") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    INFO("seed " << seed);
    Stream draw(9, kDraws, seed);
    bool prefetches = false;
    SmallTiers options = random_options(draw, prefetches);
    options.config.replace(0, 7,
                           "fetch=1");  // nothing is read: what is stored does not depend on it
    // Room for all: what is on its way is no victim yet, so a small pool refuses more in time.
    options.host_blocks = options.drive_blocks = options.storage_blocks = 100;
    options.metadata = false;
    options.index_delay_ns = 0;
    const auto spec = small_tiers(options);
    TierHost timed(spec, 60);
    TierHost untimed(spec, 60);
    untimed.tiers().set_timed(false);
    const std::vector<Ids> paths = families();
    for (int64_t step = 0; step < 60; ++step) {
      Ids ids = paths[draw.below(paths.size())];
      ids.resize(1 + draw.below(ids.size()));
      const auto engine = static_cast<uint32_t>(draw.below(3));
      const int64_t now_ns = step * 10'000'000;
      for (TierHost* host : {&timed, &untimed}) {
        host->request(now_ns, engine, ids);
        host->rest();
        if (step % 4 == 0) host->empty_hbm(now_ns + 5'000'000, engine);
        host->rest();
        host->check_invariants(paths);
      }
    }
    for (const Ids& path : paths) {
      REQUIRE(timed.blocks(kHost, 0, path) == untimed.blocks(kHost, 0, path));
      REQUIRE(timed.blocks(kHost, 1, path) == untimed.blocks(kHost, 1, path));
    }
    for (uint32_t t = 0; t < 4; ++t) {
      REQUIRE(timed.tiers().counts(t).written_bytes == untimed.tiers().counts(t).written_bytes);
    }
    timed.check_rest_and_empty(paths);
    untimed.check_rest_and_empty(paths);
  }
}
