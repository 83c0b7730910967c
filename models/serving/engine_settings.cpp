#include "models/serving/engine_settings.hpp"

#include "models/policy/router.hpp"
#include "sim/base/field_table.hpp"

namespace tiercast::serving {

std::vector<Choice<EngineRules>> choices(EngineRules) {
  return {{"continuous", EngineRules::continuous, "continuous batching, as vLLM v1"},
          {"oracle", EngineRules::oracle,
           "reference mode: one request at a time, unbounded cache, prompt blocks only, no time"}};
}

std::vector<Choice<OverLength>> choices(OverLength) {
  return {{"reject", OverLength::reject, "refused and counted"},
          {"truncate", OverLength::truncate, "input, then output, cut to fit, and counted"}};
}

std::vector<Choice<Isolation>> choices(Isolation) {
  return {{"none", Isolation::none, "equal prompts share, whoever sends them"},
          {"tenant", Isolation::tenant, "only those of one tenant, in every tier"}};
}

namespace {

std::vector<std::string> router_names() {
  std::vector<std::string> names;
  for (const policy::RouterEntry& entry : policy::router_policies()) names.emplace_back(entry.name);
  return names;
}

std::optional<std::vector<FieldInfo>> parameters_of(const RouterSettings& router) {
  const policy::RouterEntry* entry = policy::find_router_policy(router.policy);
  if (entry == nullptr) return std::nullopt;
  return parameter_fields(entry->parameters);
}

bool looks_at_blocks(const std::string& router) {
  const policy::RouterEntry* entry = policy::find_router_policy(router);
  return entry != nullptr && (entry->table->info()->capabilities & TP_CAP_READS_MATCHES) != 0;
}

}  // namespace

const FieldTable<EngineSettings>& EngineSettings::fields() {
  using namespace table;
  using S = EngineSettings;
  // clang-format off
  static const auto table = FieldTable<S>("engine", "How one engine replica schedules and stores.", {
      field("preset", &S::preset, by_default("vllm"), "Which engine, and of when: a catalogue entry, whose keys the others override."),
      field("title", &S::title, by_default(""), "Name for people."),
      field("source", &S::source, by_default(""), "Where its figures come from."),
      field("rules", &S::rules, by_default("continuous"), "How it schedules."),
      field("overhead", &S::overhead, required, "Time of its software."),
      field("tp", &S::tp, by_default("1"), between(1, 1024), also_called("tensor_parallel_size"), "GPUs that share each layer of one instance (tensor parallel)."),
      field("pp", &S::pp, by_default("1"), between(1, 128), also_called("pipeline_parallel_size"), "Stages that share the layers of one instance (pipeline parallel)."),
      field("dp", &S::dp, by_default("1"), between(1, 1024), also_called("data_parallel_size"), "Attention replicas that share the experts of one instance (data parallel)."),
      field("ep", &S::ep, by_default("1"), between(1, 1024), "1: experts are split by width; tp x dp: each GPU holds whole experts."),
      field("instances", &S::instances, absent_means("as many as the GPUs hold"), between(1, 4096), "Engine replicas."),
      field("block_tokens", &S::block_tokens, by_default("16"), between(1, 4096), also_called("block_size"), also_called("page_size"), "Tokens of one KV block."),
      field("max_batched_tokens", &S::max_batched_tokens, by_default("8192"), between(1, 1 << 20), also_called("max_num_batched_tokens"), also_called("chunked_prefill_size"), "Token budget of a step."),
      field("max_sequences", &S::max_sequences, by_default("256"), between(1, 1 << 16), also_called("max_num_seqs"), also_called("max_running_requests"), "Requests running at once; at most max_batched_tokens."),
      field("max_model_tokens", &S::max_model_tokens, absent_means("the model's context"), at_least(2), also_called("max_model_len"), also_called("context_length"), "Longest request, input and output."),
      field("over_length", &S::over_length, by_default("reject"), "What becomes of longer requests."),
      field("memory", &S::memory, by_default("{}"), also_called("gpu_memory_utilization", "memory.utilization"), also_called("num_gpu_blocks_override", "memory.kv_blocks"), "How GPU memory is divided."),
      field("sampling", &S::sampling, by_default("greedy"), "How the next token is chosen."),
      field("watermark", &S::watermark, by_default("0"), between(0.0, 0.9), "Share of blocks kept free when a request is admitted beside others."),
      field("chunked_prefill", &S::chunked_prefill, by_default("true"), also_called("enable_chunked_prefill"), "Split prompts over steps, beside decodes."),
      field("prefix_caching", &S::prefix_caching, by_default("true"), also_called("enable_prefix_caching"), "Reuse blocks of known prefixes."),
      field("isolation", &S::isolation, absent_means("none"), "Whose requests share cached prefixes: the salt of a block's key."),
  }).catalogue("engines", "preset").shorthand("preset").must("max_sequences must not exceed max_batched_tokens", [](const S& s) {
    return static_cast<int64_t>(s.max_sequences) <= s.max_batched_tokens.value();
  });
  // clang-format on
  return table;
}

const FieldTable<RouterSettings>& RouterSettings::fields() {
  using namespace table;
  using S = RouterSettings;
  // clang-format off
  static const auto table = FieldTable<S>("router", "Which instance an arriving request goes to.", {
      field("policy", &S::policy, by_default("prefix"), names_from(router_names), also_called("name"), "A router of the library: `tiercast policies` lists them."),
      field("index_delay", &S::index_delay, by_default("0s"), at_least(0), at_most("10y"), "How late the router hears of blocks that instances cached or evicted."),
      field("plugin", &S::plugin, absent_means("a router of the library"), kPluginMeaning),
      field("config", &S::config, absent_means("its defaults"), kConfigMeaning),
      rest(&S::parameters, parameters_of, "Parameters of that policy."),
  }).shorthand("policy").must("index_delay needs a policy that looks at blocks, such as prefix; else leave it out", [](const S& s) {
    return s.index_delay.value() == 0 || s.plugin || looks_at_blocks(s.policy);
  });
  // clang-format on
  return table;
}

std::string RouterSettings::config_lines() const {
  return plugin ? plugin_lines(config) : serving::config_lines(parameters);
}

}  // namespace tiercast::serving
