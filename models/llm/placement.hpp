// How a model lies on the GPUs of one instance, and what memory that leaves for KV.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/hardware/specs.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::llm {

/// Degrees of parallelism of one instance: tensor (heads and widths are split), pipeline (layers),
/// data (attention is replicated, requests are split), expert (1: experts are split by width like
/// everything else; tensor x data: each GPU holds whole experts).
struct ParallelSpec {
  uint32_t tp = 1;
  uint32_t pp = 1;
  uint32_t dp = 1;
  uint32_t ep = 1;

  static const FieldTable<ParallelSpec>& fields();

  uint32_t gpus() const { return tp * pp * dp; }
};

/// Why the model cannot be stored this way, or an empty string.
std::string weights_violation(const ModelSpec& model, WeightFormat format);

/// Why the model cannot be split this way, beginning with the name of the field at fault; or an
/// empty string.
std::string parallel_violation(const ModelSpec& model, const ParallelSpec& parallel);

/// KV bytes of one token in one layer on one GPU. Heads are sharded over tp until they run out,
/// then replicated; a latent (MLA) is replicated always, as is what an indexer keeps.
int64_t kv_layer_bytes_per_gpu(const ModelSpec& model, KvFormat format, uint32_t tp);
/// Ranks that hold the same KV: all `tp` of a latent, tp / heads where KV heads run out, else one.
uint32_t kv_copies(const ModelSpec& model, uint32_t tp);
/// KV bytes of one token in all layers that store any, each head once: what a cache entry holds.
int64_t kv_bytes_per_token(const ModelSpec& model, KvFormat format);
/// Bytes of one KV block, each head once. Windowed layers are not in it: their KV does not grow and
/// is set aside whole (HbmBudget::window_kv).
int64_t kv_block_bytes(const ModelSpec& model, KvFormat format, uint32_t block_tokens);
/// KV bytes of one token on one GPU of the fullest pipeline stage, windows not yet capped.
int64_t kv_bytes_per_token_per_gpu(const ModelSpec& model, KvFormat format,
                                   const ParallelSpec& parallel);

/// Bytes of weights on the fullest GPU.
Bytes weight_bytes_per_gpu(const ModelSpec& model, WeightFormat format,
                           const ParallelSpec& parallel);

/// How an engine divides HBM. What is left out is derived; what is given is taken as it is.
struct MemorySpec {
  double utilization = 0;
  std::optional<Bytes> activations;
  std::optional<Bytes> graphs;
  std::optional<Bytes> reserve;
  std::optional<uint32_t> kv_blocks;

  static const FieldTable<MemorySpec>& fields();
};

struct MemoryNeeds {
  uint32_t block_tokens = 16;
  uint32_t max_batched_tokens = 0;
  uint32_t max_sequences = 0;
};

/// One GPU's memory, every line of it. kv = hbm x utilization - the rest, never below 0.
struct HbmBudget {
  Bytes hbm;
  Bytes usable;
  Bytes weights;
  Bytes activations;
  Bytes graphs;
  Bytes reserve;
  Bytes window_kv;  ///< sliding-window layers: their KV stops growing, so it is set aside whole
  Bytes state;      ///< linear layers: their constant states, of max_sequences
  Bytes kv;
  int64_t kv_blocks_fit = 0;  ///< of the whole instance: every attention replica has its own KV
  int64_t kv_blocks = 0;      ///< the same, or as pinned
};

/// HBM for KV and the blocks it makes. `needs` are the instance's; attention replicas share them.
///
/// Activations are the larger of one layer's buffers for max_batched_tokens and the sampler's
/// logits, max_sequences x vocabulary x 4 B x 9.7: what vLLM v1 measured on H100 at 1,024 sequences
/// (llm-d config_explorer, empirical-vllm-memory-results.md: Llama-3.1-8B 4.76 GiB, Llama-3.1-70B
/// TP2 4.84, Qwen3-0.6B 5.56, gpt-oss-20b 7.38; the factor is 9.6 to 9.9 in all four). Reserve
/// outside torch 0.15 GiB, 0.6 GiB with several GPUs (same source). Graphs 0: vLLM captured them
/// outside the budget until 0.21.
HbmBudget hbm_budget(const ModelSpec& model, WeightFormat weights, KvFormat kv,
                     const ParallelSpec& parallel, const hardware::GpuSpec& gpu,
                     const MemorySpec& memory, const MemoryNeeds& needs);

}  // namespace tiercast::llm
