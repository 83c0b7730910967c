// The commands that tell about input, catalogue and program.
#include <algorithm>
#include <cstddef>
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {
namespace {

TEST_CASE("A dry run and validate check everything and simulate nothing", "[e2e]") {
  CHECK(output_of({"validate", quickstart()}) == quickstart() + ": fine\n");
  CHECK(output_of({"validate", quickstart(), "--quiet"}).empty());
  CHECK_FALSE(output_of({"run", quickstart(), "--dry-run"}).empty());
  const Folder folder;
  const std::string bad = folder.write("bad.yaml", "name: x\n");
  const tests::Finished mixed = tiercast({"validate", quickstart(), bad});
  CHECK(mixed.exit_code == 2);
  CHECK(mixed.out == quickstart() + ": fine\n");
  CHECK_FALSE(mixed.err.empty());
  CHECK(tiercast({"run", bad, "--dry-run"}).exit_code == 2);
}

TEST_CASE("Explain tells where a figure comes from and what follows", "[e2e]") {
  const std::string figure = output_of({"explain", quickstart(), "cluster.node.gpu.hbm"});
  CHECK_THAT(figure, Catch::Contains("NVML") && Catch::Contains("h100-sxm.yaml:2"));
  const Json derived = Json::parse(output_of({"explain", quickstart(), "--format", "json"}));
  CHECK(derived.at("schema") == "tiercast.derived/1");
  // 2 (K and V) x 32 layers x 8 KV heads x 128 numbers x 2 bytes.
  CHECK(derived.at("kv_bytes_per_token") == 131072);
  CHECK(derived.at("instances") == 4);
  CHECK_THAT(output_of({"explain", quickstart()}), Catch::Contains("block_tokens: 16"));
  const Json hbm = json_of({"explain", quickstart(), "cluster.node.gpu.hbm"});
  CHECK(hbm.at("value").at("kind") == "measured");
  CHECK(hbm.at("values").at(0).at("path") == "cluster.node.gpu.hbm.value");
  CHECK(hbm.at("values").at(0).at("line") == 2);
  for (const Json& value : hbm.at("values")) {
    const Json& all = derived.at("values");
    CHECK(std::find(all.begin(), all.end(), value) != all.end());
  }
}

TEST_CASE("Explain tells what each tier takes, and values of tiers as of anything", "[e2e]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", R"(name: tiers
cluster: {node: {use: dgx-h100, gpus: 1}, storage: {external: {service: file-store-rdma}}}
model: llama-3.1-8b
tiers: [hbm, {kind: dram, capacity: 64GiB}, {kind: external, read_only: true}]
workload: {trace: {file: t.csv, format: csv}}
)");
  const Json tiers = json_of({"explain", scenario}).at("tiers");
  const std::string text = output_of({"explain", scenario});
  REQUIRE(tiers.size() == 2);
  for (const Json& tier : tiers) {
    CHECK_THAT(text,
               Catch::Contains("  " + tier.at("tier").get<std::string>() + " ") &&
                   Catch::Contains(tier.at("stack").get<std::string>() + ", 1 pool of") &&
                   Catch::Contains("bound by " + tier.at("load").at("bound").get<std::string>()));
    const Json& load = tier.at("load");
    for (const Json& prefix : tier.at("prefixes")) {
      const double before = load.at("set_up_ms").get<double>() +
                            load.at("metadata_ms").get<double>() +
                            load.at("first_operation_ms").get<double>();
      CHECK(prefix.at("before_ms").get<double>() == Approx(before));
      const double moving =
          prefix.at("bytes").get<double>() / load.at("bytes_per_s").get<double>() * 1e3;
      CHECK(prefix.at("load_ms").get<double>() ==
            Approx(prefix.at("lookup_ms").get<double>() + before + moving));
      CHECK(prefix.at("store_ms").is_null() == (tier.at("tier") == "external"));  // read only
    }
    CHECK(tier.at("break_even_tokens") == tier.at("load_faster").back().at("first_tokens"));
  }
  CHECK_THAT(text, Catch::Contains("loading is faster than computing at any length"));
  CHECK_THAT(output_of({"run", scenario, "--dry-run"}), Catch::Contains("bound by"));
  const Words hbm_alone = {"explain", quickstart(), "--format", "json", "--set", "tiers=[hbm]"};
  CHECK(Json::parse(output_of(hbm_alone)).at("tiers").empty());
  CHECK_THAT(output_of({"explain", scenario, "tiers.2"}), Catch::Contains("read_only: true"));
  CHECK(json_of({"explain", scenario, "tiers.1.stack.use"}).at("value") == "vllm-native");
}

TEST_CASE("Explain begins with what follows, and tells it alone", "[e2e]") {
  const std::string all = output_of({"explain", quickstart()});
  const std::string derived = output_of({"explain", quickstart(), "derived"});
  const std::string tiers = output_of({"explain", quickstart(), "tiers"});
  CHECK_THAT(all, Catch::StartsWith(derived + "\n" + tiers + "\n"));
  CHECK_THAT(tiers, Catch::StartsWith("tiers, ") && Catch::Contains("  late: share of"));
  // Places in the catalogue are short, and its folder is told once.
  const std::string folder = (tests::source_dir() / "configs").string();
  CHECK(all.find(folder) == all.rfind(folder));
  CHECK_THAT(all, Catch::Contains("# catalogue gpus/h100-sxm.yaml:2\n"));

  Json whole = json_of({"explain", quickstart()});
  const Json values = whole.at("values");
  whole.erase("values");
  CHECK(json_of({"explain", quickstart(), "derived"}) == whole);
  CHECK(json_of({"explain", quickstart(), "tiers"}).at("times") == whole.at("tiers"));
}

TEST_CASE("Explain takes overrides before a path, and says how tiers are loaded", "[e2e]") {
  const std::string tiers =
      output_of({"explain", quickstart(), "--set", "tiers.1.load=layerwise", "tiers"});
  CHECK_THAT(tiers, Catch::Contains("load       layerwise ("));
  CHECK_THAT(output_of({"explain", quickstart(), "tiers"}), !Catch::Contains("layerwise"));
  const Json json = json_of({"explain", quickstart(), "--set", "tiers.1.load=layerwise"});
  CHECK(json.at("tiers").at(0).at("load_mode") == "layerwise");
  CHECK(json.at("tiers").at(1).at("load_mode") == "parked");
  const Json shared =
      json_of({"explain", quickstart(), "--set", "tiers=[hbm, {kind: context, cache: {}}]"});
  const Json& bound = shared.at("tiers").at(0).at("load").at("bound");
  CHECK(shared.at("tiers").at(0).at("cached_load").at("bound") == bound);
  CHECK_THAT(output_of({"explain", quickstart(), "--set", "tiers=[hbm, {kind: context, cache: {}}]",
                        "tiers"}),
             Catch::Contains("no faster than from the drives: " + bound.get<std::string>() +
                             " bounds both"));
}

TEST_CASE("Explain tells roles, hand-offs and switches", "[e2e]") {
  const std::string scenario = (tests::source_dir() / "scenarios/disaggregated.yaml").string();
  const std::string fabric = "cluster.fabric={switch: sn5600, routing: ecmp}";
  const Json json = json_of({"explain", scenario, "derived", "--set", fabric});
  CHECK(json.at("prefill_instances") == 2);
  const Json& handoff = json.at("handoff").at(0);
  CHECK(handoff.at("links").size() == 4);
  for (const Json& prompt : handoff.at("prompts")) {
    CHECK(prompt.at("total_ms").get<double>() ==
          Approx(prompt.at("before_ms").get<double>() + prompt.at("moving_ms").get<double>()));
  }
  for (const Json& network : json.at("fabric").at("networks")) {
    CHECK(network.at("leaves") == 1);
    CHECK(network.at("spines") == 0);
    CHECK(network.at("routing_matters") == false);
  }
  CHECK_THAT(output_of({"explain", scenario, "derived", "--set", fabric}),
             Catch::Contains("2 prefill + 2 decode of 4 GPU(s)") &&
                 Catch::Contains("between nodes, mooncake-te") &&
                 Catch::Contains("so routing and oversubscription change nothing"));
  CHECK(json_of({"explain", scenario, "derived"}).at("fabric").is_null());
}

TEST_CASE("What validate finds reads the same as JSON, and nothing else is printed", "[e2e]") {
  const Folder folder;
  const std::string bad = folder.write("bad.yaml", "name: x\ncluster: dgx-h10\n");
  const tests::Finished text = tiercast({"validate", bad});
  const tests::Finished done = tiercast({"validate", quickstart(), bad, "--format", "json"});
  CHECK(done.exit_code == 2);
  CHECK(done.err.empty());
  const Json files = Json::parse(done.out).at("files");
  CHECK(files.at(0).at("fine") == true);
  CHECK(files.at(0).at("diagnostics").empty());
  CHECK(files.at(1).at("fine") == false);
  REQUIRE_FALSE(files.at(1).at("diagnostics").empty());
  for (const Json& found : files.at(1).at("diagnostics")) {
    CHECK(found.at("severity") == "error");
    CHECK_THAT(text.err, Catch::Contains(found.at("message").get<std::string>()));
  }
}

TEST_CASE("Bad lines of a trace are all told by number, whether they end the run or not", "[e2e]") {
  const Folder folder;
  std::string lines = "timestamp_s,input_tokens,output_tokens\n";
  for (int line = 2; line <= 101; ++line) {
    const bool bad = line == 7 || (line >= 30 && line <= 70);
    lines += std::to_string(line) + (bad ? ",many,5\n" : ",100,5\n");
  }
  folder.write("t.csv", lines);
  const std::string scenario = folder.write("s.yaml", R"(name: lines
cluster: {node: {use: dgx-h100, gpus: 1}}
model: llama-3.1-8b
workload: {trace: {file: t.csv, format: csv}}
)");
  const std::string numbers = "42 bad lines: 7, 30-70;";
  const tests::Finished refused = tiercast({"run", scenario});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Catch::Contains("error: " + numbers));
  const tests::Finished skipped =
      tiercast({"run", scenario, "--on-bad-line", "skip", "--format", "json"});
  CHECK(skipped.exit_code == 0);
  CHECK_THAT(skipped.err, Catch::Contains("warning: " + numbers));
  const Json result = Json::parse(skipped.out);
  CHECK(result.at("requests").at("offered") == 58);
  CHECK(result.at("provenance").at("caveats").at(0) == "42 bad lines of the trace were left out");
  CHECK(tiercast({"validate", scenario, "--on-bad-line", "skip"}).exit_code == 0);
}

