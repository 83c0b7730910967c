#include "models/llm/kernels.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::llm {

using namespace table;

const FieldTable<GemmSpec>& GemmSpec::fields() {
  static const auto table = FieldTable<GemmSpec>(
      "gemm", "Dense matrix product.",
      {
          field("launch", &GemmSpec::launch, required, at_least(0), "Fixed time."),
          field("compute", &GemmSpec::compute, required, between(0.01, 1.0), "Share of peak."),
          field("memory", &GemmSpec::memory, required, between(0.01, 1.0), "Share of peak."),
          field("tile_load", &GemmSpec::tile_load, required, above(0),
                "Operand traffic one multiprocessor sustains."),
          field("tile", &GemmSpec::tile, required, at_least(0), "Start and end of a tile."),
          field("reduce", &GemmSpec::reduce, by_default("0"), between(0.0, 10.0),
                "Memory efficiency of adding up split products; 0: never split."),
          field("waves", &GemmSpec::waves, by_default("1"), between(0.0, 1.0),
                "1: tiles run in whole waves; 0: a persistent kernel fills them all."),
          field("quantise", &GemmSpec::quantise, by_default("0ns"), at_least(0),
                "Turning 1,000 rows of activations to fewer bits."),
          field("quantise_passes", &GemmSpec::quantise_passes, by_default("0"), between(0.0, 100.0),
                "Bytes moved for it, per activation."),
      });
  return table;
}

const FieldTable<AttentionSpec>& AttentionSpec::fields() {
  static const auto table = FieldTable<AttentionSpec>(
      "attention", "Attention kernels.",
      {
          field("launch", &AttentionSpec::launch, required, at_least(0), "Fixed time."),
          field("launch_dim", &AttentionSpec::launch_dim, by_default("0ns"), at_least(0),
                "The same, per 128 head dimensions."),
          field("launch_fp8", &AttentionSpec::launch_fp8, by_default("0ns"), at_least(0),
                "More with KV in 8 bits."),
          field("launch_window", &AttentionSpec::launch_window, by_default("0ns"), at_least(0),
                "More with a window."),
          field("decode_memory", &AttentionSpec::decode_memory, required, between(0.01, 1.0),
                "Share of peak while decoding."),
          field("decode_memory_fp8", &AttentionSpec::decode_memory_fp8, required,
                between(0.01, 1.0),
                "The same for KV in 8 bits; beyond 128 head dimensions in proportion less."),
          field("cta", &AttentionSpec::cta, required, at_least(0),
                "One thread block of decode: a sequence's KV head."),
          field("prefill_compute", &AttentionSpec::prefill_compute, required, between(0.01, 1.0),
                "Share of peak."),
          field("softmax_dims", &AttentionSpec::softmax_dims, required, between(0.0, 1000.0),
                "Exponentials of a pair, as extra head dimensions."),
          field("prefill_write", &AttentionSpec::prefill_write, required, between(0.01, 2.0),
                "Memory efficiency of the chunk's own reads and writes."),
          field("prefill_fp8", &AttentionSpec::prefill_fp8, required, between(1.0, 10.0),
                "Factor on the chunk's reads and writes with KV in 8 bits."),
          field("prefill_cta", &AttentionSpec::prefill_cta, required, at_least(0),
                "One thread block of prefill: a chunk's query head."),
          field("kv_row", &AttentionSpec::kv_row, required, at_least(0),
                "Storing 1,000 tokens whose KV heads fill 512 numbers or more."),
          field("kv_row_fp8", &AttentionSpec::kv_row_fp8, by_default("1"), between(1.0, 10.0),
                "Factor on kv_row with KV in 8 bits."),
          field("wide_head", &AttentionSpec::wide_head, by_default("1"), between(1.0, 10.0),
                "Factor on pairs of heads beyond 256 dimensions."),
          field("window_tile", &AttentionSpec::window_tile, required, between(0, 4096),
                "Tokens read beyond a window, because tiles are whole."),
      });
  return table;
}

