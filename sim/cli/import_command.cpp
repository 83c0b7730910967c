#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "models/hardware/specs.hpp"
#include "models/importers/fragment.hpp"
#include "models/importers/hf_import.hpp"
#include "models/importers/sglang_import.hpp"
#include "models/importers/vllm_import.hpp"
#include "models/scenario/catalogue.hpp"
#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/config/document.hpp"

namespace tiercast::cli {

namespace {

using importers::LaunchContext;

struct Input {
  std::string name;
  std::string text;
};

std::string whole(std::istream& stream) {
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::optional<Input> read_file(const std::string& path, Diagnostics& found) {
  std::ifstream stream(path, std::ios::binary);
  if (stream && !std::filesystem::is_directory(path)) return Input{path, whole(stream)};
  found.error({path, 0, 0}, "cannot read the file");
  return std::nullopt;
}

/// A model is a file; a launch line may be one, or stand in the argument itself.
std::optional<Input> read_input(const Arguments& arguments, Diagnostics& found) {
  const std::string& given = arguments.inputs.front();
  if (given == "-") return Input{"stdin", whole(std::cin)};
  if (arguments.kind == "hf") return read_file(given, found);
  if (given.starts_with("@")) return read_file(given.substr(1), found);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(given, ignored)) return read_file(given, found);
  return Input{"arguments", given};
}

std::string text_at(const Node& entry, const char* key) {
  const Node* node = entry.find(key);
  return node == nullptr ? "" : node->text;
}

std::vector<importers::CatalogueModel> catalogue_models(scenario::Catalogue& catalogue) {
  std::vector<importers::CatalogueModel> models;
  for (const std::string& name : catalogue.names("models")) {
    const Node* entry = catalogue.find("models", name, {"models", 0, 0});
    if (entry == nullptr) continue;
    models.push_back({name, text_at(*entry, "title"), text_at(*entry, "source"),
                      at_path(*entry, "attention.mla") != nullptr, entry->find("moe") != nullptr,
                      entry->find("linear") != nullptr, entry->find("window") != nullptr});
  }
  return models;
}

/// The node that is asked for, or the first of the catalogue with the GPU that is.
std::optional<std::string> node_name(const Arguments& arguments, scenario::Catalogue& catalogue,
                                     Diagnostics& found) {
  if (arguments.node || !arguments.gpu) return arguments.node;
  const Place place{"--gpu", 0, 0};
  if (catalogue.find("gpus", *arguments.gpu, place) == nullptr) return std::nullopt;
  for (const std::string& name : catalogue.names("nodes")) {
    const Node* node = catalogue.find("nodes", name, place);
    if (node != nullptr && text_at(*node, "gpu") == *arguments.gpu) return name;
  }
  found.error(place, "no node of the catalogue has GPU " + quote(*arguments.gpu),
              "say --node; `tiercast configs nodes` lists what there is");
  return std::nullopt;
}

std::optional<hardware::NodeSpec> read_node(const std::string& name, scenario::Catalogue& catalogue,
                                            Diagnostics& found) {
  const Node* entry = catalogue.find("nodes", name, {"--node", 0, 0});
  if (entry == nullptr) return std::nullopt;
  hardware::NodeSpec spec;
  Node resolved;
  Reader reader(found, catalogue.lookup());
  if (!reader.read(*entry, spec, resolved)) return std::nullopt;
  return spec;
}

// KV blocks do not depend on it.
constexpr const char* kAnyDemand = R"(workload:
  open:
    arrivals: {process: poisson, rate: 1/s}
    input_tokens: {fixed: {value: 1}}
    output_tokens: {fixed: {value: 1}}
    duration: 1s
)";

uint32_t number_at(const Node& document, const char* path) {
  const Node* node = at_path(document, path);
  return node == nullptr ? 1 : static_cast<uint32_t>(std::stoul(node->text));
}

/// What follows from a fragment on nodes of the catalogue, without tiers, policy and demand.
/// Nothing where it has no world, with the reason in `why`.
std::optional<scenario::World> world_of(const std::string& fragment, const std::string& node,
                                        uint32_t gpus_of_node, const std::string& configs,
                                        std::string& why) {
  Diagnostics found;
  auto document = config::parse_document(fragment, "fragment", Origin::scenario, found);
  std::optional<scenario::World> world;
  if (document) {
    for (const char* section : {"tiers", "policy"}) document->erase(section);
    const uint32_t gpus = number_at(*document, "engine.tp") * number_at(*document, "engine.pp") *
                          number_at(*document, "engine.dp") *
                          number_at(*document, "engine.instances");
    const uint32_t nodes = (gpus + gpus_of_node - 1) / gpus_of_node;
    const auto rest = config::parse_document(
        fmt::format("name: import\ncluster: {{node: {}, nodes: {}}}\n{}", node, nodes, kAnyDemand),
        "fragment", Origin::scenario, found);
    for (const NodeEntry& entry : rest->entries) document->set(entry.key, entry.value);
    const auto loaded = scenario::load_scenario(*document, "fragment", configs, found);
    if (loaded) world = build_world(loaded->spec, loaded->kernels, loaded->resolved, found);
  }
  if (!world && !found.sorted().empty()) why = found.sorted().front().message;
  return world;
}

std::string blocks_words(const scenario::World& world, const std::string& node) {
  const int64_t tokens = world.memory.kv_blocks * world.cluster.engine.block_tokens;
  std::string words = fmt::format("On {}: {} KV blocks an instance, {} tokens.", node,
                                  world.memory.kv_blocks, tokens);
  if (world.parallel.dp > 1) {
    words += fmt::format(" Of each of {} data-parallel ranks, as logs count: {} blocks, {} tokens.",
                         world.parallel.dp, world.memory.kv_blocks / world.parallel.dp,
                         tokens / world.parallel.dp);
  }
  return words;
}

std::optional<std::string> import_line(const Arguments& arguments, const Input& input,
                                       const LaunchContext& context, Diagnostics& found) {
  return arguments.kind == "vllm" ? importers::import_vllm(input.text, context, found)
                                  : importers::import_sglang(input.text, context, found);
}

/// A launch line; on a node, with the KV blocks that follow.
std::optional<std::string> import_engine(const Arguments& arguments, const Input& input,
                                         Diagnostics& found) {
  const std::string configs = configs_folder(arguments);
  scenario::Catalogue catalogue(configs, found);
  LaunchContext context;
  context.file = input.name;
  context.models = catalogue_models(catalogue);
  const std::optional<std::string> node = node_name(arguments, catalogue, found);
  std::optional<hardware::NodeSpec> spec;
  if (node) spec = read_node(*node, catalogue, found);
  if (found.has_errors()) return std::nullopt;
  if (!spec) return import_line(arguments, input, context, found);

  context.gpu = importers::GpuFacts{spec->gpu.use.empty() ? spec->gpu.title : spec->gpu.use,
                                    spec->gpu.hbm.value};
  Diagnostics first;  // what it says is said again
  const auto draft = import_line(arguments, input, context, first);
  std::string why;
  std::optional<scenario::World> world;
  if (draft) world = world_of(*draft, *node, spec->gpus, configs, why);
  if (world) context.kv_of_instance = Bytes{world->memory.kv_blocks * world->block_bytes};
  auto text = import_line(arguments, input, context, found);
  if (!text) return std::nullopt;
  if (!world) {
    found.warning({input.name, 0, 0}, "no KV blocks follow on " + *node + ": " + why);
    return text;
  }
  importers::Fragment end;
  end.comment(blocks_words(*world, *node));
  return *text + end.text();
}

void write_result(const std::string& text, const Arguments& arguments) {
  if (!arguments.output) return write_stdout(text);
  std::ofstream stream(*arguments.output, std::ios::binary);
  stream << text << std::flush;
  if (!stream) throw std::runtime_error("cannot write " + *arguments.output);
}

}  // namespace

int import_command(const Arguments& arguments) {
  Diagnostics found;
  const std::optional<Input> input = read_input(arguments, found);
  std::optional<std::string> text;
  if (input && arguments.kind == "hf") {
    importers::HfOptions options{input->name, arguments.catalogue_entry,
                                 arguments.assume.value_or("")};
    text = importers::import_hf(input->text, options, found);
  } else if (input) {
    text = import_engine(arguments, *input, found);
  }
  print(found, arguments);
  if (!text) return exit_bad_input;
  write_result(*text, arguments);
  return exit_ok;
}

}  // namespace tiercast::cli
