// What a run's writes take of the drives' life.
#pragma once

#include <optional>

#include "models/ledger/ledger.hpp"
#include "models/ledger/provision.hpp"

namespace tiercast::ledger {

/// Of the drives of one tier, all of which wear alike: objects are spread over them.
struct Wear {
  double share = 0;       ///< of rated life that the run used up
  double wear_years = 0;  ///< to the rating's end at the run's pace: duration / share
};

/// Absent where a tier has no drives, nothing was written, or no time passed.
struct WearByTier {
  std::optional<Wear> node_drives;  ///< of nodes that hold several kinds, the kind that ends first
  std::optional<Wear> context;
  std::optional<Wear> external;
};

/// A drive's share is DriveSpec::wear of its part of the bytes written: Meters' host bytes, times
/// a service's write_copies, over all drives of the tier.
WearByTier wear(const Provision& provision, const Meters& meters);

}  // namespace tiercast::ledger
