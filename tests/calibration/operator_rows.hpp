// Operator tables made by the operators themselves, for a kernel calibration that is known.
#pragma once

#include <string>

#include "models/hardware/specs.hpp"
#include "models/llm/kernels.hpp"

namespace tiercast::tests {

std::string gemm_csv(const hardware::GpuSpec& gpu, const llm::KernelSpec& kernels);
/// Decode (`step` KV tokens behind) and prefill of heads 64 and 128 wide, KV in 16 and 8 bits.
std::string attention_csv(const hardware::GpuSpec& gpu, const llm::KernelSpec& kernels);
std::string moe_csv(const hardware::GpuSpec& gpu, const llm::KernelSpec& kernels);
std::string nccl_csv(const hardware::GpuSpec& gpu, const llm::KernelSpec& kernels);
std::string custom_allreduce_csv(const hardware::GpuSpec& gpu, const llm::KernelSpec& kernels);
/// Norm, activation and rotary embedding of one model.
std::string layers_csv(const hardware::GpuSpec& gpu, const llm::KernelSpec& kernels);

}  // namespace tiercast::tests
