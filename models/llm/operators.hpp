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
  double sort_us = 0;           ///< part of `us`: sampling sorts the vocabulary
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
  double fp4 = 0;   ///< FLOP; 0 where there are no 4-bit tensor cores
  double hbm = 0;   ///< bytes
  double nvlink = 0;
  double sms = 0;
};

/// (m x k) times (k x n). Each multiprocessor works on tiles in waves; the time is the root of the
/// squares of that and of the memory traffic, over the best of a few tile shapes and splits of k.
/// 8-bit kernels take the tile that m asks for and turn activations to 8 bits before.
/// Weights narrower than what tensor cores multiply are widened on the way: only their traffic
/// shrinks. H100, whole tables: medians of 5 to 6 %.
Cost gemm(const Machine& machine, WeightFormat format, double m, double n, double k);

/// Norms, rotary embedding, activation: one pass over `bytes`.
Cost elementwise(const Machine& machine, double bytes);

/// Which experts tokens choose. `balanced`: each expert as often as the next, in turn. `skewed`:
/// popularity spread log-uniformly over a factor of 0.8 x tokens, as power laws with exponents near
/// 1 have it; who comes is up to chance.
enum class Routing : uint8_t { balanced, skewed };

/// What a choice of experts does to the busiest of the GPUs that hold `held` experts each.
struct Routed {
  double imbalance = 1;  ///< its rows over the mean
  double active = 0;     ///< its experts that see a token
};
Routed routed(Routing routing, const MoeSpec& moe, double tokens, double held);

/// Experts of one layer on one GPU: `tokens` of the whole instance, each visiting `moe.top` of
/// `moe.experts`, of which this GPU holds `held` at width `intermediate`; it gets `imbalance` times
/// the mean number of rows. H100, whole table, all formats: 8 % median.
Cost experts(const Machine& machine, const ModelSpec& model, WeightFormat format, double tokens,
             double held, double intermediate, double imbalance, Routing routing = Routing::skewed);

/// One collective as its parameters say, over NVLink; `passes` over it: 2 where results go back.
Cost collective(const CollectiveSpec& spec, const Machine& machine, uint32_t ranks, double bytes,
                double passes);
/// The collectives of an engine within a node, which chooses between algorithms by size. `bytes`
/// are those of the whole result (all_gather), of the whole input (reduce_scatter), of one GPU's
/// messages (all_to_all).
Cost all_reduce(const Machine& machine, uint32_t ranks, double bytes);
Cost all_gather(const Machine& machine, uint32_t ranks, double bytes);
Cost reduce_scatter(const Machine& machine, uint32_t ranks, double bytes);
Cost all_to_all(const Machine& machine, uint32_t ranks, double bytes);

/// GPUs of a collective that spans nodes: `ranks` in each. `nic`: bytes per us that the network
/// cards of a node carry together, each way.
struct Span {
  uint32_t ranks = 1;
  uint32_t nodes = 1;
  double nic = 0;
};
/// The same across nodes: a part within each node and a part between them, one after the other.
/// Every GPU talks to its peers in other nodes, so that all cards of a node share the load.
Cost all_reduce(const Machine& machine, const Span& span, double bytes);
Cost all_gather(const Machine& machine, const Span& span, double bytes);
Cost reduce_scatter(const Machine& machine, const Span& span, double bytes);
Cost all_to_all(const Machine& machine, const Span& span, double bytes);

/// Tokens of one GPU to the GPUs of their experts, in 8 bits, and back in 16: DeepEP, whose
/// low-latency kernels are taken where they are faster; all_to_all where the calibration has no
/// DeepEP.
Cost expert_dispatch(const Machine& machine, double hidden, double top, double tokens,
                     uint32_t ranks);
Cost expert_combine(const Machine& machine, double hidden, double top, double tokens,
                    uint32_t ranks);

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
