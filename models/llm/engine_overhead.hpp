// What an engine's software adds to the work of the GPUs.
#pragma once

#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::llm {

/// Time that follows the software and the host, not the GPU.
struct EngineOverheadSpec {
  Seconds step;  ///< a step's scheduling, input preparation, output handling not hidden by the GPU
  Seconds sequence;  ///< the same, per scheduled sequence
  Seconds sort;      ///< per sampled sequence and 100,000 vocabulary entries, where top-p sorts
  Seconds request;   ///< from a request's arrival at the server to the scheduler's queue
  /// Times relative to those of the GPU's calibration, whose tables are of kernels by themselves:
  /// of all kernels; and again of those that engines fuse with others, which are norms, rotary
  /// embeddings and activations, and of collectives.
  double kernels = 1;
  double elementwise = 1;
  double communication = 1;

  static const FieldTable<EngineOverheadSpec>& fields();
};

}  // namespace tiercast::llm
