#include "models/serving/cluster_check.hpp"

#include <algorithm>
#include <utility>

namespace tiercast::serving {

std::optional<tiering::CheckedCache> make_cache(const ClusterSpec& spec, std::string& error,
                                                const tp_tape* tape) {
  const tp_pool pool{sizeof(tp_pool),
                     spec.engine.kv_blocks,
                     spec.engine.block_tokens,
                     spec.block_bytes,
                     tiering::BlockPool::slots_for(spec.engine.kv_blocks),
                     0};
  return tiering::CheckedCache::create(*spec.eviction, pool, spec.eviction_config, spec.seed, error,
                                       spec.policy_checks, tape);
}

std::optional<CheckedRouter> make_router(const ClusterSpec& spec, std::string& error) {
  return CheckedRouter::create(*spec.router, spec.router_config, spec.seed, error,
                               spec.policy_checks);
}

std::string why_no_pool(const ClusterSpec& spec) {
  std::string error;
  return make_cache(spec, error) ? "" : error;
}

std::string why_no_router(const ClusterSpec& spec) {
  std::string error;
  return make_router(spec, error) ? "" : error;
}

std::vector<std::string> check_cluster(const ClusterSpec& spec, const llm::StepTable& table) {
  std::vector<std::string> problems;
  const EngineSpec& engine = spec.engine;
  const auto need = [&](bool holds, std::string what) {
    if (!holds) problems.push_back(std::move(what));
  };
  need(spec.instances >= 1, "at least one instance is needed");
  need(spec.prefill_instances == 0 || spec.prefill_instances < spec.instances,
       "with prefill instances of its own a cluster needs a decode instance too");
  need(spec.prefill_instances == 0 || (spec.tiers && engine.prefix_caching),
       "handing prompts over needs prefix caching and the links between engines");
  need(engine.block_tokens >= 1, "engine.block_tokens must be at least 1");
  need(engine.kv_blocks >= 1, "no KV block fits the GPU memory");
  need(engine.max_sequences >= 1 && engine.max_sequences <= table.max_sequences,
       "engine.max_sequences must lie within the step table");
  need(engine.max_batched_tokens >= engine.max_sequences &&
           engine.max_batched_tokens <= table.max_tokens,
       "engine.max_batched_tokens must be at least engine.max_sequences");
  need(engine.max_model_tokens >= 2, "engine.max_model_tokens must be at least 2");
  need(engine.chunked_prefill || engine.max_batched_tokens >= engine.max_model_tokens,
       "without chunked prefill engine.max_batched_tokens must reach engine.max_model_tokens");
  need(ContentMap::compatible(spec.id_tokens, std::max(1u, engine.block_tokens)),
       "engine.block_tokens and the tokens of a trace's content id must divide one another");
  need(spec.eviction != nullptr, "no eviction policy");
  if (!problems.empty()) return problems;
  std::string error = why_no_router(spec);
  if (!error.empty()) problems.push_back(error);
  error = why_no_pool(spec);
  need(error.empty(), "the eviction policy refuses a pool of " + std::to_string(engine.kv_blocks) +
                          " blocks: " + error);
  return problems;
}

}  // namespace tiercast::serving
