// Collectives within a node, and elementwise kernels. Messages are counted in elements.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/labels.hpp"
#include "models/calibration/operator_parts.hpp"
#include "models/calibration/operator_tables.hpp"

namespace tiercast::calibration {
namespace {

constexpr double kHalfBytes = 2;
constexpr double kCustomKernelBytes = 8'388'608;  // an engine uses its own kernel up to here

struct Message {
  std::uint32_t ranks;
  double bytes;
};

std::vector<Parameter> parameters(const std::string& name, llm::CollectiveSpec& spec) {
  const auto path = [&](const char* field) { return name + "." + field; };
  return {
      {path("launch"), &spec.launch, {5e-6, 1e-7, 20e-6}},
      {path("rank"), &spec.rank, {0.5e-6, 1e-8, 5e-6}},
      {path("bandwidth"), &spec.bandwidth, {0.7, 0.1, 0.98}},
      {path("half"), &spec.half, {1e6, 1e3, 1e8}},
  };
}

struct Collected {
  Part part;
  std::vector<Message> messages{};
};

Collected collected(const std::string& name, const std::string& table) {
  Collected result{{name, table}};
  result.part.groupings = {Grouping("gpus"), Grouping("bytes")};
  return result;
}

void add(Collected& to, double ranks, double bytes, double us) {
  to.messages.push_back({static_cast<std::uint32_t>(ranks), bytes});
  to.part.measured.push_back(us);
  to.part.groupings[0].add(whole(ranks));
  to.part.groupings[1].add(size_class(bytes));
}

Part finished(Collected from, llm::CollectiveSpec& spec, OperatorModel& model, double passes) {
  from.part.parameters = parameters(from.part.name, spec);
  from.part.modelled = [&machine = model.machine, &spec, passes,
                        messages = std::move(from.messages)](std::size_t row) {
    return llm::collective(spec, machine, messages[row].ranks, messages[row].bytes, passes).us;
  };
  return std::move(from.part);
}

}  // namespace

std::vector<Part> custom_allreduce_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  Collected small = collected("all_reduce_small", "custom_allreduce up to 8 MiB");
  for (const MeasuredTable* table : tables) {
    const std::size_t backend = table->column("backend").value();
    const std::vector<double> ranks = numbers(*table, "num_gpus", 2, found);
    const std::vector<double> elements = numbers(*table, "message_size", 1, found);
    const std::vector<double> us = latencies_us(*table, found);
    for (std::size_t row = 0; row < table->rows(); ++row) {
      const double bytes = kHalfBytes * elements[row];
      if (table->text(row, backend) != "vllm_graph" || bytes > kCustomKernelBytes) continue;
      add(small, ranks[row], bytes, us[row]);
    }
  }
  std::vector<Part> parts;
  if (!small.messages.empty()) {
    parts.push_back(finished(std::move(small), model.kernels.all_reduce_small, model, 2));
  }
  return parts;
}

std::vector<Part> nccl_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  struct Operation {
    std::string name;
    std::string part;
    llm::CollectiveSpec* spec;
    double passes;
  };
  const std::vector<Operation> operations{
      {"all_reduce", "all_reduce", &model.kernels.all_reduce, 2},
      {"all_gather", "all_gather", &model.kernels.all_gather, 1},
      {"reduce_scatter", "reduce_scatter", &model.kernels.reduce_scatter, 1},
      {"alltoall", "all_to_all", &model.kernels.all_to_all, 1},
  };
  std::vector<Part> parts;
  for (const Operation& operation : operations) {
    Collected messages = collected(operation.part, "nccl " + operation.name);
    for (const MeasuredTable* table : tables) {
      const std::size_t name = table->column("op_name").value();
      const std::size_t dtype = table->column("nccl_dtype").value();
      const std::vector<double> ranks = numbers(*table, "num_gpus", 2, found);
      const std::vector<double> elements = numbers(*table, "message_size", 1, found);
      const std::vector<double> us = latencies_us(*table, found);
      for (std::size_t row = 0; row < table->rows(); ++row) {
        if (table->text(row, name) != operation.name) continue;
        const double width = table->text(row, dtype) == "int8" ? 1 : kHalfBytes;
        add(messages, ranks[row], width * elements[row], us[row]);
      }
    }
    if (messages.messages.empty()) continue;
    parts.push_back(finished(std::move(messages), *operation.spec, model, operation.passes));
  }
  return parts;
}

std::vector<Part> elementwise_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  Part part{"elementwise", "layer tables: norm, rope, activation"};
  part.groupings = {Grouping("tp"), Grouping("kernel"), Grouping("model")};
  std::vector<double> moved;
  for (const MeasuredTable* table : tables) {
    const std::vector<double> tokens = numbers(*table, "num_tokens", 1, found);
    const std::vector<double> tp = numbers(*table, "tp", 1, found);
    const std::vector<double> heads = numbers(*table, "n_head", 1, found);
    const std::vector<double> kv_heads = numbers(*table, "n_kv_head", 1, found);
    const std::vector<double> hidden = numbers(*table, "n_embd", 1, found);
    const std::vector<double> inner = numbers(*table, "n_expanded_embd", 1, found);
    struct Kernel {
      std::string column;
      std::string label;
      std::function<double(std::size_t)> bytes;
    };
    const std::array<Kernel, 3> kernels{{
        {"input_layernorm_ms", "norm",
         [&](std::size_t row) { return 2 * kHalfBytes * tokens[row] * hidden[row]; }},
        {"mlp_act_ms", "activation",
         [&](std::size_t row) { return 3 * kHalfBytes * tokens[row] * inner[row] / tp[row]; }},
        {"attn_rope_ms", "rope",
         [&](std::size_t row) {
           const double own = heads[row] / tp[row] + std::max(1.0, kv_heads[row] / tp[row]);
           return 2 * kHalfBytes * tokens[row] * own * hidden[row] / heads[row];
         }},
    }};
    for (std::size_t row = 0; row < table->rows(); ++row) {
      for (const Kernel& kernel : kernels) {
        const std::size_t at = table->column(kernel.column).value();
        if (table->text(row, at).empty()) continue;  // a model without this kernel
        const double ms = table->number(row, at, 0, kCountMax, found);
        if (!(ms > 0)) continue;  // below the clock's resolution
        moved.push_back(kernel.bytes(row));
        part.measured.push_back(1e3 * ms);
        part.groupings[0].add(whole(tp[row]));
        part.groupings[1].add(kernel.label);
        part.groupings[2].add(whole(hidden[row]));
      }
    }
  }
  std::vector<Part> parts;
  if (moved.empty()) return parts;
  llm::KernelSpec& kernels = model.kernels;
  part.parameters = {
      {"elementwise_launch", &kernels.elementwise_launch, {2e-6, 1e-8, 20e-6}},
      {"elementwise_memory", &kernels.elementwise_memory, {0.5, 0.01, 1}},
  };
  part.modelled = [&machine = model.machine, moved = std::move(moved)](std::size_t row) {
    return llm::elementwise(machine, moved[row]).us;
  };
  parts.push_back(std::move(part));
  return parts;
}

}  // namespace tiercast::calibration
