#include "models/scenario/preset_sources.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace tiercast::scenario {

namespace {

/// What a preset that knows lower tiers says of them; a test holds it to the catalogue.
constexpr std::array kLowerRules{"lower_eviction",    "placement.write",   "placement.fetch",
                                 "placement.content", "placement.promote", "placement.demote",
                                 "placement.prefetch"};

/// The scenario's where any part of the rule is, else the preset's where any is, else a default.
Origin origin_of(const Node& rule) {
  if (!rule.is_map()) return rule.origin;
  Origin origin = Origin::default_value;
  for (const NodeEntry& entry : rule.entries) origin = std::min(origin, origin_of(entry.value));
  return origin;
}
static_assert(Origin::scenario < Origin::set_flag && Origin::set_flag < Origin::catalogue &&
              Origin::catalogue < Origin::default_value);

/// The source of a rule that is not the preset's.
Node source_of(const Node& rule) {
  const Origin origin = origin_of(rule);
  return Node::scalar(origin == Origin::default_value ? "assumption" : "scenario", rule.place,
                      origin);
}

}  // namespace

void settle_sources(ScenarioSpec& spec, Node& resolved) {
  Node* policy = resolved.find("policy");
  Node* sources = policy != nullptr ? policy->find("sources") : nullptr;
  if (spec.policy.preset.empty() || sources == nullptr || !sources->is_map()) return;
  const auto is_of_preset = [](const Node& source) { return source.origin == Origin::catalogue; };
  std::erase_if(sources->entries, [&](const NodeEntry& source) {  // a plug-in has no such rule
    return is_of_preset(source.value) && at_path(*policy, source.key) == nullptr;
  });
  for (NodeEntry& source : sources->entries) {
    const Node* rule = at_path(*policy, source.key);
    if (rule == nullptr || origin_of(*rule) == Origin::catalogue) continue;
    if (is_of_preset(source.value)) source.value = source_of(*rule);
  }
  if (spec.tiers.size() > 1) {  // the first is GPU memory
    for (const char* path : kLowerRules) {
      const Node* rule = at_path(*policy, path);
      if (rule != nullptr && sources->find(path) == nullptr) sources->set(path, source_of(*rule));
    }
  }
  spec.policy.sources->clear();
  for (const NodeEntry& source : sources->entries) {
    (*spec.policy.sources)[source.key] = source.value.text;
  }
}

}  // namespace tiercast::scenario
