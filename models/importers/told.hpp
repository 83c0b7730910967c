#pragma once

#include <string>

namespace tiercast::importers {

/// A value with the words that say where it comes from.
template <class T>
struct Told {
  T value{};
  std::string from;
};

}  // namespace tiercast::importers
