#include "models/calibration/operator_tables.hpp"

#include <algorithm>
#include <array>

#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

constexpr double kLeastTime = 1e-9;

struct KnownHeader {
  OperatorTable kind;
  std::string_view name;
  std::vector<std::string_view> columns;
};

const std::vector<KnownHeader>& known_headers() {
  static const std::vector<KnownHeader> known{
      {OperatorTable::gemm, "gemm", {"gemm_dtype", "m", "n", "k", "latency_ms"}},
      {OperatorTable::attention,
       "attention",
       {"batch_size", "isl", "step", "num_heads", "num_key_value_heads", "head_dim",
        "kv_cache_dtype", "latency_ms"}},
      {OperatorTable::mla_module,
       "MLA module",
       {"kernel_source", "batch_size", "isl", "step", "num_heads", "kv_cache_dtype", "gemm_type",
        "latency_ms"}},
      {OperatorTable::moe,
       "moe",
       {"kernel_source", "moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk",
        "num_experts", "moe_tp_size", "moe_ep_size", "distribution", "latency_ms"}},
      {OperatorTable::custom_allreduce,
       "custom_allreduce",
       {"allreduce_dtype", "backend", "num_gpus", "message_size", "latency_ms"}},
      {OperatorTable::nccl,
       "nccl",
       {"op_name", "nccl_dtype", "num_gpus", "message_size", "latency_ms"}},
      {OperatorTable::layers,
       "layers",
       {"num_tokens", "tp", "n_head", "n_kv_head", "n_embd", "n_expanded_embd",
        "input_layernorm_ms", "mlp_act_ms", "attn_rope_ms"}},
  };
  return known;
}

std::vector<std::string> missing(const MeasuredTable& table, const KnownHeader& header) {
  std::vector<std::string> names;
  for (const std::string_view name : header.columns) {
    if (!table.column(name)) names.push_back("`" + std::string(name) + "`");
  }
  return names;
}

}  // namespace

std::optional<OperatorTable> kind_of(const MeasuredTable& table, Diagnostics& found) {
  const KnownHeader* nearest = nullptr;
  double nearest_share = 0;
  for (const KnownHeader& header : known_headers()) {
    if (table.has(header.columns)) return header.kind;
    const double share = 1 - static_cast<double>(missing(table, header).size()) /
                                 static_cast<double>(header.columns.size());
    if (share > nearest_share) {
      nearest = &header;
      nearest_share = share;
    }
  }
  std::string hint = "kinds: gemm, attention, MLA module, moe, custom_allreduce, nccl, layers";
  if (nearest != nullptr && nearest_share >= 0.5) {
    hint = "for a table of kind " + std::string(nearest->name) + " it lacks " +
           join(missing(table, *nearest));
  }
  found.warning({table.file(), 1, 0}, "not used: the header is of no operator table that is known",
                hint);
  return std::nullopt;
}

std::vector<double> numbers(const MeasuredTable& table, std::string_view column, double lowest,
                            Diagnostics& found) {
  const std::size_t at = table.column(column).value();
  std::vector<double> values;
  values.reserve(table.rows());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    values.push_back(table.number(row, at, lowest, kCountMax, found));
  }
  return values;
}

std::vector<double> numbers_or(const MeasuredTable& table, std::string_view column, double lowest,
                               double otherwise, Diagnostics& found) {
  if (table.column(column)) return numbers(table, column, lowest, found);
  return std::vector<double>(table.rows(), otherwise);
}

std::vector<double> latencies_us(const MeasuredTable& table, Diagnostics& found) {
  std::vector<double> times = numbers(table, "latency_ms", kLeastTime, found);
  for (double& time : times) time *= 1e3;
  return times;
}

}  // namespace tiercast::calibration
