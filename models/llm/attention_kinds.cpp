// Which kinds of attention a model has, and what sparse attention costs; operators.hpp declares
// them.

#include <algorithm>

#include "models/llm/operators.hpp"

namespace tiercast::llm {
namespace {

Cost unit(double us, double flops, double bytes) {
  return {.us = us, .flops = flops, .bytes = bytes};
}

// Every query scores every cached token by 8-bit products of all heads, and reads its numbers once
// (arXiv 2512.02556, section 2.1). No kernel table: the efficiencies of latent attention, which
// streams and multiplies in the same proportions.
AttentionCost scoring(const Machine& machine, const IndexerSpec& indexer) {
  const MlaKernelSpec& spec = machine.kernels.mla;
  const double flops = 2.0 * indexer.heads * indexer.dim;
  const auto bytes = static_cast<double>(indexer.token_bytes());
  const double decode_us = std::max(bytes / (spec.decode_memory * machine.hbm),
                                    flops / (spec.decode_compute * machine.fp8));
  AttentionCost cost;
  cost.launch = unit(machine.kernels.attention.launch.value() * 1e6, 0, 0);
  cost.decode_kv = unit(decode_us, flops, bytes);
  cost.chunk_pair = unit(flops / (spec.prefill_compute * machine.fp8), flops, 0);
  cost.chunk_kv = unit(bytes / (spec.decode_memory * machine.hbm), 0, bytes);
  return cost;
}

// Attention to chosen tokens, which differ from query to query: prefill cannot expand latents for
// all queries at once, so it multiplies in the latent space, as decode does.
AttentionCost chosen(const Machine& machine, const ModelSpec& model, KvFormat kv, uint32_t tp) {
  AttentionCost cost = attention(machine, model, kv, tp, model.indexer->top);
  const MlaKernelSpec& spec = machine.kernels.mla;
  const double flops = cost.decode_kv.flops;
  cost.chunk_pair = unit(flops / (spec.prefill_compute * machine.bf16), flops, 0);
  cost.chunk_kv = {};
  return cost;
}

}  // namespace

std::vector<AttentionKind> attention_kinds(const Machine& machine, const ModelSpec& model,
                                           KvFormat kv, uint32_t tp) {
  std::vector<AttentionKind> kinds;
  const uint32_t full = model.full_layers();
  if (full > 0 && model.indexer) {
    kinds.push_back({full, model.indexer->top, chosen(machine, model, kv, tp)});
    kinds.push_back({full, 0, scoring(machine, *model.indexer)});
  } else if (full > 0) {
    kinds.push_back({full, 0, attention(machine, model, kv, tp, 0)});
  }
  if (model.window_layers() > 0) {
    kinds.push_back({model.window_layers(), model.window->tokens,
                     attention(machine, model, kv, tp, model.window->tokens)});
  }
  return kinds;
}

}  // namespace tiercast::llm
