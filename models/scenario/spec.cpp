#include "models/scenario/spec.hpp"

#include "models/policy/registry.hpp"
#include "models/serving/policy_fields.hpp"
#include "sim/base/field_table.hpp"

namespace tiercast::scenario {

namespace {

// Nobody serves by knowing the future.
std::vector<std::string> names_of_policies(bool offline) {
  std::vector<std::string> names;
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    if ((entry.future != nullptr) == offline) names.emplace_back(entry.name);
  }
  return names;
}

std::vector<std::string> policy_names() { return names_of_policies(false); }
std::vector<std::string> offline_bounds() { return names_of_policies(true); }

std::optional<std::vector<FieldInfo>> parameters_of(const EvictionSection& eviction) {
  const policy::CacheEntry* entry = policy::find_cache_policy(eviction.name);
  if (entry == nullptr) return std::nullopt;
  return serving::parameter_fields(entry->parameters);
}

}  // namespace

std::string EvictionSection::config_lines() const {
  return plugin ? serving::plugin_lines(config) : serving::config_lines(parameters);
}

const EvictionSection& eviction_of(const ScenarioSpec& spec, std::size_t tier) {
  const std::optional<EvictionSection>& own = spec.tiers[tier].eviction;
  if (own) return *own;
  return spec.policy.lower_eviction ? *spec.policy.lower_eviction : spec.policy.eviction;
}

std::string eviction_place(const ScenarioSpec& spec, std::size_t tier) {
  if (spec.tiers[tier].eviction) return "tiers." + std::to_string(tier) + ".eviction";
  return spec.policy.lower_eviction ? "policy.lower_eviction" : "policy.eviction";
}

std::vector<Choice<BandRuns>> choices(BandRuns) {
  return {{"auto", BandRuns::automatic,
           "where it offers no more than " + std::to_string(kBandedRequests) + " requests"},
          {"always", BandRuns::always, "however long it is"},
          {"never", BandRuns::never, "one run, and no band of latency and throughput"}};
}

// clang-format off
const FieldTable<ClusterSection>& ClusterSection::fields() {
  using namespace table;
  using S = ClusterSection;
  static const auto table = FieldTable<S>("cluster", "The machines that are provisioned.", {
      field("node", &S::node, required, "One machine: a catalogue entry, or one with fields overridden."),
      field("nodes", &S::nodes, by_default("1"), between(1, 100000), "How many."),
      field("pod_nodes", &S::pod_nodes, absent_means("all of them"), between(1, 100000), "Nodes of one pod, which share its context storage."),
      field("fabric", &S::fabric, absent_means("links of the nodes alone; no switch is counted"), "Switches between nodes and storage."),
      field("storage", &S::storage, by_default("{}"), "What stores KV beside the nodes."),
      field("facility", &S::facility, by_default("default"), "What surrounds them: power overhead, electricity, carbon, accounting."),
      field("pricing", &S::pricing, by_default("rent"), "How the machines are paid for."),
  }).shorthand("node");
  return table;
}

const FieldTable<StorageSection>& StorageSection::fields() {
  using namespace table;
  using S = StorageSection;
  static const auto table = FieldTable<S>("storage", "Storage on the fabric.", {
      field("context", &S::context, absent_means("none"), "Enclosures of flash behind DPUs, spread evenly over the pods."),
      field("external", &S::external, absent_means("none"), "Units of a storage service, one for all pods."),
  });
  return table;
}

const FieldTable<ModelSection>& ModelSection::fields() {
  using namespace table;
  using S = ModelSection;
  static const auto table = FieldTable<S>("model", "The language model and the formats it is served in.", {
      field("name", &S::name, required, "Architecture: a catalogue entry, or one with fields overridden."),
      field("weights", &S::weights, absent_means("as published"), "Weight format."),
      field("kv", &S::kv, by_default("bf16"), "KV cache format."),
  }).shorthand("name");
  return table;
}

const FieldTable<EvictionSection>& EvictionSection::fields() {
  using namespace table;
  using S = EvictionSection;
  static const auto table = FieldTable<S>("eviction", "Which blocks leave a full cache.", {
      field("name", &S::name, by_default("lru"), names_from(policy_names), unfit(offline_bounds, "is an offline bound: it needs the future, which a run does not know", "`tiercast cache TRACE` replays traces against it: --bound, or --policy with its name"), also_called("policy"), "A policy of the library."),
      field("plugin", &S::plugin, absent_means("a policy of the library"), serving::kPluginMeaning),
      field("config", &S::config, absent_means("its defaults"), serving::kConfigMeaning),
      rest(&S::parameters, parameters_of, "Parameters of that policy."),
  }).shorthand("name");
  return table;
}

