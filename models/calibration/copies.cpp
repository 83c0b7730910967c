#include "models/calibration/copies.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/calibration/labels.hpp"
#include "models/hardware/transfer_time.hpp"
#include "models/workload/csv_fields.hpp"
#include "sim/base/portable_math.hpp"
#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

using Names = std::vector<std::string_view>;

constexpr double kBytesMax = 1e15;
constexpr double kOperationsMax = 1e9;
constexpr double kLeast = 1e-9;

struct Copy {
  hardware::Payload payload;
  double us = 0;
};

enum class Direction { read, write, both };

// A column of times or rates with the factor that makes it microseconds or bytes a second.
struct Scaled {
  Names names;
  double factor;
};

const Names kBlock{"operation_bytes", "block_bytes", "block_size",
                   "Block Size (B)",  "chunk_bytes", "contiguous_bytes"};
const Names kCount{"operations", "count", "blocks", "batch", "Batch Size", "n_blocks"};
const Names kTotal{"total_bytes", "bytes", "size"};
const Names kDirection{"direction", "op", "operation"};
const std::vector<Scaled> kRates{
    {{"bw_GBps", "bandwidth_GBps", "GBps", "GB/s", "bandwidth (GB/s)", "B/W (GB/Sec)"}, 1e9},
    {{"bw_GiBps", "bandwidth_GiBps", "GiB/s", "B/W (GiB/Sec)"}, 1073741824},
    {{"bytes_per_s", "bytes_per_second"}, 1},
};
const std::vector<Scaled> kTimes{
    {{"seconds", "time_s", "latency_s"}, 1e6},
    {{"time_ms", "latency_ms"}, 1e3},
    {{"time_us", "latency_us", "Avg Lat. (us)"}, 1},
    {{"time_ns", "latency_ns"}, 1e-3},
};

std::pair<std::optional<std::size_t>, double> scaled_column(const MeasuredTable& table,
                                                            const std::vector<Scaled>& kinds) {
  for (const Scaled& kind : kinds) {
    if (const auto at = table.any_column(kind.names)) return {at, kind.factor};
  }
  return {std::nullopt, 1};
}

bool contains_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

Direction direction_of(const std::string& text) {
  const std::string word = workload::normalised_name(text);
  if (contains_any(word, {"both", "bidir", "duplex"})) return Direction::both;
  if (contains_any(word, {"write", "d2h", "dtoh", "store", "put", "offload"})) {
    return Direction::write;
  }
  return Direction::read;
}

// The rows of all tables, one way and both ways at once.
struct Copies {
  Part part{"stack", "copies"};
  std::vector<Copy> one_way{};
  std::vector<Copy> both_ways{};

  void add(const Copy& copy, Direction direction) {
    if (direction == Direction::both) {
      both_ways.push_back(copy);
      return;
    }
    one_way.push_back(copy);
    part.measured.push_back(copy.us);
    part.groupings[0].add(whole(static_cast<double>(copy.payload.size.value()) /
                                static_cast<double>(copy.payload.operations)));
    part.groupings[1].add(whole(static_cast<double>(copy.payload.operations)));
    part.groupings[2].add(direction == Direction::write ? "write" : "read");
  }
};

bool add_table(const MeasuredTable& table, Copies& copies, Diagnostics& found) {
  const auto block = table.any_column(kBlock);
  const auto count = table.any_column(kCount);
  const auto total = table.any_column(kTotal);
  const auto direction = table.any_column(kDirection);
  const auto [rate, rate_factor] = scaled_column(table, kRates);
  const auto [time, time_factor] = scaled_column(table, kTimes);
  if (!block || (!rate && !time)) {
    found.error({table.file(), 1, 0},
                !block ? "the header names no column for the bytes of an operation"
                       : "the header names no column for bandwidth or time",
                !block ? "one of operation_bytes, block_bytes, block_size, chunk_bytes"
                       : "one of bw_GBps, bandwidth_GBps, bytes_per_s, seconds, time_us");
    return false;
  }
  const auto filled = [&](std::size_t row, const std::optional<std::size_t>& column) {
    return column && !table.text(row, *column).empty();
  };
  for (std::size_t row = 0; row < table.rows(); ++row) {
    Copy copy;
    const double bytes = table.number(row, *block, 1, kBytesMax, found);
    double operations = 1;
    if (filled(row, count)) {
      operations = table.number(row, *count, 1, kOperationsMax, found);
    } else if (filled(row, total)) {
      operations =
          std::max(1.0, std::round(table.number(row, *total, 1, kBytesMax, found) / bytes));
    }
    if (operations > kOperationsMax || operations * bytes > kBytesMax) {
      found.error(table.place(row), "the copy is larger than 10^15 bytes or 10^9 operations");
      return false;
    }
    const double size = std::round(operations * bytes);
    if (filled(row, rate)) {
      copy.us = size / (table.number(row, *rate, kLeast, kBytesMax, found) * rate_factor) * 1e6;
    } else if (filled(row, time)) {
      copy.us = table.number(row, *time, kLeast, kBytesMax, found) * time_factor;
    } else {
      found.error(table.place(row), "the row gives neither bandwidth nor time");
      continue;
    }
    const Direction way = direction ? direction_of(table.text(row, *direction)) : Direction::read;
    copy.payload = {Bytes{static_cast<std::int64_t>(size)}, std::llround(operations), 1,
                    way == Direction::write};
    copies.add(copy, way);
  }
  return true;
}

double modelled_us(const hardware::StackSpec& stack, BytesPerSecond link, const Copy& copy) {
  const hardware::TransferPath path{Seconds{0}, link, std::nullopt};
  return 1e6 * hardware::transfer_time(stack, path, copy.payload).total().value();
}

