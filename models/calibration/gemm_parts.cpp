// Dense products, all rows of a table. Calls of 8-bit products scaled by blocks lie as far apart as
// Python takes to launch one, 60 us (FlashInfer) to 90 us (DeepGEMM): only longer ones tell of the
// GPU. CUTLASS gets those whose n or k no model has, and never above its own 180 us.

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/labels.hpp"
#include "models/calibration/operator_parts.hpp"
#include "models/calibration/operator_tables.hpp"

namespace tiercast::calibration {
namespace {

constexpr double kAboveFloor = 1.45;  // times the floor from which on a call is the GPU's

struct Product {
  double m, n, k;
};

struct Kind {
  std::string dtype;  // in the table
  std::string name;   // of the calibration's part
  llm::WeightFormat format;
  llm::GemmSpec* spec;  // null: the calibration has none
};

// What a call takes at least, whatever the GPU does.
double floor_us(const std::string& dtype, const std::string& source) {
  if (dtype != "fp8_block") return 0;
  if (source.starts_with("Cutlass")) return std::numeric_limits<double>::infinity();
  return source.starts_with("FlashInfer") ? 60 : 90;
}

std::vector<Parameter> parameters(const Kind& kind) {
  llm::GemmSpec& spec = *kind.spec;
  const auto path = [&](const char* field) { return kind.name + "." + field; };
  std::vector<Parameter> list{
      {path("compute"), &spec.compute, {0.86, 0.05, 0.98}},
      {path("memory"), &spec.memory, {0.87, 0.05, 0.95}},
      {path("tile_load"), &spec.tile_load, {150e9, 1e9, 1e12}},
      {path("tile"), &spec.tile, {1e-6, 1e-10, 10e-6}},
  };
  // Above a floor nothing tells the launch: that of other 8-bit products stays.
  if (kind.format != llm::WeightFormat::fp8_block) {
    list.insert(list.begin(), {path("launch"), &spec.launch, {2.4e-6, 1e-7, 10e-6}});
  }
  if (kind.format == llm::WeightFormat::bf16) {
    list.push_back({path("reduce"), &spec.reduce, {1, 0.01, 10}});
    list.push_back({path("waves"), &spec.waves, {0.5, 0.01, 1}});
  } else {
    list.push_back({path("quantise"), &spec.quantise, {1e-6, 1e-9, 20e-6}});
    list.push_back({path("quantise_passes"), &spec.quantise_passes, {3, 0.5, 40}});
  }
  return list;
}

}  // namespace

std::vector<Part> gemm_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  llm::KernelSpec& kernels = model.kernels;
  const auto spec = [](std::optional<llm::GemmSpec>& given) { return given ? &*given : nullptr; };
  const std::vector<Kind> kinds{
      {"bfloat16", "gemm_bf16", llm::WeightFormat::bf16, &kernels.gemm_bf16},
      {"fp8", "gemm_fp8", llm::WeightFormat::fp8, spec(kernels.gemm_fp8)},
      {"fp8_block", "gemm_fp8_block", llm::WeightFormat::fp8_block, spec(kernels.gemm_fp8_block)},
  };
  std::vector<Part> parts;
  for (const Kind& kind : kinds) {
    Part part{kind.name, "gemm " + kind.dtype};
    if (kind.format == llm::WeightFormat::fp8_block) part.table += " above its floor";
    part.groupings = {Grouping("n"), Grouping("m"), Grouping("k")};
    std::vector<Product> products;
    for (const MeasuredTable* table : tables) {
      const std::size_t dtype = table->column("gemm_dtype").value();
      const auto source = table->column("kernel_source");
      const std::vector<double> m = numbers(*table, "m", 1, found);
      const std::vector<double> n = numbers(*table, "n", 1, found);
      const std::vector<double> k = numbers(*table, "k", 1, found);
      const std::vector<double> us = latencies_us(*table, found);
      for (std::size_t row = 0; row < table->rows(); ++row) {
        if (table->text(row, dtype) != kind.dtype) continue;
        const double floor = floor_us(kind.dtype, source ? table->text(row, *source) : "");
        if (us[row] <= kAboveFloor * floor) continue;
        products.push_back({m[row], n[row], k[row]});
        part.measured.push_back(us[row]);
        part.groupings[0].add(whole(n[row]));
        part.groupings[1].add(size_class(m[row]));
        part.groupings[2].add(size_class(k[row]));
      }
    }
    if (products.empty()) continue;
    if (kind.spec == nullptr) {
      found.warning({tables.front()->file(), 0, 0},
                    "rows of " + kind.dtype + " are not used: the calibration has no " + kind.name,
                    "--base names a calibration that has it");
      continue;
    }
    part.parameters = parameters(kind);
    part.modelled = [&machine = model.machine, format = kind.format,
                     products = std::move(products)](std::size_t row) {
      const Product& p = products[row];
      return llm::gemm(machine, format, p.m, p.n, p.k).us;
    };
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace tiercast::calibration
