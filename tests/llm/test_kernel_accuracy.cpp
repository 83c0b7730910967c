// The kernel model against the measurements it was fitted to: what configs/calibration states about
// itself must be what it does, and may get better but not worse.

#include <cmath>

#include <catch2/catch.hpp>

#include "models/llm/operators.hpp"
#include "tests/llm/measurements.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::llm;
using tests::Catalogue;
using tests::Errors;
using tests::number;
using tests::Row;

namespace {

constexpr double kSlack = 0.02;

struct Fixture {
  hardware::GpuSpec gpu;
  KernelSpec kernels;
  Machine machine;
  std::string tables;

  Fixture(Catalogue& catalogue, const std::string& name, std::string folder)
      : gpu(catalogue.load<hardware::GpuSpec>("gpus", name)),
        kernels(catalogue.load<KernelSpec>("calibration", gpu.kernels)),
        machine(gpu, kernels),
        tables(std::move(folder)) {}

  /// Checks the errors against those the calibration states for `part`.
  void check(const std::string& part, const Errors& errors) const {
    INFO(gpu.title << ", " << part << ": median " << errors.median() << " p90 "
                   << errors.quantile(0.9) << " over " << errors.count() << " rows");
    for (const FitErrorSpec& stated : kernels.errors) {
      if (stated.part != part) continue;
      CHECK(errors.count() == stated.rows);
      CHECK(errors.median() < stated.median + kSlack);
      CHECK(errors.quantile(0.9) < stated.p90 + 2 * kSlack);
      return;
    }
    FAIL("no error stated for " << part);
  }
};

// What a test needs a table for; says so and returns false where the data is absent.
bool have(const std::vector<Row>& rows) {
  if (rows.empty()) WARN("calibration data is absent: accuracy is not checked");
  return !rows.empty();
}

ModelSpec attention_only(const Row& row, uint32_t heads, uint32_t kv_heads) {
  ModelSpec model;
  model.layers = 1;
  model.attention = GqaSpec{heads, kv_heads, static_cast<uint32_t>(number(row, "head_dim")), false};
  return model;
}

ModelSpec attention_only(const Row& row) {
  return attention_only(row, static_cast<uint32_t>(number(row, "num_heads")),
                        static_cast<uint32_t>(number(row, "num_key_value_heads")));
}

uint32_t window_of(const Row& row) {
  const auto found = row.find("window_size");
  return found == row.end() ? 0 : static_cast<uint32_t>(std::stod(found->second));
}

void check_gemm(const Fixture& fixture, const std::string& dtype, WeightFormat format,
                const std::string& part) {
  Errors errors;
  const auto rows = tests::measurements(fixture.tables + "/gemm.csv.gz");
  if (!have(rows)) return;
  for (const Row& row : rows) {
    const double m = number(row, "m"), n = number(row, "n"), k = number(row, "k");
    if (row.at("gemm_dtype") != dtype || n < 256 || k < 256 || n * k > 2.5e8) continue;
    errors.add(gemm(fixture.machine, format, m, n, k).us, 1e3 * number(row, "latency_ms"));
  }
  fixture.check(part, errors);
}

void check_decode(const Fixture& fixture, const std::string& part, const std::string& kv,
                  uint32_t window) {
  Errors errors;
  const auto rows = tests::measurements(fixture.tables + "/generation_attention.csv.gz");
  if (!have(rows)) return;
  for (const Row& row : rows) {
    const double dim = number(row, "head_dim");
    if (row.at("kv_cache_dtype") != kv || window_of(row) != window) continue;
    if (window == 0 ? dim > 128 : dim != 64) continue;
    const AttentionCost cost = attention(fixture.machine, attention_only(row),
                                         kv == "fp8" ? KvFormat::fp8 : KvFormat::bf16, 1, window);
    double read = number(row, "step") + 1;
    if (window != 0) read = std::min<double>(read, window);
    const double batch = number(row, "batch_size");
    const double us = cost.launch.us + batch * cost.sequence.us + batch * read * cost.decode_kv.us;
    errors.add(us, 1e3 * number(row, "latency_ms"));
  }
  fixture.check(part, errors);
}

double pairs(double rows, double window) {
  const double growing = window == 0 ? rows : std::min(rows, window);
  return growing * (growing + 1) / 2 + (rows - growing) * window;
}

void check_prefill(const Fixture& fixture) {
  Errors errors;
  const auto rows = tests::measurements(fixture.tables + "/context_attention.csv.gz");
  if (!have(rows)) return;
  for (const Row& row : rows) {
    const double batch = number(row, "batch_size"), chunk = number(row, "isl");
    if (batch > 4 || number(row, "head_dim") > 128) continue;
    const uint32_t window = window_of(row);
    const AttentionCost cost =
        attention(fixture.machine, attention_only(row),
                  row.at("kv_cache_dtype") == "fp8" ? KvFormat::fp8 : KvFormat::bf16, 1, window);
    const double padded = std::ceil(chunk / cost.row_tile) * cost.row_tile;
    const double us = cost.chunk.us + chunk * cost.chunk_token.us + chunk * cost.chunk_kv.us +
                      pairs(padded, window) * cost.chunk_pair.us;
    errors.add(cost.launch.us + batch * us, 1e3 * number(row, "latency_ms"));
  }
  fixture.check("attention prefill", errors);
}

void check_moe(const Fixture& fixture, const std::string& part, const std::string& dtype,
               const std::string& kernel, WeightFormat format) {
  Errors errors;
  const auto rows = tests::measurements(fixture.tables + "/moe.csv.gz");
  if (!have(rows)) return;
  for (const Row& row : rows) {
    if (row.at("moe_dtype") != dtype || row.at("distribution") != "power_law_1.01" ||
        row.at("kernel_source").find(kernel) == std::string::npos ||
        number(row, "num_experts") < 32 || number(row, "moe_ep_size") != 1) {
      continue;
    }
    ModelSpec model;
    model.layers = 1;
    model.hidden = static_cast<uint32_t>(number(row, "hidden_size"));
    MoeSpec moe;
    moe.experts = static_cast<uint32_t>(number(row, "num_experts"));
    moe.top = static_cast<uint32_t>(number(row, "topk"));
    model.moe = moe;
    const double width = number(row, "inter_size") / number(row, "moe_tp_size");
    const Cost cost =
        experts(fixture.machine, model, format, number(row, "num_tokens"), moe.experts, width, 1);
    errors.add(cost.us, 1e3 * number(row, "latency_ms"));
  }
  fixture.check(part, errors);
}

void check_small_all_reduce(const Fixture& fixture) {
  Errors errors;
  const auto rows = tests::measurements(fixture.tables + "/custom_allreduce.csv.gz");
  if (!have(rows)) return;
  for (const Row& row : rows) {
    const double bytes = 2 * number(row, "message_size");
    if (row.at("backend") != "vllm_graph" || bytes > 8'388'608) continue;
    const auto ranks = static_cast<uint32_t>(number(row, "num_gpus"));
    errors.add(all_reduce(fixture.machine, ranks, bytes).us, 1e3 * number(row, "latency_ms"));
  }
  fixture.check("all_reduce_small", errors);
}

}  // namespace