const FieldTable<PolicySection>& PolicySection::fields() {
  using namespace table;
  using S = PolicySection;
  static const auto table = FieldTable<S>("policy", "Placement and eviction.", {
      field("preset", &S::preset, by_default(""), "What a real stack does: an entry of the catalogue, whose rules the other keys override."),
      field("title", &S::title, by_default(""), "Name for people."),
      field("eviction", &S::eviction, by_default("{}"), "Eviction policy of the KV cache, of every tier that names no other."),
      field("lower_eviction", &S::lower_eviction, absent_means("as `eviction`"), "Eviction policy of tiers below GPU memory that name none."),
      field("placement", &S::placement, by_default("{}"), "What is stored in lower tiers and fetched from them."),
      field("call_limit", &S::call_limit, by_default("1s"), at_least(0), at_most("1h"), "Wall time after which a call into a plug-in has failed; 0s: never. No result depends on it."),
      field("isolate_plugins", &S::isolate_plugins, by_default("false"), "Run plug-ins in processes of their own: slower, with the same results, and where one crashes the error names the call."),
      field("check_policies", &S::check_policies, by_default("false"), "Check too that asking a policy for victims changes nothing; slower, with the same results."),
      field("sources", &S::sources, absent_means("none"), "Of a preset: where each rule comes from, by its path: a source file, `assumption`, or `scenario` where that goes over it."),
  }).catalogue("policies", "preset").shorthand("eviction");
  return table;
}

const FieldTable<LimitsSection>& LimitsSection::fields() {
  using namespace table;
  using S = LimitsSection;
  static const auto table = FieldTable<S>("limits", "What a request must meet to count as goodput.", {
      field("ttft", &S::ttft, absent_means("no limit"), above(0), "Time to the first token."),
      field("tpot", &S::tpot, absent_means("no limit"), above(0), "Mean time per output token after the first."),
  });
  return table;
}

const FieldTable<DisaggregationSection>& DisaggregationSection::fields() {
  using namespace table;
  using S = DisaggregationSection;
  static const auto table = FieldTable<S>("disaggregation", "Prefill and decode on instances of their own.", {
      field("prefill_instances", &S::prefill_instances, required, between(1, 4095), "Of the engine's instances, those that compute prompts only; the others decode."),
      field("stack", &S::stack, by_default(kHandOverStack), "Software path of the hand-off from GPU memory to GPU memory of another node. One without `use` starts from the default."),
      field("node_stack", &S::node_stack, by_default(kLocalHandOverStack), "The same between GPUs of one node: over NVLink, or over their host links where they have none."),
  }).shorthand("prefill_instances");
  return table;
}

const FieldTable<WarmupSection>& WarmupSection::fields() {
  using namespace table;
  using S = WarmupSection;
  static const auto table = FieldTable<S>("warmup", "What comes before the timed window.", {
      field("functional", &S::functional, by_default("0s"), at_least(0), at_most("10y"), "Demand of so long runs through router, caches and policies without time."),
  }).shorthand("functional");
  return table;
}

const FieldTable<RunSection>& RunSection::fields() {
  using namespace table;
  using S = RunSection;
  static const auto table = FieldTable<S>("run", "How long, and with which random numbers.", {
      field("duration", &S::duration, absent_means("until the workload ends"), above(0), at_most("10y"), "Of the timed window: requests arriving from then on are not offered."),
      field("warmup", &S::warmup, by_default("{}"), "Untimed demand before it."),
      field("seed", &S::seed, by_default("1"), "Of every random draw."),
      field("fuse", &S::fuse, by_default("true"), "Advance decode steps in closed form; false gives the same result, slower."),
      field("band", &S::band, by_default("auto"), "Whether a run is repeated with all its figures that have a range at their fast end, and at their slow end."),
  });
  return table;
}

const FieldTable<ScenarioSpec>& ScenarioSpec::fields() {
  using namespace table;
  using S = ScenarioSpec;
  static const auto table = FieldTable<S>("scenario", "A cluster, a model, an engine, policies and demand.", {
      field("name", &S::name, required, "Of the scenario, for reports."),
      field("description", &S::description, absent_means("none"), "What it is for."),
      field("cluster", &S::cluster, required, "The machines."),
      field("model", &S::model, required, "The language model."),
      field("engine", &S::engine, by_default("vllm"), "The inference engine."),
      field("calibration", &S::calibration, absent_means("the entry that the GPU names"), "How close kernels come to the GPU's peaks: a catalogue entry, or one with parameters overridden."),
      field("disaggregation", &S::disaggregation, absent_means("every instance does both"), "Prefill and decode on instances of their own."),
      field("router", &S::router, by_default("prefix"), "Routing between instances."),
      field("tiers", &S::tiers, by_default("[hbm]"), "Tiers of the KV cache in the order of lookup; the first is GPU memory."),
      field("policy", &S::policy, by_default("{}"), "Cache policies."),
      field("workload", &S::workload, required, "The demand: a trace, an open loop or a closed loop."),
      field("limits", &S::limits, by_default("{}"), "What counts as goodput."),
      field("run", &S::run, by_default("{}"), "Length and seed."),
      field("thresholds", &S::thresholds, by_default("[]"), "Limits on results, e.g. `ttft_ms.p99 < 2000`; a breach ends with exit code 3."),
  });
  return table;
}
// clang-format on

}  // namespace tiercast::scenario
