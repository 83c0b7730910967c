#pragma once

#include <string>

#include "sim/base/field_info.hpp"

namespace tiercast {
template <class S>
class FieldTable;
}

namespace tiercast::scenario {

/// A policy of the library by name, with its own parameters beside it.
struct EvictionSection {
  std::string name;
  ParameterValues parameters;

  static const FieldTable<EvictionSection>& fields();

  /// `name=value` lines, as policies read them.
  std::string config_lines() const;
};

}  // namespace tiercast::scenario
