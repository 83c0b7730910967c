// Numbers as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tiercast::reports {

/// Three significant digits, thousands set apart by commas: `0.0123`, `4.71`, `1,249`, `26,312`.
/// Below 1e-6 and from 1e15 on in powers of ten.
std::string show_number(double value);
std::string show_count(uint64_t value);

/// `320 us`, `41.3 ms`, `2.5 s`, `12.4 min`, `3.2 h`.
std::string show_ms(double value_ms);
/// `55.2 GB`, decimal.
std::string show_bytes(double bytes);
/// `620 mJ`, `1.4 kJ`.
std::string show_joules(double joules);
std::string show_watts(double watts);
/// `37.3 %`.
std::string show_percent(double ratio);

/// `-` for what does not exist.
template <typename Show>
std::string show_or_dash(const std::optional<double>& value, Show show) {
  return value ? show(*value) : std::string("-");
}

}  // namespace tiercast::reports
