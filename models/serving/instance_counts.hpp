#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "models/llm/step_table.hpp"

namespace tiercast::serving {

/// What the head of a queue waits for, and so everybody behind it.
enum class WaitCause : uint8_t {
  step,       ///< the end of the step under way: it has not been tried yet
  sequences,  ///< max_sequences run
  tokens,     ///< the step's token budget is used up
  blocks,     ///< too few KV blocks are free or evictable
};
inline constexpr size_t kWaitCauses = 4;

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
  std::array<llm::Int128, kWaitCauses> waiting_area_ns{};  ///< by WaitCause
  llm::Int128 running_area_ns = 0;

  llm::Int128 waiting_area_of_all_ns() const {
    return std::accumulate(waiting_area_ns.begin(), waiting_area_ns.end(), llm::Int128{0});
  }
};

}  // namespace tiercast::serving
