#include "sim/cli/describe.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/base/field_table.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::cli {

namespace {

std::string workload_words(const workload::WorkloadSpec& workload) {
  if (const auto* trace = std::get_if<workload::TraceSpec>(&workload))
    return "trace " + trace->file;
  if (const auto* open = std::get_if<workload::OpenSpec>(&workload)) {
    return fmt::format("open loop, {} arrivals at {:g}/s", name_of_choice(open->arrivals.process),
                       open->arrivals.rate.value());
  }
  const auto& closed = std::get<workload::ClosedSpec>(workload);
  return fmt::format("closed loop, {} session{} at a time", closed.sessions,
                     closed.sessions == 1 ? "" : "s");
}

std::string kv_words(const scenario::World& world) {
  if (world.kv_blocks_pinned) return "pinned by the scenario";
  return fmt::format("{} usable less {} weights, {} activations, {} other",
                     gib_text(world.memory.usable), gib_text(world.memory.weights),
                     gib_text(world.memory.activations),
                     gib_text(world.memory.usable - world.memory.weights -
                              world.memory.activations - world.memory.kv));
}

std::string router_words(const serving::RouterSettings& router, const tp_router_table& table) {
  std::string words = router.plugin ? table.info()->name : router.policy;
  if (router.index_delay.value() > 0) {
    words += fmt::format(" by an index {} late", format_quantity(to_quantity(router.index_delay)));
  }
  return words;
}

double ms_of(int64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(llm::kTicksPerNs) * 1e-6;
}

/// One step of `n` decodes with `context` tokens each.
double decode_ms(const llm::StepTable& steps, uint32_t n, uint32_t context) {
  std::vector<int64_t> x;
  for (const llm::AttentionGroup& group : steps.groups) {
    x.push_back(n * group.kv_tokens(context));
  }
  return ms_of(steps.decode_ticks(n, x));
}

double prefill_ms(const llm::StepTable& steps, uint32_t tokens) {
  return ms_of(steps.token_ticks[tokens] + steps.sample_ticks[1] + steps.engine_ticks[1] +
               steps.prefill_attention_ticks(tokens, 0));
}

}  // namespace

std::vector<std::pair<std::string, double>> sample_steps(const scenario::World& world) {
  std::vector<std::pair<std::string, double>> samples;
  const uint32_t context = std::min(2048u, world.cluster.engine.max_model_tokens - 1);
  for (const uint32_t n : {1u, 32u, 256u}) {
    if (n > world.cluster.engine.max_sequences) continue;
    samples.emplace_back(fmt::format("decode of {} at {} tokens", n, context),
                         decode_ms(world.steps, n, context));
  }
  for (const uint32_t tokens : {512u, 2048u, 8192u}) {
    if (tokens > world.cluster.engine.max_batched_tokens) continue;
    samples.emplace_back(fmt::format("prefill of {} tokens", tokens),
                         prefill_ms(world.steps, tokens));
  }
  return samples;
}

std::vector<std::pair<std::string, Bytes>> memory_lines(const llm::HbmBudget& memory) {
  return {{"hbm", memory.hbm},
          {"usable", memory.usable},
          {"weights", memory.weights},
          {"activations", memory.activations},
          {"graphs", memory.graphs},
          {"reserve", memory.reserve},
          {"window_kv", memory.window_kv},
          {"state", memory.state},
          {"kv", memory.kv}};
}

std::string policy_words(const scenario::PolicySection& policy,
                         const scenario::UsedPlugins& plugins) {
  std::string words;
  if (!policy.eviction.plugin) words = "eviction " + policy.eviction.name;
  if (!policy.preset.empty())
    words = "preset " + policy.preset + (words.empty() ? "" : ", ") + words;
  for (const scenario::UsedPlugin& used : plugins) {
    words += fmt::format("{}{} {} {} of plug-in {}", words.empty() ? "" : ", ", used.place,
                         used.name, used.version, used.plugin->file());
  }
  return words;
}

std::string instances_text(const scenario::World& world) {
  const uint32_t prefill = world.cluster.prefill_instances;
  if (prefill == 0) return std::to_string(world.cluster.instances);
  return fmt::format("{} prefill + {} decode", prefill, world.cluster.instances - prefill);
}

reports::RunSetting setting_of(const Prepared& prepared) {
  const scenario::ScenarioSpec& spec = prepared.scenario.spec;
  const scenario::World& world = prepared.world;
  reports::RunSetting setting;
  setting.hardware = fmt::format("{} x {} ({} x {})", spec.cluster.nodes, spec.cluster.node.title,
                                 world.gpus_provisioned, spec.cluster.node.gpu.title);
  setting.engine = fmt::format(
      "{} instance(s){} of {} GPU(s), blocks of {} tokens, {} tokens and {} sequences a step, "
      "router {}",
      world.cluster.instances,
      world.cluster.prefill_instances > 0 ? " (" + instances_text(world) + ")" : "",
      world.gpus_per_instance, spec.engine.block_tokens, world.cluster.engine.max_batched_tokens,
      world.cluster.engine.max_sequences, router_words(spec.router, *world.cluster.router));
  setting.policy = policy_words(spec.policy, world.plugins);
  setting.workload = workload_words(spec.workload);
  setting.kv_blocks = kv_words(world);
  return setting;
}

std::string derived_text(const Prepared& prepared) {
  const scenario::World& world = prepared.world;
  std::string text = "derived:\n";
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<28} {}\n", name, value);
  };
  line("gpus provisioned", std::to_string(world.gpus_provisioned));
  line("instances", fmt::format("{} of {} GPU(s)", instances_text(world), world.gpus_per_instance));
  line("router", router_words(prepared.scenario.spec.router, *world.cluster.router));
  line("weights", name_of_choice(world.weights));
  line("kv", fmt::format("{}, {} B a token, {} B a block", name_of_choice(world.kv),
                         world.kv_bytes_per_token, world.block_bytes));
  for (const auto& [name, bytes] : memory_lines(world.memory)) {
    line("memory of a GPU: " + name, gib_text(bytes));
  }
  line("kv blocks of an instance",
       fmt::format("{} ({} tokens){}", world.cluster.engine.kv_blocks,
                   uint64_t{world.cluster.engine.kv_blocks} * world.cluster.engine.block_tokens,
                   world.kv_blocks_pinned ? ", pinned" : ""));
  for (const auto& [name, ms] : sample_steps(world)) line(name, fmt::format("{:.3f} ms", ms));
  return text + fabric_text(prepared.scenario.spec) + handoff_text(prepared);
}

std::string reference_text(const Prepared& prepared, const workload::ReferenceHits& hits,
                           const std::vector<reports::ThresholdOutcome>& thresholds) {
  std::string text = fmt::format(
      "{}: reference mode, one request at a time against an unbounded cache\n"
      "  requests            {}\n"
      "  input tokens        {}\n"
      "  prompt blocks       {} ({} distinct)\n"
      "  block hit ratio     {:.4f}\n"
      "  token hit ratio     {:.4f}  partial last blocks counted at their length\n"
      "  token hit ratio     {:.4f}  full blocks only\n",
      prepared.scenario.spec.name, hits.requests, hits.input_tokens, hits.blocks,
      hits.distinct_blocks, hits.block_hit_ratio(), hits.token_hit_ratio(),
      hits.full_block_token_hit_ratio());
  for (const reports::ThresholdOutcome& threshold : thresholds) {
    text += fmt::format("  {:<19} {}\n", threshold.pass ? "met" : "breached", threshold.expr);
  }
  return text;
}

}  // namespace tiercast::cli
