#include <catch2/catch.hpp>

#include "models/llm/model_spec.hpp"
#include "models/llm/placement.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::llm;
using tiercast::tests::Catalogue;

TEST_CASE("parameters counted from the shape agree with those published, within 1 %") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("models")) {
    INFO(name);
    const auto model = catalogue.load<ModelSpec>("models", name);
    CHECK(count_parameters(model).total() ==
          Approx(model.published_parameters.value).epsilon(0.01));
    if (model.published_active) {
      CHECK(active_parameters(model) == Approx(model.published_active->value).epsilon(0.02));
    }
  }
}

TEST_CASE("KV bytes per token follow from heads, dimension, layers and format") {
  Catalogue catalogue;
  const auto small = catalogue.load<ModelSpec>("models", "llama-3.1-8b");
  const auto large = catalogue.load<ModelSpec>("models", "llama-3.1-70b");
  const auto latent = catalogue.load<ModelSpec>("models", "deepseek-v3");
  CHECK(kv_bytes_per_token(small, KvFormat::bf16) == 2 * 8 * 128 * 32 * 2);
  CHECK(kv_bytes_per_token(small, KvFormat::bf16) == 131'072);
  CHECK(kv_bytes_per_token(small, KvFormat::fp8) == 65'536);
  CHECK(kv_bytes_per_token(large, KvFormat::bf16) == 327'680);
  CHECK(kv_bytes_per_token(latent, KvFormat::bf16) == (512 + 64) * 61 * 2);
  CHECK(kv_bytes_per_token(latent, KvFormat::bf16) == 70'272);
}

TEST_CASE("KV bytes per token are those published for models served from tiered caches") {
  Catalogue catalogue;
  const auto bytes = [&](const std::string& name) {
    return kv_bytes_per_token(catalogue.load<ModelSpec>("models", name), KvFormat::bf16);
  };
  CHECK(bytes("qwen3-32b") == 262'144);
  CHECK(bytes("qwen3-235b-a22b") == 192'512);
  // CachedAttention (ATC'24) states 5 GB for 2,000 tokens of LLaMA-65B.
  CHECK(static_cast<double>(bytes("llama-65b")) * 2000 == Approx(5e9).epsilon(0.05));
  // Without grouping, every query head keeps keys and values of its own: the hidden width, twice.
  CHECK(bytes("llama-65b") == 2 * 8192 * 80 * 2);
}

TEST_CASE("KV heads are sharded over tp until they run out, a latent never") {
  Catalogue catalogue;
  const auto large = catalogue.load<ModelSpec>("models", "llama-3.1-70b");  // 8 KV heads
  const auto latent = catalogue.load<ModelSpec>("models", "deepseek-v3");
  const int64_t head = 2 * 128 * 2;
  CHECK(kv_layer_bytes_per_gpu(large, KvFormat::bf16, 1) == 8 * head);
  CHECK(kv_layer_bytes_per_gpu(large, KvFormat::bf16, 4) == 2 * head);
  CHECK(kv_layer_bytes_per_gpu(large, KvFormat::bf16, 8) == head);
  CHECK(kv_layer_bytes_per_gpu(large, KvFormat::bf16, 16) == head);
  CHECK(kv_layer_bytes_per_gpu(latent, KvFormat::bf16, 1) ==
        kv_layer_bytes_per_gpu(latent, KvFormat::bf16, 8));
  // 80 layers over 3 stages: the fullest holds 27.
  CHECK(kv_bytes_per_token_per_gpu(large, KvFormat::bf16, {.tp = 8, .pp = 3}) == 27 * head);
}

TEST_CASE("weights split over GPUs add up to the whole, what is replicated aside") {
  Catalogue catalogue;
  const auto model = catalogue.load<ModelSpec>("models", "llama-3.1-70b");
  const double whole = 2 * count_parameters(model).total();
  const double alone =
      static_cast<double>(weight_bytes_per_gpu(model, WeightFormat::bf16, {}).value());
  CHECK(alone == Approx(whole));
  for (const uint32_t tp : {2U, 4U, 8U}) {
    const auto share =
        static_cast<double>(weight_bytes_per_gpu(model, WeightFormat::bf16, {.tp = tp}).value());
    CHECK(share * tp == Approx(whole).epsilon(0.001));
  }
  // Halving the linear layers leaves the two tables and the norms in 16 bits.
  const ParameterCount count = count_parameters(model);
  const double tables = 2 * (count.embedding + count.head + count.small);
  CHECK(weight_bytes_per_gpu(model, WeightFormat::fp8, {}).value() ==
        Approx((whole - tables) / 2 + tables));
}

TEST_CASE("published checkpoint sizes of quantised models are met") {
  Catalogue catalogue;
  const auto oss = catalogue.load<ModelSpec>("models", "gpt-oss-120b");
  // The checkpoint of gpt-oss-120b is 60.8 GiB (model card, table 1).
  CHECK(weight_bytes_per_gpu(oss, WeightFormat::mxfp4, {}).value() ==
        Approx(60.8 * 1024 * 1024 * 1024).epsilon(0.01));
}

TEST_CASE("splits that cannot work are refused in words") {
  Catalogue catalogue;
  const auto dense = catalogue.load<ModelSpec>("models", "llama-3.1-8b");  // 32 heads
  const auto sparse = catalogue.load<ModelSpec>("models", "deepseek-v3");
  CHECK(parallel_violation(dense, {.tp = 8}).empty());
  CHECK_THAT(parallel_violation(dense, {.tp = 3}), Catch::Contains("32"));
  CHECK_FALSE(parallel_violation(dense, {.tp = 1, .dp = 2}).empty());
  CHECK_FALSE(parallel_violation(dense, {.pp = 33}).empty());
  CHECK(parallel_violation(sparse, {.tp = 8, .dp = 2, .ep = 16}).empty());
  CHECK_FALSE(parallel_violation(sparse, {.tp = 1, .dp = 3, .ep = 3}).empty());
}
