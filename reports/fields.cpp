#include "reports/fields.hpp"

#include "reports/field_walks.hpp"

namespace tiercast::reports {

namespace {

void walk_distribution(std::string_view name, const std::optional<Distribution>& values,
                       FieldUnit unit, FieldSink& sink) {
  if (!values) return sink.null(name);
  sink.open(name);
  sink.number("mean", values->mean, unit);
  sink.number("p50", values->p50, unit);
  sink.number("p90", values->p90, unit);
  sink.number("p95", values->p95, unit);
  sink.number("p99", values->p99, unit);
  sink.number("p999", values->p999, unit);
  sink.number("max", values->max, unit);
  walk_interval("ci95", values->ci95, unit, sink);
  sink.close();
}

void walk_head(const Result& result, Parts parts, FieldSink& sink) {
  sink.text("schema", kResultSchema);
  sink.text("scenario", result.scenario);
  sink.text("scenario_hash", result.scenario_hash);
  sink.count("seed", result.seed, kRatio);
  sink.text("digest", result.digest);
  if (parts == Parts::all) sink.text("build", result.build);
  sink.number("simulated_s", result.simulated_s, kSeconds);
  sink.open("warmup");
  sink.number("functional_s", result.warmup.functional_s, kSeconds);
  sink.number("timed_s", result.warmup.timed_s, kSeconds);
  sink.close();
  sink.open("steady");
  sink.flag("ok", result.steady.ok);
  sink.text("why", result.steady.why);
  sink.close();
}

void walk_model(const ModelFacts& model, FieldSink& sink) {
  sink.open("model");
  sink.text("name", model.name);
  sink.text("weights_dtype", model.weights_dtype);
  sink.text("kv_dtype", model.kv_dtype);
  sink.count("kv_bytes_per_token", model.kv_bytes_per_token, kBytes);
  sink.count("kv_blocks_per_instance", model.kv_blocks_per_instance, kRatio);
  sink.close();
}

void walk_counts(const Result& result, FieldSink& sink) {
  const RequestCounts& requests = result.requests;
  sink.open("requests");
  sink.count("offered", requests.offered, kRatio);
  sink.count("completed", requests.completed, kRatio);
  sink.count("failed", requests.failed, kRatio);
  sink.count("rejected", requests.rejected, kRatio);
  sink.count("truncated", requests.truncated, kRatio);
  sink.count("preempted", requests.preempted, kRatio);
  sink.count("preemptions", requests.preemptions, kRatio);
  sink.count("rejected_too_long", requests.too_long, kRatio);
  sink.count("rejected_too_large", requests.too_large, kRatio);
  sink.close();
  const TokenCounts& tokens = result.tokens;
  sink.open("tokens");
  sink.count("input", tokens.input, kTokens);
  sink.count("input_cached", tokens.input_cached, kTokens);
  sink.count("input_computed", tokens.input_computed, kTokens);
  sink.count("output", tokens.output, kTokens);
  sink.close();
}

void walk_metrics(const Metrics& metrics, FieldSink& sink) {
  sink.open("metrics");
  walk_distribution("ttft_ms", metrics.ttft_ms, kMilliseconds, sink);
  walk_distribution("tpot_ms", metrics.tpot_ms, kMilliseconds, sink);
  walk_distribution("itl_ms", metrics.itl_ms, kMilliseconds, sink);
  walk_distribution("e2e_ms", metrics.e2e_ms, kMilliseconds, sink);
  walk_distribution("queue_ms", metrics.queue_ms, kMilliseconds, sink);
  if (metrics.task_s) walk_distribution("task_s", metrics.task_s, kSeconds, sink);
  sink.number("output_tokens_per_s", metrics.output_tokens_per_s, kPerSecond);
  sink.number("computed_tokens_per_s", metrics.computed_tokens_per_s, kPerSecond);
  sink.number("input_tokens_per_s", metrics.input_tokens_per_s, kPerSecond);
  sink.number("requests_per_s", metrics.requests_per_s, kPerSecond);
  sink.number("goodput_requests_per_s", metrics.goodput_requests_per_s, kPerSecond);
  sink.number("output_tokens_per_s_per_gpu", metrics.output_tokens_per_s_per_gpu, kPerSecond);
  sink.close();
}

void walk_split(std::string_view name, const std::optional<TimeSplit>& split, FieldSink& sink) {
  if (!split) return sink.null(name);
  sink.open(name);
  sink.number("route", split->route, kMilliseconds);
  sink.number("queue", split->queue, kMilliseconds);
  sink.number("metadata", split->metadata, kMilliseconds);
  sink.open("load");
  for (const LoadTime& load : split->load) {
    sink.open(load.tier);
    sink.number("wait", load.wait, kMilliseconds);
    sink.number("move", load.move, kMilliseconds);
    sink.close();
  }
  sink.close();
  sink.number("prefill", split->prefill, kMilliseconds);
  sink.number("interference", split->interference, kMilliseconds);
  sink.number("handoff", split->handoff, kMilliseconds);
  sink.number("decode", split->decode, kMilliseconds);
  sink.number("engine", split->engine, kMilliseconds);
  sink.close();
}

void walk_index(const IndexUse& index, FieldSink& sink) {
  sink.open("index");
  sink.number("delay_ms", index.delay_ms, kMilliseconds);
  sink.count("stale_reads", index.stale_reads, kRatio);
  sink.count("stale_hit_blocks", index.stale_hit_blocks, kRatio);
  sink.number("stale_ms", index.stale_ms, kMilliseconds);
  sink.count("unseen_blocks", index.unseen_blocks, kRatio);
  sink.close();
}

void walk_card_cache(const CardCacheUse& cache, FieldSink& sink) {
  sink.open("card_cache");
  sink.count("capacity_bytes", cache.capacity_bytes, kBytes);
  sink.count("hit_blocks", cache.hit_blocks, kRatio);
  sink.count("hit_bytes", cache.hit_bytes, kBytes);
  sink.number("hit_ratio", cache.hit_ratio, kRatio);
  sink.close();
}

void walk_indices(const std::vector<ServersUse>& indices, FieldSink& sink) {
  sink.open_list("indices");
  for (const ServersUse& use : indices) {
    sink.open_item(use.servers);
    sink.text("servers", use.servers);
    sink.count("stations", use.stations, kRatio);
    sink.count("operations", use.operations, kRatio);
    sink.count("jobs", use.jobs, kRatio);
    sink.number("busy", use.busy, kRatio);
    sink.number("wait_ms", use.wait_ms, kMilliseconds);
    sink.close();
  }
  sink.close();
}

void walk_cache(const CacheUse& cache, FieldSink& sink) {
  sink.open("cache");
  sink.number("token_hit_ratio", cache.token_hit_ratio, kRatio);
  sink.number("block_hit_ratio", cache.block_hit_ratio, kRatio);
  sink.open_list("by_tier");
  for (const TierUse& tier : cache.by_tier) {
    sink.open_item(tier.tier);
    sink.text("tier", tier.tier);
    sink.count("pools", tier.pools, kRatio);
    sink.count("capacity_bytes", tier.capacity_bytes, kBytes);
    sink.count("used_bytes", tier.used_bytes, kBytes);
    sink.number("fill", tier.fill, kRatio);
    sink.number("first_eviction_s", tier.first_eviction_s, kSeconds);
    sink.count("hit_tokens", tier.hit_tokens, kTokens);
    sink.count("read_bytes", tier.read_bytes, kBytes);
    sink.count("written_bytes", tier.written_bytes, kBytes);
    sink.count("evicted_blocks", tier.evicted_blocks, kRatio);
    sink.number("busy", tier.busy, kRatio);
    if (tier.wear_years) sink.number("wear_years", tier.wear_years, kYears);
    if (tier.index) walk_index(*tier.index, sink);
    if (tier.card_cache) walk_card_cache(*tier.card_cache, sink);
    if (tier.devices > 0) {
      sink.count("devices", tier.devices, kRatio);
      sink.number("device_imbalance", tier.device_imbalance, kRatio);
    }
    sink.close();
  }
  sink.close();
  if (!cache.indices.empty()) walk_indices(cache.indices, sink);
  sink.close();
}

void walk_router(const RouterUse& router, FieldSink& sink) {
  sink.open("router");
  sink.count("requests", router.requests, kRatio);
  sink.count("stale_hit_blocks", router.stale_hit_blocks, kRatio);
  sink.count("misrouted", router.misrouted, kRatio);
  sink.count("missed_blocks", router.missed_blocks, kRatio);
  sink.close();
}

void walk_distribution_band(std::string_view name, const DistributionBand& band, FieldUnit unit,
                            FieldSink& sink) {
  if (!band.mean) return;
  sink.open(name);
  walk_interval("mean", band.mean, unit, sink);
  walk_interval("p50", band.p50, unit, sink);
  walk_interval("p90", band.p90, unit, sink);
  walk_interval("p95", band.p95, unit, sink);
  walk_interval("p99", band.p99, unit, sink);
  walk_interval("p999", band.p999, unit, sink);
  sink.close();
}

void walk_bands(const Bands& bands, FieldSink& sink) {
  sink.open("bands");
  sink.open_list("rests_on");
  for (const std::string& part : bands.rests_on) sink.text_item(part);
  sink.close();
  sink.open_list("outside");
  for (const std::string& path : bands.outside) sink.text_item(path);
  sink.close();
  walk_distribution_band("ttft_ms", bands.ttft_ms, kMilliseconds, sink);
  walk_distribution_band("tpot_ms", bands.tpot_ms, kMilliseconds, sink);
  walk_distribution_band("itl_ms", bands.itl_ms, kMilliseconds, sink);
  walk_distribution_band("e2e_ms", bands.e2e_ms, kMilliseconds, sink);
  walk_distribution_band("queue_ms", bands.queue_ms, kMilliseconds, sink);
  walk_distribution_band("task_s", bands.task_s, kSeconds, sink);
  walk_interval("output_tokens_per_s", bands.output_tokens_per_s, kPerSecond, sink);
  walk_interval("computed_tokens_per_s", bands.computed_tokens_per_s, kPerSecond, sink);
  walk_interval("requests_per_s", bands.requests_per_s, kPerSecond, sink);
  walk_interval("goodput_requests_per_s", bands.goodput_requests_per_s, kPerSecond, sink);
  sink.close();
}

void walk_roles(const std::vector<RoleUse>& roles, FieldSink& sink) {
  sink.open_list("roles");
  for (const RoleUse& role : roles) {
    sink.open_item(role.role);
    sink.text("role", role.role);
    sink.count("instances", role.instances, kRatio);
    sink.number("gpu_busy", role.gpu_busy, kRatio);
    sink.number("queue_ms", role.queue_ms, kMilliseconds);
    sink.open("waits_ms");
    for (const auto& [cause, wait_ms] : role.waits_ms) sink.number(cause, wait_ms, kMilliseconds);
    sink.close();
    sink.close();
  }
  sink.close();
}

void walk_findings(const Result& result, FieldSink& sink) {
  sink.open_list("bottlenecks");
  for (const Bottleneck& bottleneck : result.bottlenecks) {
    sink.open_item(bottleneck.resource);
    sink.text("resource", bottleneck.resource);
    sink.number("busy", bottleneck.busy, kRatio);
    sink.number("adds_ms", bottleneck.adds_ms, kMilliseconds);
    sink.close();
  }
  sink.close();
  sink.open_list("thresholds");
  for (const ThresholdOutcome& threshold : result.thresholds) {
    sink.open_item(threshold.expr);
    sink.text("expr", threshold.expr);
    sink.number("value", threshold.value, kRatio);
    sink.flag("pass", threshold.pass);
    sink.close();
  }
  sink.close();
}

void walk_plugins(const std::vector<PluginSource>& plugins, FieldSink& sink) {
  sink.open_list("plugins");
  for (const PluginSource& plugin : plugins) {
    sink.open_item(plugin.place);
    sink.text("place", plugin.place);
    sink.text("name", plugin.name);
    sink.text("version", plugin.version);
    sink.text("file", plugin.file);
    sink.text("hash", plugin.hash);
    sink.close();
  }
  sink.close();
}

void walk_provenance(const Provenance& provenance, FieldSink& sink) {
  sink.open("provenance");
  sink.text("weakest", provenance.weakest);
  sink.open("counts_by_kind");
  for (const auto& [kind, count] : provenance.counts_by_kind) sink.count(kind, count, kRatio);
  sink.close();
  sink.open_list("sensitive_to");
  for (const std::string& path : provenance.sensitive_to) sink.text_item(path);
  sink.close();
  sink.open_list("caveats");
  for (const std::string& caveat : provenance.caveats) sink.text_item(caveat);
  sink.close();
  if (!provenance.plugins.empty()) walk_plugins(provenance.plugins, sink);
  walk_interval("band", provenance.band, kRatio, sink);
  sink.close();
}

void walk_run(const RunEffort& run, FieldSink& sink) {
  sink.open("run");
  sink.number("cpu_s", run.cpu_s, kSeconds);
  sink.number("wall_s", run.wall_s, kSeconds);
  sink.number("peak_rss_mb", run.peak_rss_mb, {Dimension::bytes, 1e6});
  sink.count("events", run.events, kRatio);
  sink.count("steps", run.steps, kRatio);
  sink.count("advances", run.advances, kRatio);
  sink.count("policy_calls", run.policy_calls, kRatio);
  sink.count("transfers", run.transfers, kRatio);
  sink.count("solves", run.solves, kRatio);
  sink.count("bundles_solved", run.bundles_solved, kRatio);
  sink.close();
}

}  // namespace

double in_unit(const Quantity& quantity, FieldUnit unit) {
  const double base =
      is_counted(quantity.dimension) ? static_cast<double>(quantity.count) : quantity.si;
  return base / unit.base;
}

void walk(const Result& result, Parts parts, FieldSink& sink) {
  walk_head(result, parts, sink);
  walk_model(result.model, sink);
  walk_counts(result, sink);
  walk_metrics(result.metrics, sink);
  sink.open("attribution");
  walk_split("ttft_ms", result.attribution.ttft_ms, sink);
  walk_split("e2e_ms", result.attribution.e2e_ms, sink);
  sink.close();
  walk_cache(result.cache, sink);
  if (result.router) walk_router(*result.router, sink);
  if (!result.roles.empty()) walk_roles(result.roles, sink);
  walk_energy(result.energy, sink);
  walk_cost(result.cost, sink);
  if (result.bands) walk_bands(*result.bands, sink);
  walk_findings(result, sink);
  walk_provenance(result.provenance, sink);
  if (parts == Parts::all) walk_run(result.run, sink);
}

}  // namespace tiercast::reports
