// Laws of operators that no table is needed for.

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include "models/llm/operators.hpp"
#include "tests/support/catalogue.hpp"
#include "tests/support/paths.hpp"

using namespace tiercast;
using namespace tiercast::llm;
using tests::Catalogue;

namespace {

struct Case {
  hardware::GpuSpec gpu;
  KernelSpec kernels;

  Case(Catalogue& catalogue, const std::string& name)
      : gpu(catalogue.load<hardware::GpuSpec>("gpus", name)),
        kernels(catalogue.load<KernelSpec>("calibration", gpu.kernels)) {}

  Machine machine() const { return {gpu, kernels}; }
};

MoeSpec experts_of(uint32_t experts, uint32_t top) {
  MoeSpec moe;
  moe.experts = experts;
  moe.top = top;
  return moe;
}

}  // namespace

TEST_CASE("weights of 4 bits save traffic, and arithmetic only where tensor cores have 4 bits") {
  Catalogue catalogue;
  const Case h100(catalogue, "h100-sxm");
  const Machine machine = h100.machine();
  const double few = gemm(machine, WeightFormat::int4, 1, 16384, 16384).us;
  CHECK(few < 0.5 * gemm(machine, WeightFormat::bf16, 1, 16384, 16384).us);
  CHECK(few > 16384.0 * 16384 * weight_bytes(WeightFormat::int4) / machine.hbm);
  CHECK(gemm(machine, WeightFormat::int4, 16384, 16384, 16384).us >=
        gemm(machine, WeightFormat::bf16, 16384, 16384, 16384).us);
  // Hopper multiplies nvfp4 weights as it does int4's, which are a little narrower.
  CHECK(gemm(machine, WeightFormat::nvfp4, 4096, 4096, 4096).us ==
        Approx(gemm(machine, WeightFormat::int4, 4096, 4096, 4096).us).epsilon(0.02));

  Case b200(catalogue, "b200");
  b200.gpu.fp4 = b200.gpu.fp8;
  b200.gpu.fp4->value = FlopsPerSecond{2 * b200.gpu.fp8->value.value()};
  const Machine blackwell = b200.machine();
  const double size = 32768;
  const double four = gemm(blackwell, WeightFormat::nvfp4, size, size, size).us;
  CHECK(four < 0.7 * gemm(blackwell, WeightFormat::fp8, size, size, size).us);
  CHECK(four > 2 * size * size * size / blackwell.fp4);
}

TEST_CASE("every GPU of the catalogue times products and experts of every format") {
  Catalogue catalogue;
  const auto qwen = catalogue.load<ModelSpec>("models", "qwen3-235b-a22b");
  size_t gpus = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(tests::source_dir() / "configs/gpus")) {
    const Case gpu(catalogue, file.path().stem().string());
    const Machine machine = gpu.machine();
    INFO(gpu.gpu.title);
    for (const auto& format : choices(WeightFormat{})) {
      INFO(format.name);
      const double product = gemm(machine, format.value, 4096, 4096, 4096).us;
      CHECK(product >
            2 * 4096.0 * 4096 * 4096 / std::max({machine.bf16, machine.fp8, machine.fp4}));
      CHECK(experts(machine, qwen, format.value, 64, 128, 1536, 1).us > 0);
    }
    ++gpus;
  }
  CHECK(gpus > 10);
}

TEST_CASE("routing loads the busiest GPU between the mean and all of a token's copies") {
  const MoeSpec moe = experts_of(256, 8);
  for (const double tokens : {1.0, 16.0, 256.0, 4096.0, 65536.0}) {
    INFO(tokens);
    const Routed whole = routed(Routing::skewed, moe, tokens, 256);
    CHECK(whole.imbalance == 1);
    CHECK(whole.active <= 256);
    CHECK(whole.active <= tokens * 8 * (1 + 1e-12));
    double last = 1;
    for (const double held : {128.0, 32.0, 8.0, 1.0}) {
      const Routed split = routed(Routing::skewed, moe, tokens, held);
      CHECK(split.imbalance >= last);
      CHECK(split.imbalance <= 256.0 / 8);
      CHECK(split.active <= held);
      last = split.imbalance;
      const Routed even = routed(Routing::balanced, moe, tokens, held);
      CHECK(even.imbalance == 1);
      CHECK(even.active == Approx(held * std::min(1.0, tokens * 8 / 256)));
    }
  }
  // One token sees as many experts as it chooses, unless its favourites are sure to be chosen.
  CHECK(routed(Routing::skewed, moe, 1, 256).active == Approx(8).epsilon(0.01));
  // Skewed routing leaves experts without a token that balanced routing gives one.
  CHECK(routed(Routing::skewed, moe, 64, 256).active <
        routed(Routing::balanced, moe, 64, 256).active);
}

TEST_CASE("collectives across nodes are those within a node and what the network adds") {
  Catalogue catalogue;
  const Case h100(catalogue, "h100-sxm");
  const Machine machine = h100.machine();
  const double nic = 400e3;  // eight cards of 400 Gbit/s
  for (const double bytes : {1e3, 1e6, 1e9}) {
    INFO(bytes);
    CHECK(all_reduce(machine, Span{8, 1, nic}, bytes).us == all_reduce(machine, 8, bytes).us);
    CHECK(all_to_all(machine, Span{8, 1, nic}, bytes).us == all_to_all(machine, 8, bytes).us);
    double last = 0;
    for (const uint32_t nodes : {2U, 4U, 8U}) {
      const Span span{8, nodes, nic};
      const Cost reduce = all_reduce(machine, span, bytes);
      // A node sends and receives 2 (n - 1) / n of the sum, and an all-reduce is its two halves.
      CHECK(reduce.us > 2.0 * (nodes - 1) / nodes * bytes / nic);
      CHECK(reduce.us > last);
      CHECK(reduce.communication_us == reduce.us);
      last = reduce.us;
      const double halves =
          reduce_scatter(machine, span, bytes).us + all_gather(machine, span, bytes).us;
      CHECK(reduce.us <= halves);
      CHECK(all_to_all(machine, span, bytes).us > 8.0 * (nodes - 1) / nodes * bytes / nic);
    }
  }
}

TEST_CASE("tokens go to experts by the faster of DeepEP's kernels, else by an all-to-all") {
  Catalogue catalogue;
  const Case h100(catalogue, "h100-sxm");
  const Machine machine = h100.machine();
  CHECK(expert_dispatch(machine, 7168, 8, 1, 1).us == 0);
  double last = 0;
  for (const double tokens : {1.0, 64.0, 1024.0, 16384.0}) {
    const double there = expert_dispatch(machine, 7168, 8, tokens, 8).us;
    CHECK(there > last);
    if (tokens > 1) CHECK(expert_combine(machine, 7168, 8, tokens, 8).us > there);  // 16 bits
    last = there;
  }
  // Few tokens take low latency's launch, many send one copy a GPU: 5.3 of 8 copies.
  const ExpertExchangeSpec& spec = *h100.kernels.expert_exchange;
  CHECK(expert_dispatch(machine, 7168, 8, 1, 8).us < 1e6 * spec.dispatch.launch.value());
  const double copies = 8 * 7168.0 * 16384 * 7 / 8 / machine.nvlink;
  CHECK(last < copies / spec.dispatch.bandwidth);

  const Case a100(catalogue, "a100-80-sxm");
  REQUIRE_FALSE(a100.kernels.expert_exchange);
  CHECK(expert_combine(a100.machine(), 4096, 2, 10, 4).us ==
        all_to_all(a100.machine(), 4, 10 * 2 * 2 * 4096).us);
}
