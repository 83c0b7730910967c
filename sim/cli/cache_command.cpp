#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/policy/registry.hpp"
#include "models/tiering/cache_replay.hpp"
#include "models/tiering/plugin.hpp"
#include "models/workload/block_accesses.hpp"
#include "sim/cli/call_watchdog.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/parallel.hpp"
#include "sim/cli/plugin_argument.hpp"

namespace tiercast::cli {

namespace {

constexpr std::string_view kBelady = "belady";
constexpr std::string_view kPrefixBound = "prefix-bound";

/// A policy as the command line names it, and what it misses at each capacity.
struct Curve {
  std::string name;
  const tp_cache_table* table = nullptr;
  const tp_future_table* future = nullptr;
  std::shared_ptr<const tiering::Plugin> plugin{};  ///< that it comes from, if any
  std::string parameters{};
  std::vector<tiering::ReplayResult> results{};
};

Curve curve_of(const policy::CacheEntry& entry) {
  return {std::string(entry.name), entry.table, entry.future};
}

std::optional<workload::BlockAccesses> read_accesses(const Arguments& arguments,
                                                     Diagnostics& found) {
  workload::TraceSpec spec;
  spec.file = arguments.inputs.front();
  if (arguments.block_tokens) spec.block_tokens = *arguments.block_tokens;
  if (arguments.on_bad_line == "skip") spec.on_bad_line = workload::OnBadLine::skip;
  return workload::read_block_accesses(spec, arguments.concurrent, found);
}

/// `18279`, or `5%` of `distinct` rounded down, at least 1; 0 where it is neither.
uint32_t capacity_of(std::string_view text, uint32_t distinct) {
  const bool share = text.ends_with('%');
  if (share) text.remove_suffix(1);
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return 0;
  if (share) {
    if (!(number > 0 && number <= 100)) return 0;
    return std::max(1u, static_cast<uint32_t>(number / 100 * distinct));
  }
  if (!(number >= 1 && number < UINT32_MAX)) return 0;
  const auto blocks = static_cast<uint32_t>(number);
  return static_cast<double>(blocks) == number ? blocks : 0;
}

std::vector<uint32_t> read_capacities(const Arguments& arguments, uint32_t distinct,
                                      Diagnostics& found) {
  std::vector<std::string> texts = arguments.capacities;
  if (texts.empty()) texts = {"1%", "2%", "5%", "10%", "20%", "50%", "100%"};
  std::vector<uint32_t> capacities;
  for (const std::string& text : texts) {
    capacities.push_back(capacity_of(text, distinct));
    if (capacities.back() != 0) continue;
    found.error({"--capacity", 0, 0}, "`" + text + "` is no capacity",
                "a whole number of blocks from 1 to 2^32 - 2, or a share such as 5%");
  }
  return capacities;
}

void add_plugin(const std::string& file, const Arguments& arguments, std::vector<Curve>& curves,
                Diagnostics& found) {
  std::string error;
  const auto plugin = load_plugin(file, arguments, error);
  if (plugin != nullptr && plugin->cache() == nullptr) error = file + " has no cache policy";
  if (!error.empty()) {
    found.error({"--policy", 0, 0}, error);
    return;
  }
  curves.push_back({plugin->cache()->info()->name, plugin->cache(), nullptr, plugin});
}

void add_policy(const std::string& name, const Arguments& arguments, std::vector<Curve>& curves,
                Diagnostics& found) {
  if (names_file(name)) return add_plugin(name, arguments, curves, found);
  if (name == "all") {
    for (const policy::CacheEntry& entry : policy::cache_policies()) {
      curves.push_back(curve_of(entry));
    }
    return;
  }
  const policy::CacheEntry* entry = policy::find_cache_policy(name);
  if (entry == nullptr) {
    const std::string near(policy::nearest_name(policy::cache_policies(), name));
    found.error({"--policy", 0, 0}, "no policy `" + name + "`",
                near.empty() ? "`tiercast policies` lists them" : "did you mean `" + near + "`?");
    return;
  }
  curves.push_back(curve_of(*entry));
}

bool is_for_all(const std::string& parameter) { return parameter.find('.') >= parameter.find('='); }

/// `NAME=VALUE` goes to every policy, `POLICY.NAME=VALUE` to those of that name.
void add_parameter(const std::string& parameter, std::vector<Curve>& curves, Diagnostics& found) {
  const auto is_for = [&](const Curve& curve) { return parameter.starts_with(curve.name + "."); };
  const bool for_all = is_for_all(parameter);
  const std::size_t name = for_all ? 0 : parameter.find('.') + 1;
  const bool is_line = parameter.find('\n') == std::string::npos;
  if (!is_line || name == parameter.size() || parameter[name] == '=') {
    found.error({"--parameter", 0, 0}, "`" + parameter + "` gives no parameter a value",
                "write NAME=VALUE, or POLICY.NAME=VALUE for one policy");
    return;
  }
  if (!for_all && std::none_of(curves.begin(), curves.end(), is_for)) {
    found.error({"--parameter", 0, 0}, "`" + parameter + "` is for no policy that --policy names",
                "write NAME=VALUE for all of them, POLICY.NAME=VALUE for one");
  }
  for (Curve& curve : curves) {
    if (for_all) curve.parameters += parameter + "\n";
    if (!for_all && is_for(curve)) {
      curve.parameters += parameter.substr(curve.name.size() + 1) + "\n";
    }
  }
}

std::vector<Curve> read_policies(const Arguments& arguments, Diagnostics& found) {
  std::vector<Curve> curves;
  for (const std::string& name : arguments.policies) add_policy(name, arguments, curves, found);
  if (found.has_errors()) return curves;
  for (const std::string& parameter : arguments.parameters) add_parameter(parameter, curves, found);
  return curves;
}

/// Every policy at every capacity, on as many threads as there are jobs.
void replay(const Arguments& arguments, const workload::BlockAccesses& accesses,
            const std::vector<uint32_t>& capacities, std::vector<Curve>& curves,
            Diagnostics& found) {
  std::vector<tiering::ReplayRequest> requests;
  requests.reserve(accesses.requests.size());
  for (const workload::AccessingRequest& request : accesses.requests) {
    requests.push_back({request.time_ns, request.session, request.turn, request.calls_tool});
  }
  const tiering::ReplayTrace trace{accesses.blocks, accesses.request_ends, requests,
                                   accesses.distinct};
  const bool foresees = std::any_of(curves.begin(), curves.end(),
                                    [](const Curve& curve) { return curve.future != nullptr; });
  const bool isolated = arguments.isolate_plugins &&
                        std::any_of(curves.begin(), curves.end(),
                                    [](const Curve& curve) { return curve.plugin != nullptr; });
  const unsigned jobs = isolated ? 1 : arguments.jobs.value_or(0);
  const auto checks =
      arguments.check_policies ? tiering::PolicyChecks::rehearsals : tiering::PolicyChecks::answers;
  const std::vector<uint32_t> next = foresees ? tiering::next_uses(trace) : std::vector<uint32_t>();
  const auto rule = arguments.prefix_rule ? tiering::HitRule::prefix : tiering::HitRule::block;
  for (Curve& curve : curves) curve.results.resize(capacities.size());
  std::vector<std::string> errors(curves.size() * capacities.size());
  for_each_index(errors.size(), jobs, [&](std::size_t i) {
    Curve& curve = curves[i / capacities.size()];
    const std::size_t at = i % capacities.size();
    std::optional<CallWatchdog> watchdog;
    if (curve.plugin != nullptr && !isolated && arguments.call_limit_s > 0) {
      watchdog.emplace(call_limit_ns(arguments));
    }
    const auto result = tiering::replay_cache(
        {curve.table, curve.future, curve.parameters, arguments.seed.value_or(1), checks},
        capacities[at], trace, next, rule, errors[i]);
    if (curve.plugin != nullptr) curve.plugin->check_end();
    if (result) curve.results[at] = *result;
  });
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (errors[i].empty()) continue;
    const Curve& curve = curves[i / capacities.size()];
    const bool for_others =
        curves.size() > 1 &&
        std::any_of(arguments.parameters.begin(), arguments.parameters.end(), is_for_all);
    found.error({"--policy " + curve.name, 0, 0}, errors[i],
                for_others ? "--parameter POLICY.NAME=VALUE is for one policy alone" : "");
    return;
  }
}

/// What no policy can beat at each capacity: demand-filled, and of any kind under the prefix rule.
struct Bounds {
  const Curve* belady = nullptr;  ///< NULL: not asked for
  const Curve* prefix = nullptr;
};

nlohmann::ordered_json to_json(const Arguments& arguments, uint32_t distinct, const Curve& curve,
                               const Bounds& bounds) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < curve.results.size(); ++i) {
    const tiering::ReplayResult& result = curve.results[i];
    rows.push_back({{"capacity", result.capacity},
                    {"accesses", result.accesses},
                    {"misses", result.misses},
                    {"miss_ratio", result.miss_ratio()}});
    if (bounds.belady == nullptr) continue;
    rows.back()["belady_miss_ratio"] = bounds.belady->results[i].miss_ratio();
    rows.back()["prefix_bound_miss_ratio"] = bounds.prefix->results[i].miss_ratio();
  }
  nlohmann::ordered_json json{{"trace", arguments.inputs.front()}, {"policy", curve.name}};
  if (curve.plugin != nullptr) {
    json["plugin"] = {{"file", curve.plugin->file()},
                      {"version", curve.table->info()->version},
                      {"hash", curve.plugin->hash()}};
  }
  json["distinct_blocks"] = distinct;
  json["results"] = rows;
  return json;
}

