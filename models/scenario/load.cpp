#include "models/scenario/load.hpp"

#include <filesystem>
#include <utility>

#include "models/scenario/catalogue.hpp"
#include "models/scenario/plugins.hpp"
#include "models/scenario/preset_sources.hpp"
#include "models/scenario/problems.hpp"
#include "models/scenario/stack_choice.hpp"
#include "models/scenario/tier_index.hpp"
#include "models/scenario/tier_objects.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/hash.hpp"
#include "sim/base/reader.hpp"
#include "sim/config/document.hpp"
#include "sim/config/emit_yaml.hpp"
#include "sim/config/set_flag.hpp"

namespace tiercast::scenario {

namespace {

namespace fs = std::filesystem;

// A scenario's own calibration is resolved as a part of it.
bool states_kernels(Scenario& scenario) {
  if (!scenario.spec.calibration) return false;
  scenario.kernels = *scenario.spec.calibration;
  return true;
}

// The GPU names the calibration that times its kernels, unless the scenario does.
bool load_kernels(Catalogue& catalogue, Scenario& scenario, Diagnostics& found) {
  if (states_kernels(scenario)) return true;
  const Node* named = at_path(scenario.resolved, "cluster.node.gpu.kernels");
  const Place where = named == nullptr ? Place{scenario.file, 0, 0} : named->place;
  const Node* entry = catalogue.find("calibration", scenario.spec.cluster.node.gpu.kernels, where);
  if (entry == nullptr) return false;
  Reader reader(found, catalogue.lookup());
  return reader.read(*entry, scenario.kernels, scenario.resolved_kernels);
}

void anchor_trace(Scenario& scenario) {
  auto* trace = std::get_if<workload::TraceSpec>(&scenario.spec.workload);
  if (trace == nullptr || fs::path(trace->file).is_absolute()) return;
  const Node* given = at_path(scenario.resolved, "workload.trace.file");
  if (given != nullptr && given->origin == Origin::set_flag) return;
  trace->file = (fs::path(scenario.file).parent_path() / trace->file).lexically_normal().string();
}

// Where the scenario lies and how it is run do not decide its result.
std::string hash_of(const Scenario& scenario) {
  StreamHash hash;
  Node facts = scenario.resolved;
  if (Node* run = facts.find("run"); run != nullptr) {
    run->erase("fuse");
    run->erase("band");
  }
  if (Node* policy = facts.find("policy"); policy != nullptr) {
    for (const char* key : {"call_limit", "isolate_plugins", "check_policies"}) policy->erase(key);
  }
  hash.add_text(config::canonical_text(facts));
  hash.add_text(config::canonical_text(scenario.resolved_kernels));
  for (const std::string& plugin : plugin_hashes(scenario.spec)) hash.add_text(plugin);
  return to_hex(hash.digest128());
}

void apply_options(Node& document, const LoadOptions& options, Diagnostics& found) {
  std::vector<std::string> sets = options.sets;
  if (options.seed) sets.push_back("run.seed=" + std::to_string(*options.seed));
  for (const std::string& set : sets) {
    config::apply_set_flag(document, ScenarioSpec::fields(), set, found);
  }
}

// A stack that is left out, or only says what is different, starts from the catalogue's `name`.
void name_stack(Node& holder, const std::string& name, const std::string& key = "stack") {
  const Node stack = Node::scalar(name, holder.place, Origin::default_value);
  Node* given = holder.find(key);
  if (given == nullptr) {
    holder.set(key, stack);
  } else if (given->is_map() && given->find("use") == nullptr) {
    given->set("use", stack);
  }
}

// So does an engine.
void name_engine(Node& document) {
  Node* engine = document.find("engine");
  if (engine == nullptr || !engine->is_map() || engine->find("preset") != nullptr) return;
  engine->set("preset", Node::scalar(kDefaultEngine, engine->place, Origin::default_value));
}

Node with_default_entries(Node document, Catalogue& catalogue) {
  name_engine(document);
  Node* handover = document.find("disaggregation");
  if (handover != nullptr && handover->is_map()) {
    name_stack(*handover, kHandOverStack);
    name_stack(*handover, kLocalHandOverStack, "node_stack");
  }
  Node* tiers = document.find("tiers");
  if (tiers == nullptr || !tiers->is_list()) return document;
  const std::string protocol = service_protocol(document, catalogue);
  for (Node& tier : tiers->items) {
    if (tier.is_scalar()) {
      Node whole = Node::map(tier.place, tier.origin);
      whole.set("kind", tier);
      tier = std::move(whole);
    }
    const Node* kind = tier.is_map() ? tier.find("kind") : nullptr;
    if (kind == nullptr || !kind->is_scalar()) continue;
    const std::string word = kind->text;
    for (const Choice<TierName>& choice : choices(TierName{})) {
      if (choice.name != word) continue;
      const std::string name = default_stack(choice.value, protocol);
      if (!name.empty()) name_stack(tier, name);
    }
  }
  return document;
}

}  // namespace

std::optional<Node> read_scenario(const std::string& file, const LoadOptions& options,
                                  Diagnostics& found) {
  std::optional<Node> document = config::read_document(file, Origin::scenario, found);
  if (document) apply_options(*document, options, found);
  return document;
}

std::optional<Node> parse_scenario(std::string_view text, const std::string& file,
                                   const LoadOptions& options, Diagnostics& found) {
  std::optional<Node> document = config::parse_document(text, file, Origin::scenario, found);
  if (document) apply_options(*document, options, found);
  return document;
}

std::optional<Scenario> load_scenario(const Node& document, const std::string& file,
                                      const std::string& configs, Diagnostics& found) {
  Catalogue catalogue(configs, found);
  Reader reader(found, catalogue.lookup());
  Scenario scenario;
  scenario.file = file;
  reader.read(with_default_entries(document, catalogue), scenario.spec, scenario.resolved);
  if (found.has_errors()) return std::nullopt;
  Problems problems(scenario.resolved, found);
  check_reaches(scenario.spec, catalogue, problems);
  if (problems.any() || !load_kernels(catalogue, scenario, found)) return std::nullopt;
  anchor_trace(scenario);
  settle_plugins(scenario.spec, scenario.resolved, scenario.file);
  settle_sources(scenario.spec, scenario.resolved);
  estimate_conversions(scenario.spec, scenario.resolved);
  estimate_indices(scenario.spec, scenario.resolved);
  scenario.hash = hash_of(scenario);
  return scenario;
}

std::optional<Scenario> read_again(Scenario changed, Diagnostics& found) {
  Reader reader(found);
  Scenario scenario;
  scenario.file = std::move(changed.file);
  const bool read =
      reader.read(changed.resolved, scenario.spec, scenario.resolved) &&
      (states_kernels(scenario) ||
       reader.read(changed.resolved_kernels, scenario.kernels, scenario.resolved_kernels));
  if (!read) return std::nullopt;
  anchor_trace(scenario);
  settle_plugins(scenario.spec, scenario.resolved, scenario.file);
  scenario.hash = hash_of(scenario);
  return scenario;
}

}  // namespace tiercast::scenario
