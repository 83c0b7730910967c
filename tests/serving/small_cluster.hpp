#pragma once

#include <cstdint>
#include <vector>

#include "models/llm/step_table.hpp"
#include "models/serving/cluster.hpp"
#include "models/workload/request.hpp"
#include "tests/support/linear_table.hpp"

namespace tiercast::tests {

/// Clusters for sums worked by hand. In whole ns, a step costs
///   100 + 10 a new token + 5 a sampled sequence + 1 a KV token that a decode reads + 7 a chunk:
/// a prompt of p tokens alone 112 + 10 p (107 + 10 p where it goes on), a decode of length L alone
/// 115 + L, L counting the token being written.
LinearCosts hand_costs();

/// One instance with blocks of 4 tokens, 64 of them, LRU, 100 tokens a step, 8 sequences.
serving::ClusterSpec small_cluster();

workload::Request request_of(int64_t arrival_ns, uint32_t input_tokens, uint32_t output_tokens);
/// With ids of `id_tokens` that cover the input as far as they go, the last one cut where it ends.
workload::Request request_of(int64_t arrival_ns, uint32_t input_tokens, uint32_t output_tokens,
                             uint32_t id_tokens, std::vector<uint64_t> ids);

/// Runs these requests with the hand costs.
serving::Outcome run_small(const serving::ClusterSpec& spec,
                           std::vector<workload::Request> requests);

}  // namespace tiercast::tests