// The efficiency comes last.
std::vector<Parameter> parameters(hardware::StackSpec& stack, bool with_setup) {
  std::vector<Parameter> list{
      {"operation_time", &stack.operation_time.value, {3e-6, 1e-9, 1}},
      {"efficiency", &stack.efficiency.value, {0.8, 0.001, 1}},
  };
  if (with_setup) list.insert(list.begin(), {"setup", &stack.setup.value, {20e-6, 1e-9, 10}});
  return list;
}

// How many operations are in flight is a whole number: each power of two is tried beside the base's
// own, which stays unless another fits clearly better.
PartFit fit_depths(const Part& part, hardware::StackSpec& stack, const FitOptions& options) {
  constexpr double kClearly = 0.9;
  constexpr std::uint32_t kDeepest = 4096;
  FitOptions quick = options;
  quick.leave_out = false;
  const hardware::StackSpec start = stack;
  std::uint32_t chosen = start.depth;
  double least = fit_part(part, quick).loss;
  for (std::uint32_t depth = 1; depth <= kDeepest; depth *= 2) {
    if (depth < start.lanes) continue;
    stack = start;
    stack.depth = depth;
    const double loss = fit_part(part, quick).loss;
    if (loss >= (chosen == start.depth ? kClearly : 1) * least) continue;
    least = loss;
    chosen = depth;
  }
  stack = start;
  stack.depth = chosen;
  return fit_part(part, options);
}

std::optional<std::pair<Quantity, Quantity>> range_of(const FittedParameter& parameter,
                                                      const Target& target) {
  if (!parameter.relative_error) return std::nullopt;
  constexpr double kErrors = 2;  // standard errors each way: 95 % where they are what they say
  const double factor = portable_exp(kErrors * *parameter.relative_error);
  const double value = value_of(target);
  const auto at = [&](double end) {
    set(target, rounded(target, end));
    const Quantity quantity = quantity_of(target);
    set(target, value);
    return quantity;
  };
  const bool share = std::holds_alternative<double*>(target);
  return std::pair{at(value / factor), at(share ? std::min(1.0, value * factor) : value * factor)};
}

// Both ways together in units of one way alone, the median over rows.
std::optional<double> duplex_of(const Copies& copies, const hardware::StackSpec& stack,
                                BytesPerSecond link) {
  std::vector<double> factors;
  for (const Copy& copy : copies.both_ways) {
    factors.push_back(modelled_us(stack, link, copy) / copy.us);
  }
  if (factors.empty()) return std::nullopt;
  std::sort(factors.begin(), factors.end());
  return std::clamp(factors[factors.size() / 2], 1.0, 2.0);
}

}  // namespace

std::optional<Calibration> calibrate_stack(const CopiesInput& input,
                                           std::span<const MeasuredTable> tables,
                                           const FitOptions& options, Diagnostics& found) {
  Calibration result{"copies", {}, {}, Node::map()};
  Copies copies;
  copies.part.groupings = {Grouping("bytes"), Grouping("operations"), Grouping("direction")};
  for (const MeasuredTable& table : tables) {
    if (!add_table(table, copies, found)) return std::nullopt;
    result.files.push_back(described(table));
  }
  if (found.has_errors()) return std::nullopt;

  // With one count throughout, setup and operation_time show only as a sum.
  const bool several = copies.part.groupings[1].labels.size() > 1;
  hardware::StackSpec stack = input.base;
  Part& part = copies.part;
  part.parameters = parameters(stack, several);
  if (part.measured.size() <= part.parameters.size()) {
    found.error({tables.front().file(), 0, 0},
                fmt::format("{} copies one way cannot tell {} parameters", part.measured.size(),
                            part.parameters.size()),
                "measure several sizes, and several operations at a time");
    return std::nullopt;
  }
  part.modelled = [&](std::size_t row) {
    return modelled_us(stack, input.link, copies.one_way[row]);
  };
  PartFit fitted = fit_depths(part, stack, options);
  const std::uint32_t depth = stack.depth;
  if (fitted.parameters.back().state != FitState::free) {
    // The link did not bind, so its efficiency is not in these copies.
    stack = input.base;
    stack.depth = depth;
    part.parameters.pop_back();
    fitted = fit_part(part, options);
    result.notes.push_back("No copy is limited by the link: efficiency as in " + input.base_name +
                           ".");
  }
  result.parts.push_back(std::move(fitted));

  Node& entry = result.entry;
  const std::string source = "tiercast calibrate copies over " + source_text(result.files) +
                             ", on a link of " + format_quantity(to_quantity(input.link));
  entry.set("use", Node::scalar(input.base_name));
  entry.set("title", Node::scalar("Copies as measured, over " + input.base_name));
  for (std::size_t i = 0; i < part.parameters.size(); ++i) {
    const FittedParameter& parameter = result.parts.front().parameters[i];
    if (parameter.state == FitState::unused) continue;
    set_figure(entry, parameter.path, parameter.value, FigureKind::derived, source,
               range_of(parameter, part.parameters[i].target));
  }
  if (stack.depth != input.base.depth)
    entry.set("depth", Node::scalar(std::to_string(stack.depth)));
  if (const auto duplex = duplex_of(copies, stack, input.link)) {
    set_figure(entry, "duplex", {.dimension = Dimension::dimensionless, .si = four_digits(*duplex)},
               FigureKind::derived, source);
  } else {
    result.notes.push_back("No row of both ways at once: duplex as in " + input.base_name + ".");
  }
  if (!several) {
    result.notes.push_back("All rows have one number of operations: setup as in " +
                           input.base_name + ".");
  }
  result.notes.push_back(fmt::format("Depth {}{}.", stack.depth,
                                     stack.depth == input.base.depth ? ", as before" : ""));
  return result;
}

}  // namespace tiercast::calibration
