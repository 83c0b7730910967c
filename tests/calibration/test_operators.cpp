// Operator tables made from known parameters give them back; measured ones give what ships.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/calibration/operators.hpp"
#include "sim/config/document.hpp"
#include "tests/calibration/operator_rows.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::calibration;
using tests::Catalogue;

namespace {

struct Fixture {
  Catalogue catalogue{};
  std::string gpu_name;
  hardware::GpuSpec gpu;
  llm::KernelSpec base;
  llm::ModelSpec latent;

  explicit Fixture(const std::string& name)
      : gpu_name(name),
        gpu(catalogue.load<hardware::GpuSpec>("gpus", name)),
        base(catalogue.load<llm::KernelSpec>("calibration", gpu.kernels)),
        latent(catalogue.load<llm::ModelSpec>("models", "deepseek-v3")) {}

  std::optional<Calibration> fit(const std::vector<MeasuredTable>& tables, Diagnostics& found,
                                 bool leave_out = false) const {
    FitOptions options;
    options.leave_out = leave_out;
    return calibrate_operators({gpu_name, gpu, gpu.kernels, base, latent}, tables, options, found);
  }

  /// The entry as a scenario that names it would read it.
  llm::KernelSpec read_entry(const Calibration& made) {
    Diagnostics found;
    const auto document =
        config::parse_document(to_yaml(made), "new.yaml", Origin::catalogue, found);
    llm::KernelSpec spec;
    Node resolved;
    Reader reader(found, catalogue.lookup(found));
    const bool good = document && reader.read(*document, spec, resolved);
    INFO(found.render() << to_yaml(made));
    REQUIRE(good);
    return spec;
  }
};

MeasuredTable table_of(const std::string& text, const std::string& name) {
  Diagnostics found;
  auto table = MeasuredTable::read(workload::open_bytes(text), name, found);
  INFO(found.render());
  REQUIRE(table);
  return std::move(*table);
}

// Another machine's kernels: every fitted number is moved by its own factor.
llm::KernelSpec moved(llm::KernelSpec kernels) {
  kernels.gemm_bf16.launch = Seconds{3e-6};
  kernels.gemm_bf16.compute = 0.71;
  kernels.gemm_bf16.memory = 0.66;
  kernels.gemm_bf16.tile_load = gigabytes_per_second(120);
  kernels.gemm_bf16.tile = Seconds{2e-6};
  kernels.gemm_bf16.reduce = 0.5;
  kernels.gemm_bf16.waves = 0.3;
  kernels.gemm_fp8->launch = Seconds{6e-6};
  kernels.gemm_fp8->compute = 0.5;
  kernels.gemm_fp8->memory = 0.6;
  kernels.gemm_fp8->quantise = Seconds{3e-6};
  kernels.attention.launch = Seconds{8e-6};
  kernels.attention.launch_dim = Seconds{3e-6};
  kernels.attention.launch_fp8 = Seconds{4e-6};
  kernels.attention.decode_memory = 0.7;
  kernels.attention.decode_memory_fp8 = 0.5;
  kernels.attention.cta = Seconds{5e-6};
  kernels.attention.prefill_compute = 0.6;
  kernels.attention.softmax_dims = 30;
  kernels.attention.prefill_write = 0.8;
  kernels.attention.prefill_cta = Seconds{1e-6};
  kernels.attention.kv_row = Seconds{9e-6};
  kernels.attention.prefill_fp8 = 2;
  kernels.moe_bf16.launch = Seconds{50e-6};
  kernels.moe_bf16.memory = 0.7;
  kernels.moe_bf16.compute = 0.5;
  kernels.moe_bf16.pad_rows = 20;
  kernels.moe_bf16.expert = Seconds{400e-9};
  kernels.moe_bf16.split_launch = Seconds{20e-6};
  kernels.moe_bf16.activation = 0.5;
  kernels.moe_bf16.gather = 1;
  kernels.all_reduce_small = {Seconds{6e-6}, Seconds{500e-9}, 0.6, kilobytes(300)};
  kernels.all_reduce = {Seconds{9e-6}, Seconds{900e-9}, 0.7, megabytes(2)};
  kernels.all_gather = {Seconds{7e-6}, Seconds{300e-9}, 0.6, megabytes(4)};
  kernels.reduce_scatter = {Seconds{8e-6}, Seconds{200e-9}, 0.55, megabytes(1)};
  kernels.all_to_all = {Seconds{5e-6}, Seconds{400e-9}, 0.5, megabytes(3)};
  kernels.elementwise_launch = Seconds{3e-6};
  kernels.elementwise_memory = 0.7;
  return kernels;
}

const PartFit& part_of(const Calibration& made, const std::string& name) {
  const auto at = std::find_if(made.parts.begin(), made.parts.end(),
                               [&](const PartFit& part) { return part.name == name; });
  INFO(name);
  REQUIRE(at != made.parts.end());
  return *at;
}

bool near(double found, double truth) { return std::abs(found / truth - 1) < 0.03; }

}  // namespace

