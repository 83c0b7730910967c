// The result of a run: schema `tiercast.result/1` as plain data.
//
// Names, nesting and units are those of the JSON. What is optional here is null or absent there,
// because the figure does not exist: nothing is put in its place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tiercast::reports {

inline constexpr std::string_view kResultSchema = "tiercast.result/1";

/// Numbers by name, in the order in which they are shown.
using NamedNumbers = std::vector<std::pair<std::string, double>>;

struct Interval {
  double low = 0;
  double high = 0;
};

/// What came before the timed window: demand that ran through caches and policies without time, and
/// simulated time that results leave out.
struct Warmup {
  double functional_s = 0;
  double timed_s = 0;
};

/// Whether the run shows a state that a longer one would show too; `why` says why not.
struct Steady {
  bool ok = true;
  std::string why;
};

struct ModelFacts {
  std::string name;
  std::string weights_dtype;
  std::string kv_dtype;
  uint64_t kv_bytes_per_token = 0;
  uint64_t kv_blocks_per_instance = 0;
};

/// Requests by what became of them; truncated and preempted ones are counted among these too.
struct RequestCounts {
  uint64_t offered = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t rejected = 0;
  uint64_t truncated = 0;
  uint64_t preempted = 0;    ///< at least once
  uint64_t preemptions = 0;  ///< of all requests
  // Of those rejected.
  uint64_t too_long = 0;   ///< input and output beyond engine.max_model_tokens
  uint64_t too_large = 0;  ///< KV beyond what an instance's memory holds

  /// Everything that came was refused.
  bool none_served() const { return offered > 0 && rejected == offered; }
};

/// Of completed requests. `input_computed` is the work done: with preemptions it holds what was
/// computed again (outputs so far included), and then exceeds input - input_cached.
struct TokenCounts {
  uint64_t input = 0;
  uint64_t input_cached = 0;
  uint64_t input_computed = 0;
  uint64_t output = 0;
};

/// Percentiles by nearest rank: the value at rank ceil(p x count) of the sorted sample.
struct Distribution {
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p95 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
  std::optional<Interval> ci95;  ///< of the mean, over seeds
};

struct Metrics {
  std::optional<Distribution> ttft_ms;   ///< scheduled arrival to first token
  std::optional<Distribution> tpot_ms;   ///< (e2e - ttft) / (output - 1), output > 1
  std::optional<Distribution> itl_ms;    ///< gaps between tokens of all requests
  std::optional<Distribution> e2e_ms;    ///< scheduled arrival to last token
  std::optional<Distribution> queue_ms;  ///< waiting outside the batch, after preemption too
  /// First arrival to last completion of a session all of whose calls completed; absent where no
  /// session has two calls, for then it is e2e.
  std::optional<Distribution> task_s;
  // Over the time from the first arrival, or the end of warm-up, to the end.
  std::optional<double> output_tokens_per_s;
  std::optional<double> computed_tokens_per_s;
  std::optional<double> input_tokens_per_s;
  std::optional<double> requests_per_s;
  std::optional<double> goodput_requests_per_s;  ///< within the limits; null without limits
  std::optional<double> output_tokens_per_s_per_gpu;
};

struct LoadTime {
  std::string tier;
  double wait = 0;
  double move = 0;
};

/// Means over completed requests, in ms. They sum to the mean of the whole.
struct TimeSplit {
  double route = 0;
  double queue = 0;
  double metadata = 0;
  std::vector<LoadTime> load;  ///< from tiers beyond HBM
  double prefill = 0;
  double interference = 0;
  double handoff = 0;
  double decode = 0;
  double engine = 0;
};

struct Attribution {
  std::optional<TimeSplit> ttft_ms;
  std::optional<TimeSplit> e2e_ms;
};

/// What a late index of a tier came to in the timed window.
struct IndexUse {
  double delay_ms = 0;
  uint64_t stale_reads = 0;       ///< that found blocks gone
  uint64_t stale_hit_blocks = 0;  ///< that were
  double stale_ms = 0;            ///< that those reads took, in all
  uint64_t unseen_blocks = 0;     ///< computed though they were there
};

