#include "models/importers/launch_line.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <utility>

#include "models/importers/json_text.hpp"
#include "models/importers/shell_words.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

struct KnownFlag {
  std::string name;
  Takes takes = Takes::one;
  const char* unmodelled = nullptr;
  bool idle = false;
};

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::map<std::string, KnownFlag> index_of(const EngineFlags& engine) {
  std::map<std::string, KnownFlag> known;
  const auto idle = [&known](std::string_view names, Takes takes) {
    for (const std::string& name : words_of(names)) known[name] = {name, takes, nullptr, true};
  };
  idle(engine.idle_switches, Takes::truth);
  idle(engine.idle_values, Takes::one);
  idle(engine.idle_lists, Takes::many);
  for (const Flag& flag : engine.flags) {
    const KnownFlag entry{flag.name, flag.takes, flag.unmodelled, false};
    known[flag.name] = entry;
    for (const char* other : flag.also) known[other] = entry;
  }
  return known;
}

bool is_number(std::string_view word) {
  double value = 0;
  const auto [stop, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
  return fault == std::errc{} && stop == word.data() + word.size();
}

bool is_flag(const ShellWord& word) {
  return word.text.size() > 1 && word.text.front() == '-' && !is_number(word.text);
}

bool is_truth(std::string_view word) {
  return equal_ignoring_case(word, "true") || equal_ignoring_case(word, "false");
}

/// Where the engine's own arguments begin.
std::size_t program_end(const std::vector<ShellWord>& words, std::string_view programs) {
  std::size_t end = 0;
  while (end < words.size() && is_assignment(words[end].text)) ++end;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (const std::string& program : words_of(programs)) {
      const std::size_t plus = program.find('+');
      const std::string first = program.substr(0, plus);
      const std::string base = words[i].text.substr(words[i].text.find_last_of('/') + 1);
      const bool named = base == first || base.starts_with(first + ":");
      if (!named || words[i].control) continue;
      if (plus == std::string::npos) {
        end = std::max(end, i + 1);
      } else if (i + 1 < words.size() && words[i + 1].text == program.substr(plus + 1)) {
        end = std::max(end, i + 2);
      }
    }
  }
  return end;
}

class LineReader {
 public:
  LineReader(std::vector<ShellWord> words, const EngineFlags& engine, Diagnostics& found)
      : words_(std::move(words)), known_(index_of(engine)), found_(found) {
    at_ = program_end(words_, engine.programs);
    for (std::size_t i = 0; i < at_; ++i) take_assignment(words_[i].text);
  }

  LaunchLine read() {
    while (at_ < words_.size()) {
      const ShellWord& word = words_[at_++];
      if (word.control) {
        found_.warning(word.place, "what follows " + quote(word.text) + " is left out");
        break;
      }
      if (is_flag(word)) {
        flag(word);
      } else if (is_assignment(word.text) && line_.flags.empty() && line_.words.empty()) {
        take_assignment(word.text);
      } else {
        line_.words.push_back(word.text);
      }
    }
    return std::move(line_);
  }

 private:
  void take_assignment(const std::string& word) {
    if (!is_assignment(word)) return;
    const std::size_t equals = word.find('=');
    line_.environment[word.substr(0, equals)] = word.substr(equals + 1);
  }

  const KnownFlag* find(const std::string& name) const {
    const auto found = known_.find(name);
    return found == known_.end() ? nullptr : &found->second;
  }

  void flag(const ShellWord& word) {
    const std::size_t dashes = word.text.find_first_not_of('-');
    const std::size_t equals = word.text.find('=');
    std::string name = word.text.substr(std::min(dashes, word.text.size()), equals - dashes);
    std::replace(name.begin(), name.end(), '_', '-');
    GivenFlag given{word.text.substr(0, equals), {}, word.place, false};
    if (equals != std::string::npos) given.values.push_back(word.text.substr(equals + 1));
    bool expands = word.expands;

    const KnownFlag* known = find(name);
    if (known == nullptr && name.starts_with("no-")) {
      known = find(name.substr(3));
      given.negated = known != nullptr;
    }
    const std::string base = name.substr(0, name.find('.'));
    if (known == nullptr && base != name) known = dotted(base);
    if (known == nullptr && word.text.starts_with("-O")) {  // -O3, -O.key=value
      known = find("O");
      if (known != nullptr) given.values = {word.text.substr(2)};
    }
    take_values(known, given, expands);
    if (known == nullptr) return unknown(name, given);
    if (known->idle) {
      line_.idle.push_back(given.written);
      return;
    }
    if (expands) {
      found_.error(given.place,
                   "`" + given.written + "` has a value that a shell would expand: " +
                       quote(given.values.empty() ? "" : given.values.front()),
                   "write the value itself; nothing is run here");
    }
    if (known->unmodelled != nullptr) return unmodelled(*known, given);
    if (known->takes == Takes::one && given.values.empty()) {
      found_.error(given.place, "`" + given.written + "` needs a value");
      return;
    }
    if (line_.flags.contains(known->name)) {
      found_.warning(given.place, "`" + given.written + "` is given twice: the last one counts");
    }
    line_.flags[known->name] = std::move(given);
  }

  /// `--flag.key value`: a part of a JSON value.
  const KnownFlag* dotted(const std::string& base) const {
    const KnownFlag* known = find(base);
    if (known == nullptr || known->idle) return known;
    static const KnownFlag part{"", Takes::one,
                                "parts of a JSON value are not put together: give "
                                "it as a whole"};
    return &part;
  }

