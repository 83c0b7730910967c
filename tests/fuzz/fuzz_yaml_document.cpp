#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/base/check.hpp"
#include "sim/config/document.hpp"
#include "sim/config/emit_yaml.hpp"

using namespace tiercast;

/// Any bytes give a tree or complaints. A tree that is written out reads back to itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Emitting may quote and indent, so reading back is given more room.
  const config::DocumentLimits narrow{.bytes = 100'000, .expanded_bytes = 1'000'000};
  Diagnostics found;
  const std::optional<Node> root =
      config::parse_document(text, "fuzz.yaml", Origin::scenario, found, narrow);
  TIERCAST_CHECK(root.has_value() || found.has_errors(), "no tree and no reason");
  const std::string shown = found.render();
  if (found.has_errors()) return 0;
  const config::DocumentLimits wide{
      .bytes = 100'000'000, .depth = 65, .expanded_bytes = 100'000'000};
  const std::string written = config::to_yaml(*root);
  Diagnostics again;
  const std::optional<Node> back =
      config::parse_document(written, "again.yaml", Origin::scenario, again, wide);
  TIERCAST_CHECK(back, "{} is refused: {}", written, again.render());
  TIERCAST_CHECK(config::canonical_text(*back) == config::canonical_text(*root),
                 "{} reads back as another tree", written);
  return 0;
}
