#include "reports/field_walks.hpp"

namespace tiercast::reports {

void walk_interval(std::string_view name, const std::optional<Interval>& interval, FieldUnit unit,
                   FieldSink& sink) {
  if (!interval) return;
  sink.open(name);
  sink.number("low", interval->low, unit);
  sink.number("high", interval->high, unit);
  sink.close();
}

void walk_named(std::string_view name, const NamedNumbers& numbers, FieldUnit unit,
                FieldSink& sink) {
  sink.open(name);
  for (const auto& [key, value] : numbers) sink.number(key, value, unit);
  sink.close();
}

void walk_energy(const std::optional<EnergyUse>& energy, FieldSink& sink) {
  if (!energy) return sink.null("energy");
  sink.open("energy");
  sink.open("scope");
  sink.number("gpu_j", energy->scope.gpu_j, kJoules);
  sink.number("node_and_fabric_j", energy->scope.node_and_fabric_j, kJoules);
  sink.number("facility_j", energy->scope.facility_j, kJoules);
  sink.close();
  sink.number("pue", energy->pue, kRatio);
  walk_named("by_component", energy->by_component, kJoules, sink);
  sink.open("split");
  sink.number("dynamic_j", energy->split.dynamic_j, kJoules);
  sink.number("occupied_j", energy->split.occupied_j, kJoules);
  sink.number("unoccupied_j", energy->split.unoccupied_j, kJoules);
  sink.close();
  sink.number("j_per_output_token", energy->j_per_output_token, kJoules);
  sink.number("j_per_computed_token", energy->j_per_computed_token, kJoules);
  if (energy->j_per_task) sink.number("j_per_task", energy->j_per_task, kJoules);
  sink.number("tokens_per_j", energy->tokens_per_j, kRatio);
  sink.number("storage_path_j", energy->storage_path_j, kJoules);
  walk_interval("band_j_per_output_token", energy->band_j_per_output_token, kJoules, sink);
  walk_interval("band_j_per_task", energy->band_j_per_task, kJoules, sink);
  sink.number("watts_mean", energy->watts_mean, kWatts);
  sink.number("gpu_watts_mean", energy->gpu_watts_mean, kWatts);
  sink.number("gpu_j_per_output_token", energy->gpu_j_per_output_token, kJoules);
  sink.number("carbon_kg", energy->carbon_kg, kRatio);
  sink.close();
}

void walk_cost(const std::optional<CostUse>& cost, FieldSink& sink) {
  if (!cost) return sink.null("cost");
  sink.open("cost");
  sink.number("usd_per_hour", cost->usd_per_hour, kUsdPerHour);
  sink.number("usd_per_million_output_tokens", cost->usd_per_million_output_tokens, kUsd);
  if (cost->usd_per_task) sink.number("usd_per_task", cost->usd_per_task, kUsd);
  walk_interval("band_usd_per_million_output_tokens", cost->band_usd_per_million_output_tokens,
                kUsd, sink);
  walk_interval("band_usd_per_task", cost->band_usd_per_task, kUsd, sink);
  walk_named("by_component", cost->by_component, kUsdPerHour, sink);
  sink.close();
}

}  // namespace tiercast::reports
