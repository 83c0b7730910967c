// Pieces of the one walk over a result (fields.hpp), and the units of its numbers.
#pragma once

#include <optional>
#include <string_view>

#include "reports/fields.hpp"

namespace tiercast::reports {

inline constexpr FieldUnit kRatio{};
inline constexpr FieldUnit kMilliseconds{Dimension::time, 1e6};
inline constexpr FieldUnit kSeconds{Dimension::time, 1e9};
inline constexpr FieldUnit kYears{Dimension::time, 365 * 86'400e9};
inline constexpr FieldUnit kTokens{Dimension::tokens, 1};
inline constexpr FieldUnit kBytes{Dimension::bytes, 1};
inline constexpr FieldUnit kPerSecond{Dimension::rate, 1};
inline constexpr FieldUnit kJoules{Dimension::energy, 1};
inline constexpr FieldUnit kWatts{Dimension::power, 1};
inline constexpr FieldUnit kUsd{Dimension::money, 1};
inline constexpr FieldUnit kUsdPerHour{Dimension::money_rate, 1};

/// Where there is none, it is absent.
void walk_interval(std::string_view name, const std::optional<Interval>& interval, FieldUnit unit,
                   FieldSink& sink);
void walk_named(std::string_view name, const NamedNumbers& numbers, FieldUnit unit,
                FieldSink& sink);
void walk_energy(const std::optional<EnergyUse>& energy, FieldSink& sink);
void walk_cost(const std::optional<CostUse>& cost, FieldSink& sink);

}  // namespace tiercast::reports
