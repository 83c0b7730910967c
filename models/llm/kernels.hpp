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
  Seconds quantise;          ///< per 1,000 rows, turning activations to 8 bits; 0: none

  static const FieldTable<GemmSpec>& fields();
};

struct AttentionSpec {
  Seconds launch;
  double decode_memory = 0;
  double decode_memory_fp8 = 0;
  Seconds cta;  ///< one thread block of decode: a sequence's KV head
  double prefill_compute = 0;
  double softmax_dims = 0;     ///< exponentials of a query-key pair, as extra head dimensions
  double prefill_write = 0;    ///< memory efficiency of reading and writing the chunk itself
  double prefill_longest = 0;  ///< weight of the longest tile, which the others wait for
  double prefill_fp8 = 1;      ///< factor on prefill_write's time when KV is kept in 8 bits
  uint32_t window_tile = 0;    ///< tokens read beyond a window, because tiles are whole

  static const FieldTable<AttentionSpec>& fields();
};

struct MlaKernelSpec {
  Seconds launch;
  double decode_memory = 0;
  double decode_compute = 0;
  double prefill_compute = 0;
  Seconds head_token;  ///< per 1,000 (head, new token) pairs in prefill

  static const FieldTable<MlaKernelSpec>& fields();
};

struct MoeKernelSpec {
  Seconds launch;
  double memory = 0;
  double compute = 0;
  double pad_rows = 0;  ///< rows each active expert computes in vain
  Seconds expert;       ///< per active expert
  double activation = 0;

  static const FieldTable<MoeKernelSpec>& fields();
};

/// launch + rank (g - 1) + passes (g - 1)/g (V + sqrt(V half)) / (bandwidth x NVLink).
struct CollectiveSpec {
  Seconds launch;
  Seconds rank;
  double bandwidth = 0;
  Bytes half;

  static const FieldTable<CollectiveSpec>& fields();
};

/// GPU power above idle, as shares of (limit - idle): busy x (kernel time that is not
/// communication) + compute x FLOP/peak + memory x bytes/peak, in each step at most
/// (sustained x limit - idle).
struct GpuPowerSpec {
  double busy = 0;
  double compute = 0;
  double memory = 0;
  double communication = 0;
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
  AttentionSpec attention;
  MlaKernelSpec mla;
  MoeKernelSpec moe_bf16;
  std::optional<MoeKernelSpec> moe_fp8;
  MoeKernelSpec moe_mxfp4;
  Figure<double> expert_imbalance;  ///< rows of the busiest expert-parallel GPU over the mean
  double elementwise_memory = 0;
  Seconds elementwise_launch;
  CollectiveSpec all_reduce_small;  ///< up to 8 MiB
  CollectiveSpec all_reduce;
  CollectiveSpec all_gather;
  CollectiveSpec all_to_all;
  GpuPowerSpec power;
  std::vector<FitErrorSpec> errors;

  static const FieldTable<KernelSpec>& fields();

  /// True where the figures come from another GPU (catalogue name `gpu`) and are carried by peaks
  /// alone. Unfitted carrying from H100 to A100 left medians of 15 to 25 %.
  bool carried_to(const std::string& gpu) const { return gpu != fitted_on; }
};

}  // namespace tiercast::llm