TEST_CASE("tables made from known parameters give them back") {
  Fixture h100("h100-sxm");
  const llm::KernelSpec truth = moved(h100.base);
  Diagnostics found;
  const auto made = h100.fit({table_of(tests::gemm_csv(h100.gpu, truth), "a"),
                              table_of(tests::attention_csv(h100.gpu, truth), "b"),
                              table_of(tests::moe_csv(h100.gpu, truth), "c"),
                              table_of(tests::nccl_csv(h100.gpu, truth), "d"),
                              table_of(tests::custom_allreduce_csv(h100.gpu, truth), "e"),
                              table_of(tests::layers_csv(h100.gpu, truth), "f")},
                             found);
  INFO(found.render());
  REQUIRE(made);
  INFO(to_text(*made));
  for (const PartFit& part : made->parts) {
    INFO(part.name);
    CHECK(part.errors.p90 < 0.01);
  }
  const llm::KernelSpec entry = h100.read_entry(*made);
  CHECK(near(entry.gemm_bf16.launch.value(), 3e-6));
  CHECK(near(entry.gemm_bf16.compute, 0.71));
  CHECK(near(entry.gemm_bf16.memory, 0.66));
  CHECK(near(entry.gemm_bf16.tile_load.value(), 120e9));
  CHECK(near(entry.gemm_bf16.tile.value(), 2e-6));
  CHECK(near(entry.gemm_bf16.waves, 0.3));
  CHECK(near(entry.gemm_fp8->launch.value(), 6e-6));
  CHECK(near(entry.gemm_fp8->compute, 0.5));
  CHECK(near(entry.gemm_fp8->memory, 0.6));
  CHECK(near(entry.gemm_fp8->quantise.value(), 3e-6));
  CHECK(near(entry.attention.launch.value(), 8e-6));
  CHECK(near(entry.attention.decode_memory, 0.7));
  CHECK(near(entry.attention.decode_memory_fp8, 0.5));
  CHECK(near(entry.attention.cta.value(), 5e-6));
  CHECK(near(entry.attention.prefill_compute, 0.6));
  CHECK(near(entry.attention.softmax_dims, 30));
  CHECK(near(entry.attention.prefill_write, 0.8));
  CHECK(near(entry.attention.prefill_cta.value(), 1e-6));
  CHECK(near(entry.attention.kv_row.value(), 9e-6));
  CHECK(near(entry.attention.prefill_fp8, 2));
  CHECK(near(entry.moe_bf16.launch.value(), 50e-6));
  CHECK(near(entry.moe_bf16.memory, 0.7));
  CHECK(near(entry.moe_bf16.compute, 0.5));
  CHECK(near(entry.moe_bf16.pad_rows, 20));
  CHECK(near(entry.moe_bf16.expert.value(), 400e-9));
  CHECK(near(entry.moe_bf16.split_launch.value(), 20e-6));
  CHECK(near(entry.moe_bf16.activation, 0.5));
  CHECK(near(entry.moe_bf16.gather, 1));
  CHECK(near(entry.all_reduce_small.launch.value(), 6e-6));
  CHECK(near(entry.all_reduce_small.bandwidth, 0.6));
  CHECK(near(entry.all_reduce.rank.value(), 900e-9));
  CHECK(near(entry.all_gather.bandwidth, 0.6));
  CHECK(near(static_cast<double>(entry.all_to_all.half.value()), 3e6));
  CHECK(near(entry.elementwise_launch.value(), 3e-6));
  CHECK(near(entry.elementwise_memory, 0.7));
  // The rest is the base's, and the entry says so.
  CHECK(entry.mla.launch == h100.base.mla.launch);
  CHECK(entry.fitted_on == "h100-sxm");
  REQUIRE(made->notes.size() == 1);
  CHECK(made->notes[0].find("mla") != std::string::npos);
  CHECK(made->notes[0].find("gemm_bf16") == std::string::npos);
}

