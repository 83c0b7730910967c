#include "tests/config/sample_specs.hpp"

namespace tiercast::tests {

using namespace table;

const FieldTable<Gpu>& Gpu::fields() {
  using S = Gpu;
  static const auto table =
      FieldTable<S>("gpu", "An accelerator.",
                    {
                        field("use", &S::use, by_default(""), "Catalogue entry."),
                        field("bandwidth", &S::bandwidth, required, above(0), "Of its memory."),
                    })
          .catalogue("gpus")
          .shorthand("use");
  return table;
}

const FieldTable<Node1>& Node1::fields() {
  using S = Node1;
  static const auto table =
      FieldTable<S>("node", "A machine.",
                    {
                        field("gpu", &S::gpu, by_default("h100"), "Accelerator."),
                        field("gpus", &S::gpus, by_default("8"), between(1, 16), "How many."),
                    });
  return table;
}

const FieldTable<Poisson>& Poisson::fields() {
  static const auto table =
      FieldTable<Poisson>("poisson", "Exponential gaps.",
                          {
                              field("rate", &Poisson::rate, required, above(0), "A second."),
                          })
          .shorthand("rate");
  return table;
}

const FieldTable<Burst>& Burst::fields() {
  static const auto table =
      FieldTable<Burst>("burst", "Many at once.",
                        {
                            field("size", &Burst::size, by_default("8"), at_least(1), "Requests."),
                        });
  return table;
}

const FieldTable<Pool>& Pool::fields() {
  static const auto table =
      FieldTable<Pool>("pool", "A tier.",
                       {
                           field("capacity", &Pool::capacity, required, above(0), "Size."),
                           field("latency", &Pool::latency, absent_means("none"), "Of an access."),
                       });
  return table;
}

const FieldTable<Eviction>& Eviction::fields() {
  using S = Eviction;
  const auto names = [] { return std::vector<std::string>{"lru", "s3fifo"}; };
  const auto parameters = [](const S& spec) -> std::optional<std::vector<FieldInfo>> {
    if (spec.name != "s3fifo") return std::vector<FieldInfo>{};
    return std::vector<FieldInfo>{
        parameter<double>("small", by_default("0.1"), between(0, 1), "Share.")};
  };
  static const auto table =
      FieldTable<S>("eviction", "Who leaves.",
                    {
                        field("name", &S::name, required, names_from(names), "Policy."),
                        rest(&S::parameters, parameters, "Of the policy."),
                    })
          .shorthand("name");
  return table;
}

const FieldTable<Sample>& Sample::fields() {
  using S = Sample;
  static const auto table =
      FieldTable<S>("sample", "Everything there is.",
                    {
                        field("name", &S::name, required, "What to call it."),
                        field("nodes", &S::nodes, by_default("1"), between(1, 1000), "How many."),
                        field("fast", &S::fast, by_default("false"), "Skip things."),
                        field("routing", &S::routing, by_default("hash"), "Paths."),
                        field("node", &S::node, by_default("{}"), "Each machine."),
                        field("arrivals", &S::arrivals, by_default("4/s"), "Process."),
                        field("eviction", &S::eviction, by_default("lru"), "Policy."),
                        field("tiers", &S::tiers, by_default("[]"), "In order of lookup."),
                        field("pools", &S::pools, by_default("{}"), "By name."),
                        field("block", &S::block, by_default("16"), at_least(1), "Tokens of one."),
                        field("share", &S::share, by_default("50%"), between(0, 1), "A part."),
                        field("low", &S::low, absent_means("none"), "A bound."),
                        field("high", &S::high, absent_means("none"), "Another | bound."),
                    })
          .at_most_one({"low", "high"})
          .must("fast needs 2 nodes", [](const S& s) { return !s.fast || s.nodes >= 2; });
  return table;
}

}  // namespace tiercast::tests
