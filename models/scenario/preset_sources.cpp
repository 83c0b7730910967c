#include "models/scenario/preset_sources.hpp"

#include <array>
#include <string>

namespace tiercast::scenario {

namespace {

/// What a preset that knows lower tiers says of them; a test holds it to the catalogue.
constexpr std::array kLowerRules{"lower_eviction",    "placement.write",   "placement.fetch",
                                 "placement.content", "placement.promote", "placement.demote",
                                 "placement.prefetch"};

/// The source of a rule that is not the preset's.
Node source_of(const Node& rule) {
  const bool by_default = rule.origin == Origin::default_value;
  return Node::scalar(by_default ? "assumption" : "scenario", rule.place, rule.origin);
}

}  // namespace

void settle_sources(ScenarioSpec& spec, Node& resolved) {
  Node* policy = resolved.find("policy");
  Node* sources = policy != nullptr ? policy->find("sources") : nullptr;
  if (spec.policy.preset.empty() || sources == nullptr || !sources->is_map()) return;
  for (NodeEntry& source : sources->entries) {
    const Node* rule = at_path(*policy, source.key);
    if (rule == nullptr || rule->origin == Origin::catalogue) continue;
    if (source.value.origin == Origin::catalogue) source.value = source_of(*rule);
  }
  if (spec.tiers.size() > 1) {  // the first is GPU memory
    for (const char* path : kLowerRules) {
      const Node* rule = at_path(*policy, path);
      if (rule != nullptr && sources->find(path) == nullptr) sources->set(path, source_of(*rule));
    }
  }
  for (const NodeEntry& source : sources->entries) {
    (*spec.policy.sources)[source.key] = source.value.text;
  }
}

}  // namespace tiercast::scenario
