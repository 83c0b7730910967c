#include "models/scenario/tier_world.hpp"

#include <string>

#include "models/scenario/tier_builder.hpp"

namespace tiercast::scenario {

namespace {

// The order of lookup goes outwards, GPU memory first, each tier once.
bool check_order(const ScenarioSpec& spec, Problems& problems) {
  bool good = true;
  const auto wrong = [&](size_t i, const std::string& what, const std::string& hint) {
    problems.add("tiers." + std::to_string(i) + ".kind", what, hint);
    good = false;
  };
  if (spec.tiers.empty() || spec.tiers.front().kind != TierName::hbm) {
    problems.add("tiers", "the first tier is GPU memory", "begin the list with hbm");
    return false;
  }
  const TierSection& hbm = spec.tiers.front();
  if (hbm.capacity || hbm.stack || hbm.scope) {
    wrong(0, "GPU memory is sized by engine.memory and has neither scope nor stack",
          "leave capacity, scope and stack of hbm out");
  }
  bool has_host = false;
  for (size_t i = 1; i < spec.tiers.size(); ++i) {
    const TierName kind = spec.tiers[i].kind;
    const TierName before = spec.tiers[i - 1].kind;
    const std::string name = name_of_choice(kind);
    if (kind == before) {
      wrong(i, name + " is listed twice", "one entry a tier");
    } else if (kind < before) {
      wrong(i, name + " comes after " + name_of_choice(before) + ", which is farther from the GPU",
            "order: hbm, dram, peer, nvme, context, external");
    }
    if (kind == TierName::peer && !has_host) {
      wrong(i, "peer reads the dram tier of other nodes, and there is none", "list dram before it");
    }
    if (kind == TierName::peer && spec.cluster.nodes < 2) {
      wrong(i, "peer needs a second node", "raise cluster.nodes");
    }
    has_host = has_host || kind == TierName::dram;
  }
  if (spec.tiers.size() > 1 && !spec.engine.prefix_caching) {
    problems.add("engine.prefix_caching", "tiers below GPU memory need it", "set it to true");
    good = false;
  }
  return good;
}

}  // namespace

std::optional<tiering::TierSetSpec> build_tiers(const ScenarioSpec& spec, const World& world,
                                                Problems& problems) {
  if (!check_order(spec, problems)) return std::nullopt;
  if (spec.tiers.size() < 2 && !spec.disaggregation) return std::nullopt;
  if (spec.disaggregation && spec.disaggregation->prefill_instances >= world.cluster.instances) {
    problems.add(
        "disaggregation.prefill_instances",
        "leaves none of the " + std::to_string(world.cluster.instances) + " instances to decode",
        "lower it, or raise engine.instances or cluster.nodes");
  }
  if (spec.disaggregation && fabric_bandwidth(spec.cluster.node) <= 0) {
    problems.add("disaggregation", "the node has no port to other nodes",
                 "say cluster.node.nics with fabric: east-west");
  }
  tiering::TierSetSpec set = TierBuilder(spec, world, problems).build();
  if (problems.any()) return std::nullopt;
  return set;
}

}  // namespace tiercast::scenario
