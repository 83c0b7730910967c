// A run over tiers, made by hand: what results say of it must add up to what went in.
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "reports/summarise.hpp"
#include "reports/tiers.hpp"
#include "sim/base/random.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using serving::InstanceOutcome;
using tests::add;
using tests::kMs;
using tests::kSecond;

constexpr uint32_t kBlockTokens = 16;
constexpr uint64_t kBlockBytes = 1000;

SummaryInput plain_input() {
  SummaryInput input;
  input.block_tokens = kBlockTokens;
  input.block_bytes = kBlockBytes;
  return input;
}

void add_tier(serving::Outcome& outcome, const std::string& name, uint64_t hit_blocks) {
  serving::TierOutcome& tier = outcome.tiers.emplace_back();
  tier.name = name;
  tier.kind = name == "dram" ? tiering::TierKind::dram : tiering::TierKind::nvme;
  tier.pools = 2;
  tier.block_bytes = kBlockBytes;
  tier.capacity_blocks = 10'000;
  tier.counts.hit_blocks = hit_blocks;
}

/// Adds to a request's time a load from `tier` (0: another engine) before its first token, and one
/// after it, as an instance that serves it would count them.
void add_load(InstanceOutcome& instance, serving::RequestRecord& record, size_t tier,
              serving::TierTime early, serving::TierTime late) {
  record.ttft.load_wait_ns += early.wait_ns;
  record.ttft.load_move_ns += early.move_ns;
  const int64_t early_ns = early.wait_ns + early.move_ns;
  record.first_token_ns += early_ns;
  instance.counts.ttft_load[tier] += early;
  early += late;
  record.e2e.load_wait_ns += early.wait_ns;
  record.e2e.load_move_ns += early.move_ns;
  record.finished_ns += early.wait_ns + early.move_ns;
  instance.counts.e2e_load[tier] += early;
}

/// Requests that load from two tiers and from other engines, on two instances.
serving::Outcome loading_run(bool from_others) {
  Stream stream(5, Purpose("loads"));
  serving::Outcome outcome;
  add_tier(outcome, "dram", 700);
  add_tier(outcome, "nvme", 300);
  for (int i = 0; i < 2; ++i) {
    InstanceOutcome& instance = outcome.instances.emplace_back(tests::busy_instance(0, 0));
    instance.counts.ttft_load.resize(3);
    instance.counts.e2e_load.resize(3);
  }
  for (int i = 0; i < 500; ++i) {
    const auto cached = static_cast<uint32_t>(stream.between(0, 90));
    serving::RequestRecord& record = add(outcome, {.arrival_ns = i * kMs,
                                                   .queue_ns = stream.between(0, kSecond),
                                                   .prefill_ns = stream.between(1, kSecond),
                                                   .decode_ns = stream.between(0, kSecond),
                                                   .cached_tokens = cached});
    record.loaded_tokens = static_cast<uint32_t>(stream.between(0, cached));
    const auto time = [&] {
      return serving::TierTime{stream.between(0, kSecond), stream.between(0, kSecond)};
    };
    InstanceOutcome& instance = outcome.instances[static_cast<size_t>(i) % 2];
    const int64_t first = from_others ? 0 : 1;
    add_load(instance, record, static_cast<size_t>(stream.between(first, 2)), time(), time());
    for (serving::TimeParts* parts : {&record.ttft, &record.e2e}) parts->metadata_ns = 3 * kMs;
    for (serving::TimeParts* parts : {&record.ttft, &record.e2e}) parts->handoff_ns = 7 * kMs;
    record.first_token_ns += 10 * kMs;
    record.finished_ns += 10 * kMs;
    outcome.end_ns = std::max(outcome.end_ns, record.finished_ns);
  }
  return outcome;
}

double total(const TimeSplit& split) {
  double sum = split.route + split.queue + split.metadata + split.prefill + split.interference +
               split.handoff + split.decode + split.engine;
  for (const LoadTime& load : split.load) sum += load.wait + load.move;
  return sum;
}

TEST_CASE("with loads the parts of the time sum to the means") {
  const Result result = summarise(loading_run(true), plain_input());
  const TimeSplit& ttft = *result.attribution.ttft_ms;
  const TimeSplit& e2e = *result.attribution.e2e_ms;
  CHECK(total(ttft) == Approx(result.metrics.ttft_ms->mean).epsilon(1e-14));
  CHECK(total(e2e) == Approx(result.metrics.e2e_ms->mean).epsilon(1e-14));
  CHECK(ttft.metadata == 3);
  CHECK(e2e.handoff == 7);
}

TEST_CASE("time of loading by tier sums to that of the requests") {
  const serving::Outcome outcome = loading_run(true);
  llm::Int128 wait_ns = 0;
  llm::Int128 move_ns = 0;
  for (const serving::RequestRecord& record : outcome.log) {
    wait_ns += record.e2e.load_wait_ns;
    move_ns += record.e2e.load_move_ns;
  }
  const Result result = summarise(outcome, plain_input());
  double wait_ms = 0;
  double move_ms = 0;
  for (const LoadTime& load : result.attribution.e2e_ms->load) {
    wait_ms += load.wait;
    move_ms += load.move;
  }
  CHECK(wait_ms == Approx(static_cast<double>(wait_ns) / 500 / kMs).epsilon(1e-14));
  CHECK(move_ms == Approx(static_cast<double>(move_ns) / 500 / kMs).epsilon(1e-14));
}

