// Parameters of the step-time model: how close kernels come to a GPU's peaks, and what each launch
// costs. One catalogue entry (`calibration`) per software stack and GPU generation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::llm {

/// Dense matrix product. Efficiencies are shares of the GPU's peaks.
struct GemmSpec {
  Seconds launch;
  double compute = 0;
  double memory = 0;
  BytesPerSecond tile_load;  ///< operand traffic one multiprocessor sustains
  Seconds tile;              ///< start and end of one tile
  double reduce = 0;         ///< memory efficiency of adding up split products; 0: never split
  double waves = 1;          ///< 1: tiles run in whole waves; 0: a persistent kernel fills them all
  Seconds quantise;          ///< per 1,000 rows, turning activations to fewer bits; 0: none
  double quantise_passes = 0;  ///< bytes moved for it, per activation

  static const FieldTable<GemmSpec>& fields();
};

/// A step launches one kernel for all its attention. 8-bit figures are of KV kept in 8 bits.
struct AttentionSpec {
  Seconds launch;
  Seconds launch_dim;     ///< the same, per 128 head dimensions
  Seconds launch_fp8;     ///< more with 8-bit KV
  Seconds launch_window;  ///< more with a window
  double decode_memory = 0;
  double decode_memory_fp8 = 0;  ///< up to 128 head dimensions, in proportion less beyond
  Seconds cta;                   ///< one thread block of decode: a sequence's KV head
  double prefill_compute = 0;
  double softmax_dims = 0;   ///< exponentials of a query-key pair, as extra head dimensions
  double prefill_write = 0;  ///< memory efficiency of reading and writing the chunk itself
  double prefill_fp8 = 1;    ///< factor on prefill_write's time with 8-bit KV
  Seconds prefill_cta;       ///< one thread block of prefill: a chunk's query head
  Seconds kv_row;            ///< per 1,000 tokens stored whose KV heads fill 512 numbers or more
  double kv_row_fp8 = 1;     ///< factor on kv_row with 8-bit KV
  double wide_head =
      1;  ///< factor on pairs of heads beyond 256 dimensions, which another kernel takes
  uint32_t window_tile = 0;  ///< tokens read beyond a window, because tiles are whole

  static const FieldTable<AttentionSpec>& fields();
};

/// A module of latent attention: what its products leave, kernels around them included.
struct MlaKernelSpec {
  Seconds launch;
  double decode_memory = 0;
  double decode_memory_fp8 = 0;
  double decode_compute = 0;
  Seconds decode_head;  ///< per 1,000 pairs of head and sequence
  double prefill_compute = 0;
  Seconds head_token;  ///< per 1,000 (head, new token) pairs in prefill
  Seconds token;       ///< per 1,000 new tokens in prefill

  static const FieldTable<MlaKernelSpec>& fields();
};

struct MoeKernelSpec {
  Seconds launch;
  Seconds split_launch;  ///< more where experts are spread over GPUs
  double memory = 0;
  double compute = 0;
  double pad_rows = 0;    ///< rows each active expert computes in vain
  Seconds expert;         ///< per active expert
  double activation = 0;  ///< memory efficiency of the GPU's own routed rows
  double gather = 0;      ///< times all routed rows move, those of other GPUs' experts included

  static const FieldTable<MoeKernelSpec>& fields();
};

/// launch + rank (g - 1) + passes (g - 1)/g (V + sqrt(V half)) / (bandwidth x fabric). The fabric
/// is NVLink, or a node's network cards.
struct CollectiveSpec {
  Seconds launch;
  Seconds rank;
  double bandwidth = 0;
  Bytes half;

  static const FieldTable<CollectiveSpec>& fields();
};

/// One way of DeepEP's exchange: launch + bytes to other GPUs / (bandwidth x NVLink).
struct ExchangeSpec {
  Seconds launch;
  double bandwidth = 0;

  static const FieldTable<ExchangeSpec>& fields();
};

/// Tokens to the GPUs of their experts and back. Low latency sends a copy to every expert, the
/// other kernels one to every GPU.
struct ExpertExchangeSpec {
  ExchangeSpec dispatch;
  ExchangeSpec combine;
  ExchangeSpec low_latency_dispatch;
  ExchangeSpec low_latency_combine;

  static const FieldTable<ExpertExchangeSpec>& fields();
};

/// GPU power above idle, as shares of (limit - idle): busy x (kernel time that is not
/// communication) + compute x FLOP/peak + memory x bytes/peak, in each step at most
/// (sustained x limit - idle).
struct GpuPowerSpec {
  double busy = 0;
  double compute = 0;
  double memory = 0;
  double communication = 0;
  double sort = 0;  ///< instead of busy, while sampling sorts the vocabulary
  double sustained = 0;

  static const FieldTable<GpuPowerSpec>& fields();
};

/// How well one part fits the table it was fitted to.
struct FitErrorSpec {
  std::string part;
  std::string table;
  uint32_t rows = 0;
  double median = 0;
  double p90 = 0;

  static const FieldTable<FitErrorSpec>& fields();
};

struct KernelSpec {
  std::string use;
  std::string title;
  std::string source;
  std::string fitted_on;  ///< GPU (catalogue name) whose measurements these are
  GemmSpec gemm_bf16;
  std::optional<GemmSpec> gemm_fp8;
  std::optional<GemmSpec> gemm_fp8_block;
  std::optional<GemmSpec> gemm_int4;
  std::optional<GemmSpec> gemm_nvfp4;
  AttentionSpec attention;
  MlaKernelSpec mla;
  MoeKernelSpec moe_bf16;
  std::optional<MoeKernelSpec> moe_fp8;
  MoeKernelSpec moe_mxfp4;
  MoeKernelSpec moe_int4;
  std::optional<MoeKernelSpec> moe_nvfp4;
  Figure<double> expert_imbalance;  ///< rows of the busiest expert-parallel GPU over the mean
  double elementwise_memory = 0;
  Seconds elementwise_launch;
  CollectiveSpec all_reduce_small;  ///< up to 8 MiB
  CollectiveSpec all_reduce;
  CollectiveSpec all_gather;
  CollectiveSpec reduce_scatter;
  CollectiveSpec all_to_all;
  CollectiveSpec network;  ///< between nodes
  std::optional<ExpertExchangeSpec> expert_exchange;
  GpuPowerSpec power;
  std::vector<FitErrorSpec> errors;

  static const FieldTable<KernelSpec>& fields();

  /// True where the figures come from another GPU (catalogue name `gpu`) and are carried by peaks
  /// alone. Unfitted carrying from H100 to A100 left medians of 15 to 25 %.
  bool carried_to(const std::string& gpu) const { return gpu != fitted_on; }
};

}  // namespace tiercast::llm