/// Memory before a tier's devices.
struct CardCacheUse {
  uint64_t capacity_bytes = 0;
  uint64_t hit_blocks = 0;
  uint64_t hit_bytes = 0;           ///< of the tier's read_bytes
  std::optional<double> hit_ratio;  ///< of its read_bytes
};

/// What a tier's pools hold, and what they did: evictions since they were empty, warm-up included,
/// all else in the timed window.
struct TierUse {
  std::string tier;
  uint64_t pools = 0;
  uint64_t capacity_bytes = 0;
  uint64_t used_bytes = 0;  ///< cached at the end
  std::optional<double> fill;
  std::optional<double> first_eviction_s;  ///< of any pool, from the start of warm-up on
  uint64_t hit_tokens = 0;                 ///< sums to tokens.input_cached over all tiers
  std::optional<uint64_t> read_bytes;      ///< moved out of the tier
  std::optional<uint64_t> written_bytes;   ///< moved into the tier
  uint64_t evicted_blocks = 0;
  std::optional<double> busy;  ///< of its busiest link: bytes carried / what it could have carried
  std::optional<double> wear_years;
  std::optional<IndexUse> index;  ///< where it is late
  std::optional<CardCacheUse> card_cache;
  uint64_t devices = 0;  ///< of all pools, where each block lies on some of them; else 0
  /// Bytes that the busiest of them moved over the mean of all; absent where none moved any.
  std::optional<double> device_imbalance;
};

/// Servers that indices run on, all of one name but for numbers together.
struct ServersUse {
  std::string servers;
  uint64_t stations = 0;
  uint64_t operations = 0;        ///< objects asked about, opened, or told of
  uint64_t jobs = 0;              ///< questions and stores that these came in
  std::optional<double> busy;     ///< of the busiest station
  std::optional<double> wait_ms;  ///< of a job behind others, mean
};

struct CacheUse {
  std::optional<double> token_hit_ratio;
  std::optional<double> block_hit_ratio;
  std::vector<TierUse> by_tier;
  std::vector<ServersUse> indices;  ///< that take time to ask or to tell
};

/// How requests fared in the timed window that were routed by an index that is late, against one
/// that is not. Blocks are those that an instance could use.
struct RouterUse {
  uint64_t requests = 0;
  uint64_t stale_hit_blocks = 0;  ///< expected where they went, and gone
  uint64_t misrouted = 0;         ///< requests that would have gone elsewhere
  uint64_t missed_blocks = 0;     ///< held there, beyond what was held where they went
};

/// Parts of node_and_fabric_j.
struct EnergyParts {
  double dynamic_j = 0;     ///< above idle: goes to tasks by use
  double occupied_j = 0;    ///< idle watts while GPUs had work: goes to tasks by GPU time
  double unoccupied_j = 0;  ///< idle watts while they had none: nobody's
};

struct EnergyScopes {
  double gpu_j = 0;
  double node_and_fabric_j = 0;  ///< nodes, switches between them, storage boxes
  double facility_j = 0;
};

/// Ratios are of node and fabric, but for those named after GPUs, which are what NVML would read of
/// all GPUs together.
struct EnergyUse {
  EnergyScopes scope;
  double pue = 1;
  NamedNumbers by_component;  ///< joules; sums to node_and_fabric_j
  EnergyParts split;
  std::optional<double> j_per_output_token;
  std::optional<double> j_per_computed_token;
  std::optional<double> j_per_task;
  std::optional<double> tokens_per_j;  ///< output tokens
  std::optional<double> storage_path_j;
  std::optional<Interval> band_j_per_output_token;  ///< over the ranges of figures
  std::optional<Interval> band_j_per_task;
  std::optional<double> watts_mean;
  std::optional<double> gpu_watts_mean;
  std::optional<double> gpu_j_per_output_token;
  std::optional<double> carbon_kg;  ///< of the facility's electricity, CO2 equivalent
};

