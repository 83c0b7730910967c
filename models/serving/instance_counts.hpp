#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

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

/// Time requests spent fetching from one tier, in ns: what the same fetches would not take alone,
/// and what they would.
struct TierTime {
  int64_t wait_ns = 0;
  int64_t move_ns = 0;

  TierTime& operator+=(const TierTime& other) {
    wait_ns += other.wait_ns;
    move_ns += other.move_ns;
    return *this;
  }
};

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
  llm::Int128 loading_area_ns = 0;  ///< of requests parked while their blocks come
  llm::Int128 stalled_ticks = 0;    ///< steps that waited for blocks to come or to leave
  llm::Int128 slowed_ticks = 0;     ///< that copies on GPU cores took from steps beside them
  // Sums over completed requests, by tier (0: another engine's memory, 1: the first below HBM).
  std::vector<TierTime> ttft_load;
  std::vector<TierTime> e2e_load;

  llm::Int128 waiting_area_of_all_ns() const {
    return std::accumulate(waiting_area_ns.begin(), waiting_area_ns.end(), llm::Int128{0});
  }
};

}  // namespace tiercast::serving
