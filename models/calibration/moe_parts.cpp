// Expert layers. Rows of mildly skewed routing (power law 1.01), from 32 experts on, all on one
// GPU.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/labels.hpp"
#include "models/calibration/operator_parts.hpp"
#include "models/calibration/operator_tables.hpp"

namespace tiercast::calibration {
namespace {

constexpr double kLeastExperts = 32;
constexpr std::string_view kRouting = "power_law_1.01";

struct Kind {
  std::string dtype;
  std::string kernel;  // that must be in its source's name
  std::string name;
  llm::WeightFormat format;
  llm::MoeKernelSpec* spec;
};

struct Layer {
  std::size_t model;  // index
  double tokens;
  double width;
};

std::vector<Parameter> parameters(const std::string& name, llm::MoeKernelSpec& spec) {
  const auto path = [&](const char* field) { return name + "." + field; };
  return {
      {path("launch"), &spec.launch, {40e-6, 5e-6, 100e-6}},
      {path("memory"), &spec.memory, {0.7, 0.1, 0.95}},
      {path("compute"), &spec.compute, {0.5, 0.05, 0.98}},
      {path("pad_rows"), &spec.pad_rows, {32, 1, 128}},
      {path("expert"), &spec.expert, {1e-7, 1e-10, 5e-6}},
      {path("activation"), &spec.activation, {0.5, 0.05, 1000}},
  };
}

}  // namespace

std::vector<Part> moe_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  llm::KernelSpec& kernels = model.kernels;
  const std::vector<Kind> kinds{
      {"bfloat16", "", "moe_bf16", llm::WeightFormat::bf16, &kernels.moe_bf16},
      {"fp8_block", "triton", "moe_fp8", llm::WeightFormat::fp8_block,
       kernels.moe_fp8 ? &*kernels.moe_fp8 : nullptr},
      {"w4a16_mxfp4", "gptoss", "moe_mxfp4", llm::WeightFormat::mxfp4, &kernels.moe_mxfp4},
  };
  std::vector<Part> parts;
  for (const Kind& kind : kinds) {
    Part part{kind.name, "moe " + kind.dtype + (kind.kernel.empty() ? "" : ", " + kind.kernel)};
    part.groupings = {Grouping("layer"), Grouping("tokens"), Grouping("tp")};
    std::vector<llm::ModelSpec> models;
    std::vector<Layer> layers;
    for (const MeasuredTable* table : tables) {
      const std::size_t dtype = table->column("moe_dtype").value();
      const std::size_t source = table->column("kernel_source").value();
      const std::size_t routing = table->column("distribution").value();
      const std::vector<double> tokens = numbers(*table, "num_tokens", 1, found);
      const std::vector<double> hidden = numbers(*table, "hidden_size", 1, found);
      const std::vector<double> inner = numbers(*table, "inter_size", 1, found);
      const std::vector<double> top = numbers(*table, "topk", 1, found);
      const std::vector<double> experts = numbers(*table, "num_experts", 1, found);
      const std::vector<double> tp = numbers(*table, "moe_tp_size", 1, found);
      const std::vector<double> ep = numbers(*table, "moe_ep_size", 1, found);
      const std::vector<double> us = latencies_us(*table, found);
      for (std::size_t row = 0; row < table->rows(); ++row) {
        if (table->text(row, dtype) != kind.dtype || table->text(row, routing) != kRouting ||
            table->text(row, source).find(kind.kernel) == std::string::npos ||
            !(experts[row] >= kLeastExperts) || ep[row] != 1) {
          continue;
        }
        llm::ModelSpec spec;
        spec.layers = 1;
        spec.hidden = static_cast<std::uint32_t>(hidden[row]);
        spec.moe.emplace();
        spec.moe->experts = static_cast<std::uint32_t>(experts[row]);
        spec.moe->top = static_cast<std::uint32_t>(top[row]);
        part.measured.push_back(us[row]);
        Grouping& by_layer = part.groupings[0];
        by_layer.add(whole(experts[row]) + " x " + whole(inner[row]) + ", top " + whole(top[row]) +
                     ", hidden " + whole(hidden[row]));
        part.groupings[1].add(size_class(tokens[row]));
        part.groupings[2].add(whole(tp[row]));
        if (by_layer.labels.size() > models.size()) models.push_back(std::move(spec));
        layers.push_back({by_layer.group_of.back(), tokens[row], inner[row] / tp[row]});
      }
    }
    if (layers.empty()) continue;
    if (kind.spec == nullptr) {
      found.warning({tables.front()->file(), 0, 0},
                    "rows of " + kind.dtype + " are not used: the calibration has no " + kind.name,
                    "--base names a calibration that has it");
      continue;
    }
    part.parameters = parameters(kind.name, *kind.spec);
    part.modelled = [&machine = model.machine, format = kind.format, models = std::move(models),
                     layers = std::move(layers)](std::size_t row) {
      const Layer& layer = layers[row];
      const llm::ModelSpec& spec = models[layer.model];
      return llm::experts(machine, spec, format, layer.tokens, spec.moe->experts, layer.width, 1)
          .us;
    };
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace tiercast::calibration
