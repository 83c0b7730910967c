#include <catch2/catch.hpp>

#include "models/llm/compile.hpp"
#include "models/llm/operators.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::llm;
using tiercast::tests::Catalogue;

namespace {

struct Case {
  ModelSpec model;
  hardware::GpuSpec gpu;
  KernelSpec kernels;
  EngineOverheadSpec engine;

  Case(Catalogue& catalogue, const std::string& model_name, const std::string& gpu_name)
      : model(catalogue.load<ModelSpec>("models", model_name)),
        gpu(catalogue.load<hardware::GpuSpec>("gpus", gpu_name)),
        kernels(catalogue.load<KernelSpec>("calibration", gpu.kernels)),
        engine(catalogue.load_part<EngineOverheadSpec>("engines", "vllm", "overhead")) {}

  StepTableInput input(ParallelSpec parallel = {}) const {
    return {.model = model,
            .weights = model.native_weights,
            .kv = KvFormat::bf16,
            .parallel = parallel,
            .gpu = gpu,
            .kernels = kernels,
            .engine = engine,
            .max_tokens = 2048,
            .max_sequences = 256,
            .max_context = 32'768};
  }
};

double in_ms(int64_t ticks) { return static_cast<double>(ticks) / 1e6 / kTicksPerNs; }

}  // namespace

TEST_CASE("every model on every GPU at every tp compiles to a table that keeps the laws") {
  Catalogue catalogue;
  for (const std::string model :
       {"llama-2-7b", "llama-3.1-8b", "llama-3.1-70b", "deepseek-v3", "gpt-oss-120b"}) {
    for (const std::string gpu : {"h100-sxm", "h200-sxm", "a100-80-sxm"}) {
      const Case c(catalogue, model, gpu);
      for (const uint32_t tp : {1U, 2U, 4U, 8U}) {
        INFO(model << " on " << gpu << " tp " << tp);
        const CompiledSteps compiled = compile_step_table(c.input({.tp = tp}));
        CHECK(compiled.problem.empty());
        CHECK(table_violation(compiled.table).empty());
        CHECK(compiled.table.groups.size() == (c.model.window ? 2 : 1));
        // One more token in prefill, one more in context: never cheaper.
        const StepTable& table = compiled.table;
        for (const uint32_t chunk : {1U, 17U, 511U, 2047U}) {
          for (const uint32_t context : {0U, 100U, 8191U}) {
            const int64_t here = table.prefill_attention_ticks(chunk, context);
            CHECK(here > 0);
            CHECK(table.prefill_attention_ticks(chunk + 1, context) >= here);
            CHECK(table.prefill_attention_ticks(chunk, context + 1) >= here);
          }
        }
      }
    }
  }
}

TEST_CASE("no step draws more than the GPUs may, and a busy one draws most of it") {
  Catalogue catalogue;
  const Case c(catalogue, "llama-3.1-8b", "h100-sxm");
  const StepTable table = compile_step_table(c.input()).table;
  CHECK(table.dynamic_power_max_mw == int64_t{1000} * (689 - 72) + 500);  // 0.985 x 700 - 72 W
  const auto watts_of = [&](Int128 energy, int64_t ticks) {
    return static_cast<double>(energy) / static_cast<double>(ticks) / 1000;
  };
  const double prefill =
      watts_of(table.token_energy[2048] + table.prefill_attention_energy(2048, 0),
               table.token_ticks[2048] + table.prefill_attention_ticks(2048, 0));
  CHECK(prefill > 550);
  const int64_t x[] = {500};
  const double decode = watts_of(table.decode_energy(1, x), table.decode_ticks(1, x));
  CHECK(decode > 250);
  CHECK(decode < 500);
}

TEST_CASE("what should be faster is faster") {
  Catalogue catalogue;
  const Case h100(catalogue, "llama-3.1-70b", "h100-sxm");
  const Case h200(catalogue, "llama-3.1-70b", "h200-sxm");
  const Case a100(catalogue, "llama-3.1-70b", "a100-80-sxm");
  const int64_t x[] = {64 * 4000};
  const auto decode = [&](const StepTableInput& input) {
    return compile_step_table(input).table.decode_ticks(64, x);
  };
  const int64_t base = decode(h100.input({.tp = 4}));
  CHECK(decode(h200.input({.tp = 4})) < base);
  CHECK(decode(a100.input({.tp = 4})) > base);
  CHECK(decode(h100.input({.tp = 8})) < base);
  StepTableInput narrow = h100.input({.tp = 4});
  narrow.weights = WeightFormat::fp8;
  CHECK(decode(narrow) < base);
  StepTableInput sorted = h100.input({.tp = 4});
  sorted.sampling = Sampling::top_p;
  CHECK(decode(sorted) > base);
  // Stages follow one another: pipelining alone does not shorten a step by much.
  CHECK(decode(h100.input({.tp = 4, .pp = 2})) >= base);
}

TEST_CASE("batch-1 decode of Llama-3.1-8B streams the weights at most of HBM's bandwidth") {
  Catalogue catalogue;
  const Case c(catalogue, "llama-3.1-8b", "h100-sxm");
  const int64_t x[] = {128};
  const double ms = in_ms(compile_step_table(c.input()).table.decode_ticks(1, x));
  const ParameterCount count = count_parameters(c.model);
  const double floor_ms = 2 * (count.total() - count.embedding) / 3.35e12 * 1e3;
  CHECK(ms > floor_ms);
  CHECK(ms < 2 * floor_ms);
}

TEST_CASE("kernels know the GPU they were measured on") {
  Catalogue catalogue;
  for (const std::string name : {"dgx-h100", "dgx-h200", "dgx-a100"}) {
    const auto gpu = catalogue.load<hardware::NodeSpec>("nodes", name).gpu;
    const auto kernels = catalogue.load<KernelSpec>("calibration", gpu.kernels);
    INFO(name << " has " << gpu.use << ", kernels of " << kernels.fitted_on);
    CHECK(kernels.carried_to(gpu.use) == (name == "dgx-h200"));
  }
}

TEST_CASE("what nobody measured on a GPU claims no accuracy") {
  Catalogue catalogue;
  for (const std::string name : {"b200", "gb200", "gb300", "rubin"}) {
    const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", name);
    const auto kernels = catalogue.load<KernelSpec>("calibration", gpu.kernels);
    INFO(name);
    CHECK(kernels.carried_to(name));
    CHECK(kernels.errors.empty());
    CHECK_THAT(kernels.source, Catch::StartsWith("Estimate"));
  }
}

TEST_CASE("a large product keeps its share of the peak where Hopper's kernels are carried to") {
  Catalogue catalogue;
  const auto share = [&](const std::string& name, WeightFormat format) {
    const auto gpu = catalogue.load<hardware::GpuSpec>("gpus", name);
    const auto kernels = catalogue.load<KernelSpec>("calibration", gpu.kernels);
    const double size = 16384;
    const double peak =
        format == WeightFormat::bf16 ? gpu.bf16.value.value() : gpu.fp8->value.value();
    return 2 * size * size * size /
           (gemm({gpu, kernels}, format, size, size, size).us * peak / 1e6);
  };
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::fp8}) {
    for (const std::string name : {"b200", "gb200", "gb300", "rubin"}) {
      INFO(name);
      // Fixed times weigh more the faster the cores are.
      CHECK(share(name, format) == Approx(share("h100-sxm", format)).epsilon(0.15));
    }
  }
}

