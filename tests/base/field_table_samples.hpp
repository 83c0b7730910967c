// Specs that use every kind of field, and a way to read them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/field_table.hpp"
#include "sim/base/table_tree.hpp"

namespace tiercast::samples {

enum class Routing { hash, adaptive };
inline std::vector<Choice<Routing>> choices(Routing) {
  return {{"hash", Routing::hash, "one path"}, {"adaptive", Routing::adaptive, "all paths"}};
}

struct GpuSpec {
  std::string use;
  Figure<Bytes> hbm;
  Figure<BytesPerSecond> bandwidth;
  double utilisation = 0;
  static const FieldTable<GpuSpec>& fields() {
    using namespace table;
    using S = GpuSpec;
    static const auto table =
        FieldTable<S>(
            "gpu", "An accelerator.",
            {
                field("use", &S::use, by_default(""), "Catalogue entry."),
                field("hbm", &S::hbm, required, above(0), "Memory."),
                field("bandwidth", &S::bandwidth, required, above("1GB/s"), "Memory bandwidth."),
                field("utilisation", &S::utilisation, by_default("90%"), between(0, 1),
                      "Share used."),
            })
            .catalogue("gpus")
            .shorthand("use");
    return table;
  }
};

struct Poisson {
  PerSecond rate;
  static const FieldTable<Poisson>& fields() {
    using namespace table;
    static const auto table =
        FieldTable<Poisson>(
            "poisson", "Exponential gaps.",
            {
                field("rate", &Poisson::rate, required, above(0), "Arrivals a second."),
            })
            .shorthand("rate");
    return table;
  }
};

struct Burst {
  int size = 0;
  Nanoseconds every;
  static const FieldTable<Burst>& fields() {
    using namespace table;
    static const auto table = FieldTable<Burst>(
        "burst", "Many at once.",
        {
            field("size", &Burst::size, by_default("8"), at_least(1), "Requests."),
            field("every", &Burst::every, by_default("1s"), above(0), "Gap."),
        });
    return table;
  }
};

struct Eviction {
  std::string name;
  ParameterValues parameters;
  static const FieldTable<Eviction>& fields() {
    using namespace table;
    using S = Eviction;
    static const auto table =
        FieldTable<S>(
            "eviction", "Who leaves.",
            {
                field("name", &S::name, required, names_from([] {
                        return std::vector<std::string>{"lru", "s3fifo"};
                      }),
                      unfit([] { return std::vector<std::string>{"oracle"}; }, "knows too much",
                            "ask it elsewhere"),
                      "Policy."),
                rest(
                    &S::parameters,
                    [](const S& spec) -> std::optional<std::vector<FieldInfo>> {
                      if (spec.name == "lru") return std::vector<FieldInfo>{};
                      if (spec.name != "s3fifo") return std::nullopt;
                      return std::vector<FieldInfo>{
                          parameter<double>("small", by_default("0.1"), between(0, 1),
                                            "Share of the queue."),
                          parameter<std::int64_t>("ghosts", by_default("100"), "Remembered keys."),
                          parameter<Nanoseconds>("age", absent_means("no limit"), "Oldest kept.")};
                    },
                    "Parameters of the policy."),
            })
            .shorthand("name");
    return table;
  }
};

struct Pool {
  Bytes capacity;
  std::optional<Nanoseconds> latency;
  static const FieldTable<Pool>& fields() {
    using namespace table;
    static const auto table = FieldTable<Pool>(
        "pool", "A tier.",
        {
            field("capacity", &Pool::capacity, required, at_least("1kB"), "Size."),
            field("latency", &Pool::latency, absent_means("none"), "Of one access."),
        });
    return table;
  }
};

struct Cluster {
  std::string name;
  int nodes = 0;
  std::uint64_t seed = 0;
  bool fast = false;
  Routing routing{};
  GpuSpec gpu;
  Eviction eviction;
  std::variant<Poisson, Burst> arrivals;
  std::vector<Pool> tiers;
  std::map<std::string, Pool> pools;
  std::vector<Tokens> sizes;
  std::optional<Tokens> limit;
  std::optional<double> low;
  std::optional<double> high;
  static const FieldTable<Cluster>& fields() {
    using namespace table;
    using S = Cluster;
    static const auto table =
        FieldTable<S>("cluster", "Everything.",
                      {
                          field("name", &S::name, required, "What to call it."),
                          field("nodes", &S::nodes, by_default("1"), between(1, 1000), "How many."),
                          field("seed", &S::seed, by_default("1"), "Of all streams."),
                          field("fast", &S::fast, by_default("false"), "Skip things."),
                          field("routing", &S::routing, by_default("hash"), "Paths."),
                          field("gpu", &S::gpu, by_default("h100"), "Accelerator."),
                          field("eviction", &S::eviction, by_default("lru"), "Policy."),
                          field("arrivals", &S::arrivals, by_default("4/s"), "Process."),
                          field("tiers", &S::tiers, by_default("[]"), "In order of lookup."),
                          field("pools", &S::pools, by_default("{}"), "By name."),
                          field("sizes", &S::sizes, by_default("[16, 128k]"), at_least(1),
                                fewest(1), "Of blocks."),
                          field("limit", &S::limit, absent_means("no limit"), at_least(1),
                                "Longest context."),
                          field("low", &S::low, absent_means("none"), "One bound."),
                          field("high", &S::high, absent_means("none"), "Other bound."),
                      })
            .at_most_one({"low", "high"})
            .must("fast needs at least 2 nodes",
                  [](const S& s) { return !s.fast || s.nodes >= 2; });
    return table;
  }
};

/// Trees by hand: this room knows no YAML. Scalars from text, maps and lists from braces.
inline Node scalar(const std::string& text) { return Node::scalar(text, {"s.yaml", 1, 1}); }
inline Node map(const std::vector<std::pair<std::string, Node>>& entries,
                Origin origin = Origin::scenario) {
  Node node = Node::map({"s.yaml", 1, 1}, origin);
  for (const auto& [key, value] : entries) {
    node.set(key, value);
    node.entries.back().key_place = {"s.yaml", 2, 3};
  }
  return node;
}
inline Node list(const std::vector<Node>& items) {
  Node node = Node::list({"s.yaml", 1, 1});
  node.items = items;
  return node;
}

inline Node figure(const std::string& value, const std::string& kind = "datasheet") {
  Node node = Node::map({"gpus.yaml", 1, 1}, Origin::catalogue);
  node.set("value", Node::scalar(value, {"gpus.yaml", 1, 1}, Origin::catalogue));
  node.set("kind", scalar(kind));
  node.set("source", scalar("NVIDIA data sheet"));
  return node;
}

inline const Node& h100() {
  static const Node node =
      map({{"hbm", figure("80GB")}, {"bandwidth", figure("3.35TB/s")}}, Origin::catalogue);
  return node;
}

struct Reading {
  Cluster spec;
  Node resolved;
  Diagnostics found;
  bool good = false;

  explicit Reading(std::vector<std::pair<std::string, Node>> entries) {
    const auto names_it = [](const auto& entry) { return entry.first == "name"; };
    if (std::none_of(entries.begin(), entries.end(), names_it)) {
      entries.emplace_back("name", scalar("test"));
    }
    Reader reader(
        found,
        [this](std::string_view kind, std::string_view name, const Place& where) -> const Node* {
          if (kind == "gpus" && name == "h100") return &h100();
          found.error(where, "no such entry " + std::string(name));
          return nullptr;
        });
    good = reader.read(map(entries), spec, resolved);
    CHECK(good == !found.has_errors());
  }
  std::string leaf(const std::string& path) const {
    const Node* node = at_path(resolved, path);
    REQUIRE(node != nullptr);
    return node->text;
  }
};

inline std::string complaint(const std::string& key, const Node& value) {
  const Reading reading({{key, value}});
  INFO(key);
  CHECK_FALSE(reading.good);
  return reading.found.render();
}

}  // namespace tiercast::samples
