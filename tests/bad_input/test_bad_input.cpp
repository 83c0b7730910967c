// Every way to get an input wrong that we could think of, each in a file of its own, with the lines
// that must say so. `cases/<case>.expect` holds the error and hint lines of standard error; the
// mistake is in `cases/<case>.yaml` (a scenario), `.jsonl`, `.csv`, `.gz`, `.zst` (a trace, which
// traced.yaml takes in) or `.args` (a command line, one argument a line).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace tiercast {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

fs::path room() { return tests::source_dir() / "tests/bad_input"; }
fs::path cases() { return room() / "cases"; }

Lines lines_of(const std::string& text) {
  std::istringstream stream(text);
  Lines lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Lines lines_of_file(const fs::path& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  REQUIRE(stream);
  return lines_of(text.str());
}

std::string case_name(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.substr(0, name.find('.'));
}

/// File of the mistake by case.
std::map<std::string, fs::path> mistakes() {
  std::map<std::string, fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(cases())) {
    if (entry.path().extension() == ".expect") continue;
    INFO(entry.path());
    const bool unique = found.emplace(case_name(entry.path()), entry.path()).second;
    REQUIRE(unique);
  }
  return found;
}

// Relative paths throughout, so that what is said does not depend on where the tree lies. `timeout`
// ends a program that hangs with 124.
tests::Finished run_in(const fs::path& folder, const Lines& arguments) {
  REQUIRE_FALSE(tests::program().empty());
  Lines argv{
      "timeout", "10", "env", "-C", folder.string(), fs::absolute(tests::program()).string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const fs::path configs = fs::relative(tests::source_dir() / "configs", folder);
  return tests::run_process(argv,
                            {"TIERCAST_CONFIGS=" + configs.string(), "XDG_CONFIG_HOME=/dev/null"});
}

Lines arguments_for(const fs::path& mistake) {
  const std::string extension = mistake.extension().string();
  if (extension == ".args") return lines_of_file(mistake);
  const std::string name = mistake.filename().string();
  if (extension == ".yaml") return {"validate", name};
  return {"validate", "../traced.yaml", "--set", "workload.trace.file=" + name};
}

// The first expected line that does not follow the ones before it; empty if all do.
std::string first_missing(const Lines& expected, const Lines& said) {
  auto from = said.begin();
  for (const std::string& line : expected) {
    from = std::find(from, said.end(), line);
    if (from == said.end()) return line;
    ++from;
  }
  return "";
}

std::size_t errors_in(const Lines& lines) {
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.find(": error: ") != std::string::npos;
  }));
}

TEST_CASE("Every mistake has its expectation and every expectation its mistake", "[bad_input]") {
  std::set<std::string> expected;
  for (const fs::directory_entry& entry : fs::directory_iterator(cases())) {
    if (entry.path().extension() == ".expect") expected.insert(case_name(entry.path()));
  }
  std::set<std::string> made;
  for (const auto& [name, file] : mistakes()) made.insert(name);
  CHECK(made == expected);
  CHECK(made.size() >= 300);
}

TEST_CASE("What the mistakes were made from is fine", "[bad_input]") {
  for (const char* scenario : {"good.yaml", "traced.yaml", "tiered.yaml"}) {
    const tests::Finished good = run_in(room(), {"validate", scenario});
    INFO(good.err);
    CHECK(good.exit_code == 0);
    CHECK(good.err.empty());
  }
}

TEST_CASE("Flags reach into the tiers", "[bad_input]") {
  // A tier written as a bare name, one field of a stack that nobody named, a list entry whole.
  for (const char* set : {"tiers.1.capacity=100GB", "tiers.1.stack.efficiency=90%",
                          "tiers.2={kind: nvme, capacity: 1TB}", "tiers=[hbm, dram, peer]"}) {
    const tests::Finished good = run_in(room(), {"validate", "tiered.yaml", "--set", set});
    INFO(set << "\n" << good.err);
    CHECK(good.exit_code == 0);
    CHECK(good.err.empty());
  }
}

TEST_CASE("Every mistake is named with its place and the way out", "[bad_input]") {
  for (const auto& [name, mistake] : mistakes()) {
    const tests::Finished refused = run_in(cases(), arguments_for(mistake));
    const Lines expected = lines_of_file(cases() / (name + ".expect"));
    const Lines said = lines_of(refused.err);
    INFO(mistake.filename() << "\n" << refused.err);
    CHECK(refused.exit_code == 2);
    CHECK(refused.out.empty());
    CHECK_FALSE(expected.empty());
    CHECK(first_missing(expected, said) == "");
    CHECK(errors_in(said) == errors_in(expected));
  }
}

}  // namespace
}  // namespace tiercast
