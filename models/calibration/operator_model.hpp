// What operator tables are held against: the operators of models/llm on one GPU with kernel
// parameters that may be moved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/part.hpp"
#include "models/hardware/specs.hpp"
#include "models/llm/kernels.hpp"
#include "models/llm/operators.hpp"

namespace tiercast::calibration {

/// Parts point into `kernels`, so it stays where it is.
struct OperatorModel {
  OperatorModel(const hardware::GpuSpec& of_gpu, llm::KernelSpec base, llm::ModelSpec latent)
      : gpu(of_gpu), kernels(std::move(base)), latent_model(std::move(latent)) {}
  OperatorModel(const OperatorModel&) = delete;
  OperatorModel& operator=(const OperatorModel&) = delete;

  const hardware::GpuSpec& gpu;
  llm::KernelSpec kernels;
  llm::Machine machine{gpu, kernels};
  /// Whose latent attention tables of MLA modules measure; their rows say how many heads.
  llm::ModelSpec latent_model;
};

}  // namespace tiercast::calibration