TEST_CASE("The catalogue and the policies are listed, and what is listed can be shown", "[e2e]") {
  const Json kinds = Json::parse(output_of({"configs", "--format", "json"}));
  CHECK(kinds.size() >= 5);
  for (const std::string kind : kinds) {
    const Json names = Json::parse(output_of({"configs", kind, "--format", "json"}));
    CHECK_FALSE(names.empty());
    const std::string name = names.front().at("name");
    const std::string title = names.front().at("title");
    CHECK_FALSE(title.empty());
    CHECK_THAT(output_of({"configs", kind}), Catch::Contains(name) && Catch::Contains(title));
    const std::string text = read_file(tests::source_dir() / "configs" / kind / (name + ".yaml"));
    CHECK(output_of({"configs", kind, name}) == text);
    CHECK(json_of({"configs", kind, name}).at("entry").at("title") == title);
  }
  const Json policies = Json::parse(output_of({"policies", "--format", "json"}));
  Words names;
  for (const Json& policy : policies) {
    names.push_back(policy.at("name"));
    CHECK_FALSE(policy.at("source").get<std::string>().empty());
    CHECK_THAT(output_of({"policies", names.back()}), Catch::StartsWith(names.back()));
  }
  for (const char* known :
       {"lru", "fifo", "s3fifo", "through", "selective", "back", "prefix", "dynamo-cost"}) {
    CHECK(std::count(names.begin(), names.end(), known) == 1);
  }
}

