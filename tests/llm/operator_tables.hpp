// Rows of operator tables and what the operators of models/llm say of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/llm/operators.hpp"
#include "tests/llm/measurements.hpp"
#include "tests/support/catalogue.hpp"

namespace tiercast::tests {

/// A GPU with its calibration and its tables.
struct Measured {
  hardware::GpuSpec gpu;
  llm::KernelSpec kernels;
  llm::Machine machine;
  std::string tables;

  Measured(Catalogue& catalogue, const std::string& name, std::string folder);
  /// Another calibration on the same GPU.
  Measured(const Measured& same, llm::KernelSpec other);
  Measured(const Measured&) = delete;
  Measured& operator=(const Measured&) = delete;

  std::vector<Row> rows(const std::string& table) const {
    return measurements(tables + "/" + table);
  }
};

/// Errors by name of part or group.
using Groups = std::map<std::string, Errors>;

double measured_us(const Row& row);
bool has_fp8_kv(const Row& row);
uint32_t window_of(const Row& row);
/// Heads of a served model (Llama, Qwen, Mixtral and their like) at tp 1, 2, 4 or 8, and no window.
bool is_served(const Row& row);
/// KV that a decode reads, in bytes.
double kv_bytes(const Row& row);

/// What a step of such rows costs. A window that cuts nothing off is none: contexts within it run
/// as without.
double decode_us(const llm::Machine& machine, const Row& row);
double prefill_us(const llm::Machine& machine, const Row& row);

/// Whole tables, by part and group; those that the collection of 8-bit block products shows only
/// the floor of are left out.
void add_gemm(const Measured& on, Groups& groups);
void add_decode(const Measured& on, Groups& groups);
void add_prefill(const Measured& on, Groups& groups);
/// `modelopt`: 8-bit experts with one scale a tensor, which run by other kernels, or all but those.
void add_moe(const Measured& on, bool modelopt, Groups& groups);

}  // namespace tiercast::tests
