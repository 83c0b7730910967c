#include "tests/serving/small_cluster.hpp"

#include <algorithm>
#include <utility>

#include "tests/serving/test_demand.hpp"

namespace tiercast::tests {

using serving::ClusterSpec;
using workload::Request;

LinearCosts hand_costs() {
  LinearCosts costs;
  costs.engine_ticks = 100 * llm::kTicksPerNs;
  costs.token_ticks = 10 * llm::kTicksPerNs;
  costs.sample_ticks = 5 * llm::kTicksPerNs;
  costs.kv_ticks = llm::kTicksPerNs;
  costs.chunk_ticks = 7 * llm::kTicksPerNs;
  return costs;
}

ClusterSpec small_cluster() {
  ClusterSpec spec;
  spec.engine.block_tokens = 4;
  spec.engine.kv_blocks = 64;
  spec.engine.max_batched_tokens = 100;
  spec.engine.max_sequences = 8;
  spec.engine.max_model_tokens = 1000;
  spec.eviction = tp_find_builtin_cache("lru");
  spec.block_bytes = 4096;
  return spec;
}

Request request_of(int64_t arrival_ns, uint32_t input_tokens, uint32_t output_tokens) {
  Request request;
  request.arrival_ns = arrival_ns;
  request.input_tokens = input_tokens;
  request.output_tokens = output_tokens;
  return request;
}

Request request_of(int64_t arrival_ns, uint32_t input_tokens, uint32_t output_tokens,
                   uint32_t id_tokens, std::vector<uint64_t> ids) {
  Request request = request_of(arrival_ns, input_tokens, output_tokens);
  request.id_tokens = id_tokens;
  const auto before = static_cast<uint32_t>(ids.size() - 1) * id_tokens;
  request.last_id_tokens = std::min(id_tokens, input_tokens - before);
  request.ids = std::move(ids);
  return request;
}

serving::Outcome run_small(const ClusterSpec& spec, std::vector<Request> requests) {
  const llm::StepTable table = make_linear_table(2000, 64, hand_costs());
  ListSource source(std::move(requests));
  return serving::Cluster(spec, table, source).run();
}

}  // namespace tiercast::tests
