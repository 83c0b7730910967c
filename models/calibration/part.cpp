#include "models/calibration/part.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace tiercast::calibration {
namespace {

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

double four_digits(double value) {
  return std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr);
}

double value_of(const Target& target) {
  return std::visit(
      [](const auto* field) {
        if constexpr (std::is_same_v<decltype(field), const double*>) {
          return *field;
        } else {
          return static_cast<double>(field->value());
        }
      },
      target);
}

void set(const Target& target, double value) {
  std::visit(
      [value](auto* field) {
        using T = std::remove_pointer_t<decltype(field)>;
        if constexpr (std::is_same_v<T, double>) {
          *field = value;
        } else if constexpr (std::is_same_v<T, Bytes>) {
          *field = Bytes{std::llround(value)};
        } else {
          *field = T{value};
        }
      },
      target);
}

Quantity quantity_of(const Target& target) {
  return std::visit(
      [](const auto* field) {
        using T = std::remove_const_t<std::remove_pointer_t<decltype(field)>>;
        if constexpr (std::is_same_v<T, double>) {
          return Quantity{.dimension = Dimension::dimensionless, .si = *field};
        } else if constexpr (std::is_same_v<T, Seconds>) {
          return to_quantity(Nanoseconds{std::llround(field->value() * 1e9)});
        } else {
          return to_quantity(*field);
        }
      },
      target);
}

double rounded(const Target& target, double value) {
  const double short_value = four_digits(value);
  if (std::holds_alternative<Seconds*>(target)) return std::round(short_value * 1e9) / 1e9;
  if (std::holds_alternative<Bytes*>(target)) return std::round(short_value);
  return short_value;
}

void Grouping::add(const std::string& label) {
  const auto at = std::find(labels.begin(), labels.end(), label);
  group_of.push_back(static_cast<std::uint32_t>(at - labels.begin()));
  if (at == labels.end()) labels.push_back(label);
}

ErrorSummary summarise(std::vector<double> signed_errors) {
  ErrorSummary summary{signed_errors.size()};
  if (signed_errors.empty()) return summary;
  std::sort(signed_errors.begin(), signed_errors.end());
  summary.bias = at_share(signed_errors, 0.5);
  for (double& error : signed_errors) error = std::abs(error);
  std::sort(signed_errors.begin(), signed_errors.end());
  summary.median = at_share(signed_errors, 0.5);
  summary.p90 = at_share(signed_errors, 0.9);
  return summary;
}

}  // namespace tiercast::calibration
