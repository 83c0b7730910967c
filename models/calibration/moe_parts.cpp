// Expert layers, all rows of the kernels that time a format: balanced routing and power laws,
// experts on one GPU or spread. With spread experts the table's rows are of the busiest GPU.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/labels.hpp"
#include "models/calibration/operator_parts.hpp"
#include "models/calibration/operator_tables.hpp"

namespace tiercast::calibration {
namespace {

struct Kind {
  std::string dtype;   // the start of the table's word for it
  std::string kernel;  // that must be in its source's name
  std::string name;
  llm::WeightFormat format;
  llm::MoeKernelSpec* spec;
};

struct Layer {
  std::size_t model;  // index
  double tokens;
  double width;
  double held;
  llm::Routing routing;
};

// Experts without a gate are Nemotron's alone in these tables; older collections timed a gate with
// them.
bool gated(double top, double inner, const std::string& source) {
  return (top != 22 && inner != 1856) || source == "vllm_fused_moe";
}

std::vector<Parameter> parameters(const std::string& name, llm::MoeKernelSpec& spec) {
  const auto path = [&](const char* field) { return name + "." + field; };
  return {
      {path("launch"), &spec.launch, {40e-6, 5e-6, 100e-6}},
      {path("split_launch"), &spec.split_launch, {10e-6, 1e-9, 60e-6}},
      {path("memory"), &spec.memory, {0.7, 0.1, 0.95}},
      {path("compute"), &spec.compute, {0.5, 0.05, 0.98}},
      {path("pad_rows"), &spec.pad_rows, {40, 0.5, 256}},
      {path("expert"), &spec.expert, {1e-7, 1e-10, 5e-6}},
      {path("activation"), &spec.activation, {0.5, 0.02, 100}},
      {path("gather"), &spec.gather, {0.5, 0.001, 5}},
  };
}

}  // namespace

std::vector<Part> moe_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  llm::KernelSpec& kernels = model.kernels;
  const std::vector<Kind> kinds{
      {"bfloat16", "", "moe_bf16", llm::WeightFormat::bf16, &kernels.moe_bf16},
      {"fp8_block", "", "moe_fp8", llm::WeightFormat::fp8_block,
       kernels.moe_fp8 ? &*kernels.moe_fp8 : nullptr},
      {"w4a16_mxfp4", "gptoss", "moe_mxfp4", llm::WeightFormat::mxfp4, &kernels.moe_mxfp4},
      {"", "marlin", "moe_int4", llm::WeightFormat::int4, &kernels.moe_int4},
  };
  std::vector<Part> parts;
  for (const Kind& kind : kinds) {
    Part part{kind.name, "moe " + kind.dtype + kind.kernel};
    part.groupings = {Grouping("layer"), Grouping("tokens"), Grouping("tp"), Grouping("ep"),
                      Grouping("routing")};
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
        if (!table->text(row, dtype).starts_with(kind.dtype) ||
            table->text(row, source).find(kind.kernel) == std::string::npos) {
          continue;
        }
        llm::ModelSpec spec;
        spec.layers = 1;
        spec.hidden = static_cast<std::uint32_t>(hidden[row]);
        spec.gated = gated(top[row], inner[row], table->text(row, source));
        spec.moe.emplace();
        spec.moe->experts = static_cast<std::uint32_t>(experts[row]);
        spec.moe->top = static_cast<std::uint32_t>(top[row]);
        part.measured.push_back(us[row]);
        Grouping& by_layer = part.groupings[0];
        by_layer.add(whole(experts[row]) + " x " + whole(inner[row]) + ", top " + whole(top[row]) +
                     ", hidden " + whole(hidden[row]));
        part.groupings[1].add(size_class(tokens[row]));
        part.groupings[2].add(whole(tp[row]));
        part.groupings[3].add(whole(ep[row]));
        part.groupings[4].add(table->text(row, routing));
        if (by_layer.labels.size() > models.size()) models.push_back(std::move(spec));
        layers.push_back({by_layer.group_of.back(), tokens[row], inner[row] / tp[row],
                          experts[row] / ep[row],
                          table->text(row, routing) == "balanced" ? llm::Routing::balanced
                                                                  : llm::Routing::skewed});
      }
    }
    if (layers.empty()) continue;
    if (kind.spec == nullptr) {
      found.warning({tables.front()->file(), 0, 0},
                    "rows of " + kind.dtype + kind.kernel +
                        " are not used: the calibration has no " + kind.name,
                    "--base names a calibration that has it");
      continue;
    }
    part.parameters = parameters(kind.name, *kind.spec);
    part.modelled = [&machine = model.machine, format = kind.format, models = std::move(models),
                     layers = std::move(layers)](std::size_t row) {
      const Layer& layer = layers[row];
      const llm::ModelSpec& spec = models[layer.model];
      const double busiest =
          llm::routed(layer.routing, *spec.moe, layer.tokens, layer.held).imbalance;
      return llm::experts(machine, spec, format, layer.tokens, layer.held, layer.width, busiest,
                          layer.routing)
          .us;
    };
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace tiercast::calibration
