// How far a result lies apart over the ranges of the figures that its run's times rest on.
#pragma once

#include "reports/result.hpp"

namespace tiercast::reports {

/// The lowest and the highest of three runs of one demand, of each number that all of them have.
/// What they rest on is not known here.
Bands bands_of(const Result& main, const Result& fast, const Result& slow);

/// Bands of energy and cost become the envelope of those of the three runs, each over the ranges of
/// its own watts and prices. `fast` and `slow` may be `main` itself.
void widen_bands(const Result& fast, const Result& slow, Result& main);

}  // namespace tiercast::reports
