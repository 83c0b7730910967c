#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "models/llm/step_table.hpp"
#include "models/serving/cluster.hpp"
#include "models/workload/demand_source.hpp"

namespace tiercast::tests {

/// A small cluster under demand that seeks out corners: pools too small for the load, blocks of any
/// size, windows and knots, chunks, bursts, shared prefixes, closed loops.
struct RandomScenario {
  serving::ClusterSpec spec;
  llm::StepTable table;
  uint64_t number = 0;

  /// A fresh source of the scenario's demand.
  std::unique_ptr<workload::DemandSource> demand() const;
  std::string describe() const;
};

RandomScenario make_random_scenario(uint64_t number);

}  // namespace tiercast::tests
