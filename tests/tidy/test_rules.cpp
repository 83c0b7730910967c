// Each rule must find the fault in a sample that has it, at its line, and nothing in a sound one.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/tidy/rules.hpp"

namespace tiercast::tidy {
namespace {

struct Text {
  std::string path;
  std::string text;
};

struct Sample {
  std::string rule;
  std::vector<Text> files;
  std::vector<std::string> expected;  // "path:line"; empty for a sound sample
};

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<Sample> include_samples() {
  const std::string floors = "includes point down the floors";
  const std::string listed = "includes go to rooms that the README lists";
  const std::string models = "sim does not know models";
  const std::string policy = "the policy library stands alone";
  const std::string rooted = "includes are written from the root";
  const std::string headers = "headers show no third party";
  const std::string product = "the product does not include tests";
  const std::string home = "libraries stay in their room";
  const Text readme = {"sim/engine/README.md", "# engine\n\nMay depend on: `base`.\n"};
  return {
      {floors,
       {{"models/kvstore/a.cpp", "#include <vector>\n#include \"models/tiering/b.hpp\"\n"}},
       {"models/kvstore/a.cpp:2"}},
      {floors, {{"sim/config/a.hpp", "#include \"sim/engine/b.hpp\"\n"}}, {"sim/config/a.hpp:1"}},
      {floors, {{"sim/engine/a.hpp", "#include \"sim/config/b.hpp\"\n"}}, {}},
      {floors, {{"models/tiering/a.cpp", "#include \"models/kvstore/b.hpp\"\n"}}, {}},
      {listed,
       {readme,
        {"sim/engine/a.cpp", "#include \"sim/engine/a.hpp\"\n#include \"sim/config/b.hpp\"\n"}},
       {"sim/engine/a.cpp:2"}},
      {listed, {readme, {"sim/engine/a.cpp", "#include \"sim/base/units.hpp\"\n"}}, {}},
      {models,
       {{"sim/study/a.cpp", "\n#include \"models/policy/tierpolicy.h\"\n"}},
       {"sim/study/a.cpp:2"}},
      {models, {{"sim/cli/a.cpp", "#include \"models/scenario/b.hpp\"\n"}}, {}},
      {policy,
       {{"models/policy/a.cpp", "#include \"sim/base/hash.hpp\"\n"}},
       {"models/policy/a.cpp:1"}},
      {policy,
       {{"models/policy/a.cpp", "#include <fmt/core.h>\n#include <fmt>\n"}},
       {"models/policy/a.cpp:1"}},
      {policy,
       {{"models/policy/a.h", "#include <stdint.h>\n#include \"models/policy/tierpolicy.h\"\n"},
        {"models/policy/tierpolicy_a.h", "#include \"tierpolicy.h\"\n"}},
       {}},
      {rooted, {{"sim/engine/a.cpp", "#include \"event_queue.hpp\"\n"}}, {"sim/engine/a.cpp:1"}},
      {rooted, {{"tests/production/manager/a.cpp", "#include \"pool.hpp\"\n"}}, {}},
      {rooted, {{"models/policy/tierpolicy_a.h", "#include \"tierpolicy.h\"\n"}}, {}},
      {rooted, {{"models/policy/a.hpp", "#include \"tierpolicy.h\"\n"}}, {"models/policy/a.hpp:1"}},
      {headers,
       {{"sim/base/a.hpp", "#pragma once\n#include <fmt/core.h>\n"}},
       {"sim/base/a.hpp:2"}},
      {headers, {{"sim/base/a.hpp", "#include <unistd.h>\n"}}, {"sim/base/a.hpp:1"}},
      {headers,
       {{"reports/a.hpp", "#include <cstdint>\n#include <nlohmann/json_fwd.hpp>\n"},
        {"reports/a.cpp", "#include <nlohmann/json.hpp>\n"}},
       {}},
      {product,
       {{"sim/base/a.cpp", "#include \"tests/support/paths.hpp\"\n"}},
       {"sim/base/a.cpp:1"}},
      {product, {{"tests/base/a.cpp", "#include \"tests/support/paths.hpp\"\n"}}, {}},
      {home,
       {{"models/workload/a.cpp", "#include <yaml-cpp/yaml.h>\n"}},
       {"models/workload/a.cpp:1"}},
      {home, {{"sim/config/a.cpp", "#include <yaml-cpp/yaml.h>\n"}}, {}},
  };
}

std::vector<Sample> room_samples() {
  const std::string readmes = "each room has a README with its dependencies";
  const std::string lines = "README dependencies are rooms below";
  const std::string linked = "the build links what the README lists";
  const std::string known = "each folder of code is a known room";
  const std::string sizes = "no code file is over 400 lines";
  const std::string guards = "headers are included once";
  const std::string sources = "catalogue files name their sources";
  return {
      {readmes, {{"sim/base/a.hpp", "#pragma once\n"}}, {"sim/base/README.md:0"}},
      {readmes,
       {{"sim/base/a.hpp", "#pragma once\n"}, {"sim/base/README.md", "# base\nDepends: x\n"}},
       {"sim/base/README.md:0"}},
      {readmes,
       {{"sim/base/a.hpp", ""}, {"sim/base/README.md", "# base\nMay depend on: nothing\n"}},
       {}},
      {lines, {{"sim/config/README.md", "\nMay depend on: bass\n"}}, {"sim/config/README.md:2"}},
      {lines,
       {{"sim/config/README.md", "May depend on: base, study\n"}},
       {"sim/config/README.md:1"}},
      {lines, {{"models/llm/README.md", "May depend on: base, config, hardware.\n"}}, {}},
      {linked,
       {{"sim/config/README.md", "May depend on: base\n"},
        {"CMakeLists.txt", "\ntiercast_room(config sim/config LIBS yaml-cpp)\n"}},
       {"CMakeLists.txt:2"}},
      {linked,
       {{"sim/cli/README.md", "May depend on: base\n"},
        {"CMakeLists.txt", "tiercast_room(cli sim/cli DEPENDS\n  base study LIBS x)\n"}},
       {"CMakeLists.txt:1"}},
      {linked,
       {{"sim/config/README.md", "May depend on: base\n"}, {"CMakeLists.txt", "\n"}},
       {"CMakeLists.txt:0"}},
      {linked,
       {{"sim/cli/README.md", "May depend on: base, study\n"},
        {"CMakeLists.txt", "tiercast_room(cli sim/cli DEPENDS study\n  base build_info LIBS x)\n"}},
       {}},
      {known, {{"models/magic/a.cpp", ""}, {"models/magic/b.cpp", ""}}, {"models/magic:0"}},
      {known, {{"sim/base/deep/a.cpp", ""}}, {"sim/base/deep:0"}},
      {known, {{"sim/base/a.cpp", ""}, {"tests/any/a.cpp", ""}}, {}},
      {sizes, {{"sim/base/a.cpp", repeated("int x();\n", 401)}}, {"sim/base/a.cpp:401"}},
      {sizes, {{"sim/base/a.cpp", repeated("int x();\n", 400)}}, {}},
      {guards, {{"sim/base/a.hpp", "#ifndef A\n"}}, {"sim/base/a.hpp:1"}},
      {guards, {{"models/policy/a.h", "int x(void);\n"}}, {"models/policy/a.h:1"}},
      {guards, {{"sim/base/a.hpp", "// why\n#pragma once\n"}, {"a.h", "#ifndef A_H\n"}}, {}},
      {sources, {{"configs/gpu/x.yaml", "watts: 700W\nresource: 1\n"}}, {"configs/gpu/x.yaml:0"}},
      {sources, {{"configs/gpu/x.yaml", "watts: {value: 700W, source: datasheet}\n"}}, {}},
      {sources, {{"configs/policies/x.yaml", "eviction: lru\nsources:\n  eviction: a.py\n"}}, {}},
  };
}

std::vector<Sample> text_samples() {
  const std::string unfinished = "nothing is left unfinished";
  const std::string random = "randomness is our own";
  const std::string clock = "no clock inside a run";
  const std::string hash = "no hash order inside a run";
  const std::string thread = "no threads inside a run";
  const std::string places = "no place of one machine is named";
  // In halves, so that searches for the words themselves find real ones only.
  const std::string to_do = std::string("TO") + "DO";
  const std::string work = "work";
  const std::string root = "root";
  const std::string debian = std::string("debian") + ".org";
  const std::string blanks = "no tabs or stray blanks";
  return {
      {unfinished, {{"sim/base/a.cpp", "int x;\n// " + to_do + ": more\n"}}, {"sim/base/a.cpp:2"}},
      {unfinished, {{"README.md", to_do + "\n"}}, {"README.md:1"}},
      {unfinished, {{"README.md", "AUTO" + to_do + " " + to_do + "S\n"}}, {}},
      {random, {{"models/llm/a.cpp", "std::mt19937 engine(1);\n"}}, {"models/llm/a.cpp:1"}},
      {random, {{"tests/llm/a.cpp", "\nstd::random_device d;\n"}}, {"tests/llm/a.cpp:2"}},
      {random,
       {{"sim/base/a.cpp", "std::vector<int> v; std::uniform_int_distribution<int> d;\n"}},
       {"sim/base/a.cpp:1"}},
      {random, {{"sim/base/a.cpp", "// unlike std::mt19937\nLengthDistribution d;\n"}}, {}},
      {clock,
       {{"sim/engine/a.cpp", "auto t = std::chrono::steady_clock::now();\n"}},
       {"sim/engine/a.cpp:1"}},
      {clock, {{"sim/cli/a.cpp", "auto t = std::chrono::steady_clock::now();\n"}}, {}},
      {hash, {{"models/llm/a.cpp", "std::unordered_map<int, int> m;\n"}}, {"models/llm/a.cpp:1"}},
      {hash, {{"reports/a.cpp", "std::unordered_map<int, int> m;\n"}}, {}},
      {thread, {{"sim/engine/a.cpp", "std::jthread worker;\n"}}, {"sim/engine/a.cpp:1"}},
      {thread, {{"sim/cli/a.cpp", "std::jthread worker;\n"}}, {}},
      {places, {{"README.md", "look in /" + work + "/shared\n"}}, {"README.md:1"}},
      {places, {{"CMakeLists.txt", "set(X /" + root + "/x)\n"}}, {"CMakeLists.txt:1"}},
      {places, {{"a.sh", "apt from http://deb." + debian + "/debian\n"}}, {"a.sh:1"}},
      {places, {{"README.md", "https://example.org/" + work + "/paper\n"}}, {}},
      {blanks, {{"a.md", "one\n\ttwo\nthree \nfour"}}, {"a.md:2", "a.md:3", "a.md:4"}},
      {blanks, {{"a.md", "one\n\n  two\n"}}, {}},
  };
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const auto& some : {include_samples(), room_samples(), text_samples()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

const Rule& rule_named(const std::vector<Rule>& rules, const std::string& name) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.name == name; });
  REQUIRE(found != rules.end());
  return *found;
}

TEST_CASE("A rule finds its fault and nothing else", "[tidy]") {
  const std::vector<Rule> rules = all_rules();
  for (const Sample& sample : samples()) {
    Tree tree;
    for (const Text& file : sample.files) tree.push_back(make_file(file.path, file.text));
    std::vector<std::string> found;
    for (const Finding& finding : rule_named(rules, sample.rule).check(tree)) {
      found.push_back(finding.path + ":" + std::to_string(finding.line));
      CHECK_FALSE(finding.message.empty());
    }
    INFO(sample.rule << ": " << sample.files.front().path << "\n" << sample.files.back().text);
    CHECK(found == sample.expected);
  }
}

TEST_CASE("Every rule has a sample that breaks it and one that keeps it", "[tidy]") {
  std::set<std::string> broken;
  std::set<std::string> kept;
  for (const Sample& sample : samples())
    (sample.expected.empty() ? kept : broken).insert(sample.rule);
  for (const Rule& rule : all_rules()) {
    INFO(rule.name);
    CHECK(broken.count(std::string(rule.name)) == 1);
    CHECK(kept.count(std::string(rule.name)) == 1);
  }
}

}  // namespace
}  // namespace tiercast::tidy
