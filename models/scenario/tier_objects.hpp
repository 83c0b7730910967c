// What a tier stores: KV as engines hold it, or in another format, split or layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "models/hardware/transfer_time.hpp"
#include "models/llm/model_spec.hpp"
#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"
#include "sim/base/node.hpp"

namespace tiercast::scenario {

/// Stored objects against KV as engines hold it. GPUs alone convert: what moves between two tiers
/// moves as it is.
struct TierObjects {
  llm::KvFormat format{};
  hardware::KvLayout layout;     ///< of what one rank wrote
  hardware::StackSpec stack;     ///< the tier's, gathering as objects lie
  int64_t block_bytes = 0;       ///< of one KV block, each number once
  bool differ = false;           ///< from what engines hold
  bool usable = true;            ///< engines hold alike, or convert
  double convert_bandwidth = 0;  ///< object bytes/s that one GPU converts; 0: nothing to convert
  uint32_t copies = 1;           ///< ranks that hold the same KV: latents, heads beyond the last
  bool broadcast = false;        ///< of these one loads, and tells the others over NVLink

  /// Of one operation, which no moving hides.
  int64_t convert_ns() const;
};

/// KV as engines hold it, without a stack.
TierObjects engine_objects(const ScenarioSpec& spec);
/// Of a tier below GPU memory, which has a stack. A peer tier's are those of host memory.
TierObjects tier_objects(const ScenarioSpec& spec, size_t tier);
/// How they are kept, for people: `fp8, tp 2, page-first`.
std::string objects_text(const ScenarioSpec& spec, size_t tier);

/// What a result must be read with because of them, in a whole sentence; or an empty string.
std::string objects_caveat(const ScenarioSpec& spec, size_t tier);

/// Where KV is converted and the scenario does not say how fast: an estimate from the GPU's memory,
/// into spec and resolved scenario alike.
void estimate_conversions(ScenarioSpec& spec, Node& resolved);

/// Reports what of tiers' objects does not fit together, or the model.
void check_objects(const ScenarioSpec& spec, Problems& problems);

}  // namespace tiercast::scenario
