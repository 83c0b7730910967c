// Operator tables to a catalogue entry of `calibration`.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "models/calibration/calibration.hpp"
#include "models/hardware/specs.hpp"
#include "models/llm/kernels.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::calibration {

struct OperatorsInput {
  std::string gpu_name;  ///< catalogue name
  const hardware::GpuSpec& gpu;
  std::string base_name;  ///< catalogue name of `base`
  const llm::KernelSpec& base;
  const llm::ModelSpec& latent_model;  ///< see OperatorModel
};

/// Fits each part that the tables tell, in turn, over `base`. Nothing after reporting what is wrong
/// with a table.
std::optional<Calibration> calibrate_operators(const OperatorsInput& input,
                                               std::span<const MeasuredTable> tables,
                                               const FitOptions& options, Diagnostics& found);

}  // namespace tiercast::calibration
