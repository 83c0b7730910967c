#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/base/check.hpp"
#include "sim/base/quantity.hpp"

using namespace tiercast;

/// The first byte chooses the dimension, the rest is the text. What is read must survive being
/// written and read again; what is refused must say why.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr int kDimensions = static_cast<int>(Dimension::carbon_intensity) + 1;
  const auto dimension = static_cast<Dimension>(data[0] % kDimensions);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const QuantityResult result = parse_quantity(text, dimension);
  if (!result) {
    TIERCAST_CHECK(!result.error.empty(), "a refusal without a reason");
    return 0;
  }
  const std::string written = format_quantity(*result.quantity);
  const QuantityResult again = parse_quantity(written, dimension);
  TIERCAST_CHECK(again && *again.quantity == *result.quantity, "{} does not read back", written);
  TIERCAST_CHECK(!format_rounded(*result.quantity).empty(), "nothing to show for {}", written);
  return 0;
}