TEST_CASE("Hopper kernels are as close to their measurements as the calibration says") {
  Catalogue catalogue;
  const Fixture h100(catalogue, "h100-sxm", "aic_h100_sxm_vllm0.24");
  check_gemm(h100, "bfloat16", WeightFormat::bf16, "gemm_bf16");
  check_gemm(h100, "fp8", WeightFormat::fp8, "gemm_fp8");
  check_decode(h100, "attention decode", "bfloat16", 0);
  check_decode(h100, "attention decode fp8", "fp8", 0);
  check_decode(h100, "attention decode window 128", "bfloat16", 128);
  check_prefill(h100);
  check_moe(h100, "moe_bf16", "bfloat16", "", WeightFormat::bf16);
  check_moe(h100, "moe_fp8", "fp8_block", "triton", WeightFormat::fp8_block);
  check_moe(h100, "moe_mxfp4", "w4a16_mxfp4", "gptoss", WeightFormat::mxfp4);
  check_small_all_reduce(h100);
}

TEST_CASE("Ampere kernels are as close to their measurements as the calibration says") {
  Catalogue catalogue;
  const Fixture a100(catalogue, "a100-80-sxm", "aic_a100_sxm_vllm0.14");
  check_gemm(a100, "bfloat16", WeightFormat::bf16, "gemm_bf16");
  check_decode(a100, "attention decode", "bfloat16", 0);
  check_prefill(a100);
  check_moe(a100, "moe_bf16", "bfloat16", "", WeightFormat::bf16);
  check_small_all_reduce(a100);
}

TEST_CASE("prefill over a cached prefix is cheaper than recomputing it, dearer than ignoring it") {
  Catalogue catalogue;
  const Fixture h100(catalogue, "h100-sxm", "");
  Row row{{"head_dim", "128"}};
  const AttentionCost cost =
      attention(h100.machine, attention_only(row, 32, 8), KvFormat::bf16, 1, 0);
  const auto chunk_us = [&](double chunk, double context) {
    return chunk * cost.chunk_token.us + (chunk + context) * cost.chunk_kv.us +
           (chunk * context + chunk * (chunk + 1) / 2) * cost.chunk_pair.us;
  };
  for (const double context : {1024.0, 8192.0, 65536.0}) {
    CHECK(chunk_us(512, context) > chunk_us(512, 0));
    CHECK(chunk_us(512, context) < chunk_us(512 + context, 0));
  }
}
