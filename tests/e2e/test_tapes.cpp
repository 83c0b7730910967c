// Decision tapes as files: a run records them, `tape verify` reads them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"

namespace tiercast::e2e {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& file : fs::directory_iterator(folder)) files.push_back(file.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

Words run_of(const Words& more) {
  Words words{"run",   quickstart(),       "--set",          "run.band=never",
              "--set", "run.duration=60s", "--reproducible", "--format",
              "json",  "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Two prompts again and again, and new ones in between, in little memory.
std::string small_scenario(const Folder& folder, const std::string& eviction) {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    const int id = i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 10 + i;
    lines += "{\"timestamp\": " + std::to_string(1000 * i) +
             ", \"input_length\": 512, \"output_length\": 2, \"hash_ids\": [" + std::to_string(id) +
             "]}\n";
  }
  const std::string trace = folder.write("t.jsonl", lines);
  return folder.write("s.yaml", R"(name: small
cluster: {node: {use: dgx-h100, gpus: 1}}
model: llama-3.1-8b
engine: {block_tokens: 16, memory: {kv_blocks: 300}}
policy: {eviction: )" + eviction + R"(}
workload: {trace: {file: )" + trace +
                                    "}}\n");
}

TEST_CASE("A run records what the policy of each pool decides, and nothing else changes", "[e2e]") {
  const Folder folder;
  const std::string tapes = folder.path("tapes");
  const std::string with = output_of(run_of({"--tape", tapes}));
  CHECK(with == output_of(run_of({})));
  const std::vector<std::string> files = files_in(tapes);
  // Four instances, placement, a pool each of host memory, drives, flash, storage.
  CHECK(files.size() == 9);
  CHECK(fs::path(files.front()).filename() == "hbm-instance0.tape");
  Words words{"tape", "verify"};
  words.insert(words.end(), files.begin(), files.end());
  const Json verdicts = json_of(words);
  REQUIRE(verdicts.size() == files.size());
  for (const Json& verdict : verdicts) {
    CHECK(verdict.at("verdict") == "identical");
    const bool places = verdict.at("kind") == "placement";
    CHECK(places == (fs::path(verdict.at("file").get<std::string>()).stem() == "placement"));
    CHECK(verdict.at("policy") == (places ? "through" : "lru"));
    CHECK(verdict.at("library").at("same_build") == true);
    CHECK(verdict.at("calls") > 100);
    CHECK(verdict.at("equal_states") == verdict.at("checkpoints"));
  }
  const std::string again = folder.path("again");
  output_of(run_of({"--tape", again}));
  for (const std::string& file : files) {
    CHECK(read_file(file) == read_file(fs::path(again) / fs::path(file).filename()));
  }

  const std::string tape = files.front();
  const std::string text = output_of({"tape", "verify", tape});
  CHECK_THAT(text, Catch::StartsWith(tape + ": identical throughout, ") &&
                       Catch::EndsWith(" checkpoints\n"));

  const std::string bytes = read_file(tape);
  std::string damaged_bytes = bytes;
  damaged_bytes[bytes.size() / 2] = static_cast<char>(damaged_bytes[bytes.size() / 2] ^ 1);
  const std::string damaged = folder.write("damaged.tape", damaged_bytes);
  const std::string cut = folder.write("cut.tape", bytes.substr(0, bytes.size() - 5));
  const tests::Finished refused = tiercast({"tape", "verify", tape, damaged});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.out, Catch::Contains(damaged + ": byte ") && Catch::Contains("damaged: "));
  CHECK(tiercast({"tape", "verify", damaged, "--unfinished"}).exit_code == 2);
  const tests::Finished early = tiercast({"tape", "verify", cut});
  CHECK(early.exit_code == 2);
  CHECK_THAT(early.out, Catch::Contains("identical as far as it goes") &&
                            Catch::Contains("--unfinished takes it"));
  CHECK(tiercast({"tape", "verify", cut, "--unfinished"}).exit_code == 0);
}

TEST_CASE("A run records what its placement policy decides, admissions and fetches too", "[e2e]") {
  const Folder folder;
  const std::string tapes = folder.path("tapes");
  const Words more{
      "--set", "policy.placement.write=back",    "--set", "policy.placement.demote=true",
      "--set", "policy.placement.prefetch=true", "--set", "policy.placement.admission=tinylfu"};
  Words with = more;
  with.insert(with.end(), {"--tape", tapes});
  CHECK(output_of(run_of(with)) == output_of(run_of(more)));
  const std::string tape = tapes + "/placement.tape";
  const Json verdict = json_of({"tape", "verify", tape});
  CHECK(verdict.at("verdict") == "identical");
  CHECK(verdict.at("policy") == "back");
  CHECK_FALSE(verdict.contains("pool"));
  CHECK(verdict.at("equal_states") == verdict.at("checkpoints"));
  const tests::Finished other = tiercast({"tape", "verify", tape, "--policy", "through"});
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.out, Catch::Contains("differs at call ") && Catch::Contains("  place at ") &&
                            Catch::Contains("replayed with `through` 0.1.0 of the library"));
  const tests::Finished near = tiercast({"tape", "verify", tape, "--policy", "throuh"});
  CHECK(near.exit_code == 2);
  CHECK_THAT(near.out, Catch::Contains("did you mean `through`?"));
  // A plug-in's tape is of its build; so is that of one that runs apart.
  const std::string own = std::string(TIERCAST_PLUGINS) + "/library_copy.so";
  const std::string apart = folder.path("apart");
  const Words plugin{"run",
                     small_scenario(folder, "{plugin: " + own + "}"),
                     "--set",
                     "policy.placement.plugin=" + own,
                     "--set",
                     "tiers=[hbm, {kind: dram, capacity: 1GB}]",
                     "--isolate-plugins",
                     "--tape",
                     apart};
  output_of(plugin);
  const std::string isolated = apart + "/placement.tape";
  CHECK(tiercast({"tape", "verify", isolated}).exit_code == 2);
  const Json replayed = json_of({"tape", "verify", isolated, "--policy", own});
  CHECK(replayed.at("verdict") == "identical");
  CHECK(replayed.at("library").at("same_build") == true);
  CHECK_THAT(tiercast({"tape", "verify", isolated, "--policy",
                       std::string(TIERCAST_PLUGINS) + "/faulty.so"})
                 .out,
             Catch::Contains("has no placement policy"));
}

TEST_CASE("A crash of an isolated plug-in on tape ends the run as it does without", "[e2e]") {
  const Folder folder;
  const tests::Finished crashed =
      tiercast({"run",
                small_scenario(folder, "{plugin: " + std::string(TIERCAST_PLUGINS) +
                                           "/faulty.so, config: {fault: segv_in_select}}"),
                "--isolate-plugins", "--tape", folder.path("tapes")});
  CHECK(crashed.exit_code == 1);
  CHECK_THAT(crashed.err, Catch::Contains("broke its contract in select at ") &&
                              Catch::Contains("(Segmentation fault)"));
}

TEST_CASE("An isolated plug-in that crashes on a tape leaves no verdict on it", "[e2e]") {
  const Folder folder;
  const std::string plugins = TIERCAST_PLUGINS;
  output_of({"run", small_scenario(folder, "{plugin: " + plugins + "/faulty.so}"), "--tape",
             folder.path("tapes")});
  const std::string tape = files_in(folder.path("tapes")).front();
  const Words words{"tape",
                    "verify",
                    tape,
                    tape,
                    "--isolate-plugins",
                    "--policy",
                    plugins + "/crashes_in_select.so"};
  const tests::Finished crashed = tiercast(words);
  CHECK(crashed.exit_code == 1);
  const std::string fault = tape + ": policy 'unfit' broke its contract in select at ";
  CHECK_THAT(crashed.out, Catch::StartsWith(fault) &&
                              Catch::Contains("(Segmentation fault)\n  recorded with `lowest-slot` "
                                              "1.0 of plug-in ") &&
                              Catch::Contains("\n" + fault));  // of the second one too
  Words as_json = words;
  as_json.insert(as_json.end(), {"--format", "json"});
  const Json told = Json::parse(tiercast(as_json).out);
  REQUIRE(told.size() == 2);
  CHECK(told.at(0).at("verdict") == "fault");
  CHECK(told.at(0) == told.at(1));
  CHECK_THAT(told.at(0).at("error").get<std::string>(), Catch::Contains("in select at "));
  const tests::Finished unloadable =
      tiercast({"tape", "verify", tape, "--policy", plugins + "/crashes.so", "--isolate-plugins"});
  CHECK(unloadable.exit_code == 2);
  CHECK_THAT(unloadable.out, Catch::Contains("crashes.so cannot be loaded: its process was ended"));
}

TEST_CASE("A tape that another policy would not have made says where they part", "[e2e]") {
  const Folder folder;
  const std::string scenario = small_scenario(folder, "lru");
  const std::string tapes = folder.path("tapes");
  REQUIRE(tiercast({"run", scenario, "--tape", tapes}).exit_code == 0);
  const std::vector<std::string> files = files_in(tapes);
  REQUIRE(files.size() == 1);
  CHECK(tiercast({"tape", "verify", files[0]}).exit_code == 0);
  const tests::Finished other = tiercast({"tape", "verify", files[0], "--policy", "fifo"});
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.out, Catch::Contains(": differs at call ") && Catch::Contains("  select at ") &&
                            Catch::Contains("  recorded: TP_OK {") &&
                            Catch::Contains("  replayed: TP_OK {"));
  const tests::Finished json =
      tiercast({"tape", "verify", files[0], "--policy", "fifo", "--format", "json"});
  CHECK(json.exit_code == 1);
  const Json difference = Json::parse(json.out).at("difference");
  CHECK(difference.at("recorded") != difference.at("replayed"));
  CHECK(difference.at("call") > 1);
  CHECK(difference.at("byte") > 8);
  const tests::Finished unknown = tiercast({"tape", "verify", files[0], "--policy", "lur"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.out, Catch::Contains("no policy `lur` here, did you mean `lru`?"));
}

TEST_CASE("A tape of a plug-in's policy needs its library, and tells builds apart", "[e2e]") {
  const Folder folder;
  const std::string own = std::string(TIERCAST_PLUGINS) + "/library_copy.so";
  const std::string other = folder.path("other.so");
  fs::copy_file(own, other);
  std::ofstream(other, std::ios::app) << "another build";
  const std::string tapes = folder.path("tapes");
  output_of({"run", small_scenario(folder, "{plugin: " + own + "}"), "--tape", tapes});
  const std::string tape = files_in(tapes).front();
  const std::string hash = json_of({"policies", "--plugin", own}).at("hash").get<std::string>();

  const tests::Finished alone = tiercast({"tape", "verify", tape});
  CHECK(alone.exit_code == 2);
  CHECK(alone.out == tape + ": its policy `lru` 0.1.0 came from a plug-in, file hash " + hash +
                         "; --policy FILE.so says where that is\n");
  const Json same = json_of({"tape", "verify", tape, "--policy", own});
  CHECK(same.at("verdict") == "identical");
  CHECK(same.at("policy_build") == hash);
  CHECK(same.at("against").at("policy_build") == hash);
  CHECK(same.at("library").at("same_build") == true);
  CHECK(same.at("equal_states") == same.at("checkpoints"));
  CHECK(json_of({"tape", "verify", tape, "--policy", own, "--isolate-plugins"}) == same);
  CHECK_THAT(output_of({"tape", "verify", tape, "--policy", own}),
             !Catch::Contains("recorded with"));

  const tests::Finished rebuilt = tiercast({"tape", "verify", tape, "--policy", other});
  CHECK(rebuilt.exit_code == 0);
  CHECK_THAT(rebuilt.out, Catch::Contains("identical throughout") &&
                              Catch::Contains("as another build may have others") &&
                              Catch::Contains("recorded with `lru` 0.1.0 of plug-in " + hash) &&
                              Catch::Contains("replayed with `lru` 0.1.0 of plug-in "));
  CHECK_THAT(output_of({"tape", "verify", tape, "--policy", "lru"}),
             Catch::Contains("replayed with `lru` 0.1.0 of the library"));
  const std::string plugins = TIERCAST_PLUGINS;
  const tests::Finished wrong =
      tiercast({"tape", "verify", tape, "--policy", plugins + "/faulty.so"});
  CHECK(wrong.exit_code == 1);
  CHECK_THAT(wrong.out, Catch::Contains("differs at call ") &&
                            Catch::Contains("replayed with `lowest-slot` 1.0 of plug-in "));
  const tests::Finished wrong_apart =
      tiercast({"tape", "verify", tape, "--policy", plugins + "/faulty.so", "--isolate-plugins"});
  CHECK(wrong_apart.exit_code == 1);
  CHECK(wrong_apart.out == wrong.out);
  const tests::Finished lacking =
      tiercast({"tape", "verify", tape, "--policy", plugins + "/no_select.so"});
  CHECK(lacking.exit_code == 2);
  CHECK_THAT(lacking.out, Catch::Contains("the policy lacks entries that it must have"));
  const tests::Finished router =
      tiercast({"tape", "verify", tape, "--policy", plugins + "/faulty_router.so"});
  CHECK(router.exit_code == 2);
  CHECK_THAT(router.out, Catch::Contains("has no cache policy"));
  CHECK_THAT(tiercast({"tape", "verify", tape, "--policy", "./none.so"}).out,
             Catch::Contains("./none.so does not exist"));
}

TEST_CASE("A tape of format 1, which says less of itself, is read", "[e2e]") {
  const std::string tape = TIERCAST_SOURCE_DIR "/tests/fuzz/corpus/tape/lru.tape";
  CHECK(read_file(tape).substr(0, 8) == "tp-tape\x01");
  const Json verdict = json_of({"tape", "verify", tape});
  CHECK(verdict.at("verdict") == "identical");
  CHECK(verdict.at("policy") == "lru");
  CHECK_FALSE(verdict.contains("policy_build"));
}

TEST_CASE("What is no tape, and what cannot be read or written, is bad input", "[e2e]") {
  const Folder folder;
  const tests::Finished none = tiercast({"tape", "verify", quickstart()});
  CHECK(none.exit_code == 2);
  CHECK(none.out == quickstart() + ": byte 0: no decision tape\n");
  CHECK(tiercast({"tape", "verify", folder.path("absent")}).exit_code == 2);
  CHECK(tiercast({"tape", "verify"}).exit_code == 2);
  CHECK_THAT(tiercast({"tape", "verify", "x", "--polcy", "lru"}).err,
             Catch::Contains("did you mean `--policy`?"));
  const std::string file = folder.write("file", "x");
  const tests::Finished blocked = tiercast(run_of({"--tape", file}));
  CHECK(blocked.exit_code == 1);
  CHECK_THAT(blocked.err, Catch::Contains("cannot make the folder"));
}

}  // namespace
}  // namespace tiercast::e2e
