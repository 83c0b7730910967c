#include <algorithm>
#include <functional>

#include "tests/tidy/rooms.hpp"
#include "tests/tidy/rules.hpp"

namespace tiercast::tidy {
namespace {

using Check = std::function<std::string(const SourceFile&, const Include&)>;

// Every include of every code file for which `check` has something to say.
Findings each_include(const Tree& tree, const Check& check) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!is_code(file)) continue;
    for (const Include& include : includes_of(file)) {
      std::string message = check(file, include);
      if (!message.empty()) findings.push_back({file.path, include.line, std::move(message)});
    }
  }
  return findings;
}

bool is_standard(std::string_view header) {
  if (header.find_first_of("./") == std::string_view::npos) return true;
  static const std::vector<std::string_view> c_headers = {
      "assert.h", "errno.h",  "float.h",    "inttypes.h", "limits.h",
      "math.h",   "signal.h", "stdalign.h", "stdbool.h",  "stddef.h",
      "stdint.h", "stdio.h",  "stdlib.h",   "string.h",   "time.h"};
  return std::find(c_headers.begin(), c_headers.end(), header) != c_headers.end();
}

std::string floor_violation(const SourceFile& file, const Include& include) {
  const Room* from = room_of(file.path);
  const Room* to = room_of(include.target);
  if (include.angled || from == nullptr || to == nullptr || from == to) return {};
  // Rooms stand in one array from the ground up, so a later address is a room further up.
  if (to->floor < from->floor || (to->floor == from->floor && to < from)) return {};
  return std::string(from->name) + " may not include " + std::string(to->name) +
         (to->floor > from->floor ? ", which is on a higher floor"
                                  : ", which comes after it on the same floor");
}

std::string sim_knows_models(const SourceFile& file, const Include& include) {
  if (!file.path.starts_with("sim/") || file.path.starts_with("sim/cli/")) return {};
  if (!include.target.starts_with("models/")) return {};
  return "sim knows nothing of models; only sim/cli sees both";
}

// The C headers of the contract include one another as they lie once installed: side by side.
bool beside_contract(const SourceFile& file, const Include& include) {
  return file.path.starts_with("models/policy/tierpolicy") && file.path.ends_with(".h") &&
         include.target.starts_with("tierpolicy");
}

std::string policy_leans(const SourceFile& file, const Include& include) {
  if (!file.path.starts_with("models/policy/")) return {};
  if (include.angled && is_standard(include.target)) return {};
  if (!include.angled && include.target.starts_with("models/policy/")) return {};
  // Installed, the contract is a header like any other: the example plug-in includes it so.
  if (include.angled && include.target == "tierpolicy.h") return {};
  if (beside_contract(file, include)) return {};
  return "the policy library includes nothing but the standard library and itself, not " +
         include.target;
}

std::string unrooted(const SourceFile& file, const Include& include) {
  static const std::vector<std::string_view> tops = {"sim/", "models/", "reports/", "tests/"};
  if (include.angled || starts_with_any(include.target, tops)) return {};
  if (beside_contract(file, include)) return {};
  // A project of its own, which sees no source tree but the installed policy library.
  if (file.path.starts_with("tests/production/manager/")) return {};
  return "write the path from the root: " + include.target;
}

std::string third_party_in_header(const SourceFile& file, const Include& include) {
  if (!is_header(file) || file.path.starts_with("tests/")) return {};
  if (!include.angled || is_standard(include.target)) return {};
  if (include.target == "nlohmann/json_fwd.hpp") return {};
  return "third-party and system headers stay in .cpp files: " + include.target;
}

std::string tests_in_product(const SourceFile& file, const Include& include) {
  if (file.path.starts_with("tests/") || !include.target.starts_with("tests/")) return {};
  return "the product does not include its tests";
}

// Libraries that one room hides from all others.
std::string away_from_home(const SourceFile& file, const Include& include) {
  struct Home {
    std::string_view header;
    std::string_view room;
  };
  static const std::vector<Home> homes = {{"yaml-cpp/", "sim/config/"},
                                          {"boost/program_options", "sim/config/"},
                                          {"boost/graph/", "sim/resources/"},
                                          {"CLI/", "sim/cli/"}};
  if (!include.angled || file.path.starts_with("tests/")) return {};
  for (const Home& home : homes) {
    if (include.target.starts_with(home.header) && !file.path.starts_with(home.room)) {
      return "only " + std::string(home.room) + " meets " + std::string(home.header);
    }
  }
  return {};
}

Findings floors(const Tree& tree) { return each_include(tree, floor_violation); }
Findings sim_without_models(const Tree& tree) { return each_include(tree, sim_knows_models); }
Findings policy_alone(const Tree& tree) { return each_include(tree, policy_leans); }
Findings rooted_includes(const Tree& tree) { return each_include(tree, unrooted); }
Findings headers_clean(const Tree& tree) { return each_include(tree, third_party_in_header); }
Findings no_tests_inside(const Tree& tree) { return each_include(tree, tests_in_product); }
Findings libraries_at_home(const Tree& tree) { return each_include(tree, away_from_home); }

// A room without the line is another rule's finding.
Findings listed_dependencies(const Tree& tree) {
  return each_include(tree, [&](const SourceFile& file, const Include& include) -> std::string {
    const Room* from = room_of(file.path);
    const Room* to = room_of(include.target);
    if (include.angled || from == nullptr || to == nullptr || from == to) return {};
    const SourceFile* readme = readme_of(tree, *from);
    const auto listed = readme == nullptr ? std::nullopt : depends_line(*readme);
    if (!listed) return {};
    if (std::find(listed->names.begin(), listed->names.end(), to->name) != listed->names.end()) {
      return {};
    }
    return std::string(from->path) + "/README.md does not list " + std::string(to->name) +
           " under \"May depend on:\"";
  });
}

}  // namespace

std::vector<Rule> include_rules() {
  return {{"includes point down the floors", floors},
          {"includes go to rooms that the README lists", listed_dependencies},
          {"sim does not know models", sim_without_models},
          {"the policy library stands alone", policy_alone},
          {"includes are written from the root", rooted_includes},
          {"headers show no third party", headers_clean},
          {"the product does not include tests", no_tests_inside},
          {"libraries stay in their room", libraries_at_home}};
}

}  // namespace tiercast::tidy
