#pragma once

#include <cstdint>

#include "models/llm/step_table.hpp"

namespace tiercast::serving {

/// What one instance did, as exact sums. Energy is mW x ticks above idle.
struct InstanceCounts {
  uint64_t steps = 0;
  uint64_t advances = 0;  ///< segments and single steps: what the simulator paid for
  uint64_t prefill_tokens = 0;
  uint64_t decode_tokens = 0;
  uint64_t preemptions = 0;
  uint64_t completed = 0;
  llm::Int128 busy_ticks = 0;
  llm::Int128 dynamic_energy = 0;
  // Integrals over simulated time of the requests waiting and running: Little's law as an area.
  llm::Int128 waiting_area_ns = 0;
  llm::Int128 running_area_ns = 0;
};

}  // namespace tiercast::serving