TEST_CASE("an entry states its errors, and its base's for what it does not measure") {
  Fixture h100("h100-sxm");
  Diagnostics found;
  const auto made =
      h100.fit({table_of(tests::nccl_csv(h100.gpu, moved(h100.base)), "folder/nccl.csv")}, found);
  REQUIRE(made);
  const llm::KernelSpec entry = h100.read_entry(*made);
  CHECK(entry.errors.size() == h100.base.errors.size());
  for (const llm::FitErrorSpec& error : entry.errors) {
    const bool measured = error.table.starts_with("nccl ");
    const auto& old =
        *std::find_if(h100.base.errors.begin(), h100.base.errors.end(),
                      [&](const llm::FitErrorSpec& other) { return other.part == error.part; });
    INFO(error.part);
    CHECK(measured == (error.part == "all_reduce" || error.part == "all_gather" ||
                       error.part == "reduce_scatter" || error.part == "all_to_all"));
    CHECK(error.median == (measured ? 0 : old.median));
    if (measured) CHECK(error.rows == part_of(*made, error.part).errors.rows);
  }
  CHECK(entry.source.find("nccl.csv (132 rows, XXH64 ") != std::string::npos);
  CHECK(entry.source.find("folder") == std::string::npos);
  // A calibration of the new entry's own tables changes nothing of what was measured.
  CHECK(near(entry.all_reduce.launch.value(), 9e-6));
}

TEST_CASE("the same tables give the same bytes") {
  Fixture h100("h100-sxm");
  const std::string text = tests::nccl_csv(h100.gpu, moved(h100.base));
  Diagnostics found;
  const auto one = h100.fit({table_of(text, "a")}, found, true);
  const auto two = h100.fit({table_of(text, "a")}, found, true);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(to_text(*one) == to_text(*two));
  CHECK(to_json(*one) == to_json(*two));
  CHECK(to_yaml(*one) == to_yaml(*two));
  CHECK(to_text(*one).find("each gpus by a fit without it") != std::string::npos);
}

TEST_CASE("rows of formats that the base has no kernels for are told, not fitted") {
  Fixture a100("a100-80-sxm");
  REQUIRE_FALSE(a100.base.gemm_fp8);
  Fixture h100("h100-sxm");
  Diagnostics found;
  const auto made = a100.fit({table_of(tests::gemm_csv(h100.gpu, h100.base), "t.csv")}, found);
  REQUIRE(made);
  CHECK(made->parts.size() == 1);
  CHECK(found.warning_count() == 1);
  CHECK(found.render().find("rows of fp8 are not used: the calibration has no gemm_fp8") !=
        std::string::npos);
}

TEST_CASE("tables of no known kind are told and are no source") {
  Fixture h100("h100-sxm");
  Diagnostics found;
  const auto made = h100.fit({table_of("a,b\n1,2\n", "other.csv"),
                              table_of(tests::nccl_csv(h100.gpu, h100.base), "nccl.csv")},
                             found);
  REQUIRE(made);
  CHECK(found.render().find("other.csv:1: warning: not used: the header is of no") !=
        std::string::npos);
  CHECK(made->files.size() == 1);
}

