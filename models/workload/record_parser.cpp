#include "models/workload/record_parser.hpp"

#include "models/workload/numbers.hpp"

namespace tiercast::workload {

bool parse_tokens(std::string_view name, std::string_view text, std::uint32_t& out,
                  std::string& reason) {
  const Number number = parse_number(text, 0, kTokensMax, true);
  if (number.error != NumberError::none) {
    reason = std::string(name) + " " + explain(number.error, text, "a billion tokens");
    return false;
  }
  if (number.value == 0) {
    reason = std::string(name) + " is 0, but a request has at least 1 token each way";
    return false;
  }
  out = static_cast<std::uint32_t>(number.value);
  return true;
}

bool parse_arrival(std::string_view name, std::string_view text, int scale, std::int64_t& out,
                   std::string& reason) {
  const Number number = parse_number(text, scale, kArrivalNsMax, false);
  if (number.error != NumberError::none) {
    reason = std::string(name) + " " + explain(number.error, text, "146 years");
    return false;
  }
  out = number.value;
  return true;
}

}  // namespace tiercast::workload
