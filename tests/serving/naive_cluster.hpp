#pragma once

#include <cstdint>

#include "models/llm/step_table.hpp"
#include "models/serving/cluster.hpp"
#include "models/serving/outcome.hpp"
#include "models/workload/demand_source.hpp"

namespace tiercast::tests {

enum class NaiveVictims : uint8_t {
  table,    ///< from spec.eviction, block by block
  list_lru  ///< from ListLru, whatever spec.eviction says
};

/// What serving::Cluster computes, one step at a time, every running sequence touched in every
/// step and every block on its own: written from models/serving/README.md. `effort` stays zero.
serving::Outcome run_naive(const serving::ClusterSpec& spec, const llm::StepTable& table,
                           workload::DemandSource& source,
                           NaiveVictims victims = NaiveVictims::table);

}  // namespace tiercast::tests