TEST_CASE("tables at fault give no entry") {
  Fixture h100("h100-sxm");
  const auto faults = [&](const std::string& text) {
    Diagnostics found;
    CHECK_FALSE(h100.fit({table_of(text, "t.csv")}, found));
    return found.render();
  };
  const std::string gemm = "gemm_dtype,m,n,k,latency_ms\n";
  CHECK(faults(gemm + "bfloat16,1,256,x,1\n").find("t.csv:2: error: `k` `x` is not a number") !=
        std::string::npos);
  CHECK(faults(gemm + "bfloat16,1,256,256,0\n").find("`latency_ms` `0` must be at least") !=
        std::string::npos);
  CHECK(faults(gemm + "int3,1,256,256,1\n").find("no row tells anything") != std::string::npos);
  CHECK(faults(gemm + "bfloat16,1e300,256,256,1\n").find("must be at most") != std::string::npos);
  CHECK(faults("a,b\n1,2\n").find("no table is of a kind that is known") != std::string::npos);
  const std::string moe =
      "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,"
      "moe_ep_size,distribution,latency_ms\n";
  CHECK(faults(moe + "x,bfloat16,-3,inf,1e99,0,nan,0,1,power_law_1.01,1\n").find("t.csv:2: ") !=
        std::string::npos);
}

namespace {

// Whether measured tables gave errors no worse than what ships states, by two points.
void check_against_shipped(const Fixture& fixture, const Calibration& made) {
  for (const llm::FitErrorSpec& stated : fixture.base.errors) {
    const auto part = std::find_if(made.parts.begin(), made.parts.end(),
                                   [&](const PartFit& fit) { return fit.name == stated.part; });
    if (part == made.parts.end()) continue;
    INFO(stated.part << " stated " << stated.median << " found " << part->errors.median);
    CHECK(part->errors.rows == stated.rows);
    CHECK(part->errors.median < stated.median + 0.02);
  }
}

void check_shared(const std::string& gpu, const std::vector<std::string>& files,
                  std::size_t parts) {
  Fixture fixture(gpu);
  std::vector<MeasuredTable> tables;
  Diagnostics found;
  for (const std::string& file : files) {
    const auto path = tests::shared_dir() / "calibration" / file;
    if (!std::filesystem::exists(path)) {
      WARN("calibration data is absent: " << file);
      return;
    }
    tables.push_back(*MeasuredTable::read(path.string(), found));
  }
  const auto made = fixture.fit(tables, found);
  INFO(found.render());
  REQUIRE(made);
  INFO(to_text(*made));
  CHECK(made->parts.size() == parts);
  check_against_shipped(fixture, *made);
  fixture.read_entry(*made);
}

}  // namespace

TEST_CASE("A100's tables give what ships") {
  const std::string tables = "aic_a100_sxm_vllm0.14/";
  check_shared("a100-80-sxm",
               {tables + "gemm.csv.gz", tables + "custom_allreduce.csv.gz", tables + "nccl.csv.gz",
                "vidur/a100_Meta-Llama-3-8B_mlp.csv.gz", "vidur/a100_Meta-Llama-3-70B_mlp.csv.gz"},
               7);
}

TEST_CASE("H100's tables give what ships", "[slow]") {
  const std::string tables = "aic_h100_sxm_vllm0.24/";
  std::vector<std::string> files{"vidur/h100_Llama-2-7b-hf_mlp.csv.gz",
                                 "vidur/h100_Llama-2-70b-hf_mlp.csv.gz"};
  for (const char* name :
       {"gemm", "generation_attention", "context_attention", "mla_generation_module",
        "mla_context_module", "moe", "custom_allreduce", "nccl"}) {
    files.push_back(tables + name + ".csv.gz");
  }
  check_shared("h100-sxm", files, 17);
}
