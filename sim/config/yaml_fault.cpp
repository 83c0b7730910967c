#include "sim/config/yaml_fault.hpp"

#include <array>

#include "sim/base/text.hpp"

namespace tiercast::config {
namespace {

struct Explanation {
  std::string_view said;
  std::string_view message;
  std::string_view hint;
  char unclosed = 0;
};
constexpr std::array kExplanations = {
    Explanation{"illegal map value", "a `:` where no mapping can begin",
                "check the indentation, or quote text that contains `: `"},
    Explanation{"illegal block entry", "a `-` where no list can begin",
                "put each list entry on a line of its own, or write [a, b]"},
    Explanation{"illegal flow end", "a closing bracket without an opening one", ""},
    Explanation{"end of sequence flow not found", "the list that opens with `[` is never closed",
                "add the missing `]`, or a comma where a line ends", '['},
    Explanation{"end of map flow not found", "the mapping that opens with `{` is never closed",
                "add the missing `}`, or a comma where a line ends", '{'},
    Explanation{"end of map not found", "this does not continue the mapping above",
                "check the indentation, and that `key: value` has a single value"},
    Explanation{"end of sequence not found", "this does not continue the list above",
                "check the indentation"},
    Explanation{"illegal EOF in scalar", "a quote above is never closed", "add the closing quote"},
    Explanation{"unknown token", "this character cannot begin a value", "quote the text"},
    Explanation{"the referenced anchor is not defined", "no anchor of this name is defined above",
                "define it with &name before using *name"},
};

}  // namespace

YamlFault in_plain_words(std::string_view said) {
  for (const Explanation& known : kExplanations) {
    if (said == known.said) {
      return {std::string(known.message), std::string(known.hint), known.unclosed};
    }
  }
  return {"not valid YAML: " + printable(said), {}, 0};
}

}  // namespace tiercast::config
