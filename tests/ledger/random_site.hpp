// Random clusters over five tiers, run through the scenario's own compilation.
#pragma once

#include <cstdint>
#include <vector>

#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"
#include "reports/economics.hpp"
#include "tests/support/linear_table.hpp"

namespace tiercast::tests {

/// A cluster with boxes of every kind and a world to run it in. What it draws can be worked out
/// from its log, since a step costs a sum of proportions.
struct RandomSite {
  scenario::ScenarioSpec spec;
  scenario::World world;
  LinearCosts costs;

  reports::Site site() const;
  bool hands_over() const { return world.cluster.prefill_instances > 0; }
};

/// Draws sites by number: watts, rates, counts, cards, drives, stacks, pods, capacities, policies.
/// Where there is a fabric, each of its networks is one switch.
class RandomSites {
 public:
  RandomSites();

  RandomSite make(uint64_t number) const;
  /// The same with `costs`.
  static void set_costs(RandomSite& site, const LinearCosts& costs);

 private:
  scenario::Scenario base_;
  std::vector<hardware::StackSpec> stacks_;
  const hardware::StackSpec& stack(const char* name) const;
  friend class SiteDraw;
};

}  // namespace tiercast::tests
