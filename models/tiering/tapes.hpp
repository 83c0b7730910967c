#pragma once

#include <string>

#include "models/policy/tierpolicy_tape.h"

namespace tiercast::tiering {

/// Where the decision tapes of a run's pools go.
class Tapes {
 public:
  virtual ~Tapes() = default;
  /// That of one pool, whose name is its own in the run, with the table of its policy. Both it and
  /// what it points to outlive the pool.
  virtual const tp_tape& open(const std::string& pool, const void* table) = 0;
};

}  // namespace tiercast::tiering
