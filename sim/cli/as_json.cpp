#include "sim/cli/as_json.hpp"

#include <cstddef>

#include <nlohmann/json.hpp>

#include "models/scenario/pace_times.hpp"
#include "models/scenario/tier_fabric.hpp"
#include "models/scenario/tier_times.hpp"
#include "sim/base/field_table.hpp"
#include "sim/cli/describe.hpp"

namespace tiercast::cli {

using Json = nlohmann::ordered_json;

namespace {

Json scalar_json(const Node& node) { return node.is_null() ? Json() : Json(node.text); }

void add_place(const Place& place, Json& json) {
  json["file"] = place.file;
  json["line"] = place.line;
  json["column"] = place.column;
}

void add_values(const Node& node, const std::string& path, Json& values) {
  const std::string below = path.empty() ? "" : path + ".";
  for (const NodeEntry& entry : node.entries) add_values(entry.value, below + entry.key, values);
  for (size_t i = 0; i < node.items.size(); ++i) {
    add_values(node.items[i], below + std::to_string(i), values);
  }
  if (node.is_map() || node.is_list()) return;
  Json value{{"path", path}, {"value", scalar_json(node)}, {"origin", name_of(node.origin)}};
  add_place(node.place, value);
  if (!node.note.empty()) value["note"] = node.note;
  values.push_back(std::move(value));
}

Json values_of(const Node& node, const std::string& path) {
  Json values = Json::array();
  add_values(node, path, values);
  return values;
}

Json diagnostics_of(const Diagnostics& found) {
  Json list = Json::array();
  for (const Diagnostic& diagnostic : found.sorted()) {
    Json json{{"severity", diagnostic.severity == Severity::error ? "error" : "warning"}};
    add_place(diagnostic.place, json);
    json["message"] = diagnostic.message;
    json["hints"] = diagnostic.hints;
    list.push_back(std::move(json));
  }
  return list;
}

Json content_of(const Node& node) {
  if (node.is_map()) {
    Json map = Json::object();
    for (const NodeEntry& entry : node.entries) map[entry.key] = content_of(entry.value);
    return map;
  }
  if (node.is_list()) {
    Json list = Json::array();
    for (const Node& item : node.items) list.push_back(content_of(item));
    return list;
  }
  return scalar_json(node);
}

double ms_of(int64_t time_ns) { return static_cast<double>(time_ns) * 1e-6; }

Json way_json(const scenario::TierWay& way) {
  Json json = {{"set_up_ms", ms_of(way.set_up_ns)},
               {"metadata_ms", ms_of(way.metadata_ns)},
               {"first_operation_ms", ms_of(way.first_operation_ns)},
               {"convert_ms", ms_of(way.convert_ns)},
               {"acknowledge_ms", ms_of(way.acknowledge_ns)},
               {"tail_ms", ms_of(way.tail_ns)},
               {"wait_ms", ms_of(way.wait_ns)},
               {"bytes_per_s", way.bytes_per_s},
               {"bound", way.bound}};
  if (way.block_bytes_per_s) json["block_bytes_per_s"] = *way.block_bytes_per_s;
  return json;
}

Json tokens_json(const std::optional<uint32_t>& tokens) { return tokens ? Json(*tokens) : Json(); }

Json tier_json(const scenario::TierTimes& tier) {
  Json prefixes = Json::array();
  for (const scenario::PrefixTimes& prefix : tier.prefixes) {
    prefixes.push_back({{"tokens", prefix.tokens},
                        {"bytes", prefix.bytes},
                        {"lookup_ms", ms_of(prefix.lookup_ns)},
                        {"opening_ms", ms_of(prefix.opening_ns)},
                        {"before_ms", ms_of(tier.load.before_ns())},
                        {"moving_ms", ms_of(prefix.moving_ns)},
                        {"load_ms", ms_of(prefix.load_ns)},
                        {"tail_probability", prefix.tail_probability},
                        {"store_ms", prefix.store_ns ? Json(ms_of(*prefix.store_ns)) : Json()},
                        {"recompute_ms", ms_of(prefix.recompute_ns)}});
  }
  Json faster = Json::array();
  for (const scenario::TokenRange& range : tier.load_faster) {
    faster.push_back({{"first_tokens", range.first}, {"last_tokens", range.last}});
  }
  return {{"tier", tier.name},
          {"stack", tier.stack},
          {"objects", tier.objects},
          {"usable", tier.usable},
          {"bytes_a_token", tier.token_bytes},
          {"pools", tier.pools},
          {"pool_blocks", tier.pool_blocks},
          {"pool_bytes", tier.pool_bytes},
          {"index",
           {{"at", tier.index.at},
            {"station", tier.index.station.empty() ? Json() : Json(tier.index.station)},
            {"servers", tier.index.servers},
            {"operation_ms", ms_of(tier.index.operation_ns)},
            {"round_trip_ms", ms_of(tier.index.round_trip_ns)},
            {"told", tier.index.told},
            {"opened", tier.index.opened.empty() ? Json() : Json(tier.index.opened)},
            {"in_vain_ms", ms_of(tier.index.in_vain_ns)},
            {"delay_ms", ms_of(tier.index_delay_ns)}}},
          {"load", tier.usable ? way_json(tier.load) : Json()},
          {"cached_load", tier.cached_load ? way_json(*tier.cached_load) : Json()},
          {"store", tier.store ? way_json(*tier.store) : Json()},
          {"prefixes", prefixes},
          {"load_faster", faster},
          {"break_even_tokens", tokens_json(tier.break_even_tokens())}};
}

Json span_json(const scenario::Span& span) {
  return {{"low", ms_of(span.low_ns)}, {"high", ms_of(span.high_ns)}};
}

// Of tier `t`, whose prefixes get both ends of their loads.
Json band_json(const scenario::TierBands& bands, size_t t, Json& prefixes) {
  if (!bands.problem.empty()) return {{"problem", bands.problem}};
  if (!bands.tiers[t]) return {};
  const scenario::TierBand& band = *bands.tiers[t];
  for (size_t i = 0; i < band.loads.size(); ++i) {
    prefixes[i]["load_band_ms"] = span_json(band.loads[i]);
    prefixes[i]["recompute_band_ms"] = span_json(band.recomputes[i]);
  }
  Json parts = Json::array();
  for (const scenario::PartSpan& span : scenario::parts_of_tier(bands, t)) {
    parts.push_back({{"part", span.part.path},
                     {"figures", span.part.figures},
                     {"tokens", span.tokens},
                     {"load_band_ms", span_json(*span.loads[t])}});
  }
  return {{"break_even_tokens",
           {{"fast", tokens_json(band.fast.break_even_tokens())},
            {"slow", tokens_json(band.slow.break_even_tokens())}}},
          {"parts", parts}};
}

Json tiers_json(const Prepared& prepared) {
  Json tiers = Json::array();
  const scenario::ScenarioSpec& spec = prepared.scenario.spec;
  const std::vector<scenario::TierTimes> times = scenario::tier_times(spec, prepared.world);
  const scenario::TierBands bands = scenario::tier_bands(prepared.scenario, prepared.world, times);
  for (size_t t = 0; t < times.size(); ++t) {
    tiers.push_back(tier_json(times[t]));
    Json& tier = tiers.back();
    tier["load_mode"] = load_mode(spec.tiers[t + 1].load);
    tier["estimates"] = band_json(bands, t, tier["prefixes"]);
  }
  return tiers;
}

Json handoffs_json(const Prepared& prepared) {
  Json ways = Json::array();
  const std::vector<scenario::HandOffTimes> times =
      scenario::handoff_times(prepared.scenario.spec, prepared.world);
  const auto spans = scenario::handoff_spans(prepared.scenario, times);
  for (size_t w = 0; w < times.size(); ++w) {
    const scenario::HandOffTimes& way = times[w];
    Json prompts = Json::array();
    for (size_t i = 0; i < way.prompts.size(); ++i) {
      const scenario::HandOffTimes::Prompt& prompt = way.prompts[i];
      prompts.push_back({{"tokens", prompt.tokens},
                         {"bytes", prompt.bytes},
                         {"before_ms", ms_of(way.way.before_ns())},
                         {"moving_ms", ms_of(prompt.moving_ns)},
                         {"total_ms", ms_of(prompt.total_ns)}});
      if (!spans.empty()) prompts.back()["total_band_ms"] = span_json(spans[w][i]);
    }
    ways.push_back({{"inside_node", way.inside_node},
                    {"stack", way.stack},
                    {"links", way.links},
                    {"way", way_json(way.way)},
                    {"prompts", prompts}});
  }
  return ways;
}

Json fabric_json(const scenario::ScenarioSpec& spec) {
  if (!spec.cluster.fabric) return {};
  const hardware::FabricSpec& fabric = *spec.cluster.fabric;
  Json networks = Json::array();
  for (const scenario::FabricNetwork& network : scenario::fabric_networks(spec)) {
    networks.push_back({{"network", network.name},
                        {"ports", network.ports},
                        {"leaves", network.size.leaves},
                        {"spines", network.size.spines},
                        {"uplinks_of_a_leaf", network.size.uplinks},
                        {"routing_matters", network.has_uplinks()}});
  }
  return {{"kind", name_of_choice(fabric.kind)},
          {"switch", fabric.switches.use},
          {"routing", name_of_choice(fabric.routing)},
          {"oversubscription", fabric.oversubscription},
          {"networks", networks}};
}

std::string lines_of(const Json& json) {
  // A file's name may hold any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string validation_json(const std::vector<Validated>& files) {
  Json list = Json::array();
  for (const Validated& file : files) {
    list.push_back(
        {{"file", file.file}, {"fine", file.fine}, {"diagnostics", diagnostics_of(file.found)}});
  }
  return lines_of({{"schema", "tiercast.validation/1"}, {"files", list}});
}

std::string value_json(const Prepared& prepared, const std::string& path,
                       const std::string& meaning, const std::string& type) {
  const Node& value = *at_path(prepared.scenario.resolved, path);
  Json json = {{"path", path},
               {"meaning", meaning},
               {"type", type},
               {"value", content_of(value)},
               {"values", values_of(value, path)}};
  if (path == "tiers") json["times"] = tiers_json(prepared);
  return lines_of(json);
}

std::string entry_json(const std::string& file, const Node& entry) {
  return lines_of({{"file", file}, {"entry", content_of(entry)}});
}

std::string derived_json(const Prepared& prepared, Values values) {
  const scenario::World& world = prepared.world;
  Json memory;
  for (const auto& [name, bytes] : memory_lines(world.memory)) {
    memory[name + "_bytes"] = bytes.value();
  }
  Json steps;
  for (const auto& [name, ms] : sample_steps(world)) steps[name] = ms;
  Json json = {{"schema", "tiercast.derived/1"},
               {"scenario", prepared.scenario.spec.name},
               {"scenario_hash", prepared.scenario.hash},
               {"gpus_provisioned", world.gpus_provisioned},
               {"gpus_per_instance", world.gpus_per_instance},
               {"instances", world.cluster.instances},
               {"prefill_instances", world.cluster.prefill_instances},
               {"weights_dtype", name_of_choice(world.weights)},
               {"kv_dtype", name_of_choice(world.kv)},
               {"kv_bytes_per_token", world.kv_bytes_per_token},
               {"kv_blocks_per_instance", world.cluster.engine.kv_blocks},
               {"kv_blocks_pinned", world.kv_blocks_pinned},
               {"memory_of_a_gpu", memory},
               {"step_ms", steps},
               {"fabric", fabric_json(prepared.scenario.spec)},
               {"handoff", handoffs_json(prepared)},
               {"tiers", tiers_json(prepared)}};
  if (values == Values::with) json["values"] = values_of(prepared.scenario.resolved, "");
  return lines_of(json);
}

std::string reference_json(const Prepared& prepared, const workload::ReferenceHits& hits,
                           const std::vector<reports::ThresholdOutcome>& thresholds) {
  Json outcomes = Json::array();
  for (const reports::ThresholdOutcome& threshold : thresholds) {
    outcomes.push_back({{"expr", threshold.expr},
                        {"value", threshold.value ? Json(*threshold.value) : Json()},
                        {"pass", threshold.pass}});
  }
  return lines_of(
      {{"schema", "tiercast.reference/1"},
       {"scenario", prepared.scenario.spec.name},
       {"scenario_hash", prepared.scenario.hash},
       {"requests", hits.requests},
       {"tokens", {{"input", hits.input_tokens}, {"input_cached", hits.hit_tokens}}},
       {"blocks",
        {{"total", hits.blocks}, {"distinct", hits.distinct_blocks}, {"hit", hits.hit_blocks}}},
       {"cache",
        {{"token_hit_ratio", hits.token_hit_ratio()},
         {"token_hit_ratio_full_blocks", hits.full_block_token_hit_ratio()},
         {"block_hit_ratio", hits.block_hit_ratio()}}},
       {"thresholds", outcomes}});
}

}  // namespace tiercast::cli
