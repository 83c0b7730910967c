// Whether a run shows a state that a longer one would show too.
#pragma once

#include "models/serving/outcome.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// The window is the time in which demand arrives, halved at its middle. Not steady, each with its
/// reason:
/// - fewer than 40 requests, or all at one instant: nothing to compare;
/// - saturated: requests in the system grow over the second half by more than 2 % of its arrivals
///   and by more than 4 sqrt(requests at its start + 1), which random fluctuation hardly reaches;
/// - token hit ratios of the halves differ by more than 0.05;
/// - the cache gives hits and a pool never evicted: a longer run would meet a fuller one.
/// Refused requests are left out.
Steady steadiness_of(const serving::Outcome& outcome);

}  // namespace tiercast::reports
