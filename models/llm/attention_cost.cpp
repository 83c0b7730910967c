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
// (products and exponentials), in the KV in reach and in the chunk's own traffic; storing KV costs
// more than its bytes, since a thread block per token holds few numbers.
AttentionCost gqa_cost(const Machine& machine, const GqaSpec& gqa, KvFormat kv, uint32_t tp,
                       uint32_t window) {
  const AttentionSpec& spec = machine.kernels.attention;
  const double heads = std::ceil(static_cast<double>(gqa.heads) / tp);
  const double kv_heads = std::ceil(static_cast<double>(gqa.kv_heads) / tp);
  const double dim = gqa.head_dim;
  const bool eight = kv == KvFormat::fp8;
  const double width = eight ? 1 : 2;
  AttentionCost cost;
  cost.launch = unit(us(spec.launch) + us(spec.launch_dim) * dim / 128 +
                         (eight ? us(spec.launch_fp8) : 0) + (window ? us(spec.launch_window) : 0),
                     0, 0);
  cost.sequence = unit(kv_heads * us(spec.cta) / machine.sms, 0, 0);

  const double overshoot = window == 0 ? 1 : 1 + static_cast<double>(spec.window_tile) / window;
  const double efficiency =
      eight ? spec.decode_memory_fp8 / std::max(1.0, dim / 128) : spec.decode_memory;
  const double token_bytes = 2 * kv_heads * dim * width;
  const double read = token_bytes * overshoot;
  cost.decode_kv = unit(read / (efficiency * machine.hbm), 4 * heads * dim, read);

  const double slower =
      (dim > 256 ? spec.wide_head : 1) * (eight ? std::sqrt(std::max(1.0, dim / 128)) : 1);
  const double pair = slower * 4 * (dim / spec.prefill_compute + spec.softmax_dims) / machine.bf16;
  cost.chunk = unit(heads * us(spec.prefill_cta) / machine.sms, 0, 0);
  cost.chunk_pair = unit(heads * pair * overshoot, 4 * heads * dim, 0);
  cost.chunk_kv = unit(token_bytes / (efficiency * machine.hbm), 0, token_bytes);
  const double moved = 2 * kv_heads * dim * (2 + width) + 4 * heads * dim;
  const double store = us(spec.kv_row) / 1000 * std::min(1.0, kv_heads * dim / 512);
  cost.chunk_token =
      unit((eight ? spec.prefill_fp8 : 1) * moved / (spec.prefill_write * machine.hbm) +
               (eight ? spec.kv_row_fp8 : 1) * store,
           0, moved);
  cost.row_tile = static_cast<uint32_t>(std::max(1.0, std::floor(kRowsPerTile * kv_heads / heads)));
  return cost;
}

// Latent attention as vLLM runs it: decode reads the latent once for all heads (absorbed
// projections), whose rows are padded to what a tile holds; prefill expands the latents in reach to
// keys and values of every head.
AttentionCost mla_cost(const Machine& machine, const MlaSpec& mla, KvFormat kv, uint32_t tp) {
  constexpr double kDecodeRows = 64;
  const MlaKernelSpec& spec = machine.kernels.mla;
  const bool eight = kv == KvFormat::fp8;
  const double heads = std::ceil(static_cast<double>(mla.heads) / tp);
  const double latent = double{1} * mla.kv_rank + mla.rope_dim;
  const double read = latent * (eight ? 1 : 2);
  const double memory = eight ? spec.decode_memory_fp8 : spec.decode_memory;
  const double absorbed = 2 * (latent + mla.kv_rank);
  const double padded = std::ceil(heads / kDecodeRows) * kDecodeRows;
  AttentionCost cost;
  cost.launch = unit(us(spec.launch), 0, 0);
  cost.sequence = unit(heads * us(spec.decode_head) / 1000, 0, 0);
  cost.decode_kv = unit(std::max(read / (memory * machine.hbm),
                                 padded * absorbed / (spec.decode_compute * machine.bf16)),
                        heads * absorbed, read);
  const double pair = 2 * heads * (mla.nope_dim + mla.rope_dim + mla.v_dim);
  cost.chunk_pair = unit(pair / (spec.prefill_compute * machine.bf16), pair, 0);
  const double expand = 2 * mla.kv_rank * heads * (mla.nope_dim + mla.v_dim);
  const double product = machine.kernels.gemm_bf16.compute;
  cost.chunk_kv = unit(expand / (product * machine.bf16), expand, read);
  cost.chunk_token =
      unit((heads * us(spec.head_token) + us(spec.token)) / 1000, 0, 4 * heads * mla.v_dim);
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
