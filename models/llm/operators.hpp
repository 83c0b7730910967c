// Cost of single operators on one GPU: smooth rooflines with the parameters of kernels.hpp.
// Doubles; they end when compile.hpp turns them into integer tables.
#pragma once

#include <cstdint>
#include <vector>

#include "models/hardware/specs.hpp"
#include "models/llm/kernels.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::llm {

/// Time and what it was spent on, for one GPU. Costs of operators that follow each other add.
struct Cost {
  double us = 0;
  double communication_us = 0;  ///< part of `us`
  double idle_us = 0;           ///< part of `us` in which no kernel runs
  double flops = 0;
  double bytes = 0;

  Cost& operator+=(const Cost& other);
  friend Cost operator*(Cost cost, double times);
  /// The same work, taking `times` as long.
  Cost stretched(double times) const;
};

/// A GPU's peaks per microsecond and its kernels.
struct Machine {
  Machine(const hardware::GpuSpec& gpu, const KernelSpec& kernels);

  const KernelSpec& kernels;
  double bf16 = 0;  ///< FLOP
  double fp8 = 0;   ///< FLOP; bf16 where there are no 8-bit tensor cores
  double hbm = 0;   ///< bytes
  double nvlink = 0;
  double sms = 0;
};

/// (m x k) times (k x n). Each multiprocessor works on tiles in waves; the time is the fourth-power
/// mean of that and of the memory traffic, over the best of a few tile shapes and splits of k.
/// 8-bit weights without 8-bit tensor cores are widened on the way (weight traffic shrinks alone).
Cost gemm(const Machine& machine, WeightFormat format, double m, double n, double k);

/// Norms, rotary embedding, activation: one pass over `bytes`.
Cost elementwise(const Machine& machine, double bytes);

/// Experts of one layer on one GPU: `tokens` of the whole instance, each visiting `moe.top` of
/// `moe.experts`, of which this GPU holds `held` at width `intermediate`.
/// Expected distinct experts E (1 - (1 - top/E)^tokens): routing taken as random; parameters were
/// fitted to power-law routing with that formula, so the skew is in them.
Cost experts(const Machine& machine, const ModelSpec& model, WeightFormat format, double tokens,
             double held, double intermediate, double imbalance);

/// One collective as its parameters say; `passes` over the fabric: 2 where results go back.
Cost collective(const CollectiveSpec& spec, const Machine& machine, uint32_t ranks, double bytes,
                double passes);
/// The collectives of an engine, which chooses between algorithms by size.
Cost all_reduce(const Machine& machine, uint32_t ranks, double bytes);
Cost all_gather(const Machine& machine, uint32_t ranks, double bytes);
Cost all_to_all(const Machine& machine, uint32_t ranks, double bytes);

/// Attention of one layer on one GPU, as coefficients. FLOPs and bytes are per unit as well.
struct AttentionCost {
  Cost launch;       ///< per step
  Cost sequence;     ///< per decoding sequence
  Cost decode_kv;    ///< per KV token read in decode
  Cost chunk;        ///< per prefill chunk
  Cost chunk_token;  ///< per new token of a prefill chunk
  Cost chunk_pair;   ///< per query-key pair
  Cost chunk_kv;     ///< per KV token in reach of the chunk
  uint32_t row_tile = 1;
};
AttentionCost attention(const Machine& machine, const ModelSpec& model, KvFormat kv, uint32_t tp,
                        uint32_t window);

/// Layers of a model that attend alike. With an indexer two kinds stand for the same layers: what
/// scores all tokens, and attention to those it chose, which a window of as many tokens describes.
struct AttentionKind {
  uint32_t layers = 0;
  uint32_t window = 0;  ///< 0: everything
  AttentionCost cost;
};
std::vector<AttentionKind> attention_kinds(const Machine& machine, const ModelSpec& model,
                                           KvFormat kv, uint32_t tp);

}  // namespace tiercast::llm