std::string bar(double ratio) {
  constexpr double kColumns = 25;
  return std::string(static_cast<std::size_t>(ratio * kColumns + 0.5), '#');
}

std::string to_text(uint32_t distinct, const Curve& curve, const Bounds& bounds) {
  std::string text;
  for (std::size_t i = 0; i < curve.results.size(); ++i) {
    const tiering::ReplayResult& result = curve.results[i];
    const double share = 100 * static_cast<double>(result.capacity) / static_cast<double>(distinct);
    text += fmt::format("{:<13} {:>11} {:>7.2f} % {:>12} {:>11.8f}", curve.name, result.capacity,
                        share, result.misses, result.miss_ratio());
    if (bounds.belady != nullptr) {
      const double least = bounds.prefix->results[i].miss_ratio();
      text += fmt::format(" {:>11.8f} {:>11.8f} {:>8.2f} %", bounds.belady->results[i].miss_ratio(),
                          least, 100 * (result.miss_ratio() - least));
    }
    text += fmt::format("  {}\n", bar(1 - result.miss_ratio()));
  }
  return text;
}

std::string header(const Arguments& arguments, const workload::BlockAccesses& accesses) {
  std::string text =
      fmt::format("{}: {} accesses to {} blocks in {} requests\n\n", arguments.inputs.front(),
                  accesses.blocks.size(), accesses.distinct, accesses.request_ends.size());
  text += fmt::format("{:<13} {:>11} {:>9} {:>12} {:>11}", "policy", "capacity", "of blocks",
                      "misses", "miss ratio");
  if (arguments.bound) {
    text += fmt::format(" {:>11} {:>11} {:>10}", "belady", "bound", "above it");
  }
  return text + "  hits\n";
}

}  // namespace

