#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/llm/kernels.hpp"
#include "models/scenario/spec.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

namespace tiercast::scenario {

/// A scenario as checked specs, with the tree they were read from: every value in canonical form,
/// its origin and place.
struct Scenario {
  std::string file;
  ScenarioSpec spec;
  llm::KernelSpec kernels;  ///< the calibration that the GPU names
  Node resolved;
  Node resolved_kernels;
  std::string
      hash;  ///< of everything that decides the result but the program; 32 hexadecimal digits
};

struct LoadOptions {
  std::string configs;            ///< folder of the catalogue
  std::vector<std::string> sets;  ///< `path=value`, over the file
  std::optional<uint64_t> seed;   ///< over run.seed
};

/// A scenario file as it is written, with the options laid over it. Nothing when it is no YAML.
std::optional<Node> read_scenario(const std::string& file, const LoadOptions& options,
                                  Diagnostics& found);
/// The same for text that is at hand; `file` names it in messages.
std::optional<Node> parse_scenario(std::string_view text, const std::string& file,
                                   const LoadOptions& options, Diagnostics& found);

/// Checks a scenario as read from `file` with the catalogue entries it names. Everything wrong is
/// reported at once; nothing is returned when `found` holds an error. A relative trace path counts
/// from the scenario's folder, or from the working folder when a flag gives it.
std::optional<Scenario> load_scenario(const Node& document, const std::string& file,
                                      const std::string& configs, Diagnostics& found);

/// The scenario that the trees of a loaded one describe, once changed: with nothing changed the
/// same again. What it names of the catalogue is in them already.
std::optional<Scenario> read_again(Scenario changed, Diagnostics& found);

}  // namespace tiercast::scenario
