// Any bytes as measurements: tables of operators and copies, fio's and load generators' JSON. What
// is read is fitted, a few rows at a time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/calibration/fio.hpp"
#include "models/calibration/measured_result.hpp"
#include "models/calibration/measured_table.hpp"
#include "models/calibration/operator_parts.hpp"
#include "models/calibration/operator_tables.hpp"

using namespace tiercast;
using namespace tiercast::calibration;

namespace {

hardware::GpuSpec small_gpu() {
  hardware::GpuSpec gpu;
  gpu.hbm_bandwidth.value = terabytes_per_second(2);
  gpu.bf16.value = teraflops_per_second(300);
  gpu.sms.value = 100;
  gpu.host_link.value = gigabytes_per_second(32);
  return gpu;
}

llm::KernelSpec some_kernels() {
  llm::KernelSpec kernels;
  kernels.gemm_bf16.compute = kernels.gemm_bf16.memory = 0.5;
  kernels.gemm_bf16.tile_load = gigabytes_per_second(100);
  kernels.attention.decode_memory = kernels.attention.decode_memory_fp8 = 0.5;
  kernels.attention.prefill_compute = kernels.attention.prefill_write = 0.5;
  kernels.mla.decode_memory = kernels.mla.decode_compute = kernels.mla.prefill_compute = 0.5;
  kernels.moe_bf16.memory = kernels.moe_bf16.compute = kernels.moe_bf16.activation = 0.5;
  kernels.moe_mxfp4 = kernels.moe_bf16;
  kernels.elementwise_memory = 0.5;
  kernels.all_reduce.bandwidth = 0.5;
  kernels.all_reduce_small = kernels.all_gather = kernels.all_to_all = kernels.all_reduce;
  return kernels;
}

llm::ModelSpec latent_model() {
  llm::ModelSpec model;
  model.layers = 1;
  model.hidden = 7168;
  llm::MlaSpec latent;
  latent.heads = 128;
  latent.q_rank = 1536;
  latent.kv_rank = 512;
  latent.nope_dim = 128;
  latent.rope_dim = 64;
  latent.v_dim = 128;
  model.attention = latent;
  return model;
}

void read_table(std::string_view text) {
  Diagnostics found;
  const auto table = MeasuredTable::read(workload::open_bytes(text), "t.csv", found);
  if (!table || table->rows() > 100) return;
  const auto kind = kind_of(*table, found);
  if (!kind) return;
  static const hardware::GpuSpec gpu = small_gpu();
  OperatorModel model(gpu, some_kernels(), latent_model());
  const KnownTable known{*kind, &*table};
  const std::vector<Part> parts = operator_parts({&known, 1}, model, found);
  if (found.has_errors()) return;
  for (const Part& part : parts) fit_part(part, {});
}

void read_json(std::string_view text) {
  Diagnostics found;
  std::vector<JsonFile> files;
  if (auto file = JsonFile::read(workload::open_bytes(text), "f.json", found)) {
    files.push_back(std::move(*file));
    const auto drive = calibrate_drive({}, files, found);
    if (drive) to_yaml(*drive);
  }
  Diagnostics results;
  read_measured_result(workload::open_bytes(text), "r.json", results);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (text.starts_with('{') || text.starts_with('[')) {
    read_json(text);
  } else {
    read_table(text);
  }
  return 0;
}
