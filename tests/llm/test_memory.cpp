#include <catch2/catch.hpp>

#include "models/llm/placement.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::llm;
using tiercast::tests::Catalogue;

namespace {

MemorySpec default_memory() {
  MemorySpec memory;
  memory.utilization = 0.9;
  return memory;
}

}  // namespace

TEST_CASE("an H100 holds as many blocks of Llama-3.1-8B as vLLM's measured memory leaves") {
  Catalogue catalogue;
  const auto model = catalogue.load<ModelSpec>("models", "llama-3.1-8b");
  const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", "h100-sxm");
  const HbmBudget budget =
      hbm_budget(model, WeightFormat::bf16, KvFormat::bf16, {}, gpu, default_memory(),
                 {.block_tokens = 16, .max_batched_tokens = 8192, .max_sequences = 1024});
  // 26,312 blocks: 5.5 GiB of activations and 0.15 GiB beside torch, a public planner's constants.
  CHECK(static_cast<double>(budget.kv_blocks) == Approx(26'312).epsilon(0.03));
  // 4.76 GiB of activations were measured for this model.
  CHECK(static_cast<double>(budget.activations.value()) ==
        Approx(4.76 * 1024 * 1024 * 1024).epsilon(0.04));
}

TEST_CASE("every byte of the budget is in exactly one line") {
  Catalogue catalogue;
  const auto model = catalogue.load<ModelSpec>("models", "gpt-oss-120b");
  const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", "h200-sxm");
  const HbmBudget b =
      hbm_budget(model, WeightFormat::mxfp4, KvFormat::bf16, {.tp = 2}, gpu, default_memory(),
                 {.block_tokens = 32, .max_batched_tokens = 4096, .max_sequences = 128});
  CHECK((b.weights + b.activations + b.graphs + b.reserve + b.window_kv + b.kv) == b.usable);
  // 18 of 36 layers keep a whole context: half of 4 KV heads x 64 x 2 x 2 B x 36 layers a token.
  CHECK(b.kv_blocks == b.kv.value() / (32 * (4 * 64 * 2 * 2 * 18)));
  // The other 18 keep 128 tokens and a block for each of 128 sequences, and one step's chunk.
  CHECK(b.window_kv.value() == int64_t{4 * 64 * 2 * 2 * 18} * ((128 + 32) * 128 + 4096));
}

TEST_CASE("every attention replica has KV of its own") {
  Catalogue catalogue;
  const auto model = catalogue.load<ModelSpec>("models", "deepseek-v3");
  const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", "h200-sxm");
  const auto budget = [&](const ParallelSpec& parallel, uint32_t sequences) {
    return hbm_budget(model, WeightFormat::fp8_block, KvFormat::bf16, parallel, gpu,
                      default_memory(), {16, 8 * sequences, sequences});
  };
  const HbmBudget eight = budget({.dp = 8, .ep = 8}, 512);
  // A latent is whole on each GPU: 16 tokens of it in 61 layers.
  CHECK(eight.kv_blocks == 8 * (eight.kv.value() / (16 * 61 * (512 + 64) * 2)));
  // The replicas share the sequences: each has buffers for its eighth.
  CHECK(eight.activations == budget({.tp = 8, .ep = 8}, 64).activations);
}

TEST_CASE("experts in 4 bits need experts") {
  Catalogue catalogue;
  const auto dense = catalogue.load<ModelSpec>("models", "llama-3.1-8b");
  const auto sparse = catalogue.load<ModelSpec>("models", "gpt-oss-120b");
  CHECK(weights_violation(dense, WeightFormat::mxfp4) != "");
  CHECK(weights_violation(dense, WeightFormat::fp8) == "");
  CHECK(weights_violation(sparse, WeightFormat::mxfp4) == "");
}

TEST_CASE("pinned figures are taken as they are") {
  Catalogue catalogue;
  const auto model = catalogue.load<ModelSpec>("models", "llama-3.1-8b");
  const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", "h100-sxm");
  const MemoryNeeds needs{.block_tokens = 16, .max_batched_tokens = 2048, .max_sequences = 256};
  MemorySpec memory = default_memory();
  memory.kv_blocks = 26'312;
  CHECK(hbm_budget(model, WeightFormat::bf16, KvFormat::bf16, {}, gpu, memory, needs).kv_blocks ==
        26'312);
  memory = default_memory();
  memory.activations = gigabytes(5);
  memory.graphs = gigabytes(1);
  memory.reserve = gigabytes(2);
  const HbmBudget budget =
      hbm_budget(model, WeightFormat::bf16, KvFormat::bf16, {}, gpu, memory, needs);
  CHECK(budget.kv == budget.usable - budget.weights - gigabytes(8));
}

TEST_CASE("a model that does not fit leaves no blocks") {
  Catalogue catalogue;
  const auto model = catalogue.load<ModelSpec>("models", "deepseek-v3");
  const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", "h100-sxm");
  const HbmBudget budget = hbm_budget(model, WeightFormat::fp8_block, KvFormat::bf16, {.tp = 8},
                                      gpu, default_memory(), {.max_sequences = 256});
  CHECK(budget.kv.value() == 0);
  CHECK(budget.kv_blocks == 0);
}
