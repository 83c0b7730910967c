// `calibrate` from a table to an entry that the program itself takes.

#include <algorithm>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {

namespace fs = std::filesystem;

namespace {

// Copies of one and of 64 operations: 20 us, 2 us an operation, 40 GB/s.
std::string copies() {
  std::string text = "block_bytes,batch,time_us\n";
  for (const int count : {1, 64}) {
    for (int bytes = 4096; bytes <= 67'108'864; bytes *= 4) {
      const double move = bytes / 40e3;
      const double us = 27 + move + (count - 1) * std::max(2.0, move);
      text += std::to_string(bytes) + "," + std::to_string(count) + "," + std::to_string(us) + "\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("calibrate writes an entry that scenarios may start from") {
  const Folder folder;
  const std::string table = folder.write("copies.csv", copies());
  const Words words{"calibrate", "copies",      table,
                    "--base",    "vllm-native", "--link",
                    "64GB/s",    "--output",    folder.path("mine.yaml")};
  const std::string said = output_of(words);
  CHECK(said == output_of(words));
  CHECK(said.find("stack (copies)") != std::string::npos);
  CHECK(said.find("each bytes by a fit without it") != std::string::npos);

  // In a catalogue of its own, beside the entry that it starts from.
  const fs::path configs = fs::path(folder.path("configs"));
  fs::copy(tests::source_dir() / "configs", configs, fs::copy_options::recursive);
  fs::copy(folder.path("mine.yaml"), configs / "stacks" / "mine.yaml");
  const std::string scenario = folder.write(
      "scenario.yaml", read_file(tests::source_dir() / "scenarios" / "quickstart.yaml"));
  const tests::Finished done =
      tests::run_process({tests::program().string(), "explain", scenario, "tiers.1.stack", "--set",
                          "tiers.1.stack=mine"},
                         {"XDG_CONFIG_HOME=/dev/null", "TIERCAST_CONFIGS=" + configs.string()});
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.out.find("operation_time") != std::string::npos);
  CHECK(done.out.find("tiercast calibrate copies over copies.csv (16 rows") != std::string::npos);
}

TEST_CASE("calibrate tells the same in JSON") {
  const Folder folder;
  const std::string table = folder.write("copies.csv", copies());
  const Json json =
      json_of({"calibrate", "copies", table, "--base", "vllm-native", "--link", "64GB/s"});
  CHECK(json.at("kind") == "copies");
  CHECK(json.at("files")[0].at("rows") == 16);
  const Json& part = json.at("parts")[0];
  CHECK(part.at("errors").at("p90").get<double>() < 0.01);
  CHECK(part.at("left_out_groups").size() == 8);
  // Setup and latency of the base, 5 us, are one sum.
  CHECK(part.at("parameters")[0].at("path") == "setup");
  CHECK(part.at("parameters")[0].at("value_si").get<double>() == Approx(20e-6).epsilon(0.05));
  CHECK(part.at("parameters")[1].at("value_si").get<double>() == Approx(2e-6).epsilon(0.05));
  CHECK(part.at("parameters")[2].at("value_si").get<double>() == Approx(40.0 / 64).epsilon(0.05));
}

}  // namespace tiercast::e2e
