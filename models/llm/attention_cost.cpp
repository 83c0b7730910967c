// Attention as coefficients; definitions in operators.hpp.

#include <algorithm>
#include <cmath>

#include "models/llm/operators.hpp"
#include "models/llm/placement.hpp"

namespace tiercast::llm {
namespace {

double us(Seconds time) { return time.value() * 1e6; }

Cost unit(double us, double flops, double bytes) {
  return {.us = us, .flops = flops, .bytes = bytes};
}

// Rows of queries that one thread block computes together, over all heads that share keys.
constexpr double kRowsPerTile = 128;

// FlashAttention over GQA heads. Decode streams each sequence's KV once: time is linear in the KV
// tokens read, plus a thread block per sequence and KV head. Prefill is linear in the causal pairs
// (products and exponentials), in the longest tile and in the chunk's own traffic.
AttentionCost gqa_cost(const Machine& machine, const GqaSpec& gqa, KvFormat kv, uint32_t tp,
                       uint32_t window) {
  const AttentionSpec& spec = machine.kernels.attention;
  const double heads = std::ceil(static_cast<double>(gqa.heads) / tp);
  const double kv_heads = std::ceil(static_cast<double>(gqa.kv_heads) / tp);
  const double dim = gqa.head_dim;
  const double kv_width = kv == KvFormat::fp8 ? 1 : 2;
  const double efficiency = kv == KvFormat::fp8 ? spec.decode_memory_fp8 : spec.decode_memory;
  AttentionCost cost;
  cost.launch = unit(us(spec.launch), 0, 0);
  cost.sequence = unit(kv_heads * us(spec.cta) / machine.sms, 0, 0);
  const double overshoot = window == 0 ? 1 : 1 + static_cast<double>(spec.window_tile) / window;
  const double read = 2 * kv_heads * dim * kv_width * overshoot;
  cost.decode_kv = unit(read / (efficiency * machine.hbm), 4 * heads * dim, read);
  const double pair = 4 * (dim / spec.prefill_compute + spec.softmax_dims) / machine.bf16;
  cost.chunk_pair = unit(heads * pair * overshoot, 4 * heads * dim, 0);
  const double longest_us = spec.prefill_longest * kRowsPerTile * machine.sms * pair;
  if (window == 0) {
    cost.chunk_kv = unit(longest_us, 0, 2 * kv_heads * dim * kv_width);
  } else {
    cost.chunk = unit(longest_us * (window + spec.window_tile), 0, 0);  // no tile sees more
  }
  const double moved = 2 * kv_heads * dim * (2 + kv_width) + 4 * heads * dim;
  const double slower = kv == KvFormat::fp8 ? spec.prefill_fp8 : 1;
  cost.chunk_token = unit(slower * moved / (spec.prefill_write * machine.hbm), 0, moved);
  cost.row_tile = static_cast<uint32_t>(std::max(1.0, std::floor(kRowsPerTile * kv_heads / heads)));
  return cost;
}

// Latent attention as vLLM runs it: decode reads the latent once for all heads (absorbed
// projections); prefill expands the latents in reach to keys and values of every head.
AttentionCost mla_cost(const Machine& machine, const MlaSpec& mla, KvFormat kv, uint32_t tp) {
  constexpr double kExpansionEfficiency = 0.7;  // a large 16-bit product, see gemm_bf16
  const MlaKernelSpec& spec = machine.kernels.mla;
  const double heads = std::ceil(static_cast<double>(mla.heads) / tp);
  const double latent = double{1} * mla.kv_rank + mla.rope_dim;
  const double read = latent * (kv == KvFormat::fp8 ? 1 : 2);
  const double absorbed = 2 * heads * (latent + mla.kv_rank);
  AttentionCost cost;
  cost.launch = unit(us(spec.launch), 0, 0);
  cost.decode_kv = unit(std::max(read / (spec.decode_memory * machine.hbm),
                                 absorbed / (spec.decode_compute * machine.bf16)),
                        absorbed, read);
  const double pair = 2 * heads * (mla.nope_dim + mla.rope_dim + mla.v_dim);
  cost.chunk_pair = unit(pair / (spec.prefill_compute * machine.bf16), pair, 0);
  const double expand = 2 * mla.kv_rank * heads * (mla.nope_dim + mla.v_dim);
  cost.chunk_kv = unit(expand / (kExpansionEfficiency * machine.bf16), expand, read);
  cost.chunk_token = unit(heads * us(spec.head_token) / 1000, 0, 4 * heads * mla.v_dim);
  return cost;
}

}  // namespace

AttentionCost attention(const Machine& machine, const ModelSpec& model, KvFormat kv, uint32_t tp,
                        uint32_t window) {
  if (const auto* gqa = std::get_if<GqaSpec>(&model.attention)) {
    return gqa_cost(machine, *gqa, kv, tp, window);
  }
  return mla_cost(machine, std::get<MlaSpec>(model.attention), kv, tp);
}

}  // namespace tiercast::llm
