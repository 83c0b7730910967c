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
/// - the cache gives hits and an HBM pool never evicted: a longer run would meet a fuller one;
/// - a tier below it was written to, never evicted, and is less than 95 % full at the end: a filled
///   one evicts, and hits more before that. How long it takes to fill is said from its mean rate
///   since it was empty; it slows as content repeats, so that is the least.
/// Refused requests are left out.
Steady steadiness_of(const serving::Outcome& outcome);

}  // namespace tiercast::reports
