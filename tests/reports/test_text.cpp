#include <string>

#include <catch2/catch.hpp>

#include "reports/figures.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"

namespace tiercast::reports {
namespace {

TEST_CASE("numbers show three digits") {
  CHECK(show_number(0) == "0");
  CHECK(show_number(1) == "1.00");
  CHECK(show_number(4.706) == "4.71");
  CHECK(show_number(9.994) == "9.99");
  CHECK(show_number(9.996) == "10.0");
  CHECK(show_number(41.26) == "41.3");
  CHECK(show_number(99.94) == "99.9");
  CHECK(show_number(99.96) == "100");
  CHECK(show_number(999.6) == "1,000");
  CHECK(show_number(26312) == "26,312");
  CHECK(show_number(-1234567) == "-1,234,567");
  CHECK(show_number(0.01234) == "0.0123");
  CHECK(show_number(1e-9) == "1e-09");
  CHECK(show_number(1e20) == "1e+20");
  CHECK(show_count(0) == "0");
  CHECK(show_count(999) == "999");
  CHECK(show_count(1000) == "1,000");
  CHECK(show_count(18446744073709551615U) == "18,446,744,073,709,551,615");
}

TEST_CASE("units fit the size") {
  CHECK(show_ms(0) == "0");
  CHECK(show_ms(0.00032) == "0.320 us");
  CHECK(show_ms(0.32) == "320 us");
  CHECK(show_ms(0.99999) == "1.00 ms");
  CHECK(show_ms(41.3) == "41.3 ms");
  CHECK(show_ms(999.9) == "1.00 s");
  CHECK(show_ms(424'300) == "424 s");
  CHECK(show_ms(1'800'000) == "30.0 min");
  CHECK(show_ms(36e6) == "10.0 h");
  CHECK(show_bytes(55.2e9) == "55.2 GB");
  CHECK(show_bytes(512) == "512 B");
  CHECK(show_joules(0.62) == "620 mJ");
  CHECK(show_joules(1400) == "1,400 J");
  CHECK(show_joules(14000) == "14.0 kJ");
  CHECK(show_watts(774) == "774 W");
  CHECK(show_percent(0.3736) == "37.4 %");
  CHECK(show_or_dash(std::nullopt, show_ms) == "-");
}

Result sample_result() {
  Result result;
  result.scenario = "quickstart";
  result.scenario_hash = "5eed";
  result.seed = 42;
  result.digest = "d19e57";
  result.simulated_s = 424.3;
  result.model = {"llama-3.1-8b", "bf16", "bf16", 131072, 26312};
  result.requests = {2000, 1990, 0, 10, 0, 3, 0, 10, 0};
  result.tokens = {2'000'000, 747'200, 1'252'800, 529'807};
  result.metrics.ttft_ms = Distribution{50, 41.3, 90, 95, 380, 400, 500, {}};
  result.metrics.tpot_ms = Distribution{9.9, 9.8, 11, 12, 14.2, 15, 16, {}};
  result.metrics.output_tokens_per_s = 1249;
  result.metrics.requests_per_s = 4.71;
  TimeSplit early;
  early.queue = 12.5;
  early.prefill = 37.5;
  TimeSplit late = early;
  late.decode = 150;
  result.attribution = {early, late};
  result.cache.token_hit_ratio = 0.3736;
  TierUse hbm;
  hbm.tier = "hbm";
  hbm.pools = 1;
  hbm.capacity_bytes = 55'200'000'000;
  hbm.fill = 0.96;
  hbm.first_eviction_s = 12.4;
  hbm.evicted_blocks = 1234;
  result.cache.by_tier.push_back(hbm);
  EnergyUse energy;
  energy.j_per_output_token = 0.62;
  result.energy = energy;
  CostUse cost;
  cost.usd_per_million_output_tokens = 0.93;
  cost.usd_per_hour = 4.2;
  result.cost = cost;
  return result;
}

std::string shown(const Result& result, const TextOptions& options = {}) {
  return to_text(result, options);
}

bool shows(const std::string& text, std::string_view words) {
  INFO(words);
  return text.find(words) != std::string::npos;
}

TEST_CASE("the report shows what was run and the headline figures") {
  TextOptions options;
  options.setting = {"1 x H100", "vllm", "lru", "W1", "pinned by the scenario"};
  const std::string text = shown(sample_result(), options);
  CHECK(shows(text, "quickstart"));
  CHECK(shows(text, "llama-3.1-8b, weights bf16, KV bf16 (131,072 B per token)"));
  CHECK(shows(text, "hardware    1 x H100"));
  CHECK(shows(text, "41.3 ms median, 380 ms at p99"));
  CHECK(shows(text, "9.80 ms median, 14.2 ms at p99"));
  CHECK(shows(text, "1,249 output tokens/s, 4.71 requests/s"));
  CHECK(shows(text, "620 mJ per output token"));
  CHECK(shows(text, "0.930 USD per million output tokens"));
  CHECK(shows(text, "37.4 % of input tokens"));
  CHECK(shows(text, "1 pool of 55.2 GB, 96.0 % full at the end, first eviction at 12.4 s"));
  CHECK(shows(text, "1,234 blocks evicted"));
  CHECK(shows(text, "26,312 per instance: pinned by the scenario"));
  CHECK(shows(text, "digest d19e57, scenario 5eed, seed 42, simulated 424 s"));
}

TEST_CASE("time goes to bars in proportion") {
  const std::string text = shown(sample_result());
  // A quarter of 20 characters is 5, three quarters are 15.
  CHECK(shows(text, " 12.5 ms   25 % #####    "));
  CHECK(shows(text, " 37.5 ms   75 % ###############  "));
  CHECK(shows(text, "  150 ms   75 % ###############\n"));
  CHECK(!shows(text, "metadata"));
}

TEST_CASE("what adds nothing is not among the waits") {
  Result result = sample_result();
  result.bottlenecks = {{"step", {}, 12.5}, {"gpu", 0.931, 0.0}, {"kv_blocks", {}, 0.0}};
  CHECK(shows(shown(result),
              "waits       queue for the next step adds 12.5 ms; gpu runs steps 93.1 % of the "
              "time, adds 0\n"));
}

Result tiered_result() {
  Result result = sample_result();
  result.cache.by_tier[0].hit_tokens = 200'000;
  TierUse nvme;
  nvme.tier = "nvme";
  nvme.pools = 2;
  nvme.capacity_bytes = 61'400'000'000'000;
  nvme.fill = 0.25;
  nvme.hit_tokens = 547'200;
  nvme.read_bytes = 1'230'000'000;
  nvme.written_bytes = 45'600'000'000;
  nvme.busy = 0.789;
  result.cache.by_tier.push_back(nvme);
  result.attribution.ttft_ms->load = {{"nvme", 20, 30}};
  result.attribution.e2e_ms->load = {{"nvme", 20, 30}};
  result.bottlenecks = {{"nvme.read", 0.789, 20.0, true},
                        {"step", {}, 12.5},
                        {"engine.pcie.up", 0.81, {}, true},
                        {"nvme.write", 0.0, 20.0, true}};
  return result;
}

// Words of the line that starts with `name`, single blanks between them.
std::string row_of(const std::string& text, const std::string& name) {
  const size_t start = text.find("\n  " + name + " ");
  if (start == std::string::npos) return "";
  std::string row;
  for (const char c : text.substr(start + 1, text.find('\n', start + 1) - start - 1)) {
    if (c != ' ' || (!row.empty() && row.back() != ' ')) row.push_back(c);
  }
  return row;
}

TEST_CASE("tiers have a table") {
  const std::string text = shown(tiered_result());
  CHECK(row_of(text, "tier") == "tier capacity full first eviction hits read written busy");
  CHECK(row_of(text, "hbm") == "hbm 55.2 GB 96.0 % at 12.4 s 10.0 % - - -");
  CHECK(row_of(text, "nvme") == "nvme 2 x 30.7 TB 25.0 % - 27.4 % 1.23 GB 45.6 GB 78.9 %");
  CHECK(!shows(text, "1 pool of"));
  CHECK(!shows(shown(sample_result()), "capacity"));
}

TEST_CASE("columns stand apart however wide their cells are") {
  const std::vector<std::string> lines =
      table_lines({{"tier", "capacity", "full"}, {"context", "276 TB", "0.00792 %"}}, "  ");
  CHECK(lines[0] == "  tier     capacity       full");
  CHECK(lines[1] == "  context    276 TB  0.00792 %");
}

TEST_CASE("a tier without memory of its own shows none") {
  Result result = tiered_result();
  TierUse peer;
  peer.tier = "peer";
  peer.read_bytes = 1000;
  result.cache.by_tier.push_back(peer);
  CHECK(row_of(shown(result), "peer") == "peer - - - 0 % 1.00 kB - -");
}

TEST_CASE("what a late index costs is said in words") {
  Result result = tiered_result();
  result.cache.by_tier[1].index = IndexUse{5000, 0, 0, 0, 2099};
  CHECK(shows(
      shown(result),
      "  nvme: its index hears 5.00 s late: 2,099 blocks were computed though they lay there, "
      "no read was in vain\n"));
  result.cache.by_tier[1].index = IndexUse{5000, 3, 40, 12.5, 0};
  CHECK(shows(shown(result), "3 reads of 40 that had left took 12.5 ms in vain\n"));
}

TEST_CASE("memory before drives names the link that its hits cross too") {
  Result result = tiered_result();
  TierUse& tier = result.cache.by_tier[1];
  tier.card_cache = CardCacheUse{1000, 5, 500, 0.25};
  tier.devices = 24;
  tier.device_imbalance = 1.013;
  result.bottlenecks = {{"nvme.port.up", 0.9, {}, true}, {"nvme.drives.read", 0.4, {}, true}};
  CHECK(shows(shown(result),
              "memory of its DPUs gave 25.0 % of what was read; its busiest link, "
              "nvme.port.up at 90.0 %, carries that too\n"));
  CHECK(shows(shown(result), "the busiest of 24 drives moved 1.01 x the mean of all\n"));
  CHECK_FALSE(shows(shown(result), "its drives last"));
  tier.wear_years = 4.5;
  CHECK(shows(shown(result), "written to like this, its drives last 4.5"));
  result.bottlenecks[1].busy = 0.95;
  CHECK(shows(shown(result), "gave 25.0 % of what was read\n"));
}

TEST_CASE("roles have a line each") {
  Result result = sample_result();
  result.roles = {{"prefill", 3, 0.4, 12.0, {{"step", 10.0}, {"kv_blocks", 2.0}, {"x", 0.0}}},
                  {"decode", 1, 0.9, 0.0, {{"step", 0.0}}}};
  CHECK(shows(shown(result),
              "  prefill     3 instances, gpu runs steps 40.0 % of the time, queues "
              "add 12.0 ms (the next step 10.0 ms, kv_blocks 2.00 ms)\n"));
  CHECK(shows(shown(result),
              "  decode      1 instance, gpu runs steps 90.0 % of the time, queues "
              "add 0\n"));
}

TEST_CASE("a run that served nothing says so first, and why") {
  Result result = sample_result();
  CHECK(!shows(shown(result), "nothing was served"));
  result.requests = {2000, 0, 0, 2000, 0, 0, 0, 1995, 5};
  result.steady = {false, "all requests were refused"};
  const std::string text = shown(result);
  CHECK(shows(text,
              "forecast\n  ! nothing was served: all 2,000 requests were refused: 1,995 longer"));
  CHECK(shows(text, "5 with more KV than the 26,312 blocks of an instance hold\n"));
  CHECK(!shows(text, "not steady"));
}

TEST_CASE("loads are among where the time went, links have a line of their own") {
  const std::string text = shown(tiered_result());
  CHECK(row_of(text, "load nvme").starts_with("load nvme 50.0 ms 50 % ##########"));
  CHECK(shows(text, "waits       queue for the next step adds 12.5 ms\n"));
  CHECK(shows(text,
              "links       engine.pcie.up busy 81.0 %; nvme.read busy 78.9 % (waiting for its "
              "tier adds 20.0 ms)\n"));
  CHECK(!shows(shown(sample_result()), "links"));
}

TEST_CASE("many links are cut short") {
  Result result = tiered_result();
  result.bottlenecks.assign(9, {"nvme.read", 0.5, {}, true});
  CHECK(shows(shown(result), "nvme.read busy 50.0 %; ...\n"));
}

TEST_CASE("times of the report count from the end of warm-up") {
  Result result = tiered_result();
  result.warmup.functional_s = 10;
  CHECK(shows(shown(result), "at 2.40 s"));
  result.warmup.functional_s = 20;
  CHECK(shows(shown(result), "in warm-up"));
  result.cache.by_tier.pop_back();
  CHECK(shows(shown(result), "first eviction in warm-up, 1,234 blocks evicted"));
}

TEST_CASE("what a reader must mind is said") {
  Result result = sample_result();
  CHECK(shows(shown(result), "! 10 of 2,000 requests refused: 10 longer"));
  CHECK(!shows(shown(result), "steady"));
  result.steady = {false, "saturated: it grew"};
  result.requests.truncated = 4;
  result.provenance.sensitive_to = {"a.b", "c", "d", "e", "f"};
  result.provenance.caveats = {"three lines were left out"};
  const std::string text = shown(result);
  CHECK(shows(text, "! not steady: saturated: it grew"));
  CHECK(shows(text, "! 4 of 2,000 requests cut"));
  CHECK(shows(text, "! three lines were left out"));
  CHECK(shows(text, "! 5 figures are estimates: a.b, c, d, e, ..."));
}

TEST_CASE("thresholds show their verdict") {
  Result result = sample_result();
  result.thresholds = {{"ttft_ms.p99 < 2000", 380.0, true}, {"task_s.p99 < 1", {}, false}};
  const std::string text = shown(result);
  CHECK(shows(text, "met      ttft_ms.p99 < 2000 (is 380)"));
  CHECK(shows(text, "breached task_s.p99 < 1 (is not known)"));
}

TEST_CASE("an empty result is shown without a figure") {
  const std::string text = shown(Result{});
  CHECK(shows(text, "TTFT        -"));
  CHECK(!shows(text, "nan"));
  CHECK(!shows(text, "where the time went"));
}

TEST_CASE("colour comes only when asked for, and hostile names bring none") {
  Result result = sample_result();
  result.scenario = "evil\x1b[31mname";
  CHECK(!shows(shown(result), "\x1b"));
  TextOptions options;
  options.color = true;
  CHECK(shows(shown(result, options), "\x1b[1mevil?[31mname\x1b[0m"));
}

TEST_CASE("no line ends in blanks") {
  const std::string text = shown(sample_result());
  CHECK(!shows(text, " \n"));
}

}  // namespace
}  // namespace tiercast::reports