struct CostUse {
  double usd_per_hour = 0;
  std::optional<double> usd_per_million_output_tokens;
  std::optional<double> usd_per_task;
  std::optional<Interval> band_usd_per_million_output_tokens;  ///< over the ranges of figures
  std::optional<Interval> band_usd_per_task;
  NamedNumbers by_component;  ///< USD per hour; sums to usd_per_hour
};

/// A distribution's figures over several runs; each is absent where a run does not have it.
struct DistributionBand {
  std::optional<Interval> mean;
  std::optional<Interval> p50;
  std::optional<Interval> p90;
  std::optional<Interval> p95;
  std::optional<Interval> p99;
  std::optional<Interval> p999;
};

/// The lowest and the highest of three runs of the same demand: with every figure that has a range
/// and bears on time at its fast end, as given, and at its slow end. Not a statistical interval:
/// one seed, and every figure at the same end at once.
struct Bands {
  std::vector<std::string> rests_on;  ///< parts of the scenario, the widest first
  /// Of the headline's numbers those that lie outside of the two ends: so far chance moves them.
  std::vector<std::string> outside;
  DistributionBand ttft_ms;
  DistributionBand tpot_ms;
  DistributionBand itl_ms;
  DistributionBand e2e_ms;
  DistributionBand queue_ms;
  DistributionBand task_s;
  std::optional<Interval> output_tokens_per_s;
  std::optional<Interval> computed_tokens_per_s;
  std::optional<Interval> requests_per_s;
  std::optional<Interval> goodput_requests_per_s;
};

struct Bottleneck {
  std::string resource;
  std::optional<double> busy;
  std::optional<double> adds_ms;  ///< to the mean end-to-end time; a link: its tier's load wait
  bool link = false;              ///< of the hierarchy; not part of the schema
};

/// What the instances of one role did; times are what they add to the mean completed request.
struct RoleUse {
  std::string role;
  uint64_t instances = 0;
  std::optional<double> gpu_busy;  ///< share of their time with a step under way
  std::optional<double> queue_ms;
  std::vector<std::pair<std::string, std::optional<double>>> waits_ms;  ///< sum to queue_ms
};

struct ThresholdOutcome {
  std::string expr;
  std::optional<double> value;  ///< in the unit of the path
  bool pass = false;
};

/// A policy that is none of the library's.
struct PluginSource {
  std::string place;  ///< in the scenario: `policy.eviction`
  std::string name;
  std::string version;
  std::string file;
  std::string hash;  ///< of the file's bytes
};

struct Provenance {
  std::string weakest;
  std::vector<std::pair<std::string, uint64_t>> counts_by_kind;
  std::vector<std::string> sensitive_to;  ///< paths of figures that are estimates
  std::vector<std::string> caveats;       ///< what the forecast must be read with
  std::vector<PluginSource> plugins;
  std::optional<Interval> band;
};

/// What the simulator did, and what the process cost; the process fills in its own.
struct RunEffort {
  std::optional<double> cpu_s;
  std::optional<double> wall_s;
  std::optional<double> peak_rss_mb;
  uint64_t events = 0;
  uint64_t steps = 0;
  uint64_t advances = 0;
  uint64_t policy_calls = 0;
  uint64_t transfers = 0;
  uint64_t solves = 0;          ///< of link shares
  uint64_t bundles_solved = 0;  ///< over all solves
};

struct Result {
  std::string scenario;
  std::string scenario_hash;
  uint64_t seed = 0;
  std::string digest;
  std::string build;
  double simulated_s = 0;  ///< without warm-up
  Warmup warmup;
  Steady steady;
  ModelFacts model;
  RequestCounts requests;
  TokenCounts tokens;
  Metrics metrics;
  Attribution attribution;
  CacheUse cache;
  std::optional<RouterUse> router;  ///< where its index is late
  std::optional<EnergyUse> energy;
  std::optional<CostUse> cost;
  std::optional<Bands> bands;  ///< where the run was repeated for them
  std::vector<Bottleneck> bottlenecks;
  std::vector<RoleUse> roles;  ///< where prefill and decode are apart
  std::vector<ThresholdOutcome> thresholds;
  Provenance provenance;
  RunEffort run;
};

}  // namespace tiercast::reports