TEST_CASE("other engines are named where a load came from there") {
  const auto names = [](bool from_others) {
    const Result result = summarise(loading_run(from_others), plain_input());
    std::vector<std::string> found;
    for (const LoadTime& load : result.attribution.ttft_ms->load) found.push_back(load.tier);
    return found;
  };
  CHECK(names(false) == std::vector<std::string>{"dram", "nvme"});
  CHECK(names(true) == std::vector<std::string>{kOtherEngines, "dram", "nvme"});
}

TEST_CASE("hits of all tiers sum to the cached input, and HBM's were not loaded") {
  serving::Outcome outcome = loading_run(false);
  uint64_t cached = 0;
  uint64_t loaded = 0;
  for (const serving::RequestRecord& record : outcome.log) {
    cached += record.cached_tokens;
    loaded += record.loaded_tokens;
  }
  for (const uint64_t dram_blocks : {0, 1, 299, 700, 123'457}) {
    outcome.tiers[0].counts.hit_blocks = dram_blocks;
    const Result result = summarise(outcome, plain_input());
    const std::vector<TierUse>& tiers = result.cache.by_tier;
    REQUIRE(tiers.size() == 3);
    CHECK(result.tokens.input_cached == cached);
    CHECK(tiers[0].hit_tokens + tiers[1].hit_tokens + tiers[2].hit_tokens == cached);
    CHECK(tiers[0].hit_tokens == cached - loaded);
    const double share = static_cast<double>(dram_blocks) / static_cast<double>(dram_blocks + 300);
    CHECK(static_cast<double>(tiers[1].hit_tokens) ==
          Approx(share * static_cast<double>(loaded)).margin(1));
  }
}

TEST_CASE("where the log says which blocks were loaded, tiers get just those") {
  serving::Outcome outcome;
  add_tier(outcome, "dram", 3);
  add_tier(outcome, "nvme", 1);
  add(outcome, {.input_tokens = 100, .cached_tokens = 96}).loaded_tokens = 4 * kBlockTokens;
  const Result result = summarise(outcome, plain_input());
  CHECK(result.cache.by_tier[0].hit_tokens == 2 * kBlockTokens);
  CHECK(result.cache.by_tier[1].hit_tokens == 3 * kBlockTokens);
  CHECK(result.cache.by_tier[2].hit_tokens == 1 * kBlockTokens);
}

TEST_CASE("a tier's row holds its facts in bytes and seconds") {
  serving::Outcome outcome;
  add(outcome, {.decode_ns = kSecond});
  add_tier(outcome, "nvme", 0);
  serving::TierOutcome& tier = outcome.tiers[0];
  tier.present_blocks = 2'500;
  tier.counts.read_bytes = 77;
  tier.counts.written_bytes = 88;
  tier.pool_counts.evicted = 9;
  tier.pool_counts.first_eviction_ns = 250 * kMs;
  const Result result = summarise(outcome, plain_input());
  const TierUse& use = result.cache.by_tier.at(1);
  CHECK(use.tier == "nvme");
  CHECK(use.pools == 2);
  CHECK(use.capacity_bytes == 10'000 * kBlockBytes);
  CHECK(use.used_bytes == 2'500 * kBlockBytes);
  CHECK(*use.fill == 0.25);
  CHECK(*use.first_eviction_s == 0.25);
  CHECK(*use.read_bytes == 77);
  CHECK(*use.written_bytes == 88);
  CHECK(use.evicted_blocks == 9);
  CHECK(!use.busy);  // it has no links
  // A tier without pools of its own, as memory of other nodes: nothing to fill.
  outcome.tiers[0].capacity_blocks = 0;
  CHECK(!summarise(outcome, plain_input()).cache.by_tier[1].fill);
}

// Ten seconds after five of warm-up; links of 1 GB/s could carry 10 GB.
serving::Outcome linked_run() {
  serving::Outcome outcome = loading_run(false);
  outcome.start_ns = 5 * kSecond;
  outcome.end_ns = 15 * kSecond;
  for (serving::RequestRecord& record : outcome.log) {
    record.arrival_ns += outcome.start_ns;
    record.first_token_ns += outcome.start_ns;
    record.finished_ns += outcome.start_ns;
  }
  constexpr uint64_t kGb = 1'000'000'000;
  outcome.links = {
      {"engine0.pcie.up", kGb, 1 * kGb, 0},    {"nvme0.read", kGb, 3 * kGb, 0},
      {"nvme1.read", kGb, 8 * kGb, 0},         {"nvme.12.read", kGb, 2 * kGb, 0},
      {"nvme0.write", kGb, 4 * kGb, 0},        {"nvmes.0.read", kGb, 9 * kGb, 0},
      {"node10.memory", 10 * kGb, 5 * kGb, 0}, {"node10.storage.up", 10 * kGb, 7 * kGb, 0},
      {"context.dpu2.network", kGb, 0, 0}};
  return outcome;
}

std::map<std::string, Bottleneck> links_of(const Result& result) {
  std::map<std::string, Bottleneck> links;
  for (const Bottleneck& found : result.bottlenecks) {
    if (found.link) CHECK(links.emplace(found.resource, found).second);
  }
  return links;
}

TEST_CASE("links are grouped without their numbers, and the busiest speaks for its group") {
  const Result result = summarise(linked_run(), plain_input());
  const std::map<std::string, Bottleneck> links = links_of(result);
  std::map<std::string, double> busy;
  for (const auto& [name, link] : links) busy[name] = *link.busy;
  CHECK(busy == std::map<std::string, double>{{"context.dpu.network", 0},
                                              {"engine.pcie.up", 0.1},
                                              {"node.memory", 0.05},
                                              {"node.storage.up", 0.07},
                                              {"nvme.read", 0.8},
                                              {"nvme.write", 0.4},
                                              {"nvmes.read", 0.9}});
  // Of the tier itself, whose name ends at the number or the dot.
  CHECK(*result.cache.by_tier[1].busy == 0.05);
  CHECK(*result.cache.by_tier[2].busy == 0.8);
}

TEST_CASE("links add what loads from their tier wait") {
  const Result result = summarise(linked_run(), plain_input());
  const std::map<std::string, Bottleneck> links = links_of(result);
  const std::vector<LoadTime>& loads = result.attribution.e2e_ms->load;
  CHECK(links.at("node.memory").adds_ms == loads[0].wait);
  CHECK(links.at("nvme.read").adds_ms == loads[1].wait);
  CHECK(links.at("nvme.write").adds_ms == loads[1].wait);
  CHECK(!links.at("engine.pcie.up").adds_ms);
  std::optional<Bottleneck> before;
  for (const Bottleneck& found : result.bottlenecks) {
    if (before) CHECK(before->adds_ms >= found.adds_ms);
    if (before && before->adds_ms == found.adds_ms) CHECK(before->busy >= found.busy);
    before = found;
  }
}

TEST_CASE("rates and shares are over the window after warm-up") {
  serving::Outcome outcome;
  outcome.start_ns = 40 * kSecond;
  add(outcome, {.arrival_ns = 41 * kSecond, .decode_ns = 9 * kSecond, .output_tokens = 30});
  outcome.instances.push_back(tests::busy_instance(5 * kSecond, 0));
  const Result result = summarise(outcome, plain_input());
  CHECK(result.simulated_s == 10);
  CHECK(result.warmup.functional_s == 40);
  CHECK(*result.metrics.output_tokens_per_s == 3);
  CHECK(*result.bottlenecks.at(0).busy == 0.5);
  // Without warm-up, from the first arrival on.
  outcome.start_ns = 0;
  const Result whole = summarise(outcome, plain_input());
  CHECK(whole.simulated_s == 50);
  CHECK(*whole.metrics.output_tokens_per_s == Approx(30.0 / 9));
}

TEST_CASE("a run without tiers has neither loads nor links") {
  serving::Outcome outcome;
  add(outcome, {.decode_ns = kSecond});
  const Result result = summarise(outcome, plain_input());
  CHECK(result.attribution.e2e_ms->load.empty());
  CHECK(result.cache.by_tier.size() == 1);
  CHECK(links_of(result).empty());
}

TEST_CASE("servers of indices are told by name: how busy, and how long jobs wait") {
  serving::Outcome outcome;
  CHECK(servers_uses(outcome, kSecond).empty());
  constexpr auto kAt = tiering::StationPlace::node;
  // 100 operations of 1 ms on two servers are busy 5 % of a second; the other station 20 %.
  outcome.stations = {
      {"node0.index.nvme", kAt, 2, 1'000'000, {100, 40, 40, 60'000'000, 70'000'000}},
      {"node1.index.nvme", kAt, 1, 1'000'000, {200, 60, 60, 200'000'000, 290'000'000}},
      {"external0.metadata", kAt, 4, 5'000, {0, 0, 0, 0, 0}}};
  const std::vector<ServersUse> uses = servers_uses(outcome, kSecond);
  REQUIRE(uses.size() == 2);
  CHECK(uses[0].servers == "node.index.nvme");
  CHECK(uses[0].stations == 2);
  CHECK(uses[0].operations == 300);
  CHECK(uses[0].jobs == 100);
  CHECK(*uses[0].busy == Approx(0.2));
  CHECK(*uses[0].wait_ms == Approx(1));  // 10 ms and 90 ms over 100 jobs
  CHECK(*uses[1].busy == 0);
  CHECK_FALSE(uses[1].wait_ms);
}

}  // namespace
}  // namespace tiercast::reports
