#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/diagnostics.hpp"

using namespace tiercast;

TEST_CASE("a diagnostic shows its line with a caret and its hint", "[diagnostics]") {
  Diagnostics found;
  found.add_source("a.yaml", "name: x\nspeed: 3 furlongs\n");
  found.error({"a.yaml", 2, 8}, "unknown unit", "write 3GB/s");
  CHECK(found.render() ==
        "a.yaml:2:8: error: unknown unit\n"
        " 2 | speed: 3 furlongs\n"
        "   |        ^\n"
        "  hint: write 3GB/s\n");
}

TEST_CASE("diagnostics come in order of place, repeats once", "[diagnostics]") {
  Diagnostics found;
  found.error({"b.yaml", 1, 1}, "third");
  found.error({"a.yaml", 10, 1}, "second");
  found.warning({"a.yaml", 9, 7}, "first");
  found.error({"a.yaml", 10, 1}, "second");
  const std::vector<Diagnostic> all = found.sorted();
  REQUIRE(all.size() == 3);
  CHECK(all[0].message == "first");
  CHECK(all[1].message == "second");
  CHECK(all[2].message == "third");
  CHECK(found.error_count() == 3);
  CHECK(found.warning_count() == 1);
}

TEST_CASE("only a screenful is shown and memory is bounded", "[diagnostics]") {
  Diagnostics found;
  for (int line = 1; line <= 5000; ++line) found.error({"t.csv", line, 0}, "bad line");
  CHECK(found.error_count() == 5000);
  CHECK(found.sorted().size() == Diagnostics::kKept);
  const std::string text = found.render({.limit = 3});
  CHECK_THAT(text, Catch::Contains("t.csv:3: error") && !Catch::Contains("t.csv:4:"));
  CHECK_THAT(text, Catch::EndsWith("... and 4997 more\n"));
}

TEST_CASE("excerpts scroll to the caret and hide control characters", "[diagnostics]") {
  Diagnostics found;
  std::string wide(500, 'x');
  wide[399] = '!';
  found.add_source("w", wide);
  found.error({"w", 1, 400}, "here");
  const std::string text = found.render();
  const std::size_t shown = text.find('!');
  const std::size_t caret = text.find('^');
  REQUIRE(shown != std::string::npos);
  REQUIRE(caret != std::string::npos);
  const auto column = [&](std::size_t at) { return at - text.rfind('\n', at); };
  CHECK(column(shown) == column(caret));

  Diagnostics rude;
  rude.add_source("r", "a\x1b[31mb\xff\tc\r\n");
  rude.error({"r", 1, 1}, "bell \a");
  CHECK(rude.render() == "r:1:1: error: bell ?\n 1 | a?[31mb? c\n   | ^\n");
}

TEST_CASE("a place may be a whole file or outside of its text", "[diagnostics]") {
  Diagnostics found;
  found.add_source("a", "one\n");
  found.error({"a", 0, 0}, "whole");
  found.error({"a", 99, 5}, "beyond");
  found.error({"", 0, 0}, "nowhere");
  CHECK(found.render() == "error: nowhere\na: error: whole\na:99:5: error: beyond\n");
}

TEST_CASE("columns count characters, so carets stand under accented text", "[diagnostics]") {
  Diagnostics found;
  found.add_source("a", "\xC3\xA9\xC3\xA9: 1");
  found.error({"a", 1, 3}, "colon");
  CHECK_THAT(found.render(), Catch::Contains(" 1 | \xC3\xA9\xC3\xA9: 1\n   |   ^\n"));
}

TEST_CASE("edit distance counts changes, gaps and swaps", "[text]") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("bandwith", "bandwidth") == 1);
  CHECK(edit_distance("tiesr", "tiers") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("HBM", "hbm") == 0);
  CHECK(edit_distance("ca", "abc") == 3);  // restricted: no edits inside a swapped pair
  CHECK(edit_distance(std::string(100, 'a'), "a") > 1000);
}

TEST_CASE("only slips are taken for a name", "[text]") {
  const std::vector<std::string> names = {"latency", "bandwidth", "id", "gpus", "gpu"};
  CHECK(nearest_name("bandwith", names) == "bandwidth");
  CHECK(nearest_name("latencyy", names) == "latency");
  CHECK(nearest_name("gpux", names) == "gpus");
  CHECK(nearest_name("price", names).empty());
  CHECK(nearest_name("x", names).empty());
  CHECK(nearest_name("", names).empty());
  CHECK_THAT(name_hint("price", names), Catch::Contains("latency, bandwidth, id, gpus, gpu"));
}

TEST_CASE("what begins a single name is taken for it", "[text]") {
  const std::vector<std::string> names = {"doca-memos", "nfs-rdma", "nfs-tcp"};
  CHECK(nearest_name("doca", names) == "doca-memos");
  CHECK(nearest_name("NFS-R", names) == "nfs-rdma");
  CHECK(nearest_name("nfs", names).empty());
  CHECK(nearest_name("do", names).empty());
  CHECK(nearest_name("memos", names).empty());
}

TEST_CASE("utf-8 is told from other bytes", "[text]") {
  CHECK(utf8_length("a") == 1);
  CHECK(utf8_length("\xC3\xA9") == 2);
  CHECK(utf8_length("\xE2\x82\xAC") == 3);
  CHECK(utf8_length("\xF0\x9F\x98\x80") == 4);
  CHECK(utf8_length("\xC0\xAF") == 0);          // overlong
  CHECK(utf8_length("\xE0\x80\xAF") == 0);      // overlong
  CHECK(utf8_length("\xED\xA0\x80") == 0);      // surrogate
  CHECK(utf8_length("\xF4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(utf8_length("\xE2\x82") == 0);          // cut short
  CHECK(utf8_length("\x80") == 0);
}
