#include <map>
#include <string>
#include <variant>

#include <catch2/catch.hpp>

#include "sim/base/field_table.hpp"
#include "sim/base/table_tree.hpp"
#include "tests/base/field_table_samples.hpp"

using namespace tiercast;
using namespace tiercast::samples;
using Catch::Contains;

TEST_CASE("defaults are read as if they were written, and say so", "[fields]") {
  const Reading reading({});
  INFO(reading.found.render());
  REQUIRE(reading.good);
  CHECK(reading.spec.nodes == 1);
  CHECK(reading.spec.sizes == std::vector{tokens(16), tokens(128'000)});
  CHECK(reading.spec.gpu.hbm.value == gigabytes(80));
  CHECK(reading.spec.gpu.hbm.kind == FigureKind::datasheet);
  CHECK(reading.spec.gpu.utilisation == 0.9);
  CHECK(std::get<Poisson>(reading.spec.arrivals).rate == per_second(4));
  CHECK_FALSE(reading.spec.limit.has_value());
  CHECK(at_path(reading.resolved, "nodes")->origin == Origin::default_value);
  CHECK(at_path(reading.resolved, "name")->origin == Origin::scenario);
  CHECK(at_path(reading.resolved, "gpu.hbm.value")->origin == Origin::catalogue);
  CHECK(at_path(reading.resolved, "gpu.hbm.value")->place.file == "gpus.yaml");
  CHECK(at_path(reading.resolved, "limit")->note == "no limit");
}

TEST_CASE("each kind of value is read and resolved in canonical form", "[fields]") {
  const Reading reading({
      {"nodes", scalar("8")},
      {"seed", scalar("9223372036854775807")},
      {"fast", scalar("true")},
      {"routing", scalar("adaptive")},
      {"arrivals", map({{"burst", map({{"size", scalar("3")}})}})},
      {"tiers", list({map({{"capacity", scalar("1000 MB")}})})},
      {"pools", map({{"cold", map({{"capacity", scalar("2TB")}, {"latency", scalar("80us")}})}})},
      {"limit", scalar("128k")},
  });
  INFO(reading.found.render());
  REQUIRE(reading.good);
  CHECK(reading.spec.nodes == 8);
  CHECK(reading.spec.seed == 9223372036854775807U);
  CHECK(reading.spec.fast);
  CHECK(reading.spec.routing == Routing::adaptive);
  CHECK(std::get<Burst>(reading.spec.arrivals).size == 3);
  CHECK(std::get<Burst>(reading.spec.arrivals).every == whole_seconds(1));
  CHECK(reading.spec.tiers.at(0).capacity == gigabytes(1));
  CHECK(reading.spec.pools.at("cold").latency == microseconds(80));
  CHECK(reading.spec.limit == tokens(128'000));
  CHECK(reading.leaf("tiers.0.capacity") == "1GB");
  CHECK(reading.leaf("arrivals.burst.size") == "3");
  CHECK(reading.leaf("pools.cold.latency") == "80us");
}

TEST_CASE("one-of takes a name alone or a short form too", "[fields]") {
  CHECK(std::get<Burst>(Reading({{"arrivals", scalar("burst")}}).spec.arrivals).size == 8);
  CHECK(std::get<Poisson>(Reading({{"arrivals", scalar("2/min")}}).spec.arrivals).rate.value() ==
        2.0 / 60);
  CHECK_THAT(complaint("arrivals", map({{"burts", map({})}})), Contains("did you mean `burst`"));
  CHECK_THAT(complaint("arrivals", map({})), Contains("exactly one of the keys poisson, burst"));
  CHECK_THAT(complaint("arrivals", list({})), Contains("a list where"));
}

TEST_CASE("wrong values are refused by kind, with the path", "[fields]") {
  CHECK_THAT(complaint("nodes", scalar("eight")), Contains("nodes: `eight` is not a whole number"));
  CHECK_THAT(complaint("nodes", scalar("8.0")), Contains("whole number"));
  CHECK_THAT(complaint("nodes", scalar("010")), Contains("leading zeros"));
  CHECK_THAT(complaint("nodes", scalar("0")), Contains("at least 1 and at most 1000"));
  CHECK_THAT(complaint("nodes", scalar("99999999999999999999")),
             Contains("out of range") && Contains("at most 1000"));
  CHECK_THAT(complaint("seed", scalar("-1")), Contains("out of range"));
  CHECK_THAT(complaint("nodes", list({})), Contains("a list where a whole number is needed"));
  CHECK_THAT(complaint("nodes", Node{}), Contains("has no value") && Contains("the default, 1"));
  CHECK_THAT(complaint("fast", scalar("yes")), Contains("true or false"));
  CHECK_THAT(complaint("routing", scalar("hsah")), Contains("did you mean `hash`"));
  CHECK_THAT(complaint("name", scalar("")), Contains("is empty"));
  CHECK_THAT(complaint("name", Node{}), Contains("has no value"));
  CHECK_THAT(complaint("limit", scalar("0")), Contains("at least 1"));
  CHECK_THAT(complaint("sizes", list({})), Contains("at least 1 entries"));
  CHECK_THAT(complaint("sizes", list({scalar("16"), scalar("0")})), Contains("sizes.1: `0`"));
  CHECK_THAT(complaint("tiers", scalar("hbm")), Contains("write [hbm]"));
  CHECK_THAT(complaint("tiers", list({map({})})), Contains("tiers.0.capacity: is missing: Size."));
  CHECK_THAT(complaint("pools", list({})), Contains("a list where names"));
  CHECK_THAT(complaint("nodse", scalar("1")), Contains("s.yaml:2:3") &&
                                                  Contains("unknown key `nodse`") &&
                                                  Contains("did you mean `nodes`"));
  Node quoted = scalar("8");
  quoted.quoted = true;
  CHECK_THAT(complaint("nodes", quoted), Contains("leave the quotes away"));
}

TEST_CASE("everything wrong is told at once", "[fields]") {
  const Reading reading({{"nodes", scalar("0")},
                         {"fast", scalar("no")},
                         {"nmae", scalar("x")},
                         {"limit", scalar("80GB")}});
  CHECK(reading.found.error_count() == 4);
}

TEST_CASE("rules between fields hold once the fields are right", "[fields]") {
  CHECK_THAT(complaint("fast", scalar("true")), Contains("fast needs at least 2 nodes"));
  CHECK_FALSE(Reading({{"low", scalar("1")}, {"high", scalar("2")}}).good);
  CHECK(Reading({{"low", scalar("1")}, {"high", Node{}}}).good);
}

TEST_CASE("overrides go over the catalogue entry field by field", "[fields]") {
  const Reading reading(
      {{"gpu", map({{"use", scalar("h100")}, {"bandwidth", scalar("3.0TB/s")}})}});
  INFO(reading.found.render());
  REQUIRE(reading.good);
  CHECK(reading.spec.gpu.bandwidth.value == terabytes_per_second(3.0));
  CHECK(reading.spec.gpu.bandwidth.kind == FigureKind::scenario);
  CHECK(reading.spec.gpu.hbm.kind == FigureKind::datasheet);
  CHECK(reading.leaf("gpu.use") == "h100");
  CHECK(at_path(reading.resolved, "gpu.bandwidth")->origin == Origin::scenario);
  CHECK_THAT(complaint("gpu", scalar("h1000")), Contains("no such entry h1000"));
  CHECK_THAT(complaint("gpu", map({{"bandwidth", scalar("3TB/s")}})),
             Contains("gpu.hbm: is missing"));
}

TEST_CASE("figures carry a kind and a source", "[fields]") {
  const auto with = [](const Node& bandwidth) {
    return complaint("gpu", map({{"use", scalar("h100")}, {"bandwidth", bandwidth}}));
  };
  CHECK_THAT(with(figure("3TB/s", "rumour")), Contains("unknown kind `rumour`"));
  CHECK_THAT(with(figure("3TB/s", "estimate")), Contains("an estimate needs a `range`"));
  CHECK_THAT(with(figure("0.5GB/s")), Contains("above 1GB/s"));
  CHECK_THAT(with(figure("3TB")), Contains("gpu.bandwidth.value: `3TB` has a unit of size"));
  Node no_source = figure("3TB/s");
  no_source.erase("source");
  CHECK_THAT(with(no_source), Contains("needs a `source`"));
  Node estimate = figure("3TB/s", "estimate");
  estimate.set("range", list({scalar("2TB/s"), scalar("2.5TB/s")}));
  CHECK_THAT(with(estimate), Contains("must hold the value 3TB/s"));
  estimate.set("range", list({scalar("2TB/s"), scalar("4TB/s")}));
  const Reading reading({{"gpu", map({{"use", scalar("h100")}, {"bandwidth", estimate}})}});
  REQUIRE(reading.good);
  CHECK(reading.spec.gpu.bandwidth.range->second == terabytes_per_second(4));
  const Node bare = Node::scalar("3TB/s", {}, Origin::catalogue);
  CHECK_THAT(with(bare), Contains("a catalogue figure needs"));
}

TEST_CASE("parameters are checked by what is named", "[fields]") {
  const Reading reading(
      {{"eviction", map({{"name", scalar("s3fifo")}, {"small", scalar("0.2")}})}});
  INFO(reading.found.render());
  REQUIRE(reading.good);
  const ParameterValues& values = reading.spec.eviction.parameters;
  REQUIRE(values.values.size() == 2);
  CHECK(std::get<double>(values.find("small")->value) == 0.2);
  CHECK(std::get<std::int64_t>(values.find("ghosts")->value) == 100);
  CHECK(values.find("age") == nullptr);
  CHECK(reading.leaf("eviction.ghosts") == "100");
  CHECK_THAT(complaint("eviction", map({{"name", scalar("s3fifo")}, {"smal", scalar("0.2")}})),
             Contains("unknown parameter `smal`") && Contains("did you mean `small`"));
  CHECK_THAT(complaint("eviction", map({{"name", scalar("lru")}, {"small", scalar("0.2")}})),
             Contains("takes no parameters"));
  CHECK_THAT(complaint("eviction", map({{"name", scalar("s3fifo")}, {"small", scalar("2")}})),
             Contains("eviction.small: `2` is out of range"));
  // The unknown name is the one complaint: its parameters cannot be judged.
  const Reading unknown({{"eviction", map({{"name", scalar("s3fof")}, {"x", scalar("1")}})}});
  CHECK(unknown.found.error_count() == 1);
  CHECK_THAT(complaint("eviction", scalar("oracle")),
             Contains("eviction.name: `oracle` knows too much") && Contains("ask it elsewhere") &&
                 !Contains("unknown"));
}

TEST_CASE("resolved documents read back to themselves", "[fields][property]") {
  const Reading first({{"gpu", map({{"use", scalar("h100")}, {"hbm", scalar("94GB")}})},
                       {"arrivals", scalar("2/min")},
                       {"eviction", scalar("s3fifo")},
                       {"tiers", list({map({{"capacity", scalar("1000 MB")}})})}});
  REQUIRE(first.good);
  std::vector<std::pair<std::string, Node>> entries;
  for (const NodeEntry& entry : first.resolved.entries)
    entries.emplace_back(entry.key, entry.value);
  const Reading second(entries);
  INFO(second.found.render());
  REQUIRE(second.good);
  CHECK(second.leaf("tiers.0.capacity") == "1GB");
  CHECK(second.leaf("arrivals.poisson.rate") == first.leaf("arrivals.poisson.rate"));
  CHECK(second.spec.gpu.hbm.value == gigabytes(94));
}

TEST_CASE("merging replaces what is named anew and drops rivals", "[fields]") {
  const Node base = map({{"name", scalar("a")},
                         {"eviction", map({{"name", scalar("s3fifo")}, {"small", scalar("0.2")}})},
                         {"low", scalar("1")},
                         {"pools", map({{"x", map({{"capacity", scalar("1GB")}})}})}});
  const Node overlay = map({{"eviction", scalar("lru")},
                            {"high", scalar("2")},
                            {"pools", map({{"x", map({{"latency", scalar("1us")}})}})}});
  const Node merged = merge_by_table(Cluster::fields(), base, overlay);
  CHECK(at_path(merged, "name")->text == "a");
  CHECK(at_path(merged, "eviction.name")->text == "lru");
  CHECK(at_path(merged, "eviction.small") == nullptr);
  CHECK(at_path(merged, "low") == nullptr);
  CHECK(at_path(merged, "high")->text == "2");
  CHECK(at_path(merged, "pools.x.capacity")->text == "1GB");
  CHECK(at_path(merged, "pools.x.latency")->text == "1us");
  const Node both = map({{"low", scalar("1")}, {"high", scalar("2")}});
  CHECK(merge_by_table(Cluster::fields(), base, both).find("low") != nullptr);
}

TEST_CASE("paths are followed through every kind of field", "[fields]") {
  const auto meaning = [](const char* path) {
    const FieldLookup found = find_field(Cluster::fields(), path);
    return found.field != nullptr ? found.field->meaning : found.error + "; " + found.hint;
  };
  CHECK(meaning("gpu.hbm") == "Memory.");
  CHECK(meaning("gpu.hbm.value") == "Memory.");
  CHECK(meaning("tiers.3.capacity") == "Size.");
  CHECK(meaning("pools.anything.latency") == "Of one access.");
  CHECK(meaning("arrivals.burst.every") == "Gap.");
  CHECK(meaning("eviction.small") == "Parameters of the policy.");
  CHECK_THAT(meaning("gpu.hmb"), Contains("unknown key `hmb` in `gpu`") && Contains("`hbm`"));
  CHECK_THAT(meaning("tiers.first"), Contains("not an index"));
  CHECK_THAT(meaning("nodes.x"), Contains("no keys below"));
  CHECK_THAT(meaning("arrivals.gamma"), Contains("unknown key `gamma`"));
  CHECK_THAT(meaning(""), Contains("unknown key"));
}

namespace {

struct Shelf {
  int drives = 0;
  int slots = 0;
  static const FieldTable<Shelf>& fields() {
    using namespace table;
    static const auto table =
        FieldTable<Shelf>("shelf", "Drives in slots.",
                          {
                              field("drives", &Shelf::drives, required, "How many."),
                              field("slots", &Shelf::slots, required, "How many."),
                          })
            .must(
                "drives must fit", [](const Shelf& s) { return s.drives <= s.slots; },
                [](const Shelf& s) {
                  return std::to_string(s.drives) + " drives, " + std::to_string(s.slots) +
                         " slots";
                });
    return table;
  }
};

}  // namespace

TEST_CASE("a rule may tell the numbers at odds", "[fields]") {
  const auto said = [](const char* drives) {
    Diagnostics found;
    Shelf shelf;
    Node resolved;
    Reader(found).read(map({{"drives", scalar(drives)}, {"slots", scalar("24")}}), shelf, resolved);
    return found.render();
  };
  CHECK(said("24").empty());
  CHECK_THAT(said("30"), Contains("drives must fit: 30 drives, 24 slots"));
}
