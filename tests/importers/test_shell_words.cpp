// Command lines as a shell parts them.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/importers/shell_words.hpp"

namespace tiercast::importers {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
  Diagnostics found;
  Words words;
  for (const ShellWord& word : shell_words(text, "line", found)) words.push_back(word.text);
  INFO(found.render());
  CHECK_FALSE(found.has_errors());
  return words;
}

TEST_CASE("Words are parted as POSIX has it", "[importers]") {
  CHECK(words_of("").empty());
  CHECK(words_of("  a\tb \n c\r\n") == Words{"a", "b", "c"});
  CHECK(words_of(R"(a'b c'd "e f" \  '' "")") == Words{"ab cd", "e f", " ", "", ""});
  CHECK(words_of(R"('a"b' "a'b" "\"\\\$\`\n" a\"b)") == Words{"a\"b", "a'b", "\"\\$`\\n", "a\"b"});
  CHECK(words_of("a \\\n b\\\r\n c \\") == Words{"a", "b", "c"});
  CHECK(words_of("\"a\\\nb\"") == Words{"ab"});
  CHECK(words_of("a # b c\nd e#f") == Words{"a", "d", "e#f"});
  CHECK(words_of("a|b && c>d") == Words{"a", "|", "b", "&", "&", "c", ">", "d"});
  CHECK(words_of("'a|b' \"c;d\" e\\&f") == Words{"a|b", "c;d", "e&f"});
}

TEST_CASE("Places, expansions and quotes left open are told", "[importers]") {
  Diagnostics found;
  const auto words = shell_words("a\n  '\xC3\xA9 $x' b $y \"`z`\" '\\$w'", "line", found);
  REQUIRE(words.size() == 6);
  CHECK(words[1].place == Place{"line", 2, 3});
  CHECK(words[2].place == Place{"line", 2, 10});
  const std::vector<bool> expands = {false, false, false, true, true, false};
  for (std::size_t i = 0; i < words.size(); ++i) CHECK(words[i].expands == expands[i]);
  CHECK_FALSE(found.has_errors());
  for (const char* open : {"a 'b", "a \"b", "a \"b\\\"", "'"}) {
    Diagnostics faults;
    shell_words(open, "line", faults);
    INFO(open);
    CHECK(faults.error_count() == 1);
  }
}

TEST_CASE("Assignments before a command are told from other words", "[importers]") {
  for (const char* good : {"A=1", "_a=", "VLLM_USE_V1=0", "a1=b=c"}) CHECK(is_assignment(good));
  for (const char* bad : {"", "=", "=a", "1a=b", "--a=b", "a-b=c", "a"}) {
    INFO(bad);
    CHECK_FALSE(is_assignment(bad));
  }
}

}  // namespace
}  // namespace tiercast::importers
