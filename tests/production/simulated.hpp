// The simulator's own pools and tier manager in the shape of the manager: an engine's memory over
// one tier of files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tiercast::tests {

using Trace = std::vector<std::vector<uint64_t>>;

struct TwoTiers {
  std::string memory_policy = "lru";
  std::string file_policy = "lru";
  std::string placement = "through";
  uint32_t memory_blocks = 0;
  uint32_t file_blocks = 0;
};

struct Hits {
  uint32_t memory = 0;
  uint32_t file = 0;
  bool operator==(const Hits&) const = default;
};

struct Simulated {
  std::vector<Hits> hits;                             ///< by request
  std::map<std::string, std::vector<uint8_t>> tapes;  ///< "memory", "file"
};

/// Requests one after another, each to its end, everything it stores included. What is loaded comes
/// before what is written beside it, and writes end in the order they began, as in the manager.
Simulated simulate(const TwoTiers& shape, const Trace& trace);

}  // namespace tiercast::tests
