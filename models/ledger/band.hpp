// How far joules and dollars may lie from the forecast for what the catalogue only estimates.
#pragma once

#include <cstdint>

#include "models/hardware/specs.hpp"
#include "models/ledger/ledger.hpp"
#include "models/ledger/provision.hpp"

namespace tiercast::ledger {

/// The least and the most of a result over the ranges of the catalogue. All estimates
/// lie at the same end at once: no interval of confidence.
struct Band {
  double low = 0;
  double high = 0;
};

/// Which end of their ranges figures are moved to.
enum class End : uint8_t { low, high };

/// The same boxes with every watt, loss, joule per byte and price at the `end` of its range; a
/// figure without one stays. Rates, latencies and capacities stay: they would change what the run
/// did.
Provision at_end(Provision provision, End end);

/// The same for PUE, electricity, carbon and upkeep. Years of life go to the other end, since
/// capital falls as they rise.
hardware::FacilitySpec at_end(hardware::FacilitySpec facility, End end);

/// Joules of nodes and fabric at both ends. A part draws idle watts x (time - busy time) + active
/// watts x busy time, all x (1 + loss): with no part metered busy for longer than it stood there,
/// joules rise with every figure, so the two ends span them. Outside of it: what moves the run
/// itself (rates, latencies, kernel times, and with them GPU joules above idle).
Band energy_band(const Provision& provision, const hardware::FacilitySpec& facility,
                 const Meters& meters);

/// USD of the whole run at both ends, likewise: money falls with no figure but the years of life.
Band cost_band(const Provision& provision, const hardware::FacilitySpec& facility, Pricing pricing,
               const Meters& meters);

}  // namespace tiercast::ledger
