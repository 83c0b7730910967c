// Tables for other programs: one row a request, and a series over simulated time.
#pragma once

#include <string>

#include "models/serving/request_log.hpp"

namespace tiercast::reports {

/// `requests.csv`: a header, then the requests in order of arrival. Times are whole nanoseconds
/// from the start of the run; what a refused request does not have (stamps, instance, parts) is
/// empty. The parts of `ttft_` and `e2e_` columns sum to `ttft_ns` and `e2e_ns` exactly.
std::string requests_csv(const serving::RequestLog& log);

/// `timeseries.csv`: a pure function of the log. The grid step is the first of 1, 2, 5 x 10^k ns
/// that needs at most 200 steps to reach the end. The row at time_ns counts what happened in
/// (time_ns - step, time_ns] (the first row: from 0 on), and the requests in the system at time_ns:
/// `waiting` for their first admission and `running` from there on, preempted ones included.
/// Refused requests count among the arrivals only.
std::string timeseries_csv(const serving::RequestLog& log);

}  // namespace tiercast::reports
