#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/config/document.hpp"
#include "sim/config/emit_yaml.hpp"
#include "sim/config/set_flag.hpp"
#include "tests/config/sample_specs.hpp"

using namespace tiercast;
using namespace tiercast::config;
using Catch::Contains;
using tests::Sample;

namespace {

/// The document as YAML after the flags, or the complaints.
std::string after(const std::string& text, const std::vector<std::string>& flags) {
  Diagnostics found;
  std::optional<Node> root = parse_document(text, "a.yaml", Origin::scenario, found);
  REQUIRE(root);
  bool good = true;
  for (const std::string& flag : flags)
    good &= apply_set_flag(*root, Sample::fields(), flag, found);
  CHECK(good == !found.has_errors());
  return good ? to_yaml(*root) : found.render();
}

}  // namespace

TEST_CASE("a flag changes what its path names and nothing else", "[set]") {
  CHECK(after("name: x\nnodes: 1\n", {"nodes=4"}) == "name: x\nnodes: 4\n");
  CHECK(after("name: x\n", {"nodes=4", "fast=true"}) == "name: x\nnodes: 4\nfast: true\n");
  CHECK(after("node: {gpus: 4}\n", {"node.gpu=a100"}) == "node:\n  gpus: 4\n  gpu: a100\n");
  CHECK(after("nodes: 1\n", {"nodes=2", "nodes=3"}) == "nodes: 3\n");
  CHECK(after("name: x\n", {"name=\"a: b\""}) == "name: \"a: b\"\n");
  CHECK(after("name: x\n", {"name=a=b"}) == "name: \"a=b\"\n");
}

TEST_CASE("objects on the way are spelled out or begin with their default", "[set]") {
  CHECK(after("node: {gpu: a100}\n", {"node.gpu.bandwidth=3TB/s"}) ==
        "node:\n  gpu:\n    use: a100\n    bandwidth: 3TB/s\n");
  CHECK(after("name: x\n", {"node.gpu.bandwidth=3TB/s"}) ==
        "name: x\nnode:\n  gpu:\n    use: h100\n    bandwidth: 3TB/s\n");
  CHECK(after("eviction: s3fifo\n", {"eviction.small=0.2"}) ==
        "eviction:\n  name: s3fifo\n  small: 0.2\n");
  CHECK(after("arrivals: 4/s\n", {"arrivals.burst.size=3"}) ==
        "arrivals:\n  burst:\n    size: 3\n");
  CHECK(after("arrivals: {poisson: 4/s}\n", {"arrivals.poisson.rate=5/s"}) ==
        "arrivals:\n  poisson:\n    rate: 5/s\n");
  CHECK(after("low: 1\n", {"high=2"}) == "high: 2\n");
}

TEST_CASE("lists are changed by index, flow values are values", "[set]") {
  const std::string two = "tiers: [{capacity: 1GB}, {capacity: 2GB}]\n";
  CHECK(after(two, {"tiers.1.capacity=3GB"}) ==
        "tiers:\n  -\n    capacity: 1GB\n  -\n    capacity: 3GB\n");
  CHECK_THAT(after(two, {"tiers.2.capacity=4GB"}), Contains("4GB"));
  CHECK_THAT(after(two, {"tiers.3.capacity=4GB"}),
             Contains("beyond the end of the list") && Contains("2 entries"));
  CHECK(after("name: x\n", {"tiers=[{capacity: 1GB}]"}) ==
        "name: x\ntiers:\n  -\n    capacity: 1GB\n");
  CHECK(after("name: x\n", {"pools.cold.capacity=1TB"}) ==
        "name: x\npools:\n  cold:\n    capacity: 1TB\n");
}

TEST_CASE("mistakes in flags are named at the flag", "[set]") {
  CHECK_THAT(after("name: x\n", {"nodse=4"}),
             Contains("--set nodse=4: error") && Contains("did you mean `nodes`"));
  CHECK_THAT(after("name: x\n", {"node.gpu.bandwith=4"}), Contains("did you mean `bandwidth`"));
  CHECK_THAT(after("name: x\n", {"nodes.x=4"}), Contains("no keys below"));
  CHECK_THAT(after("name: x\n", {"nodes"}), Contains("expected path.to.key=value"));
  CHECK_THAT(after("name: x\n", {"=4"}), Contains("expected path.to.key=value"));
  CHECK_THAT(after("name: x\n", {"tiers=[1, 2"}), Contains("tiers=[1, 2") && Contains("closed"));
  CHECK_THAT(after("name: x\n", {"name=\"a\nb: 1"}), Contains("is never closed"));
}

TEST_CASE("values of flags carry the flag as their place", "[set]") {
  Diagnostics found;
  Node root = *parse_document("name: x\n", "a.yaml", Origin::scenario, found);
  REQUIRE(apply_set_flag(root, Sample::fields(), "nodes=0", found));
  CHECK(at_path(root, "nodes")->origin == Origin::set_flag);
  Sample spec;
  Node resolved;
  CHECK_FALSE(Reader(found).read(root, spec, resolved));
  CHECK_THAT(found.render(), Contains("--set nodes=0:1:7: error: nodes: `0` is out of range") &&
                                 Contains(" 1 | nodes=0\n   |       ^"));
}
