// The parts that operator tables tell. Each builder takes the tables of its kind and gives the
// parts for which they hold rows, in the order in which they are to be fitted: later ones rest on
// the parameters of earlier ones. Which rows count, and why, stands with each builder.
#pragma once

#include <span>
#include <vector>

#include "models/calibration/measured_table.hpp"
#include "models/calibration/operator_model.hpp"
#include "models/calibration/operator_tables.hpp"
#include "models/calibration/part.hpp"

namespace tiercast::calibration {

using Tables = std::span<const MeasuredTable* const>;

std::vector<Part> gemm_parts(Tables tables, OperatorModel& model, Diagnostics& found);
std::vector<Part> attention_parts(Tables tables, OperatorModel& model, Diagnostics& found);
/// Rests on gemm_bf16.
std::vector<Part> mla_parts(Tables tables, OperatorModel& model, Diagnostics& found);
std::vector<Part> moe_parts(Tables tables, OperatorModel& model, Diagnostics& found);
std::vector<Part> elementwise_parts(Tables tables, OperatorModel& model, Diagnostics& found);
std::vector<Part> custom_allreduce_parts(Tables tables, OperatorModel& model, Diagnostics& found);
std::vector<Part> nccl_parts(Tables tables, OperatorModel& model, Diagnostics& found);

/// A table and what it is of.
struct KnownTable {
  OperatorTable kind;
  const MeasuredTable* table;
};
/// All of them, of tables of any kind.
std::vector<Part> operator_parts(std::span<const KnownTable> tables, OperatorModel& model,
                                 Diagnostics& found);

}  // namespace tiercast::calibration
