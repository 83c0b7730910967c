#include "models/scenario/load.hpp"

#include <filesystem>
#include <utility>

#include "models/scenario/catalogue.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/hash.hpp"
#include "sim/base/reader.hpp"
#include "sim/config/document.hpp"
#include "sim/config/emit_yaml.hpp"
#include "sim/config/set_flag.hpp"

namespace tiercast::scenario {

namespace {

namespace fs = std::filesystem;

// The GPU names the calibration that times its kernels.
bool load_kernels(Catalogue& catalogue, Scenario& scenario, Diagnostics& found) {
  const Node* named = at_path(scenario.resolved, "cluster.node.gpu.kernels");
  const Place where = named == nullptr ? Place{scenario.file, 0, 0} : named->place;
  const Node* entry =
      catalogue.find("calibration", scenario.spec.cluster.node.gpu.kernels, where);
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
  if (Node* run = facts.find("run"); run != nullptr) run->erase("fuse");
  hash.add_text(config::canonical_text(facts));
  hash.add_text(config::canonical_text(scenario.resolved_kernels));
  constexpr char kDigits[] = "0123456789abcdef";
  const Digest128 digest = hash.digest128();
  std::string text;
  for (const uint64_t word : {digest.high, digest.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(word >> shift) & 15];
  }
  return text;
}

std::optional<Scenario> load_document(Node document, const std::string& file,
                                      const LoadOptions& options, Diagnostics& found) {
  bool good = true;
  for (const std::string& set : options.sets) {
    good &= config::apply_set_flag(document, ScenarioSpec::fields(), set, found);
  }
  if (options.seed) {
    good &= config::apply_set_flag(document, ScenarioSpec::fields(),
                                   "run.seed=" + std::to_string(*options.seed), found);
  }
  Catalogue catalogue(options.configs, found);
  Reader reader(found, catalogue.lookup());
  Scenario scenario;
  scenario.file = file;
  good &= reader.read(document, scenario.spec, scenario.resolved);
  if (!good || !load_kernels(catalogue, scenario, found)) return std::nullopt;
  anchor_trace(scenario);
  scenario.hash = hash_of(scenario);
  return scenario;
}

void count_figures(const Node& node, const std::string& path, FigureCensus& census) {
  const Node* kind = node.find("kind");
  if (kind != nullptr && kind->is_scalar() && node.find("value") != nullptr) {
    ++census.counts_by_kind[kind->text];
    if (kind->text == name_of(FigureKind::estimate)) census.estimates.push_back(path);
    return;
  }
  const std::string below = path.empty() ? "" : path + ".";
  for (const NodeEntry& entry : node.entries) count_figures(entry.value, below + entry.key, census);
  for (size_t i = 0; i < node.items.size(); ++i) {
    count_figures(node.items[i], below + std::to_string(i), census);
  }
}

}  // namespace

std::optional<Scenario> load_scenario(const std::string& file, const LoadOptions& options,
                                      Diagnostics& found) {
  std::optional<Node> document = config::read_document(file, Origin::scenario, found);
  if (!document) return std::nullopt;
  return load_document(std::move(*document), file, options, found);
}

std::optional<Scenario> load_scenario_text(std::string_view text, const std::string& file,
                                           const LoadOptions& options, Diagnostics& found) {
  std::optional<Node> document = config::parse_document(text, file, Origin::scenario, found);
  if (!document) return std::nullopt;
  return load_document(std::move(*document), file, options, found);
}

FigureCensus count_figures(const Scenario& scenario) {
  FigureCensus census;
  count_figures(scenario.resolved, "", census);
  for (const FigureKind kind : {FigureKind::measured, FigureKind::datasheet, FigureKind::derived,
                                FigureKind::scenario, FigureKind::estimate}) {
    const std::string name(name_of(kind));
    if (census.counts_by_kind.contains(name)) census.weakest = name;
  }
  return census;
}

}  // namespace tiercast::scenario