TEST_CASE("a window stops attention from growing") {
  Catalogue catalogue;
  const Case c(catalogue, "gpt-oss-120b", "h100-sxm");
  const StepTable table = compile_step_table(c.input()).table;
  CHECK(table.groups[0].window_tokens == 0);
  CHECK(table.groups[0].layers == 18);
  CHECK(table.groups[1].window_tokens == 128);
  CHECK(table.groups[1].layers == 18);
  CHECK(table.groups[1].kv_tokens(100'000) == 128);
}

TEST_CASE("data and expert parallelism share the work") {
  Catalogue catalogue;
  const Case c(catalogue, "deepseek-v3", "h200-sxm");
  const CompiledSteps one = compile_step_table(c.input({.tp = 8}));
  const CompiledSteps sixteen = compile_step_table(c.input({.tp = 1, .dp = 16, .ep = 16}));
  REQUIRE(one.problem.empty());
  REQUIRE(sixteen.problem.empty());
  CHECK(table_violation(sixteen.table).empty());
  // A latent is replicated over tp but split by requests over dp.
  CHECK(sixteen.table.groups[0].decode_time[0].slope < one.table.groups[0].decode_time[0].slope);
}

TEST_CASE("steps too long for 64-bit ticks are refused in words") {
  Catalogue catalogue;
  const Case c(catalogue, "llama-3.1-70b", "h100-sxm");
  StepTableInput input = c.input();
  input.max_tokens = 2'000'000;
  input.max_context = 10'000'000;
  CHECK_FALSE(compile_step_table(input).problem.empty());
}
