#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/policy/registry.hpp"
#include "models/tiering/cache_replay.hpp"
#include "models/tiering/checked_cache.hpp"
#include "models/workload/demand_source.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"

namespace tiercast::cli {

namespace {

struct Accesses {
  std::vector<uint64_t> ids;
  std::vector<uint64_t> request_ends;
};

std::optional<Accesses> read_accesses(const Arguments& arguments, Diagnostics& found) {
  workload::TraceSpec spec;
  spec.file = arguments.inputs.front();
  if (arguments.block_tokens) spec.block_tokens = *arguments.block_tokens;
  if (arguments.on_bad_line == "skip") spec.on_bad_line = workload::OnBadLine::skip;
  const auto source = workload::make_source(spec, {}, found);
  if (source == nullptr) return std::nullopt;
  Accesses accesses;
  workload::Request request;
  int64_t at = 0;
  while (source->peek(at) && source->next(request)) {
    accesses.ids.insert(accesses.ids.end(), request.ids.begin(), request.ids.end());
    accesses.request_ends.push_back(accesses.ids.size());
  }
  workload::explain(source->report(), found);
  if (source->report().failed) return std::nullopt;
  if (accesses.ids.empty()) {
    found.error({spec.file, 0, 0}, "no request of the trace carries content ids",
                "`tiercast cache` replays blocks; it reads Mooncake JSONL with hash_ids");
    return std::nullopt;
  }
  return accesses;
}

std::string parameter_lines(const Arguments& arguments) {
  std::string lines;
  for (const std::string& parameter : arguments.parameters) lines += parameter + "\n";
  return lines;
}

bool replay_policy(const Arguments& arguments, const std::string& name, const Accesses& accesses,
                   std::vector<tiering::ReplayResult>& results, Diagnostics& found) {
  const policy::CacheEntry* entry = policy::find_cache_policy(name);
  if (entry == nullptr) {
    const std::string near(policy::nearest_name(policy::cache_policies(), name));
    found.error({"--policy", 0, 0}, "no policy `" + name + "`",
                near.empty() ? "`tiercast policies` lists them" : "did you mean `" + near + "`?");
    return false;
  }
  const std::string lines = parameter_lines(arguments);
  for (const uint64_t capacity : arguments.capacities) {
    std::string error;
    const auto result = tiering::replay_cache(
        {entry->table, entry->future, lines, arguments.seed.value_or(1)},
        static_cast<uint32_t>(capacity), {accesses.ids, accesses.request_ends},
        arguments.prefix_rule ? tiering::HitRule::prefix : tiering::HitRule::block, error);
    if (!result) {
      found.error({"--policy " + name, 0, 0}, error);
      return false;
    }
    results.push_back(*result);
  }
  return true;
}

nlohmann::ordered_json to_json(const Arguments& arguments, const std::string& name,
                               const std::vector<tiering::ReplayResult>& results) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const tiering::ReplayResult& result : results) {
    rows.push_back({{"capacity", result.capacity},
                    {"accesses", result.accesses},
                    {"misses", result.misses},
                    {"miss_ratio", result.miss_ratio()}});
  }
  return {{"trace", arguments.inputs.front()}, {"policy", name}, {"results", rows}};
}

std::string to_text(const std::string& name, const std::vector<tiering::ReplayResult>& results) {
  std::string text;
  for (const tiering::ReplayResult& result : results) {
    text += fmt::format("{:<12} {:>12} {:>12} {:>12} {:>12.8f}\n", name, result.capacity,
                        result.accesses, result.misses, result.miss_ratio());
  }
  return text;
}

}  // namespace

// One policy is an object, several are a list of such objects.
int cache_command(const Arguments& arguments) {
  Diagnostics found;
  const std::optional<Accesses> accesses = read_accesses(arguments, found);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text = fmt::format("{:<12} {:>12} {:>12} {:>12} {:>12}\n", "policy", "capacity",
                                 "accesses", "misses", "miss ratio");
  bool good = accesses.has_value();
  for (const std::string& name : arguments.policies) {
    if (!good) break;
    std::vector<tiering::ReplayResult> results;
    good = replay_policy(arguments, name, *accesses, results, found);
    json.push_back(to_json(arguments, name, results));
    text += to_text(name, results);
  }
  print(found, arguments);
  if (!good) return exit_bad_input;
  if (json.size() == 1) json = nlohmann::ordered_json(json.front());
  write_stdout(arguments.format == Format::json
                   ? json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                         "\n"
                   : text);
  return exit_ok;
}

}  // namespace tiercast::cli
