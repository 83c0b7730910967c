#include "models/scenario/world.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/scenario/problems.hpp"
#include "models/scenario/tier_check.hpp"
#include "models/scenario/tier_fabric.hpp"
#include "models/scenario/tier_index.hpp"
#include "models/scenario/tier_objects.hpp"
#include "models/scenario/tier_world.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

namespace {

constexpr uint32_t kInstancesMax = 4096;  // as a scenario may ask for

uint32_t max_model_tokens(const ScenarioSpec& spec) {
  const uint32_t context = spec.model.name.max_context;
  if (!spec.engine.max_model_tokens) return context;
  return static_cast<uint32_t>(std::min<int64_t>(spec.engine.max_model_tokens->value(), context));
}

serving::EngineSpec engine_spec(const ScenarioSpec& spec, int64_t kv_blocks) {
  const serving::EngineSettings& settings = spec.engine;
  serving::EngineSpec engine;
  engine.block_tokens = settings.block_tokens;
  engine.kv_blocks = static_cast<uint32_t>(kv_blocks);
  engine.max_batched_tokens = static_cast<uint32_t>(settings.max_batched_tokens.value());
  engine.max_sequences = settings.max_sequences;
  engine.max_model_tokens = max_model_tokens(spec);
  engine.watermark_blocks =
      static_cast<uint32_t>(settings.watermark * static_cast<double>(kv_blocks));
  engine.chunked_prefill = settings.chunked_prefill;
  engine.prefix_caching = settings.prefix_caching;
  engine.isolation = settings.isolation.value_or(serving::Isolation::none);
  engine.over_length = settings.over_length;
  engine.request_ns = std::lround(settings.overhead.request.value() * 1e9);
  if (spec.limits.ttft) engine.first_token_limit_ns = spec.limits.ttft->value();
  engine.layers = spec.model.name.layers;
  engine.fuse = spec.run.fuse;
  return engine;
}

void check_engine(const ScenarioSpec& spec, const World& world, Problems& problems) {
  const serving::EngineSettings& engine = spec.engine;
  if (engine.max_model_tokens && engine.max_model_tokens->value() > spec.model.name.max_context) {
    problems.add("engine.max_model_tokens", "exceeds the model's context of " +
                                                std::to_string(spec.model.name.max_context) +
                                                " tokens");
  }
  if (!engine.chunked_prefill &&
      engine.max_batched_tokens.value() < static_cast<int64_t>(max_model_tokens(spec))) {
    problems.add("engine.max_batched_tokens",
                 "without chunked prefill a prompt runs in one step, so this must reach "
                 "max_model_tokens (" +
                     std::to_string(max_model_tokens(spec)) + ")",
                 "set engine.chunked_prefill: true, or lower engine.max_model_tokens");
  }
  if (!serving::ContentMap::compatible(world.cluster.id_tokens, engine.block_tokens)) {
    problems.add("engine.block_tokens",
                 std::to_string(engine.block_tokens) +
                     " tokens and the workload's content ids of " +
                     std::to_string(world.cluster.id_tokens) + " must divide one another",
                 "for a trace without content ids say workload.trace.format: azure or csv");
  }
}

// Whether demand of a length that is written down all comes before the timed window.
bool ends_in_warmup(const ScenarioSpec& spec) {
  std::optional<Nanoseconds> length;
  if (const auto* open = std::get_if<workload::OpenSpec>(&spec.workload)) length = open->duration;
  const auto* closed = std::get_if<workload::ClosedSpec>(&spec.workload);
  if (closed != nullptr) length = closed->duration;
  const Nanoseconds warmup = spec.run.warmup.functional;
  return length && warmup.value() > 0 && *length <= warmup;
}

bool ends_by_itself(const workload::WorkloadSpec& workload) {
  if (const auto* open = std::get_if<workload::OpenSpec>(&workload)) {
    return open->duration || open->requests;
  }
  const auto* closed = std::get_if<workload::ClosedSpec>(&workload);
  return closed == nullptr || closed->duration || closed->requests || !closed->repeat;
}

void check_end(const ScenarioSpec& spec, Problems& problems) {
  if (ends_in_warmup(spec)) {
    problems.add("run.warmup.functional", "takes all of the workload, and nothing is left to time",
                 "lower it, or raise the workload's duration");
  }
  const auto* closed = std::get_if<workload::ClosedSpec>(&spec.workload);
  if (closed != nullptr && spec.engine.rules == serving::EngineRules::oracle && closed->repeat &&
      !closed->requests) {
    problems.add("workload.closed",
                 "reference mode (engine: oracle) answers at once, so sessions "
                 "that repeat never end",
                 "give workload.closed.requests, or repeat: false");
    return;
  }
  if (spec.run.duration || ends_by_itself(spec.workload)) return;
  problems.add("run.duration", "is needed, since this workload never ends",
               "e.g. run: {duration: 10min}, or requests or duration in the workload", "workload");
}

bool place_instances(const ScenarioSpec& spec, World& world, Problems& problems) {
  world.parallel = spec.engine.parallel();
  const std::string wrong = llm::parallel_violation(spec.model.name, world.parallel);
  if (!wrong.empty()) {
    problems.add("engine." + wrong.substr(0, wrong.find(' ')), wrong);
    return false;
  }
  world.gpus_per_instance = world.parallel.gpus();
  world.gpus_provisioned = spec.cluster.node.gpus * spec.cluster.nodes;
  const uint32_t fit = world.gpus_provisioned / world.gpus_per_instance;
  world.cluster.instances = spec.engine.instances.value_or(fit);
  if (!spec.engine.instances && fit > kInstancesMax) {
    problems.add("engine.instances",
                 "the cluster's GPUs hold " + std::to_string(fit) + " instances, and at most " +
                     std::to_string(kInstancesMax) + " are simulated",
                 "give engine.instances, or lower cluster.nodes", "cluster.nodes");
    return false;
  }
  if (fit == 0 || world.cluster.instances > fit) {
    problems.add(spec.engine.instances ? "engine.instances" : "engine.tp",
                 std::to_string(std::max(1u, world.cluster.instances)) + " instance(s) of " +
                     std::to_string(world.gpus_per_instance) + " GPU(s) do not fit the cluster's " +
                     std::to_string(world.gpus_provisioned),
                 "raise cluster.nodes, or lower engine.instances or engine.tp");
    return false;
  }
  return true;
}

bool fill_memory(const ScenarioSpec& spec, World& world, Problems& problems) {
  const serving::EngineSettings& engine = spec.engine;
  world.memory = llm::hbm_budget(
      spec.model.name, world.weights, world.kv, world.parallel, spec.cluster.node.gpu,
      engine.memory,
      {engine.block_tokens, static_cast<uint32_t>(engine.max_batched_tokens.value()),
       engine.max_sequences});
  world.kv_blocks_pinned = engine.memory.kv_blocks.has_value();
  world.kv_bytes_per_token = llm::kv_bytes_per_token(spec.model.name, world.kv);
  world.block_bytes = llm::kv_block_bytes(spec.model.name, world.kv, engine.block_tokens);
  if (world.block_bytes >= int64_t{UINT32_MAX}) {
    problems.add("engine.block_tokens", "one block would take 4 GiB or more");
  } else if (world.memory.kv_blocks >= UINT32_MAX) {
    problems.add("engine.memory.kv_blocks", "an instance holds fewer than 2^32 - 1 blocks",
                 "raise engine.block_tokens", "engine.block_tokens");
  } else if (world.memory.kv_blocks >= 1) {
    return true;
  } else {
    problems.add("engine.memory",
                 "no memory is left for KV: of each GPU " + gib_text(world.memory.usable) +
                     " are usable, weights take " + gib_text(world.memory.weights) +
                     " and activations " + gib_text(world.memory.activations),
                 "raise engine.tp, take smaller weights, or a GPU with more memory", "model.name");
  }
  return false;
}

std::vector<std::string> caveats_of(const ScenarioSpec& spec, const llm::KernelSpec& kernels,
                                    const World& world) {
  std::vector<std::string> caveats;
  if (kernels.carried_to(spec.cluster.node.gpu.use)) {
    caveats.push_back("step times were fitted on " + kernels.fitted_on + " and carried over to " +
                      spec.cluster.node.gpu.title + " by its peaks");
  }
  if (world.gpus_per_instance > spec.cluster.node.gpus) {
    caveats.push_back(
        "an instance spans nodes, but its collectives are timed as inside one: "
        "real steps are slower");
  }
  for (size_t i = 0; i < spec.tiers.size(); ++i) {
    for (const std::string& caveat : {objects_caveat(spec, i), index_caveat(spec, i)}) {
      if (!caveat.empty()) caveats.push_back(caveat);
    }
  }
  const std::string fabric = fabric_caveat(spec);
  if (!fabric.empty()) caveats.push_back(fabric);
  if (world.kv_blocks_pinned && world.memory.kv_blocks > world.memory.kv_blocks_fit) {
    caveats.push_back(std::to_string(world.memory.kv_blocks) +
                      " KV blocks are pinned, but memory has room for " +
                      std::to_string(world.memory.kv_blocks_fit));
  }
  return caveats;
}

}  // namespace

