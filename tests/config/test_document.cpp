#include <memory>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "sim/config/document.hpp"

using namespace tiercast;
using namespace tiercast::config;
using Catch::Contains;

namespace {

Node parsed(const std::string& text) {
  Diagnostics found;
  std::optional<Node> root = parse_document(text, "a.yaml", Origin::scenario, found);
  INFO(text << "\n" << found.render());
  REQUIRE(root);
  REQUIRE_FALSE(found.has_errors());
  return *root;
}

std::string refused(const std::string& text, const DocumentLimits& limits = {}) {
  Diagnostics found;
  parse_document(text, "a.yaml", Origin::scenario, found, limits);
  INFO(text);
  CHECK(found.has_errors());
  return found.render();
}

std::string at(const Node& root, const std::string& path) {
  const Node* node = at_path(root, path);
  REQUIRE(node != nullptr);
  return node->text;
}

Place place(const Node& root, const std::string& path) {
  const Node* node = at_path(root, path);
  REQUIRE(node != nullptr);
  return node->place;
}

std::string repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("every key and value knows its place", "[document]") {
  const Node root = parsed("a: 1\nb:\n  - x\n  - {c: 'q'}\n\xC3\xA9: \"\xC3\xA9\"  # note\n");
  CHECK(place(root, "a") == Place{"a.yaml", 1, 4});
  CHECK(place(root, "b.0") == Place{"a.yaml", 3, 5});
  CHECK(place(root, "b.1.c") == Place{"a.yaml", 4, 9});
  CHECK(root.entries[1].key_place == Place{"a.yaml", 2, 1});
  CHECK(place(root, "\xC3\xA9") == Place{"a.yaml", 5, 4});  // characters, not bytes
  CHECK(at_path(root, "b.1.c")->quoted);
  CHECK_FALSE(at_path(root, "a")->quoted);
}

TEST_CASE("columns stay right on lines of any length", "[document]") {
  const std::string accents = repeat("\xC3\xA9", 400);
  const Node root = parsed("# " + accents + "\n" + accents + ": {" + accents + ": 1, b: 2}\n");
  CHECK(root.entries[0].key_place == Place{"a.yaml", 2, 1});
  CHECK(root.entries[0].value.entries[0].key_place == Place{"a.yaml", 2, 404});
  CHECK(place(root, accents + ".b") == Place{"a.yaml", 2, 404 + 400 + 8});
}

TEST_CASE("an absent value is placed at its key", "[document]") {
  const Node root = parsed("a:\nb: 1\nc: ~\n");
  CHECK(at_path(root, "a")->is_null());
  CHECK(place(root, "a") == Place{"a.yaml", 1, 1});
  CHECK(place(root, "c") == Place{"a.yaml", 3, 4});
}

TEST_CASE("byte order mark and Windows line ends are accepted", "[document]") {
  const Node root = parsed(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: 2\r\n");
  CHECK(at(root, "b") == "2");
  CHECK(place(root, "a") == Place{"a.yaml", 1, 4});
  CHECK(place(root, "b") == Place{"a.yaml", 2, 4});
}

TEST_CASE("aliases are copied with the places of their anchors", "[document]") {
  const Node root = parsed("a: &x {k: 1}\nb: *x\nc: [*x]\n");
  CHECK(at(root, "b.k") == "1");
  CHECK(place(root, "c.0.k") == Place{"a.yaml", 1, 11});
}

TEST_CASE("merges are expanded: explicit keys win, then earlier mappings", "[document]") {
  const Node root = parsed(
      "one: &one {a: 1, b: 1}\n"
      "two: &two {a: 2, c: 2}\n"
      "list:\n  <<: [*one, *two]\n  b: 0\n"
      "late:\n  a: 9\n  <<: *two\n"
      "inline: {<<: {x: 5}, '<<': plain}\n"
      "chain: &chain\n  <<: *one\n  d: 4\n"
      "use: {<<: *chain}\n");
  CHECK(at(root, "list.a") == "1");
  CHECK(at(root, "list.b") == "0");
  CHECK(at(root, "list.c") == "2");
  CHECK(at(root, "late.a") == "9");
  CHECK(at(root, "late.c") == "2");
  CHECK(at(root, "inline.x") == "5");
  CHECK(at(root, "inline.<<") == "plain");
  CHECK(at(root, "use.d") == "4");
  CHECK(at(root, "use.a") == "1");
  CHECK(place(root, "list.c").line == 2);
  CHECK_THAT(refused("a: {<<: 3}\n"), Contains("a.yaml:1:9") && Contains("merges mappings only"));
  CHECK_THAT(refused("a: {<<: [{b: 1}, 3]}\n"), Contains("merges mappings only"));
  CHECK_THAT(refused("a: {<<: {b: 1}, <<: {c: 1}}\n"), Contains("duplicate key `<<`"));
}

TEST_CASE("duplicate keys are refused wherever they stand, all of them", "[document]") {
  const std::string text = refused("a: 1\nb: {c: 1, c: 2}\na: 2\n\"a\": 3\n");
  CHECK_THAT(text, Contains("a.yaml:2:11") && Contains("a.yaml:3:1") && Contains("a.yaml:4:1") &&
                       Contains("first in line 1"));
}

TEST_CASE("one document of plain data is all a file may hold", "[document]") {
  CHECK_THAT(refused("a: 1\n---\nb: 1\n"), Contains("a second document"));
  CHECK_THAT(refused("{a: 1}\nb: 2\n"), Contains("a.yaml:2:1") && Contains("second document"));
  CHECK_THAT(refused("- a\nb: 1\n"), Contains("a.yaml:2:1"));
  CHECK_THAT(refused("a: !!int 3\n"), Contains("a.yaml:1:4") && Contains("tags"));
  CHECK_THAT(refused("a: !secret x\n"), Contains("tags"));
  CHECK_THAT(refused("a: !!map {b: 1}\n"), Contains("tags"));
  CHECK_THAT(refused("%YAML 1.2\n---\na: 1\n"), Contains("a.yaml:1:1") && Contains("directives"));
  CHECK_THAT(refused("# hello\n%FOO\n---\na: 1\n"), Contains("a.yaml:2:1"));
  CHECK(at(parsed("--- \na: 1\n...\n"), "a") == "1");
}

TEST_CASE("keys are text", "[document]") {
  CHECK_THAT(refused("? [1]\n: 2\n"), Contains("a.yaml:1:3") && Contains("a key must be text"));
  CHECK_THAT(refused("{{a: 1}: 2}\n"), Contains("a key must be text"));
  CHECK_THAT(refused(": 1\n"), Contains("a key must be text"));
  CHECK_THAT(refused("~: 1\n"), Contains("a key must be text"));
  CHECK_THAT(refused("\"\": 1\n"), Contains("a key must be text"));
  CHECK_THAT(refused("x: &a k\n*a : 1\n"), Contains("an alias cannot be a key"));
}

TEST_CASE("nothing to read is said", "[document]") {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "...\n", "~\n"}) {
    CHECK_THAT(refused(text), Contains("a.yaml: error: the document is empty"));
  }
}