TEST_CASE("The version names what the program was built from", "[e2e]") {
  const Json version = Json::parse(output_of({"version", "--format", "json"}));
  CHECK(keys_of(version) == Words{"version", "revision", "compiler", "build_type"});
  CHECK_THAT(output_of({"version"}),
             Catch::StartsWith("tiercast " + version.at("version").get<std::string>()));
}

// Every reference must lead somewhere, or an editor reads the schema as anything goes.
void check_references(const Json& node, const Json& root, std::size_t& found) {
  if (node.is_object() && node.contains("$ref")) {
    const std::string target = node.at("$ref").get<std::string>();
    REQUIRE_THAT(target, Catch::StartsWith("#/"));
    CHECK(root.contains(Json::json_pointer(target.substr(1))));
    ++found;
  }
  if (!node.is_structured()) return;
  for (const Json& below : node) check_references(below, root, found);
}

TEST_CASE("The schema is draft-07, whole, and the one that editors find in the catalogue",
          "[e2e]") {
  const std::string text = output_of({"schema"});
  // After a change of fields: tiercast schema > configs/schema/scenario.schema.json
  CHECK(text == read_file(tests::source_dir() / "configs/schema/scenario.schema.json"));
  const Json schema = Json::parse(text);
  CHECK(schema.at("$schema") == "http://json-schema.org/draft-07/schema#");
  const Json& scenario = schema.at("definitions").at("scenario");
  CHECK(scenario.at("required") == Json{"name", "cluster", "model", "workload"});
  CHECK(scenario.at("additionalProperties") == false);
  std::size_t references = 0;
  check_references(schema, schema, references);
  CHECK(references > 10);
}

}  // namespace
}  // namespace tiercast::e2e
