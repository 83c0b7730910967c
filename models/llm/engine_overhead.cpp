#include "models/llm/engine_overhead.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::llm {

using namespace table;

const FieldTable<EngineOverheadSpec>& EngineOverheadSpec::fields() {
  static const auto table = FieldTable<EngineOverheadSpec>(
      "engine_overhead", "What an engine's software adds to the work of the GPUs.",
      {
          field("step", &EngineOverheadSpec::step, required, at_least(0),
                "Of a step, not hidden by the GPU."),
          field("sequence", &EngineOverheadSpec::sequence, required, at_least(0),
                "Of each sequence scheduled in it."),
          field("sort", &EngineOverheadSpec::sort, required, at_least(0),
                "Of each sampled sequence and 100,000 vocabulary entries, where top-p sorts."),
          field("request", &EngineOverheadSpec::request, by_default("0s"), at_least(0),
                at_most("1h"),
                "From a request's arrival to the scheduler: HTTP, tokeniser, hand-over."),
          field("kernels", &EngineOverheadSpec::kernels, by_default("1"), between(0.1, 10.0),
                "Time of its kernels relative to those the calibration measured."),
          field("elementwise", &EngineOverheadSpec::elementwise, by_default("1"),
                between(0.05, 10.0),
                "The same again of norms, rotary embeddings, activations: fused, below 1."),
          field("communication", &EngineOverheadSpec::communication, by_default("1"),
                between(0.05, 10.0), "The same again of collectives."),
      });
  return table;
}

}  // namespace tiercast::llm
