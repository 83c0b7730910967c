// Reference mode (`engine: oracle`): how much reuse a demand holds, whatever serves it.
#pragma once

#include <cstdint>

#include "models/workload/demand_source.hpp"

namespace tiercast::workload {

/// Counts over requests taken one at a time in order of arrival. A request first looks up its
/// prompt's blocks: the hit is the leading unbroken run of known ids. Then all its prompt blocks
/// become known at once, for good.
///
/// A prompt block ends inside the input or with it: the last may be partial. An id that reaches
/// into the output is no prompt block. Requests without ids count in the denominators.
struct ReferenceHits {
  std::uint64_t requests = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t blocks = 0;  ///< prompt blocks with an id
  std::uint64_t distinct_blocks = 0;
  std::uint64_t hit_blocks = 0;
  std::uint64_t hit_tokens = 0;       ///< a partial tail counts at its real length
  std::uint64_t full_hit_tokens = 0;  ///< full blocks only

  double block_hit_ratio() const;
  double token_hit_ratio() const;
  double full_block_token_hit_ratio() const;
};

/// Drains `source`, at most `requests_max` requests and none that arrives at `end_ns` or later;
/// each completes the moment it arrives. `isolated`: tenants share nothing.
ReferenceHits reference_hits(DemandSource& source, std::uint64_t requests_max = ~std::uint64_t{0},
                             std::int64_t end_ns = INT64_MAX, bool isolated = false);

}  // namespace tiercast::workload
