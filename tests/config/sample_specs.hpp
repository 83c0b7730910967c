#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/base/field_table.hpp"

/// A small spec with every kind of field, for the tests of what works on tables.
namespace tiercast::tests {

enum class Routing { hash, adaptive };
inline std::vector<Choice<Routing>> choices(Routing) {
  return {{"hash", Routing::hash, "one path"}, {"adaptive", Routing::adaptive, "all paths"}};
}

struct Gpu {
  std::string use;
  Figure<BytesPerSecond> bandwidth;
  static const FieldTable<Gpu>& fields();
};

struct Node1 {
  Gpu gpu;
  int gpus = 0;
  static const FieldTable<Node1>& fields();
};

struct Poisson {
  PerSecond rate;
  static const FieldTable<Poisson>& fields();
};

struct Burst {
  int size = 0;
  static const FieldTable<Burst>& fields();
};

struct Pool {
  Bytes capacity;
  std::optional<Nanoseconds> latency;
  static const FieldTable<Pool>& fields();
};

struct Eviction {
  std::string name;
  ParameterValues parameters;
  static const FieldTable<Eviction>& fields();
};

struct Sample {
  std::string name;
  int nodes = 0;
  bool fast = false;
  Routing routing{};
  Node1 node;
  std::variant<Poisson, Burst> arrivals;
  Eviction eviction;
  std::vector<Pool> tiers;
  std::map<std::string, Pool> pools;
  Tokens block;
  double share = 0;
  std::optional<double> low;
  std::optional<double> high;
  static const FieldTable<Sample>& fields();
};

}  // namespace tiercast::tests
