#include "reports/thresholds.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "reports/bands.hpp"
#include "reports/economics.hpp"
#include "reports/fields.hpp"
#include "reports/tiers.hpp"
#include "sim/base/quantity.hpp"
#include "sim/base/text.hpp"

namespace tiercast::reports {

namespace {

struct NumericField {
  std::string path;
  std::optional<double> value;
  FieldUnit unit;
};

/// Gathers the numbers of a result under their full paths.
class NumberSink final : public FieldSink {
 public:
  std::vector<NumericField> take() { return std::move(fields_); }

  void open(std::string_view name) override {
    starts_.push_back(prefix_.size());
    prefix_.append(name).push_back('.');
  }
  void open_list(std::string_view name) override { open(name); }
  void open_item(std::string_view key) override { open(key); }
  void close() override {
    prefix_.resize(starts_.back());
    starts_.pop_back();
  }
  void number(std::string_view name, std::optional<double> value, FieldUnit unit) override {
    fields_.push_back({prefix_ + std::string(name), value, unit});
  }
  void count(std::string_view name, std::optional<uint64_t> value, FieldUnit unit) override {
    std::optional<double> number;
    if (value) number = static_cast<double>(*value);
    fields_.push_back({prefix_ + std::string(name), number, unit});
  }
  void text(std::string_view, std::string_view) override {}
  void flag(std::string_view, bool) override {}
  void text_item(std::string_view) override {}
  void null(std::string_view) override {}

 private:
  std::string prefix_;
  std::vector<size_t> starts_;
  std::vector<NumericField> fields_;
};

std::vector<NumericField> numbers_of(const Result& result) {
  NumberSink sink;
  walk(result, Parts::simulated, sink);
  return sink.take();
}

constexpr const char* kLowerTiers[] = {"dram", "peer", "nvme", "context", "external"};

// A result with everything that this version can establish.
Result every_number() {
  Result result;
  Metrics& metrics = result.metrics;
  for (auto* distribution : {&metrics.ttft_ms, &metrics.tpot_ms, &metrics.itl_ms, &metrics.e2e_ms,
                             &metrics.queue_ms, &metrics.task_s}) {
    distribution->emplace();
  }
  TimeSplit split;
  result.cache.by_tier.emplace_back().tier = "hbm";
  for (const char* name : kLowerTiers) {
    split.load.push_back({name, 0, 0});
    TierUse& tier = result.cache.by_tier.emplace_back();
    tier.tier = name;
    tier.wear_years = 0;
    tier.devices = 1;
    tier.index.emplace();
    tier.card_cache.emplace();
  }
  split.load.push_back({kOtherEngines, 0, 0});
  result.attribution = {split, split};
  const Output output{Seconds{1}, {}, 1};
  result.router.emplace();
  result.energy = energy_use({}, output);
  result.cost = cost_use({}, ledger::Pricing::rent, output);
  const CostUse owned = cost_use({}, ledger::Pricing::own, output);
  NamedNumbers& parts = result.cost->by_component;
  parts.insert(parts.end(), owned.by_component.begin(), owned.by_component.end());
  // Bands of what is there.
  result.energy->band_j_per_output_token.emplace();
  result.energy->band_j_per_task.emplace();
  result.cost->band_usd_per_task.emplace();
  result.cost->band_usd_per_million_output_tokens.emplace();
  for (auto* rate : {&metrics.output_tokens_per_s, &metrics.computed_tokens_per_s,
                     &metrics.requests_per_s, &metrics.goodput_requests_per_s}) {
    *rate = 0;
  }
  result.bands = bands_of(result, result, result);
  for (const char* resource : {"gpu", "step", "max_sequences", "max_batched_tokens", "kv_blocks"}) {
    result.bottlenecks.emplace_back().resource = resource;
  }
  return result;
}

const std::vector<NumericField>& known_fields() {
  static const std::vector<NumericField> fields = [] {
    std::vector<NumericField> all = numbers_of(every_number());
    std::erase_if(all, [](const NumericField& field) { return field.path == "seed"; });
    return all;
  }();
  return fields;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Pieces {
  std::string_view path;
  Comparison comparison = Comparison::less;
  std::string_view limit;
};

std::optional<Pieces> split(std::string_view text) {
  const size_t at = text.find_first_of("<>");
  if (at == std::string_view::npos) return std::nullopt;
  const bool less = text[at] == '<';
  const bool or_equal = text.substr(at + 1).starts_with('=');
  Pieces pieces{trimmed(text.substr(0, at)), {}, trimmed(text.substr(at + (or_equal ? 2 : 1)))};
  pieces.comparison = less ? (or_equal ? Comparison::at_most : Comparison::less)
                           : (or_equal ? Comparison::at_least : Comparison::greater);
  if (pieces.path.empty() || pieces.limit.empty()) return std::nullopt;
  return pieces;
}

const NumericField* find_field(std::string_view path) {
  const auto& fields = known_fields();
  for (const std::string& full : {std::string(path), "metrics." + std::string(path)}) {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const NumericField& field) { return field.path == full; });
    if (found != fields.end()) return &*found;
  }
  return nullptr;
}

std::string path_hint(std::string_view path) {
  // What follows the word as written may be an object: then its numbers are what is wanted.
  std::vector<std::string> below;
  for (const std::string& known : numeric_paths()) {
    for (const std::string& start :
         {std::string(path) + ".", "metrics." + std::string(path) + "."}) {
      if (known.starts_with(start)) below.push_back(known);
    }
  }
  if (!below.empty()) return "it holds " + join(below);
  std::string near = nearest_name(path, numeric_paths());
  if (near.empty()) near = nearest_name("metrics." + std::string(path), numeric_paths());
  if (near.empty()) return "write a number of the result, such as `ttft_ms.p99`";
  return "did you mean `" + near + "`?";
}

std::optional<double> parse_limit(std::string_view text, FieldUnit unit, const Place& place,
                                  Diagnostics& found) {
  double plain = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, plain);
  if (failure == std::errc{} && stop == end && std::isfinite(plain)) return plain;
  QuantityResult read = parse_quantity(text, unit.dimension);
  if (read) return in_unit(*read.quantity, unit);
  found.error(place, "threshold: " + read.error, std::move(read.hint));
  return std::nullopt;
}

