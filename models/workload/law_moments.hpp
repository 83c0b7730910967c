// What is known of a law without drawing from it: what a client that knows its own habits could
// say.
#pragma once

#include <cstdint>

#include "models/workload/law.hpp"

namespace tiercast::workload {

/// Mean of what draw() gives with these bounds, to the nearest integer. Exact but for rounding of
/// the single draws; of a lognormal law by the trapezoidal rule, to about 1e-5 where it is clipped.
template <class T>
std::int64_t mean_of(const Law<T>& law, std::int64_t lowest, std::int64_t highest);

/// What a share `p` of draws, 0 < p < 1, does not exceed.
template <class T>
std::int64_t quantile_of(const Law<T>& law, double p, std::int64_t lowest, std::int64_t highest);

}  // namespace tiercast::workload
