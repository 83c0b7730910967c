#include "tests/calibration/operator_rows.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "models/llm/operators.hpp"
#include "models/llm/step_table.hpp"

namespace tiercast::tests {
namespace {

using namespace llm;

std::string row(const std::string& key, double us) {
  return fmt::format("{},{:.9g}\n", key, us * 1e-3);
}

}  // namespace

std::string gemm_csv(const hardware::GpuSpec& gpu, const KernelSpec& kernels) {
  const Machine machine(gpu, kernels);
  std::string text = "kernel_source,gemm_dtype,m,n,k,latency_ms\n";
  for (const double m : {1, 16, 64, 200, 1024, 4096, 16384}) {
    for (const double n : {128, 256, 1024, 4096, 6144, 28672}) {
      for (const double k : {512, 2048, 4096, 14336}) {
        const std::string shape = fmt::format("{},{},{}", m, n, k);
        text += row("x,bfloat16," + shape, gemm(machine, WeightFormat::bf16, m, n, k).us);
        text += row("x,fp8," + shape, gemm(machine, WeightFormat::fp8, m, n, k).us);
      }
    }
  }
  return text;
}

std::string attention_csv(const hardware::GpuSpec& gpu, const KernelSpec& kernels) {
  const Machine machine(gpu, kernels);
  std::string text =
      "batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,kv_cache_dtype,step,"
      "latency_ms\n";
  for (const uint32_t heads : {8u, 32u, 64u}) {
    for (const uint32_t dim : {64u, 128u}) {
      ModelSpec model;
      model.layers = 1;
      model.attention = GqaSpec{heads, 8, dim, false};
      for (const KvFormat kv : {KvFormat::bf16, KvFormat::fp8}) {
        const AttentionCost cost = attention(machine, model, kv, 1, 0);
        const char* format = kv == KvFormat::fp8 ? "fp8" : "bfloat16";
        const auto key = [&](int batch, int tokens, int step) {
          return fmt::format("{},{},{},8,{},bfloat16,{},{}", batch, tokens, heads, dim, format,
                             step);
        };
        for (const int batch : {1, 8, 64}) {
          for (const int step : {63, 511, 4095, 32767}) {
            text +=
                row(key(batch, 1, step),
                    cost.launch.us + batch * (cost.sequence.us + (step + 1) * cost.decode_kv.us));
          }
        }
        for (const int batch : {1, 4}) {
          for (const int tokens : {16, 256, 1024, 4096, 16384}) {
            const int64_t tile = cost.row_tile;
            const int64_t padded = (tokens + tile - 1) / tile * tile;
            const double chunk =
                cost.chunk.us + tokens * (cost.chunk_token.us + cost.chunk_kv.us) +
                static_cast<double>(attention_pairs(padded, 0, 0)) * cost.chunk_pair.us;
            text += row(key(batch, tokens, 0), cost.launch.us + batch * chunk);
          }
        }
      }
    }
  }
  return text;
}

std::string moe_csv(const hardware::GpuSpec& gpu, const KernelSpec& kernels) {
  const Machine machine(gpu, kernels);
  std::string text =
      "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,"
      "moe_ep_size,distribution,latency_ms\n";
  for (const uint32_t experts : {32u, 128u, 256u}) {
    for (const uint32_t hidden : {2048u, 7168u}) {
      ModelSpec model;
      model.layers = 1;
      model.hidden = hidden;
      model.moe.emplace();
      model.moe->experts = experts;
      model.moe->top = 8;
      for (const double tokens : {1, 8, 64, 512, 4096, 16384}) {
        for (const double tp : {1, 4}) {
          for (const double ep : {1, 8}) {
            const double held = experts / ep;
            const std::string key =
                fmt::format("x,bfloat16,{},{},2048,8,{},{},{}", tokens, hidden, experts, tp, ep);
            for (const Routing routing : {Routing::balanced, Routing::skewed}) {
              const double busiest = routed(routing, *model.moe, tokens, held).imbalance;
              const double us = llm::experts(machine, model, WeightFormat::bf16, tokens, held,
                                             2048 / tp, busiest, routing)
                                    .us;
              text +=
                  row(key + (routing == Routing::balanced ? ",balanced" : ",power_law_1.2"), us);
            }
          }
        }
      }
    }
  }
  return text;
}

std::string nccl_csv(const hardware::GpuSpec& gpu, const KernelSpec& kernels) {
  const Machine machine(gpu, kernels);
  std::string text = "op_name,kernel_source,nccl_dtype,num_gpus,message_size,latency_ms\n";
  for (const uint32_t ranks : {2u, 4u, 8u}) {
    for (double bytes = 512; bytes < 1e9; bytes *= 4) {
      const auto add = [&](const char* name, const CollectiveSpec& spec, double passes) {
        const double us = collective(spec, machine, ranks, bytes, passes).us;
        text += row(fmt::format("{},NCCL,half,{},{}", name, ranks, bytes / 2), us);
      };
      add("all_reduce", kernels.all_reduce, 2);
      add("all_gather", kernels.all_gather, 1);
      add("reduce_scatter", kernels.reduce_scatter, 1);
      add("alltoall", kernels.all_to_all, 1);
    }
  }
  return text;
}

std::string custom_allreduce_csv(const hardware::GpuSpec& gpu, const KernelSpec& kernels) {
  const Machine machine(gpu, kernels);
  std::string text = "kernel_source,allreduce_dtype,num_gpus,message_size,latency_ms,backend\n";
  for (const uint32_t ranks : {2u, 4u, 8u}) {
    for (double bytes = 512; bytes <= 8'388'608; bytes *= 4) {
      const double ms = 1e-3 * all_reduce(machine, ranks, bytes).us;
      text += fmt::format("x,bfloat16,{},{},{:.9g},vllm_graph\n", ranks, bytes / 2, ms);
    }
  }
  return text;
}

std::string layers_csv(const hardware::GpuSpec& gpu, const KernelSpec& kernels) {
  const Machine machine(gpu, kernels);
  std::string text =
      "num_tokens,tp,n_head,n_kv_head,n_embd,n_expanded_embd,input_layernorm_ms,mlp_act_ms,"
      "attn_rope_ms\n";
  for (const double tokens : {1, 16, 256, 2048}) {
    for (const double tp : {1, 2, 4, 8}) {
      const double norm = elementwise(machine, 4 * tokens * 4096).us;
      const double act = elementwise(machine, 6 * tokens * 14336 / tp).us;
      const double rope = elementwise(machine, 4 * tokens * (32 + 8) / tp * 128).us;
      text += fmt::format("{},{},32,8,4096,14336,{:.9g},{:.9g},{:.9g}\n", tokens, tp, norm * 1e-3,
                          act * 1e-3, rope * 1e-3);
    }
  }
  return text;
}

}  // namespace tiercast::tests
