#include <string>

#include <catch2/catch.hpp>

#include "tests/support/paths.hpp"
#include "tests/tidy/rules.hpp"

namespace tiercast::tidy {
namespace {

std::string describe(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += finding.path + ":" + std::to_string(finding.line) + ": " + finding.message + "\n";
  }
  return text;
}

TEST_CASE("The repository keeps the house rules", "[tidy]") {
  static const Tree tree = read_tree(tests::source_dir());
  REQUIRE(tree.size() > 20);
  for (const Rule& rule : all_rules()) {
    DYNAMIC_SECTION(rule.name) {
      const Findings findings = rule.check(tree);
      INFO(describe(findings));
      CHECK(findings.empty());
    }
  }
}

}  // namespace
}  // namespace tiercast::tidy