const FieldTable<MlaKernelSpec>& MlaKernelSpec::fields() {
  static const auto table = FieldTable<MlaKernelSpec>(
      "mla", "Latent attention kernels.",
      {
          field("launch", &MlaKernelSpec::launch, required, at_least(0), "Fixed time of a module."),
          field("decode_memory", &MlaKernelSpec::decode_memory, required, between(0.01, 1.0),
                "Share of peak while decoding."),
          field("decode_memory_fp8", &MlaKernelSpec::decode_memory_fp8, required,
                between(0.01, 1.0), "The same for latents in 8 bits."),
          field("decode_compute", &MlaKernelSpec::decode_compute, required, between(0.01, 1.0),
                "Share of peak while decoding."),
          field("decode_head", &MlaKernelSpec::decode_head, required, at_least(0),
                "Per 1,000 pairs of head and sequence in decode."),
          field("prefill_compute", &MlaKernelSpec::prefill_compute, required, between(0.01, 1.0),
                "Share of peak."),
          field("head_token", &MlaKernelSpec::head_token, required, at_least(0),
                "Per 1,000 pairs of head and new token in prefill."),
          field("token", &MlaKernelSpec::token, required, at_least(0),
                "Per 1,000 new tokens in prefill."),
      });
  return table;
}

const FieldTable<MoeKernelSpec>& MoeKernelSpec::fields() {
  static const auto table = FieldTable<MoeKernelSpec>(
      "moe_kernel", "Fused expert layers.",
      {
          field("launch", &MoeKernelSpec::launch, required, at_least(0), "Fixed time."),
          field("split_launch", &MoeKernelSpec::split_launch, by_default("0ns"), at_least(0),
                "More where experts are spread over GPUs."),
          field("memory", &MoeKernelSpec::memory, required, between(0.01, 1.0),
                "Share of peak while reading experts."),
          field("compute", &MoeKernelSpec::compute, required, between(0.01, 1.0), "Share of peak."),
          field("pad_rows", &MoeKernelSpec::pad_rows, required, between(0.0, 1024.0),
                "Rows each active expert computes in vain."),
          field("expert", &MoeKernelSpec::expert, required, at_least(0), "Per active expert."),
          field("activation", &MoeKernelSpec::activation, required, between(0.01, 1000.0),
                "Memory efficiency of the GPU's own routed rows."),
          field("gather", &MoeKernelSpec::gather, required, between(0.0, 100.0),
                "Times all routed rows move, those of other GPUs' experts included."),
      });
  return table;
}

const FieldTable<CollectiveSpec>& CollectiveSpec::fields() {
  static const auto table = FieldTable<CollectiveSpec>(
      "collective", "A collective operation.",
      {
          field("launch", &CollectiveSpec::launch, required, at_least(0), "Fixed time."),
          field("rank", &CollectiveSpec::rank, required, at_least(0), "Per further GPU."),
          field("bandwidth", &CollectiveSpec::bandwidth, required, between(0.01, 1.0),
                "Share of the peak of NVLink, or of a node's network cards."),
          field("half", &CollectiveSpec::half, required, at_least(0),
                "Scale of the slow start, a message size."),
      });
  return table;
}

const FieldTable<ExchangeSpec>& ExchangeSpec::fields() {
  static const auto table = FieldTable<ExchangeSpec>(
      "exchange", "One way of an exchange of tokens.",
      {
          field("launch", &ExchangeSpec::launch, required, at_least(0), "Fixed time."),
          field("bandwidth", &ExchangeSpec::bandwidth, required, between(0.01, 1.0),
                "Share of the NVLink peak."),
      });
  return table;
}

const FieldTable<ExpertExchangeSpec>& ExpertExchangeSpec::fields() {
  static const auto table = FieldTable<ExpertExchangeSpec>(
      "expert_exchange", "Tokens to the GPUs of their experts and back.",
      {
          field("dispatch", &ExpertExchangeSpec::dispatch, required,
                "To every GPU that holds one of a token's experts."),
          field("combine", &ExpertExchangeSpec::combine, required, "Back from there."),
          field("low_latency_dispatch", &ExpertExchangeSpec::low_latency_dispatch, required,
                "To every expert of a token."),
          field("low_latency_combine", &ExpertExchangeSpec::low_latency_combine, required,
                "Back from there."),
      });
  return table;
}

const FieldTable<GpuPowerSpec>& GpuPowerSpec::fields() {
  static const auto table = FieldTable<GpuPowerSpec>(
      "gpu_power", "Power above idle, as shares of (limit - idle).",
      {
          field("busy", &GpuPowerSpec::busy, required, between(0.0, 2.0), "While a kernel runs."),
          field("compute", &GpuPowerSpec::compute, required, between(0.0, 5.0),
                "More at peak FLOP/s."),
          field("memory", &GpuPowerSpec::memory, required, between(0.0, 5.0),
                "More at peak bandwidth."),
          field("communication", &GpuPowerSpec::communication, required, between(0.0, 2.0),
                "Instead of busy, in collectives."),
          field("sort", &GpuPowerSpec::sort, required, between(0.0, 2.0),
                "Instead of busy, while sampling sorts the vocabulary."),
          field("sustained", &GpuPowerSpec::sustained, required, between(0.1, 1.0),
                "Share of the limit that a step can hold."),
      });
  return table;
}

