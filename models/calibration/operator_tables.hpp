// Operator tables by what their headers say, and their columns as numbers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/measured_table.hpp"

namespace tiercast::calibration {

enum class OperatorTable {
  gemm,        ///< dense products: m, n, k
  attention,   ///< attention kernels, prefill (`step` 0) and decode (`isl` 1)
  mla_module,  ///< latent attention with its products, prefill and decode
  moe,         ///< expert layers
  custom_allreduce,
  nccl,
  layers,  ///< norms, rotary embedding, activation of a whole layer
};

/// By the names of its columns; nothing after a warning that says what the nearest kind would need.
std::optional<OperatorTable> kind_of(const MeasuredTable& table, Diagnostics& found);

/// A column of numbers up to kCountMax; cells at fault are reported and stand as `lowest`.
std::vector<double> numbers(const MeasuredTable& table, std::string_view column, double lowest,
                            Diagnostics& found);
/// The same of a column that may be missing: then `otherwise` throughout.
std::vector<double> numbers_or(const MeasuredTable& table, std::string_view column, double lowest,
                               double otherwise, Diagnostics& found);
/// `latency_ms` in microseconds, above 0.
std::vector<double> latencies_us(const MeasuredTable& table, Diagnostics& found);

}  // namespace tiercast::calibration
