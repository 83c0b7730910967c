// What an engine's software adds to the work of the GPUs.
#pragma once

#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::llm {

/// Time that follows the software and the host, not the GPU.
struct EngineOverheadSpec {
  Seconds step;  ///< a step's scheduling, input preparation, output handling not hidden by the GPU
  Seconds sequence;    ///< the same, per scheduled sequence
  Seconds sort;        ///< per sampled sequence and 100,000 vocabulary entries, where top-p sorts
  Seconds request;     ///< from a request's arrival at the server to the scheduler's queue
  double kernels = 1;  ///< time of its kernels relative to those the GPU's calibration measured

  static const FieldTable<EngineOverheadSpec>& fields();
};

}  // namespace tiercast::llm
