#include "models/llm/placement.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/field_table.hpp"

namespace tiercast::llm {

using namespace table;

const FieldTable<ParallelSpec>& ParallelSpec::fields() {
  static const auto table =
      FieldTable<ParallelSpec>(
          "parallel", "Degrees of parallelism of one instance.",
          {
              field("tp", &ParallelSpec::tp, by_default("1"), between(1, 1024), "Tensor."),
              field("pp", &ParallelSpec::pp, by_default("1"), between(1, 128), "Pipeline."),
              field("dp", &ParallelSpec::dp, by_default("1"), between(1, 1024),
                    "Data: attention replicas that share experts."),
              field("ep", &ParallelSpec::ep, by_default("1"), between(1, 1024),
                    "Expert: 1, or tp x dp for whole experts on each GPU."),
          })
          .must("ep must be 1 or tp x dp", [](const ParallelSpec& parallel) {
            return parallel.ep == 1 || parallel.ep == parallel.tp * parallel.dp;
          });
  return table;
}

const FieldTable<MemorySpec>& MemorySpec::fields() {
  static const auto table = FieldTable<MemorySpec>(
      "memory", "How the engine divides HBM; what is left out is derived.",
      {
          field("utilization", &MemorySpec::utilization, by_default("0.9"), between(0.05, 1.0),
                "Share of HBM the engine may use."),
          field("activations", &MemorySpec::activations,
                absent_means("from batched tokens, sequences and vocabulary"), at_least(0),
                "Peak of intermediate results, a GPU."),
          field("graphs", &MemorySpec::graphs, absent_means("0B: captured outside the budget"),
                at_least(0), "CUDA graphs, a GPU."),
          field("reserve", &MemorySpec::reserve,
                absent_means("0.15GiB, or 0.6GiB with several GPUs"), at_least(0),
                "Driver, communicators, anything else, a GPU."),
          field("kv_blocks", &MemorySpec::kv_blocks, absent_means("what memory is left for"),
                at_least(1), "Pins the number of KV blocks."),
      });
  return table;
}

std::string weights_violation(const ModelSpec& model, WeightFormat format) {
  if (format != WeightFormat::mxfp4 || model.moe) return {};
  return "mxfp4 stores experts, and this model has none";
}

std::string parallel_violation(const ModelSpec& model, const ParallelSpec& parallel) {
  if (model.heads() % parallel.tp != 0) {
    return "tp " + std::to_string(parallel.tp) + " does not divide the model's " +
           std::to_string(model.heads()) + " attention heads";
  }
  if (parallel.pp > model.layers) return "pp exceeds the model's layers";
  if (!model.moe && (parallel.dp > 1 || parallel.ep > 1)) {
    return std::string(parallel.dp > 1 ? "dp" : "ep") + " splits experts, and this model has none";
  }
  if (model.moe && model.moe->experts % parallel.ep != 0) {
    return "ep does not divide the model's experts";
  }
  return {};
}

namespace {

int64_t bytes_of(KvFormat format) { return format == KvFormat::fp8 ? 1 : 2; }

int64_t layer_numbers(const GqaSpec& gqa, uint32_t tp) {
  const uint32_t heads = (gqa.kv_heads + tp - 1) / tp;
  return int64_t{2} * heads * gqa.head_dim;
}
int64_t layer_numbers(const MlaSpec& mla, uint32_t) {
  return int64_t{1} * mla.kv_rank + mla.rope_dim;
}

int64_t stage_layers(uint32_t layers, uint32_t pp) { return (int64_t{layers} + pp - 1) / pp; }

// Attention weights that every tensor rank holds whole: the down-projections of MLA.
double replicated_attention(const ModelSpec& model) {
  const auto* mla = std::get_if<MlaSpec>(&model.attention);
  if (mla == nullptr) return 0;
  return double{1} * model.attention_layers() * model.hidden *
         (double{1} * mla->q_rank + mla->kv_rank + mla->rope_dim);
}

Bytes whole(double bytes) { return Bytes{static_cast<int64_t>(std::ceil(bytes))}; }

constexpr double kBf16Bytes = 2;
constexpr double kLogitBytes = 4;
constexpr double kLogitCopies = 9.7;
constexpr Bytes kReserveOneGpu{161'061'274};       // 0.15 GiB
constexpr Bytes kReserveSeveralGpus{644'245'095};  // 0.6 GiB

Bytes activation_peak(const ModelSpec& model, const ParallelSpec& parallel,
                      const MemoryNeeds& needs) {
  const double logits =
      kLogitCopies * kLogitBytes * needs.max_sequences * double{1} * model.vocabulary;
  double width = 6.0 * model.hidden + 3.0 * model.intermediate / parallel.tp;
  if (model.moe) {
    const double inner = 3.0 * model.moe->intermediate / (parallel.ep > 1 ? 1 : parallel.tp);
    width = std::max(width, 6.0 * model.hidden + model.moe->top * (model.hidden + inner));
  }
  return whole(std::max(logits, kBf16Bytes * width * needs.max_batched_tokens));
}

}  // namespace

int64_t kv_layer_bytes_per_gpu(const ModelSpec& model, KvFormat format, uint32_t tp) {
  const int64_t numbers =
      std::visit([tp](const auto& kind) { return layer_numbers(kind, tp); }, model.attention);
  return bytes_of(format) * numbers + (model.indexer ? model.indexer->token_bytes() : 0);
}

uint32_t kv_copies(const ModelSpec& model, uint32_t tp) {
  const int64_t held = tp * kv_layer_bytes_per_gpu(model, KvFormat::bf16, tp);
  return static_cast<uint32_t>(held / kv_layer_bytes_per_gpu(model, KvFormat::bf16, 1));
}

int64_t kv_bytes_per_token(const ModelSpec& model, KvFormat format) {
  return model.stored_layers() * kv_layer_bytes_per_gpu(model, format, 1);
}

int64_t kv_bytes_per_token_per_gpu(const ModelSpec& model, KvFormat format,
                                   const ParallelSpec& parallel) {
  return stage_layers(model.stored_layers(), parallel.pp) *
         kv_layer_bytes_per_gpu(model, format, parallel.tp);
}

Bytes weight_bytes_per_gpu(const ModelSpec& model, WeightFormat format,
                           const ParallelSpec& parallel) {
  const ParameterCount count = count_parameters(model);
  const double linear = weight_bytes(linear_format(format));
  const double replicated = replicated_attention(model);
  const double expert_ways = parallel.ep > 1 ? parallel.ep : parallel.tp;
  const double layers =
      linear * (replicated + (count.attention - replicated + count.mlp) / parallel.tp) +
      weight_bytes(format) * count.experts / expert_ways +
      kBf16Bytes * (count.router + count.small);
  const double share = static_cast<double>(stage_layers(model.layers, parallel.pp)) / model.layers;
  const double tables =
      parallel.pp > 1 ? std::max(count.embedding, count.head) : count.embedding + count.head;
  return whole(layers * share + kBf16Bytes * tables / parallel.tp);
}

int64_t kv_block_bytes(const ModelSpec& model, KvFormat format, uint32_t block_tokens) {
  const int64_t growing = model.stored_full_layers() * kv_layer_bytes_per_gpu(model, format, 1);
  return std::max<int64_t>(growing, 1) * block_tokens;
}

HbmBudget hbm_budget(const ModelSpec& model, WeightFormat weights, KvFormat kv,
                     const ParallelSpec& parallel, const hardware::GpuSpec& gpu,
                     const MemorySpec& memory, const MemoryNeeds& all_needs) {
  const auto share = [&](uint32_t whole) { return (whole + parallel.dp - 1) / parallel.dp; };
  const MemoryNeeds needs{all_needs.block_tokens, share(all_needs.max_batched_tokens),
                          share(all_needs.max_sequences)};
  HbmBudget budget;
  budget.hbm = gpu.hbm.value;
  budget.usable =
      Bytes{static_cast<int64_t>(static_cast<double>(budget.hbm.value()) * memory.utilization)};
  budget.weights = weight_bytes_per_gpu(model, weights, parallel);
  budget.activations = memory.activations.value_or(activation_peak(model, parallel, needs));
  budget.graphs = memory.graphs.value_or(Bytes{0});
  budget.reserve =
      memory.reserve.value_or(parallel.gpus() > 1 ? kReserveSeveralGpus : kReserveOneGpu);
  const int64_t per_token = kv_bytes_per_token_per_gpu(model, kv, parallel);
  const int64_t window_bytes = per_token * model.stored_window_layers() / model.stored_layers();
  if (model.linear) {
    const double layers =
        static_cast<double>(stage_layers(model.linear->layers, parallel.pp)) / parallel.tp;
    budget.state = whole(layers * model.linear->state_bytes() * needs.max_sequences);
  }
  const Bytes for_kv = std::max(budget.usable - budget.weights - budget.activations -
                                    budget.graphs - budget.reserve - budget.state,
                                Bytes{0});
  if (model.window) {
    const int64_t tokens = int64_t{model.window->tokens} + needs.block_tokens;
    const int64_t chunk = needs.max_batched_tokens;
    // Sequences within their windows need no more of the memory than these layers' share.
    const double part = static_cast<double>(window_bytes) / static_cast<double>(per_token);
    budget.window_kv =
        std::min(Bytes{window_bytes * (tokens * needs.max_sequences + chunk)},
                 Bytes{static_cast<int64_t>(static_cast<double>(for_kv.value()) * part)});
  }
  const Bytes left = for_kv - budget.window_kv;
  budget.kv = std::max(left, Bytes{0});
  const int64_t growing = std::max<int64_t>(per_token - window_bytes, 1);
  budget.kv_blocks_fit = budget.kv.value() / (growing * needs.block_tokens) * parallel.dp;
  budget.kv_blocks = memory.kv_blocks ? int64_t{*memory.kv_blocks} : budget.kv_blocks_fit;
  return budget;
}

}  // namespace tiercast::llm