TEST_CASE("syntax errors are explained at their place", "[document]") {
  CHECK_THAT(refused("a: b: c\n"), Contains("a.yaml:1:5") && Contains("no mapping can begin"));
  CHECK_THAT(refused("a: 1\n  b: 2\n"), Contains("a.yaml:2:4") && Contains("indentation"));
  CHECK_THAT(refused("a: [1, 2\nb: 3\n"), Contains("never closed"));
  CHECK_THAT(refused("a: {b: 1\n"), Contains("never closed"));
  CHECK_THAT(refused("a: 1}\n]\n"), Contains("closing bracket"));
  CHECK_THAT(refused("a: - b\n"), Contains("no list can begin"));
  CHECK_THAT(refused("a: @x\n"), Contains("quote the text"));
  CHECK_THAT(refused("a: \"\\q\"\n"), Contains("a.yaml:1:7") && Contains("not valid YAML"));
  CHECK_THAT(refused("a: *nope\n"), Contains("no anchor of this name"));
  CHECK_THAT(refused("a: &x [*x]\n"), Contains("inside of what it names"));
}

TEST_CASE("unclosed quotes are found, which yaml-cpp closes silently", "[document]") {
  CHECK_THAT(refused("a: 'x\n"), Contains("a.yaml:1:4") && Contains("never closed"));
  CHECK_THAT(refused("a: \"x\nb: 2\n"), Contains("a.yaml:1:4") && Contains("never closed"));
  CHECK_THAT(refused("'a: 1\n"), Contains("never closed"));
  CHECK_THAT(refused("a: \"x\\\"\n"), Contains("never closed"));
  CHECK(at(parsed("a: 'it''s'\n"), "a") == "it's");
  CHECK(at(parsed("a: \"q\\\\\"\n"), "a") == "q\\");
  CHECK(at(parsed("a: '\"'\n"), "a") == "\"");
}

