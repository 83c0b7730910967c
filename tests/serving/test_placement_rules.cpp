// Rules of placement in a cluster, worked by hand: what they spare, and what they are told.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/tierpolicy.h"
#include "tests/serving/small_cluster.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::Outcome;

namespace {

// Two engines over one pool of drives: 1,000 B a block of 4 tokens, 25 GB/s up, 10 GB/s down.
serving::ClusterSpec cluster_over_drives(const std::string& config) {
  serving::ClusterSpec spec = small_cluster();
  spec.instances = 2;
  spec.id_tokens = 4;
  spec.engine.kv_blocks = 256;
  spec.engine.max_model_tokens = 1000;
  spec.block_bytes = 1000;
  tiering::TierSetSpec set;
  set.block_tokens = spec.engine.block_tokens;
  set.block_bytes = spec.block_bytes;
  set.node_of = {0, 0};
  set.engine_fabric.resize(2);
  set.links = {{"up", 25'000'000'000, false}, {"down", 10'000'000'000, false}};
  set.placement = tp_find_builtin_placement("through");
  set.placement_config = "output=0\n" + config;
  tiering::TierSpec tier;
  tier.name = "nvme";
  tier.kind = tiering::TierKind::nvme;
  tier.block_bytes = spec.block_bytes;
  tier.capacity_blocks = tier.simulated_blocks = 1000;
  tier.eviction = tp_find_builtin_cache("lru");
  tier.pools.push_back({0, {}});
  tier.pool_of = {0, 0};
  tier.to_engine = {{{0}, {1}}, {{0}, {1}}};
  tier.to_node.resize(1);
  set.tiers.push_back(tier);
  spec.tiers = set;
  return spec;
}

std::vector<uint64_t> numbers(uint64_t first, uint64_t count) {
  std::vector<uint64_t> ids;
  for (uint64_t i = 0; i < count; ++i) ids.push_back(first + i);
  return ids;
}

// The same prompt of 401 tokens on one engine, and long afterwards on the other; loads are over
// `after_ns` behind their last byte, which the policy does not know.
Outcome fetch_by(const std::string& config, int64_t after_ns = 0,
                 tiering::LoadMode mode = tiering::LoadMode::parked) {
  serving::ClusterSpec spec = cluster_over_drives(config);
  spec.tiers->tiers[0].load_mode = mode;
  spec.tiers->tiers[0].load.after_ns = after_ns;
  const std::vector<uint64_t> ids = numbers(1, 100);
  return run_small(spec, {request_of(0, 401, 1, 4, ids), request_of(1'000'000, 401, 1, 4, ids)});
}

int64_t ttft(const Outcome& out) { return out.log[1].first_token_ns - out.log[1].arrival_ns; }

}  // namespace

