#include "models/scenario/tier_world.hpp"

#include <string>

#include "models/scenario/tier_builder.hpp"

namespace tiercast::scenario {

std::optional<tiering::TierSetSpec> build_tiers(const ScenarioSpec& spec, const World& world,
                                                Problems& problems) {
  if (spec.tiers.size() < 2 && !spec.disaggregation) return std::nullopt;
  if (spec.disaggregation && spec.disaggregation->prefill_instances >= world.cluster.instances) {
    problems.add(
        "disaggregation.prefill_instances",
        "leaves none of the " + std::to_string(world.cluster.instances) + " instances to decode",
        "lower it, or raise engine.instances or cluster.nodes");
  }
  tiering::TierSetSpec set = TierBuilder(spec, world, problems).build();
  if (problems.any()) return std::nullopt;
  return set;
}

}  // namespace tiercast::scenario
