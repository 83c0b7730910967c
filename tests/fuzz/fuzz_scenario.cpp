#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "models/scenario/load.hpp"
#include "models/scenario/pace_times.hpp"
#include "models/scenario/world.hpp"
#include "sim/base/check.hpp"

using namespace tiercast;

/// Any bytes give a scenario or complaints, never both; every scenario gives a world or complaints,
/// and so does the same with all its estimates at one end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 20'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::string configs =
      (std::filesystem::path(__FILE__).parent_path() / "../../configs").lexically_normal().string();
  Diagnostics found;
  const std::string file = "fuzz.yaml";
  const std::optional<Node> document =
      scenario::parse_scenario(text, file, {configs, {}, {}}, found);
  TIERCAST_CHECK(document.has_value() || found.has_errors(), "no document and no reason");
  if (!document) return 0;
  const std::optional<scenario::Scenario> read =
      scenario::load_scenario(*document, file, configs, found);
  TIERCAST_CHECK(read.has_value() != found.has_errors(), "a scenario with errors, or neither");
  if (read) {
    const auto world = scenario::build_world(read->spec, read->kernels, read->resolved, found);
    TIERCAST_CHECK(world.has_value() != found.has_errors(), "a world with errors, or neither");
    for (const auto pace : {scenario::Pace::fast, scenario::Pace::slow}) {
      std::string problem;
      if (!world || scenario::paced_world(*read, pace, problem)) continue;
      TIERCAST_CHECK(!problem.empty(), "no world at one end, and no reason");
    }
  }
  TIERCAST_CHECK(!found.has_errors() || !found.render().empty(), "errors are shown");
  return 0;
}