// Loading takes 40 ns a block. Computing 400 tokens takes two steps as large as steps may be, 2 x
// 107 + 4,000 ns, so 42.14 ns a block: with 49 computed, 2,064 ns, and 51 loaded, 2,040 ns, both
// are done soonest. In steps of 100 and 96 tokens the head takes 1,107 + 1,067 ns, and the last
// token 122 ns.
TEST_CASE("loading from the tail meets computing from the head", "[serving]") {
  CHECK(ttft(fetch_by("fetch=load-all\n")) == 4000 + 122);
  CHECK(ttft(fetch_by("fetch=recompute-all\n")) == 4 * 1107 + 122);
  CHECK(ttft(fetch_by("fetch=load-or-recompute\n")) == 4000 + 122);
  const Outcome both = fetch_by("fetch=bidirectional\n");
  CHECK(ttft(both) == 1107 + 1067 + 122);
  CHECK(both.log[1].loaded_tokens == 51 * 4);
  CHECK(both.log[1].cached_tokens == 51 * 4);
  CHECK(both.log[1].computed_tokens == 49 * 4 + 1);
  CHECK(both.log[1].ttft.load_move_ns + both.log[1].ttft.load_wait_ns == 0);
  CHECK(both.tiers[0].counts.read_bytes == 51'000);
}

TEST_CASE("a head that is done before its tail has come waits for it", "[serving]") {
  for (const tiering::LoadMode mode : {tiering::LoadMode::parked, tiering::LoadMode::in_step}) {
    const Outcome late = fetch_by("fetch=bidirectional\n", 300, mode);
    CHECK(ttft(late) == 51 * 40 + 300 + 122);
    CHECK(late.log[1].ttft.load_move_ns == 51 * 40 + 300 - (1107 + 1067));
    CHECK(late.log[1].ttft.load_wait_ns == 0);
    CHECK(late.log[1].ttft.interference_ns == 0);
    CHECK(late.log[1].ttft.queue_ns == 0);
    CHECK(late.log[1].ttft.prefill_ns + late.log[1].ttft.engine_ns == 1107 + 1067 + 122);
  }
}

TEST_CASE("who decodes goes on while another waits for its tail", "[serving]") {
  serving::ClusterSpec spec = cluster_over_drives("fetch=bidirectional\n");
  spec.instances = 2;
  spec.tiers->tiers[0].load.after_ns = 3000;
  const std::vector<uint64_t> ids = numbers(1, 100);
  // The third decodes on the second engine as the fourth comes there.
  const auto requests = [&](uint32_t output) {
    return std::vector{request_of(0, 401, 1, 4, ids), request_of(900'000, 4, output),
                       request_of(999'000, 4, 1), request_of(1'000'000, 401, 1, 4, ids)};
  };
  const Outcome out = run_small(spec, requests(900));
  CHECK(out.log[3].loaded_tokens > 0);
  CHECK(out.log[3].ttft.load_move_ns > 0);
  CHECK(out.log[3].ttft.total_ns() == out.log[3].first_token_ns - out.log[3].arrival_ns);
  spec.engine.fuse = false;
  const Outcome stepped = run_small(spec, requests(900));
  CHECK(stepped.digest == out.digest);
}

TEST_CASE("an engine that computes prompts in one step loads as it did", "[serving]") {
  serving::ClusterSpec spec = cluster_over_drives("fetch=bidirectional\n");
  spec.engine.chunked_prefill = false;
  spec.engine.max_batched_tokens = 100;
  spec.engine.max_model_tokens = 100;
  const std::vector<uint64_t> ids = numbers(1, 20);
  const Outcome out =
      run_small(spec, {request_of(0, 81, 1, 4, ids), request_of(1'000'000, 81, 1, 4, ids)});
  CHECK(out.log[1].loaded_tokens % 80 == 0);  // all or nothing
}

// Five prompts of ten blocks, of which the first comes again.
TEST_CASE("second touch spares writes of what comes once", "[serving]") {
  const auto written = [](const std::string& config) {
    std::vector<workload::Request> requests;
    for (uint64_t i = 0; i < 5; ++i) {
      requests.push_back(
          request_of(static_cast<int64_t>(i) * 100'000, 40, 1, 4, numbers(1 + 100 * i, 10)));
    }
    for (int64_t i = 5; i < 8; ++i) {
      requests.push_back(request_of(i * 100'000, 40, 1, 4, numbers(1, 10)));
    }
    return run_small(cluster_over_drives(config), requests).tiers[0].counts.written_bytes;
  };
  CHECK(written("") == 50'000);
  CHECK(written("admission=second-touch\n") == 10'000);
  CHECK(written("admission=tinylfu\nadmission_uses=4\n") == 10'000);
  CHECK(written("admission=tinylfu\nadmission_uses=5\n") == 0);
}

// The drives may take 3,500 bytes at once and as many again each second.
TEST_CASE("a wear budget is spent by writes and fills with time", "[serving]") {
  serving::ClusterSpec spec = cluster_over_drives("admission=wear-budget\n");
  spec.tiers->tiers[0].write_bytes_per_day = uint64_t{3500} * 86'400;
  spec.tiers->tiers[0].write_burst_ns = 1'000'000'000;
  const auto written = [&](std::vector<int64_t> arrivals_ns) {
    std::vector<workload::Request> requests;
    for (size_t i = 0; i < arrivals_ns.size(); ++i) {
      requests.push_back(request_of(arrivals_ns[i], 40, 1, 4, numbers(1 + 100 * i, 10)));
    }
    return run_small(spec, requests).tiers[0].counts.written_bytes;
  };
  CHECK(written({0}) == 3000);
  CHECK(written({0, 100'000}) == 3000);
  CHECK(written({0, 200'000'000}) == 4000);      // 500 left and 700 more
  CHECK(written({0, 60'000'000'000}) == 6000);   // no more than fits
  spec.tiers->tiers[0].write_bytes_per_day = 0;  // no bound
  CHECK(written({0, 100'000}) == 20'000);
}

namespace {

std::vector<std::string> notes;
int64_t next_tick_ns = INT64_MAX;

// A placement that stores all, notes what it hears, and wants a tick 500 ns after each request.
const tp_placement_table& recorder() {
  static const tp_info info{sizeof(tp_info), TP_ABI_MAJOR, TP_ABI_MINOR, 0, "recorder", "1"};
  static const tp_placement_table table = [] {
    tp_placement_table made{};
    made.size = sizeof made;
    made.info = [] { return &info; };
    made.create = [](const char*, uint64_t, tp_placement** out, char*, size_t) {
      *out = reinterpret_cast<tp_placement*>(&notes);
      return int{TP_OK};
    };
    made.destroy = [](tp_placement*) {};
    made.place = [](tp_placement*, int64_t, const tp_request*, uint32_t, uint32_t first,
                    uint32_t count, const tp_block*, const tp_tier*, size_t, tp_placed* out, size_t,
                    size_t* out_count) {
      *out = {first, count, 2, 0};
      *out_count = 1;
      return int{TP_OK};
    };
    made.on_request = [](tp_placement*, int64_t now_ns, const tp_request* request, uint32_t phase) {
      notes.push_back(std::to_string(now_ns) + " request " + std::to_string(request->id) +
                      " phase " + std::to_string(phase));
      next_tick_ns = now_ns + 500;
      return int{TP_OK};
    };
    made.on_transfer = [](tp_placement*, int64_t now_ns, const tp_transfer* t) {
      notes.push_back(std::to_string(now_ns) + " from " + std::to_string(t->from) + " to " +
                      std::to_string(t->to) + " blocks " + std::to_string(t->block_count) +
                      " bytes " + std::to_string(t->bytes) + " since " +
                      std::to_string(t->start_ns) + (t->ok == 1 ? " ok" : " failed"));
      return int{t->end_ns == now_ns ? TP_OK : TP_EINVAL};
    };
    made.on_tick = [](tp_placement*, int64_t now_ns) {
      notes.push_back(std::to_string(now_ns) + " tick");
      next_tick_ns = INT64_MAX;
      return int{TP_OK};
    };
    made.next_wakeup = [](const tp_placement*, int64_t) { return next_tick_ns; };
    return made;
  }();
  return table;
}

}  // namespace

// 40 tokens are computed in 512 ns, 10 blocks leave in 1,000 ns; a prompt again loads nothing.
TEST_CASE("placement hears of requests, transfers and the time it asked for", "[serving]") {
  serving::ClusterSpec spec = cluster_over_drives("");
  spec.tiers->placement = &recorder();
  spec.tiers->placement_config = "";
  notes.clear();
  next_tick_ns = INT64_MAX;
  const std::vector<uint64_t> ids = numbers(1, 10);
  run_small(spec, {request_of(100, 40, 1, 4, ids), request_of(10'000, 40, 1, 4, ids)});
  const std::vector<std::string> expected{"100 request 0 phase 1",
                                          "100 request 0 phase 2",
                                          "600 tick",  // before all that happens then or later
                                          "612 request 0 phase 4",
                                          "1112 tick",
                                          "1612 from 0 to 1 blocks 10 bytes 10000 since 612 ok",
                                          "10000 request 1 phase 1",
                                          "10360 from 1 to 0 blocks 9 bytes 9000 since 10000 ok",
                                          "10360 request 1 phase 2"};
  REQUIRE(notes.size() >= expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(notes[i] == expected[i]);
}

TEST_CASE("a wake-up that is over is a fault of the policy", "[serving]") {
  serving::ClusterSpec spec = cluster_over_drives("");
  static tp_placement_table stuck = recorder();
  stuck.on_tick = [](tp_placement*, int64_t) { return int{TP_OK}; };
  stuck.next_wakeup = [](const tp_placement*, int64_t) { return int64_t{40}; };
  spec.tiers->placement = &stuck;
  spec.tiers->placement_config = "";
  CHECK_THROWS_WITH(run_small(spec, {request_of(100, 40, 1)}),
                    Catch::Contains("next_wakeup at 40 ns"));
}