// One policy is an object, several are a list of such objects.
int cache_command(const Arguments& arguments) {
  Diagnostics found;
  std::vector<Curve> curves = read_policies(arguments, found);
  const std::size_t asked = curves.size();
  if (arguments.bound) {
    for (const std::string_view name : {kBelady, kPrefixBound}) {
      curves.push_back(curve_of(*policy::find_cache_policy(name)));
    }
  }
  const std::optional<workload::BlockAccesses> accesses =
      found.has_errors() ? std::nullopt : read_accesses(arguments, found);
  if (accesses) {
    const auto capacities = read_capacities(arguments, accesses->distinct, found);
    if (!found.has_errors()) replay(arguments, *accesses, capacities, curves, found);
  }
  print(found, arguments);
  if (found.has_errors()) return exit_bad_input;
  Bounds bounds;
  if (arguments.bound) bounds = {&curves[asked], &curves[asked + 1]};
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text = header(arguments, *accesses);
  for (std::size_t i = 0; i < asked; ++i) {
    json.push_back(to_json(arguments, accesses->distinct, curves[i], bounds));
    text += to_text(accesses->distinct, curves[i], bounds);
  }
  if (json.size() == 1) json = nlohmann::ordered_json(json.front());
  write_stdout(arguments.format == Format::json
                   ? json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                         "\n"
                   : text);
  return exit_ok;
}

}  // namespace tiercast::cli
