// Energy and money of a run, from its meters and the catalogue.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/hardware/specs.hpp"
#include "models/ledger/ledger.hpp"
#include "models/serving/outcome.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// The boxes that a run occupies, used or not.
struct Site {
  hardware::NodeSpec node;
  hardware::FacilitySpec facility;
  uint32_t nodes = 0;
  uint32_t gpus_per_instance = 0;
  ledger::Pricing pricing = ledger::Pricing::rent;
  std::optional<hardware::FabricSpec> fabric;
  std::optional<hardware::StorageUnits> context;
  std::optional<hardware::StorageUnits> external;
  uint32_t pods = 1;

  uint32_t gpus() const { return nodes * node.gpus; }
  ledger::Provision provision() const;
};

/// What energy and money are spread over.
struct Output {
  Seconds duration;  ///< simulated
  TokenCounts tokens;
  uint64_t tasks = 0;  ///< completed sessions; 0: demand without sessions
};

/// What the instances drew and worked, and what tiers moved, in the window: from the end of
/// warm-up, or without one from the first arrival, to the end. An HBM-only run moves nothing
/// through DRAM or NICs that counts.
ledger::Meters meters_of(const serving::Outcome& outcome, const Site& site);

/// Of each kind of storage that is provisioned and holds no tier, a whole sentence: the shares of
/// `energy` and `cost` that the same run would do without it, its switches and cables included.
std::vector<std::string> unused_storage(const serving::Outcome& outcome, const Site& site,
                                        const ledger::Energy& energy, const ledger::Cost& cost);

EnergyUse energy_use(const ledger::Energy& energy, const Output& output);
CostUse cost_use(const ledger::Cost& cost, ledger::Pricing pricing, const Output& output);

}  // namespace tiercast::reports
