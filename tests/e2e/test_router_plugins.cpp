// Routers of a user's own, from the command line.
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {
namespace {

std::string plugin(const std::string& name) {
  return std::string(TIERCAST_PLUGINS) + "/" + name + ".so";
}

/// Three instances under load, and that router section.
std::string scenario(const Folder& folder, const std::string& router) {
  return folder.write("s.yaml", R"(name: routers
cluster: {node: {use: dgx-h100, gpus: 3}}
model: llama-3.1-8b
engine: {tp: 1, memory: {kv_blocks: 3000}}
workload:
  closed:
    sessions: 12
    turns: {fixed: {value: 6}}
    think: {fixed: {value: 500ms}}
    first_input_tokens: {lognormal: {median: 3000, sigma: 0.8}}
    input_tokens: {fixed: {value: 300}}
    output_tokens: {lognormal: {median: 60, sigma: 1}}
run: {duration: 1min, seed: 3, band: never}
router: )" + router + "\n");
}

Json simulated(const std::string& file, Words flags = {}) {
  Words words{"run", file, "--reproducible", "--format", "json"};
  words.insert(words.end(), flags.begin(), flags.end());
  return Json::parse(output_of(words));
}

TEST_CASE("A router of one's own decides as the one of the library that it is like", "[e2e]") {
  const Folder folder;
  const Json builtin = simulated(scenario(folder, "least-loaded"));
  CHECK(simulated(scenario(folder, "round-robin")).at("digest") != builtin.at("digest"));
  const std::string own = scenario(folder, "{plugin: " + plugin("faulty_router") + "}");
  const Json here = simulated(own);
  CHECK(here.at("digest") == builtin.at("digest"));
  CHECK(here.at("scenario_hash") != builtin.at("scenario_hash"));
  CHECK(simulated(own, {"--isolate-plugins"}) == here);
  CHECK(simulated(own, {"--check-policies"}) == here);
  CHECK(simulated(own, {"--check-policies", "--isolate-plugins"}) == here);
  const Json& told = here.at("provenance").at("plugins");
  REQUIRE(told.size() == 1);
  CHECK(told.at(0).at("place") == "router");
  CHECK(told.at(0).at("name") == "fewest-requests");
  CHECK(told.at(0).at("hash").get<std::string>().size() == 32);
  CHECK_THAT(output_of({"run", own}), Catch::Contains("router fewest-requests") &&
                                          Catch::Contains("router fewest-requests 1.0 of plug-in"));
}

TEST_CASE("A router of one's own may look at blocks and keys, by a late index too", "[e2e]") {
  const Folder folder;
  std::filesystem::copy_file(plugin("library_copy"), folder.path("mine.so"));
  for (const std::string delay : {"0s", "2s"}) {
    const Json builtin = simulated(
        scenario(folder, "{policy: replicate-hot, copies: 2, index_delay: " + delay + "}"));
    const std::string own =
        scenario(folder, "{plugin: ./mine.so, config: {copies: 2}, index_delay: " + delay + "}");
    const Json here = simulated(own);
    CHECK(here.at("digest") == builtin.at("digest"));
    CHECK(here.contains("router") == (delay == "2s"));
    CHECK(simulated(own, {"--isolate-plugins"}) == here);
  }
  const std::string own = scenario(folder, "{plugin: ./mine.so, index_delay: 1s}");
  CHECK_THAT(output_of({"explain", own, "router"}), Catch::Contains("plugin: ./mine.so") &&
                                                        Catch::Contains("index_delay: 1s") &&
                                                        !Catch::Contains("policy:"));
}

/// How a run with the faulty router ends.
tests::Finished faulty(const Folder& folder, const std::string& config, const Words& flags = {}) {
  Words words{"run", scenario(folder, "{plugin: " + plugin("faulty_router") + ", config: {" +
                                          config + "}}")};
  words.insert(words.end(), flags.begin(), flags.end());
  return tiercast(words);
}

TEST_CASE("A run ends where its router breaks the contract", "[e2e]") {
  const Folder folder;
  const std::string begins = "tiercast: policy 'fewest-requests' broke its contract in ";
  for (const Words& flags : {Words{}, Words{"--isolate-plugins"}}) {
    const auto ends_with = [&](const std::string& config, const std::string& call,
                               const std::string& answer, bool checked) {
      INFO(config);
      Words all = flags;
      if (checked) all.emplace_back("--check-policies");
      const tests::Finished bad = faulty(folder, config, all);
      CHECK(bad.exit_code == 1);
      CHECK(bad.out.empty());
      CHECK_THAT(bad.err, Catch::StartsWith(begins + call + " at ") && Catch::Contains(answer));
    };
    ends_with("fault: outside", "route", " ns: worker 3 of 3\n", false);
    ends_with("fault: refuses, at: 5", "route", " ns: TP_ESTATE\n", false);
    ends_with("fault: cost_nan", "route", "the cost of worker 2 is no number", true);
    ends_with("fault: other_with_costs", "route", "with costs asked for", true);
    ends_with("fault: refuses_restore", "restore", "TP_EINVAL", true);
    ends_with("fault: forgets_to_restore", "restore", "hash_state is 1 where it was 0", true);
    CHECK(faulty(folder, "fault: cost_nan", flags).exit_code == 0);  // nobody asks for them
  }
}

TEST_CASE("An isolated router may crash, and any may hang", "[e2e]") {
  const Folder folder;
  for (const std::string call : {"create", "route", "destroy"}) {
    const tests::Finished crashed = faulty(folder, "fault: segv_in_" + call, {"--isolate-plugins"});
    CHECK(crashed.exit_code == 1);
    CHECK_THAT(crashed.err,
               Catch::Contains("policy 'fewest-requests' broke its contract in " + call + " at ") &&
                   Catch::Contains("(Segmentation fault)"));
    for (const Words& more : {Words{}, Words{"--isolate-plugins"}}) {
      Words flags{"--set", "policy.call_limit=200ms"};
      flags.insert(flags.end(), more.begin(), more.end());
      const tests::Finished hung = faulty(folder, "fault: loop_in_" + call, flags);
      CHECK(hung.exit_code == 1);
      CHECK_THAT(hung.err,
                 Catch::Contains("policy 'fewest-requests' broke its contract in " + call) &&
                     Catch::Contains("no answer within 200 ms"));
    }
  }
}

TEST_CASE("What is wrong with a router's section is bad input", "[e2e]") {
  const Folder folder;
  const auto refused = [&](const std::string& router) {
    const tests::Finished bad = tiercast({"run", scenario(folder, router)});
    CHECK(bad.exit_code == 2);
    return bad.err;
  };
  const std::string own = "{plugin: " + plugin("faulty_router");
  CHECK_THAT(refused("{plugin: none.so}"),
             Catch::Contains("s.yaml:14:18: error: `router.plugin`: ") &&
                 Catch::Contains("none.so does not exist"));
  CHECK_THAT(refused("{plugin: " + plugin("faulty") + "}"), Catch::Contains("has no router"));
  CHECK_THAT(refused(own + ", config: {fault: refuses_config}}"),
             Catch::Contains("router 'fewest-requests': it refuses its config"));
  CHECK_THAT(refused(own + ", config: {x: 1}}"),
             Catch::Contains("router 'fewest-requests': this policy has no parameters"));
  CHECK_THAT(refused(own + ", policy: prefix}"),
             Catch::Contains("`router.policy`: belongs to the policies of the library"));
  CHECK_THAT(refused(own + ", index_delay: 1s}"),
             Catch::Contains("`router.index_delay`: needs a router that looks at blocks"));
  CHECK_THAT(refused("{config: {x: 1}}"), Catch::Contains("`router.config`: belongs to a plug-in"));
  CHECK_THAT(refused("{plugin: " + plugin("library_copy") + ", config: {copis: 2}}"),
             Catch::Contains("did you mean 'copies'?"));
}

TEST_CASE("policies tells of a plug-in's router", "[e2e]") {
  const Json told = json_of({"policies", "--plugin", plugin("faulty_router")});
  REQUIRE(told.at("policies").size() == 1);
  CHECK(told.at("policies").at(0).at("kind") == "routing");
  CHECK(told.at("policies").at(0).at("abi") == "0.4");
}

}  // namespace
}  // namespace tiercast::e2e
