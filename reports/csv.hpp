// Tables for other programs: one row a request, and a series over simulated time.
#pragma once

#include <cstdint>
#include <string>

#include "models/serving/request_log.hpp"

namespace tiercast::reports {

/// `requests.csv`: a header, then the requests in order of arrival. Times are whole nanoseconds
/// from the start of the timed window, `start_ns` (Outcome::start_ns): that of the run, or the end
/// of warm-up. What a refused request does not have (stamps, instance, parts) is empty.
/// `loaded_tokens` are those of `cached_tokens` that came from below GPU memory. The parts of
/// `ttft_` and `e2e_` columns sum to `ttft_ns` and `e2e_ns` exactly.
std::string requests_csv(const serving::RequestLog& log, int64_t start_ns = 0);

/// `timeseries.csv`: a pure function of the log. Time 0 is `start_ns`, as above. The grid step is
/// the first of 1, 2, 5 x 10^k ns that needs at most 200 steps to reach the end. The row at time_ns
/// counts what happened in (time_ns - step, time_ns] (the first row: from 0 on), and the requests
/// in the system at time_ns: `waiting` for their first admission and `running` from there on,
/// preempted ones included. Refused requests count among the arrivals only.
std::string timeseries_csv(const serving::RequestLog& log, int64_t start_ns = 0);

}  // namespace tiercast::reports
