#include "models/calibration/operator_parts.hpp"

#include <iterator>
#include <utility>
namespace tiercast::calibration {

std::vector<Part> operator_parts(std::span<const KnownTable> tables, OperatorModel& model,
                                 Diagnostics& found) {
  using Builder = std::vector<Part> (*)(Tables, OperatorModel&, Diagnostics&);
  static constexpr std::pair<OperatorTable, Builder> kBuilders[] = {
      {OperatorTable::gemm, gemm_parts},
      {OperatorTable::attention, attention_parts},
      {OperatorTable::mla_module, mla_parts},
      {OperatorTable::moe, moe_parts},
      {OperatorTable::layers, elementwise_parts},
      {OperatorTable::custom_allreduce, custom_allreduce_parts},
      {OperatorTable::nccl, nccl_parts},
  };
  std::vector<Part> parts;
  for (const auto& [kind, build] : kBuilders) {
    std::vector<const MeasuredTable*> mine;
    for (const KnownTable& known : tables) {
      if (known.kind == kind) mine.push_back(known.table);
    }
    if (mine.empty()) continue;
    std::vector<Part> built = build(mine, model, found);
    std::move(built.begin(), built.end(), std::back_inserter(parts));
  }
  return parts;
}

}  // namespace tiercast::calibration