  void take_values(const KnownFlag* known, GivenFlag& given, bool& expands) {
    const Takes takes = known == nullptr ? Takes::many : known->takes;
    if (given.negated || !given.values.empty()) return;
    while (at_ < words_.size() && !words_[at_].control && !is_flag(words_[at_])) {
      if (takes == Takes::truth && !is_truth(words_[at_].text)) return;
      given.values.push_back(words_[at_].text);
      expands = expands || words_[at_].expands;
      ++at_;
      if (takes != Takes::many || known == nullptr) return;
    }
  }

  void unknown(const std::string& name, const GivenFlag& given) {
    std::vector<std::string> names;
    for (const auto& [known, flag] : known_) names.push_back(known);
    const std::string nearest = nearest_name(name, names);
    std::string message = "`" + given.written + "` is not known, and left out";
    if (!given.values.empty()) message += " with " + quote(given.values.front());
    found_.warning(given.place, message,
                   nearest.empty() ? "" : "did you mean `--" + nearest + "`?");
    line_.left_out.push_back(given.written + ": not known.");
  }

  void unmodelled(const KnownFlag& flag, const GivenFlag& given) {
    const bool off = given.negated ||
                     (!given.values.empty() && equal_ignoring_case(given.values.front(), "false"));
    if (off && flag.takes != Takes::one) return;
    found_.warning(given.place,
                   "`" + given.written + "` is left out: " + std::string(flag.unmodelled));
    line_.left_out.push_back(given.written + ": " + flag.unmodelled + ".");
  }

  std::vector<ShellWord> words_;
  std::map<std::string, KnownFlag> known_;
  Diagnostics& found_;
  std::size_t at_ = 0;
  LaunchLine line_;
};

/// `1k` is 1,000 and `1K` is 1,024; nothing where the text is no such number.
std::optional<int64_t> human_number(const std::string& text) {
  static const std::map<char, double> units = {{'k', 1e3},    {'m', 1e6},    {'g', 1e9},
                                               {'K', 0x1p10}, {'M', 0x1p20}, {'G', 0x1p30}};
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc{}) return std::nullopt;
  if (stop != end) {
    const auto unit = units.find(*stop);
    if (stop + 1 != end || unit == units.end()) return std::nullopt;
    value *= unit->second;
  }
  if (!std::isfinite(value) || std::floor(value) != value || std::fabs(value) > 1e15) {
    return std::nullopt;
  }
  return static_cast<int64_t>(value);
}

}  // namespace

LaunchLine read_launch_line(std::string_view text, const std::string& file,
                            const EngineFlags& engine, Diagnostics& found) {
  found.add_source(file, std::string(text));
  std::vector<ShellWord> words = shell_words(text, file, found);
  if (words.empty()) found.error({file, 0, 0}, "no arguments are given");
  LaunchLine line = LineReader(std::move(words), engine, found).read();
  line.place = {file, 0, 0};
  return line;
}

const GivenFlag* LaunchValues::find(const std::string& name) const {
  const auto given = line_.flags.find(name);
  return given == line_.flags.end() ? nullptr : &given->second;
}

std::optional<std::string> LaunchValues::text(const std::string& name) const {
  const GivenFlag* given = find(name);
  if (given == nullptr || given->values.empty()) return std::nullopt;
  return given->values.front();
}

std::optional<Told<int64_t>> LaunchValues::whole(const std::string& name, int64_t lowest,
                                                 int64_t highest) {
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  const std::optional<int64_t> number = human_number(*value);
  if (number && *number >= lowest && *number <= highest) {
    return Told<int64_t>{*number, find(name)->written};
  }
  error(name, "must be a whole number from " + std::to_string(lowest) + " to " +
                  std::to_string(highest) + ", not " + quote(*value));
  return std::nullopt;
}

std::optional<Told<double>> LaunchValues::real(const std::string& name, double lowest,
                                               double highest) {
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  double number = 0;
  const char* end = value->data() + value->size();
  const auto [stop, fault] = std::from_chars(value->data(), end, number);
  if (fault == std::errc{} && stop == end && number >= lowest && number <= highest) {
    return Told<double>{number, find(name)->written};
  }
  error(name, "must be a number within its bounds, not " + quote(*value));
  return std::nullopt;
}

std::optional<Told<bool>> LaunchValues::truth(const std::string& name) {
  const GivenFlag* given = find(name);
  if (given == nullptr) return std::nullopt;
  const bool said = given->values.empty() || equal_ignoring_case(given->values.front(), "true");
  return Told<bool>{said != given->negated, given->written};
}

std::optional<Node> LaunchValues::json(const std::string& name) {
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  std::optional<Node> node = parse_json(*value, find(name)->written, found_);
  if (node && node->is_map()) return node;
  if (node) error(name, "must be a JSON object");
  return std::nullopt;
}

void LaunchValues::error(const std::string& name, const std::string& message,
                         const std::string& hint) {
  const GivenFlag* given = find(name);
  found_.error(given == nullptr ? line_.place : given->place,
               "`" + (given == nullptr ? "--" + name : given->written) + "` " + message, hint);
}

void LaunchValues::warning(const std::string& name, const std::string& message,
                           const std::string& hint) {
  const GivenFlag* given = find(name);
  found_.warning(given == nullptr ? line_.place : given->place,
                 "`" + (given == nullptr ? "--" + name : given->written) + "` " + message, hint);
}

}  // namespace tiercast::importers