bool holds(double value, Comparison comparison, double limit) {
  switch (comparison) {
    case Comparison::less:
      return value < limit;
    case Comparison::at_most:
      return value <= limit;
    case Comparison::greater:
      return value > limit;
    case Comparison::at_least:
      return value >= limit;
  }
  return false;
}

}  // namespace

std::optional<std::string> tier_of(std::string_view path) {
  for (const char* name : kLowerTiers) {
    for (const char* start :
         {"cache.by_tier.", "attribution.ttft_ms.load.", "attribution.e2e_ms.load."}) {
      if (path.starts_with(std::string(start) + name + ".")) return name;
    }
  }
  return std::nullopt;
}

const std::vector<std::string>& numeric_paths() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> all;
    for (const NumericField& field : known_fields()) all.push_back(field.path);
    return all;
  }();
  return paths;
}

std::optional<Threshold> parse_threshold(std::string_view text, const Place& place,
                                         Diagnostics& found) {
  const std::optional<Pieces> pieces = split(text);
  if (!pieces) {
    found.error(place, quote(text) + " is no threshold",
                "write `path < number`, e.g. `ttft_ms.p99 < 2000`; < <= > >= are known");
    return std::nullopt;
  }
  const NumericField* field = find_field(pieces->path);
  if (field == nullptr) {
    found.error(place, "a result has no number " + quote(pieces->path), path_hint(pieces->path));
    return std::nullopt;
  }
  const std::optional<double> limit = parse_limit(pieces->limit, field->unit, place, found);
  if (!limit) return std::nullopt;
  return Threshold{std::string(text), field->path, pieces->comparison, *limit};
}

std::vector<ThresholdOutcome> evaluate(const std::vector<Threshold>& thresholds,
                                       const Result& result) {
  std::vector<ThresholdOutcome> outcomes;
  if (thresholds.empty()) return outcomes;
  const std::vector<NumericField> numbers = numbers_of(result);
  for (const Threshold& threshold : thresholds) {
    ThresholdOutcome outcome{threshold.expr, std::nullopt, false};
    for (const NumericField& number : numbers) {
      if (number.path == threshold.path) outcome.value = number.value;
    }
    outcome.pass = outcome.value && holds(*outcome.value, threshold.comparison, threshold.limit);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace tiercast::reports
