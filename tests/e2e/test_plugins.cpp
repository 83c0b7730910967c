// Policies of a user's own, from the command line.
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {
namespace {

std::string plugin(const std::string& name) {
  return std::string(TIERCAST_PLUGINS) + "/" + name + ".so";
}

/// Little memory and sessions that come back, under that policy section.
std::string scenario(const Folder& folder, const std::string& policy) {
  return folder.write("s.yaml", R"(name: plug-ins
cluster: {node: {use: dgx-h100, gpus: 1}}
model: llama-3.1-8b
engine: {tp: 1, memory: {kv_blocks: 3000}}
tiers: [hbm, {kind: dram, capacity: 8GB}]
workload:
  closed:
    sessions: 6
    turns: {fixed: {value: 8}}
    think: {fixed: {value: 1s}}
    first_input_tokens: {fixed: {value: 4000}}
    input_tokens: {fixed: {value: 500}}
    output_tokens: {fixed: {value: 100}}
run: {duration: 2min, seed: 3, band: never}
policy: )" + policy + "\n");
}

Json simulated(const std::string& file, Words flags = {}) {
  Words words{"run", file, "--reproducible", "--format", "json"};
  words.insert(words.end(), flags.begin(), flags.end());
  return Json::parse(output_of(words));
}

// The config that the section's defaults make for `through`.
const char* const kThrough =
    "{fetch: 2, min_load: 1, output: 1, promote: 1, prefetch: 0, demote: 0}";

TEST_CASE("A plug-in gives the results of the policy it is a copy of", "[e2e]") {
  const Folder folder;
  const Json builtin = simulated(scenario(folder, "lru"));
  CHECK(builtin.at("cache").at("by_tier").at(0).at("evicted_blocks").get<int64_t>() > 0);
  CHECK_FALSE(builtin.at("provenance").contains("plugins"));
  const std::string file = plugin("library_copy");
  const std::string copied =
      scenario(folder, "{eviction: {plugin: " + file + "}, placement: {plugin: " + file +
                           ", config: " + kThrough + "}}");
  const Json here = simulated(copied);
  const Json apart = simulated(copied, {"--isolate-plugins"});
  CHECK(here.at("digest") == builtin.at("digest"));
  CHECK(apart == here);
  CHECK(simulated(copied, {"--check-policies"}) == here);
  CHECK(here.at("scenario_hash") != builtin.at("scenario_hash"));
  const Json& told = here.at("provenance").at("plugins");
  REQUIRE(told.size() == 2);
  CHECK(told.at(0).at("place") == "policy.eviction");
  CHECK(told.at(0).at("name") == "lru");
  CHECK(told.at(1).at("name") == "through");
  CHECK(told.at(0).at("file") == file);
  CHECK(told.at(0).at("hash").get<std::string>().size() == 32);
  CHECK_THAT(output_of({"run", copied}), Catch::Contains("policy.eviction lru 0.1.0 of plug-in"));
}

TEST_CASE("A tier may have a plug-in of its own, found from the scenario's folder", "[e2e]") {
  const Folder folder;
  std::filesystem::copy_file(plugin("library_copy"), folder.path("mine.so"));
  const std::string file = scenario(folder, "fifo");
  const Json builtin = simulated(file, {"--set", "tiers.1.eviction=lru"});
  const std::string own = scenario(folder, "{eviction: fifo}");
  const Json flagged =
      simulated(own, {"--set", "tiers.1.eviction.plugin=" + folder.path("mine.so")});
  CHECK(flagged.at("digest") == builtin.at("digest"));
  const std::string written = scenario(folder, "{eviction: {plugin: ./mine.so}}");
  CHECK(simulated(written).at("provenance").at("plugins").at(0).at("file") ==
        folder.path("mine.so"));
  const std::string section = output_of({"explain", written, "policy.eviction"});
  CHECK_THAT(section, Catch::Contains("plugin: ./mine.so") && !Catch::Contains("name:"));
}

/// How a run with the faulty plug-in ends.
tests::Finished faulty(const Folder& folder, const std::string& config, const Words& flags = {}) {
  Words words{"run", scenario(folder, "{eviction: {plugin: " + plugin("faulty") + ", config: {" +
                                          config + "}}}")};
  words.insert(words.end(), flags.begin(), flags.end());
  return tiercast(words);
}

TEST_CASE("A run ends where its plug-in breaks the contract", "[e2e]") {
  const Folder folder;
  const tests::Finished good = faulty(folder, "");
  INFO(good.err);
  CHECK(good.exit_code == 0);
  for (const Words& flags : {Words{}, Words{"--isolate-plugins"}}) {
    const tests::Finished bad = faulty(folder, "fault: refuses_commit, at: 5", flags);
    CHECK(bad.exit_code == 1);
    CHECK(bad.out.empty());
    CHECK_THAT(bad.err, Catch::StartsWith("tiercast: policy 'lowest-slot' broke its contract in "
                                          "commit at ") &&
                            Catch::EndsWith(" ns: TP_ESTATE\n"));
  }
  const tests::Finished moved = faulty(folder, "fault: asking_moves_state", {"--check-policies"});
  CHECK(moved.exit_code == 1);
  CHECK_THAT(moved.err, Catch::Contains("in abort at ") && Catch::Contains("hash_state is 1"));
}

TEST_CASE("An isolated plug-in may crash, and any may hang", "[e2e]") {
  const Folder folder;
  const tests::Finished crashed =
      faulty(folder, "fault: segv_in_select, at: 3", {"--isolate-plugins"});
  CHECK(crashed.exit_code == 1);
  CHECK_THAT(crashed.err,
             Catch::Contains("in select at ") && Catch::Contains("(Segmentation fault)"));
  const Words short_limit{"--set", "policy.call_limit=200ms"};
  for (const Words& more : {Words{}, Words{"--isolate-plugins"}}) {
    for (const std::string call : {"create", "select"}) {
      Words flags = short_limit;
      flags.insert(flags.end(), more.begin(), more.end());
      const tests::Finished hung = faulty(folder, "fault: loop_in_" + call, flags);
      CHECK(hung.exit_code == 1);
      CHECK(hung.out.empty());
      CHECK_THAT(hung.err, Catch::Contains("policy 'lowest-slot' broke its contract in " + call) &&
                               Catch::Contains("no answer within 200 ms"));
    }
  }
}

TEST_CASE("What is wrong with a plug-in's section is bad input", "[e2e]") {
  const Folder folder;
  const auto refused = [&](const std::string& policy) {
    const tests::Finished bad = tiercast({"run", scenario(folder, policy)});
    CHECK(bad.exit_code == 2);
    return bad.err;
  };
  CHECK_THAT(refused("{eviction: {plugin: none.so}}"),
             Catch::Contains("s.yaml:15:29: error: `policy.eviction.plugin`: ") &&
                 Catch::Contains("none.so does not exist"));
  CHECK_THAT(refused("{eviction: {plugin: s.yaml}}"), Catch::Contains("cannot be loaded: "));
  CHECK_THAT(
      refused("{eviction: {plugin: " + plugin("faulty") + ", config: {fault: refuses_config}}}"),
      Catch::Contains("policy 'lowest-slot': it refuses its config"));
  CHECK_THAT(refused("{eviction: {plugin: " + plugin("faulty") + ", config: {x: 1}}}"),
             Catch::Contains("policy 'lowest-slot': this policy has no parameters"));
  CHECK_THAT(refused("{placement: {plugin: " + plugin("faulty") + "}}"),
             Catch::Contains("has no placement policy"));
  CHECK_THAT(refused("{eviction: {plugin: " + plugin("library_copy") + ", config: {x: 1}}}"),
             Catch::Contains("unknown parameter 'x': this policy has none"));
  CHECK_THAT(refused("{placement: {plugin: " + plugin("library_copy") + ", config: {fech: 1}}}"),
             Catch::Contains("did you mean 'fetch'?"));
  CHECK_THAT(refused("{eviction: {name: lru, plugin: " + plugin("library_copy") + "}}"),
             Catch::Contains("`policy.eviction.name`: belongs to the policies of the library"));
  CHECK_THAT(refused("{placement: {write: back, plugin: " + plugin("library_copy") + "}}"),
             Catch::Contains("`policy.placement.write`: belongs to the policies of the library"));
  CHECK_THAT(refused("{eviction: {config: {x: 1}}}"),
             Catch::Contains("`policy.eviction.config`: belongs to a plug-in"));
  CHECK_THAT(refused("{placement: {plugn: x.so}}"), Catch::Contains("did you mean `plugin`?"));
  CHECK_THAT(refused("{eviction: {plugin: " + plugin("faulty") + ", config: {\"a=b\": 1}}}"),
             Catch::Contains("a parameter's name has no `=`"));
}

std::string small_trace(const Folder& folder) {
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    const int id = i * i * 7 % 41;
    lines += "{\"timestamp\": " + std::to_string(i) +
             ", \"input_length\": 1024, \"output_length\": 1, \"hash_ids\": [" +
             std::to_string(id) + ", " + std::to_string(id + 100) + "]}\n";
  }
  return folder.write("t.jsonl", lines);
}

TEST_CASE("cache hands a parameter to every policy, or to the one it names", "[e2e]") {
  const Folder folder;
  const std::string trace = small_trace(folder);
  const auto replay = [&](const std::string& policies, const std::string& parameter) {
    return Words{"cache",      trace, "--policy",    policies,
                 "--capacity", "20",  "--parameter", parameter};
  };
  const Json one = json_of(replay("s3fifo", "small=0.3"));
  CHECK(one.at("results") != json_of(replay("s3fifo", "small=0.1")).at("results"));
  const Json both = json_of(replay("lru,s3fifo", "s3fifo.small=0.3"));
  CHECK(both.at(1) == one);
  const std::string faulty = plugin("faulty");
  CHECK(json_of(replay("lru," + faulty, "lowest-slot.fault=none")).at(0) == both.at(0));
  const tests::Finished refused =
      tiercast(replay("lru," + faulty, "lowest-slot.fault=refuses_config"));
  CHECK(refused.exit_code == 2);
  CHECK(refused.err ==
        "--policy lowest-slot: error: policy 'lowest-slot': it refuses its config\n");
}

TEST_CASE("cache replays a plug-in's policy", "[e2e]") {
  const Folder folder;
  const std::string trace = small_trace(folder);
  const auto replay = [&](const std::string& policy, Words flags = {}) {
    Words words{"cache", trace, "--policy", policy, "--capacity", "20"};
    words.insert(words.end(), flags.begin(), flags.end());
    return words;
  };
  const Json builtin = json_of(replay("lru"));
  const Json here = json_of(replay(plugin("library_copy")));
  CHECK(here.at("results") == builtin.at("results"));
  CHECK(here.at("policy") == "lru");
  CHECK(here.at("plugin").at("hash").get<std::string>().size() == 32);
  CHECK(json_of(replay(plugin("library_copy"), {"--isolate-plugins"})) == here);
  CHECK(json_of(replay(plugin("library_copy"), {"--check-policies"})) == here);
  const tests::Finished crashed =
      tiercast(replay(plugin("faulty"), {"--isolate-plugins", "--parameter",
                                         "fault=abort_in_on_insert", "--parameter", "at=4"}));
  CHECK(crashed.exit_code == 1);
  CHECK(crashed.err ==
        "tiercast: policy 'lowest-slot' broke its contract in on_insert at 1000000 ns: "
        "its process was ended by signal 6 (Aborted)\n");
  const tests::Finished hung = tiercast(
      replay(plugin("faulty"), {"--parameter", "fault=loop_in_select", "--call-limit", "0.2"}));
  CHECK(hung.exit_code == 1);
  CHECK_THAT(hung.err, Catch::Contains("in select at ") && Catch::Contains("within 200 ms"));
  for (int i = 0; i < 8; ++i) {  // all threads hang, one tells; two would by chance
    const tests::Finished all_hung =
        tiercast({"cache", trace, "--policy", plugin("faulty"), "--capacity", "10,11,12,13",
                  "--jobs", "4", "--parameter", "fault=loop_in_create", "--call-limit", "0.1"});
    CHECK(all_hung.exit_code == 1);
    CHECK(all_hung.err ==
          "tiercast: policy 'lowest-slot' broke its contract in create at 0 ns: "
          "no answer within 100 ms\n");
  }
  const tests::Finished missing = tiercast(replay("./none.so"));
  CHECK(missing.exit_code == 2);
  CHECK(missing.err == "--policy: error: ./none.so does not exist\n");
}

TEST_CASE("policies tells what a plug-in offers", "[e2e]") {
  const Json told = json_of({"policies", "--plugin", plugin("library_copy")});
  CHECK(told.at("policies").size() == 3);
  CHECK(told.at("policies").at(0).at("name") == "lru");
  CHECK(told.at("policies").at(1).at("kind") == "placement");
  CHECK_THAT(output_of({"policies", "--plugin", plugin("faulty")}),
             Catch::Contains("eviction: lowest-slot 1.0 (version 0.4 of the contract)"));
  const Json one = json_of({"policies", "--plugin", plugin("library_copy"), "through"});
  REQUIRE(one.at("policies").size() == 1);
  CHECK(one.at("policies").at(0) == told.at("policies").at(1));
  const tests::Finished none =
      tiercast({"policies", "--plugin", plugin("library_copy"), "throuhg"});
  CHECK(none.exit_code == 2);
  CHECK(none.out.empty());
  CHECK(none.err == "tiercast: no policy `throuhg`\ndid you mean `through`?\n");
  const tests::Finished bad = tiercast({"policies", "--plugin", plugin("crashes")});
  CHECK(bad.exit_code == 2);
  CHECK_THAT(bad.err, Catch::Contains("cannot be loaded: its process was ended by signal 11"));
}

}  // namespace
}  // namespace tiercast::e2e