TEST_CASE("bytes that are no text are refused with their place", "[document]") {
  CHECK_THAT(refused(std::string("a: x\0y\n", 7)), Contains("a.yaml:1:5") && Contains("control"));
  CHECK_THAT(refused("a: 1\nb: \xFF\n"), Contains("a.yaml:2:4") && Contains("UTF-8"));
  CHECK_THAT(refused("a: \xC0\xAF\n"), Contains("UTF-8"));
  CHECK_THAT(refused("a: \x1b[31m\n"), Contains("control character"));
  CHECK_THAT(refused("a: 1\rb: 2\n"), Contains("a.yaml:1:5") && Contains("carriage return"));
  CHECK_THAT(refused("\xFF\xFE"
                     "a"),
             Contains("UTF-8"));
}

TEST_CASE("tabs do not indent", "[document]") {
  CHECK_THAT(refused("a:\n\tb: 1\n"), Contains("a.yaml:2:1") && Contains("indent with spaces"));
  CHECK_THAT(refused("a:\n  \tb: 1\n"), Contains("a.yaml:2:3"));
  CHECK(at(parsed("a: 1\t# note\n"), "a") == "1");
}

TEST_CASE("hostile documents are refused without cost", "[document]") {
  CHECK_THAT(refused(repeat("[", 100'000)), Contains("never closed"));
  CHECK_THAT(refused(repeat("[", 100'000) + repeat("]", 100'000)), Contains("levels deep"));
  CHECK_THAT(refused(repeat("{a: ", 10'000)), Contains("never closed"));
  CHECK_THAT(refused(repeat("{a: ", 10'000) + repeat("}", 10'000)), Contains("levels deep"));
  CHECK_THAT(refused(repeat("- ", 10'000)), Contains("levels deep"));
  CHECK_THAT(refused(repeat("? ", 10'000)), Contains("a key must be text"));
  CHECK_THAT(refused("a: " + std::string(2'000'000, 'x')), Contains("larger than"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below +
            repeat(", " + below, 8) + "]\n";
  }
  CHECK_THAT(refused(bomb), Contains("too large once its aliases are expanded"));
  CHECK_THAT(
      refused("x: &x " + std::string(10'000, 'y') + "\nz: [" + repeat("*x, ", 2'000) + "]\n"),
      Contains("too large"));
}

TEST_CASE("limits are exact", "[document]") {
  CHECK(parse_document("[[1]]", "a", Origin::scenario, *std::make_unique<Diagnostics>(),
                       {.depth = 2}));
  CHECK_THAT(refused("[[[1]]]", {.depth = 2}), Contains("more than 2 levels"));
  Diagnostics found;
  CHECK(parse_document("a: 12", "a", Origin::scenario, found, {.bytes = 5}));
  CHECK_FALSE(parse_document("a: 123", "a", Origin::scenario, found, {.bytes = 5}));
}

TEST_CASE("files that cannot be read are reported", "[document]") {
  Diagnostics found;
  CHECK_FALSE(read_document("/nonexistent/a.yaml", Origin::scenario, found));
  CHECK_FALSE(read_document("/", Origin::scenario, found));
  CHECK(found.error_count() == 2);
}
