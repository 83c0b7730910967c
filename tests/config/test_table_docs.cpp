#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sim/config/document.hpp"
#include "sim/config/table_docs.hpp"
#include "tests/config/sample_specs.hpp"
#include "tests/config/schema_validator.hpp"

using namespace tiercast;
using namespace tiercast::config;
using Catch::Contains;
using tests::Sample;

namespace {

Node parsed(const std::string& text) {
  Diagnostics found;
  std::optional<Node> root = parse_document(text, "a.yaml", Origin::scenario, found);
  INFO(text << found.render());
  REQUIRE(root);
  return *root;
}

bool parser_takes(const Node& document) {
  Diagnostics found;
  Sample spec;
  Node resolved;
  static const Node h100 = [] {
    Node node = parsed("bandwidth: {value: 3.35TB/s, kind: datasheet, source: sheet}\n");
    return node;
  }();
  return Reader(found, [](std::string_view, std::string_view, const Place&) { return &h100; })
      .read(document, spec, resolved);
}

}  // namespace

TEST_CASE("schema and parser agree", "[schema]") {
  const auto schema = nlohmann::json::parse(emit_json_schema(Sample::fields(), "sample"));
  const auto both_say = [&](const std::string& text) {
    const Node document = parsed(text);
    const bool by_schema = tests::is_valid(tests::to_json(document), schema, schema);
    INFO(text);
    CHECK(by_schema == parser_takes(document));
    return by_schema;
  };
  for (const char* good : {
           "name: x\n",
           "name: 7\nnodes: 8\nfast: true\nrouting: adaptive\n",
           "name: x\nnode: {gpus: 4, gpu: h100}\n",
           "name: x\nnode: {gpu: {use: h100, bandwidth: 3TB/s}}\n",
           "name: x\nnode: {gpu: {bandwidth: {value: 3TB/s, kind: measured, source: us}}}\n",
           "name: x\nnode: {gpu: {bandwidth: {value: 3TB/s, kind: estimate, source: us, "
           "range: [2TB/s, 4TB/s]}}}\n",
           "name: x\narrivals: 4/s\n",
           "name: x\narrivals: {poisson: 0.5/h}\n",
           "name: x\narrivals: {poisson: {rate: 1.5M/s}}\n",
           "name: x\narrivals: burst\n",
           "name: x\narrivals: {burst: {size: 3}}\n",
           "name: x\narrivals: {burst: }\n",
           "name: x\neviction: lru\n",
           "name: x\neviction: {name: s3fifo, small: 0.2}\n",
           "name: x\ntiers: [{capacity: 80 GiB}, {capacity: 1TB, latency: 80us}]\n",
           "name: x\ntiers: [{capacity: 1TB, latency: ~}]\n",
           "name: x\npools: {a: {capacity: 1TB}, b: {capacity: 1e3GB}}\n",
           "name: x\nblock: 128k\n",
           "name: x\nblock: 64\n",
           "name: x\nshare: 0.5\n",
           "name: x\nshare: 30%\n",
           "name: x\nlow: 1\n",
       }) {
    CHECK(both_say(good));
  }
  for (const char* bad : {
           "nodes: 1\n",
           "name: ''\n",
           "name: [x]\n",
           "name: x\nnodse: 1\n",
           "name: x\nnodes: '8'\n",
           "name: x\nnodes: 0\n",
           "name: x\nnodes: 1001\n",
           "name: x\nnodes: 1.5\n",
           "name: x\nfast: yes\n",
           "name: x\nfast: 1\n",
           "name: x\nrouting: hsah\n",
           "name: x\nnode: 3\n",
           "name: x\nnode: {gpus: 99}\n",
           "name: x\nnode: {gpu: {bandwidth: 3}}\n",
           "name: x\nnode: {gpu: {bandwidth: 3TB}}\n",
           "name: x\nnode: {gpu: {bandwidth: {value: 3TB/s, kind: rumour, source: us}}}\n",
           "name: x\nnode: {gpu: {bandwidth: {value: 3TB/s, kind: measured}}}\n",
           "name: x\nnode: {gpu: {bandwidth: {value: 3TB/s, kind: estimate, source: us}}}\n",
           "name: x\nnode: {gpu: {bandwidth: {value: 3TB/s, kind: derived, source: us, x: 1}}}\n",
           "name: x\narrivals: {gamma: 1}\n",
           "name: x\narrivals: {poisson: 4/s, burst: {}}\n",
           "name: x\narrivals: {}\n",
           "name: x\narrivals: poisson\n",
           "name: x\narrivals: {poisson: }\n",
           "name: x\narrivals: {burst: {size: 0}}\n",
           "name: x\narrivals: 4GB\n",
           "name: x\neviction: lur\n",
           "name: x\neviction: {small: 0.2}\n",
           "name: x\ntiers: {capacity: 1TB}\n",
           "name: x\ntiers: [{capacity: 80gb}]\n",
           "name: x\ntiers: [{capacity: 80}]\n",
           "name: x\ntiers: [{}]\n",
           "name: x\npools: [1]\n",
           "name: x\nblock: 0\n",
           "name: x\nblock: 1.5\n",
           "name: x\nblock: 8K\n",
           "name: x\nshare: 1.5\n",
           "name: x\nlow: 1\nhigh: 2\n",
           "- name: x\n",
       }) {
    CHECK_FALSE(both_say(bad));
  }
}

TEST_CASE("every unit of every dimension passes the schema's pattern", "[schema]") {
  const auto schema = nlohmann::json::parse(emit_json_schema(Sample::fields(), "sample"));
  const auto& rate = schema["definitions"]["poisson"]["anyOf"][0]["properties"]["rate"];
  const auto& size = schema["definitions"]["pool"]["properties"]["capacity"];
  for (const std::string& unit : unit_names(Dimension::rate)) {
    CHECK(tests::is_valid("3" + unit, rate, schema));
  }
  for (const std::string& unit : unit_names(Dimension::bytes)) {
    CHECK(tests::is_valid("3" + unit, size, schema));
    CHECK(tests::is_valid("+.5e-3 " + unit + " ", size, schema));
    CHECK_FALSE(tests::is_valid("3" + unit + "x", size, schema));
  }
}

TEST_CASE("the reference names every field, default and rule", "[reference]") {
  const std::string text = emit_reference(Sample::fields());
  CHECK_THAT(text, Contains("## `sample`") && Contains("## `gpu`") && Contains("## `burst`"));
  CHECK_THAT(text, Contains("| `nodes` | a whole number, at least 1 and at most 1000 | `1` |"));
  CHECK_THAT(text, Contains("`hash`: one path; `adaptive`: all paths."));
  CHECK_THAT(text, Contains("| required | What to call it. |"));
  CHECK_THAT(text, Contains("absent: none | Another \\| bound. |"));
  CHECK_THAT(text, Contains("- At most one of low, high."));
  CHECK_THAT(text, Contains("- Rule: fast needs 2 nodes."));
  CHECK_THAT(text, Contains("- A single value stands for `{use: value}`."));
  CHECK_THAT(text, Contains("`use` names an entry of the catalogue `gpus`"));
}
