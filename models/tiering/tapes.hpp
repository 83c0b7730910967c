#pragma once

#include <string>

#include "models/policy/tierpolicy_tape.h"

namespace tiercast::tiering {

/// Where the decision tapes of a run go.
class Tapes {
 public:
  virtual ~Tapes() = default;
  /// That of one policy instance: of a pool, whose name is its own in the run, or `placement`. Both
  /// it and what it points to outlive the instance. table: of the policy.
  virtual const tp_tape& open(const std::string& name, const void* table) = 0;
};

}  // namespace tiercast::tiering
