// A scenario with what is uncertain in it at one end: all that makes it faster, or slower.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/ledger/band.hpp"
#include "models/scenario/load.hpp"

namespace tiercast::scenario {

enum class Pace : uint8_t { fast, slow };

/// Which end of a range is the fast one, by the figure's key (`read_latency`: low). Nothing for
/// what moves no run: watts but the GPU's limit, prices, wear; and for capacities but that of GPU
/// memory, which stay as they are bought, though hits rest on them.
std::optional<ledger::End> fast_end(std::string_view key);

/// Figures of one part, `cluster.node.drives.0`, that have a range of some width and bear on when
/// things happen in a run of the scenario.
struct PacedPart {
  std::string path;
  std::vector<std::string> figures;  ///< their keys, `read_latency`
};
std::vector<PacedPart> paced_parts(const Scenario& scenario);

/// The scenario with all such figures at the fast or the slow end of their ranges, or those of one
/// `part` alone. A figure keeps kind, source and range. Nothing where such a scenario does not
/// read; `found` says why.
std::optional<Scenario> at_pace(const Scenario& scenario, Pace pace, Diagnostics& found,
                                std::string_view part = {});

}  // namespace tiercast::scenario