uint32_t id_tokens_of(const workload::WorkloadSpec& workload, uint32_t block_tokens) {
  if (const auto* trace = std::get_if<workload::TraceSpec>(&workload)) {
    const bool no_ids = trace->format == workload::TraceFormat::azure ||
                        trace->format == workload::TraceFormat::csv;
    return no_ids ? 0 : trace->block_tokens;
  }
  if (const auto* open = std::get_if<workload::OpenSpec>(&workload)) {
    return open->id_tokens.value_or(block_tokens);
  }
  return std::get<workload::ClosedSpec>(workload).id_tokens.value_or(block_tokens);
}

std::optional<World> build_world(const ScenarioSpec& spec, const llm::KernelSpec& kernels,
                                 const Node& resolved, Diagnostics& found) {
  Problems problems(resolved, found);
  World world;
  world.weights = spec.model.weights.value_or(spec.model.name.native_weights);
  world.kv = spec.model.kv;
  world.cluster.id_tokens = id_tokens_of(spec.workload, spec.engine.block_tokens);
  world.cluster.router_index_delay_ns = spec.router.index_delay.value();
  world.cluster.seed = spec.run.seed;
  if (spec.disaggregation) {
    world.cluster.prefill_instances = spec.disaggregation->prefill_instances;
  }
  world.cluster.warmup_ns = spec.run.warmup.functional.value();
  if (spec.run.duration) {
    world.cluster.duration_ns = world.cluster.warmup_ns + spec.run.duration->value();
  }
  world.plugins = load_plugins(spec, resolved, problems);
  if (spec.policy.check_policies) {
    world.cluster.policy_checks = tiering::PolicyChecks::rehearsals;
  }
  const std::string wrong_weights = llm::weights_violation(spec.model.name, world.weights);
  if (!wrong_weights.empty()) problems.add("model.weights", wrong_weights);
  check_end(spec, problems);
  check_engine(spec, world, problems);
  check_tiers(spec, problems);
  const bool placed = place_instances(spec, world, problems) && fill_memory(spec, world, problems);
  if (!placed || problems.any()) return std::nullopt;

  world.cluster.eviction = cache_table(spec.policy.eviction, world.plugins);
  world.cluster.eviction_config = spec.policy.eviction.config_lines();
  world.cluster.router = router_table(spec.router, world.plugins);
  world.cluster.router_config = spec.router.config_lines();
  world.caveats = caveats_of(spec, kernels, world);
  world.cluster.block_bytes = static_cast<uint32_t>(world.block_bytes);
  world.cluster.engine = engine_spec(spec, world.memory.kv_blocks);
  world.cluster.tiers = build_tiers(spec, world, problems);
  if (problems.any()) return std::nullopt;
  try_plugins(spec, world.cluster, problems);
  if (problems.any()) return std::nullopt;
  llm::CompiledSteps compiled = llm::compile_step_table(
      {spec.model.name, world.weights, world.kv, world.parallel, spec.cluster.node.gpu, kernels,
       spec.engine.overhead, spec.engine.sampling, world.cluster.engine.max_batched_tokens,
       world.cluster.engine.max_sequences, world.cluster.engine.max_model_tokens});
  if (!compiled.problem.empty()) {
    problems.add("engine", compiled.problem);
    return std::nullopt;
  }
  world.steps = std::move(compiled.table);
  for (const std::string& problem : serving::check_cluster(world.cluster, world.steps)) {
    problems.add("engine", problem);
  }
  if (problems.any()) return std::nullopt;
  return world;
}

}  // namespace tiercast::scenario
