// One walk over a result, in the order of its schema, for everything that lists its fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "reports/result.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::reports {

/// What one of a field means: `base` nanoseconds for times, else `base` of the SI unit.
struct FieldUnit {
  Dimension dimension = Dimension::dimensionless;
  double base = 1;
};

/// The number a field in `unit` would show for a quantity of the same dimension.
double in_unit(const Quantity& quantity, FieldUnit unit);

/// Receives fields; an open object or list takes what follows until its close().
class FieldSink {
 public:
  virtual ~FieldSink() = default;

  virtual void open(std::string_view name) = 0;
  virtual void open_list(std::string_view name) = 0;
  /// An object of the open list; `key` tells it from the others.
  virtual void open_item(std::string_view key) = 0;
  virtual void close() = 0;

  /// Nothing: null.
  virtual void number(std::string_view name, std::optional<double> value, FieldUnit unit) = 0;
  virtual void count(std::string_view name, std::optional<uint64_t> value, FieldUnit unit) = 0;
  virtual void text(std::string_view name, std::string_view value) = 0;
  virtual void flag(std::string_view name, bool value) = 0;
  /// A text of the open list.
  virtual void text_item(std::string_view value) = 0;
  virtual void null(std::string_view name) = 0;
};

/// Which parts of a result to walk.
enum class Parts {
  all,
  simulated,  ///< without `build` and `run`: equal for equal scenario and seed
};

void walk(const Result& result, Parts parts, FieldSink& sink);

}  // namespace tiercast::reports
