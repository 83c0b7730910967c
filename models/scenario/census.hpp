#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/scenario/load.hpp"

namespace tiercast::scenario {

/// Which figures of a scenario bear on what, by their dotted paths.
class Bearing {
 public:
  /// `spec` must outlive it.
  explicit Bearing(const ScenarioSpec& spec);

  /// On any number of a result.
  bool on_result(const std::string& path) const;
  /// On what a run does and when: blocks move through the part, or steps are computed by it.
  /// Whether a figure of its kind can is for others to say.
  bool on_time(const std::string& path) const;

 private:
  bool uses(TierName kind) const { return used_.contains(kind); }
  bool takes_part(const std::string& path) const;
  bool in_use(const std::string& path) const;
  const hardware::NicSpec& nic_of(const std::string& path) const;

  const ScenarioSpec& spec_;
  std::set<TierName> used_;
  bool moves_ = false;                // to or from GPU memory
  bool over_host_ = false;            // through host memory
  bool over_dpus_ = false;            // of the nodes, or their index there
  bool over_switches_ = false;        // between boxes
  bool card_memory_ = false;          // of enclosures' DPUs holds blocks
  bool hands_over_on_node_ = false;   // from an engine to one beside it
  bool beside_nodes_ = false;         // switches or storage stand there
  std::set<hardware::Fabric> ports_;  // whose NICs carry blocks
};

/// How sure the figures are that a result of the scenario rests on: those of the scenario and of
/// the calibration that its GPU names, less what does not bear on any number of the result.
struct FigureCensus {
  std::map<std::string, uint64_t> counts_by_kind;
  std::vector<std::string> estimates;  ///< dotted paths
  std::string weakest;                 ///< kind; empty without figures
};
FigureCensus count_figures(const Scenario& scenario);

}  // namespace tiercast::scenario