const FieldTable<FitErrorSpec>& FitErrorSpec::fields() {
  static const auto table = FieldTable<FitErrorSpec>(
      "fit_error", "How well a part fits its table.",
      {
          field("part", &FitErrorSpec::part, required, "Fitted part."),
          field("table", &FitErrorSpec::table, required, "Measurements."),
          field("rows", &FitErrorSpec::rows, required, "Of the table."),
          field("median", &FitErrorSpec::median, required, between(0.0, 1.0),
                "Absolute relative error."),
          field("p90", &FitErrorSpec::p90, required, between(0.0, 5.0), "The same."),
      });
  return table;
}

const FieldTable<KernelSpec>& KernelSpec::fields() {
  static const auto table =
      FieldTable<KernelSpec>(
          "calibration", "How close kernels come to a GPU's peaks.",
          {
              field("use", &KernelSpec::use, by_default(""), "Catalogue entry to start from."),
              field("title", &KernelSpec::title, by_default(""), "Name for people."),
              field("source", &KernelSpec::source, required, "Measurements and fit."),
              field("fitted_on", &KernelSpec::fitted_on, required,
                    "GPU whose measurements these are; on others they are carried by peaks."),
              field("gemm_bf16", &KernelSpec::gemm_bf16, required, "16-bit products."),
              field("gemm_fp8", &KernelSpec::gemm_fp8, absent_means("no 8-bit tensor cores"),
                    "8-bit products."),
              field("gemm_fp8_block", &KernelSpec::gemm_fp8_block,
                    absent_means("no 8-bit tensor cores"), "8-bit products scaled by blocks."),
              field("gemm_int4", &KernelSpec::gemm_int4, absent_means("as gemm_bf16"),
                    "Products with weights of 4 bits, widened on the way."),
              field("gemm_nvfp4", &KernelSpec::gemm_nvfp4, absent_means("as gemm_int4"),
                    "4-bit products, where tensor cores have them."),
              field("attention", &KernelSpec::attention, required, "Attention."),
              field("mla", &KernelSpec::mla, required, "Latent attention."),
              field("moe_bf16", &KernelSpec::moe_bf16, required, "Experts in 16 bits."),
              field("moe_fp8", &KernelSpec::moe_fp8, absent_means("no 8-bit tensor cores"),
                    "Experts in 8 bits."),
              field("moe_mxfp4", &KernelSpec::moe_mxfp4, required, "Experts in mxfp4."),
              field("moe_int4", &KernelSpec::moe_int4, required,
                    "Experts with weights of 4 bits, widened on the way."),
              field("moe_nvfp4", &KernelSpec::moe_nvfp4, absent_means("as moe_int4"),
                    "Experts in 4-bit products, where tensor cores have them."),
              field("expert_imbalance", &KernelSpec::expert_imbalance, required, between(1.0, 10.0),
                    "Rows of the busiest expert-parallel GPU over the mean."),
              field("elementwise_launch", &KernelSpec::elementwise_launch, required, at_least(0),
                    "Norms, rotary embedding, activation."),
              field("elementwise_memory", &KernelSpec::elementwise_memory, required,
                    between(0.01, 1.0), "Share of peak of the same."),
              field("all_reduce_small", &KernelSpec::all_reduce_small, required, "Up to 8 MiB."),
              field("all_reduce", &KernelSpec::all_reduce, required, "Beyond 8 MiB."),
              field("all_gather", &KernelSpec::all_gather, required, "Logits of a split head."),
              field("reduce_scatter", &KernelSpec::reduce_scatter, required,
                    "First half of an all-reduce."),
              field("all_to_all", &KernelSpec::all_to_all, required, "Tokens to experts."),
              field("network", &KernelSpec::network, required, "Collectives between nodes."),
              field("expert_exchange", &KernelSpec::expert_exchange, absent_means("all_to_all"),
                    "Tokens to experts and back by DeepEP."),
              field("power", &KernelSpec::power, required, "GPU power above idle."),
              field("errors", &KernelSpec::errors, by_default("[]"), "How well each part fits."),
          })
          .catalogue("calibration")
          .shorthand("use");
  return table;
}

}  // namespace tiercast::llm
