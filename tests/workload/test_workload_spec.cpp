// What a scenario may say about demand, and what is refused.
#include <string>
#include <utility>
#include <variant>

#include <catch2/catch.hpp>

#include "models/workload/spec.hpp"
#include "sim/base/field_table.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

// The part of a scenario that holds the workload.
struct Holder {
  WorkloadSpec workload;
  static const FieldTable<Holder>& fields() {
    using namespace table;
    static const auto holder =
        FieldTable<Holder>("scenario", "Holds a workload.",
                           {field("workload", &Holder::workload, required, "The demand.")});
    return holder;
  }
};

using Entries = std::initializer_list<std::pair<std::string, Node>>;

Node map_of(Entries entries) {
  Node node = Node::map();
  for (const auto& [key, value] : entries) node.set(key, value);
  return node;
}
Node text(std::string value) { return Node::scalar(std::move(value)); }
Node fixed(std::string value) { return map_of({{"fixed", text(std::move(value))}}); }

struct ReadSpec {
  bool good = false;
  WorkloadSpec spec;
  std::string messages;
};

ReadSpec read(std::string kind, Node inner) {
  Diagnostics found;
  Reader reader(found);
  Holder holder;
  Node resolved;
  ReadSpec out;
  out.good = reader.read(map_of({{"workload", map_of({{std::move(kind), std::move(inner)}})}}),
                         holder, resolved) &&
             !found.has_errors();
  out.spec = std::move(holder.workload);
  out.messages = found.render();
  return out;
}

Node open_node() {
  return map_of({{"arrivals", map_of({{"rate", text("4/s")}})},
                 {"input_tokens",
                  map_of({{"lognormal", map_of({{"median", text("1k")}, {"sigma", text("1")}})}})},
                 {"output_tokens", fixed("200")}});
}

Node closed_node() {
  return map_of(
      {{"sessions", text("64")},
       {"turns", map_of({{"uniform", map_of({{"low", text("2")}, {"high", text("9")}})}})},
       {"think", map_of({{"exponential", map_of({{"mean", text("30s")}})}})},
       {"input_tokens", fixed("300")},
       {"output_tokens", fixed("100")}});
}

}  // namespace

TEST_CASE("A trace spec reads with defaults equal to the struct's", "[spec]") {
  const ReadSpec read_spec = read("trace", map_of({{"file", text("x.jsonl.gz")}}));
  INFO(read_spec.messages);
  REQUIRE(read_spec.good);
  const auto& spec = std::get<TraceSpec>(read_spec.spec);
  const TraceSpec plain;
  CHECK(spec.file == "x.jsonl.gz");
  CHECK(spec.format == plain.format);
  CHECK(spec.block_tokens == plain.block_tokens);
  CHECK(spec.on_bad_line == plain.on_bad_line);
  CHECK(spec.start == plain.start);
  CHECK(spec.end == plain.end);
  CHECK(spec.smooth == plain.smooth);
  CHECK(spec.limit == plain.limit);
  CHECK(spec.time_scale == plain.time_scale);
}

TEST_CASE("A trace spec reads every field", "[spec]") {
  const ReadSpec read_spec = read("trace", map_of({{"file", text("x")},
                                                   {"format", text("mooncake")},
                                                   {"block_tokens", text("16")},
                                                   {"on_bad_line", text("skip")},
                                                   {"start", text("1min")},
                                                   {"end", text("1h")},
                                                   {"smooth", text("3s")},
                                                   {"limit", text("100")},
                                                   {"time_scale", text("0.5")}}));
  INFO(read_spec.messages);
  REQUIRE(read_spec.good);
  const auto& spec = std::get<TraceSpec>(read_spec.spec);
  CHECK(spec.format == TraceFormat::mooncake);
  CHECK(spec.block_tokens == 16);
  CHECK(spec.on_bad_line == OnBadLine::skip);
  CHECK(spec.start == whole_seconds(60));
  CHECK(spec.end == whole_seconds(3600));
  CHECK(spec.smooth == whole_seconds(3));
  CHECK(spec.limit == 100U);
  CHECK(spec.time_scale == 0.5);
}

TEST_CASE("Open and closed specs read their laws", "[spec]") {
  const ReadSpec open = read("open", open_node());
  INFO(open.messages);
  REQUIRE(open.good);
  const auto& open_spec = std::get<OpenSpec>(open.spec);
  CHECK(open_spec.arrivals.process == ArrivalProcess::poisson);
  CHECK(open_spec.arrivals.rate == per_second(4));
  CHECK(std::get<LognormalLaw<Tokens>>(open_spec.input_tokens).median == tokens(1000));
  CHECK(std::get<FixedLaw<Tokens>>(open_spec.output_tokens).value == tokens(200));
  CHECK_FALSE(open_spec.shared_prefix.has_value());

  const ReadSpec closed = read("closed", closed_node());
  INFO(closed.messages);
  REQUIRE(closed.good);
  const auto& closed_spec = std::get<ClosedSpec>(closed.spec);
  CHECK(closed_spec.sessions == 64);
  CHECK(std::get<UniformLaw<std::int64_t>>(closed_spec.turns).high == 9);
  CHECK(std::get<ExponentialLaw<Nanoseconds>>(closed_spec.think).mean == whole_seconds(30));
  CHECK(closed_spec.repeat);
}

TEST_CASE("Specs that mean nothing are refused, with a reason", "[spec][hostile]") {
  const auto refused = [](const std::string& kind, Node node, const std::string& why) {
    const ReadSpec out = read(kind, std::move(node));
    INFO(out.messages);
    CHECK_FALSE(out.good);
    CHECK(out.messages.find(why) != std::string::npos);
  };
  const auto trace_with = [](const std::string& key, const std::string& value) {
    return map_of({{"file", text("x")}, {key, text(value)}});
  };
  refused("trace", Node::map(), "file");
  refused("trace", trace_with("block_tokens", "0"), "block_tokens");
  refused("trace", trace_with("time_scale", "0"), "time_scale");
  refused("trace", trace_with("time_scale", "nan"), "time_scale");
  refused("trace", trace_with("smooth", "3"), "smooth");
  refused("trace", trace_with("formt", "csv"), "format");
  Node window = trace_with("start", "10s");
  window.set("end", text("5s"));
  refused("trace", window, "start must be before end");

  const auto open_with = [](const std::string& key, Node value) {
    Node node = open_node();
    node.set(key, std::move(value));
    return node;
  };
  refused("open", open_with("arrivals", map_of({{"rate", text("4/s")}, {"cv", text("2")}})),
          "cv goes with process: gamma");
  refused("open", open_with("arrivals", map_of({{"rate", text("0/s")}})), "rate");
  refused("open", open_with("output_tokens", fixed("0")), "value");
  refused("open",
          open_with("input_tokens",
                    map_of({{"uniform", map_of({{"low", text("9")}, {"high", text("3")}})}})),
          "low must not be above high");
  refused("open",
          open_with("input_tokens", map_of({{"lognormal", map_of({{"median", text("9")},
                                                                  {"sigma", text("1")},
                                                                  {"min", text("9")},
                                                                  {"max", text("3")}})}})),
          "min must not be above max");
  Node values = Node::list();
  values.items.push_back(text("5"));
  Node weights = Node::list();
  weights.items.push_back(text("0"));
  refused("open",
          open_with("input_tokens",
                    map_of({{"empirical", map_of({{"values", values}, {"weights", weights}})}})),
          "as many weights as values");
  Node closed = closed_node();
  closed.set("context_limit", text("1"));
  refused("closed", closed, "context_limit");
}
