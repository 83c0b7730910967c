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

TEST_CASE("A run records what the policy of each pool decides, and nothing else changes", "[e2e]") {
  const Folder folder;
  const std::string tapes = folder.path("tapes");
  const std::string with = output_of(run_of({"--tape", tapes}));
  CHECK(with == output_of(run_of({})));
  const std::vector<std::string> files = files_in(tapes);
  CHECK(files.size() == 8);  // four instances, a pool each of host memory, drives, flash, storage
  CHECK(fs::path(files.front()).filename() == "hbm-instance0.tape");
  Words words{"tape", "verify"};
  words.insert(words.end(), files.begin(), files.end());
  const Json verdicts = json_of(words);
  REQUIRE(verdicts.size() == files.size());
  for (const Json& verdict : verdicts) {
    CHECK(verdict.at("verdict") == "identical");
    CHECK(verdict.at("policy") == "lru");
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

TEST_CASE("A tape that another policy would not have made says where they part", "[e2e]") {
  const Folder folder;
  const std::string trace = folder.write("t.jsonl", [] {
    std::string lines;
    for (int i = 0; i < 60; ++i) {  // two prompts again and again, and new ones in between
      const int id = i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 10 + i;
      lines += "{\"timestamp\": " + std::to_string(1000 * i) +
               ", \"input_length\": 512, \"output_length\": 2, \"hash_ids\": [" +
               std::to_string(id) + "]}\n";
    }
    return lines;
  }());
  const std::string scenario = folder.write("s.yaml", R"(name: small
cluster: {node: {use: dgx-h100, gpus: 1}}
model: llama-3.1-8b
engine: {block_tokens: 16, memory: {kv_blocks: 300}}
workload: {trace: {file: )" + trace + "}}\n");
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
