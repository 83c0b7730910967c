#include "tests/scenario/small_scenario.hpp"

#include <utility>

#include <catch2/catch.hpp>

#include "tests/support/paths.hpp"

namespace tiercast::tests {

using scenario::Scenario;

std::string configs() { return (source_dir() / "configs").string(); }

std::optional<Scenario> load(const std::string& text, Diagnostics& found,
                             const std::vector<std::string>& sets, const std::string& file) {
  const auto document = scenario::parse_scenario(text, file, {configs(), sets, {}}, found);
  if (!document) return std::nullopt;
  return scenario::load_scenario(*document, file, configs(), found);
}

Scenario good(const std::string& text, const std::vector<std::string>& sets,
              const std::string& file) {
  Diagnostics found;
  std::optional<Scenario> scenario = load(text, found, sets, file);
  INFO(found.render());
  REQUIRE(scenario);
  return std::move(*scenario);
}

scenario::World world_of(const Scenario& scenario) {
  Diagnostics found;
  auto world = scenario::build_world(scenario.spec, scenario.kernels, scenario.resolved, found);
  INFO(found.render());
  REQUIRE(world);
  return std::move(*world);
}

}  // namespace tiercast::tests
