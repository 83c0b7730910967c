#pragma once

#include <cstdint>
#include <vector>

#include "models/workload/request.hpp"

namespace tiercast::serving {

enum class RequestState : uint8_t { offered, completed, rejected };

/// Where a request's time went, in ns. The parts sum to the whole exactly.
struct TimeParts {
  int64_t route_ns = 0;  ///< through the server's front end
  int64_t queue_ns = 0;
  int64_t metadata_ns = 0;   ///< asking where blocks are
  int64_t load_wait_ns = 0;  ///< fetching blocks: what the same fetch would not take alone
  int64_t load_move_ns = 0;  ///< fetching blocks: what it takes alone
  int64_t handoff_ns = 0;    ///< moving from a prefill to a decode engine
  int64_t prefill_ns = 0;
  int64_t interference_ns = 0;  ///< steps, less the same steps without the others
  int64_t decode_ns = 0;
  int64_t engine_ns = 0;

  int64_t total_ns() const {
    return route_ns + queue_ns + metadata_ns + load_wait_ns + load_move_ns + handoff_ns +
           prefill_ns + interference_ns + decode_ns + engine_ns;
  }
};

/// One request's facts; times are simulated, from the start of the run.
struct RequestRecord {
  uint64_t id = 0;
  uint64_t session = 0;
  int64_t arrival_ns = 0;
  int64_t admitted_ns = -1;  ///< first time it entered a batch
  int64_t first_token_ns = -1;
  int64_t finished_ns = -1;
  uint32_t tenant = 0;
  uint32_t priority = 0;  ///< 0: none is told
  int64_t retain_ns = 0;  ///< for so long from its arrival on its blocks keep it; 0: for good
  uint32_t input_tokens = 0;
  uint32_t output_tokens = 0;
  uint32_t cached_tokens = 0;    ///< of the input, found at first admission: HBM and lower tiers
  uint32_t loaded_tokens = 0;    ///< of those, fetched from lower tiers
  uint32_t computed_tokens = 0;  ///< prefilled, recomputation after preemption included
  uint32_t preemptions = 0;
  uint32_t instance = 0;
  RequestState state = RequestState::offered;
  bool truncated = false;
  bool ends_session = true;  ///< no call of its session was to follow
  uint32_t turn = 0;         ///< within the session, from 0
  workload::SessionOutlook outlook;
  TimeParts ttft;  ///< of arrival to first token
  TimeParts e2e;   ///< of arrival to last token
};

/// Records in the order of arrival: the canonical order of results.
using RequestLog = std::vector<RequestRecord>;

}  // namespace tiercast::serving
